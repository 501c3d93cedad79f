package transfer

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// The pauses between attempts double from firstPause up to lastPause, each shortened by up to half at random.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 30 * time.Second
)

// message is a logged message on its way.
type message struct {
	transfer record.ID
	envelope *signing.Envelope
	ticket   *transferlog.Ticket
	logged   time.Time
}

func newMessage(transfer record.ID, i *Intent, at time.Time) *message {
	return &message{transfer: transfer, envelope: i.Envelope, ticket: i.Ticket, logged: at}
}

// deliver tries a message until it is settled, or the run's patience ends (then the settlement is nil and the message
// stays waiting). The error ends the run: the context's, or a Halt.
func (e *Engine) deliver(ctx context.Context, c *Connection, m *message) (*Settlement, error) {
	started, pause := e.Now(), firstPause
	for attempt := 1; ; attempt++ {
		s, failure := e.attempt(ctx, c, m)
		if failure == nil {
			s.Attempts = attempt
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		e.Logger.Warn("delivery attempt failed", "connector", c.Name, "message", m.envelope.Header().Message.String(),
			"sequence", m.envelope.Header().Sequence, "attempt", attempt, "kind", failure.Kind.String(), "code", failure.Code, "hint", failure.Hint)
		now := e.Now()
		switch {
		case failure.Kind == connectors.Halt:
			return nil, failure
		case failure.Kind == connectors.Refused:
			return m.settle(Refused, failure.Code, attempt), nil
		case failure.Kind == connectors.Disputed:
			return m.settle(Disputed, failure.Code, attempt), nil
		case c.Deadline > 0 && now.Sub(m.logged) > c.Deadline:
			return m.settle(Abandoned, failure.Code, attempt), nil
		}
		wait := max(pause/2+rand.N(pause/2+1), failure.RetryAfter)
		if now.Add(wait).Sub(started) > c.Patience {
			return nil, nil
		}
		if err := e.Wait(ctx, wait); err != nil {
			return nil, err
		}
		pause = min(2*pause, lastPause)
	}
}

// attempt delivers once and reads the receipt.
func (e *Engine) attempt(ctx context.Context, c *Connection, m *message) (*Settlement, *connectors.Failure) {
	ack, err := c.Connector.Deliver(ctx, m.envelope, m.ticket)
	if err == nil {
		var receipt *signing.Receipt
		if receipt, err = c.Connector.ReadReceipt(m.envelope, ack); err == nil {
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
	}
	s.Receipt, s.Accepted, s.Updated, s.Rejected = bytes, receipt.Accepted, receipt.Updated, receipt.Rejected
	var tally reasonTally
	for _, o := range receipt.Outcomes {
		if o.Status == signing.StatusRejected {
			tally.add(Reason{Kind: "rejected", Rule: o.Code})
		}
	}
	s.Reasons = tally.list()
	return s
}

func (m *message) settle(o Outcome, code string, attempts int) *Settlement {
	h := m.envelope.Header()
	return &Settlement{
		Transfer: m.transfer, Message: h.Message, Sequence: h.Sequence, Intent: m.ticket.Index(),
		Outcome: o, Code: code, Records: h.Records, Attempts: attempts,
	}
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
