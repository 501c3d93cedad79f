package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
)

// group is how many parts or settlements one transaction records at most.
const group = 16

// stream runs the road's stages side by side, with bounded queues between them:
//
//	read -> clear (resolve, project, map, check) -> pack (compress, seal at rest) -> record <-> send
//
// One goroutine records, in key order; settlements share its transactions.
func (r *run) stream(ctx context.Context, from Progress) error {
	e, c := r.engine, r.conn
	generation, blocked, err := e.Blocks.Blocked(ctx)
	if err != nil {
		return fmt.Errorf("reading the blocks: %w", err)
	}
	source, err := c.Source.Open(ctx, connectors.Query{Fields: r.gate.Fields(), After: from.LastKey})
	if err != nil {
		return fmt.Errorf("opening the source: %w", err)
	}
	defer source.Close()
	r.report.Snapshot = source.Snapshot()
	desk, err := r.newDesk(from, generation, blocked)
	if err != nil {
		return err
	}

	const depth = 3
	free, read := make(chan *record.Batch, depth), make(chan *record.Batch, depth)
	for range depth {
		free <- record.NewBatch(r.gate.Fields(), c.Batch)
	}
	drafts, parts := make(chan *draft, 2), make(chan *Part, 4)
	outgoing, settled := make(chan *message, window), make(chan result, window)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { defer close(read); return readAll(ctx, source, c.Batch, free, read) })
	g.Go(func() error { defer close(drafts); return desk.clearAll(ctx, read, free, drafts) })
	g.Go(func() error { defer close(parts); return r.packAll(ctx, drafts, parts) })
	g.Go(func() error { defer close(outgoing); return r.recordAll(ctx, parts, outgoing, settled) })
	for range max(c.Senders, 1) {
		g.Go(func() error { return r.sendAll(ctx, outgoing, settled) })
	}
	return g.Wait()
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
		if err := put(ctx, read, b); err != nil {
			return err
		}
	}
}

// result is what sending a message came to: a settlement, or none if it is left waiting.
type result struct {
	message    *message
	settlement *Settlement
}

// recordAll makes parts and settlements durable, several in a transaction, and hands logged messages to the senders.
func (r *run) recordAll(ctx context.Context, parts <-chan *Part, outgoing chan<- *message, settled <-chan result) error {
	inFlight := 0
	for parts != nil || inFlight > 0 {
		work := Work{Transfer: r.report.ID, Connector: r.conn.Name, Recipient: r.report.Recipient}
		var err error
		if parts, inFlight, err = gather(ctx, &work, parts, settled, inFlight); err != nil {
			return err
		}
		if len(work.Parts)+len(work.Settlements) == 0 {
			continue
		}
		if err := r.engine.Ledger.Record(ctx, r.engine.Now(), work); err != nil {
			return fmt.Errorf("recording in the log: %w", err)
		}
		for _, p := range work.Parts {
			r.counts.logged.Add(int64(p.Read))
			if p.Intent == nil {
				r.counts.settled.Add(int64(p.Read))
				continue
			}
			r.counts.settled.Add(int64(p.Read - p.Intent.Records))
			inFlight++
			outgoing <- newMessage(r.report.ID, p.Intent, r.engine.Now()) // never blocks: at most window in flight
		}
		for _, s := range work.Settlements {
			r.counts.settled.Add(int64(s.Records))
		}
		r.observe()
	}
	return nil
}

// gather waits for the first part or settlement and takes what else is ready, parts of one generation of blocks only.
func gather(ctx context.Context, w *Work, parts <-chan *Part, settled <-chan result, inFlight int) (<-chan *Part, int, error) {
	takePart := func(p *Part, ok bool) {
		if !ok {
			parts = nil
			return
		}
		w.Parts, w.Generation = append(w.Parts, p), p.generation
	}
	takeResult := func(s result) {
		inFlight--
		if s.settlement != nil {
			w.Settlements = append(w.Settlements, s.settlement)
		}
	}
	// open returns the queue of parts while there is room in the window for them.
	open := func() <-chan *Part {
		if inFlight+len(w.Parts) >= window {
			return nil
		}
		return parts
	}
	select {
	case p, ok := <-open():
		takePart(p, ok)
	case s := <-settled:
		takeResult(s)
	case <-ctx.Done():
		return parts, inFlight, ctx.Err()
	}
	for len(w.Parts) < group && len(w.Settlements) < group {
		select {
		case p, ok := <-open():
			takePart(p, ok)
			continue
		case s := <-settled:
			takeResult(s)
			continue
		default:
		}
		break
	}
	return parts, inFlight, nil
}

func (r *run) sendAll(ctx context.Context, outgoing <-chan *message, settled chan<- result) error {
	for m := range outgoing {
		s, err := r.engine.deliver(ctx, r.conn, m)
		if err != nil {
			return err
		}
		settled <- result{m, s} // never blocks: at most window in flight
	}
	return nil
}

// newDesk prepares the stage that decides and writes.
func (r *run) newDesk(from Progress, generation int64, blocked map[roster.Tag]struct{}) (*desk, error) {
	ros, err := r.engine.Roster()
	if err != nil {
		return nil, fmt.Errorf("opening the roster: %w", err)
	}
	encoder, err := r.conn.Table.Bind(r.gate.Fields(), r.conn.Schema.Checker())
	if err != nil {
		return nil, fmt.Errorf("binding the mapping %s: %w", r.conn.Name, err)
	}
	return &desk{run: r, roster: ros, encoder: encoder, number: from.Parts, after: from.LastKey, generation: generation, blocked: blocked, reasons: map[uint16]Reason{}}, nil
}
