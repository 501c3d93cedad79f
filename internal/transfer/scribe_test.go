package transfer

import (
	"context"
	"slices"
	"testing"
	"time"
)

// counted is a ledger that tells how many parts each transaction records.
type counted struct {
	Ledger
	parts chan int
}

func (c counted) Record(_ context.Context, _ time.Time, w Work) error {
	c.parts <- len(w.Parts)
	return nil
}

// TestPartsOfManyPeopleDoNotWait: a transaction waits until a group is full, or many people were read for its parts.
func TestPartsOfManyPeopleDoNotWait(t *testing.T) {
	for _, c := range []struct {
		people, parts int // people read for each part, and parts
		want          []int
	}{
		{2_000, group - 1, []int{group - 1}},
		{2_000, 2*group + 1, []int{group, group, 1}},
		{spread / 2, 5, []int{2, 2, 1}},
		{spread, 2, []int{1, 1}},
		{4 * spread, 2, []int{1, 1}},
	} {
		ledger := counted{parts: make(chan int, c.parts)}
		r := &run{engine: &Engine{Ledger: ledger, Now: time.Now}, conn: &Connection{}, report: &Report{}}
		parts := make(chan *Part)
		go func() {
			defer close(parts)
			for range c.parts {
				parts <- &Part{Read: c.people}
			}
		}()
		if err := r.scribe(parts, nil, nil, 0).recordAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []int
		for range len(ledger.parts) {
			got = append(got, <-ledger.parts)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d parts of %d people: transactions of %v parts, expected %v", c.parts, c.people, got, c.want)
		}
	}
}
