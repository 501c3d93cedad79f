package simple

import (
	"encoding/binary"
	"unicode/utf8"

	"birgeoqy.kz/almasu/schemas/pattern"
	"birgeoqy.kz/almasu/schemas/xmlscan"
)

// Variety is what the values of a type are.
type Variety uint8

// The varieties of simple types (2.5.1).
const (
	Atomic Variety = iota
	List
	Union
)

// whiteSpace is the facet of 4.3.6; the later are the stronger.
type whiteSpace uint8

const (
	preserve whiteSpace = iota
	replace
	collapse
)

// Type is a simple type. It is safe for concurrent use once it is made.
type Type struct {
	// Name is the local name of a built-in or declared type, "" of an anonymous one.
	Name    string
	variety Variety
	base    *Type
	prim    *primitive
	space   whiteSpace
	narrow  func(text []byte) bool // the lexical form of a built-in type derived from string

	patterns                       []*pattern.Matcher
	enum                           map[string]bool // by the keys of the values
	few                            []string        // the values of a short enumeration of strings, in the place of enum
	texts                          []string        // of the enumeration, as written
	length, minLength, maxLength   int             // -1: none
	totalDigits, fractionDigits    int
	minimum, maximum, above, below *value
	hasBounds                      bool
	item                           *Type
	members                        []*Type
	fixed                          map[string]bool
}

// Context is what the value of a QName depends on: the declarations in scope.
type Context interface {
	Resolve(prefix []byte) (uri string, ok bool)
}

// Scratch is memory for judging. It is used by one goroutine; the zero value is ready.
type Scratch struct {
	text  []byte
	key   []byte
	value value
	// Names resolves prefixes; nil resolves none.
	Names Context
}

// Variety says what the values are.
func (t *Type) Variety() Variety { return t.variety }

// Base is the type that t restricts, nil of a primitive.
func (t *Type) Base() *Type { return t.base }

// Primitive is the local name of the primitive type of an atomic type, "" of another.
func (t *Type) Primitive() string {
	if t.prim == nil {
		return ""
	}
	return t.prim.name
}

// Whole reports whether the values are integers.
func (t *Type) Whole() bool { return t.prim == primDecimal && t.fractionDigits == 0 }

// MaxLength is the largest number of characters that a string may have, -1 if there is none.
func (t *Type) MaxLength() int {
	if t.length >= 0 {
		return t.length
	}
	return t.maxLength
}

// Enumeration is the list of the values allowed as the schema writes them, nil if there is none.
func (t *Type) Enumeration() []string { return t.texts }

// Check judges a text and returns the code of the first violation, "" if there is none.
func (t *Type) Check(text []byte, s *Scratch) string {
	if s.text = s.text[:0]; t.space != preserve {
		text = t.white(text, s)
	}
	return t.check(text, s)
}

// Key appends to dst what is equal for equal values of one primitive type, and different for different ones. text is valid.
func (t *Type) Key(dst, text []byte, s *Scratch) []byte {
	s.text = s.text[:0]
	return t.key(dst, t.white(text, s), s)
}

// white treats white space (4.3.6). What it returns is text itself, or stands in s.text.
func (t *Type) white(text []byte, s *Scratch) []byte {
	switch {
	case t.space == preserve || plain(text, t.space):
		return text
	case t.space == replace:
		from := len(s.text)
		for _, c := range text {
			if xmlscan.IsSpace(c) {
				c = ' '
			}
			s.text = append(s.text, c)
		}
		return s.text[from:]
	}
	from := len(s.text)
	for _, c := range text {
		if !xmlscan.IsSpace(c) {
			s.text = append(s.text, c)
		} else if n := len(s.text); n > from && s.text[n-1] != ' ' {
			s.text = append(s.text, ' ')
		}
	}
	if n := len(s.text); n > from && s.text[n-1] == ' ' {
		s.text = s.text[:n-1]
	}
	return s.text[from:]
}

// plain reports whether white space needs no treatment.
func plain(text []byte, w whiteSpace) bool {
	before := byte(' ')
	for _, c := range text {
		if c <= ' ' && (c != ' ' || w == collapse && before == ' ') {
			return false
		}
		before = c
	}
	return w != collapse || before != ' ' || len(text) == 0
}

func (t *Type) check(text []byte, s *Scratch) string {
	for _, p := range t.patterns {
		if !p.Match(text) {
			return "schema.pattern"
		}
	}
	code := ""
	switch t.variety {
	case Atomic:
		code = t.checkAtomic(text, s)
	case List:
		code = t.checkList(text, s)
	default:
		if t.member(text, s) == nil {
			code = "schema.type"
		}
	}
	if code != "" || t.enum == nil {
		return code
	}
	if t.few != nil {
		for _, one := range t.few {
			if one == string(text) {
				return ""
			}
		}
		return "schema.enum"
	}
	key := s.key
	s.key = nil // the members of a union inside are judged on the way
	key = t.key(key[:0], text, s)
	if s.key = key; !t.enum[string(key)] {
		return "schema.enum"
	}
	return ""
}

