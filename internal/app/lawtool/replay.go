package lawtool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// replayReport is the answer of log replay.
type replayReport struct {
	// Messages and Parts count messages and refusing parts looked at; Same those whose decisions were made again to the same bytes.
	Messages int `json:"messages"`
	Parts    int `json:"parts"`
	Same     int `json:"same"`
	// People counts the decisions about people that these hold.
	People int `json:"people"`
	// Skipped could not be made again here; Differ were, and came out otherwise.
	Skipped []replayFinding `json:"skipped"`
	Differ  []replayFinding `json:"differ"`
}

// replayFinding is a message, or a part of a transfer, with what is wrong.
type replayFinding struct {
	Transfer string          `json:"transfer"`
	Message  string          `json:"message,omitempty"`
	Part     int             `json:"part,omitempty"`
	Problem  *record.Problem `json:"problem"`
}

func (t *tool) replayCommand() *cobra.Command {
	var only string
	var sample int
	var folders []string
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Make every stored decision again from what was stored, and compare the bytes",
		Long: `For each logged message: finds the register that its envelope pins, opens the gate of that moment again, decides every stored situation
again, and compares the table of situations, byte by byte, and each person's fields with the disclosure set whose digest the log holds. The people
that a transfer refused are compared likewise.

A decision is made again under the very register that it was made under. If the register has changed since, name the folder of the older one,
as often as needed: --register DIR. What cannot be made again is listed with the reason; what comes out otherwise is a finding (exit code 1).`,
		Example: "  almasu log replay --transfer 5f0c... --register archive/register-2026-08",
		Args:    Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if sample < 0 {
				return Usage(cmd, "sample", "--sample is a number of messages")
			}
			id, err := record.ParseID(only)
			if err != nil {
				return Usage(cmd, "transfer", "--transfer is the id of a transfer: 32 hexadecimal digits")
			}
			v, err := t.Open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer v.Close()
			r := &replay{ctx: cmd.Context(), v: v, only: id, report: &replayReport{Skipped: []replayFinding{}, Differ: []replayFinding{}}, runs: map[record.ID]*replayRun{}}
			if err := r.registers(folders); err != nil {
				return err
			}
			if err := r.all(sample); err != nil {
				return t.Environment(err)
			}
			return t.answerReplay(r.report)
		},
	}
	cmd.Flags().StringVar(&only, "transfer", "", "only the messages of this transfer")
	cmd.Flags().IntVar(&sample, "sample", 0, "only so many messages, spread evenly (0: all)")
	cmd.Flags().StringSliceVar(&folders, "register", nil, "the folder of a former register; may be repeated")
	return cmd
}

func (t *tool) answerReplay(r *replayReport) error {
	t.Result(r)
	for _, list := range []struct {
		word string
		of   []replayFinding
	}{{"NOT REPLAYED", r.Skipped}, {"DIFFERS", r.Differ}} {
		for _, f := range list.of {
			what := "message " + f.Message
			if f.Message == "" {
				what = fmt.Sprintf("refusals of part %d", f.Part)
			}
			t.Say("%s: transfer %s, %s: %s [%s]", list.word, f.Transfer, what, f.Problem.Message, f.Problem.Code)
			if f.Problem.Hint != "" {
				t.Say("  hint: %s", f.Problem.Hint)
			}
		}
	}
	t.Say("%d messages and %d sets of refusals looked at, with %d people: %d come out the same, %d differ, %d cannot be replayed here.", r.Messages, r.Parts, r.People, r.Same, len(r.Differ), len(r.Skipped))
	if len(r.Differ)+len(r.Skipped) > 0 {
		t.Code(1)
	}
	return nil
}

// replay is one replay under way.
type replay struct {
	ctx    context.Context
	v      *Service
	only   record.ID
	known  map[record.Digest]*legal.Register
	runs   map[record.ID]*replayRun
	report *replayReport
}

// replayRun is what is common to the messages of one decision of a transfer.
type replayRun struct {
	transfer *transfer.Report
	// sent and held are the fields, by place, that somebody was sent and that somebody was permitted and not sent: what a mapping does not
	// write is sent to nobody.
	sent, held uint64
	gates      map[record.Digest]*legal.Case // by decision
	tables     map[record.Digest]*legal.Gate // by digest of the table, replayed
	failed     map[record.Digest]*record.Problem
	refusals   bool
}

// registers loads the register in force and the former ones.
func (r *replay) registers(folders []string) error {
	r.known = map[record.Digest]*legal.Register{r.v.Register.Digest(): r.v.Register}
	var problems record.Problems
	for _, dir := range folders {
		if !isFolder(dir) {
			problems.Add("usage.register", dir, "", "the register's folder cannot be read")
			continue
		}
		reg, err := legal.Load(os.DirFS(dir))
		if err != nil {
			problems.Merge(within(err, dir), "register.unreadable", dir)
			continue
		}
		r.known[reg.Digest()] = reg
	}
	return problems.Err()
}

