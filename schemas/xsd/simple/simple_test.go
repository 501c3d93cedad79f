package simple

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func restricted(t *testing.T, base string, facets ...Facet) *Type {
	t.Helper()
	b, ok := Builtin(base)
	if !ok {
		t.Fatal(base)
	}
	r, err := b.Restrict("r", facets, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCodes(t *testing.T) {
	place := restricted(t, "string", Facet{Name: "maxLength", Value: "3"}, Facet{Name: "pattern", Value: `\p{L}*`}, Facet{Name: "pattern", Value: `-`})
	grade := restricted(t, "integer", Facet{Name: "minInclusive", Value: "1"}, Facet{Name: "maxExclusive", Value: "13"})
	money := restricted(t, "decimal", Facet{Name: "totalDigits", Value: "5"}, Facet{Name: "fractionDigits", Value: "2"})
	day := restricted(t, "dateTime", Facet{Name: "maxInclusive", Value: "2026-11-22T10:00:00Z"})
	code := restricted(t, "decimal", Facet{Name: "enumeration", Value: "1"}, Facet{Name: "enumeration", Value: "2.50"})
	list := ListOf("l", grade)
	few, err := list.Restrict("f", []Facet{{Name: "length", Value: "2"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	union := UnionOf("u", []*Type{grade, place})
	for _, c := range []struct {
		t          *Type
		text, code string
	}{
		{place, "қал", ""}, {place, "-", ""}, {place, "қала", "schema.max_length"}, {place, "a1", "schema.pattern"},
		{grade, " 12 ", ""}, {grade, "013", "schema.exclusive_maximum"}, {grade, "0", "schema.minimum"}, {grade, "1.0", "schema.type"},
		{money, "123.40", ""}, {money, "000123.45000", ""}, {money, "1234.56", "schema.total_digits"}, {money, "1.234", "schema.fraction_digits"},
		{day, "2026-11-22T15:00:00+05:00", ""}, {day, "2026-11-22T10:00:00.1Z", "schema.maximum"}, {day, "2026-11-22T09:00:00", "schema.maximum"}, {day, "2026-11-21T10:00:00", ""},
		{code, "01.0", ""}, {code, "2.5", ""}, {code, "3", "schema.enum"},
		{few, " 1\n 2 ", ""}, {few, "1", "schema.length"}, {few, "1 x", "schema.type"}, {union, "12", ""}, {union, "abc", ""}, {union, "1234", "schema.type"},
	} {
		if got := c.t.Check([]byte(c.text), &Scratch{}); got != c.code {
			t.Errorf("%q: %q, want %q", c.text, got, c.code)
		}
	}
}

func TestKeysAreOfValues(t *testing.T) {
	same := func(name, a, b string) bool {
		k, _ := Builtin(name)
		return string(k.Key(nil, []byte(a), &Scratch{})) == string(k.Key(nil, []byte(b), &Scratch{}))
	}
	for _, c := range [][3]string{{"decimal", "1.50", "+01.5"}, {"decimal", "-0", "0"}, {"dateTime", "2026-11-22T10:00:00Z", "2026-11-22T15:00:00.00+05:00"}, {"boolean", "1", "true"},
		{"token", " a  b ", "a b"}, {"hexBinary", "ab", "AB"}, {"base64Binary", "QU JD", "QUJD"}, {"double", "1e1", "10"}, {"time", "24:00:00", "24:00:00"}, {"duration", "P1Y", "P12M"}} {
		if !same(c[0], c[1], c[2]) {
			t.Errorf("%s: %q and %q", c[0], c[1], c[2])
		}
	}
	for _, c := range [][3]string{{"decimal", "1", "10"}, {"dateTime", "2026-11-22T10:00:00Z", "2026-11-22T10:00:00"}, {"string", "a", "A"}, {"duration", "P1M", "P30D"}, {"duration", "P1D", "-P1D"}} {
		if same(c[0], c[1], c[2]) {
			t.Errorf("%s: %q and %q are different", c[0], c[1], c[2])
		}
	}
}

func TestRestrictionsNarrow(t *testing.T) {
	base := restricted(t, "string", Facet{Name: "maxLength", Value: "3", Fixed: true}, Facet{Name: "minLength", Value: "1"})
	for text, f := range map[string]Facet{"fixed": {Name: "maxLength", Value: "2"}, "wider": {Name: "minLength", Value: "0"}, "apply": {Name: "totalDigits", Value: "2"}, "no such facet": {Name: "size", Value: "2"},
		"not of the base type": {Name: "enumeration", Value: "long"}, "whiteSpace is": {Name: "whiteSpace", Value: "none"}} {
		if _, err := base.Restrict("x", []Facet{f}, nil); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzCheck judges any text by every built-in type: no panic, and what is valid has a key.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"", "1", "-1.5e10", "2026-11-22T10:00:00+05:00", "P1DT1S", "QUJD", "--02-29", "a:b", "http://a/%41#b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "")
		for name, b := range builtins {
			var s Scratch
			if b.Check([]byte(text), &s) == "" && len(b.Key(nil, []byte(text), &s)) == 0 {
				t.Fatal(name)
			}
		}
	})
}

// TestLengthsInCharacters compares lengths with those of a count, for texts of characters of one to four bytes.
func TestLengthsInCharacters(t *testing.T) {
	for low := range 5 {
		for high := low; high < 7; high++ {
			typ, err := builtins["string"].Restrict("", []Facet{{Name: "minLength", Value: fmt.Sprint(low)}, {Name: "maxLength", Value: fmt.Sprint(high)}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []string{"a", "қ", "€", "🙂", "aқ", "🙂a"} {
				for n := range 9 {
					text := strings.Repeat(c, n)
					want, count := "", utf8.RuneCountInString(text)
					if count < low {
						want = "schema.min_length"
					} else if count > high {
						want = "schema.max_length"
					}
					if got := typ.Check([]byte(text), &Scratch{}); got != want {
						t.Errorf("%d to %d, %q: %q", low, high, text, got)
					}
				}
			}
		}
	}
}

func TestRunes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.SampledFrom([]byte("a \xd0\xd2\xd3\xd4\x80\xa3\xbf\xe2\xf0\xc1"))).Draw(t, "text")
		whole := []byte(rapid.StringOf(rapid.SampledFrom([]rune("аәӿԀ z\u2028😀"))).Draw(t, "whole"))
		for _, b := range [][]byte{text, whole} {
			if got := runes(b); got != utf8.RuneCount(b) {
				t.Fatalf("%x: %d", b, got)
			}
		}
	})
}

// TestEnumerations has lists of strings of every length up to some that are too long to be compared one by one, and restricts each to its first value.
func TestEnumerations(t *testing.T) {
	var facets []Facet
	for i := range maxFew + 3 {
		facets = append(facets, Facet{Name: "enumeration", Value: fmt.Sprintf(" қ  %d", i)})
		for _, base := range []string{"string", "token"} {
			all := restricted(t, base, facets...)
			first, err := all.Restrict("", facets[:1], nil)
			if err != nil {
				t.Fatal(err)
			}
			for k := range maxFew + 4 {
				plain, tidy := fmt.Sprintf(" қ  %d", k), fmt.Sprintf("қ %d", k)
				for typ, n := range map[*Type]int{all: i, first: 0} {
					if got := typ.Check([]byte(plain), &Scratch{}) == ""; got != (k <= n) {
						t.Errorf("%s, %d values, the %d.: %v", base, n+1, k, got)
					}
					if got := typ.Check([]byte(tidy), &Scratch{}) == ""; got != (k <= n && base == "token") {
						t.Errorf("%s, %d values, the %d. without its spaces: %v", base, n+1, k, got)
					}
				}
			}
		}
	}
}
