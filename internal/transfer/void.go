package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transfer/door"
	"birgeoqy.kz/almasu/internal/transfer/outbox"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// cancel fills the number of a waiting message with a void notice, and sends the people who are still permitted under a new
// one. If the recipient already has the message, it answers with that message's receipt, and it is settled as delivered.
func (r *run) cancel(ctx context.Context, w *Waiting, m, notice *message, why string) (settled bool, err error) {
	settlements, err := r.withdraw(ctx, m, notice, m.settle(Cancelled, why, 0))
	if err != nil || settlements == nil {
		return false, err
	}
	work := Work{Settlements: settlements}
	if settlements[0].Outcome != Cancelled {
		return true, r.record(ctx, work)
	}
	var part *Part
	for {
		if part, work.Generation, err = r.replace(ctx, w, why); err != nil {
			return false, err
		}
		work.Parts = []*Part{part}
		pause.At("void.replaced")
		if err = r.record(ctx, work); !errors.Is(err, ErrBlocksMoved) {
			break
		}
	}
	if err != nil || part.Intent == nil {
		return err == nil, err
	}
	s, err := r.send(ctx, newMessage(part.Intent, r.report.ID, r.engine.Now(), work.Generation))
	if err != nil || s == nil {
		return false, err
	}
	return true, r.record(ctx, Work{Settlements: s})
}

// withdraw fills a message's number with a void notice, the one that is logged already or a new one, and settles both: the message as end
// says, or by its receipt, if the recipient answers with that. It returns nothing if the notice must wait.
func (r *run) withdraw(ctx context.Context, m, notice *message, end *Settlement) (result, error) {
	e, h := r.engine, m.envelope.Header()
	alarm := func(text string) {
		e.Logger.Error(text, "connector", r.conn.Name, "recipient", h.Recipient, "message", h.Message.String(), "sequence", h.Sequence, "records", h.Records,
			"as", string(end.Outcome), "code", end.Code)
	}
	if notice == nil {
		alarm("a message is withdrawn")
		var err error
		pause.At("void.begun")
		if notice, err = r.voidNotice(ctx, m); err != nil {
			return nil, err
		}
	}
	pause.At("void.logged")
	both := &answersForEither{Connector: r.conn.Connector, original: m.envelope}
	conn := *r.conn
	conn.Connector, conn.Deadline = both, 0 // a notice holds nobody, and waits as long as it takes
	s, err := e.deliver(ctx, &conn, notice, r.way)
	if err != nil || s == nil {
		return nil, err
	}
	pause.At("void.answered")
	if both.receipt != nil {
		delivered := m.received(both.receipt, both.bytes)
		delivered.Attempts = s.Attempts
		return result{delivered, notice.settle(Cancelled, "void.original_delivered", s.Attempts)}, nil
	}
	if s.Outcome != Delivered {
		return nil, e.lines().Halt(ctx, r.way.Shared, r.conn.Name, notice.id(), &connectors.Failure{Kind: connectors.Halt, Code: "void.not_taken", Remote: s.Code,
			Hint: "the recipient refused a void notice; compare sequence numbers with: authority status", Err: errors.New("a void notice was not taken")})
	}
	if end.Outcome == Abandoned {
		alarm("a message is abandoned")
	}
	return result{end, s}, nil
}

// voidNotice logs a void notice for a message.
func (r *run) voidNotice(ctx context.Context, m *message) (*message, error) {
	e, h := r.engine, m.envelope.Header()
	voids, sequence := h.Message, h.Sequence
	payload := outbox.Void(voids)
	id := record.NewID()
	sealed, _, err := outbox.Pack(e.Vault, id, payload, nil, nil)
	if err != nil {
		return nil, err
	}
	h.Message, h.Operation, h.Fields, h.Records, h.Sealed = id, signing.OperationVoid, nil, 0, e.Now()
	i := &Intent{Message: id, Outbox: sealed, Voids: voids, VoidsSequence: sequence,
		Seal: func(sequence uint64) (*signing.Envelope, *transferlog.Intent, error) {
			h.Sequence = sequence
			env, err := signing.Seal(h, payload, r.conn.Key)
			if err != nil {
				return nil, nil, fmt.Errorf("sealing a void notice: %w", err)
			}
			entry := r.intentOf(env)
			entry.Voids = voids
			return env, entry, nil
		}}
	if err := r.record(ctx, Work{Void: i}); err != nil {
		return nil, err
	}
	return newMessage(i, m.transfer, e.Now(), nobody), nil
}

