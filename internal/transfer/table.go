package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
)

// table is the road of a route of statistics (PUR-2): everybody is read and decided about as on any road, those who may be counted are counted, and one
// message carries the table of counts. The message's disclosure set names who was counted, with no field of anybody; I8 accounts for the rows of the table,
// and for the people left out of it. left is how many messages wait already.
func (r *run) table(ctx context.Context, from Progress, left int) error {
	if from.Parts > 0 { // the table was recorded by an earlier run
		return nil
	}
	if left >= window {
		return errStalled
	}
	part, generation, err := r.count(ctx, connectors.Query{}, func(uint32) bool { return true })
	if err != nil || part == nil {
		return err
	}
	if err := r.record(ctx, Work{Parts: []*Part{part}, Generation: generation}); err != nil {
		return err
	}
	r.counts.logged.Add(int64(part.Read))
	r.observe()
	if part.Intent == nil {
		return nil
	}
	s, err := r.send(ctx, newMessage(part.Intent, r.report.ID, r.engine.Now(), generation))
	if err != nil || s == nil {
		return err
	}
	return r.record(ctx, Work{Settlements: s})
}

// count reads everybody within the query's bounds, counts those whom inside names, and prepares the message. It returns nothing if nobody is read. Only a read
// that has come to its end is published.
func (r *run) count(ctx context.Context, q connectors.Query, inside func(ordinal uint32) bool) (*Part, int64, error) {
	generation, blocked, err := r.engine.Blocks.Blocked(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the blocks: %w", err)
	}
	tally, err := r.gate.Tally()
	if err != nil {
		return nil, 0, err
	}
	door, err := r.newDoor(blocked)
	if err != nil {
		return nil, 0, err
	}
	desk, err := r.newDesk(Progress{}, generation)
	if err != nil {
		return nil, 0, err
	}
	q.Fields = r.gate.Fields()
	source, err := r.conn.Source.Open(ctx, q)
	if err != nil {
		return nil, 0, fmt.Errorf("opening the source: %w", err)
	}
	defer source.Close()
	r.report.Snapshot = source.Snapshot()
	part := &Part{Number: 1, AfterKey: q.After, generation: generation}
	people, refused := 0, map[uint16]int{}
	read, b := record.NewBatch(q.Fields, r.conn.Batch), record.NewBatch(q.Fields, r.conn.Batch)
	for {
		err := source.Next(ctx, read, r.conn.Batch)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, fmt.Errorf("reading the source: %w", err)
		}
		if err := door.resolve(ctx, read); err != nil {
			return nil, 0, err
		}
		b.Reset()
		for i := range read.Len() {
			if inside(read.Person(i).Ordinal) {
				b.AddFrom(read, i)
			}
		}
		tally.Count(b, func(row int, situation uint16, counted bool) {
			ordinal := b.Person(row).Ordinal
			if counted {
				people++
				desk.disclosed.Add(situation, 0, ordinal)
				return
			}
			refused[situation]++
			desk.refused.Add(situation, ordinal)
		})
		part.LastKey = append(part.LastKey[:0], read.Person(read.Len()-1).Key...)
		r.counts.read.Add(int64(read.Len()))
	}
	if part.LastKey == nil {
		return nil, 0, nil
	}
	d := &draft{part: part, message: record.NewID()}
	doc, res, err := desk.encoder.EncodeTable(nil, tally.Publish(), r.header(d.message, 1))
	if err != nil {
		return nil, 0, fmt.Errorf("writing the document: %w", err)
	}
	d.document = doc
	if err := desk.accountTable(d, len(res.Rows), people, refused); err != nil {
		return nil, 0, err
	}
	seen := int32(-1)
	for _, w := range res.Withheld {
		if w.Row != seen {
			part.Withheld, part.Reasons, seen = part.Withheld+1, append(part.Reasons, Reason{Kind: "withheld", Rule: w.Code, Why: w.Target, People: 1}), w.Row
		}
	}
	part.Read = len(res.Rows) + part.Withheld + part.Refused
	if err := (&packer{run: r}).pack(d); err != nil {
		return nil, 0, err
	}
	return part, generation, nil
}

// accountTable writes down who was counted, and who was not and why.
func (d *desk) accountTable(out *draft, rows, people int, refused map[uint16]int) (err error) {
	part, gate := out.part, d.run.gate
	d.table = gate.Situations()
	part.Situations, part.Decision = d.table, append([]byte("almasu-decision/v1\n"), gate.Record()...)
	part.Reasons = append(part.Reasons, Reason{Kind: "counted", Rule: "PUR-2", People: people})
	if rows > 0 {
		set, err := newSet(d.table, d.disclosed.Encode)
		if err != nil {
			return fmt.Errorf("encoding the set of the counted: %w", err)
		}
		part.Intent = &Intent{Message: out.message, Records: rows, Disclosure: set}
	}
	tally := reasonTally{}
	for _, situation := range slices.Sorted(maps.Keys(refused)) {
		why := d.reason(situation)
		for range refused[situation] {
			tally.add(why)
		}
		part.Refused += refused[situation]
	}
	part.Reasons = append(part.Reasons, tally.list()...)
	if part.Refused > 0 {
		if part.Refusal, err = newSet(d.table, d.refused.Encode); err != nil {
			return fmt.Errorf("encoding the refusal set: %w", err)
		}
	}
	return nil
}

// recount makes the table of a cancelled message again, of the people who were in it and still may be counted.
func (r *run) recount(ctx context.Context, w *Waiting, inside func(uint32) bool, counted int) (*Part, int64, error) {
	seen := 0
	part, generation, err := r.count(ctx, connectors.Query{After: w.AfterKey, Through: w.LastKey}, func(ordinal uint32) bool {
		in := inside(ordinal)
		if in {
			seen++
		}
		return in
	})
	if err != nil {
		return nil, 0, err
	}
	if part == nil {
		part = &Part{}
	}
	part.Number, part.AfterKey, part.LastKey = 0, w.AfterKey, w.LastKey
	if gone := counted - seen; gone > 0 { // no longer on the platform
		part.Withheld += gone
		part.Reasons = append(part.Reasons, Reason{Kind: "withheld", Rule: "source.gone", People: gone})
		part.Read += gone
	}
	// The rows of the cancelled table were counted when it was first made.
	if part.Read -= w.Records; part.Read < 0 {
		part.Withheld -= part.Read
		part.Reasons = append(part.Reasons, Reason{Kind: "withheld", Rule: "table.smaller", People: -part.Read})
		part.Read = 0
	}
	return part, generation, nil
}
