package casework

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/calendar"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/store/retention"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault/period"
)

// subjectFile is a person's file: what was given of them, to whom, and why; and what was refused. It names fields and holds no value.
type subjectFile struct {
	At      time.Time        `json:"at"`
	Given   []subjectGiven   `json:"given"`
	Refused []subjectRefused `json:"refused"`
	Notices []subjectNotice  `json:"notices"`
	Duties  []subjectDuty    `json:"duties"`
	Blocked bool             `json:"blocked"`
	// GivenUntil and RefusedUntil say up to when lists of people are no longer kept, if some are not.
	GivenUntil   *time.Time     `json:"given_destroyed_until,omitempty"`
	RefusedUntil *time.Time     `json:"refused_destroyed_until,omitempty"`
	Held         bool           `json:"held"`
	Operator     noticeOperator `json:"operator"`
}

type subjectGiven struct {
	At        time.Time `json:"at"`
	Transfer  string    `json:"transfer"`
	Message   string    `json:"message"`
	Recipient string    `json:"recipient"`
	BIN       string    `json:"bin"`
	Fields    []string  `json:"fields"`
	Purpose   string    `json:"purpose"`
	Path      string    `json:"path"`
	Clause    string    `json:"clause"`
	Ground    string    `json:"ground"`
	Act       string    `json:"act"`
	Procedure string    `json:"procedure"`
	Outcome   string    `json:"outcome"`
	// Receipt is the digest of the recipient's signed receipt, Settled when it came.
	Receipt string     `json:"receipt,omitempty"`
	Settled *time.Time `json:"settled,omitempty"`
	Intent  int64      `json:"log_index"`
}

type subjectRefused struct {
	At        time.Time `json:"at"`
	Transfer  string    `json:"transfer"`
	Recipient string    `json:"recipient"`
	BIN       string    `json:"bin"`
	Rule      string    `json:"rule"`
	Why       string    `json:"why"`
	Text      string    `json:"text"`
}

// subjectNotice is a notice by which an earlier recipient was told what became of the person's records.
type subjectNotice struct {
	At        time.Time `json:"at"`
	ID        string    `json:"id"`
	Recipient string    `json:"recipient"`
	BIN       string    `json:"bin"`
	Act       string    `json:"act"`
	Rule      string    `json:"rule"`
	Records   int       `json:"records"`
	State     string    `json:"state"`
}

type subjectDuty struct {
	Kind    string    `json:"kind"`
	Text    string    `json:"text"`
	Opened  time.Time `json:"opened"`
	Due     string    `json:"due"`
	Outcome string    `json:"outcome,omitempty"`
}

type subjectOptions struct {
	iinFile, reason, actor, output string
	lang                           lawtool.Language
}

