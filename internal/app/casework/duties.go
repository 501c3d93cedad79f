package casework

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/calendar"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	acts "birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Commands returns the commands.
func Commands(env lawtool.Env) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.dutiesCommand(), t.claimCommand(), t.incidentCommand(), t.subjectCommand()}
}

// tool is one invocation.
type tool struct{ lawtool.Env }

// owed is a duty for people: one that was entered, or one that follows from a transfer or a block.
type owed struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Subject string    `json:"subject,omitempty"`
	About   string    `json:"about,omitempty"`
	Opened  time.Time `json:"opened"`
	Due     string    `json:"due"`
	Overdue bool      `json:"overdue"`
	Outcome string    `json:"outcome,omitempty"`
	Note    string    `json:"note,omitempty"`
	Source  string    `json:"source"`
	// Rule and Text say which rule it stands on and what is owed.
	Rule string `json:"rule"`
	Text string `json:"text"`

	due time.Time
}

// The ids of duties that follow from a transfer and from a block begin so.
const (
	notifyPrefix = "notify:"
	noticePrefix = "notice:"
	blockPrefix  = "block:"
)

func (t *tool) dutiesCommand() *cobra.Command {
	var until string
	var all bool
	var lang lawtool.Language
	cmd := &cobra.Command{
		Use:   "duties",
		Short: "What is owed to people and authorities by law, by the day that it is due",
		Long: `Lists what was entered with "duties open", "claim open" and "incident open", and what follows by itself: notices to subjects of transfers whose route
says so, notices and letters to recipients who were given what has changed or was unlawful, and checks of blocks that are not lifted. Terms count working days of the calendar of Kazakhstan, or calendar days, as the law says; a term runs from
the day after the event. Exit code 1: something is overdue.`,
		Args: lawtool.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := lang.Check(cmd); err != nil {
				return err
			}
			end := time.Time{}
			if until != "" {
				var err error
				if end, err = t.Moment(cmd, "until", until); err != nil {
					return err
				}
			}
			v, err := t.Open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer v.Close()
			list, err := t.owed(cmd.Context(), v, lang, all)
			if err != nil {
				return err
			}
			list = slices.DeleteFunc(list, func(o owed) bool { return !end.IsZero() && o.due.After(end) })
			t.answerDuties(list)
			return nil
		},
	}
	cmd.Flags().StringVar(&until, "until", "", "only what is due by this day")
	cmd.Flags().BoolVar(&all, "all", false, "also what is closed")
	lang.Flag(cmd)
	cmd.AddCommand(t.openDutyCommand(), t.closeDutyCommand())
	return cmd
}

func (t *tool) answerDuties(list []owed) {
	rows := [][]string{{"DUE", "STATE", "KIND", "WHAT", "RULE", "SUBJECT", "ABOUT", "NOTE", "ID"}}
	overdue := 0
	for _, o := range list {
		state := "open"
		switch {
		case o.Outcome != "":
			state = o.Outcome
		case o.Overdue:
			state, overdue = "OVERDUE", overdue+1
		}
		rows = append(rows, []string{o.Due, state, o.Kind, o.Text, o.Rule, o.Subject, o.About, o.Note, o.ID})
	}
	t.Table(rows)
	t.Say("%d duties, %d overdue.", len(list), overdue)
	if overdue > 0 {
		t.Code(1)
	}
	t.Result(map[string]any{"duties": list, "overdue": overdue})
}

// owed collects duties by the day that they are due.
func (t *tool) owed(ctx context.Context, v *lawtool.Service, lang lawtool.Language, all bool) ([]owed, error) {
	stored, err := v.Store.Duties(ctx, true)
	if err != nil {
		return nil, t.Environment(err)
	}
	follow, err := derived(ctx, v.Store, v.Register, stored)
	if err != nil {
		return nil, t.Environment(err)
	}
	list := []owed{}
	for _, d := range append(stored, follow...) {
		if d.Outcome != "" && !all {
			continue
		}
		term, _ := calendar.TermOf(d.Kind)
		o := owed{ID: d.ID, Kind: d.Kind, Subject: d.Subject, About: d.About, Opened: d.Opened, Due: d.Due.In(register.Zone).Format(time.DateOnly), Outcome: d.Outcome, Note: d.Note,
			Source: d.Source, Rule: term.Rule, Text: lang.Of(rules.Text{KK: term.KK, RU: term.RU, EN: term.EN}), due: d.Due}
		o.Overdue = d.Outcome == "" && calendar.Overdue(d.Due, t.Now())
		list = append(list, o)
	}
	slices.SortStableFunc(list, func(a, b owed) int { return a.due.Compare(b.due) })
	return list, nil
}