func (t *Type) checkAtomic(text []byte, s *Scratch) string {
	v := &s.value
	if t.prim != primString { // of which every text is a value
		*v = value{}
		if !t.prim.parse(v, text, s) {
			return "schema.type"
		}
	}
	if t.narrow != nil && !t.narrow(text) {
		return "schema.type"
	}
	if (t.length >= 0 || t.minLength > 0 || t.maxLength >= 0) && !t.surelyFits(len(text)) {
		if code := t.lengths(t.prim.measure(text)); code != "" {
			return code
		}
	}
	if t.prim == primDecimal {
		if code := t.digits(v); code != "" {
			return code
		}
	}
	if t.hasBounds {
		return t.bounds(v)
	}
	return ""
}

// surelyFits reports whether every text of so many bytes has an allowed number of characters, so that they need not be counted: a character has at most four bytes.
func (t *Type) surelyFits(bytes int) bool {
	return t.prim.characters && t.length < 0 && t.minLength <= (bytes+3)/4 && (t.maxLength < 0 || bytes <= t.maxLength)
}

func (t *Type) lengths(n int) string {
	switch {
	case t.length >= 0 && n != t.length:
		return "schema.length"
	case n < t.minLength:
		return "schema.min_length"
	case t.maxLength >= 0 && n > t.maxLength:
		return "schema.max_length"
	}
	return ""
}

func (t *Type) digits(v *value) string {
	switch {
	case t.fractionDigits >= 0 && len(v.fraction) > t.fractionDigits:
		return "schema.fraction_digits"
	case t.totalDigits >= 0 && v.total() > t.totalDigits:
		return "schema.total_digits"
	}
	return ""
}

func (t *Type) bounds(v *value) string {
	switch {
	case t.minimum != nil && v.compare(t.minimum, t.prim) < 0:
		return "schema.minimum"
	case t.above != nil && v.compare(t.above, t.prim) != 1:
		return "schema.exclusive_minimum"
	case t.maximum != nil && !atMost(v.compare(t.maximum, t.prim)):
		return "schema.maximum"
	case t.below != nil && v.compare(t.below, t.prim) != -1:
		return "schema.exclusive_maximum"
	}
	return ""
}

func atMost(c int) bool { return c == 0 || c == -1 }

// checkList judges the items of a list, whose white space is collapsed.
func (t *Type) checkList(text []byte, s *Scratch) string {
	n := 0
	for len(text) > 0 {
		one, rest := cut(text)
		if code := t.item.check(one, s); code != "" {
			return code
		}
		n++
		text = rest
	}
	return t.lengths(n)
}

// cut is the first item of a list and the rest.
func cut(text []byte) (one, rest []byte) {
	for i, c := range text {
		if c == ' ' {
			return text[:i], text[i+1:]
		}
	}
	return text, nil
}

// member is the first member type of a union that the text is valid for, nil if there is none.
func (t *Type) member(text []byte, s *Scratch) *Type {
	for _, m := range t.members {
		if m.check(m.white(text, s), s) == "" {
			return m
		}
	}
	return nil
}

func (t *Type) key(dst, text []byte, s *Scratch) []byte {
	switch t.variety {
	case List:
		for len(text) > 0 {
			one, rest := cut(text)
			dst = append(t.item.key(dst, one, s), 0)
			text = rest
		}
		return append(dst, 1)
	case Union:
		m := t.member(text, s)
		if m == nil {
			return append(dst, 2)
		}
		return m.key(dst, m.white(text, s), s)
	}
	v := &s.value
	*v = value{}
	t.prim.parse(v, text, s)
	dst = append(dst, t.prim.tag)
	return t.prim.appendKey(dst, v, text, s)
}

// runes counts characters: eight bytes at once where they are ASCII, or four letters of U+0400 to U+04FF (lead bytes D0 to D3).
func runes(text []byte) (n int) {
	for len(text) >= 8 {
		size, count := 8, 1
		switch w := binary.LittleEndian.Uint64(text); {
		case w&0x8080_8080_8080_8080 == 0:
			count = 8
		case w&0xC0FC_C0FC_C0FC_C0FC == 0x80D0_80D0_80D0_80D0:
			count = 4
		default:
			_, size = utf8.DecodeRune(text)
		}
		text, n = text[size:], n+count
	}
	return n + utf8.RuneCount(text)
}
