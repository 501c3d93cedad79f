package pattern

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestXMLPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{`[0-9]{12}`, "123456789012", true}, {`[0-9]{12}`, "1234567890123", false}, {`[a-z-[aeiou]]+`, "bcd", true}, {`[a-z-[aeiou]]+`, "bad", false},
		{`[^a-[b]]`, "b", false}, {`[^a-[b]]`, "c", true}, {`\p{L}+|`, "Қаз", true}, {`\p{L}+|`, "", true}, {`\p{IsCyrillic}*`, "Қаз", true}, {`(a|b){2,3}c?`, "abac", true},
		{`\i\c*`, "a-b:c", true}, {`\I`, "a", false}, {`\C`, " ", true}, {`\w+`, "a b", false}, {`\W`, "-", true}, {`[^\d]`, "1", false}, {`.`, "\n", false}, {`.`, "🙂", true},
		{`-?\d+`, "-5", true}, {`[\-+]x`, "-x", true}, {`[-a]`, "-", true}, {`[a-]`, "-", true}, {`^a$`, "^a$", true}, {`^a$`, "a", false}, {`a{0}`, "", true}, {`a{0}b`, "ab", false}, {`a{2,}`, "aaaa", true},
		{`\s\S`, " a", true}, {`\D\P{Lu}`, "aB", false}, {`[\n-\r]`, "\n", true},
	} {
		m, err := CompileXML(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		} else if m.Match([]byte(c.text)) != c.want {
			t.Errorf("%s on %q is not %v", c.pattern, c.text, c.want)
		}
	}
}

func TestXMLPatternsRefused(t *testing.T) {
	for p, want := range map[string]error{
		`(`: ErrSyntax, `)`: ErrSyntax, `a)`: ErrSyntax, `*`: ErrSyntax, `a**`: ErrSyntax, `a{2`: ErrSyntax, `a{2,1}`: ErrSyntax, `a{,2}`: ErrSyntax, `[`: ErrSyntax, `[]`: ErrSyntax, `[b-a]`: ErrSyntax,
		`[a-\d]`: ErrSyntax, `\`: ErrSyntax, `\q`: ErrSyntax, `\p`: ErrSyntax, `\p{`: ErrSyntax, `\p{Xx}`: ErrUnsupported, `\p{IsKlingon}`: ErrUnsupported, `[a-z-[b]c]`: ErrSyntax, `{`: ErrSyntax, `]`: ErrSyntax, "\xff": ErrSyntax,
		`(((a{100}){100}){100}){100}`: ErrSize, `(a|b)*a(a|b){12}`: ErrSize, strings.Repeat("(", 60) + strings.Repeat(")", 60): ErrSize,
	} {
		if _, err := CompileXML(p); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", p, err, want)
		}
	}
}

// FuzzXMLPattern compares with Go's engine, for patterns that both languages read alike.
func FuzzXMLPattern(f *testing.F) {
	for _, p := range []string{`[0-9]{12}`, `(a|b){2,3}c?`, `\p{L}+|`, `[^a-c]*x`, `\d\D`, `a{0,3}b*`, `[a-z-[aeiou]]`, `\i\c*`, `((a?)*b)+`} {
		f.Add(p, "aқ1bc")
	}
	alike := regexp.MustCompile(`^(?:[a-zқ0-9 ()|*+?,]|\{\d+(,\d*)?\}|\[\^?[a-z0-9]+\]|\\p\{Lu\}|\\\.)*$`)
	f.Fuzz(func(t *testing.T, p, text string) {
		m, err := CompileXML(p)
		if err != nil {
			return
		}
		text = strings.ToValidUTF8(text, "")
		got := m.Match([]byte(text))
		if !alike.MatchString(p) || !utf8.ValidString(p) {
			return
		}
		re, err := regexp.Compile(`\A(?:` + p + `)\z`)
		if err != nil || regexp.MustCompile(`[*+?}][*+?{]|\(\?`).MatchString(p) {
			return
		}
		if want := re.MatchString(text); got != want {
			t.Fatalf("%q on %q: %v, regexp says %v", p, text, got, want)
		}
	})
}
