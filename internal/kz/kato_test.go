package kz

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// The counts are those that the classifier's publisher and the file's provenance state.
func TestEditionFacts(t *testing.T) {
	e := KATO()
	if e.Version() != "2026-07-17" || e.Classifier() != "NK RK 11-2025" || len(e.Places()) != 15594 {
		t.Fatalf("edition %s of %s with %d rows", e.Version(), e.Classifier(), len(e.Places()))
	}
	levels, kinds := map[Level]int{}, map[uint8]int{}
	for _, p := range e.Places() {
		levels[p.Level]++
		kinds[p.Kind]++
		if p.NameKK == "" || p.NameRU == "" || CleanName(p.NameKK) != p.NameKK || CleanName(p.NameRU) != p.NameRU {
			t.Errorf("%s has an unclean name", p.Code)
		}
	}
	for level, want := range map[Level]int{LevelOblast: 20, LevelDistrict: 209, LevelSubDistrict: 2379, LevelSettlement: 12986} {
		if levels[level] != want {
			t.Errorf("%d rows of level %s, want %d", levels[level], level, want)
		}
	}
	for kind, want := range []int{17, 199, 15289, 43, 46} {
		if kinds[uint8(kind)] != want {
			t.Errorf("%d rows of kind %d, want %d", kinds[uint8(kind)], kind, want)
		}
	}
}

func TestEveryPlaceHasAnAncestorChain(t *testing.T) {
	e, skipped, settlements := KATO(), 0, 0
	for _, p := range e.Places() {
		chain := e.Chain(p.Code)
		top := chain[len(chain)-1]
		if chain[0] != p || top.Level != LevelOblast {
			t.Fatalf("%s: chain begins with %s and ends with %s", p.Code, chain[0].Code, top.Code)
		}
		for _, above := range chain {
			if !Within([]byte(p.Code), []byte(above.Code)) {
				t.Errorf("%s is not within its ancestor %s", p.Code, above.Code)
			}
		}
		if len(chain) > 1 && chain[1].Level+1 != p.Level {
			skipped++
			if p.Level == LevelSettlement {
				settlements++
			}
		}
	}
	if skipped != 97 || settlements != 78 {
		t.Errorf("%d rows skip a level, %d of them settlements; want 97 and 78", skipped, settlements)
	}
}

// Within by digits says the same as the ancestor chains of the table.
func TestWithinAgreesWithTheTable(t *testing.T) {
	e := KATO()
	var territories []Place
	for i, p := range e.Places() {
		if p.Level <= LevelDistrict || i%100 == 0 {
			territories = append(territories, p)
		}
	}
	for i := 0; i < len(e.Places()); i += 7 {
		p := e.Places()[i]
		chain := e.Chain(p.Code)
		for _, territory := range territories {
			if got, want := Within([]byte(p.Code), []byte(territory.Code)), slices.Contains(chain, territory); got != want {
				t.Fatalf("Within(%s, %s) = %v, want %v", p.Code, territory.Code, got, want)
			}
		}
	}
}

// One byte that is no digit, anywhere in either code, refuses.
func TestWithinLooksAtEveryByte(t *testing.T) {
	for i := range codeLength {
		for c := range 256 {
			code, territory := []byte("123456789"), []byte("123456789")
			code[i], territory[i] = byte(c), byte(c)
			digit := c >= '0' && c <= '9'
			if got := Within(code, territory); got != digit {
				t.Errorf("byte %d is %#x: %v", i, c, got)
			}
			if Within(code, []byte("120000000")) != (digit && string(code[:2]) == "12") {
				t.Errorf("byte %d is %#x, in an oblast", i, c)
			}
		}
	}
}

func TestWithinRefusesWhatIsNoCode(t *testing.T) {
	for _, pair := range [][2]string{
		{"", ""}, {"100000000", ""}, {"", "100000000"}, {"100000000", "000000000"}, {"000000000", "000000000"},
		{"10000000x", "100000000"}, {"1000000000", "100000000"}, {"100000000", "10000000x"}, {"100000000", "10"},
	} {
		if Within([]byte(pair[0]), []byte(pair[1])) {
			t.Errorf("%q counts as within %q", pair[0], pair[1])
		}
	}
}

