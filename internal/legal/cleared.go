package legal

import "birgeoqy.kz/almasu/internal/record"

// Cleared is what may leave of a batch. Its zero value is empty, and only [Gate.Project] fills it. It is valid until its batch is reset.
type Cleared struct {
	batch   *record.Batch
	rows    []clearedRow
	refused []RefusedRow
}

type clearedRow struct {
	mask      uint64
	ordinal   uint32
	row       int32
	situation uint16
}

// RefusedRow is a person who is refused: the row in the batch, and the situation that says why.
type RefusedRow struct {
	Row       int32
	Situation uint16
}

// Len is the number of people who may be sent.
func (c *Cleared) Len() int { return len(c.rows) }

// Row is the i-th cleared person's row in the batch.
func (c *Cleared) Row(i int) int { return int(c.rows[i].row) }

// Value is field f of [Gate.Fields] of the i-th cleared person; ok is false if it is NULL or may not leave.
func (c *Cleared) Value(i, f int) (v []byte, ok bool) {
	r := &c.rows[i]
	if r.mask>>uint(f)&1 == 0 {
		return nil, false
	}
	return c.batch.Value(int(r.row), f)
}

// Mask has bit f set if field f of [Gate.Fields] may leave.
func (c *Cleared) Mask(i int) uint64 { return c.rows[i].mask }

// Situation is the id of the situation that the decision was made for.
func (c *Cleared) Situation(i int) uint16 { return c.rows[i].situation }

// Ordinal is the i-th cleared person's ordinal.
func (c *Cleared) Ordinal(i int) uint32 { return c.rows[i].ordinal }

// Refused lists the people who are refused, in batch order.
func (c *Cleared) Refused() []RefusedRow { return c.refused }
