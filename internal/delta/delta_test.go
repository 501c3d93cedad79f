package delta

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/vault"
)

func newVault(t testing.TB) *vault.Vault {
	line, err := vault.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Parse([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// shelf keeps pages in memory and counts what is asked of it.
type shelf struct {
	pages        map[uint32]Sealed
	reads        int
	puts, recent int
}

func (s *shelf) at(n uint32) Sealed {
	p := s.pages[n]
	return Sealed{Body: bytes.Clone(p.Body), Recent: bytes.Clone(p.Recent), Stale: p.Stale}
}

func (s *shelf) Page(_ context.Context, n uint32, memory Sealed) (Sealed, error) {
	s.reads++
	p := s.pages[n]
	return Sealed{Body: append(memory.Body[:0], p.Body...), Recent: append(memory.Recent[:0], p.Recent...), Stale: p.Stale}, nil
}

func (s *shelf) Recent(_ context.Context, n uint32) (Sealed, int, error) {
	p := s.at(n)
	size := len(p.Body)
	p.Body = nil
	return p, size, nil
}

func (s *shelf) Put(_ context.Context, n uint32, body []byte) error {
	s.puts++
	s.pages[n] = Sealed{Body: body}
	return nil
}

func (s *shelf) PutRecent(_ context.Context, n uint32, recent []byte) error {
	p, there := s.pages[n]
	if !there || p.Stale {
		return errors.New("recent digests of a page that is not there, or stale")
	}
	s.recent++
	s.pages[n] = Sealed{Body: p.Body, Recent: recent}
	return nil
}

// spoil marks every page as stale.
func (s *shelf) spoil() {
	for n, p := range s.pages {
		p.Stale = true
		s.pages[n] = p
	}
}

// one is one cleared person.
type one struct {
	mask   uint64
	values []string // "-" is NULL
}

func (o one) Mask(int) uint64 { return o.mask }

func (o one) Value(_, f int) ([]byte, bool) {
	if o.mask>>uint(f)&1 == 0 || o.values[f] == "-" {
		return nil, false
	}
	return []byte(o.values[f]), true
}

var secret = bytes.Repeat([]byte{7}, 32)

func of(t testing.TB, key []byte, scope record.Digest, reads uint64, o one) Digest {
	h, err := NewHasher(key, scope, reads)
	if err != nil {
		t.Fatal(err)
	}
	return h.Of(o, 0)
}

// TestDigest: whatever may make another record makes another digest, and what the mapping does not read makes none.
func TestDigest(t *testing.T) {
	scope := Scope(record.DigestOf([]byte("table")), []string{"iin", "phone"}, nil)
	base := one{0b111, []string{"1", "23", "x"}}
	seen := map[Digest]string{}
	note := func(what string, d Digest) {
		if other, there := seen[d]; there || d == Zero || d == Stale {
			t.Errorf("%s has the digest of %s", what, other)
		}
		seen[d] = what
	}
	note("the base", of(t, secret, scope, 0b011, base))
	note("another key", of(t, secret[:31], scope, 0b011, base))
	note("another mapping", of(t, secret, Scope(record.DigestOf([]byte("table2")), []string{"iin", "phone"}, nil), 0b011, base))
	note("another column", of(t, secret, Scope(record.DigestOf([]byte("table")), []string{"iin", "email"}, nil), 0b011, base))
	note("columns cut elsewhere", of(t, secret, Scope(record.DigestOf([]byte("table")), []string{"iinp", "hone"}, nil), 0b011, base))
	note("other marks", of(t, secret, Scope(record.DigestOf([]byte("table")), []string{"iin", "phone"}, []byte("m")), 0b011, base))
	note("a field less", of(t, secret, scope, 0b011, one{0b110, base.values}))
	note("values cut elsewhere", of(t, secret, scope, 0b011, one{0b111, []string{"12", "3", "x"}}))
	note("nothing", of(t, secret, scope, 0b011, one{0b111, []string{"1", "", "x"}}))
	note("NULL", of(t, secret, scope, 0b011, one{0b111, []string{"1", "-", "x"}}))
	for what, o := range map[string]one{"a value that is not read": {0b111, []string{"1", "23", "y"}}, "a field that is not read": {0b011, base.values}} {
		if seen[of(t, secret, scope, 0b011, o)] != "the base" {
			t.Errorf("%s changes the digest", what)
		}
	}
	if _, err := NewHasher(secret[:15], scope, 1); err == nil {
		t.Error("a short secret is taken")
	}
	h, _ := NewHasher(secret, scope, 0b011)
	cleared := Cleared(base)
	if n := testing.AllocsPerRun(100, func() { h.Of(cleared, 0) }); n > 2 { // the values of the test
		t.Errorf("%v allocations a digest", n)
	}
}

// TestLists: a list comes back as it was, under its own message only; stale or not.
func TestLists(t *testing.T) {
	v := newVault(t)
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Entry {
			e := Entry{Ordinal: rapid.Uint32Min(1).Draw(t, "ordinal")}
			copy(e.Digest[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "digest"))
			return e
		})).Draw(t, "list")
		id := record.NewID()
		sealed, err := SealList(v, id, list)
		if err != nil {
			t.Fatal(err)
		}
		got, err := OpenList(v, id, bytes.Clone(sealed), false)
		if err != nil || !slices.Equal(got, list) {
			t.Fatalf("%v %v", got, err)
		}
		got, err = OpenList(v, id, bytes.Clone(sealed), true)
		for i, e := range got {
			if e.Ordinal != list[i].Ordinal || (e.Digest != Stale) != (list[i].Digest == Zero) {
				t.Fatalf("stale: %v of %v, %v", e, list[i], err)
			}
		}
		if _, err := OpenList(v, record.NewID(), sealed, false); len(list) > 0 && !errors.Is(err, vault.ErrOpen) {
			t.Fatalf("it opens under another message: %v", err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(nil, []Entry{{1, Stale}, {9, Digest{4}}, {3, Zero}}))
	f.Add([]byte{1, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(Encode(nil, list))
		if err != nil || !slices.Equal(again, list) {
			t.Errorf("%v %v", again, err)
		}
	})
}

// TestBook runs changes against a plain map: what is applied is read, also by a book that has only what waits, and what is spoilt is stale.
func TestBook(t *testing.T) {
	v := newVault(t)
	const people = 200 * PageSize // more pages than a book keeps
	rapid.Check(t, func(t *rapid.T) {
		s, model := &shelf{pages: map[uint32]Sealed{}}, map[uint32]Digest{}
		ordinal := rapid.OneOf(rapid.Uint32Range(1, 20), rapid.Uint32Range(1, people))
		entry := rapid.Custom(func(t *rapid.T) Entry {
			return Entry{ordinal.Draw(t, "ordinal"), Digest{rapid.ByteRange(0, 3).Draw(t, "digest")}}
		})
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			list := rapid.SliceOfN(entry, 0, 40).Draw(t, "list")
			switch rapid.IntRange(0, 5).Draw(t, "act") {
			case 0:
				s.spoil()
				for o, d := range model {
					if d != Zero {
						model[o] = Stale
					}
				}
			case 1:
				var ordinals []uint32
				held := map[uint32]bool{}
				for _, e := range list {
					ordinals = append(ordinals, e.Ordinal)
					if model[e.Ordinal] != Zero {
						model[e.Ordinal], held[e.Ordinal] = Stale, true
					}
				}
				if n, err := Spoil(t.Context(), s, v, "b", ordinals); err != nil || n < len(held) {
					t.Fatalf("%d of %d, %v", n, len(held), err)
				}
				continue
			}
			book := NewBook(s, v, "b", list)
			for _, e := range list {
				model[e.Ordinal] = e.Digest
			}
			compareBook(t, book.Of, model)
			if err := Apply(t.Context(), s, v, "b", list); err != nil {
				t.Fatal(err)
			}
		}
		compareBook(t, NewBook(s, v, "b").Held, model)
		found := map[uint32]Digest{}
		for n := range s.pages {
			if err := Each(v, "b", n, s.at(n), func(e Entry) { found[e.Ordinal] = e.Digest }); err != nil {
				t.Fatal(err)
			}
		}
		if maps.DeleteFunc(model, func(_ uint32, d Digest) bool { return d == Zero }); !maps.Equal(found, model) {
			t.Fatalf("%d people in the pages, %d in the model", len(found), len(model))
		}
		book := NewBook(s, v, "b")
		set, without := make([]uint64, people/64+1), map[uint32]bool{}
		for _, o := range slices.Sorted(maps.Keys(model)) {
			if rapid.IntRange(0, 3).Draw(t, "absent") == 0 {
				without[o/PageSize] = true
			} else {
				set[o/64] |= 1 << (o % 64)
			}
			if book.Within(o/PageSize, set) {
				t.Fatal("a page that was not read is within a set")
			}
		}
		for o := range model {
			if _, err := book.Of(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		for o := range model {
			if n := o / PageSize; book.Within(n, set) == without[n] || book.Within(n, set[:o/64]) {
				t.Fatalf("page %d: within %v, somebody absent %v", n, book.Within(n, set), without[n])
			}
		}
		if s.spoil(); len(model) > 0 {
			for o := range model {
				if d, err := NewBook(s, v, "b").Of(t.Context(), o); d != Stale || err != nil {
					t.Fatalf("a stale page: %v %v", d, err)
				}
			}
		}
	})
}

func compareBook(t *rapid.T, of func(context.Context, uint32) (Digest, error), model map[uint32]Digest) {
	for _, o := range append(slices.Collect(maps.Keys(model)), 1, 2, 199*PageSize) {
		if d, err := of(t.Context(), o); err != nil || d != model[o] {
			t.Fatalf("ordinal %d: %v, expected %v, %v", o, d, model[o], err)
		}
	}
}

// TestPagesAreReadOnce: people in the order of their ordinals cost one read a page, and a page moved to another place does not open.
func TestPagesAreReadOnce(t *testing.T) {
	v, s := newVault(t), &shelf{pages: map[uint32]Sealed{}}
	var all []Entry
	for o := uint32(1); o < 100*PageSize; o += 100 {
		all = append(all, Entry{o, Digest{9}})
	}
	if err := Apply(t.Context(), s, v, "b", all); err != nil || s.reads != 100 {
		t.Fatalf("%d reads, %v", s.reads, err)
	}
	b := NewBook(s, v, "b")
	for _, e := range all {
		if d, err := b.Of(t.Context(), e.Ordinal); d != e.Digest || err != nil {
			t.Fatal(d, err)
		}
	}
	if s.reads != 200 || len(b.cache) > cached {
		t.Errorf("%d reads, %d pages kept", s.reads-100, len(b.cache))
	}
	s.pages[1] = s.pages[2]
	if _, err := NewBook(s, v, "b").Of(t.Context(), PageSize); !errors.Is(err, vault.ErrOpen) {
		t.Errorf("a page of another place opens: %v", err)
	}
	if _, err := NewBook(s, v, "c").Of(t.Context(), 3*PageSize); !errors.Is(err, vault.ErrOpen) {
		t.Errorf("a page of another book opens: %v", err)
	}
}

// TestMemoryIsUsedAgain: once a book keeps as many pages as it may, a further one is read into memory that is there.
func TestMemoryIsUsedAgain(t *testing.T) {
	v, s := newVault(t), &shelf{pages: map[uint32]Sealed{}}
	const pages = 3 * cached
	var all []Entry
	for n := uint32(1); n <= pages; n++ {
		all = append(all, Entry{n*PageSize - 1, Digest{9}})
	}
	if err := Apply(t.Context(), s, v, "b", all); err != nil {
		t.Fatal(err)
	}
	b := NewBook(s, v, "b")
	read := func(list []Entry) {
		for _, e := range list {
			if _, err := b.Of(t.Context(), e.Ordinal); err != nil {
				t.Fatal(err)
			}
		}
	}
	read(all)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read(all[:pages-cached])
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / (pages - cached); each > 2048 || s.reads != pages+pages+pages-cached {
		t.Errorf("%d bytes allocated for a page, %d reads", each, s.reads)
	}
}

// TestFewChangesLeaveTheBody: as long as few of a page have changed only those are written, whatever was written before; then the page is written whole.
func TestFewChangesLeaveTheBody(t *testing.T) {
	v, s := newVault(t), &shelf{pages: map[uint32]Sealed{}}
	model := map[uint32]Digest{}
	apply := func(digest byte, from, people, step uint32) {
		t.Helper()
		var list []Entry
		for i := range people {
			list = append(list, Entry{from + i*step, Digest{digest}})
			model[from+i*step] = Digest{digest}
		}
		s.puts, s.recent = 0, 0
		if err := Apply(t.Context(), s, v, "b", list); err != nil {
			t.Fatal(err)
		}
		b := NewBook(s, v, "b")
		for o, want := range model {
			if got, err := b.Of(t.Context(), o); got != want || err != nil {
				t.Fatalf("ordinal %d: %v, %v", o, got, err)
			}
		}
	}
	expect := func(puts, recent int) {
		t.Helper()
		if s.puts != puts || s.recent != recent {
			t.Errorf("%d pages were written whole and %d in part, expected %d and %d", s.puts, s.recent, puts, recent)
		}
	}
	apply(1, PageSize, 2*PageSize, 1)
	expect(2, 0)
	apply(2, PageSize, 80, 100)
	expect(0, 2)
	apply(3, PageSize, 80, 100) // the same people count once
	expect(0, 2)
	apply(4, PageSize+1, PageSize/recentShare, 1)
	expect(1, 0)
	apply(5, PageSize, 2, PageSize)
	expect(0, 2)
	if len(s.pages[1].Recent) == 0 || len(s.pages[1].Recent) >= len(s.pages[2].Recent) {
		t.Error("a page that was written whole keeps what was recent before")
	}
	s.spoil()
	for o := range model {
		model[o] = Stale
	}
	apply(6, PageSize, 1, 1)
	expect(1, 0)
	p := s.pages[1]
	p.Recent = s.pages[2].Recent
	s.pages[1] = p
	if _, err := NewBook(s, v, "b").Of(t.Context(), PageSize); !errors.Is(err, vault.ErrOpen) {
		t.Errorf("recent digests of another page open: %v", err)
	}
	sealed, err := v.Seal(nil, purpose, recentName("b", 1), Encode(nil, []Entry{{2 * PageSize, Digest{1}}}))
	if err != nil {
		t.Fatal(err)
	}
	p.Recent = sealed
	s.pages[1] = p
	if _, err := NewBook(s, v, "b").Of(t.Context(), PageSize); !errors.Is(err, ErrMalformed) {
		t.Errorf("recent digests of people of another page are taken: %v", err)
	}
}
