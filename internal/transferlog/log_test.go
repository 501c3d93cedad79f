package transferlog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/record"
)

var start = time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)

func newLog(t testing.TB) *Log {
	t.Helper()
	secret, public, err := GenerateKey(rand.Reader, "birgeoqy.kz/almasu/log")
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(secret + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := l.PublicKey().String(); got != public {
		t.Fatalf("public key %s, generated as %s", got, public)
	}
	return l
}

func intent(sequence uint64) *Intent {
	name := fmt.Sprint(sequence)
	return &Intent{
		Transfer: record.NewID(), Message: record.NewID(), Sequence: sequence, Connector: "ministry", Route: "ministry/pupils",
		Recipient: "010140000005", Purpose: "4.1.2", Path: "statute", Clause: "5.3", Ground: "act \"x\"\tart. 9", Procedure: "p",
		Decision: record.DigestOf([]byte("d")), Envelope: record.DigestOf([]byte("e" + name)), Payload: record.DigestOf([]byte("p" + name)),
		Fields: []string{"name", "iin"}, Records: 1000, Disclosure: record.DigestOf([]byte("s")), Actor: "schedule", Snapshot: "1:2:",
	}
}

func commit(t testing.TB, l *Log, m *Memory, entries ...Entry) *Commitment {
	t.Helper()
	c, err := l.Commit(context.Background(), m, start, entries...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCommitmentsAgainstTlog compares every commitment, in random groups with rolled-back ones between them, with the
// hashes, roots and proofs of tlog itself.
func TestCommitmentsAgainstTlog(t *testing.T) {
	l := newLog(t)
	rapid.Check(t, func(t *rapid.T) {
		var m, reference Memory
		for range rapid.IntRange(1, 12).Draw(t, "commits") {
			var entries []Entry
			for range rapid.IntRange(1, 9).Draw(t, "entries") {
				entries = append(entries, intent(uint64(len(m.Entries)+len(entries)+1)))
			}
			saved := m
			c, err := l.Commit(context.Background(), &m, start, entries...)
			if err != nil {
				t.Fatal(err)
			}
			ticket := c.Tickets()[0]
			if ticket.Admits(entries[0].(*Intent).Envelope) {
				t.Fatal("a ticket admits before its intent is durable")
			}
			if rapid.Bool().Draw(t, "roll back") {
				m = saved
				continue
			}
			if rapid.Bool().Draw(t, "told") {
				c.Committed()
			}
			for i, e := range entries {
				hashes, err := tlog.StoredHashes(c.First()+int64(i), Encode(e), &reference)
				if err != nil {
					t.Fatal(err)
				}
				reference.Hashes = append(reference.Hashes, hashes...)
			}
			root, err := tlog.TreeHash(c.Size(), &reference)
			if err != nil {
				t.Fatal(err)
			}
			at, err := l.PublicKey().Open(c.Checkpoint())
			if err != nil || at.Root != root || at.Size != c.Size() || at.Size != int64(len(m.Entries)) {
				t.Fatalf("checkpoint %v %v, tlog says %v", at, err, root)
			}
			for i, k := range c.Tickets() {
				in, index, err := CheckWire(k.Wire(), at)
				if err != nil || index != c.First()+int64(i) || in.Envelope != entries[i].(*Intent).Envelope {
					t.Fatalf("ticket %d: %v", i, err)
				}
			}
		}
	})
}

// plain is a store that does not tell its head.
type plain struct{ m *Memory }

func (p plain) Size(ctx context.Context) (int64, error)         { return p.m.Size(ctx) }
func (p plain) ReadHashes(indexes []int64) ([]tlog.Hash, error) { return p.m.ReadHashes(indexes) }
func (p plain) Append(ctx context.Context, first int64, entries [][]byte, hashes []tlog.Hash, checkpoint []byte) error {
	return p.m.Append(ctx, first, entries, hashes, checkpoint)
}

// TestStoreChangesUnderTheLog is a failover that loses what was acknowledged: the store is back at an earlier state and
// grows differently. A log that trusted its memory would sign a root that no entries have.
func TestStoreChangesUnderTheLog(t *testing.T) {
	for _, headed := range []bool{true, false} {
		a, m := newLog(t), &Memory{}
		var tx Tx = m
		if !headed {
			tx = plain{m}
		}
		commit(t, a, m, intent(1)).Committed()
		saved := *m
		commit(t, a, m, intent(2)).Committed()
		*m = saved
		commit(t, a, m, intent(3)) // by another process: this one is not told
		c, err := a.Commit(context.Background(), tx, start, intent(4))
		if err != nil {
			t.Fatal(err)
		}
		var tree Tree
		for _, e := range m.Entries {
			tree.Append(nil, e)
		}
		if at, err := a.PublicKey().Open(c.Checkpoint()); err != nil || at.Root != tree.Root() {
			t.Errorf("headed %t: the root signed is not that of the entries (%v)", headed, err)
		}
	}
	l, m := newLog(t), &Memory{}
	commit(t, l, m, intent(1))
	m.Hashes[0][0] ^= 1
	if _, err := l.Commit(context.Background(), m, start, intent(2)); record.CodeOf(err) != "log.store_damaged" || len(m.Entries) != 1 {
		t.Errorf("a damaged store: %v", err)
	}
}

func TestTicketsRefuse(t *testing.T) {
	l, m := newLog(t), &Memory{}
	e := intent(1)
	c := commit(t, l, m, &Act{Actor: "a", Act: "run_now"}, e, intent(2))
	k := c.Tickets()[0]
	if (*Ticket)(nil).Admits(e.Envelope) || new(Ticket).Admits(record.Digest{}) || k.Admits(e.Envelope) {
		t.Fatal("a ticket admits what it must not")
	}
	c.Committed()
	if !k.Admits(e.Envelope) || k.Admits(e.Payload) || k.Index() != 1 {
		t.Fatal("a durable ticket admits its envelope and no other")
	}
	back, err := Restore(l.PublicKey(), k.Index(), k.EntryBytes(), k.Proof(), k.Checkpoint())
	if err != nil || !back.Admits(e.Envelope) || back.Wire() != k.Wire() {
		t.Fatalf("restoring a ticket: %v", err)
	}
	for name, restore := range map[string]func() (*Ticket, error){
		"log.ticket_not_in_log": func() (*Ticket, error) {
			return Restore(l.PublicKey(), 2, k.EntryBytes(), k.Proof(), k.Checkpoint())
		},
		"log.ticket_not_intent": func() (*Ticket, error) {
			return Restore(l.PublicKey(), 0, m.Entries[0], k.Proof(), k.Checkpoint())
		},
		"log.checkpoint_signature": func() (*Ticket, error) {
			return Restore(newLog(t).PublicKey(), k.Index(), k.EntryBytes(), k.Proof(), k.Checkpoint())
		},
	} {
		if _, err := restore(); record.CodeOf(err) != name {
			t.Errorf("expected %s, got %v", name, err)
		}
	}
}

// failing is a store that breaks at each of its methods in turn.
type failing struct {
	Memory
	at string
}

var errStore = errors.New("the store is gone")

func (f *failing) Size(ctx context.Context) (int64, error) {
	if f.at == "size" {
		return 0, errStore
	}
	return f.Memory.Size(ctx)
}

func (f *failing) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	if f.at == "read" {
		return nil, errStore
	}
	return f.Memory.ReadHashes(indexes)
}

func (f *failing) Append(ctx context.Context, first int64, entries [][]byte, hashes []tlog.Hash, checkpoint []byte) error {
	if f.at == "append" {
		return errStore
	}
	return f.Memory.Append(ctx, first, entries, hashes, checkpoint)
}

func TestCommitFails(t *testing.T) {
	for _, at := range []string{"size", "read", "append"} {
		l, f := newLog(t), &failing{}
		commit(t, l, &f.Memory, intent(1)) // not told to be durable: the next commitment has to read
		f.at = at
		if _, err := l.Commit(context.Background(), f, start, intent(2)); !errors.Is(err, errStore) {
			t.Errorf("%s: %v", at, err)
		}
	}
	l, m := newLog(t), &Memory{}
	if _, err := l.Commit(context.Background(), m, start); !errors.Is(err, ErrNothing) {
		t.Errorf("nothing: %v", err)
	}
	if _, err := l.Commit(context.Background(), m, start, intent(1), &Block{}); record.CodeOf(err) != "log.entry_malformed" || len(m.Entries) != 0 {
		t.Errorf("a malformed entry: %v, %d entries", err, len(m.Entries))
	}
	long := intent(1)
	long.Ground = string(make([]byte, MaxEntry))
	if _, err := l.Commit(context.Background(), m, start, long); record.CodeOf(err) != "log.entry_malformed" {
		t.Errorf("a long entry: %v", err)
	}
}

func TestConsistency(t *testing.T) {
	l, m, fork := newLog(t), &Memory{}, &Memory{}
	var states, forked []Checkpoint
	at := func(m *Memory) Checkpoint {
		c, err := l.PublicKey().Open(m.Checkpoints[len(m.Checkpoints)-1])
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	states = append(states, Checkpoint{Origin: l.Origin(), Root: emptyRoot})
	for i := range uint64(20) {
		commit(t, l, m, intent(i+1))
		states = append(states, at(m))
		commit(t, l, fork, intent(i+1))
		forked = append(forked, at(fork))
	}
	for _, earlier := range states {
		for _, later := range states {
			if later.Size < earlier.Size {
				if CheckExtension(earlier, later, nil) == nil {
					t.Fatal("a shorter log is no extension")
				}
				continue
			}
			proof, err := ProveConsistency(m, earlier.Size, later.Size)
			if err != nil {
				t.Fatal(err)
			}
			if err := CheckExtension(earlier, later, proof); err != nil {
				t.Fatalf("%d to %d: %v", earlier.Size, later.Size, err)
			}
			if later.Size == 0 || earlier.Size == 0 {
				continue
			}
			other := forked[later.Size-1]
			proof, _ = ProveConsistency(fork, earlier.Size, later.Size)
			if err := CheckExtension(earlier, other, proof); record.CodeOf(err) != "log.inconsistent" {
				t.Fatalf("a fork of %d entries passes for an extension of %d: %v", other.Size, earlier.Size, err)
			}
		}
	}
}

func TestCheckpointBytes(t *testing.T) {
	l, m := newLog(t), &Memory{}
	signed := commit(t, l, m, intent(1)).Checkpoint()
	for i := range signed {
		for bit := range 8 {
			changed := append([]byte(nil), signed...)
			changed[i] ^= 1 << bit
			if _, err := l.PublicKey().Open(changed); record.CodeOf(err) == "" {
				t.Fatalf("bit %d of byte %d may be flipped: %q", bit, i, changed)
			}
		}
		if _, err := l.PublicKey().Open(signed[:i]); record.CodeOf(err) == "" {
			t.Fatalf("the checkpoint may be cut to %d bytes", i)
		}
	}
	twice := append(append([]byte(nil), signed...), signed[len(signed)-115:]...)
	if _, err := l.PublicKey().Open(twice); record.CodeOf(err) == "" {
		t.Fatal("bytes may be appended")
	}
	if _, err := (&PublicKey{}).Open(signed); record.CodeOf(err) != "log.key_malformed" {
		t.Fatalf("the zero key: %v", err)
	}
}

func BenchmarkCommitTwo(b *testing.B) {
	l, m := newLog(b), &Memory{}
	for i := range b.N {
		c := commit(b, l, m, intent(uint64(2*i+1)), &Settlement{Message: record.NewID(), Outcome: Refused, Code: "x"})
		c.Committed()
	}
}

// BenchmarkMillionLeaves appends in groups of 1,000; the time is of one leaf.
func BenchmarkMillionLeaves(b *testing.B) {
	l, m := newLog(b), &Memory{}
	e := &Settlement{Message: record.NewID(), Outcome: Refused, Code: "x"}
	group := make([]Entry, 1000)
	for i := range group {
		group[i] = e
	}
	b.ReportAllocs()
	for range b.N/1000 + 1 {
		commit(b, l, m, group...).Committed()
	}
}
