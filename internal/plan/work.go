package plan

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transfer/comparing"
	"birgeoqy.kz/almasu/mapping"
)

// fixed stands for the ids in a document's header.
var fixed = record.ID{15: 1}

// work is a plan in the making.
type work struct {
	maker   *Maker
	conn    *transfer.Connection
	plan    *Plan
	gate    *legal.Gate
	encoder *mapping.Encoder
	blocked map[roster.Tag]struct{}
	samples int
	batches int
	mac     interface {
		io.Writer
		Sum([]byte) []byte
	}
	cleared, again legal.Cleared
	page           []byte
	tally          map[transfer.Reason]int

	compare comparing.Comparer
	// gathered are people of several batches who make the next message; fresh says, by row, whether the recipient has nothing of them. part is how many people the part that is being
	// gathered would span, 0 if none is.
	gathered *record.Batch
	fresh    []bool
	part     int
	// had says, by row of the last batch, of whom the recipient has something, whatever waits.
	had []bool
	// kept counts those of whom the recipient has something, and is not to be told that it has them no more.
	kept int
}

// open prepares the comparison with what the recipient has.
func (w *work) open(ctx context.Context) (err error) {
	c, p := w.conn, w.plan
	p.Compared = &Comparison{}
	if w.compare.Hasher, err = comparing.Hasher(w.maker.Key, w.gate, c.Table, w.encoder.Mask()); err != nil {
		return err
	}
	if w.compare.Book, err = w.maker.Held.Book(ctx, c.Name, p.Recipient); err != nil {
		return fmt.Errorf("reading what the recipient has: %w", err)
	}
	if p.Compared.Has, err = w.maker.Held.Count(ctx, c.Name, p.Recipient); err != nil {
		return fmt.Errorf("counting what the recipient has: %w", err)
	}
	w.gathered = record.NewBatch(w.gate.Fields(), c.Batch)
	return nil
}

// footing puts into the digest what the transfer would stand on.
func (w *work) footing(c *transfer.Connection) error {
	p, g := w.plan, w.gate
	line, err := json.Marshal([]any{p.Connector, p.Route, p.Recipient, p.Request, p.Basis, p.Purpose, p.Fields, g.RegisterDigest().String(), g.RouteDigest().String(),
		g.PolicyDigest().String(), c.Table.Digest().String(), c.Schema.Digest().String(), c.Batch})
	if err != nil {
		return err
	}
	w.add(append(append([]byte("almasu-plan/v1\n"), line...), '\n'))
	return nil
}

func (w *work) add(b []byte) { _, _ = w.mac.Write(b) } // a hash takes everything

// take decides about a batch, and gathers who is to be sent as a run does.
func (w *work) take(ctx context.Context, b *record.Batch) error {
	if err := w.maker.Roster.Look(ctx, b); err != nil {
		return fmt.Errorf("looking people up: %w", err)
	}
	if len(w.blocked) > 0 {
		for i := range b.Len() {
			if _, hit := w.blocked[w.maker.Roster.Tag(i)]; hit {
				b.Person(i).Blocked = true
			}
		}
	}
	w.gate.Project(b, &w.cleared)
	w.refuse(&w.cleared)
	p := w.plan
	p.Read += b.Len()
	if w.maker.Observe != nil {
		w.maker.Observe(p.Read)
	}
	if p.Compared == nil {
		return w.write(&w.cleared, nil)
	}
	if err := w.keep(ctx, b); err != nil {
		return err
	}
	if err := w.compare.Compare(ctx, &w.cleared); err != nil {
		return err
	}
	p.Compared.Unchanged += w.cleared.Len() - len(w.compare.Fresh)
	if w.part > 0 && (w.gathered.Len()+len(w.compare.Fresh) > w.conn.Batch || w.part >= transfer.MostBatches*w.conn.Batch) {
		if err := w.cut(); err != nil {
			return err
		}
	}
	whole := w.part == 0 && len(w.compare.Fresh) == w.cleared.Len() && len(w.compare.Fresh) > 0
	if whole {
		w.fresh = append(w.fresh, make([]bool, b.Len())...)
	} else {
		w.part += b.Len()
	}
	for _, f := range w.compare.Fresh {
		held, err := w.compare.Book.Of(ctx, w.cleared.Ordinal(f.Index))
		if err != nil {
			return err
		}
		row := w.cleared.Row(f.Index)
		if isNew := held == delta.Zero && !w.had[row]; whole {
			w.fresh[row] = isNew
		} else {
			w.gathered.AddFrom(b, row)
			w.fresh = append(w.fresh, isNew)
		}
	}
	if !whole {
		return nil
	}
	err := w.write(&w.cleared, w.fresh)
	w.fresh = w.fresh[:0]
	return err
}

