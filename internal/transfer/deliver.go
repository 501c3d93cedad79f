package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transfer/account"
	"birgeoqy.kz/almasu/internal/transfer/line"
	"birgeoqy.kz/almasu/internal/transfer/outbox"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// The pauses between attempts double from firstPause up to lastPause, each shortened by up to half at random.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 30 * time.Second
)

// codeDeadline is the code of a message that has waited too long.
const codeDeadline = "delivery.deadline"

// message is a logged message on its way.
type message struct {
	transfer record.ID
	// envelope is bare until [Engine.load]: what waits in memory is sealed, the bytes at rest in the outbox.
	envelope *signing.Envelope
	sealed   []byte
	ticket   *transferlog.Ticket
	logged   time.Time
	// generation is that of the blocks with which the people inside were last compared; nobody if it holds no value of anybody.
	generation int64
	// voids names the message that a void notice takes the number of.
	voids record.ID
}

// id is the message's id, for a void notice that of the message it voids: a line is halted by either.
func (m *message) id() record.ID {
	if !m.voids.IsZero() {
		return m.voids
	}
	return m.envelope.Header().Message
}

// nobody is the generation of a message that holds nobody.
const nobody = -1

func newMessage(i *Intent, transfer record.ID, at time.Time, generation int64) *message {
	if len(i.Disclosure) == 0 {
		generation = nobody
	}
	return &message{transfer: transfer, envelope: i.Envelope, sealed: i.Outbox, ticket: i.Ticket, logged: at, generation: generation, voids: i.Voids}
}

// send brings a message to its settlements, none if it is left waiting. A message that ends without the recipient's word about it, refused without
// a receipt or abandoned, would leave its number open, and the recipient would wait for it: a void notice takes the number (I10), or
// brings the receipt of the message, if that has arrived after all.
func (r *run) send(ctx context.Context, m *message) (result, error) {
	s, err := r.engine.deliver(ctx, r.conn, m, r.way)
	if err != nil || s == nil {
		return nil, err
	}
	if len(s.Receipt) == 0 && s.Outcome != Disputed {
		return r.withdraw(ctx, m, nil, s)
	}
	return result{s}, nil
}