// answersForEither reads the receipt of a void notice, or of the message that it voids if the recipient had that already.
type answersForEither struct {
	connectors.Connector
	original *signing.Envelope
	receipt  *signing.Receipt
	bytes    []byte
}

func (a *answersForEither) ReadReceipt(env *signing.Envelope, ack []byte) (*signing.Receipt, error) {
	receipt, err := a.Connector.ReadReceipt(env, ack)
	if err == nil {
		return receipt, nil
	}
	if original, originalErr := a.Connector.ReadReceipt(a.original, ack); originalErr == nil {
		a.receipt, a.bytes = original, ack
		return original, nil
	}
	return nil, err
}

// replace reads the people of a cancelled message again and decides about them again.
func (r *run) replace(ctx context.Context, w *Waiting, why string) (*Part, int64, error) {
	if r.order.Notice != nil {
		part, generation, err := r.compose(ctx)
		if err == nil {
			part.Read = 0 // its records were counted when the notice was first logged
		}
		return part, generation, err
	}
	door, generation, err := r.newDoor(ctx)
	if err != nil {
		return nil, 0, err
	}
	if r.gate == nil { // the law refuses the run as a whole
		return &Part{AfterKey: w.AfterKey, LastKey: w.LastKey, Refused: w.Records, Reasons: []Reason{{Kind: "refused", Rule: why, People: w.Records}}}, generation, nil
	}
	set, err := w.Disclosure.Disclosed()
	if err != nil {
		return nil, 0, err
	}
	if r.gate.Counts() {
		return r.recount(ctx, w, set.Contains)
	}
	desk, err := r.newDesk(ctx, Progress{Parts: w.Part}, generation)
	if err != nil {
		return nil, 0, err
	}
	b, err := r.readAgain(ctx, w, door, set.Contains)
	if err != nil {
		return nil, 0, err
	}
	part := &Part{AfterKey: w.AfterKey, LastKey: w.LastKey}
	if b.Len() > 0 {
		drafts, err := desk.take(ctx, b)
		if err != nil {
			return nil, 0, err
		}
		d := drafts[0] // nobody is compared
		if err := (&packer{run: r}).pack(d); err != nil {
			return nil, 0, err
		}
		part = d.part
		part.Number, part.AfterKey, part.LastKey = 0, w.AfterKey, w.LastKey
	}
	if gone := w.Records - b.Len(); gone > 0 { // no longer on the platform
		part.Withheld += gone
		part.Reasons = append(part.Reasons, Reason{Kind: "withheld", Rule: "source.gone", People: gone})
	}
	part.Read = 0 // they were counted when they were first read
	return part, generation, nil
}

// readAgain reads the message's range of keys and keeps the people who were in it.
func (r *run) readAgain(ctx context.Context, w *Waiting, d *door.Door, inside func(uint32) bool) (*record.Batch, error) {
	s, err := r.conn.Source.Open(ctx, connectors.Query{Fields: r.gate.Fields(), After: w.AfterKey, Through: w.LastKey})
	if err != nil {
		return nil, fmt.Errorf("opening the source: %w", err)
	}
	defer s.Close()
	r.report.Snapshot = s.Snapshot()
	all, b := record.NewBatch(r.gate.Fields(), r.conn.Batch), record.NewBatch(r.gate.Fields(), r.conn.Batch)
	for {
		err := s.Next(ctx, b, r.conn.Batch)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the source: %w", err)
		}
		if err := d.Resolve(ctx, b); err != nil {
			return nil, err
		}
		for i := range b.Len() {
			if inside(b.Person(i).Ordinal) {
				all.AddFrom(b, i)
			}
		}
	}
}
