package tell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transfer/telling"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// delivery is a message that was delivered and held the person.
type delivery struct {
	telling.Record
	connector, route, recipient string
	sequence                    uint64
	at                          time.Time
	// index is -1 where the record's place is not known.
	held []string
}

// owed is what one recipient is owed over one connector.
type owed struct {
	// ID is set once the notice is entered.
	ID        string     `json:"id,omitempty"`
	Connector string     `json:"connector"`
	Route     string     `json:"route"`
	Recipient string     `json:"recipient"`
	BIN       string     `json:"bin"`
	Act       notice.Act `json:"act"`
	Rule      string     `json:"rule"`
	Why       string     `json:"why"`
	// Way is notice or letter; Clause is that of the agreement by which notices are taken.
	Way    string `json:"way"`
	Clause string `json:"clause,omitempty"`
	// Fields have changed; Values are those whose new value may be said as far as the run goes, or ValuesRule says why none may.
	Fields     []string     `json:"fields,omitempty"`
	Values     []string     `json:"values,omitempty"`
	ValuesRule string       `json:"values_rule,omitempty"`
	Due        string       `json:"due"`
	Records    []owedRecord `json:"records"`
	// Outcome is what became of it.
	Outcome string `json:"outcome,omitempty"`

	due     time.Time
	records []telling.Record
}

// owedRecord is a record at a recipient.
type owedRecord struct {
	Message  string    `json:"message"`
	Sequence uint64    `json:"sequence"`
	At       time.Time `json:"at"`
	// Index is the record's place in the message, -1 if it is not known.
	Index int `json:"index"`
}

// planner finds out what is owed about one person.
type planner struct {
	env       *lawtool.Env
	v         *lawtool.Service
	lang      lawtool.Language
	accounts  []roster.Account
	tag       roster.Tag
	published record.Digest
	// waiting counts messages that hold the person and have no outcome yet.
	waiting int
}

func (t *tool) planner(ctx context.Context, v *lawtool.Service, iin []byte, lang lawtool.Language) (*planner, error) {
	ros, err := v.Roster()
	if err != nil {
		return nil, err
	}
	p := &planner{env: &t.Env, v: v, lang: lang, tag: ros.TagOf(iin)}
	if p.accounts, err = ros.Accounts(ctx, map[roster.Tag]struct{}{p.tag: {}}); err != nil {
		return nil, t.Environment(err)
	}
	p.published, err = v.Published()
	return p, err
}

// ordinals are all that the person has had.
func (p *planner) ordinals() []uint32 {
	var out []uint32
	for _, a := range p.accounts {
		out = append(out, a.Ordinals...)
	}
	slices.Sort(out)
	return out
}

// deliveries finds what was delivered of the person.
func (p *planner) deliveries(ctx context.Context) ([]delivery, error) {
	ros, err := p.v.Roster()
	if err != nil {
		return nil, err
	}
	var out []delivery
	err = p.v.Store.Disclosures(ctx, func(d store.Disclosure) error {
		set, err := d.Set.Disclosed()
		if err != nil {
			return err
		}
		for _, a := range p.accounts {
			for _, ordinal := range a.Ordinals {
				group, ok := set.Find(ordinal)
				if !ok || group.Mask == 0 { // nothing of them, or a table in which they were counted
					continue
				}
				h, err := signing.ParseHeader(d.Header)
				if err != nil {
					return err
				}
				if h.Operation != signing.OperationProvide {
					continue
				}
				if d.Outcome == "" {
					p.waiting++
				}
				if d.Outcome != string(transfer.Delivered) {
					continue
				}
				order, err := ros.Order(ctx, d.AfterKey, d.LastKey, set.Contains)
				if err != nil {
					return err
				}
				one := delivery{connector: h.Connector, route: h.Route, recipient: d.Recipient, sequence: d.Sequence, at: record.Instant(d.Logged), held: transferlog.Masked(h.Fields, group.Mask),
					Record: telling.Record{Message: d.Message, Envelope: record.DigestOf(d.Header), Index: -1, Ordinal: ordinal, Key: a.Key, Before: a.Before}}
				if len(order) == h.Records && len(order) == set.Len() {
					one.Index = slices.Index(order, ordinal)
				}
				out = append(out, one)
			}
		}
		return nil
	})
	if err != nil {
		return nil, p.env.Environment(err)
	}
	return out, nil
}

// told says what was told, or is about to be, of each record: the strongest act by message and ordinal.
func (p *planner) told(ctx context.Context) (map[string]notice.Act, error) {
	list, err := notices.All(ctx, p.v.Store)
	if err != nil {
		return nil, p.env.Environment(err)
	}
	out := map[string]notice.Act{}
	for i := range list {
		n := &list[i]
		if n.Outcome != "" && n.Outcome != string(transfer.Delivered) {
			continue
		}
		for _, r := range n.Records {
			if key := recordKey(&r); n.Act.Over(out[key]) {
				out[key] = n.Act
			}
		}
	}
	return out, nil
}

func recordKey(r *telling.Record) string { return fmt.Sprintf("%s %d", r.Message, r.Ordinal) }

