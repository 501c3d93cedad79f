// Package telling writes notices to earlier recipients (package notice): what is owed, and what may be said now.
//
// What is owed ([Notice]) is kept until it is delivered and holds no value. What may be said is decided each time it is written: for a correction whose
// run the law permits, the person's account is read, projected by [legal.Gate.Project] and written by the connector's table, as for an ordinary message
// (I1), and the places that have changed are taken from the record that comes out. A place is given without a value where one of its fields may not leave,
// where the person is refused, blocked or gone, or where their record cannot be written; the rule that stands against it is in the notice. A withdrawal and a
// demand to destroy read nobody.
//
// Errors: notice.no_place (the recipient's form has no place for what has changed), notice.form (the form is not JSON), those of the source.
package telling

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
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/schemas"
)

// Notice is what one recipient is owed a notice of: the same act on records that it was handed over one connector.
type Notice struct {
	Act notice.Act `json:"act"`
	// Rule is the rule that the act stands on, Why a word for it.
	Rule string `json:"rule"`
	Why  string `json:"why"`
	// Records are at most [notice.Most].
	Records []Record `json:"records"`
}

// Record is a record that was delivered.
type Record struct {
	// Message and Envelope (the digest of its header) name the message, Index the record's place in it.
	Message  record.ID     `json:"message"`
	Envelope record.Digest `json:"envelope"`
	Index    int           `json:"index"`
	// Ordinal is that under which the person was sent, Key the platform's key of their account, nil once nobody is to know any more whose it was, Before a key that lies before
	// it, or nil.
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

// Writer writes one notice.
type Writer struct {
	Notice *Notice
	// Gate is nil where the law refuses the run, and then Refusal says why.
	Gate    *legal.Gate
	Refusal *legal.Refusal
	Table   *mapping.Table
	Schema  *schemas.Schema
	Source  connectors.Source
	// Resolve gives the people of a batch their ordinals and marks who is blocked.
	Resolve func(ctx context.Context, b *record.Batch) error
	// Header is that of a document of these people.
	Header mapping.DocHeader
}

// Written is a notice as it may leave now.
type Written struct {
	Payload signing.Payload
	Records int
	// Fields are those whose values it gives, in the gate's order; none if it gives none. Then the rest is empty.
	Fields []string
	// Set is of whom it gives which of Fields.
	Set transferlog.DisclosureSet
	// Snapshot names the read of the platform.
	Snapshot string
}

// Seal seals the notice in an envelope of its run.
func (w *Written) Seal(h signing.Header, k *signing.Key) (*signing.Envelope, error) {
	h.Operation, h.Fields, h.Records, h.Schema = signing.OperationNotice, w.Fields, w.Records, notice.Schema().Digest()
	env, err := signing.Seal(h, w.Payload, k)
	if err != nil {
		return nil, fmt.Errorf("sealing a notice: %w", err)
	}
	return env, nil
}

// writing is a notice under way.
type writing struct {
	*Writer
	people   map[string]*present
	gave     map[string]bool
	snapshot string
}

// Write writes the notice under a message id.
func (w *Writer) Write(ctx context.Context, message record.ID) (*Written, error) {
	x := &writing{Writer: w, gave: map[string]bool{}}
	if w.Notice.Act == notice.Correct && w.Gate != nil {
		if err := x.decide(ctx); err != nil {
			return nil, err
		}
	}
	d := &notice.Document{Transfer: w.Header.Transfer, Message: message}
	for i := range w.Notice.Records {
		if one := x.say(&w.Notice.Records[i]); one != nil {
			d.Records = append(d.Records, *one)
		}
	}
	if len(d.Records) == 0 {
		return nil, record.NewProblem("notice.no_place", "", "tell the recipient by letter, and close the duty", "the recipient's form has no place for the fields that have changed")
	}
	payload, err := notice.Encode(d)
	if err != nil {
		return nil, fmt.Errorf("writing the notice: %w", err)
	}
	out := &Written{Payload: signing.NewPayload(payload, notice.MediaType), Records: len(d.Records), Snapshot: x.snapshot}
	if len(x.gave) > 0 {
		out.Fields = slices.DeleteFunc(slices.Clone(w.Gate.Fields()), func(f string) bool { return !x.gave[f] })
		x.given(out)
	}
	return out, nil
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

// say writes one record of a notice, or nil if the recipient's form has no place for what has changed.
func (w *writing) say(x *Record) *notice.Record {
	n := w.Notice
	out := &notice.Record{Message: x.Message, Envelope: x.Envelope, Index: x.Index, Act: n.Act, Rule: n.Rule, Why: n.Why}
	if n.Act != notice.Correct {
		return out
	}
	now := w.people[string(x.Key)]
	switch {
	case now == nil && w.Refusal != nil:
		out.Rule, out.Why = w.Refusal.Rule, w.Refusal.Why
	case now == nil:
		out.Rule, out.Why = "SUB-1", "no longer on the platform"
	case now.record == nil:
		out.Rule, out.Why = now.rule, now.why
	}
	for _, l := range w.Table.Lineage() {
		if slices.ContainsFunc(l.Sources, func(f string) bool { return slices.Contains(x.Fields, f) }) {
			out.Places = append(out.Places, w.place(&l, now))
		}
	}
	if len(out.Places) == 0 {
		return nil
	}
	return out
}

// place is a target with its new value, if that may be said; it notes the fields whose values it gives.
func (w *writing) place(l *mapping.Lineage, now *present) notice.Place {
	p := notice.Place{At: l.Target}
	if now == nil || now.record == nil || slices.ContainsFunc(l.Sources, func(f string) bool { return !w.may(now, f) }) {
		return p
	}
	v, ok := notice.Value(now.record, l.Target)
	if !ok {
		v = json.RawMessage("null")
	}
	p.Value = v
	for _, f := range l.Sources {
		w.gave[f] = true
	}
	return p
}

// may reports whether a field may be said of a person.
func (w *writing) may(p *present, field string) bool {
	i := slices.Index(w.Gate.Fields(), field)
	return i >= 0 && p.mask>>uint(i)&1 == 1
}

// decide reads the people of the notice, decides about them, and writes their records in the recipient's form (I1).
func (w *writing) decide(ctx context.Context) error {
	w.people = map[string]*present{}
	b, err := w.read(ctx)
	if err != nil {
		return err
	}
	var cleared legal.Cleared
	w.Gate.Project(b, &cleared)
	for _, x := range cleared.Refused() {
		why := w.Gate.Explain(x.Situation)
		w.people[string(b.Person(int(x.Row)).Key)] = &present{rule: why.Rule, why: why.Why}
	}
	if cleared.Len() == 0 {
		return nil
	}
	encoder, err := w.Table.Bind(w.Gate.Fields(), w.Schema.Checker())
	if err != nil {
		return fmt.Errorf("binding the mapping: %w", err)
	}
	doc, res, err := encoder.Encode(nil, &cleared, w.Header)
	if err != nil {
		return fmt.Errorf("writing the records: %w", err)
	}
	records, err := recordsOf(doc, w.Schema.Records(), len(res.Rows))
	if err != nil {
		return err
	}
	for _, x := range res.Withheld {
		w.people[string(b.Person(cleared.Row(int(x.Row))).Key)] = &present{rule: "QUAL-2", why: x.Code}
	}
	for i, row := range res.Rows {
		c := int(row)
		w.people[string(b.Person(cleared.Row(c)).Key)] = &present{record: records[i], mask: cleared.Mask(c) & encoder.Mask(), situation: cleared.Situation(c), ordinal: cleared.Ordinal(c)}
	}
	return nil
}

// recordsOf takes the records out of a document.
func recordsOf(document []byte, member string, n int) ([]json.RawMessage, error) {
	if n == 0 {
		return nil, nil
	}
	var parts map[string]json.RawMessage
	var records []json.RawMessage
	if json.Unmarshal(document, &parts) != nil || json.Unmarshal(parts[member], &records) != nil || len(records) != n {
		return nil, record.NewProblem("notice.form", "", "take the clause on notices out of the agreement's channel: letters go instead", "corrections need a form of JSON with the records under one member")
	}
	return records, nil
}

// read reads the accounts that the notice is about, in key order, and no others. Who is not there is not on the platform.
func (w *writing) read(ctx context.Context) (*record.Batch, error) {
	accounts := slices.DeleteFunc(slices.Clone(w.Notice.Records), func(r Record) bool { return len(r.Key) == 0 })
	slices.SortFunc(accounts, func(a, b Record) int { return bytes.Compare(a.Key, b.Key) })
	accounts = slices.CompactFunc(accounts, func(a, b Record) bool { return bytes.Equal(a.Key, b.Key) })
	all := record.NewBatch(w.Gate.Fields(), len(accounts))
	for i := range accounts {
		if err := w.readAccount(ctx, &accounts[i], all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (w *writing) readAccount(ctx context.Context, x *Record, all *record.Batch) error {
	const page = 100
	s, err := w.Source.Open(ctx, connectors.Query{Fields: w.Gate.Fields(), After: x.Before, Through: x.Key})
	if err != nil {
		return fmt.Errorf("opening the source: %w", err)
	}
	defer s.Close()
	w.snapshot = s.Snapshot()
	b := record.NewBatch(w.Gate.Fields(), page)
	for {
		err := s.Next(ctx, b, page)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the source: %w", err)
		}
		if err := w.Resolve(ctx, b); err != nil {
			return err
		}
		for i := range b.Len() {
			if bytes.Equal(b.Person(i).Key, x.Key) {
				all.AddFrom(b, i)
			}
		}
	}
}

// given notes of whom values are said.
func (w *writing) given(out *Written) {
	for _, x := range w.Notice.Records {
		p := w.people[string(x.Key)]
		if p == nil || p.record == nil || out.Set.Contains(p.ordinal) {
			continue
		}
		var mask uint64
		for i, f := range out.Fields {
			if w.may(p, f) {
				mask |= 1 << uint(i)
			}
		}
		out.Set.Add(p.situation, mask, p.ordinal)
	}
}
