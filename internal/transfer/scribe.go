package transfer

import (
	"context"
	"fmt"

	"birgeoqy.kz/almasu/internal/record"
)

// group is how many parts or settlements one transaction records at most.
const group = 8

// spread is how many people are read at most for parts that are not recorded: a run that sends few of those whom it reads would send and settle them all at its end.
const spread = 50_000

// errStalled ends a run whose recipient takes nothing: the window is full of messages that wait. The people after them are not read.
var errStalled = record.NewProblem("delivery.stalled", "", "run it again when the recipient answers; what waits is delivered first",
	"the recipient takes nothing: too many messages wait, and nothing more is logged for it")

// scribe is the one goroutine of a run that records: it gathers parts and settlements, makes them durable together, and hands logged messages to
// the senders. It waits for a full group, because a transaction for eight messages costs little more than one for one, but not for parts of many people. While one group is on its way, the next is gathered.
type scribe struct {
	run      *run
	parts    <-chan *Part // nil once there are no more
	outgoing chan<- *message
	settled  <-chan result
	// open is how many messages are logged and not settled, left how many of them wait and are with no sender.
	open, left int
	work       Work
	read       int // people, for the parts in work
}

func (r *run) scribe(parts <-chan *Part, outgoing chan<- *message, settled <-chan result, left int) *scribe {
	return &scribe{run: r, parts: parts, outgoing: outgoing, settled: settled, open: left, left: left}
}

// inFlight is how many messages the senders have.
func (s *scribe) inFlight() int { return s.open - s.left }

// full reports whether the window has no room for another part.
func (s *scribe) full() bool { return s.open+len(s.work.Parts) >= window }

// recordAll records until the last part is recorded and every message in flight has come back.
func (s *scribe) recordAll(ctx context.Context) error {
	for s.parts != nil || s.inFlight() > 0 {
		if err := s.take(ctx); err != nil {
			return err
		}
		if s.due() {
			if err := s.record(ctx); err != nil {
				return err
			}
		}
	}
	return s.record(ctx)
}

// due reports whether what was gathered is to be recorded now: a full group, parts of many people, the last parts, or parts that nothing in flight will make room beside.
func (s *scribe) due() bool {
	return s.enough() || len(s.work.Parts) > 0 && (s.parts == nil || s.full() && s.inFlight() == 0)
}

// enough reports whether a transaction is full.
func (s *scribe) enough() bool {
	return len(s.work.Parts) >= group || len(s.work.Settlements) >= group || s.read >= spread
}

// take waits for a part or a result, and takes what else is ready.
func (s *scribe) take(ctx context.Context) error {
	if s.full() && s.inFlight() == 0 && len(s.work.Parts) == 0 {
		return s.stalled(ctx)
	}
	select {
	case p, ok := <-s.room():
		s.takePart(p, ok)
	case r := <-s.settled:
		s.takeResult(r)
	case <-ctx.Done():
		return ctx.Err()
	}
	for !s.enough() {
		select {
		case p, ok := <-s.room():
			s.takePart(p, ok)
		case r := <-s.settled:
			s.takeResult(r)
		default:
			return nil
		}
	}
	return nil
}

// stalled waits for the next part: if there is one, it cannot be logged. What is settled is recorded first.
func (s *scribe) stalled(ctx context.Context) error {
	if err := s.record(ctx); err != nil {
		return err
	}
	select {
	case _, ok := <-s.parts:
		if ok {
			return errStalled
		}
		s.parts = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// room is the queue of parts while the window has room for them.
func (s *scribe) room() <-chan *Part {
	if s.full() {
		return nil
	}
	return s.parts
}

func (s *scribe) takePart(p *Part, ok bool) {
	if !ok {
		s.parts = nil
		return
	}
	s.work.Parts, s.work.Generation, s.read = append(s.work.Parts, p), p.generation, s.read+p.Read
}

func (s *scribe) takeResult(r result) {
	if r == nil {
		s.left++
		return
	}
	s.open--
	s.work.Settlements = append(s.work.Settlements, r...)
}

// record makes what was gathered durable (I2), and only then hands the messages to the senders.
func (s *scribe) record(ctx context.Context) error {
	w := s.work
	if len(w.Parts)+len(w.Settlements) == 0 {
		return nil
	}
	s.work, s.read = Work{}, 0
	r := s.run
	w.Transfer, w.Connector, w.Recipient = r.report.ID, r.conn.Name, r.report.Recipient
	if err := r.engine.Ledger.Record(ctx, r.engine.Now(), w); err != nil {
		return fmt.Errorf("recording in the log: %w", err)
	}
	for _, p := range w.Parts {
		r.counts.logged.Add(int64(p.Read))
		if p.Intent == nil {
			r.counts.settled.Add(int64(p.Read))
			continue
		}
		r.counts.settled.Add(int64(p.Read - p.Intent.Records))
		s.open++
		s.outgoing <- newMessage(p.Intent, r.report.ID, r.engine.Now(), p.generation) // never blocks: at most window in flight
	}
	for _, done := range w.Settlements {
		r.counts.settled.Add(int64(done.Records))
	}
	r.observe()
	return nil
}
