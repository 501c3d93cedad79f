package schemas

import (
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPatternsAgreeWithRegexp compares the tables with Go's engine, which reads the sub-language as ECMA-262 does.
func TestPatternsAgreeWithRegexp(t *testing.T) {
	patterns := append([]string{`^[\p{L}\p{M} '’.\-]+$`, `^[0-9]{4}-[0-9]{2}-[0-9]{2}T`, `^(?:[a-f]{2}:){3}[a-f]{2}$`, `(^a|b$)`, `^a*?b+?$`, `^[^a-cқ]{1,3}$`, `x{2,4}y`,
		`^(a?){5}a{5}$`, `\d\D\w\W`, `^\p{Nd}{2}\P{Nd}$`, `a$|^$|^b`, `[\]\[\^\-]`, `\/\.\t`, `^é|Ї$`, `^[\D\d]*$`, `[a-z]`, `()`, `^(|a)$`, `🙂+`, `^\p{Lu}`}, genPatterns...)
	runes := []rune("ab x01:-’'.қӘЖé🙂\n\t]^[/\u0301Їfy")
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(patterns).Draw(t, "pattern")
		m, _, err := compilePattern(p)
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		text := string(rapid.SliceOfN(rapid.SampledFrom(runes), 0, 14).Draw(t, "text"))
		if got, want := m.match([]byte(text)), regexp.MustCompile(p).MatchString(text); got != want {
			t.Fatalf("%s on %q: %v, regexp says %v", p, text, got, want)
		}
	})
}

func TestPatternsOutsideTheSubset(t *testing.T) {
	for p, code := range map[string]string{
		`a.b`: "schema.pattern_unsupported", `(?i)a`: "schema.pattern_unsupported", `(?P<n>a)`: "schema.pattern_unsupported", `a{`: "schema.pattern_unsupported",
		`a{,3}`: "schema.pattern_unsupported", `a{1,2,3}`: "schema.pattern_unsupported", `}`: "schema.pattern_unsupported", `[`: "schema.pattern_unsupported", `[]a]`: "schema.pattern_unsupported",
		`[[:alpha:]]`: "schema.pattern_unsupported", `\s`: "schema.pattern_unsupported", `\bа`: "schema.pattern_unsupported", `\pL`: "schema.pattern_unsupported", `\p{Cyrillic}`: "schema.pattern_unsupported",
		`\p{L`: "schema.pattern_unsupported", `\`: "schema.pattern_unsupported", `[\`: "schema.pattern_unsupported", `\x41`: "schema.pattern_unsupported", `[^]`: "schema.pattern_unsupported",
		`(`: "schema.pattern", `a**`: "schema.pattern", `[b-a]`: "schema.pattern", `a{1001}`: "schema.pattern", `*`: "schema.pattern",
		`^a{900}b{900}c{900}$`: "schema.pattern_size", `a[ab]{12}$`: "schema.pattern_size",
	} {
		if _, got, err := compilePattern(p); got != code {
			t.Errorf("%s: %q %v, want %s", p, got, err, code)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, p := range genPatterns {
		f.Add(p, "aқ1")
	}
	f.Fuzz(func(t *testing.T, p, text string) {
		m, _, err := compilePattern(p)
		if err != nil {
			return
		}
		text = strings.ToValidUTF8(text, "")
		if got, want := m.match([]byte(text)), regexp.MustCompile(p).MatchString(text); got != want {
			t.Fatalf("%q on %q: %v, regexp says %v", p, text, got, want)
		}
	})
}

func TestDecimalAgreesWithRationals(t *testing.T) {
	literal := rapid.StringMatching(`-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,4})?([eE][+-]?[0-9])?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := literal.Draw(t, "a"), literal.Draw(t, "b")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if got := parseDecimal([]byte(a)).compare(parseDecimal([]byte(b))); got != x.Cmp(y) {
			t.Fatalf("%s against %s: %d, want %d", a, b, got, x.Cmp(y))
		}
		if got := parseDecimal([]byte(a)).whole(); got != x.IsInt() {
			t.Fatalf("%s whole: %v", a, got)
		}
	})
	if parseDecimal([]byte("1e99999999999999999999")).compare(parseDecimal([]byte("1e9"))) != 1 || parseDecimal([]byte("-1e99999999999999999999")).compare(decimal{}) != -1 {
		t.Error("exponents overflow")
	}
}

func TestDatesAgreeWithTime(t *testing.T) {
	digits := rapid.StringMatching(`[0-9]{4}-[01][0-9]-[0-3][0-9]`)
	rapid.Check(t, func(t *rapid.T) {
		s := digits.Draw(t, "date")
		_, err := time.Parse(time.DateOnly, s)
		if isDate([]byte(s)) != (err == nil) {
			t.Fatalf("%s: %v", s, err)
		}
	})
	for _, s := range []string{"", "2024-1-01", "2024-01-1", "+024-01-01", "2024/01/01", "2024-01-01Z", "20240101--"} {
		if isDate([]byte(s)) {
			t.Errorf("%q is no date", s)
		}
	}
}
