package lawtool

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// statistic is a table of counts as it would be sent.
type statistic struct {
	Connector string `json:"connector"`
	Route     string `json:"route"`
	Recipient string `json:"recipient"`
	// Counted and NotCounted are how many people the table is made of, and how many are left out, by rule.
	Counted    int            `json:"counted"`
	NotCounted map[string]int `json:"not_counted"`
	Groups     []group        `json:"groups"`
}

type group struct {
	Group  string `json:"group"`
	People string `json:"people,omitempty"`
	Hidden bool   `json:"hidden,omitempty"`
	name   rules.Text
}

func (t *tool) aggregateCommand() *cobra.Command {
	var reason, actor string
	var lang Language
	cmd := &cobra.Command{
		Use:   "aggregate CONNECTOR --reason TEXT",
		Short: "Show the table of counts that a connector of statistics would send now",
		Long: `Opens the gate of the connector's route, counts the people who may be counted, and prints the table as it would be sent: a number for each group, and
"hidden" where fewer people than the register's group_size stand behind it, or where the number would tell of such a group. Blocked people are in no number.
Nothing is sent, no value of a profile is read, and the look is an entry of the log. To send it: almasu run CONNECTOR.

Exit code 1: the law refuses the run.`,
		Example: "  almasu aggregate ministry-statistics --reason 'before the first report' --lang kk",
		Args:    Exactly(1, "one connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := lang.Check(cmd); err != nil {
				return err
			}
			if reason == "" {
				return Usage(cmd, "reason", "say why: --reason \"before the first report\"")
			}
			return t.aggregate(cmd.Context(), args[0], actor, reason, lang)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; for the log")
	cmd.Flags().StringVar(&actor, "as", t.User, "who looks")
	lang.Flag(cmd)
	return cmd
}

func (t *tool) aggregate(ctx context.Context, connector, actor, reason string, lang Language) error {
	v, err := t.Open(ctx, true)
	if err != nil {
		return err
	}
	defer v.Close()
	rt, err := routeOf(v.Register, connector)
	if err != nil {
		return err
	}
	c := legal.Case{Route: rt.ID, Now: t.Now(), Demo: v.Demo, Channel: v.Channel(connector)}
	if c.PublishedText, err = v.Published(); err != nil {
		return err
	}
	o := &decideOptions{connector: connector, lang: lang}
	g, run, err := t.gate(v.Register, rt, c, o)
	if err != nil {
		return err
	}
	if g == nil {
		t.Result(run)
		t.sayDecision(v.Register, run, o)
		t.Code(1)
		return nil
	}
	tally, err := g.Tally()
	if err != nil {
		return err
	}
	if _, err := v.Store.Append(ctx, t.Now(), &transferlog.Act{Actor: actor, Act: "aggregate.look", Object: "connector " + connector, Reason: reason}); err != nil {
		return t.Environment(err)
	}
	out := &statistic{Connector: connector, Route: rt.ID, Recipient: g.Recipient().ID, NotCounted: map[string]int{}, Groups: []group{}}
	if err := out.count(ctx, v, g, tally); err != nil {
		return t.Environment(err)
	}
	out.read(tally.Publish())
	t.Result(out)
	t.sayStatistic(out, lang)
	return nil
}

// count reads everybody and counts.
func (s *statistic) count(ctx context.Context, v *Service, g *legal.Gate, tally *legal.Tally) error {
	_, blocked, err := v.Store.Blocked(ctx)
	if err != nil {
		return err
	}
	ros, err := v.Roster()
	if err != nil {
		return err
	}
	stream, err := v.Source.Open(ctx, connectors.Query{Fields: g.Fields()})
	if err != nil {
		return err
	}
	defer stream.Close()
	const page = 2000
	left := map[uint16]int{}
	b := record.NewBatch(g.Fields(), page)
	for {
		err := stream.Next(ctx, b, page)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		stop(b, ros, blocked)
		tally.Count(b, func(_ int, situation uint16, counted bool) {
			if counted {
				s.Counted++
			} else {
				left[situation]++
			}
		})
	}
	for situation, n := range left {
		s.NotCounted[g.Explain(situation).Rule] += n
	}
	return nil
}

// stop marks whoever the service's own register of blocks stops.
func stop(b *record.Batch, ros *roster.Roster, blocked map[roster.Tag]struct{}) {
	if len(blocked) == 0 {
		return
	}
	for i := range b.Len() {
		p := b.Person(i)
		if _, hit := blocked[ros.TagOf(p.IIN)]; hit {
			p.Blocked = true
		}
	}
}

// read takes the rows of a table.
func (s *statistic) read(d *legal.Depersonalised) {
	for i := range d.Len() {
		value := func(column int) string {
			v, _ := d.Value(i, column)
			return string(v)
		}
		one := group{Group: value(0), People: value(1), Hidden: value(2) == "true"}
		if p, ok := kz.KATO().Lookup(one.Group); ok {
			one.name = rules.Text{KK: p.NameKK, RU: p.NameRU, EN: p.NameRU}
		}
		s.Groups = append(s.Groups, one)
	}
}

var statisticWords = map[string]rules.Text{
	"hidden":  {KK: "жасырын", RU: "скрыто", EN: "hidden"},
	"counted": {KK: "Есепке алынғаны: %d адам; алынбағаны: %d. Ештеңе жіберілген жоқ.", RU: "Учтено: %d человек; не учтено: %d. Ничего не отправлено.", EN: "Counted: %d people; left out: %d. Nothing was sent."},
	"left":    {KK: "  есепке алынбады, %s: %d", RU: "  не учтены, %s: %d", EN: "  left out, %s: %d"},
}

func (t *tool) sayStatistic(s *statistic, lang Language) {
	rows := [][]string{}
	for _, g := range s.Groups {
		n := g.People
		if g.Hidden {
			n = lang.Of(statisticWords["hidden"])
		}
		rows = append(rows, []string{g.Group, lang.Of(g.name), n})
	}
	t.Table(rows)
	total := 0
	for _, n := range s.NotCounted {
		total += n
	}
	t.Say(lang.Of(statisticWords["counted"]), s.Counted, total)
	for _, rule := range rules.All() {
		if n := s.NotCounted[rule.Name]; n > 0 {
			t.Say(lang.Of(statisticWords["left"]), rule.Name+" ("+lang.Of(rule.Text)+")", n)
		}
	}
}
