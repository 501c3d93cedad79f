package roster

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/vault"
	"pgregory.net/rapid"
)

// shelf is a Store in memory that checks what it is given.
type shelf struct {
	chunks []Chunk
	next   uint32
	writes int
}

func (s *shelf) Around(_ context.Context, first, last []byte, f func(Chunk) error) error {
	for i, c := range s.chunks {
		isBefore := bytes.Compare(c.First, first) <= 0
		nextToo := i+1 < len(s.chunks) && bytes.Compare(s.chunks[i+1].First, first) <= 0
		if isBefore && !nextToo || !isBefore && bytes.Compare(c.First, last) <= 0 {
			if err := s.lend(c, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// lend calls f with a copy that is spoilt afterwards.
func (s *shelf) lend(c Chunk, f func(Chunk) error) error {
	lent := Chunk{First: bytes.Clone(c.First), Last: bytes.Clone(c.Last), Count: c.Count, Body: bytes.Clone(c.Body)}
	err := f(lent)
	if !bytes.Equal(lent.Body, c.Body) {
		err = errors.Join(err, errors.New("what was lent was changed"))
	}
	for _, b := range [][]byte{lent.First, lent.Last, lent.Body} {
		for i := range b {
			b[i] = 0xaa
		}
	}
	return err
}

func (s *shelf) Change(ctx context.Context, first, last []byte, f func(uint32, []Chunk) ([]Chunk, uint32, error)) error {
	var around []Chunk
	err := s.Around(ctx, first, last, func(c Chunk) error {
		around = append(around, Chunk{First: bytes.Clone(c.First), Last: bytes.Clone(c.Last), Count: c.Count, Body: bytes.Clone(c.Body)})
		return nil
	})
	if err != nil {
		return err
	}
	put, free, err := f(s.next, around)
	if err != nil {
		return err
	}
	for _, c := range put {
		s.chunks = slices.DeleteFunc(s.chunks, func(o Chunk) bool { return bytes.Equal(o.First, c.First) })
		if c.Count > 0 {
			s.chunks = append(s.chunks, c)
		}
		s.writes++
	}
	slices.SortFunc(s.chunks, func(a, b Chunk) int { return bytes.Compare(a.First, b.First) })
	s.next = free
	return nil
}

func (s *shelf) Each(_ context.Context, f func(Chunk) error) error {
	for _, c := range s.chunks {
		if err := s.lend(c, f); err != nil {
			return err
		}
	}
	return nil
}

func setup(t testing.TB) (*Roster, *shelf) {
	t.Helper()
	line, err := vault.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Parse([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{next: 1}
	r, err := New(s, v, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return r, s
}

func key(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func batchOf(keys []int, iin func(int) string) *record.Batch {
	b := record.NewBatch(nil, len(keys))
	for _, k := range keys {
		b.Add(record.Person{Key: key(k), IIN: []byte(iin(k))}, nil)
	}
	return b
}

func plainIIN(k int) string { return fmt.Sprintf("%012d", k) }

// TestResolveIsStable checks, over random sequences of sparse batches, that a person keeps their ordinal,
// no two people share one, and chunks stay ordered, disjoint and bounded.
func TestResolveIsStable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, s := setup(t)
		want := map[int]uint32{}
		for range rapid.IntRange(1, 8).Draw(rt, "batches") {
			from := rapid.IntRange(0, 9000).Draw(rt, "from")
			step := rapid.IntRange(1, 5).Draw(rt, "step")
			n := rapid.IntRange(1, 1500).Draw(rt, "n")
			keys := make([]int, n)
			for i := range keys {
				keys[i] = from + i*step
			}
			b := batchOf(keys, plainIIN)
			if err := r.Resolve(t.Context(), b); err != nil {
				rt.Fatal(err)
			}
			for i, k := range keys {
				got := b.Person(i).Ordinal
				if was, ok := want[k]; got == 0 || ok && was != got {
					rt.Fatalf("ordinal %d, was %d", got, was)
				}
				want[k] = got
			}
			checkShelf(rt, s, len(want))
		}
	})
}

func checkShelf(t *rapid.T, s *shelf, people int) {
	total := 0
	for i, c := range s.chunks {
		total += c.Count
		if c.Count == 0 || c.Count > MaxChunk || bytes.Compare(c.First, c.Last) > 0 {
			t.Fatalf("chunk %d has %d entries", i, c.Count)
		}
		if i > 0 && bytes.Compare(s.chunks[i-1].Last, c.First) >= 0 {
			t.Fatalf("chunks %d and %d overlap", i-1, i)
		}
	}
	if total != people || s.next != uint32(people)+1 {
		t.Fatalf("%d entries for %d people, next ordinal %d", total, people, s.next)
	}
}

func TestKnownPeopleAreNotWrittenAgain(t *testing.T) {
	r, s := setup(t)
	keys := make([]int, 3000)
	for i := range keys {
		keys[i] = i
	}
	for start := 0; start < 3000; start += 1000 {
		if err := r.Resolve(t.Context(), batchOf(keys[start:start+1000], plainIIN)); err != nil {
			t.Fatal(err)
		}
	}
	if s.writes != 3 {
		t.Errorf("three batches in key order wrote %d chunks", s.writes)
	}
	if err := r.Resolve(t.Context(), batchOf(keys[500:1500], plainIIN)); err != nil || s.writes != 3 {
		t.Errorf("known people were written again: %d writes, %v", s.writes, err)
	}
}

func TestChangedIINKeepsFormerOrdinal(t *testing.T) {
	r, _ := setup(t)
	b := batchOf([]int{1, 2, 3}, plainIIN)
	if err := r.Resolve(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	old := b.Person(1).Ordinal
	changed := func(k int) string {
		if k == 2 {
			return "999999999999"
		}
		return plainIIN(k)
	}
	for range 2 { // the second time nothing changes
		if err := r.Resolve(t.Context(), batchOf([]int{1, 2, 3}, changed)); err != nil {
			t.Fatal(err)
		}
	}
	for _, iin := range []string{plainIIN(2), "999999999999"} {
		got, err := r.Find(t.Context(), []byte(iin))
		if err != nil || !slices.Equal(got, []uint32{old, 4}) {
			t.Errorf("found %v, %v", got, err)
		}
	}
	if got, _ := r.Find(t.Context(), []byte(plainIIN(1))); !slices.Equal(got, []uint32{1}) {
		t.Errorf("found %v", got)
	}
	if got, _ := r.Find(t.Context(), nil); got != nil {
		t.Errorf("nobody was found as %v", got)
	}
}

func TestRefusesTampering(t *testing.T) {
	r, s := setup(t)
	if err := r.Resolve(t.Context(), batchOf([]int{1, 2}, plainIIN)); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(s.chunks[0].Body, []byte(strings.Repeat("0", 8))) {
		t.Error("a chunk shows an IIN")
	}
	s.chunks[0].Body[20] ^= 1
	if err := r.Resolve(t.Context(), batchOf([]int{1, 2}, plainIIN)); err == nil {
		t.Error("a changed chunk was read")
	}
	if _, err := New(s, nil, []byte("short")); err == nil {
		t.Error("a short pseudonym key was taken")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode([]entry{{key: []byte("ab"), ordinal: 1}, {key: []byte("ac"), ordinal: 2}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, _, err := decode(nil, nil, b)
		if err != nil {
			return
		}
		again, _, err := decode(nil, make([]byte, 0, 8), encode(entries))
		if err != nil || len(again) != len(entries) {
			t.Fatalf("%d entries became %d, %v", len(entries), len(again), err)
		}
	})
}

func BenchmarkResolveKnown(b *testing.B) {
	r, _ := setup(b)
	keys := make([]int, 1000)
	for i := range keys {
		keys[i] = i
	}
	batch := batchOf(keys, plainIIN)
	for b.Loop() {
		if err := r.Resolve(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/person")
}

// TestFormerPeriods: a person is found under the ordinals of all periods, also if the IIN of the account was another then; without a former roster
// its ordinals are nobody's.
func TestFormerPeriods(t *testing.T) {
	former, old := setup(t)
	resolve := func(r *Roster, iins ...string) []uint32 {
		b := record.NewBatch(nil, len(iins))
		for i, iin := range iins {
			b.Add(record.Person{Key: fmt.Appendf(nil, "k%d", i), IIN: []byte(iin)}, nil)
		}
		if err := r.Resolve(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		out := make([]uint32, len(iins))
		for i := range iins {
			out[i] = b.Person(i).Ordinal
		}
		return out
	}
	before := resolve(former, "850101300011", "850101300022")
	s := &shelf{next: old.next}
	r, err := New(s, former.vault, bytes.Repeat([]byte{7}, 32), former)
	if err != nil {
		t.Fatal(err)
	}
	after := resolve(r, "850101300033", "850101300022")
	if slices.Contains(before, after[0]) || slices.Contains(before, after[1]) {
		t.Fatalf("ordinals %v and %v", before, after)
	}
	for iin, want := range map[string][]uint32{"850101300022": {before[1], after[1]}, "850101300033": {before[0], after[0]}} {
		if got, err := r.Find(t.Context(), []byte(iin)); err != nil || !slices.Equal(got, want) {
			t.Errorf("found %v, want %v, %v", got, want, err)
		}
	}
	alone, err := New(s, former.vault, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := alone.Find(t.Context(), []byte("850101300022")); err != nil || !slices.Equal(got, after[1:]) {
		t.Errorf("without the former roster: %v, %v", got, err)
	}
}

// TestOrderIsThatOfAMessage: whatever batches came in whatever order, the people of one are named in the order of their keys, and each account knows
// its ordinals and a key below it with nobody between.
func TestOrderIsThatOfAMessage(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, _ := setup(t)
		keys := rapid.SliceOfNDistinct(rapid.IntRange(1, 5000), 2, 60, rapid.ID[int]).Draw(rt, "keys")
		late := keys[len(keys)/2:]
		for _, part := range [][]int{slices.Sorted(slices.Values(keys[:len(keys)/2])), slices.Sorted(slices.Values(late))} {
			if err := r.Resolve(t.Context(), batchOf(part, plainIIN)); err != nil {
				rt.Fatal(err)
			}
		}
		all := slices.Sorted(slices.Values(keys))
		b := batchOf(all, plainIIN)
		if err := r.Resolve(t.Context(), b); err != nil {
			rt.Fatal(err)
		}
		from, to := rapid.IntRange(0, len(all)-1).Draw(rt, "from"), rapid.IntRange(0, len(all)-1).Draw(rt, "to")
		var after []byte
		if from > 0 {
			after = key(all[from-1])
		}
		var want []uint32
		left := uint32(0)
		for i := from; i <= to; i++ {
			if o := b.Person(i).Ordinal; left == 0 && i > from {
				left = o // somebody who is not in the message
			} else {
				want = append(want, o)
			}
		}
		got, err := r.Order(t.Context(), after, key(all[to]), func(o uint32) bool { return o != left })
		if err != nil || !slices.Equal(got, want) {
			rt.Fatalf("%v, not %v (%v)", got, want, err)
		}
		who := rapid.IntRange(0, len(all)-1).Draw(rt, "who")
		accounts, err := r.Accounts(t.Context(), map[Tag]struct{}{r.TagOf([]byte(plainIIN(all[who]))): {}})
		if err != nil || len(accounts) != 1 {
			rt.Fatalf("%d accounts, %v", len(accounts), err)
		}
		a := accounts[0]
		if !bytes.Equal(a.Key, key(all[who])) || !slices.Equal(a.Ordinals, []uint32{b.Person(who).Ordinal}) {
			rt.Fatalf("%+v", a)
		}
		if who > 0 && !bytes.Equal(a.Before, key(all[who-1])) || who == 0 && a.Before != nil {
			rt.Fatalf("before it lies %x", a.Before)
		}
	})
}

// several is a roster of n people in several chunks, with the keys 0 to n-1.
func several(t *testing.T, n int) (*Roster, *record.Batch) {
	t.Helper()
	r, _ := setup(t)
	keys := make([]int, n)
	for i := range keys {
		keys[i] = i
	}
	b := batchOf(keys, plainIIN)
	if err := r.Resolve(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return r, b
}

// TestMemoryIsUsedAgain: resolving people who are known allocates next to nothing, however large their chunks.
func TestMemoryIsUsedAgain(t *testing.T) {
	r, b := several(t, 4*MaxChunk)
	s := r.store.(*shelf)
	size := 0
	for _, c := range s.chunks {
		size += len(c.Body)
	}
	r.store = plainShelf{s}
	if err := r.Resolve(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := r.Resolve(t.Context(), b)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; err != nil || n > uint64(size/10) {
		t.Errorf("%d bytes allocated for chunks of %d, %v", n, size, err)
	}
}

// plainShelf gives what a shelf has without copying it.
type plainShelf struct{ *shelf }

func (s plainShelf) Around(_ context.Context, first, last []byte, f func(Chunk) error) error {
	for _, c := range s.chunks {
		if err := f(c); err != nil {
			return err
		}
	}
	return nil
}

// TestNobodyIsBetween: the key before an account is the last one of the chunk before, too.
func TestNobodyIsBetween(t *testing.T) {
	const n = 3*MaxChunk + 7
	r, b := several(t, n)
	tags := map[Tag]struct{}{}
	for i := range n {
		tags[r.TagOf(b.Person(i).IIN)] = struct{}{}
	}
	accounts, err := r.Accounts(t.Context(), tags)
	members, e := r.Members(t.Context(), nil, key(n), func(uint32) bool { return true })
	if err != nil || e != nil || len(accounts) != n || len(members) != n {
		t.Fatalf("%d accounts, %v, and %d members, %v", len(accounts), err, len(members), e)
	}
	for i := range n {
		for _, a := range []Account{accounts[i], members[i]} {
			if !bytes.Equal(a.Key, key(i)) || i > 0 && !bytes.Equal(a.Before, key(i-1)) || i == 0 && a.Before != nil || a.Ordinals[0] != uint32(i+1) {
				t.Fatalf("account %d has the key %x, before it %x", i, a.Key, a.Before)
			}
		}
	}
	identities, err := r.Identities(t.Context(), map[uint32]struct{}{1: {}, MaxChunk + 1: {}, n: {}})
	if err != nil || len(identities) != 3 || !bytes.Equal(identities[0].Key, key(0)) || !bytes.Equal(identities[1].Key, key(MaxChunk)) || !bytes.Equal(identities[2].Key, key(n-1)) {
		t.Fatalf("%v, %v", identities, err)
	}
}