func (t *tool) subjectCommand() *cobra.Command {
	var o subjectOptions
	cmd := &cobra.Command{
		Use: "subject-file --iin-file FILE --lang kk|ru|en --reason TEXT", Short: "Write a person's file: everything that was given of them, to whom and why, and what was refused",
		Long: `Answers a person's request for information (94-V art. 24, 25; policy 8.2) in Kazakh, Russian or English: every message that held them, with the recipient's
name, the fields, the purpose, the basis with the act's title, and the receipt; every transfer that refused them, with the rule; open claims and requests. Fields
are named; no value is read or written. The look-up is an entry of the log. Due within three working days: see almasu duties.`,
		Args: lawtool.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return t.subject(cmd, &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.iinFile, "iin-file", "", "a file with the person's IIN")
	f.StringVar(&o.reason, "reason", "", "why you look: number and date of the request")
	f.StringVar(&o.actor, "as", t.User, "who looks")
	f.StringVarP(&o.output, "output", "o", "", "write into this file, which must not exist (default: standard output)")
	o.lang.Flag(cmd)
	return cmd
}

func (t *tool) subject(cmd *cobra.Command, o *subjectOptions) error {
	if err := o.lang.Check(cmd); err != nil {
		return err
	}
	if strings.TrimSpace(o.reason) == "" {
		return lawtool.Usage(cmd, "reason", "say why: --reason; it goes into the log")
	}
	iin, err := t.ReadIIN(cmd, o.iinFile)
	if err != nil {
		return err
	}
	v, err := t.Open(cmd.Context(), false)
	if err != nil {
		return err
	}
	defer v.Close()
	file, err := t.collect(cmd.Context(), v, iin, o)
	if err != nil {
		return err
	}
	t.Result(file)
	var text bytes.Buffer
	file.write(&text, v.Register, o.lang)
	if o.output == "" {
		t.Say("%s", strings.TrimSuffix(text.String(), "\n"))
		return nil
	}
	out, err := os.OpenFile(o.output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return t.Environment(err)
	}
	_, err = out.Write(text.Bytes())
	if err := errors.Join(err, out.Close()); err != nil {
		return t.Environment(err)
	}
	t.Say("Written to %s: %d messages, %d refusals.", o.output, len(file.Given), len(file.Refused))
	return nil
}

// collect logs the look-up, and gathers the file.
func (t *tool) collect(ctx context.Context, v *lawtool.Service, iin []byte, o *subjectOptions) (*subjectFile, error) {
	ordinals, tag, err := t.who(ctx, v, iin)
	if err != nil {
		return nil, err
	}
	op := &v.Register.Operator
	file := &subjectFile{At: t.Now(), Given: []subjectGiven{}, Refused: []subjectRefused{}, Notices: []subjectNotice{}, Duties: []subjectDuty{},
		Operator: noticeOperator{BIN: op.BIN, NameKK: op.NameKK, NameRU: op.NameRU, Contact: op.Contact}}
	g := &gathering{ctx: ctx, v: v, ordinals: ordinals, lang: o.lang, file: file, tables: map[record.Digest][]situated{}}
	steps := []func() error{
		func() error {
			_, err := v.Store.Append(ctx, t.Now(), &transferlog.Act{Actor: o.actor, Act: "person.file", Object: "ordinals " + lawtool.Joined(ordinals), Reason: o.reason})
			return err
		},
		g.accounts,
		func() error { return v.Store.Disclosures(ctx, g.given) },
		g.refused,
		func() (err error) {
			if file.GivenUntil, err = destroyed(ctx, v, period.Disclosure); err == nil {
				file.RefusedUntil, err = destroyed(ctx, v, period.Refusal)
			}
			return err
		},
		g.notices,
		g.duties,
		func() error {
			_, blocked, err := v.Store.Blocked(ctx)
			_, file.Blocked = blocked[tag]
			return err
		},
		func() error {
			held, err := v.Store.Held(ctx)
			_, file.Held = held[tag]
			return err
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, t.Environment(err)
		}
	}
	return file, nil
}

// destroyed says up to when lists of a class are no longer kept, nil if all are.
func destroyed(ctx context.Context, v *lawtool.Service, class string) (*time.Time, error) {
	until, err := retention.Destroyed(ctx, v.Store, class)
	if err != nil || until.IsZero() {
		return nil, err
	}
	return &until, nil
}

// gathering is a file under way.
type gathering struct {
	ctx      context.Context
	v        *lawtool.Service
	ordinals []uint32
	lang     lawtool.Language
	file     *subjectFile
	reports  []*transfer.Report
	byID     map[record.ID]*transfer.Report
	tables   map[record.Digest][]situated
}

// accounts reads the accounts of all transfers, oldest first.
func (g *gathering) accounts() error {
	var err error
	if g.reports, err = g.v.Store.Transfers(g.ctx, "", math.MaxInt32); err != nil {
		return err
	}
	slices.Reverse(g.reports)
	g.byID = make(map[record.ID]*transfer.Report, len(g.reports))
	for _, r := range g.reports {
		g.byID[r.ID] = r
	}
	return nil
}

// given adds a message if it held the person.
func (g *gathering) given(d store.Disclosure) error {
	set, err := d.Set.Disclosed()
	if err != nil {
		return err
	}
	var group transferlog.Group
	held := false
	for _, o := range g.ordinals {
		if x, ok := set.Find(o); ok {
			group, held = x, true
		}
	}
	if !held {
		return nil
	}
	h, err := signing.ParseHeader(d.Header)
	if err != nil {
		return err
	}
	report, ok := g.byID[d.Transfer]
	if !ok {
		return store.ErrNoTransfer
	}
	settled, err := g.v.Store.Settled(g.ctx, d.Message)
	if err != nil {
		return err
	}
	one := subjectGiven{
		At: record.Instant(d.Logged), Transfer: d.Transfer.String(), Message: d.Message.String(), BIN: d.Recipient, Recipient: recipientName(g.v, d.Recipient, g.lang),
		Fields: transferlog.Masked(h.Fields, group.Mask), Purpose: purposeName(g.v.Register, h.Purpose, g.lang), Path: h.Path, Clause: h.Clause, Ground: h.Ground,
		Act: g.lang.Of(rules.Text{KK: report.Basis.TitleKK, RU: report.Basis.TitleRU, EN: report.Basis.TitleRU}), Procedure: report.Basis.Procedure,
		Outcome: orPending(settled.Outcome), Receipt: settled.Receipt.String(), Intent: d.Intent,
	}
	if !settled.At.IsZero() {
		one.Settled = &settled.At
	}
	g.file.Given = append(g.file.Given, one)
	return nil
}

func purposeName(r *legal.Register, code string, lang lawtool.Language) string {
	if p := r.Purpose(code); p != nil {
		return lang.Of(rules.Text{KK: p.KK, RU: p.RU, EN: p.EN})
	}
	return code
}

// situated is what a stored table says of a situation.
type situated struct {
	Rule string `json:"rule"`
	Why  string `json:"why"`
}

// refused adds the transfers that refused the person.
func (g *gathering) refused() error {
	for _, r := range g.reports {
		err := g.v.Store.RefusalSets(g.ctx, r.ID, func(_ int, stored transfer.Set) error {
			set, err := transferlog.ParseRefusalSet(stored.Encoded())
			if err != nil {
				return err
			}
			for _, o := range g.ordinals {
				group, ok := set.Find(o)
				if !ok {
					continue
				}
				why, err := g.why(stored.Situations(), group.Situation)
				if err != nil {
					return err
				}
				g.file.Refused = append(g.file.Refused, subjectRefused{At: r.Started, Transfer: r.ID.String(), BIN: r.Recipient, Recipient: recipientName(g.v, r.Recipient, g.lang),
					Rule: why.Rule, Why: why.Why, Text: g.lang.Of(rules.Reason(why.Why).Text())})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// why reads the rule that refused a situation from its stored table.
func (g *gathering) why(digest record.Digest, situation uint16) (situated, error) {
	list, ok := g.tables[digest]
	if !ok {
		body, err := g.v.Store.Situations(g.ctx, digest)
		if err != nil {
			return situated{}, err
		}
		var table struct {
			Situations []situated `json:"situations"`
		}
		if err := json.Unmarshal(body, &table); err != nil {
			return situated{}, fmt.Errorf("reading a table of situations: %w", err)
		}
		list = table.Situations
		g.tables[digest] = list
	}
	if int(situation) >= len(list) {
		return situated{}, record.NewProblem("subject.situation", "", "see: almasu log replay", "a stored table of situations lacks situation %d", situation)
	}
	return list[situation], nil
}

// notices adds what earlier recipients were told.
func (g *gathering) notices() error {
	list, err := notices.About(g.ctx, g.v.Store, g.ordinals)
	for i := range list {
		n := &list[i]
		g.file.Notices = append(g.file.Notices, subjectNotice{At: n.Opened, ID: n.Transfer.ID.String(), BIN: n.Transfer.Recipient, Recipient: recipientName(g.v, n.Transfer.Recipient, g.lang),
			Act: string(n.Act), Rule: n.Rule, Records: len(n.Records), State: n.State()})
	}
	return err
}

// duties adds what is or was owed to the person.
func (g *gathering) duties() error {
	list, err := g.v.Store.Duties(g.ctx, true)
	if err != nil {
		return err
	}
	for _, d := range list {
		if !slices.ContainsFunc(strings.Split(d.Subject, ","), func(word string) bool {
			return slices.ContainsFunc(g.ordinals, func(o uint32) bool { return word == lawtool.Joined([]uint32{o}) })
		}) {
			continue
		}
		term, _ := calendar.TermOf(d.Kind)
		g.file.Duties = append(g.file.Duties, subjectDuty{Kind: d.Kind, Text: g.lang.Of(rules.Text{KK: term.KK, RU: term.RU, EN: term.EN}), Opened: d.Opened,
			Due: d.Due.In(register.Zone).Format(time.DateOnly), Outcome: d.Outcome})
	}
	return nil
}

// write writes the file for the person.
func (f *subjectFile) write(w io.Writer, r *legal.Register, lang lawtool.Language) {
	say := func(key string, args ...any) { fmt.Fprintf(w, subjectWords[key][lang]+"\n", args...) }
	when := func(at time.Time) string { return at.In(register.Zone).Format("2006-01-02 15:04:05 -07:00") }
	say("title", when(f.At))
	say("operator", lang.Of(rules.Text{KK: f.Operator.NameKK, RU: f.Operator.NameRU, EN: f.Operator.NameRU}), f.Operator.BIN, f.Operator.Contact)
	say("given", len(f.Given))
	for i, g := range f.Given {
		fmt.Fprintf(w, "\n%d. %s\n", i+1, when(g.At))
		say("recipient", g.Recipient, g.BIN)
		names := make([]string, len(g.Fields))
		for j, field := range g.Fields {
			names[j] = lang.Field(r, field)
		}
		say("fields", strings.Join(names, ", "))
		say("purpose", g.Purpose)
		say("basis", subjectWords["path_"+g.Path][lang], g.Clause, g.Ground, g.Act)
		say("procedure", g.Procedure)
		say("outcome", subjectWords["outcome_"+g.Outcome][lang])
		if g.Settled != nil && g.Receipt != "" {
			say("receipt", when(*g.Settled), g.Receipt)
		}
		say("log", g.Intent, g.Message)
	}
	fmt.Fprintln(w)
	say("refused", len(f.Refused))
	for _, x := range f.Refused {
		fmt.Fprintf(w, "- %s, %s (%s): %s, %s\n", when(x.At), x.Recipient, x.BIN, x.Rule, x.Text)
	}
	if f.GivenUntil != nil {
		say("given_destroyed", f.GivenUntil.Format(time.DateOnly))
	}
	if f.RefusedUntil != nil {
		say("refused_destroyed", f.RefusedUntil.Format(time.DateOnly))
	}
	for _, n := range f.Notices {
		say("notice_"+n.Act, when(n.At), n.Recipient, n.BIN, n.Records, n.Rule, subjectWords["outcome_"+n.State][lang])
	}
	if f.Blocked {
		say("blocked")
	}
	if f.Held {
		say("held")
	}
	for _, d := range f.Duties {
		state := d.Outcome
		if state == "" {
			state = "→ " + d.Due
		}
		fmt.Fprintf(w, "- %s: %s, %s\n", when(d.Opened), d.Text, state)
	}
	say("end")
}