// Open returns the duties that are not closed: those that were entered, and those that follow from transfers and blocks.
func Open(ctx context.Context, s *store.Store, r *legal.Register) ([]store.Duty, error) {
	stored, err := s.Duties(ctx, true)
	if err != nil {
		return nil, err
	}
	follow, err := derived(ctx, s, r, stored)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(append(stored, follow...), func(d store.Duty) bool { return d.Outcome != "" }), nil
}

// derived are the duties that follow from transfers and blocks and were not closed.
func derived(ctx context.Context, s *store.Store, r *legal.Register, stored []store.Duty) ([]store.Duty, error) {
	var out []store.Duty
	closed := map[string]bool{}
	for _, d := range stored {
		closed[d.ID] = true
	}
	reports, err := s.Transfers(ctx, "", math.MaxInt32)
	if err != nil {
		return nil, err
	}
	told, _ := calendar.TermOf("notify_subject")
	for _, report := range reports {
		id := notifyPrefix + report.ID.String()
		rt := r.Route(report.Route)
		if rt == nil || !rt.NotifySubject || report.Totals.Delivered == 0 || closed[id] || report.Notice == string(acts.Withdraw) || report.Notice == string(acts.Destroy) {
			continue // a withdrawal and a demand to destroy give nothing of anybody
		}
		what := "people"
		if report.Notice != "" {
			what = "records"
		}
		due, err := calendar.Kazakhstan().Due(told, report.Started)
		if err != nil {
			return nil, err
		}
		out = append(out, store.Duty{ID: id, Kind: told.Code, About: "transfer " + report.ID.String(), Opened: report.Started, Due: due, Source: told.Source, Note: fmt.Sprintf("%d %s", report.Totals.Accepted, what)})
	}
	if out, err = noticesOwed(ctx, s, closed, out); err != nil {
		return nil, err
	}
	blocks, err := s.OpenBlocks(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		_, due, err := legal.Block{Requester: b.Requester, Received: b.Received}.From(calendar.Kazakhstan())
		if err != nil {
			return nil, err
		}
		term, _ := calendar.TermOf("unblock")
		out = append(out, store.Duty{ID: blockPrefix + b.ID, Kind: term.Code, Opened: b.Received, Due: due, Source: term.Source, Note: "asked by " + b.Requester})
	}
	return out, nil
}

// noticesOwed adds the notices to earlier recipients: open until the recipient's receipt is in, a letter until it is closed.
func noticesOwed(ctx context.Context, s *store.Store, closed map[string]bool, out []store.Duty) ([]store.Duty, error) {
	list, err := notices.All(ctx, s)
	if err != nil {
		return nil, err
	}
	for i := range list {
		n := &list[i]
		id := noticePrefix + n.Transfer.ID.String()
		if closed[id] {
			continue
		}
		term, _ := calendar.TermOf(notices.Term(n.Act))
		d := store.Duty{ID: id, Kind: term.Code, Subject: n.Subject, About: "transfer " + n.Transfer.ID.String(), Opened: n.Opened, Due: n.Due, Source: term.Source}
		switch {
		case n.Letter:
			d.About, d.Note = "", fmt.Sprintf("write to %s about %d records: almasu notify letter %s", n.Transfer.Recipient, len(n.Records), n.Transfer.ID)
		case n.Outcome == string(transfer.Delivered):
			d.Closed, d.Outcome = n.Settled, n.Outcome
		default:
			d.Note = fmt.Sprintf("%s to %s about %d records: %s", n.Act, n.Transfer.Recipient, len(n.Records), n.State())
		}
		out = append(out, d)
	}
	return out, nil
}

