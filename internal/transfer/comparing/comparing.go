// Package comparing finds out who of the people that the law has cleared is to be sent, because the recipient does not hold just what would be sent of
// them (package delta).
package comparing

import (
	"context"
	"encoding/json"
	"fmt"

	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer/account"
	"birgeoqy.kz/almasu/mapping"
)

// Comparer compares the people of one run, batch after batch. It serves one goroutine.
type Comparer struct {
	// Hasher makes the digests of what the recipient will hold; nil where that is not kept.
	Hasher *delta.Hasher
	// Book is what the recipient holds; nil where everybody is sent.
	Book *delta.Book
	// Fresh are those of the batch compared last who are to be sent.
	Fresh []Fresh
	// Refused are those of whom the recipient holds something, and who may not be sent any more. Who is blocked is not among them: a block is a check, and ends.
	Refused []Refused
	seen    []uint64
}

// Refused is somebody who is refused, and the situation that says why.
type Refused struct {
	Ordinal   uint32
	Situation uint16
}

// See notes who was read, and who of them is refused although the recipient holds something.
func (c *Comparer) See(ctx context.Context, b *record.Batch, cleared *legal.Cleared) error {
	if c.Book == nil {
		return nil
	}
	for i := range b.Len() {
		o := b.Person(i).Ordinal
		for int(o/64) >= len(c.seen) {
			c.seen = append(c.seen, make([]uint64, 1+len(c.seen))...)
		}
		c.seen[o/64] |= 1 << (o % 64)
	}
	for _, x := range cleared.Refused() {
		p := b.Person(int(x.Row))
		if p.Blocked {
			continue
		}
		held, err := c.Book.Held(ctx, p.Ordinal)
		if err != nil {
			return fmt.Errorf("comparing with what the recipient holds: %w", err)
		}
		if held != delta.Zero {
			c.Refused = append(c.Refused, Refused{Ordinal: p.Ordinal, Situation: x.Situation})
		}
	}
	return nil
}

// Seen reports whether somebody was read.
func (c *Comparer) Seen(ordinal uint32) bool {
	return int(ordinal/64) < len(c.seen) && c.seen[ordinal/64]>>(ordinal%64)&1 == 1
}

// Fresh is somebody who is to be sent: the index in the [legal.Cleared], and the digest of what the recipient then holds.
type Fresh struct {
	Index  int
	Digest delta.Digest
}

// Hasher makes the hasher of a run. reads has a bit for each of the gate's columns that the table reads.
func Hasher(secret []byte, gate *legal.Gate, table *mapping.Table, reads uint64) (*delta.Hasher, error) {
	var columns []string
	var marks []legal.Mark // the table may write them into records
	for i, name := range gate.Fields() {
		if reads>>uint(i)&1 == 1 {
			columns, marks = append(columns, name), append(marks, gate.Marks()[i])
		}
	}
	more, err := json.Marshal(marks)
	if err != nil {
		return nil, err
	}
	return delta.NewHasher(secret, delta.Scope(table.Digest(), columns, more), reads)
}

// Compare fills Fresh.
func (c *Comparer) Compare(ctx context.Context, cleared *legal.Cleared) error {
	c.Fresh = c.Fresh[:0]
	for i := range cleared.Len() {
		f := Fresh{Index: i}
		if c.Hasher != nil {
			f.Digest = c.Hasher.Of(cleared, i)
		}
		if c.Book != nil {
			held, err := c.Book.Of(ctx, cleared.Ordinal(i))
			if err != nil {
				return fmt.Errorf("comparing with what the recipient holds: %w", err)
			}
			if held == f.Digest {
				continue
			}
		}
		c.Fresh = append(c.Fresh, f)
	}
	return nil
}

// Leaving is what a read has found out about people whom the recipient was sent earlier.
type Leaving struct {
	// Whole says that everybody was to be read: else nothing follows for who was not.
	Whole bool
	// Read counts everybody who was read; Seen says whether somebody was.
	Read int
	Seen func(ordinal uint32) bool
	// Stay says of a page of the book that nobody leaves of whom it held anything when it was compared with.
	Stay func(page uint32) bool
	// Refused are those who were read and may not be sent any more, by ordinal.
	Refused map[uint32]account.Reason
	// Generation is the generation of blocks that they were projected under.
	Generation int64
	// Notices says that the recipient's agreement takes notices; else letters are owed.
	Notices bool
}

// Leaving says who is not sent any more, as the gate has decided.
func (c *Comparer) Leaving(gate *legal.Gate) Leaving {
	l := Leaving{Seen: c.Seen, Refused: map[uint32]account.Reason{}}
	refused := map[uint32]bool{}
	l.Stay = func(page uint32) bool { return c.Book != nil && !refused[page] && c.Book.Within(page, c.seen) }
	for _, x := range c.Refused {
		refused[x.Ordinal/delta.PageSize] = true
		why := gate.Explain(x.Situation)
		l.Refused[x.Ordinal] = account.Reason{Kind: "refused", Rule: why.Rule, Why: why.Why}
	}
	return l
}
