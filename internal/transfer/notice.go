package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Notice is what one recipient is owed a notice of: the same act on records that it was handed over one connector. It holds no value; what a correction
// may say is decided when it is written.
type Notice struct {
	Act notice.Act `json:"act"`
	// Rule is the rule that the act stands on, Why a word for it.
	Rule string `json:"rule"`
	Why  string `json:"why"`
	// Records are at most [notice.Most].
	Records []NoticeRecord `json:"records"`
}

// NoticeRecord is a record that was delivered.
type NoticeRecord struct {
	// Message and Envelope (the digest of its header) name the message, Index the record's place in it.
	Message  record.ID     `json:"message"`
	Envelope record.Digest `json:"envelope"`
	Index    int           `json:"index"`
	// Ordinal is that under which the person was sent, Key the platform's key of their account, Before a key that lies before it, or nil.
	Ordinal uint32 `json:"ordinal"`
	Key     []byte `json:"key"`
	Before  []byte `json:"before,omitempty"`
	// Fields are what a correction is about: fields that have changed, and whose values the message held.
	Fields []string `json:"fields,omitempty"`
}

// About lists the messages that the notice is about, each once.
func (n *Notice) About() []record.ID {
	var out []record.ID
	for i := range n.Records {
		if !slices.Contains(out, n.Records[i].Message) {
			out = append(out, n.Records[i].Message)
		}
	}
	return out
}

// tell logs the notice, unless an earlier run has, and brings it to its end or leaves it waiting.
func (r *run) tell(ctx context.Context, left int) error {
	progress, err := r.engine.Ledger.Begin(ctx, r.report.Transfer)
	if err != nil {
		return fmt.Errorf("taking up the notice: %w", err)
	}
	if progress.Parts > 0 {
		return nil
	}
	if left >= window {
		return errStalled
	}
	var part *Part
	var work Work
	for {
		if part, work.Generation, err = r.compose(ctx); err != nil {
			return err
		}
		work.Parts = []*Part{part}
		if err = r.record(ctx, work); !errors.Is(err, ErrBlocksMoved) {
			break
		}
	}
	if err != nil {
		return err
	}
	s, err := r.send(ctx, newMessage(part.Intent, r.report.ID, r.engine.Now(), work.Generation))
	if err != nil || s == nil {
		return err
	}
	return r.record(ctx, Work{Settlements: s})
}

// present is what may be said of a person now.
type present struct {
	// record is theirs in the recipient's form; nil if there is none, and then rule and why say what stands against it.
	record    json.RawMessage
	rule, why string
	// mask has a bit for each of the gate's fields that may be said, situation is what that was decided in.
	mask      uint64
	situation uint16
	ordinal   uint32
}

// compose writes the notice as the law permits now, as of a generation of blocks.
func (r *run) compose(ctx context.Context) (*Part, int64, error) {
	n := r.order.Notice
	generation, blocked, err := r.engine.Blocks.Blocked(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the blocks: %w", err)
	}
	people := map[string]*present{}
	if n.Act == notice.Correct && r.gate != nil {
		if people, err = r.presents(ctx, blocked); err != nil {
			return nil, 0, err
		}
	}
	d := &notice.Document{Transfer: r.report.ID, Message: record.NewID()}
	gave := map[string]bool{}
	for i := range n.Records {
		if one := r.say(&n.Records[i], people[string(n.Records[i].Key)], gave); one != nil {
			d.Records = append(d.Records, *one)
		}
	}
	if len(d.Records) == 0 {
		return nil, 0, record.NewProblem("notice.no_place", "", "tell the recipient by letter, and close the duty", "the recipient's form has no place for the fields that have changed")
	}
	part, err := r.noticePart(d, people, gave)
	return part, generation, err
}

