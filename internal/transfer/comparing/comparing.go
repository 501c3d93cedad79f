// Package comparing finds out who of the people that the law has cleared is to be sent, because the recipient does not hold just what would be sent of
// them (package delta).
package comparing

import (
	"context"
	"encoding/json"
	"fmt"

	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/legal"
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
