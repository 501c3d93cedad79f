// Package table counts the people of a run of statistics (rule PUR-2): everybody of a snapshot is read to its end and decided about, and those who may be
// counted are counted in groups. Of nobody is anything read but decision data. Who was counted, and who was not and in which situation, is kept as sets of
// ordinals: they are the basis of every number that is published. A read that does not come to its end gives an error and no number.
package table

import (
	"context"
	"errors"
	"fmt"
	"io"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Counter counts.
type Counter struct {
	// Gate is of a route of statistics.
	Gate   *legal.Gate
	Source connectors.Source
	// Resolve gives people their ordinals, and marks who is blocked.
	Resolve func(ctx context.Context, b *record.Batch) error
	// Page is how many people are read at once.
	Page int
}

// Counted is what a read came to.
type Counted struct {
	// Table is what may be published.
	Table *legal.Depersonalised
	// People is how many people the table counts, Left how many it does not, by situation.
	People int
	Left   map[uint16]int
	// In and Out are these people: In with no field of anybody.
	In  transferlog.DisclosureSet
	Out transferlog.RefusalSet
	// LastKey is the key of the last person read, nil if there was nobody.
	LastKey  []byte
	Snapshot string
}

// Count reads everybody between the bounds of q, and counts those of them whom inside names. The errors are those of the gate, the source and Resolve.
func (c *Counter) Count(ctx context.Context, q connectors.Query, inside func(ordinal uint32) bool) (*Counted, error) {
	tally, err := c.Gate.Tally()
	if err != nil {
		return nil, err
	}
	q.Fields = c.Gate.Fields()
	source, err := c.Source.Open(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("opening the source: %w", err)
	}
	defer source.Close()
	out := &Counted{Snapshot: source.Snapshot(), Left: map[uint16]int{}}
	read, b := record.NewBatch(q.Fields, c.Page), record.NewBatch(q.Fields, c.Page)
	for {
		err := source.Next(ctx, read, c.Page)
		if errors.Is(err, io.EOF) {
			out.Table = tally.Publish()
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the source: %w", err)
		}
		if err := c.Resolve(ctx, read); err != nil {
			return nil, err
		}
		b.Reset()
		for i := range read.Len() {
			if inside(read.Person(i).Ordinal) {
				b.AddFrom(read, i)
			}
		}
		tally.Count(b, func(row int, situation uint16, counted bool) {
			if ordinal := b.Person(row).Ordinal; counted {
				out.People++
				out.In.Add(situation, 0, ordinal)
			} else {
				out.Left[situation]++
				out.Out.Add(situation, ordinal)
			}
		})
		out.LastKey = append(out.LastKey[:0], read.Person(read.Len()-1).Key...)
	}
}