// say writes one record of a notice, or nil if the recipient's form has no place for what has changed; it adds the fields whose values it gives.
func (r *run) say(x *NoticeRecord, now *present, gave map[string]bool) *notice.Record {
	n := r.order.Notice
	out := &notice.Record{Message: x.Message, Envelope: x.Envelope, Index: x.Index, Act: n.Act, Rule: n.Rule, Why: n.Why}
	if n.Act != notice.Correct {
		return out
	}
	switch {
	case now == nil && r.refusal != nil:
		out.Rule, out.Why = r.refusal.Rule, r.refusal.Why
	case now == nil:
		out.Rule, out.Why = "SUB-1", "no longer on the platform"
	case now.record == nil:
		out.Rule, out.Why = now.rule, now.why
	}
	for _, l := range r.conn.Table.Lineage() {
		if !slices.ContainsFunc(l.Sources, func(f string) bool { return slices.Contains(x.Fields, f) }) {
			continue
		}
		p := notice.Place{At: l.Target}
		if now != nil && now.record != nil && !slices.ContainsFunc(l.Sources, func(f string) bool { return !r.may(now, f) }) {
			if v, ok := notice.Value(now.record, l.Target); ok {
				p.Value = v
			} else {
				p.Value = json.RawMessage("null")
			}
			for _, f := range l.Sources {
				gave[f] = true
			}
		}
		out.Places = append(out.Places, p)
	}
	if len(out.Places) == 0 {
		return nil
	}
	return out
}

// may reports whether a field may be said of a person.
func (r *run) may(p *present, field string) bool {
	i := slices.Index(r.gate.Fields(), field)
	return i >= 0 && p.mask>>uint(i)&1 == 1
}

// presents reads the people of the notice, decides about them, and writes their records in the recipient's form (I1).
func (r *run) presents(ctx context.Context, blocked map[roster.Tag]struct{}) (map[string]*present, error) {
	b, err := r.readAccounts(ctx, blocked)
	if err != nil {
		return nil, err
	}
	out := map[string]*present{}
	var cleared legal.Cleared
	r.gate.Project(b, &cleared)
	for _, x := range cleared.Refused() {
		why := r.gate.Explain(x.Situation)
		out[string(b.Person(int(x.Row)).Key)] = &present{rule: why.Rule, why: why.Why}
	}
	if cleared.Len() == 0 {
		return out, nil
	}
	encoder, err := r.conn.Table.Bind(r.gate.Fields(), r.conn.Schema.Checker())
	if err != nil {
		return nil, fmt.Errorf("binding the mapping %s: %w", r.conn.Name, err)
	}
	doc, res, err := encoder.Encode(nil, &cleared, r.header(record.NewID(), 1))
	if err != nil {
		return nil, fmt.Errorf("writing the records: %w", err)
	}
	records, err := recordsOf(doc, r.conn.Schema.Records(), len(res.Rows))
	if err != nil {
		return nil, err
	}
	for _, w := range res.Withheld {
		out[string(b.Person(cleared.Row(int(w.Row))).Key)] = &present{rule: "QUAL-2", why: w.Code}
	}
	for i, row := range res.Rows {
		c := int(row)
		out[string(b.Person(cleared.Row(c)).Key)] = &present{record: records[i], mask: cleared.Mask(c) & encoder.Mask(), situation: cleared.Situation(c), ordinal: cleared.Ordinal(c)}
	}
	return out, nil
}

// recordsOf takes the records out of a document.
func recordsOf(document []byte, member string, n int) ([]json.RawMessage, error) {
	if n == 0 {
		return nil, nil
	}
	var parts map[string]json.RawMessage
	var records []json.RawMessage
	if json.Unmarshal(document, &parts) != nil || json.Unmarshal(parts[member], &records) != nil || len(records) != n {
		return nil, record.NewProblem("notice.form", "", "take the notices out of the agreement's channel: letters go instead", "corrections need a form of JSON with the records under one member")
	}
	return records, nil
}

