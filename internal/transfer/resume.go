package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// maxPayload bounds a payload taken from the outbox.
const maxPayload = 256 << 20

// Resume delivers what waits for the connector's recipient, in sequence order, after looking again at blocks (I5) and
// citations. It is the ordinary road from step 7 on, and what a service does after a crash.
func (e *Engine) Resume(ctx context.Context, c *Connection) error {
	waiting, err := e.Ledger.Waiting(ctx, c.Name)
	if err != nil {
		return fmt.Errorf("reading the outbox: %w", err)
	}
	voids := map[record.ID]*Waiting{}
	for _, w := range waiting {
		if !w.Voids.IsZero() {
			voids[w.Voids] = w
		}
	}
	for _, w := range waiting {
		if w.Voids.IsZero() {
			if err := e.takeUp(ctx, c, w, voids[w.Message]); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeUp brings one waiting message to its end, or leaves it waiting.
func (e *Engine) takeUp(ctx context.Context, c *Connection, w, void *Waiting) error {
	env, err := e.reopen(c, w)
	if err != nil {
		return fmt.Errorf("opening message %s from the outbox: %w", w.Message, err)
	}
	r, why, err := e.lookAgain(ctx, c, w)
	if err != nil {
		return err
	}
	if void != nil || why != "" {
		return e.cancel(ctx, c, r, w, void, env, why)
	}
	m := &message{transfer: w.Transfer.ID, envelope: env, ticket: w.Ticket, logged: w.Logged}
	s, err := e.deliver(ctx, c, m)
	if err != nil || s == nil {
		return err
	}
	return e.record(ctx, r, Work{Settlements: []*Settlement{s}})
}

func (e *Engine) record(ctx context.Context, r *run, w Work) error {
	w.Transfer, w.Connector, w.Recipient = r.report.ID, r.conn.Name, r.report.Recipient
	if err := e.Ledger.Record(ctx, e.Now(), w); err != nil {
		return fmt.Errorf("recording in the log: %w", err)
	}
	return nil
}

// reopen restores an envelope from its bytes at rest, verifying signature and digests.
func (e *Engine) reopen(c *Connection, w *Waiting) (*signing.Envelope, error) {
	h, err := signing.ParseHeader(w.Header)
	if err != nil {
		return nil, err
	}
	compressed, err := e.Vault.Open(outboxPurpose, w.Message.String(), w.Outbox)
	if err != nil {
		return nil, err
	}
	if n, err := s2.DecodedLen(compressed); err != nil || n > maxPayload {
		return nil, errors.Join(errors.New("the payload is not compressed as it should be"), err)
	}
	payload, err := s2.Decode(nil, compressed)
	if err != nil {
		return nil, err
	}
	return signing.OpenParts(w.Header, w.KeyID, w.Signature, signing.NewPayload(payload, h.MediaType), c.Ring, h.Sealed)
}

// lookAgain asks law and blocks about a waiting message now. why is the code for which it may not leave any more, empty if it may.
func (e *Engine) lookAgain(ctx context.Context, c *Connection, w *Waiting) (r *run, why string, err error) {
	order := Order{Transfer: w.Transfer}
	if w.Transfer.Request != "" {
		if order.Request, err = e.Request(ctx, w.Transfer.Request); err != nil {
			return nil, "", fmt.Errorf("reading request %s: %w", w.Transfer.Request, err)
		}
	}
	r = &run{engine: e, conn: c, order: order, report: &Report{Transfer: w.Transfer}}
	if err := r.open(); err != nil {
		var refusal *legal.Refusal
		if !errors.As(err, &refusal) {
			return nil, "", err
		}
		return r, refusal.Rule, nil
	}
	hit, err := e.holdsBlocked(ctx, w)
	if err != nil {
		return nil, "", err
	}
	if hit {
		why = "legal.blocked"
	}
	return r, why, nil
}

// holdsBlocked reports whether anybody inside is blocked now.
func (e *Engine) holdsBlocked(ctx context.Context, w *Waiting) (bool, error) {
	_, tags, err := e.Blocks.Blocked(ctx)
	if err != nil || len(tags) == 0 {
		return false, err
	}
	set, err := w.Disclosure.Disclosed()
	if err != nil {
		return false, err
	}
	ros, err := e.Roster()
	if err != nil {
		return false, err
	}
	ordinals, err := ros.FindTags(ctx, tags)
	if err != nil {
		return false, fmt.Errorf("looking up blocked people: %w", err)
	}
	for _, o := range ordinals {
		if set.Contains(o) {
			return true, nil
		}
	}
	return false, nil
}

// cancel fills the number of a waiting message with a void notice, and sends the people who are still permitted under a new
// one. If the recipient already has the message, it answers with that message's receipt, and it is settled as delivered.
func (e *Engine) cancel(ctx context.Context, c *Connection, r *run, w, void *Waiting, env *signing.Envelope, why string) error {
	notice, err := e.voidNotice(ctx, c, r, w, void)
	if err != nil {
		return err
	}
	original := &message{transfer: w.Transfer.ID, envelope: env, ticket: w.Ticket, logged: w.Logged}
	settlements, err := e.deliverVoid(ctx, c, notice, original, why)
	if err != nil || settlements == nil {
		return err
	}
	work := Work{Settlements: settlements}
	if settlements[0].Outcome == Cancelled {
		for {
			part, generation, err := r.replace(ctx, w, why)
			if err != nil {
				return err
			}
			work.Parts, work.Generation = []*Part{part}, generation
			err = e.record(ctx, r, work)
			if err == nil && part.Intent != nil {
				return e.deliverNow(ctx, c, r, part.Intent)
			}
			if !errors.Is(err, ErrBlocksMoved) {
				return err
			}
		}
	}
	return e.record(ctx, r, work)
}

func (e *Engine) deliverNow(ctx context.Context, c *Connection, r *run, i *Intent) error {
	s, err := e.deliver(ctx, c, newMessage(r.report.ID, i, e.Now()))
	if err != nil || s == nil {
		return err
	}
	return e.record(ctx, r, Work{Settlements: []*Settlement{s}})
}

// voidNotice is the logged void notice for w: the one that waits already, or a new one.
func (e *Engine) voidNotice(ctx context.Context, c *Connection, r *run, w, void *Waiting) (*message, error) {
	if void != nil {
		env, err := e.reopen(c, void)
		if err != nil {
			return nil, fmt.Errorf("opening void notice %s from the outbox: %w", void.Message, err)
		}
		return &message{transfer: w.Transfer.ID, envelope: env, ticket: void.Ticket, logged: void.Logged}, nil
	}
	payload := []byte(`{"void":"` + w.Message.String() + `"}`)
	id := record.NewID()
	outbox, err := e.atRest(id, payload)
	if err != nil {
		return nil, err
	}
	h, err := signing.ParseHeader(w.Header)
	if err != nil {
		return nil, err
	}
	h.Message, h.Operation, h.Fields, h.Records, h.Sealed = id, signing.OperationVoid, nil, 0, e.Now()
	i := &Intent{Message: id, Outbox: outbox, Voids: w.Message, VoidsSequence: w.Sequence,
		Seal: func(sequence uint64) (*signing.Envelope, *transferlog.Intent, error) {
			h.Sequence = sequence
			env, err := signing.Seal(h, signing.NewPayload(payload, "application/json"), c.Key)
			if err != nil {
				return nil, nil, fmt.Errorf("sealing a void notice: %w", err)
			}
			entry := r.intentOf(env)
			entry.Voids = w.Message
			return env, entry, nil
		}}
	if err := e.record(ctx, r, Work{Void: i}); err != nil {
		return nil, err
	}
	return newMessage(w.Transfer.ID, i, e.Now()), nil
}

func (e *Engine) atRest(id record.ID, payload []byte) ([]byte, error) {
	return e.Vault.Seal(nil, outboxPurpose, id.String(), s2.Encode(nil, payload))
}

// deliverVoid delivers a void notice and settles both messages; nothing if it must wait.
func (e *Engine) deliverVoid(ctx context.Context, c *Connection, notice, original *message, why string) ([]*Settlement, error) {
	both := &answersForEither{Connector: c.Connector, original: original.envelope}
	conn := *c
	conn.Connector = both
	s, err := e.deliver(ctx, &conn, notice)
	if err != nil || s == nil {
		return nil, err
	}
	if both.receipt != nil {
		delivered := original.received(both.receipt, both.bytes)
		delivered.Attempts = s.Attempts
		return []*Settlement{delivered, notice.settle(Cancelled, "void.original_delivered", s.Attempts)}, nil
	}
	if s.Outcome != Delivered {
		return nil, &connectors.Failure{Kind: connectors.Halt, Code: "void.not_taken", Remote: s.Code,
			Hint: "the recipient refused a void notice; compare sequence numbers with: authority status", Err: errors.New("a void notice was not taken")}
	}
	return []*Settlement{original.settle(Cancelled, why, 0), s}, nil
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
	generation, blocked, err := r.engine.Blocks.Blocked(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the blocks: %w", err)
	}
	if r.gate == nil { // the law refuses the run as a whole
		return &Part{AfterKey: w.AfterKey, LastKey: w.LastKey, Refused: w.Records, Reasons: []Reason{{Kind: "refused", Rule: why, People: w.Records}}}, generation, nil
	}
	set, err := w.Disclosure.Disclosed()
	if err != nil {
		return nil, 0, err
	}
	desk, err := r.newDesk(Progress{Parts: w.Part}, generation, blocked)
	if err != nil {
		return nil, 0, err
	}
	b, err := r.readAgain(ctx, w, desk, set.Contains)
	if err != nil {
		return nil, 0, err
	}
	part := &Part{AfterKey: w.AfterKey, LastKey: w.LastKey}
	if b.Len() > 0 {
		d, err := desk.clear(ctx, b)
		if err != nil {
			return nil, 0, err
		}
		drafts, parts := make(chan *draft, 1), make(chan *Part, 1)
		drafts <- d
		close(drafts)
		if err := r.packAll(ctx, drafts, parts); err != nil {
			return nil, 0, err
		}
		part = <-parts
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
func (r *run) readAgain(ctx context.Context, w *Waiting, d *desk, inside func(uint32) bool) (*record.Batch, error) {
	s, err := r.conn.Source.Open(ctx, connectors.Query{
		Fields: r.gate.Fields(), After: w.AfterKey, Through: w.LastKey,
	})
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
		if err := d.roster.Resolve(ctx, b); err != nil {
			return nil, err
		}
		for i := range b.Len() {
			if inside(b.Person(i).Ordinal) {
				all.AddFrom(b, i)
			}
		}
	}
}