// matter is a duty about to be entered, from flags.
type matter struct {
	kind, iinFile, about, received, reason, actor string
	hold                                          bool
}

func (m *matter) flags(t *tool, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.received, "received", "", "when it was received, or found out (default now)")
	f.StringVar(&m.reason, "reason", "", "what it is, for the log: number and date of the letter; no personal data")
	f.StringVar(&m.actor, "as", t.User, "who enters it")
}

func (t *tool) openDutyCommand() *cobra.Command {
	var m matter
	var codes []string
	for _, term := range calendar.Terms() {
		codes = append(codes, term.Code)
	}
	cmd := &cobra.Command{
		Use: "open --kind KIND --reason TEXT", Short: "Enter a duty; its term begins", Args: lawtool.Exactly(0, "no arguments"),
		Long: "Kinds: " + strings.Join(codes, ", ") + ".",
		RunE: func(cmd *cobra.Command, _ []string) error { return t.enter(cmd, &m) },
	}
	cmd.Flags().StringVar(&m.kind, "kind", "", "what is owed")
	cmd.Flags().StringVar(&m.iinFile, "iin-file", "", "a file with the IIN of the person to whom it is owed")
	cmd.Flags().StringVar(&m.about, "about", "", "the id of a transfer or a message")
	m.flags(t, cmd)
	return cmd
}

// enter enters a duty with its log entry.
func (t *tool) enter(cmd *cobra.Command, m *matter) error {
	term, ok := calendar.TermOf(m.kind)
	received, err := t.Moment(cmd, "received", m.received)
	switch {
	case !ok:
		return lawtool.Usage(cmd, "kind", "no term is called %q", m.kind)
	case strings.TrimSpace(m.reason) == "":
		return lawtool.Usage(cmd, "reason", "say what it is: --reason; it goes into the log")
	case err != nil:
		return err
	case received.After(t.Now()):
		return lawtool.Usage(cmd, "received", "--received lies in the future")
	}
	var iin []byte
	if m.iinFile != "" || m.hold {
		if iin, err = t.ReadIIN(cmd, m.iinFile); err != nil {
			return err
		}
	}
	due, err := calendar.Kazakhstan().Due(term, received)
	if err != nil {
		return err
	}
	v, err := t.Open(cmd.Context(), false)
	if err != nil {
		return err
	}
	defer v.Close()
	if err := t.known(cmd.Context(), v, m.about); err != nil {
		return err
	}
	d := store.Duty{ID: record.NewID().String(), Kind: term.Code, About: m.about, Opened: received, Due: due, Note: m.reason, Source: term.Source}
	var hold *roster.Tag
	if iin != nil {
		ordinals, tag, err := t.who(cmd.Context(), v, iin)
		if err != nil {
			return err
		}
		d.Subject = lawtool.Joined(ordinals)
		if m.hold {
			hold = &tag
		}
	}
	act := &transferlog.Act{Actor: m.actor, Act: "duty.open", Object: dutyObject(&d), Reason: m.reason}
	if err := v.Store.OpenDuty(cmd.Context(), t.Now(), d, hold, act); err != nil {
		return t.Environment(err)
	}
	day := due.In(register.Zone).Format(time.DateOnly)
	t.Result(map[string]any{"id": d.ID, "kind": d.Kind, "due": day, "subject": d.Subject, "hold": hold != nil})
	t.Say("Entered %s as %s, due %s (%s).", d.Kind, d.ID, day, d.Source)
	if hold != nil {
		t.Say("The person's records are under a hold.")
	}
	if iin != nil && d.Subject == "" {
		t.Say("No transfer has ever read this person.")
	}
	return nil
}

// known demands that a transfer or a message has this id, if one is named.
func (t *tool) known(ctx context.Context, v *lawtool.Service, about string) error {
	if about == "" {
		return nil
	}
	unknown := record.NewProblem("duty.about", "", "see: almasu transfers, or a message's id in: almasu log show", "no transfer and no message has the id that --about names")
	id, err := record.ParseID(about)
	if err != nil {
		return unknown
	}
	_, err = v.Store.Transfer(ctx, id)
	if !errors.Is(err, store.ErrNoTransfer) {
		return err
	}
	found := false
	err = v.Store.Disclosures(ctx, func(d store.Disclosure) error {
		found = found || d.Message == id
		return nil
	})
	if err == nil && !found {
		return unknown
	}
	return err
}

