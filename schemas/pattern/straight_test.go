package pattern

import (
	"regexp"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestStraight compares the short way with the table and with Go's engine, on texts that match but for one character.
func TestStraight(t *testing.T) {
	for p, c := range map[string]struct {
		text     string
		straight bool
		bytes    bool
	}{
		`^[0-9]{12}$`: {"012345678909", true, true}, `^\+7[0-9]{10}$`: {"+77000000009", true, true}, `^[a-f]{8}$`: {"abcdefab", true, true}, `^a{7}[0-9]{10}z$`: {"aaaaaaa0123456789z", true, true},
		`^[0-9a-f]{16}$`: {"0123456789abcdef", true, false}, `^[0-9]{7}$`: {"1234567", true, false}, `^[\p{L}\p{M} '’.\-]+$`: {"Қож-ахмет ’", true, false}, `^қ{8}$`: {"ққққққққ", true, false},
		`^[a-zқ]{9}$`: {"abcқdefgh", true, false}, `^[0-9]{3}\p{L}{2,}$`: {"123қaб", true, false}, `^[0-9]{3,5}$`: {"1234", true, false}, `^$`: {"", true, false}, `^[^a]*$`: {"bқ\n", true, false},
		`^[\p{L}]{70}$`: {"қ", false, false}, `^(ab)*$`: {"abab", false, false}, `^a*b$`: {"aab", false, false}, `[0-9]{12}`: {"012345678909", false, false}, `^(a|b){2}$|^$`: {"ab", false, false}, `^a(b|cd)$`: {"acd", false, false},
		`^[^0-9]{9}$`: {"abcdefghi", true, false}, `^[\D]{3}[a-b]{5}$`: {"🙂bcaaaab", true, false},
	} {
		m, err := Compile(p)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.straight != nil; got != c.straight || got && (m.straight.low != nil) != c.bytes {
			t.Errorf("%s: straight is %v", p, got)
		}
		table := *m
		table.straight = nil
		engine := regexp.MustCompile(p)
		check := func(text string) {
			if got, want := m.Match([]byte(text)), engine.MatchString(text); got != want || table.Match([]byte(text)) != want {
				t.Errorf("%s on %q: %v, regexp says %v", p, text, got, want)
			}
		}
		check(c.text)
		for i := range len(c.text) + 1 {
			if !utf8.ValidString(c.text[:i]) {
				continue
			}
			check(c.text[:i])
			_, n := utf8.DecodeRuneInString(c.text[i:])
			for r := range rune(0x800) {
				check(c.text[:i] + string(r) + c.text[i:])
				check(c.text[:i] + string(r) + c.text[i+n:])
			}
			check(c.text[:i] + "€" + c.text[i+n:])
			check(c.text[:i] + "🙂" + c.text[i+n:])
		}
	}
}

// TestStraightAtRandom compares the short way with the table, for patterns made of pieces.
func TestStraightAtRandom(t *testing.T) {
	pieces := []string{`[0-9]`, `a`, `[a-c]`, `[^a]`, `қ`, `\p{L}`, `[0-9]{3}`, `[a-c]{2}`}
	runes := []rune("01abcdқ€")
	count := 0
	rapid.Check(t, func(t *rapid.T) {
		p := "^"
		for _, one := range rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 7).Draw(t, "pieces") {
			p += one
		}
		p += rapid.SampledFrom([]string{"", "*", "+", "{2,3}", "?"}).Draw(t, "count")
		m, err := Compile(p + "$")
		if err != nil {
			return
		}
		table := *m
		if table.straight = nil; m.straight != nil {
			count++
		}
		text := []byte(string(rapid.SliceOfN(rapid.SampledFrom(runes), 0, 12).Draw(t, "text")))
		if got, want := m.Match(text), table.Match(text); got != want {
			t.Fatalf("%s on %q: %v, the table says %v", p, text, got, want)
		}
	})
	if count == 0 {
		t.Error("no pattern was straight")
	}
}