// open lists the deliveries of which an act has something to say.
func (p *planner) open(ctx context.Context, act notice.Act) ([]delivery, error) {
	all, err := p.deliveries(ctx)
	if err != nil {
		return nil, err
	}
	told, err := p.told(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(d delivery) bool { return !act.Over(told[recordKey(&d.Record)]) }), nil
}

// caseOf is the case of a route now.
func (p *planner) caseOf(route string) legal.Case {
	c := legal.Case{Route: route, Now: p.env.Now(), Demo: p.v.Demo, PublishedText: p.published}
	if rt := p.v.Register.Route(route); rt != nil {
		c.Channel = p.v.Channel(rt.Connector)
	}
	return c
}

// correct plans corrections of changed fields; without fields, of all that was held before the profile's last change.
func (p *planner) correct(ctx context.Context, fields []string) ([]*owed, error) {
	list, err := p.open(ctx, notice.Correct)
	if err != nil {
		return nil, err
	}
	changed := map[string]time.Time{}
	if len(fields) == 0 {
		people, err := p.read(ctx)
		if err != nil {
			return nil, err
		}
		for i := range people.Len() {
			changed[string(people.Person(i).Key)] = time.UnixMicro(people.Person(i).Updated)
		}
	}
	plan := grouping{p: p}
	for i := range list {
		d := &list[i]
		these := fields
		if len(fields) == 0 && d.at.Before(changed[string(d.Key)]) {
			these = d.held
		}
		for _, c := range p.v.Register.Corrections(these, []legal.Sent{{Transfer: d.Message.String(), Route: d.route, Fields: d.held, At: d.at}}, p.env.Now(), p.caseOf) {
			d.Fields = slices.DeleteFunc(slices.Clone(d.held), func(f string) bool { return !slices.Contains(these, f) })
			o := plan.of(d, notice.Correct, "UPD-2", "changed")
			o.ValuesRule = c.Rule
			for _, f := range d.Fields {
				if !slices.Contains(o.Fields, f) {
					o.Fields = append(o.Fields, f)
				}
				if slices.Contains(c.Fields, f) && !slices.Contains(o.Values, f) {
					o.Values = append(o.Values, f)
				}
			}
		}
	}
	return plan.list, nil
}

// destroy plans demands to destroy everything that was delivered.
func (p *planner) destroy(ctx context.Context) ([]*owed, error) {
	list, err := p.open(ctx, notice.Destroy)
	plan := grouping{p: p}
	for i := range list {
		plan.of(&list[i], notice.Destroy, "BLK-4", "unlawful")
	}
	return plan.list, err
}

// withdraw plans withdrawals where the law would not send the person today.
func (p *planner) withdraw(ctx context.Context) ([]*owed, error) {
	list, err := p.open(ctx, notice.Withdraw)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	people, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	plan := grouping{p: p}
	for i := range list {
		rule, why, lost := p.lost(&list[i], people)
		if lost {
			plan.of(&list[i], notice.Withdraw, rule, why)
		}
	}
	return plan.list, nil
}

// lost says by which rule a delivery would not be made today. A block is a check, and withdraws nothing.
func (p *planner) lost(d *delivery, people *record.Batch) (rule, why string, lost bool) {
	g, err := p.v.Register.Gate(p.caseOf(d.route))
	var refusal *legal.Refusal
	if errors.As(err, &refusal) {
		return refusal.Rule, refusal.Why, true
	}
	if err != nil {
		return "", "", false
	}
	row := -1
	for i := range people.Len() {
		if bytes.Equal(people.Person(i).Key, d.Key) {
			row = i
		}
	}
	if row < 0 {
		return "SUB-1", "no longer on the platform", true
	}
	b := record.NewBatch(g.Fields(), 1)
	b.Add(*people.Person(row), make([][]byte, len(g.Fields())))
	for _, c := range people.Consents(row) {
		b.AddConsent(c)
	}
	var out legal.Cleared
	g.Project(b, &out)
	if out.Len() > 0 || people.Person(row).Blocked {
		return "", "", false
	}
	x := g.Explain(out.Refused()[0].Situation)
	return x.Rule, x.Why, true
}

// read reads the person's decision data; no value of the profile is read. The error says that the read did not complete.
func (p *planner) read(ctx context.Context) (*record.Batch, error) {
	_, blocked, err := p.v.Store.Blocked(ctx)
	if err != nil {
		return nil, p.env.Environment(err)
	}
	_, stopped := blocked[p.tag]
	all := record.NewBatch([]string{}, len(p.accounts))
	for _, a := range p.accounts {
		if err := p.readAccount(ctx, &a, stopped, all); err != nil {
			return nil, p.env.Environment(fmt.Errorf("reading the platform: %w", err))
		}
	}
	return all, nil
}

func (p *planner) readAccount(ctx context.Context, a *roster.Account, stopped bool, all *record.Batch) error {
	s, err := p.v.Source.Open(ctx, connectors.Query{Fields: []string{}, Updated: true, After: a.Before, Through: a.Key})
	if err != nil {
		return err
	}
	defer s.Close()
	b := record.NewBatch([]string{}, 100)
	for {
		err := s.Next(ctx, b, 100)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range b.Len() {
			if bytes.Equal(b.Person(i).Key, a.Key) {
				b.Person(i).Blocked = b.Person(i).Blocked || stopped
				all.AddFrom(b, i)
			}
		}
	}
}
