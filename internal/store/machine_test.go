package store

import (
	"errors"
	"flag"
	"os"
	"testing"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// TestMain bounds the state machine, which looks at the whole world after every step; -rapid.checks and -rapid.steps override.
func TestMain(m *testing.M) {
	if os.Getenv("STORE_VICTIM") != "" {
		os.Exit(victim())
	}
	for name, value := range map[string]string{"rapid.checks": "6", "rapid.steps": "25"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// machine is the model: what the store must hold.
type machine struct {
	*rig
	transfers []transfer.Transfer
	parts     map[record.ID]int
	people    int
	waiting   []held
	blocks    int64
	blocked   []roster.Tag
	register  record.Digest
}

// held is a message that waits, with the void notice for it if there is one.
type held struct {
	transfer transfer.Transfer
	intent   *transfer.Intent
	void     *transfer.Intent
}

// TestStateMachine runs random sequences of everything that a service does, on one database of each kind.
func TestStateMachine(t *testing.T) {
	onBoth(t, func(r *rig) {
		m := &machine{rig: r, parts: map[record.ID]int{}}
		rapid.Check(t, func(rt *rapid.T) {
			rt.Repeat(map[string]func(*rapid.T){
				"":         func(rt *rapid.T) { m.invariant(rt) },
				"begin":    m.actBegin,
				"record":   m.actRecord,
				"moved":    m.actMoved,
				"settle":   m.actSettle,
				"twice":    m.actTwice,
				"void":     m.actVoid,
				"block":    m.actBlock,
				"unblock":  m.actUnblock,
				"finish":   m.actFinish,
				"register": m.actRegister,
				"reopen":   func(*rapid.T) { r.must(r.s.Close()); r.open() },
			})
		})
		r.verified()
	})
}

func (m *machine) invariant(rt *rapid.T) {
	if err := m.world(); err != nil {
		rt.Fatal(err)
	}
	generation, tags, err := m.s.Blocked(m.Context())
	if err != nil || generation != m.blocks || len(tags) != len(m.blocked) {
		rt.Fatalf("blocks: generation %d with %d people, want %d with %d; %v", generation, len(tags), m.blocks, len(m.blocked), err)
	}
	if d, err := m.s.RegisterDigest(m.Context()); err != nil || d != m.register {
		rt.Fatalf("register %s, want %s; %v", d.Short(), m.register.Short(), err)
	}
	n := 0
	for _, connector := range []string{"c-" + ministry, "c-" + city} {
		list, err := m.s.Waiting(m.Context(), connector)
		if err != nil {
			rt.Fatal(err)
		}
		n += len(list)
	}
	want := len(m.waiting)
	for _, h := range m.waiting {
		if h.void != nil {
			want++
		}
	}
	if n != want {
		rt.Fatalf("%d messages wait, want %d", n, want)
	}
}

func (m *machine) actBegin(rt *rapid.T) {
	recipient := rapid.SampledFrom([]string{ministry, city}).Draw(rt, "recipient")
	m.transfers = append(m.transfers, m.begin("c-"+recipient, recipient))
}

func (m *machine) one(rt *rapid.T) transfer.Transfer {
	if len(m.transfers) == 0 {
		rt.Skip("no transfer")
	}
	return rapid.SampledFrom(m.transfers[max(0, len(m.transfers)-4):]).Draw(rt, "transfer")
}

// draw makes a work of one to four parts.
func (m *machine) draw(rt *rapid.T) (transfer.Transfer, transfer.Work) {
	t := m.one(rt)
	var parts []*transfer.Part
	for i := range rapid.IntRange(1, 4).Draw(rt, "parts") {
		people := rapid.IntRange(1, 5).Draw(rt, "people")
		parts = append(parts, m.part(t, m.parts[t.ID]+i+1, m.people, people, rapid.IntRange(0, people).Draw(rt, "refused")))
		m.people += people
	}
	return t, m.work(t, parts...)
}

func (m *machine) actRecord(rt *rapid.T) {
	t, w := m.draw(rt)
	m.must(m.s.Record(m.Context(), m.tick(), w))
	m.parts[t.ID] += len(w.Parts)
	for _, p := range w.Parts {
		if p.Intent == nil {
			continue
		}
		if !p.Intent.Ticket.Admits(p.Intent.Envelope.Digest()) {
			rt.Fatal("a logged message has no ticket")
		}
		m.waiting = append(m.waiting, held{transfer: t, intent: p.Intent})
	}
}

// actMoved records under a generation of blocks that is not the present one: nothing may remain.
func (m *machine) actMoved(rt *rapid.T) {
	_, w := m.draw(rt)
	w.Generation += rapid.SampledFrom([]int64{-1, 1}).Draw(rt, "off")
	before := m.size()
	if err := m.s.Record(m.Context(), m.tick(), w); !errors.Is(err, transfer.ErrBlocksMoved) {
		rt.Fatalf("recorded under other blocks: %v", err)
	}
	for _, p := range w.Parts {
		if p.Intent != nil && (p.Intent.Ticket != nil || p.Intent.Envelope != nil) {
			rt.Fatal("a message that was not logged has a ticket or an envelope")
		}
	}
	if m.size() != before {
		rt.Fatal("the log has grown")
	}
}

func (m *machine) size() (n int64) {
	m.must(m.s.DB().Get(&n, "SELECT size FROM log_head"))
	return n
}

func (m *machine) take(rt *rapid.T) (int, held) {
	if len(m.waiting) == 0 {
		rt.Skip("nothing waits")
	}
	i := rapid.IntRange(0, len(m.waiting)-1).Draw(rt, "message")
	return i, m.waiting[i]
}

// actSettle settles a message, with its void notice if it has one, and may record a replacement in the same transaction.
func (m *machine) actSettle(rt *rapid.T) {
	i, h := m.take(rt)
	w := m.work(h.transfer)
	if h.void != nil {
		w.Settlements = []*transfer.Settlement{m.settle(h.intent, transfer.Cancelled, false), m.settle(h.void, transfer.Delivered, false)}
		replacement := m.part(h.transfer, 0, m.people, 1, 0)
		replacement.Read, replacement.Refused = 0, 0
		w.Parts = []*transfer.Part{replacement}
		defer func() {
			m.parts[h.transfer.ID]++
			m.waiting = append(m.waiting, held{transfer: h.transfer, intent: replacement.Intent})
		}()
	} else {
		outcome := rapid.SampledFrom([]transfer.Outcome{transfer.Delivered, transfer.Delivered, transfer.Refused, transfer.Disputed, transfer.Abandoned}).Draw(rt, "outcome")
		w.Settlements = []*transfer.Settlement{m.settle(h.intent, outcome, rapid.Bool().Draw(rt, "reject"))}
	}
	m.must(m.s.Record(m.Context(), m.tick(), w))
	m.waiting = append(m.waiting[:i:i], m.waiting[i+1:]...)
}

// actTwice settles a message twice, in one transaction and in two: the second settlement is refused (I3).
func (m *machine) actTwice(rt *rapid.T) {
	i, h := m.take(rt)
	if h.void != nil {
		rt.Skip("it is being voided")
	}
	w := m.work(h.transfer)
	s := m.settle(h.intent, transfer.Delivered, false)
	w.Settlements = []*transfer.Settlement{s, s}
	if m.s.Record(m.Context(), m.tick(), w) == nil {
		rt.Fatal("two settlements in one transaction")
	}
	w.Settlements = w.Settlements[:1]
	m.must(m.s.Record(m.Context(), m.tick(), w))
	if m.s.Record(m.Context(), m.tick(), w) == nil {
		rt.Fatal("two settlements")
	}
	m.waiting = append(m.waiting[:i:i], m.waiting[i+1:]...)
	w.Settlements, w.Void = nil, m.void(h.transfer, h.intent)
	if err := m.s.Record(m.Context(), m.tick(), w); record.CodeOf(err) != "store.not_waiting" {
		rt.Fatalf("a settled message was voided: %v", err)
	}
}

func (m *machine) actVoid(rt *rapid.T) {
	i, h := m.take(rt)
	w := m.work(h.transfer)
	w.Void = m.void(h.transfer, h.intent)
	err := m.s.Record(m.Context(), m.tick(), w)
	if h.void != nil {
		if err == nil {
			rt.Fatal("a message was voided twice")
		}
		return
	}
	m.must(err)
	if w.Void.Envelope.Header().Sequence != h.intent.Envelope.Header().Sequence || !w.Void.Ticket.Admits(w.Void.Envelope.Digest()) {
		rt.Fatal("a void notice has another number or no ticket")
	}
	m.waiting[i].void = w.Void
}

func (m *machine) actBlock(rt *rapid.T) {
	id := record.NewID()
	entry := &transferlog.Block{Act: "block", Subject: 1, Requester: "user", Reason: "r"}
	m.must(m.s.Block(m.Context(), m.tick(), Block{ID: id, Tag: roster.Tag(id), Requester: "user", Reason: "r", Received: m.now}, entry))
	m.blocks++
	m.blocked = append(m.blocked, roster.Tag(id))
}

func (m *machine) actUnblock(rt *rapid.T) {
	entry := &transferlog.Block{Act: "unblock", Subject: 1, Requester: "user", Reason: "r"}
	if err := m.s.Unblock(m.Context(), m.tick(), roster.Tag(record.NewID()), "lawful", entry); !errors.Is(err, ErrNotBlocked) {
		rt.Fatalf("unblocked somebody who is not blocked: %v", err)
	}
	if len(m.blocked) == 0 {
		rt.Skip("nobody is blocked")
	}
	m.must(m.s.Unblock(m.Context(), m.tick(), m.blocked[0], "lawful", entry))
	m.blocks++
	m.blocked = m.blocked[1:]
}

func (m *machine) actFinish(rt *rapid.T) {
	report := &transfer.Report{Transfer: m.one(rt)}
	m.must(m.s.Finish(m.Context(), m.tick(), report))
	if !report.Totals.Balanced() && report.Status != transfer.Failed {
		rt.Fatalf("%s, and the status is %s", report.Totals, report.Status)
	}
	got, err := m.s.Transfer(m.Context(), report.ID)
	if err != nil || got.Totals != report.Totals || got.Status != report.Status {
		rt.Fatalf("closed as %+v, read as %+v, %v", report.Totals, got, err)
	}
}

func (m *machine) actRegister(rt *rapid.T) {
	id := record.NewID()
	next := record.DigestOf(id[:])
	if err := m.s.SetRegister(m.Context(), m.tick(), &transferlog.RegisterChange{Old: next, New: next}); !errors.Is(err, ErrRegisterMoved) {
		rt.Fatalf("a register that is not in force was replaced: %v", err)
	}
	m.must(m.s.SetRegister(m.Context(), m.tick(), &transferlog.RegisterChange{Old: m.register, New: next, Actors: []string{"a", "b"}}))
	m.register = next
}
