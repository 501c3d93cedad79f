package pattern

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CompileXML compiles a regular expression of XML Schema 1.0 (Part 2, appendix F), which always matches the whole text. Escapes are those
// of the appendix; blocks are those of [blocks]. The error is one of this package's, with the place and what is expected.
func CompileXML(p string) (*Matcher, error) {
	if !utf8.ValidString(p) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrSyntax)
	}
	x := &xmlParser{p: []rune(p)}
	re, err := x.alternatives(0)
	if err != nil {
		return nil, fmt.Errorf("%w, at character %d", err, x.i+1)
	}
	if x.i < len(x.p) {
		return nil, fmt.Errorf("%w: a bracket too many, at character %d", ErrSyntax, x.i+1)
	}
	if weight(re) > maxNodes {
		return nil, fmt.Errorf("%w: more than %d steps", ErrSize, maxNodes)
	}
	whole := &syntax.Regexp{Op: syntax.OpConcat, Sub: []*syntax.Regexp{{Op: syntax.OpBeginText}, re, {Op: syntax.OpEndText}}}
	return build(whole)
}

// maxGroups is how deep groups and subtractions may nest.
const maxGroups = 50

type xmlParser struct {
	p []rune
	i int
}

func (x *xmlParser) more() bool { return x.i < len(x.p) }

func (x *xmlParser) at(r rune) bool { return x.more() && x.p[x.i] == r }

