package transferlog

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/record"
)

// TestSetsReadBack fills sets in random order and compares them with a map; the bytes do not depend on the order.
func TestSetsReadBack(t *testing.T) {
	var reused DisclosureSet
	rapid.Check(t, func(t *rapid.T) {
		ordinals := rapid.SliceOfNDistinct(rapid.Uint32Range(1, 200000), 0, 300, rapid.ID).Draw(t, "ordinals")
		want := map[uint32]Group{}
		reused.Reset()
		for _, o := range ordinals {
			g := Group{Situation: rapid.Uint16Range(0, 5).Draw(t, "situation"), Mask: rapid.Uint64().Draw(t, "mask") & 3}
			want[o] = g
			reused.Add(g.Situation, g.Mask, o)
		}
		b, err := reused.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseDisclosureSet(b)
		if err != nil || got.Len() != len(want) || reused.Len() != len(want) {
			t.Fatalf("%v, %d people, want %d", err, got.Len(), len(want))
		}
		var other DisclosureSet
		for o, w := range want {
			other.Add(w.Situation, w.Mask, o)
			if g, ok := got.Find(o); !ok || g.Situation != w.Situation || g.Mask != w.Mask {
				t.Fatalf("ordinal %d: %v %v", o, g, ok)
			}
			if _, in := want[o+1]; got.Contains(o+1) != in {
				t.Fatalf("ordinal %d", o+1)
			}
		}
		if again, _ := other.Encode(nil); !bytes.Equal(again, b) {
			t.Fatal("the bytes depend on the order")
		}
	})
}

func TestSetsRefuse(t *testing.T) {
	for name, fill := range map[string]func(*DisclosureSet){
		"twice in a group":        func(s *DisclosureSet) { s.Add(1, 1, 5); s.Add(1, 1, 5) },
		"twice":                   func(s *DisclosureSet) { s.Add(1, 1, 5); s.Add(2, 1, 5) },
		"twice, far apart":        func(s *DisclosureSet) { s.Add(1, 1, 5); s.Add(1, 1, 6); s.Add(1, 1, 5) },
		"without an ordinal":      func(s *DisclosureSet) { s.Add(1, 1, 0) },
		"an ordinal, then a zero": func(s *DisclosureSet) { s.Add(1, 1, 5); s.Add(1, 1, 0) },
	} {
		var s DisclosureSet
		fill(&s)
		if _, err := s.Encode(nil); record.CodeOf(err) != "log.set_malformed" {
			t.Errorf("%s: %v", name, err)
		}
	}
	var d DisclosureSet
	var r RefusalSet
	d.Add(1, 0, 5)
	r.Add(1, 5)
	db, _ := d.Encode(nil)
	rb, _ := r.Encode(nil)
	if _, err := ParseDisclosureSet(rb); err == nil {
		t.Error("a refusal set is no disclosure set")
	}
	if _, err := ParseRefusalSet(db); err == nil {
		t.Error("a disclosure set is no refusal set")
	}
	back, err := ParseRefusalSet(rb)
	if err != nil || back.Len() != 1 {
		t.Error(err)
	}
	if g, ok := back.Find(5); !ok || g.Situation != 1 {
		t.Error("a refused person is not found")
	}
	if SetDigest(Salt{1}, db) == SetDigest(Salt{2}, db) || SetDigest(Salt{1}, db) == SetDigest(Salt{1}, rb) {
		t.Error("digests depend on salt and bytes")
	}
	for i := range db {
		if _, err := ParseDisclosureSet(db[:i]); err == nil {
			t.Errorf("cut to %d bytes", i)
		}
	}
	if _, err := ParseDisclosureSet(append(db, 0)); err == nil {
		t.Error("a trailing byte")
	}
}

func FuzzDisclosureSet(f *testing.F) {
	var s DisclosureSet
	for i := range uint32(5000) {
		s.Add(uint16(i%7%3), uint64(i%2), i*i%100000+1+i)
	}
	s.Reset()
	for i := range uint32(100) {
		s.Add(uint16(i%3), uint64(i%2), 2*i+1)
	}
	b, err := s.Encode(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseDisclosureSet(b)
		if err != nil {
			return
		}
		if again, err := s.Encode(nil); err != nil || !bytes.Equal(again, b) {
			t.Fatal("a second spelling of a set")
		}
	})
}

func BenchmarkDisclosureSet(b *testing.B) {
	var s DisclosureSet
	var buffer []byte
	b.ReportAllocs()
	for i := range b.N {
		s.Reset()
		for k := range uint32(1000) {
			s.Add(uint16(k%11%4), uint64(k%7%2), uint32(i%1000)*1000+k+1)
		}
		var err error
		if buffer, err = s.Encode(buffer[:0]); err != nil {
			b.Fatal(err)
		}
		SetDigest(Salt{}, buffer)
	}
	b.ReportMetric(float64(len(buffer)), "bytes")
}
