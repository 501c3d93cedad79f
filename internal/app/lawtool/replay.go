package lawtool

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/legal"
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
			r := &replay{redecider: newRedecider(cmd.Context(), v), only: id, runs: map[record.ID]*replayRun{}, report: &replayReport{Skipped: []replayFinding{}, Differ: []replayFinding{}}}
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
			switch {
			case f.Message == "" && f.Part == 0:
				what = "refusals"
			case f.Message == "":
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
	redecider
	only   record.ID
	runs   map[record.ID]*replayRun
	report *replayReport
}

// replayRun is what is common to the messages of one transfer.
type replayRun struct {
	*transfer.Report
	// sent and held are the fields, by place, that somebody was sent and that somebody was permitted and not sent: what a mapping does not
	// write is sent to nobody.
	sent, held uint64
}

// all goes through the messages; a sample takes them at even distances. Then it goes through the refusals of the transfers that it met, or without a
// sample of all.
func (r *replay) all(sample int) error {
	total := 0
	wanted := func(id record.ID) bool { return r.only.IsZero() || id == r.only }
	if sample > 0 {
		err := r.v.Store.Disclosures(r.ctx, func(d store.Disclosure) error {
			if wanted(d.Transfer) {
				total++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	at, taken := 0, 0
	err := r.v.Store.Disclosures(r.ctx, func(d store.Disclosure) error {
		if !wanted(d.Transfer) {
			return nil
		}
		at++
		if sample > 0 && sample < total && at*sample/total == taken {
			return nil
		}
		taken++
		return r.message(&d)
	})
	if err != nil {
		return err
	}
	logged, err := r.loggedRefusals()
	if err != nil {
		return err
	}
	reports, err := r.v.Store.Transfers(r.ctx, "", math.MaxInt32)
	if err != nil {
		return err
	}
	for _, report := range reports {
		if _, met := r.runs[report.ID]; !wanted(report.ID) || sample > 0 && !met {
			continue
		}
		if err := r.refusals(report, logged[report.ID]); err != nil {
			return err
		}
	}
	return nil
}

// note puts a finding where it belongs: what could not be decided again is skipped, all else differs. An error that is no finding is returned.
func (r *replay) note(id record.ID, message record.ID, part int, err error) error {
	var p *record.Problem
	if !errors.As(err, &p) {
		return err
	}
	list := &r.report.Differ
	if slices.Contains(notReplayed, p.Code) {
		list = &r.report.Skipped
	}
	*list = append(*list, replayFinding{Transfer: id.String(), Message: message.String(), Part: part, Problem: p})
	return nil
}

// message makes the decisions of one message again. The error is the store's; what is wrong with the decisions is in the report.
func (r *replay) message(d *store.Disclosure) error {
	r.report.Messages++
	run, ok := r.runs[d.Transfer]
	if !ok {
		report, err := r.v.Store.Transfer(r.ctx, d.Transfer)
		if err != nil {
			return err
		}
		run = &replayRun{Report: report}
		r.runs[d.Transfer] = run
	}
	people, err := r.judge(run, d)
	if err != nil {
		return r.note(d.Transfer, d.Message, 0, err)
	}
	r.report.People += people
	r.report.Same++
	return nil
}

// judge compares a message with what the log says of it and with the decisions made again, and returns how many people it held.
func (r *replay) judge(run *replayRun, d *store.Disclosure) (int, error) {
	h, err := signing.ParseHeader(d.Header)
	if err != nil {
		return 0, err
	}
	if err := r.logged(d, &h); err != nil {
		return 0, err
	}
	g, err := r.gate(run.Report, d.Set.Situations())
	if err != nil {
		return 0, err
	}
	if g.Decision() != h.Decision || g.RegisterDigest() != h.Register {
		return 0, record.NewProblem("replay.log_differs", "", "", "the situations were decided under another decision than the envelope names")
	}
	set, err := d.Set.Disclosed()
	if err != nil {
		return 0, err
	}
	return run.disclosed(g, &h, set)
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
	same := ok && intent.Message == d.Message && intent.Envelope == record.DigestOf(d.Header) && intent.Decision == h.Decision && intent.Register == h.Register &&
		intent.Disclosure == d.Set.Digest() && slices.Equal(intent.Fields, h.Fields)
	if !same {
		return record.NewProblem("replay.log_differs", "", "see: almasu log verify", "entry %d of the log says something else than the stored message", d.Intent)
	}
	return nil
}

// disclosed compares a disclosure set with the decisions made again: nobody was sent more than the decision permits (on a route of statistics, nothing), and a permitted field
// stayed behind only where it did for everybody, because the mapping does not write it.
func (run *replayRun) disclosed(g *legal.Gate, h *signing.Header, set *transferlog.DisclosureSet) (people int, err error) {
	if h.Operation == signing.OperationNotice {
		return told(g, h, set)
	}
	if !slices.Equal(g.Columns(), h.Fields) {
		return 0, record.NewProblem("replay.fields_differ", "", "", "the message may hold other fields than the decision permits")
	}
	for _, group := range set.Groups() {
		x := g.Explain(group.Situation)
		var permitted uint64
		for _, f := range x.Fields {
			permitted |= 1 << uint(slices.Index(h.Fields, f))
		}
		run.sent |= group.Mask
		run.held |= permitted &^ group.Mask
		if !x.Allowed || group.Mask&^permitted != 0 || run.sent&run.held != 0 {
			return 0, record.NewProblem("replay.decision_differs", "", "", "%d people of situation %d were not sent what the decision permits", len(group.People), group.Situation)
		}
		people += len(group.People)
	}
	if people != h.Records && !g.Counts() { // a table has a record for each group
		return 0, record.NewProblem("replay.people_differ", "", "", "the set names %d people, the message holds %d records", people, h.Records)
	}
	return people, nil
}

// told is disclosed for a notice to an earlier recipient, which says new values of some fields only: none that the decision does not permit.
func told(g *legal.Gate, h *signing.Header, set *transferlog.DisclosureSet) (people int, err error) {
	for _, group := range set.Groups() {
		x := g.Explain(group.Situation)
		for i, f := range h.Fields {
			if group.Mask>>uint(i)&1 == 1 && !slices.Contains(x.Fields, f) || !x.Allowed {
				return 0, record.NewProblem("replay.decision_differs", "", "", "of %d people of situation %d a notice says what the decision does not permit", len(group.People), group.Situation)
			}
		}
		people += len(group.People)
	}
	if people > h.Records {
		return 0, record.NewProblem("replay.people_differ", "", "", "the set names %d people, the notice holds %d records", people, h.Records)
	}
	return people, nil
}

// loggedRefusals finds the digest of each transfer's refusal sets that the log holds last.
func (r *replay) loggedRefusals() (map[record.ID]record.Digest, error) {
	const page = 1000
	out := map[record.ID]record.Digest{}
	for from := int64(0); ; from += page {
		entries, err := r.v.Store.Entries(r.ctx, from, page)
		if err != nil {
			return nil, err
		}
		for _, b := range entries {
			e, err := transferlog.Decode(b)
			if err != nil {
				return nil, err
			}
			if refusals, ok := e.(*transferlog.Refusals); ok {
				out[refusals.Transfer] = refusals.Set
			}
		}
		if len(entries) < page {
			return out, nil
		}
	}
}

// refusals compares the people whom a transfer refused with the decisions made again, and their sets with the log.
func (r *replay) refusals(report *transfer.Report, logged record.Digest) error {
	var digests []byte
	err := r.v.Store.RefusalSets(r.ctx, report.ID, func(part int, stored transfer.Set) error {
		r.report.Parts++
		d := stored.Digest()
		digests = append(digests, d[:]...)
		people, err := r.refused(report, stored)
		if err != nil {
			return r.note(report.ID, record.ID{}, part, err)
		}
		r.report.People += people
		r.report.Same++
		return nil
	})
	if err == nil && !report.Finished.IsZero() && len(digests) > 0 && record.DigestOf(digests) != logged {
		return r.note(report.ID, record.ID{}, 0, record.NewProblem("replay.log_differs", "", "see: almasu log verify", "the log names other refusal sets than are stored"))
	}
	return err
}

func (r *replay) refused(report *transfer.Report, stored transfer.Set) (people int, err error) {
	g, err := r.gate(report, stored.Situations())
	if err != nil {
		return 0, err
	}
	set, err := transferlog.ParseRefusalSet(stored.Encoded())
	if err != nil {
		return 0, err
	}
	for _, group := range set.Groups() {
		if x := g.Explain(group.Situation); x.Allowed || x.Rule == "" {
			return 0, record.NewProblem("replay.decision_differs", "", "", "%d people of situation %d were refused; the decision refuses nobody of it", len(group.People), group.Situation)
		}
		people += len(group.People)
	}
	return people, nil
}