func (x *xmlParser) alternatives(depth int) (*syntax.Regexp, error) {
	if depth > maxGroups {
		return nil, fmt.Errorf("%w: groups nest too deep", ErrSize)
	}
	var list []*syntax.Regexp
	for {
		b, err := x.branch(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
		if !x.at('|') {
			break
		}
		x.i++
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return &syntax.Regexp{Op: syntax.OpAlternate, Sub: list}, nil
}

func (x *xmlParser) branch(depth int) (*syntax.Regexp, error) {
	var list []*syntax.Regexp
	for x.more() && x.p[x.i] != '|' && x.p[x.i] != ')' {
		a, err := x.atom(depth)
		if err == nil {
			a, err = x.quantified(a)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	switch len(list) {
	case 0:
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}, nil
	case 1:
		return list[0], nil
	}
	return &syntax.Regexp{Op: syntax.OpConcat, Sub: list}, nil
}

func (x *xmlParser) atom(depth int) (*syntax.Regexp, error) {
	c := x.p[x.i]
	switch c {
	case '(':
		x.i++
		inner, err := x.alternatives(depth + 1)
		if err != nil {
			return nil, err
		}
		if !x.at(')') {
			return nil, fmt.Errorf("%w: a group is not closed", ErrSyntax)
		}
		x.i++
		return inner, nil
	case '[':
		set, err := x.class(depth)
		return setOf(set), err
	case '\\':
		set, _, err := x.escape()
		return setOf(set), err
	case '.':
		x.i++
		return setOf(negate([]rune{'\n', '\n', '\r', '\r'})), nil
	case '?', '*', '+', ']', '{', '}':
		return nil, fmt.Errorf("%w: %q must be escaped here", ErrSyntax, c)
	}
	x.i++
	return setOf([]rune{c, c}), nil
}

// quantified reads what may follow an atom.
func (x *xmlParser) quantified(a *syntax.Regexp) (*syntax.Regexp, error) {
	if !x.more() {
		return a, nil
	}
	low, high := 0, -1
	switch x.p[x.i] {
	case '?':
		high = 1
	case '*':
	case '+':
		low = 1
	case '{':
		var err error
		if low, high, err = x.braces(); err != nil {
			return nil, err
		}
	default:
		return a, nil
	}
	x.i++
	if high == 0 {
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}, nil
	}
	return &syntax.Regexp{Op: syntax.OpRepeat, Min: low, Max: high, Sub: []*syntax.Regexp{a}}, nil
}

// braces reads {n}, {n,} or {n,m} and stops at the closing brace.
func (x *xmlParser) braces() (low, high int, err error) {
	end := slices.Index(x.p[x.i:], '}')
	if end < 0 {
		return 0, 0, fmt.Errorf("%w: a repetition is not closed", ErrSyntax)
	}
	first, second, ranged := strings.Cut(string(x.p[x.i+1:x.i+end]), ",")
	number := func(s string) int {
		n, bad := strconv.ParseUint(s, 10, 31)
		if bad != nil {
			err = fmt.Errorf("%w: a repetition is {2}, {2,} or {2,5}", ErrSyntax)
		}
		return int(n)
	}
	low = number(first)
	switch {
	case !ranged:
		high = low
	case second == "":
		high = -1
	default:
		if high = number(second); high < low {
			err = fmt.Errorf("%w: the bounds of a repetition are the wrong way round", ErrSyntax)
		}
	}
	if err == nil {
		x.i += end
	}
	return low, high, err
}

// class reads [..], and what is subtracted from it.
func (x *xmlParser) class(depth int) ([]rune, error) {
	if depth > maxGroups {
		return nil, fmt.Errorf("%w: classes nest too deep", ErrSize)
	}
	x.i++
	negated := x.at('^')
	if negated {
		x.i++
	}
	var set, minus []rune
	for first := true; ; first = false {
		switch {
		case !x.more():
			return nil, fmt.Errorf("%w: a class is not closed", ErrSyntax)
		case x.at(']') && !first:
			x.i++
			if set = merge(set); negated {
				set = negate(set)
			}
			return subtract(set, minus), nil
		case x.at('-') && x.i+1 < len(x.p) && x.p[x.i+1] == '[' && !first:
			x.i++
			var err error
			if minus, err = x.class(depth + 1); err != nil {
				return nil, err
			}
			if !x.at(']') {
				return nil, fmt.Errorf("%w: a subtraction ends its class", ErrSyntax)
			}
			continue
		}
		more, err := x.member(first)
		if err != nil {
			return nil, err
		}
		set = append(set, more...)
	}
}

// member reads a character, a range or an escape inside a class.
func (x *xmlParser) member(first bool) ([]rune, error) {
	low, single, err := x.one(first)
	if err != nil || !single || !x.at('-') || x.i+1 >= len(x.p) || x.p[x.i+1] == ']' || x.p[x.i+1] == '[' {
		return low, err
	}
	x.i++
	high, single, err := x.one(false)
	switch {
	case err != nil:
		return nil, err
	case !single || high[0] < low[0]:
		return nil, fmt.Errorf("%w: not a range", ErrSyntax)
	}
	return []rune{low[0], high[0]}, nil
}

// one reads what stands for one character, or for several.
func (x *xmlParser) one(first bool) (set []rune, single bool, err error) {
	c := x.p[x.i]
	switch {
	case c == '\\':
		return x.escape()
	case c == '[' || c == ']':
		return nil, false, fmt.Errorf("%w: %q must be escaped in a class", ErrSyntax, c)
	case c == '-' && !first && !(x.i+1 < len(x.p) && x.p[x.i+1] == ']'):
		return nil, false, fmt.Errorf("%w: a hyphen stands first or last in a class, or is escaped", ErrUnsupported)
	}
	x.i++
	return []rune{c, c}, true, nil
}

// escape reads \ and what follows; single says that it is one character.
func (x *xmlParser) escape() (set []rune, single bool, err error) {
	if x.i+1 >= len(x.p) {
		return nil, false, fmt.Errorf("%w: a backslash ends the pattern", ErrSyntax)
	}
	c := x.p[x.i+1]
	if k := strings.IndexRune("nrt", c); k >= 0 {
		c = rune("\n\r\t"[k])
		x.i += 2
		return []rune{c, c}, true, nil
	}
	if strings.ContainsRune(`\|.-^?*+{}()[]`, c) {
		x.i += 2
		return []rune{c, c}, true, nil
	}
	lower := unicode.ToLower(c)
	switch lower {
	case 's':
		set = []rune{'\t', '\n', '\r', '\r', ' ', ' '}
	case 'd':
		set = table(unicode.Nd)
	case 'w':
		set = negate(merge(slices.Concat(table(unicode.P), table(unicode.Z), table(unicode.C))))
	case 'i':
		set = nameStart
	case 'c':
		set = nameChar
	case 'p':
		if set, err = x.property(); err != nil {
			return nil, false, err
		}
	default:
		return nil, false, fmt.Errorf("%w: there is no escape %q", ErrSyntax, `\`+string(c))
	}
	x.i += 2
	if c != lower {
		set = negate(set)
	}
	return set, false, nil
}

// property reads {name} behind \p and leaves the place at its last character but one.
func (x *xmlParser) property() ([]rune, error) {
	end := slices.Index(x.p[x.i:], '}')
	if end < 0 || x.p[x.i+2] != '{' {
		return nil, fmt.Errorf("%w: a category or block in braces is expected", ErrSyntax)
	}
	name := string(x.p[x.i+3 : x.i+end])
	set, ok := []rune(nil), false
	if block, is := strings.CutPrefix(name, "Is"); is {
		var b [2]rune
		if b, ok = blocks[block]; ok {
			set = b[:]
		}
	} else if t := unicode.Categories[name]; t != nil && len(name) <= 2 && name != "LC" {
		set, ok = table(t), true
	}
	if !ok {
		return nil, fmt.Errorf("%w: the category or block %q is not known", ErrUnsupported, name)
	}
	x.i += end - 1
	return set, nil
}

// blocks are the blocks of Unicode that \p{Is..} may name.
var blocks = map[string][2]rune{
	"BasicLatin": {0, 0x7F}, "Latin-1Supplement": {0x80, 0xFF}, "LatinExtended-A": {0x100, 0x17F}, "LatinExtended-B": {0x180, 0x24F},
	"IPAExtensions": {0x250, 0x2AF}, "SpacingModifierLetters": {0x2B0, 0x2FF}, "CombiningDiacriticalMarks": {0x300, 0x36F},
	"Cyrillic": {0x400, 0x4FF}, "Armenian": {0x530, 0x58F}, "Hebrew": {0x590, 0x5FF}, "Arabic": {0x600, 0x6FF}, "Georgian": {0x10A0, 0x10FF},
	"HangulJamo": {0x1100, 0x11FF}, "LatinExtendedAdditional": {0x1E00, 0x1EFF}, "GeneralPunctuation": {0x2000, 0x206F},
	"CurrencySymbols": {0x20A0, 0x20CF}, "LetterlikeSymbols": {0x2100, 0x214F}, "NumberForms": {0x2150, 0x218F}, "Arrows": {0x2190, 0x21FF},
	"MathematicalOperators": {0x2200, 0x22FF}, "CJKUnifiedIdeographs": {0x4E00, 0x9FFF},
}

// weight is how many steps an expression becomes, at least; it stops counting beyond [maxNodes].
func weight(re *syntax.Regexp) int {
	n := 1
	for _, s := range re.Sub {
		n = min(n+weight(s), maxNodes+1)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, maxNodes+1)
}