// keep counts those of a batch of whom the recipient has something and goes on having it: who is cleared, and who is blocked. Until the first run of a year is over, it has that
// under ordinals of an earlier year.
func (w *work) keep(ctx context.Context, b *record.Batch) error {
	w.had = append(w.had[:0], make([]bool, b.Len())...)
	stay := make([]bool, b.Len())
	for i := range w.cleared.Len() {
		stay[w.cleared.Row(i)] = true
	}
	for _, x := range w.cleared.Refused() {
		stay[x.Row] = b.Person(int(x.Row)).Blocked
	}
	count := func(row int, ordinal uint32) error {
		held, err := w.compare.Book.Held(ctx, ordinal)
		if held != delta.Zero {
			w.kept++
			w.had[row], stay[row] = true, false
		}
		return err
	}
	for row := range stay {
		if stay[row] {
			if err := count(row, b.Person(row).Ordinal); err != nil {
				return err
			}
		}
	}
	if !slices.Contains(stay, true) {
		return nil
	}
	var failed error
	err := w.maker.Roster.Before(ctx, b, func(row int, ordinal uint32) {
		if stay[row] && failed == nil {
			failed = count(row, ordinal)
		}
	})
	return errors.Join(err, failed)
}

// refuse counts who is refused, and why.
func (w *work) refuse(c *legal.Cleared) {
	w.plan.Refused += len(c.Refused())
	for _, r := range c.Refused() {
		x := w.gate.Explain(r.Situation)
		w.tally[transfer.Reason{Kind: "refused", Rule: x.Rule, Why: x.Why}]++
	}
}

// cut writes the message of those who were gathered, if there are any.
func (w *work) cut() error {
	w.part = 0
	if w.gathered == nil || w.gathered.Len() == 0 {
		return nil
	}
	w.gate.Project(w.gathered, &w.again)
	w.refuse(&w.again)
	err := w.write(&w.again, w.fresh)
	w.gathered.Reset()
	w.fresh = w.fresh[:0]
	return err
}

// write writes the document of the cleared, and counts. fresh says by row of whom the recipient has nothing; nil where that was not compared.
func (w *work) write(c *legal.Cleared, fresh []bool) error {
	p := w.plan
	w.batches++
	document, res, err := w.encoder.Encode(w.page[:0], c, mapping.DocHeader{
		Transfer: fixed, Message: fixed, Batch: w.batches, Created: time.Unix(0, 0), Marks: w.gate.Marks(),
		Sender: w.conn.Sender, Recipient: p.Recipient, Route: w.conn.Route, Purpose: p.Purpose, Path: p.Basis.Path, Ground: p.Basis.Ground,
	})
	if err != nil {
		return fmt.Errorf("writing the document: %w", err)
	}
	w.page = document
	p.Withheld += c.Len() - len(res.Rows)
	p.Send += len(res.Rows)
	last := int32(-1)
	for _, x := range res.Withheld {
		if x.Row != last { // one reason a person
			w.tally[transfer.Reason{Kind: "withheld", Rule: x.Code, Why: x.Target}]++
			last = x.Row
		}
	}
	for _, row := range res.Rows {
		if len(p.Sample) < w.samples {
			p.Sample = append(p.Sample, w.shape(c, int(row)))
		}
		switch {
		case fresh == nil:
		case fresh[c.Row(int(row))]:
			p.Compared.New++
		default:
			p.Compared.Changed++
		}
	}
	if len(res.Rows) == 0 {
		return nil
	}
	p.Messages++
	p.Bytes += int64(len(document))
	sum := sha256.Sum256(document)
	w.add(sum[:])
	return nil
}

// shape is a record without its values.
func (w *work) shape(c *legal.Cleared, i int) map[string]string {
	out := map[string]string{}
	for f, name := range w.plan.Fields {
		if v, ok := c.Value(i, f); ok {
			out[name] = Mask(string(v))
		}
	}
	return out
}
