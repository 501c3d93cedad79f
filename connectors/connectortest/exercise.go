package connectortest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Receiver is the counterparty of the connector under test.
type Receiver interface {
	// Play sets how the next messages are treated, one act each; those after them honestly.
	Play(acts ...Act)
	// Kept lists what was stored, by number.
	Kept() []Message
	// Restart is a restart, with or without what was kept.
	Restart(remembering bool)
}

// Fixture makes a connector that delivers to a fresh receiver what the sender seals. An attempt gives up a silent receiver within two seconds.
type Fixture func(t testing.TB, s *Sender) (connectors.Connector, Receiver)

// Exercise tries a connector against every act and every duty of package connectors.
func Exercise(t *testing.T, fixture Fixture) {
	for act, want := range verdicts {
		t.Run(string(act), func(t *testing.T) {
			t.Parallel()
			tryAct(t, fixture, act, want)
		})
	}
	for name, try := range map[string]func(*bench){
		"gates": (*bench).gates, "repetition": (*bench).repetition, "side by side": (*bench).sideBySide, "window": (*bench).window,
		"restart": (*bench).restart, "void": (*bench).void, "void too late": (*bench).voidTooLate, "swapped receipts": (*bench).swapped,
		"cancelled": (*bench).cancelled, "sealing": (*bench).sealing,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			try(newBench(t, fixture))
		})
	}
}

// bench is a connector between a sender and a receiver.
type bench struct {
	*testing.T
	s        *Sender
	c        connectors.Connector
	receiver Receiver
}

func newBench(t *testing.T, fixture Fixture) *bench {
	b := &bench{T: t, s: NewSender(t)}
	b.c, b.receiver = fixture(t, b.s)
	return b
}

// deliver makes one attempt, which leaves no reader of the payload open, and reads the receipt.
func (b *bench) deliver(ctx context.Context, env *signing.Envelope, ticket *transferlog.Ticket) (*signing.Receipt, []byte, error) {
	ack, err := b.c.Deliver(ctx, env, ticket)
	if n := b.s.Readers(env); n != 0 {
		b.Errorf("%d readers of the payload are open", n)
	}
	if err != nil {
		return nil, nil, err
	}
	r, err := b.c.ReadReceipt(env, ack)
	return r, ack, err
}

// arrives delivers and insists on a receipt.
func (b *bench) arrives(env *signing.Envelope, ticket *transferlog.Ticket) []byte {
	b.Helper()
	r, ack, err := b.deliver(b.Context(), env, ticket)
	if err != nil {
		b.Fatal(err)
	}
	if r.Message != env.Header().Message || r.Envelope != env.Digest() {
		b.Fatal("the receipt is for another message")
	}
	return ack
}

// comesThrough tries until there is a receipt: a connection that the restart has cut may cost an attempt.
func (b *bench) comesThrough(env *signing.Envelope, ticket *transferlog.Ticket) {
	b.Helper()
	var err error
	for range 5 {
		if _, _, err = b.deliver(b.Context(), env, ticket); err == nil {
			return
		}
		b.fails(err, connectors.Transient)
	}
	b.Fatal(err)
}

// fails insists on a failure of a kind.
func (b *bench) fails(err error, kind connectors.Kind) *connectors.Failure {
	b.Helper()
	var f *connectors.Failure
	if !errors.As(err, &f) {
		b.Fatalf("got %v, want a failure", err)
	}
	if f.Kind != kind || f.Code == "" {
		b.Fatalf("got %v, want the kind %s", f, kind)
	}
	return f
}

// holds insists that exactly these messages were kept, byte for byte.
func (b *bench) holds(envelopes ...*signing.Envelope) {
	b.Helper()
	kept := b.receiver.Kept()
	if len(kept) != len(envelopes) {
		b.Fatalf("%d messages were kept, want %d", len(kept), len(envelopes))
	}
	for i, env := range envelopes {
		if kept[i].Header.Message != env.Header().Message || record.DigestOf(kept[i].Payload) != env.Payload().Digest() {
			b.Fatalf("message %d is not what was sealed", i)
		}
	}
}

func tryAct(t *testing.T, fixture Fixture, act Act, want verdict) {
	b := newBench(t, fixture)
	env, ticket := b.s.Message(3)
	b.receiver.Play(act)
	r, _, err := b.deliver(b.Context(), env, ticket)
	switch {
	case want.receipt && err != nil:
		t.Fatalf("no receipt: %v", err)
	case !want.receipt:
		f := b.fails(err, want.kind)
		if act == Busy && f.RetryAfter != RetryAfter*time.Second {
			t.Fatalf("the wish to wait reads as %v", f.RetryAfter)
		}
	case act == RejectsOne && (r.Accepted != 2 || r.Rejected != 1 || len(r.Outcomes) != 1):
		t.Fatal("the outcomes are not what the receiver has signed")
	case act == Refuses && r.Status != signing.StatusRefused:
		t.Fatal("the refusal is not what the receiver has signed")
	}
	if want.kept {
		b.holds(env)
	} else {
		b.holds()
	}
	if want.final {
		return
	}
	b.arrives(env, ticket)
	b.holds(env)
	again, ticket2 := b.s.Message(1)
	b.arrives(again, ticket2) // and the connector is as good as before
}