func dutyObject(d *store.Duty) string {
	text := d.Kind + " " + d.ID
	if d.Subject != "" {
		text += " ordinals " + d.Subject
	}
	if d.About != "" {
		text += " about " + d.About
	}
	return text
}

// who finds a person's ordinals and pseudonym.
func (t *tool) who(ctx context.Context, v *lawtool.Service, iin []byte) ([]uint32, roster.Tag, error) {
	ros, err := v.Roster()
	if err != nil {
		return nil, roster.Tag{}, err
	}
	ordinals, err := ros.Find(ctx, iin)
	if err != nil {
		return nil, roster.Tag{}, t.Environment(err)
	}
	return ordinals, ros.TagOf(iin), nil
}

// closing is how a duty is closed, from flags.
type closing struct {
	outcome, reason, actor string
	// kind, if not empty, is the only kind that the command closes; keep leaves a hold in place.
	kind string
	keep bool
}

func (t *tool) closeDutyCommand() *cobra.Command {
	var c closing
	cmd := &cobra.Command{
		Use: "close ID --outcome WORD --reason TEXT", Short: "Close a duty with how it was met", Args: lawtool.Exactly(1, "the id of a duty"),
		RunE: func(cmd *cobra.Command, args []string) error { return t.finish(cmd, args[0], &c) },
	}
	c.flags(t, cmd, "done")
	return cmd
}

func (c *closing) flags(t *tool, cmd *cobra.Command, outcome string) {
	cmd.Flags().StringVar(&c.outcome, "outcome", outcome, "how it ended, in a word")
	cmd.Flags().StringVar(&c.reason, "reason", "", "number and date of the answer, for the log; no personal data")
	cmd.Flags().StringVar(&c.actor, "as", t.User, "who closes it")
}

// finish closes a duty with its log entry.
func (t *tool) finish(cmd *cobra.Command, id string, c *closing) error {
	if strings.TrimSpace(c.reason) == "" || strings.TrimSpace(c.outcome) == "" {
		return lawtool.Usage(cmd, "reason", "say how it was met: --outcome and --reason; they go into the log")
	}
	if strings.HasPrefix(id, blockPrefix) {
		return record.NewProblem("duty.block", id, "almasu unblock --iin-file FILE --outcome OUTCOME --reason TEXT", "the check of a block ends with unblocking")
	}
	ctx := cmd.Context()
	v, err := t.Open(ctx, false)
	if err != nil {
		return err
	}
	defer v.Close()
	unknown := record.NewProblem("duty.unknown", id, "see: almasu duties", "there is no open duty with this id")
	d, err := v.Store.Duty(ctx, id)
	fresh := errors.Is(err, store.ErrNoDuty)
	if fresh {
		follow, err := derived(ctx, v.Store, v.Register, nil)
		if err != nil {
			return t.Environment(err)
		}
		i := slices.IndexFunc(follow, func(x store.Duty) bool { return x.ID == id && x.Outcome == "" })
		if i < 0 {
			return unknown
		}
		d = follow[i]
	} else if err != nil {
		return t.Environment(err)
	}
	if c.kind != "" && d.Kind != c.kind {
		return unknown
	}
	act := &transferlog.Act{Actor: c.actor, Act: "duty.close", Object: dutyObject(&d), Reason: c.outcome + ": " + c.reason}
	if fresh {
		d.Closed, d.Outcome = t.Now(), c.outcome
		err = v.Store.OpenDuty(ctx, t.Now(), d, nil, act)
	} else {
		err = v.Store.CloseDuty(ctx, t.Now(), id, c.outcome, !c.keep, act)
	}
	if errors.Is(err, store.ErrNotOpen) {
		return unknown
	}
	if err != nil {
		return t.Environment(err)
	}
	t.Result(map[string]any{"id": id, "outcome": c.outcome})
	t.Say("Closed %s: %s.", id, c.outcome)
	return nil
}
