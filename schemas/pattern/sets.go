package pattern

import (
	"regexp/syntax"
	"slices"
	"unicode"

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

func spans(list []xmlscan.Span) []rune {
	pairs := []rune{':', ':'}
	for _, s := range list {
		pairs = append(pairs, s.Low, s.High)
	}
	return merge(pairs)
}
