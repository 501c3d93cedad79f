package transfer

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer/table"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// table is the road of a route of statistics (PUR-2): one message carries a table of counts. Its disclosure set names who was counted, with no field of
// anybody; I8 accounts for the rows of the table, and for the people left out of it. left is how many messages wait already.
func (r *run) table(ctx context.Context, from Progress, left int) error {
	return r.single(ctx, from, left, func(ctx context.Context) (*Part, int64, error) {
		return r.count(ctx, connectors.Query{}, func(uint32) bool { return true })
	})
}

// count makes the message of those whom inside names, as of a generation of blocks; no part if nobody was read.
func (r *run) count(ctx context.Context, q connectors.Query, inside func(ordinal uint32) bool) (*Part, int64, error) {
	door, generation, err := r.newDoor(ctx)
	if err != nil {
		return nil, 0, err
	}
	desk, err := r.newDesk(ctx, Progress{}, generation)
	if err != nil {
		return nil, 0, err
	}
	counter := table.Counter{Gate: r.gate, Source: r.conn.Source, Resolve: door.Resolve, Page: r.conn.Batch}
	c, err := counter.Count(ctx, q, inside)
	if err != nil || c.LastKey == nil {
		return nil, generation, err
	}
	r.report.Snapshot = c.Snapshot
	d := &draft{message: record.NewID()}
	doc, res, err := desk.encoder.EncodeTable(nil, c.Table, r.header(d.message, 1))
	if err != nil {
		return nil, 0, fmt.Errorf("writing the document: %w", err)
	}
	if len(res.Withheld) > 0 { // a table without one of its rows says something else
		w := res.Withheld[0]
		return nil, 0, record.NewProblem(w.Code, w.Target, "correct the mapping, or its schema", "a row of the table cannot be written")
	}
	situations := r.gate.Situations()
	d.document, d.part = doc, &Part{Number: 1, AfterKey: q.After, LastKey: c.LastKey, Situations: situations, generation: generation,
		Decision: append([]byte("almasu-decision/v1\n"), r.gate.Record()...), Reasons: []Reason{{Kind: "counted", Rule: "PUR-2", People: c.People}}}
	for _, situation := range slices.Sorted(maps.Keys(c.Left)) {
		why := desk.reason(situation)
		why.People = c.Left[situation]
		d.part.Refused, d.part.Reasons = d.part.Refused+why.People, append(d.part.Reasons, why)
	}
	d.part.Intent = &Intent{Message: d.message, Records: len(res.Rows)}
	d.part.Read = d.part.Refused + d.part.Intent.Records
	if d.part.Intent.Disclosure, err = transferlog.NewSet(situations, c.In.Encode); err == nil && d.part.Refused > 0 {
		d.part.Refusal, err = transferlog.NewSet(situations, c.Out.Encode)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("encoding the sets of the counted: %w", err)
	}
	return d.part, generation, (&packer{run: r}).pack(d)
}

// recount makes the table of a cancelled message again, of the people in it who still may be counted. Its rows were accounted for when it was first made.
func (r *run) recount(ctx context.Context, w *Waiting, inside func(uint32) bool) (*Part, int64, error) {
	part, generation, err := r.count(ctx, connectors.Query{After: w.AfterKey, Through: w.LastKey}, inside)
	if err != nil || part == nil {
		return &Part{AfterKey: w.AfterKey, LastKey: w.LastKey, Withheld: w.Records}, generation, err
	}
	part.Number, part.LastKey = 0, w.LastKey
	if part.Read -= w.Records; part.Read < part.Refused {
		part.Read, part.Withheld = part.Refused, part.Refused-part.Read
	}
	return part, generation, nil
}