// all goes through the messages; a sample takes them at even distances.
func (r *replay) all(sample int) error {
	total := 0
	wanted := func(d *store.Disclosure) bool { return r.only.IsZero() || d.Transfer == r.only }
	if sample > 0 {
		err := r.v.Store.Disclosures(r.ctx, func(d store.Disclosure) error {
			if wanted(&d) {
				total++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	at, taken := 0, 0
	return r.v.Store.Disclosures(r.ctx, func(d store.Disclosure) error {
		if !wanted(&d) {
			return nil
		}
		at++
		if sample > 0 && sample < total && at*sample/total == taken {
			return nil
		}
		taken++
		return r.message(&d)
	})
}

func (r *replay) note(list *[]replayFinding, id record.ID, message record.ID, part int, err error) {
	var p *record.Problem
	if !errors.As(err, &p) {
		p = record.NewProblem("replay.failed", "", "", "%v", err)
	}
	*list = append(*list, replayFinding{Transfer: id.String(), Message: message.String(), Part: part, Problem: p})
}

// message makes the decisions of one message again. The error is the store's; what is wrong with the decisions is in the report.
func (r *replay) message(d *store.Disclosure) error {
	r.report.Messages++
	run, err := r.run(d.Transfer)
	if err != nil {
		return err
	}
	h, err := signing.ParseHeader(d.Header)
	if err != nil {
		r.note(&r.report.Differ, d.Transfer, d.Message, 0, err)
		return nil
	}
	if err := r.logged(d, &h); err != nil {
		r.note(&r.report.Differ, d.Transfer, d.Message, 0, err)
		return nil
	}
	g, err := r.gateOf(run, &h, d.Set.Situations())
	if err != nil {
		list := &r.report.Skipped
		if code := record.CodeOf(err); code == "legal.replay_differs" || code == "replay.table_damaged" {
			list = &r.report.Differ
		}
		r.note(list, d.Transfer, d.Message, 0, err)
		return nil
	}
	set, err := d.Set.Disclosed()
	if err == nil {
		err = r.disclosed(run, g, &h, set)
	}
	if err != nil {
		r.note(&r.report.Differ, d.Transfer, d.Message, 0, err)
		return nil
	}
	r.report.Same++
	if run.refusals {
		return nil
	}
	run.refusals = true
	return r.refusals(run, d.Transfer, &h)
}

// run returns what is known of a transfer.
func (r *replay) run(id record.ID) (*replayRun, error) {
	if run, ok := r.runs[id]; ok {
		return run, nil
	}
	report, err := r.v.Store.Transfer(r.ctx, id)
	if err != nil {
		return nil, err
	}
	run := &replayRun{transfer: report, gates: map[record.Digest]*legal.Case{}, tables: map[record.Digest]*legal.Gate{}, failed: map[record.Digest]*record.Problem{}}
	r.runs[id] = run
	return run, nil
}

// logged compares what the log says of a message with its header and its set.
func (r *replay) logged(d *store.Disclosure, h *signing.Header) error {
	entries, err := r.v.Store.Entries(r.ctx, d.Intent, 1)
	if err != nil {
		return err
	}
	if len(entries) != 1 {
		return record.NewProblem("replay.no_intent", "", "see: almasu log verify", "the log has no entry %d", d.Intent)
	}
	e, err := transferlog.Decode(entries[0])
	if err != nil {
		return err
	}
	intent, ok := e.(*transferlog.Intent)
	same := ok && intent.Message == d.Message && intent.Decision == h.Decision && intent.Register == h.Register && intent.Disclosure == d.Set.Digest() && slices.Equal(intent.Fields, h.Fields)
	if !same {
		return record.NewProblem("replay.log_differs", "", "see: almasu log verify", "entry %d of the log says something else than the stored message", d.Intent)
	}
	return nil
}

// gateOf replays a table of situations under the register and the case of a message, once for each table.
func (r *replay) gateOf(run *replayRun, h *signing.Header, table record.Digest) (*legal.Gate, error) {
	if g, ok := run.tables[table]; ok {
		return g, nil
	}
	if p, ok := run.failed[table]; ok {
		return nil, p
	}
	g, err := r.replayTable(run, h, table)
	if err != nil {
		var p *record.Problem
		if !errors.As(err, &p) {
			return nil, err
		}
		run.failed[table] = p
		return nil, p
	}
	run.tables[table] = g
	return g, nil
}

func (r *replay) replayTable(run *replayRun, h *signing.Header, digest record.Digest) (*legal.Gate, error) {
	reg, ok := r.known[h.Register]
	if !ok {
		return nil, record.NewProblem("replay.other_register", "", "fetch the register of that day from its archive and name its folder: --register DIR",
			"the register has changed since: this was decided under %s, the register here is %s", h.Register, r.v.Register.Digest())
	}
	table, err := r.v.Store.Situations(r.ctx, digest)
	if err == nil && record.DigestOf(table) != digest {
		err = record.NewProblem("replay.table_damaged", "", "restore the store from a backup", "the stored table of situations is not the one that the set names")
	}
	if err != nil {
		return nil, err
	}
	c, err := r.caseOf(reg, run, h)
	if err != nil {
		return nil, err
	}
	return reg.Replay(*c, table)
}

// caseOf finds the case that a decision was made on, once for each decision.
func (r *replay) caseOf(reg *legal.Register, run *replayRun, h *signing.Header) (*legal.Case, error) {
	if c, ok := run.gates[h.Decision]; ok {
		return c, nil
	}
	rt := reg.Route(h.Route)
	if rt == nil {
		return nil, record.NewProblem("replay.no_route", "", "", "the register has no route %s", h.Route)
	}
	c := legal.Case{Route: rt.ID, Now: run.transfer.Started, Channel: rt.Channel}
	if id := run.transfer.Request; id != "" {
		var err error
		if c.Request, err = r.v.Request(r.ctx, id); err != nil {
			return nil, err
		}
	}
	published, err := r.v.Published()
	if err != nil {
		return nil, err
	}
	texts := []record.Digest{{}, published}
	if p := reg.PolicyAt(register.At(c.Now)); p != nil {
		texts = append(texts, p.TextDigest)
	}
	for _, c.PublishedText = range texts {
		for _, c.Demo = range []bool{r.v.Demo, !r.v.Demo} {
			if at, ok := momentOf(reg, c, h.Decision, h.Sealed); ok {
				c.Now = at
				run.gates[h.Decision] = &c
				return &c, nil
			}
		}
	}
	return nil, record.NewProblem("replay.moment_unknown", "", "the run was interrupted and taken up again, or the request was changed", "the moment of the decision is not known: none within %s of the transfer's beginning gives its digest", momentWindow)
}

// momentWindow is how long after its beginning a transfer's gate may have been opened for the moment to be found.
const momentWindow = 250 * time.Millisecond

// momentOf finds the microsecond, from c.Now on and not after the message was sealed, at which the case gives the decision's digest. The
// record of a decision says its moment, and within the window nothing else in it changes, so only its text is put in.
func momentOf(reg *legal.Register, c legal.Case, decision record.Digest, sealed time.Time) (time.Time, bool) {
	g, err := reg.Gate(c)
	if err != nil {
		return time.Time{}, false
	}
	if g.Decision() == decision {
		return c.Now, true
	}
	mark := append([]byte(`"now":"`), register.At(c.Now).String()...)
	text := g.Record()
	at := bytes.Index(text, mark)
	if at < 0 {
		return time.Time{}, false
	}
	head := append([]byte("almasu-decision/v1\n"), text[:at+len(`"now":"`)]...)
	tail := text[at+len(mark):]
	last := c.Now.Add(momentWindow)
	if sealed.Before(last) {
		last = sealed
	}
	buf := make([]byte, 0, len(text)+64)
	for now := c.Now.Add(time.Microsecond); !now.After(last); now = now.Add(time.Microsecond) {
		buf = append(append(append(buf[:0], head...), register.At(now).String()...), tail...)
		if sha256.Sum256(buf) == decision {
			return now, true
		}
	}
	return time.Time{}, false
}

// disclosed compares a disclosure set with the replayed decisions: nobody was sent more than the decision permits, and a permitted field
// stayed behind only where it did for everybody, because the mapping does not write it.
func (r *replay) disclosed(run *replayRun, g *legal.Gate, h *signing.Header, set *transferlog.DisclosureSet) error {
	if !slices.Equal(g.Fields(), h.Fields) {
		return record.NewProblem("replay.fields_differ", "", "", "the message may hold other fields than the decision permits")
	}
	people := 0
	for _, group := range set.Groups() {
		x := g.Explain(group.Situation)
		var permitted uint64
		for _, f := range x.Fields {
			permitted |= 1 << uint(slices.Index(h.Fields, f))
		}
		run.sent |= group.Mask
		run.held |= permitted &^ group.Mask
		if !x.Allowed || group.Mask&^permitted != 0 || run.sent&run.held != 0 {
			return record.NewProblem("replay.decision_differs", "", "", "%d people of situation %d were not sent what the decision permits", len(group.People), group.Situation)
		}
		people += len(group.People)
	}
	if people != h.Records {
		return record.NewProblem("replay.people_differ", "", "", "the set names %d people, the message holds %d records", people, h.Records)
	}
	r.report.People += people
	return nil
}

// refusals compares the people whom a transfer refused with the replayed decisions.
func (r *replay) refusals(run *replayRun, id record.ID, h *signing.Header) error {
	return r.v.Store.RefusalSets(r.ctx, id, func(part int, stored transfer.Set) error {
		r.report.Parts++
		g, err := r.gateOf(run, h, stored.Situations())
		if err != nil {
			r.note(&r.report.Skipped, id, record.ID{}, part, err)
			return nil
		}
		set, err := transferlog.ParseRefusalSet(stored.Encoded())
		if err != nil {
			r.note(&r.report.Differ, id, record.ID{}, part, err)
			return nil
		}
		for _, group := range set.Groups() {
			if x := g.Explain(group.Situation); x.Allowed || x.Rule == "" {
				r.note(&r.report.Differ, id, record.ID{}, part, record.NewProblem("replay.decision_differs", "", "", "%d people of situation %d were refused; the decision refuses nobody of it", len(group.People), group.Situation))
				return nil
			}
			r.report.People += len(group.People)
		}
		r.report.Same++
		return nil
	})
}
