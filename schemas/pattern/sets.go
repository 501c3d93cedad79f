package pattern

import (
	"regexp/syntax"
	"slices"
	"sort"
	"unicode"
	"unicode/utf8"

	"birgeoqy.kz/almasu/schemas/xmlscan"
)

// A set of characters is a list of pairs, the first and the last of each range, sorted and apart.

func setOf(set []rune) *syntax.Regexp {
	if len(set) == 0 {
		return &syntax.Regexp{Op: syntax.OpNoMatch}
	}
	return &syntax.Regexp{Op: syntax.OpCharClass, Rune: set}
}

// merge sorts pairs and joins those that touch.
func merge(pairs []rune) []rune {
	list := make([][2]rune, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, [2]rune{pairs[i], pairs[i+1]})
	}
	slices.SortFunc(list, func(a, b [2]rune) int { return int(a[0] - b[0]) })
	var out []rune
	for _, p := range list {
		if last := len(out) - 1; last > 0 && p[0] <= out[last]+1 {
			out[last] = max(out[last], p[1])
			continue
		}
		out = append(out, p[0], p[1])
	}
	return out
}

// negate is every character that is not in a merged set.
func negate(set []rune) []rune {
	var out []rune
	next := rune(0)
	for i := 0; i < len(set); i += 2 {
		if set[i] > next {
			out = append(out, next, set[i]-1)
		}
		next = set[i+1] + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, next, unicode.MaxRune)
	}
	return out
}

// subtract is every character of a that is not in b.
func subtract(a, b []rune) []rune {
	if len(b) == 0 {
		return a
	}
	return negate(merge(slices.Concat(negate(a), b)))
}

func table(t *unicode.RangeTable) []rune {
	var pairs []rune
	add := func(low, high, stride rune) {
		if stride == 1 {
			pairs = append(pairs, low, high)
			return
		}
		for r := low; r <= high; r += stride {
			pairs = append(pairs, r, r)
		}
	}
	for _, r := range t.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range t.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return merge(pairs)
}

// The names of XML Schema 1.0 are those of XML 1.0 in its second edition, whose characters are listed there by the Unicode of that time: letters, then also marks, digits and modifiers,
// below U+F900. What later editions have added, of which symbols are the most, is no name here.
var (
	nameStart = merge(slices.Concat([]rune{':', ':', '_', '_'}, within(slices.Concat(table(unicode.L), table(unicode.Nl)), xmlscan.NameStart)))
	nameChar  = merge(slices.Concat(nameStart, []rune{'-', '-', '.', '.', 0xB7, 0xB7},
		within(slices.Concat(table(unicode.M), table(unicode.Nd)), slices.Concat(xmlscan.NameStart, xmlscan.NameMore))))
)

// within is what of a set lies in spans and below U+F900.
func within(set []rune, spans []xmlscan.Span) []rune {
	var pairs []rune
	for _, s := range spans {
		if s.Low < 0xF900 {
			pairs = append(pairs, s.Low, s.High)
		}
	}
	return subtract(merge(set), negate(merge(pairs)))
}

// IsName reports whether text is a name in the sense of XML Schema 1.0; start says that its first character must be able to begin one, colon that colons count.
func IsName(text []byte, start, colon bool) bool {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == ':' && !colon, i == 0 && start && !contains(nameStart, r), !contains(nameChar, r):
			return false
		}
		i += n
	}
	return len(text) > 0
}

// contains looks for a character in a set of ranges in order.
func contains(set []rune, r rune) bool {
	i := sort.Search(len(set)/2, func(i int) bool { return set[2*i+1] >= r })
	return 2*i < len(set) && set[2*i] <= r
}
