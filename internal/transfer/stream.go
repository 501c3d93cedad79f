package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer/candidates"
	"birgeoqy.kz/almasu/internal/transfer/comparing"
	"birgeoqy.kz/almasu/internal/transfer/outbox"
)

// stream runs the road's stages side by side, with bounded queues between them:
//
//	read -> resolve -> clear (project, map, check) -> pack (compress, seal at rest) -> record <-> send
//
// One goroutine records, in key order; settlements share its transactions. left is how many messages wait already.
func (r *run) stream(ctx context.Context, from Progress, left int) error {
	c := r.conn
	door, generation, err := r.newDoor(ctx)
	if err != nil {
		return err
	}
	reader := r.reader(generation)
	source, err := reader.Open(ctx, connectors.Query{Fields: r.gate.Fields(), After: from.LastKey, Wide: r.conn.Compare && r.holds()})
	if err != nil {
		return fmt.Errorf("opening the source: %w", err)
	}
	r.report.Compared, r.report.ComparedFully = reader.Compared()
	defer source.Close()
	r.report.Snapshot = source.Snapshot()
	desk, err := r.newDesk(ctx, from, generation)
	if err == nil {
		err = r.hold(ctx, desk)
	}
	if err != nil {
		return err
	}

	const depth = 3 // batches
	free, read, resolved := make(chan *record.Batch, depth), make(chan *record.Batch, depth), make(chan *record.Batch, depth)
	for range depth {
		free <- record.NewBatch(r.gate.Fields(), c.Batch)
	}
	const written = 1 // drafts that may wait to be packed
	drafts, parts := make(chan *draft, written), make(chan *Part, 1)
	desk.pages = make(outbox.Memory, written+2)
	outgoing, settled := make(chan *message, window), make(chan result, window)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { defer close(read); return readAll(gctx, source, c.Batch, free, read) })
	g.Go(func() error { defer close(resolved); return resolveAll(gctx, door, read, resolved) })
	g.Go(func() error { defer close(drafts); return desk.clearAll(gctx, resolved, free, drafts) })
	packer := &packer{run: r, sent: make(outbox.Memory, window), pages: desk.pages}
	g.Go(func() error { defer close(parts); return packer.packAll(gctx, drafts, parts) })
	g.Go(func() error { defer close(outgoing); return r.scribe(parts, outgoing, settled, left).recordAll(gctx) })
	for range max(c.Senders, 1) {
		g.Go(func() error { return r.sendAll(gctx, outgoing, settled, packer.sent) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if from.LastKey == nil && desk.compare.Book != nil && r.order.Source == nil {
		if err := r.leave(ctx, &desk.compare, reader.Whole(), generation); err != nil {
			return err
		}
	}
	return reader.Done(ctx, source)
}

// reader opens the source, as of a generation of blocks.
func (r *run) reader(generation int64) *candidates.Reader {
	c, e := r.conn, r.engine
	x := &candidates.Reader{Source: cmp.Or(r.order.Source, c.Source), Connector: c.Name, Recipient: r.report.Recipient, Now: e.Now(), Every: c.FullEvery}
	if c.Compare && c.FullEvery > 0 && r.order.Source == nil && r.holds() {
		x.Marks, x.Scope = e.Marks, candidates.ScopeOf(r.gate, c.Table, c.Schema, r.order.PublishedText, generation)
	}
	return x
}

// leave has the recipient told of those who are not sent any more. Only a whole read, from the first key to its end, says that somebody is gone.
func (r *run) leave(ctx context.Context, c *comparing.Comparer, whole bool, generation int64) (err error) {
	pause.At("leaving")
	l := c.Leaving(r.gate)
	l.Whole, l.Generation, l.Read = whole, generation, int(r.counts.read.Load())
	register := r.engine.Register()
	l.Notices = register.TakesNotices(register.Route(r.conn.Route)) != ""
	if r.report.Withdrawn, err = r.engine.Held.Leave(ctx, r.engine.Now(), r.report.Transfer, l); err != nil {
		return fmt.Errorf("telling the recipient who is not sent any more: %w", err)
	}
	return nil
}

// put sends v unless ctx ends first.
func put[T any](ctx context.Context, ch chan<- T, v T) error {
	select {
	case ch <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func readAll(ctx context.Context, s connectors.Stream, n int, free <-chan *record.Batch, read chan<- *record.Batch) error {
	for {
		var b *record.Batch
		select {
		case b = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := s.Next(ctx, b, n)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the source: %w", err)
		}
		pause.At("read")
		if err := put(ctx, read, b); err != nil {
			return err
		}
	}
}

// result is what sending a message came to: settlements of it and of its void notice, or none if it is left waiting.
type result []*Settlement

func (r *run) sendAll(ctx context.Context, outgoing <-chan *message, settled chan<- result, sent outbox.Memory) error {
	for m := range outgoing {
		memory := m.sealed
		s, err := r.send(ctx, m)
		if err != nil {
			return err
		}
		sent.Give(memory) // no reader of the payload is left
		settled <- s      // never blocks: at most window under way
	}
	return nil
}

// newDesk prepares the stage that decides and writes.
func (r *run) newDesk(ctx context.Context, from Progress, generation int64) (*desk, error) {
	sink, err := r.conn.Table.Checker(ctx, r.conn.Schema, r.conn.Judge)
	if err != nil {
		return nil, fmt.Errorf("the schema of the mapping %s: %w", r.conn.Name, err)
	}
	encoder, err := r.conn.Table.Bind(r.gate.Columns(), sink)
	if err != nil {
		return nil, fmt.Errorf("binding the mapping %s: %w", r.conn.Name, err)
	}
	d := &desk{run: r, encoder: encoder, number: from.Parts, after: from.LastKey, generation: generation, reasons: map[uint16]Reason{}}
	if r.conn.Compare && r.holds() {
		d.compare.Hasher, err = comparing.Hasher(r.engine.Secret, r.gate, r.conn.Table, encoder.Mask())
	}
	return d, err
}

// holds reports whether it is kept what the recipient holds of this run's people: not of those whom a written request asks for.
func (r *run) holds() bool {
	return r.engine.Held != nil && r.order.Request == nil && !r.gate.Counts()
}

// hold makes a desk compare people with what the recipient holds. A run that sends everybody makes that stale.
func (r *run) hold(ctx context.Context, d *desk) (err error) {
	if !r.holds() {
		return nil
	}
	if !r.conn.Compare {
		return r.engine.Held.Spoil(ctx, r.conn.Name, r.report.Recipient)
	}
	if d.compare.Book, err = r.engine.Held.Book(ctx, r.conn.Name, r.report.Recipient); err != nil {
		return fmt.Errorf("reading what the recipient holds: %w", err)
	}
	return nil
}