// gates: nothing leaves without an envelope, and a ticket for it.
func (b *bench) gates() {
	env, ticket := b.s.Message(1)
	_, other := b.s.Message(1)
	for _, c := range []struct {
		env    *signing.Envelope
		ticket *transferlog.Ticket
	}{{nil, ticket}, {new(signing.Envelope), ticket}, {env, nil}, {env, new(transferlog.Ticket)}, {env, other}} {
		_, err := b.c.Deliver(b.Context(), c.env, c.ticket)
		b.fails(err, connectors.Halt)
	}
	b.holds()
}

// repetition: the same message has the same receipt, also long after.
func (b *bench) repetition() {
	env, ticket := b.s.Message(2)
	first := b.arrives(env, ticket)
	later, ticket2 := b.s.Message(2)
	b.arrives(later, ticket2)
	for range 3 {
		if !bytes.Equal(b.arrives(env, ticket), first) {
			b.Fatal("another receipt for the same message")
		}
	}
	b.holds(env, later)
}

// sideBySide delivers many messages at once, with a few that misbehave among them.
func (b *bench) sideBySide() {
	const n = 24
	var envelopes []*signing.Envelope
	var tickets []*transferlog.Ticket
	for range n {
		env, ticket := b.s.Message(1)
		envelopes, tickets = append(envelopes, env), append(tickets, ticket)
	}
	b.receiver.Play(Honest, CutAfter, ServerError, CutBefore, Doubled, Honest, Forged, Busy)
	var wg sync.WaitGroup
	for i := range envelopes {
		wg.Go(func() {
			for range 10 { // a cut connection may be that of several
				if _, _, err := b.deliver(b.Context(), envelopes[i], tickets[i]); err == nil {
					return
				}
			}
			b.Errorf("message %d does not arrive", i)
		})
	}
	wg.Wait()
	b.holds(envelopes...)
}

// window: what is too far ahead waits for what is missing.
func (b *bench) window() {
	first, ticket := b.s.Message(1)
	for range Window - 1 {
		b.s.Message(1)
	}
	far, farTicket := b.s.Message(1)
	_, _, err := b.deliver(b.Context(), far, farTicket)
	b.fails(err, connectors.Transient)
	b.arrives(first, ticket)
	b.arrives(far, farTicket)
	b.holds(first, far)
}

// restart: a receiver that has lost its connections, and one that has lost its memory, are delivered to again.
func (b *bench) restart() {
	env, ticket := b.s.Message(1)
	b.arrives(env, ticket)
	b.receiver.Restart(true)
	next, ticket2 := b.s.Message(1)
	b.comesThrough(next, ticket2)
	b.holds(env, next)
	b.receiver.Restart(false)
	b.comesThrough(env, ticket)
	b.comesThrough(next, ticket2)
	b.holds(env, next)
}

// void: a notice takes the number of a message that has not arrived, and the message has no place any more.
func (b *bench) void() {
	env, ticket := b.s.Message(1)
	notice, ticket2 := b.s.Void(env)
	b.arrives(notice, ticket2)
	_, _, err := b.deliver(b.Context(), env, ticket)
	b.fails(err, connectors.Halt)
	b.holds(notice)
}

// voidTooLate: a notice for a message that has arrived brings that message's receipt.
func (b *bench) voidTooLate() {
	env, ticket := b.s.Message(2)
	b.arrives(env, ticket)
	notice, ticket2 := b.s.Void(env)
	ack, err := b.c.Deliver(b.Context(), notice, ticket2)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.c.ReadReceipt(notice, ack); err == nil {
		b.Fatal("the receipt passes for one of the notice")
	}
	if r, err := b.c.ReadReceipt(env, ack); err != nil || r.Accepted != 2 {
		b.Fatalf("the message's receipt does not come with the answer to the notice: %v", err)
	}
	b.holds(env)
}

// swapped: the receipt of one message is none for another.
func (b *bench) swapped() {
	one, ticket := b.s.Message(1)
	two, ticket2 := b.s.Message(1)
	ack, ack2 := b.arrives(one, ticket), b.arrives(two, ticket2)
	for _, c := range []struct {
		env *signing.Envelope
		ack []byte
	}{{one, ack2}, {two, ack}, {one, nil}, {one, ack[:len(ack)-1]}, {one, slices.Concat(ack, ack)}} {
		_, err := b.c.ReadReceipt(c.env, c.ack)
		b.fails(err, connectors.Disputed)
	}
}

// cancelled: a delivery ends with its context.
func (b *bench) cancelled() {
	env, ticket := b.s.Message(1)
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	_, _, err := b.deliver(ctx, env, ticket)
	b.fails(err, connectors.Transient)
	b.arrives(env, ticket)
}

// sealing is a pure function.
func (b *bench) sealing() {
	document := []byte(`{"a":1}`)
	one, kind, err := b.c.Seal(document, "application/json")
	two, kind2, err2 := b.c.Seal(document, "application/json")
	if err != nil || err2 != nil || !bytes.Equal(one, two) || kind != kind2 || kind == "" {
		b.Fatalf("%v, %v", err, err2)
	}
}
