package pattern

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var morePatterns = []string{`^[0-9]{12}$`, `^\p{L}+$`, `a`, `^(?:ab |ab)+$`, `^\+7[0-9]{10}$`, `b$`, `^a|қ$`, `^[^0-9]*$`, `^$`, `^\p{Lu}\p{Ll}*$`, `[\D]{2,}`, `^(a|b|ab)*?$`, `^\w\d?$`, `Ә`, `\P{L}`}

// TestPatternsAgreeWithRegexp compares the tables with Go's engine, which reads the sub-language as ECMA-262 does.
func TestPatternsAgreeWithRegexp(t *testing.T) {
	patterns := append([]string{`^[\p{L}\p{M} '’.\-]+$`, `^[0-9]{4}-[0-9]{2}-[0-9]{2}T`, `^(?:[a-f]{2}:){3}[a-f]{2}$`, `(^a|b$)`, `^a*?b+?$`, `^[^a-cқ]{1,3}$`, `x{2,4}y`,
		`^(a?){5}a{5}$`, `\d\D\w\W`, `^\p{Nd}{2}\P{Nd}$`, `a$|^$|^b`, `[\]\[\^\-]`, `\/\.\t`, `^é|Ї$`, `^[\D\d]*$`, `[a-z]`, `()`, `^(|a)$`, `🙂+`, `^\p{Lu}`}, morePatterns...)
	runes := []rune("ab x01:-’'.қӘЖé🙂\n\t]^[/\u0301Їfy")
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(patterns).Draw(t, "pattern")
		m, err := Compile(p)
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		text := string(rapid.SliceOfN(rapid.SampledFrom(runes), 0, 14).Draw(t, "text"))
		if got, want := m.Match([]byte(text)), regexp.MustCompile(p).MatchString(text); got != want {
			t.Fatalf("%s on %q: %v, regexp says %v", p, text, got, want)
		}
	})
}

func TestPatternsOutsideTheSubset(t *testing.T) {
	for p, want := range map[string]error{
		`a.b`: ErrUnsupported, `(?i)a`: ErrUnsupported, `(?P<n>a)`: ErrUnsupported, `a{`: ErrUnsupported,
		`a{,3}`: ErrUnsupported, `a{1,2,3}`: ErrUnsupported, `}`: ErrUnsupported, `[`: ErrUnsupported, `[]a]`: ErrUnsupported,
		`[[:alpha:]]`: ErrUnsupported, `\s`: ErrUnsupported, `\bа`: ErrUnsupported, `\pL`: ErrUnsupported, `\p{Cyrillic}`: ErrUnsupported,
		`\p{L`: ErrUnsupported, `\`: ErrUnsupported, `[\`: ErrUnsupported, `\x41`: ErrUnsupported, `[^]`: ErrUnsupported,
		`(`: ErrSyntax, `a**`: ErrSyntax, `[b-a]`: ErrSyntax, `a{1001}`: ErrSyntax, `*`: ErrSyntax,
		`^a{900}b{900}c{900}$`: ErrSize, `a[ab]{12}$`: ErrSize,
	} {
		if _, err := Compile(p); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", p, err, want)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, p := range morePatterns {
		f.Add(p, "aқ1")
	}
	f.Fuzz(func(t *testing.T, p, text string) {
		m, err := Compile(p)
		if err != nil {
			return
		}
		text = strings.ToValidUTF8(text, "")
		if got, want := m.Match([]byte(text)), regexp.MustCompile(p).MatchString(text); got != want {
			t.Fatalf("%q on %q: %v, regexp says %v", p, text, got, want)
		}
	})
}