// readAccounts reads the accounts that the notice is about, in key order, and no others. Who is not there is not on the platform.
func (r *run) readAccounts(ctx context.Context, blocked map[roster.Tag]struct{}) (*record.Batch, error) {
	door, err := r.newDoor(blocked)
	if err != nil {
		return nil, err
	}
	accounts := slices.Clone(r.order.Notice.Records)
	slices.SortFunc(accounts, func(a, b NoticeRecord) int { return bytes.Compare(a.Key, b.Key) })
	accounts = slices.CompactFunc(accounts, func(a, b NoticeRecord) bool { return bytes.Equal(a.Key, b.Key) })
	all := record.NewBatch(r.gate.Fields(), len(accounts))
	for i := range accounts {
		if err := r.readAccount(ctx, &accounts[i], door, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r *run) readAccount(ctx context.Context, x *NoticeRecord, d *door, all *record.Batch) error {
	s, err := r.conn.Source.Open(ctx, connectors.Query{Fields: r.gate.Fields(), After: x.Before, Through: x.Key})
	if err != nil {
		return fmt.Errorf("opening the source: %w", err)
	}
	defer s.Close()
	r.report.Snapshot = s.Snapshot()
	b := record.NewBatch(r.gate.Fields(), r.conn.Batch)
	for {
		err := s.Next(ctx, b, r.conn.Batch)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the source: %w", err)
		}
		if err := d.resolve(ctx, b); err != nil {
			return err
		}
		for i := range b.Len() {
			if bytes.Equal(b.Person(i).Key, x.Key) {
				all.AddFrom(b, i)
			}
		}
	}
}

// noticePart is the one part of a notice: its records, and who is told of with which new values.
func (r *run) noticePart(d *notice.Document, people map[string]*present, gave map[string]bool) (*Part, error) {
	payload, err := notice.Encode(d)
	if err != nil {
		return nil, fmt.Errorf("writing the notice: %w", err)
	}
	part := &Part{Number: 0, LastKey: []byte{}, Read: len(d.Records), Intent: &Intent{Message: d.Message, Records: len(d.Records)}}
	var fields []string
	if len(gave) > 0 {
		fields = slices.DeleteFunc(slices.Clone(r.gate.Fields()), func(f string) bool { return !gave[f] })
		part.Decision = append([]byte("almasu-decision/v1\n"), r.gate.Record()...)
		part.Situations = r.gate.Situations()
		if part.Intent.Disclosure, err = newSet(part.Situations, r.given(people, fields).Encode); err != nil {
			return nil, fmt.Errorf("encoding the disclosure set: %w", err)
		}
	}
	if part.Intent.Outbox, err = r.engine.atRest(d.Message, payload); err != nil {
		return nil, err
	}
	part.Intent.Seal = r.noticeSealer(part.Intent, fields, payload)
	return part, nil
}

// given is the set of people of whom values are said.
func (r *run) given(people map[string]*present, fields []string) *transferlog.DisclosureSet {
	set := &transferlog.DisclosureSet{}
	for _, x := range r.order.Notice.Records {
		p := people[string(x.Key)]
		if p == nil || p.record == nil || set.Contains(p.ordinal) {
			continue
		}
		var mask uint64
		for i, f := range fields {
			if r.may(p, f) {
				mask |= 1 << uint(i)
			}
		}
		set.Add(p.situation, mask, p.ordinal)
	}
	return set
}

func (r *run) noticeSealer(i *Intent, fields []string, payload []byte) func(uint64) (*signing.Envelope, *transferlog.Intent, error) {
	n, records := r.order.Notice, i.Records
	return func(sequence uint64) (*signing.Envelope, *transferlog.Intent, error) {
		rep := r.report
		h := signing.Header{Transfer: rep.ID, Message: i.Message, Sequence: sequence, Sender: r.conn.Sender, Recipient: rep.Recipient, Route: r.conn.Route,
			Connector: r.conn.Name, Register: r.engine.Register().Digest(), Sealed: r.engine.Now()}
		if len(fields) > 0 {
			h = r.envelopeHeader(i.Message, sequence)
		}
		h.Operation, h.Fields, h.Records, h.Schema = signing.OperationNotice, fields, records, notice.Schema().Digest()
		env, err := signing.Seal(h, signing.NewPayload(payload, notice.MediaType), r.conn.Key)
		if err != nil {
			return nil, nil, fmt.Errorf("sealing a notice: %w", err)
		}
		entry := r.intentOf(env)
		entry.Disclosure, entry.Notice, entry.About = i.Disclosure.Digest(), string(n.Act), n.About()
		return env, entry, nil
	}
}