func TestParentAndLookup(t *testing.T) {
	e := KATO()
	for code, want := range map[string]string{
		"113820100": "113800000", // a settlement directly under a district
		"151011100": "151000000",
		"791510000": "790000000", // a district of a city of republican significance
		"103230000": "103200000",
		"101010000": "101000000", // the town that appears twice
		"103200000": "100000000",
		"103299999": "103200000", // not in the edition
	} {
		if p, ok := e.Parent(code); !ok || p.Code != want {
			t.Errorf("parent of %s is %s (%v), want %s", code, p.Code, ok, want)
		}
	}
	if _, ok := e.Parent("100000000"); ok {
		t.Error("an oblast has a parent")
	}
	if p, ok := e.Lookup("750000000"); !ok || p.NameKK != "Алматы қ." || p.NameRU != "г.Алматы" || p.Level != LevelOblast {
		t.Errorf("Lookup(750000000) = %+v, %v", p, ok)
	}
	for _, code := range []string{"", "75", "999999999", "75000000x", "510000000"} {
		if _, ok := e.Lookup(code); ok {
			t.Errorf("Lookup(%q) found something", code)
		}
	}
}

func TestChildren(t *testing.T) {
	e := KATO()
	if n := len(e.Children("")); n != 20 {
		t.Errorf("%d oblasts", n)
	}
	total := 20
	for _, p := range e.Places() {
		if p.Level == LevelSettlement {
			continue
		}
		total += len(e.Children(p.Code))
	}
	if total != len(e.Places()) {
		t.Errorf("the children of all places are %d, want %d", total, len(e.Places()))
	}
	if e.Children("12") != nil {
		t.Error("a text that is no code has children")
	}
}

func TestSearch(t *testing.T) {
	e := KATO()
	if n := len(e.Search("с. Жамбыл", "")); n < 35 {
		t.Errorf("%d places are called с.Жамбыл, want at least 35", n)
	}
	found := e.Search("семей қ", "100000000")
	if !slices.ContainsFunc(found, func(p Place) bool { return p.Code == "101010000" }) {
		t.Errorf("the town is not among %d results", len(found))
	}
	for _, p := range found {
		if !strings.HasPrefix(p.Code, "10") {
			t.Errorf("%s is outside of the territory", p.Code)
		}
	}
	if e.Search(" . ", "") != nil || e.Search("", "") != nil {
		t.Error("an empty query finds places")
	}
}

func TestBrokenEditions(t *testing.T) {
	const head = "kato,kato_version,level,type_code,name_ru,name_kk\n"
	for name, text := range map[string]string{
		"empty":         "",
		"other columns": "a,b\n",
		"short row":     head + "100000000,X,oblast,0,a\n",
		"level":         head + "100000000,X,district,0,a,b\n",
		"code":          head + "10000000x,X,oblast,0,a,b\n",
		"kind":          head + "100000000,X,oblast,5,a,b\n",
		"order":         head + "110000000,X,oblast,0,a,b\n100000000,X,oblast,0,a,b\n",
		"twice":         head + "110000000,X,oblast,0,a,b\n110000000,X,oblast,0,a,b\n",
		"classifier":    head + "100000000,X,oblast,0,a,b\n110000000,Y,oblast,0,a,b\n",
	} {
		if _, err := ReadEdition("x", strings.NewReader(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	e, code, territory := KATO(), []byte("103230100"), []byte("103200000")
	if n := testing.AllocsPerRun(100, func() { Within(code, territory); e.Lookup(string(code)); ValidIIN(code) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkWithin(b *testing.B) {
	code, territory := []byte("103230100"), []byte("103200000")
	for b.Loop() {
		Within(code, territory)
	}
}

func BenchmarkLookup(b *testing.B) {
	e, code := KATO(), []byte("103230100")
	for b.Loop() {
		e.Lookup(string(code))
	}
}

// The embedded file is the one that data/README.md names.
func TestEmbeddedFileIsTheNamedOne(t *testing.T) {
	const want = "6a0300f254c070dabcbb4fb65569f73b0e36879ab3feaaa35286c0d77c0c6c22"
	if got := hex.EncodeToString(sum(kato20260717)); got != want {
		t.Errorf("SHA-256 %s, want %s", got, want)
	}
}

func sum(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:]
}