// deliver tries a message until it is settled, or the run's patience ends (then the settlement is nil and the message
// stays waiting). The error ends the run: the context's, a Halt, or [ErrBlocksMoved] if somebody was blocked or unblocked between two attempts.
// A message that was halted stays waiting, and nothing else is sent to the recipient until it is taken.
func (e *Engine) deliver(ctx context.Context, c *Connection, m *message, w *line.Way) (*Settlement, error) {
	if err := e.load(m); err != nil {
		return nil, err
	}
	started, pause, patience, attempts := e.Now(), firstPause, c.Patience, 0
	if w.Tired.Load() {
		patience = 0
	}
	for {
		var wait time.Duration
		switch t := w.Ask(m.id(), e.Now()); {
		case t.Halt != nil:
			return nil, t.Halt
		case t.Probe != nil && patience > 0:
			select {
			case <-t.Probe:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			if err := e.unmoved(ctx, m); err != nil {
				return nil, err
			}
			continue
		case t.Probe != nil || t.Pause > 0:
			wait = max(t.Pause, firstPause)
		default:
			attempts++
			s, failure := e.attempt(ctx, c, m)
			if failure == nil {
				w.Tired.Store(false)
				s.Attempts = attempts
				return s, e.lines().Answered(ctx, w.Shared, m.id(), m.voids.IsZero() || s.Outcome == Delivered)
			}
			if ctx.Err() != nil {
				w.Unused()
				return nil, ctx.Err()
			}
			e.note(c, m, w.Shared, attempts, failure)
			switch failure.Kind {
			case connectors.Halt:
				return nil, e.lines().Halt(ctx, w.Shared, c.Name, m.id(), failure)
			case connectors.Refused, connectors.Disputed:
				w.Tired.Store(false)
				return m.failed(failure, attempts), e.lines().Answered(ctx, w.Shared, m.id(), false)
			}
			var err error
			if failure.Placed {
				err = e.lines().Answered(ctx, w.Shared, m.id(), false)
			} else {
				err = e.lines().Unanswered(ctx, w.Shared, failure)
			}
			if err != nil {
				return nil, err
			}
			wait = max(pause/2+rand.N(pause/2+1), failure.RetryAfter)
			pause = min(2*pause, lastPause)
		}
		now := e.Now()
		if c.Deadline > 0 && now.Sub(m.logged) > c.Deadline {
			return m.settle(Abandoned, codeDeadline, attempts), nil
		}
		if now.Add(wait).Sub(started) > patience {
			w.Tired.Store(true)
			return nil, nil
		}
		if err := e.Wait(ctx, wait); err != nil {
			return nil, err
		}
		if err := e.unmoved(ctx, m); err != nil {
			return nil, err
		}
	}
}

// load gives a message its payload, from the bytes at rest.
func (e *Engine) load(m *message) (err error) {
	if m.envelope.Valid() {
		return nil
	}
	h := m.envelope.Header()
	payload, err := outbox.Unpack(e.Vault, &h, m.sealed)
	if err != nil {
		return fmt.Errorf("opening message %s from the outbox: %w", h.Message, err)
	}
	m.sealed = nil
	m.envelope, err = m.envelope.Carrying(payload)
	return err
}

// unmoved returns [ErrBlocksMoved] if blocks have changed since the people in a message were compared with them (I5).
func (e *Engine) unmoved(ctx context.Context, m *message) error {
	if m.generation == nobody {
		return nil
	}
	generation, _, err := e.Blocks.Blocked(ctx)
	if err != nil {
		return fmt.Errorf("reading the blocks: %w", err)
	}
	if generation != m.generation {
		return ErrBlocksMoved
	}
	return nil
}

// note logs a failed attempt; what no later attempt will mend is an alarm. While the line is down, only its change of state is worth a line.
func (e *Engine) note(c *Connection, m *message, l *line.Shared, attempt int, f *connectors.Failure) {
	known, level := l.Known(), slog.LevelWarn
	switch {
	case f.Kind == connectors.Transient && known.State == LineDown, f.Kind == connectors.Halt && known.State == LineHalted && f.Code == known.Code:
		level = slog.LevelDebug
	case f.Placed && attempt > 1: // it waits where it lies
		level = slog.LevelDebug
	case f.Placed:
		level = slog.LevelInfo
	case f.Kind == connectors.Halt, f.Kind == connectors.Disputed:
		level = slog.LevelError
	}
	h := m.envelope.Header()
	e.Logger.Log(context.Background(), level, "delivery attempt failed", "connector", c.Name, "message", h.Message.String(), "sequence", h.Sequence,
		"attempt", attempt, "kind", f.Kind.String(), "code", f.Code, "remote", f.Remote, "hint", f.Hint)
}

// failed is the settlement of a message that the recipient has refused without a receipt, or answered with something that is none.
func (m *message) failed(f *connectors.Failure, attempt int) *Settlement {
	if f.Kind == connectors.Disputed {
		return m.settle(Disputed, f.Code, attempt)
	}
	s := m.settle(Refused, f.Code, attempt)
	s.Reasons = []Reason{{Kind: "rejected", Rule: cmp.Or(f.Remote, f.Code), People: s.Records}}
	return s
}

// attempt delivers once and reads the receipt.
func (e *Engine) attempt(ctx context.Context, c *Connection, m *message) (*Settlement, *connectors.Failure) {
	pause.At("send")
	ack, err := c.Connector.Deliver(ctx, m.envelope, m.ticket)
	if err == nil {
		pause.At("answered")
		var receipt *signing.Receipt
		if receipt, err = c.Connector.ReadReceipt(m.envelope, ack); err == nil {
			pause.At("receipt")
			return m.received(receipt, ack), nil
		}
	}
	var failure *connectors.Failure
	if !errors.As(err, &failure) {
		failure = &connectors.Failure{Kind: connectors.Transient, Code: "delivery.failed", Err: err}
	}
	return nil, failure
}

// received is the settlement that a verified receipt makes.
func (m *message) received(receipt *signing.Receipt, bytes []byte) *Settlement {
	s := m.settle(Delivered, "", 0)
	if receipt.Status == signing.StatusRefused {
		s.Outcome, s.Code = Refused, "receipt.refused"
		if receipt.Code != "" {
			s.Code = receipt.Code
		}
		s.Reasons = []Reason{{Kind: "rejected", Rule: s.Code, People: s.Records}}
	}
	s.Receipt, s.Accepted, s.Updated, s.Rejected = bytes, receipt.Accepted, receipt.Updated, receipt.Rejected
	tally := account.Tally{Reasons: s.Reasons}
	for _, o := range receipt.Outcomes {
		if o.Status == signing.StatusRejected {
			s.Rejects = append(s.Rejects, o.Index)
			tally.Add(Reason{Kind: "rejected", Rule: o.Code})
		}
	}
	s.Reasons = tally.Reasons
	return s
}

func (m *message) settle(o Outcome, code string, attempts int) *Settlement {
	h := m.envelope.Header()
	s := &Settlement{Transfer: m.transfer, Message: h.Message, Sequence: h.Sequence, Intent: m.ticket.Index(), Outcome: o, Code: code, Records: h.Records, Attempts: attempts}
	if o == Disputed || o == Abandoned {
		s.Reasons = []Reason{{Kind: string(o), Rule: code, People: s.Records}}
	}
	return s
}

// Entry is the log entry of a settlement.
func (s *Settlement) Entry(recipient string) *transferlog.Settlement {
	out := &transferlog.Settlement{
		Intent: s.Intent, Transfer: s.Transfer, Message: s.Message, Sequence: s.Sequence, Recipient: recipient,
		Outcome: string(s.Outcome), Code: s.Code, Accepted: s.Accepted, Updated: s.Updated, Rejected: s.Rejected, Attempts: s.Attempts,
	}
	if len(s.Receipt) > 0 {
		out.Receipt = record.DigestOf(s.Receipt)
	}
	return out
}
