package authority

import (
	"context"
	"encoding/json"
	"slices"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// judgeNotice finds each record that a notice names. The error is the store's.
func (s *Server) judgeNotice(ctx context.Context, a *arrival) (verdict, error) {
	h := a.env.Header()
	v := verdict{records: h.Records}
	n, err := notice.Parse(a.payload.Bytes())
	switch {
	case h.Schema != notice.Schema().Digest():
		v.refused = record.NewProblem("schema.not_agreed", "", "compare the digests of the schema", "the notice follows another schema than that of notices")
	case err != nil:
		v.refused = record.NewProblem("notice.malformed", "", "", "the document is no notice")
	case n.Message != h.Message || n.Transfer != h.Transfer || len(n.Records) != h.Records:
		v.refused = record.NewProblem("notice.malformed", "", "", "the notice names another transfer, message or number of records than its envelope")
	}
	if v.refused != nil {
		return v, nil
	}
	marks, _, err := s.store.Marks(ctx, a.sender.BIN)
	if err != nil {
		return v, err
	}
	for i := range n.Records {
		code, err := s.judgeRecord(ctx, a.sender.BIN, &n.Records[i], marks)
		if err != nil {
			return v, err
		}
		o := signing.Outcome{Index: i, Status: signing.StatusRejected, Code: code}
		if code == "" {
			o.Status, o.Code = signing.StatusUpdated, n.Records[i].Act.Done()
			v.updated++
		}
		v.outcomes = append(v.outcomes, o)
	}
	return v, nil
}

// judgeRecord says why a record cannot be marked; "" if it can.
func (s *Server) judgeRecord(ctx context.Context, sender string, r *notice.Record, marks map[inbox.Spot]inbox.Mark) (code string, err error) {
	original, err := s.store.Original(ctx, sender, r.Message)
	switch {
	case err != nil:
		return "", err
	case original == nil:
		return "notice.unknown_message", nil
	case original.Digest != r.Envelope:
		return "notice.other_envelope", nil
	case !original.Holds(r.Index):
		return "notice.not_held", nil
	}
	before := marks[inbox.Spot{Message: r.Message, Index: r.Index}]
	if before.Act != "" && !r.Act.Over(before.Act) && r.Act != before.Act {
		return "notice.settled", nil
	}
	if len(r.Places) == 0 {
		return "", nil
	}
	return s.judgePlaces(ctx, original, r, before.Places)
}

// judgePlaces sees whether the record with its new values is still of its form.
func (s *Server) judgePlaces(ctx context.Context, original *inbox.Original, r *notice.Record, before []notice.Place) (code string, err error) {
	j := s.judges[original.Header.Schema]
	if j == nil {
		return "notice.places", nil
	}
	parts, err := original.Document(ctx)
	if err != nil {
		return "", err
	}
	var records []json.RawMessage
	if err := json.Unmarshal(parts[j.schema.Records()], &records); err != nil || r.Index >= len(records) {
		return "notice.not_held", nil
	}
	// What is struck out may leave a record that its form would not take; new values may not.
	values := slices.DeleteFunc(append(slices.Clone(before), r.Places...), func(p notice.Place) bool { return p.Value == nil || string(p.Value) == "null" })
	corrected, err := notice.Apply(records[r.Index], values)
	if err != nil {
		return "notice.places", nil
	}
	if parts[j.schema.Records()], err = json.Marshal([]json.RawMessage{corrected}); err != nil {
		return "", err
	}
	document, err := json.Marshal(parts)
	if err != nil {
		return "", err
	}
	if found, err := j.schema.CheckDocument(document); err != nil || len(found) > 0 {
		return "notice.places", nil
	}
	return "", nil
}
