package transform

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"birgeoqy.kz/almasu/internal/kz"
)

// Scratch is memory that the values of one record share. A value that a step returns is valid until Reset.
type Scratch struct {
	buf []byte
	// odd is set once a value has been seen since Start that may not be in NFC; tidy, if the value at hand has
	// no white space to trim or collapse.
	odd, tidy bool
}

// Reset makes all values invalid and begins a record.
func (s *Scratch) Reset() { s.buf = s.buf[:0] }

// Start begins a target.
func (s *Scratch) Start() { s.odd, s.tidy = false, false }

// Look takes note of a value as it comes from its source; it returns false if the value is not UTF-8. Every value is
// looked at before its first step.
func (s *Scratch) Look(v []byte) bool {
	plain, tidy := look(v)
	if s.tidy = tidy; !plain {
		s.odd = true
		return utf8.Valid(v)
	}
	return true
}

// Join appends separator and v to whole, which is a value of s or empty, and returns the new whole.
func (s *Scratch) Join(whole []byte, separator string, v []byte) []byte {
	start := len(s.buf)
	s.buf = append(append(append(s.buf, whole...), separator...), v...)
	s.odd, s.tidy = true, false
	return s.since(start)
}

// Compose returns v in NFC.
func (s *Scratch) Compose(v []byte) []byte {
	if !s.odd {
		return v
	}
	out, _ := nfc(s, v)
	return out
}

// Step is a compiled transform. It returns v itself, a part of it, or bytes in s; a code says that the value cannot be transformed.
type Step func(s *Scratch, v []byte) (out []byte, code string)

// Chain is steps in order. The zero Chain has none.
type Chain struct {
	steps []Step
	// busy says that there is a step that changes more than white space and composition.
	busy bool
}

// Then is the chain with one transform more, which has a Step.
func (c Chain) Then(t *Transform) Chain {
	return Chain{append(slices.Clip(c.steps), t.Step), c.busy || !t.Tidies}
}

// Run does the steps. It ends at the first code, and at the first value that is empty, which it returns as nil.
func (c *Chain) Run(s *Scratch, v []byte) ([]byte, string) {
	if !c.busy && s.tidy && !s.odd {
		return v, ""
	}
	for _, step := range c.steps {
		if len(v) == 0 {
			return nil, ""
		}
		var code string
		if v, code = step(s, v); code != "" {
			return nil, code
		}
	}
	return v, ""
}

// Transform is one of the closed list.
type Transform struct {
	Name string
	// Argument says that the transform takes a text.
	Argument bool
	// Joins says that it makes one value of several; it has no Step.
	Joins bool
	// Tidies says that it changes nothing but white space and the composition of characters.
	Tidies bool
	Step   Step
	// About is one line for people.
	About string
	// Examples are what goes in and what comes out; "!" and a code is a refusal.
	Examples [][2]string
}

// list is the closed list, in the order of the documentation. Each step is idempotent: what comes out goes through unchanged.
var list = []Transform{
	{Name: "trim", Tidies: true, Step: trim, About: "removes white space at both ends",
		Examples: [][2]string{{"  Әсел ", "Әсел"}, {"\u00a0Айдос\n", "Айдос"}, {"Сәния Нұр", "Сәния Нұр"}, {"   ", ""}}},
	{Name: "collapse_spaces", Tidies: true, Step: collapseSpaces, About: "makes one space of each run of white space",
		Examples: [][2]string{{"Алма  ата", "Алма ата"}, {"а\t\nб", "а б"}, {"а б", "а б"}}},
	{Name: "nfc", Tidies: true, Step: nfc, About: "composes characters (Unicode NFC); every row ends with it unasked",
		Examples: [][2]string{{"И\u0306", "Й"}, {"Қ", "Қ"}, {"e\u0301", "é"}}},
	{Name: "upper", Step: upper, About: "makes capital letters, one for one",
		Examples: [][2]string{{"әғқңөұүһі", "ӘҒҚҢӨҰҮҺІ"}, {"Ivanov", "IVANOV"}, {"ЁЖ", "ЁЖ"}}},
	{Name: "lower", Step: lower, About: "makes small letters, one for one",
		Examples: [][2]string{{"ӘҒҚҢӨҰҮҺІ", "әғқңөұүһі"}, {"A.B@Example.KZ", "a.b@example.kz"}, {"жоқ", "жоқ"}}},
	{Name: "digits", Step: digits, About: "removes spaces, hyphens, dots, brackets and a plus sign; anything else but digits is refused",
		Examples: [][2]string{{"990101 300 129", "990101300129"}, {"99-01.01", "990101"}, {"12", "12"}, {"12O4", "!mapping.not_digits"}}},
	{Name: "e164", Step: e164, About: "writes a Kazakhstan phone number as +7 and ten digits; any other number is refused",
		Examples: [][2]string{{"8 (700) 000-00-01", "+77000000001"}, {"+7 700 000 00 01", "+77000000001"}, {"7000000001", "+77000000001"},
			{"100000001", "!mapping.not_phone"}, {"+996 700 000 001", "!mapping.not_phone"}}},
	{Name: "phone_national", Step: phoneNational, About: "writes a Kazakhstan phone number as 8 and ten digits; any other number is refused",
		Examples: [][2]string{{"+7 (700) 000-00-01", "87000000001"}, {"87000000001", "87000000001"}, {"112", "!mapping.not_phone"}}},
	{Name: "concat", Argument: true, Joins: true,
		About: "joins the values of several sources with the text given; if one is missing, nothing comes out"},
}

// All is the closed list, in the order of the package comment; the caller does not change it.
func All() []Transform { return list }

// Find returns the transform of a name, or nil.
func Find(name string) *Transform {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

func trim(s *Scratch, v []byte) ([]byte, string) {
	if s.tidy {
		return v, ""
	}
	return bytes.TrimSpace(v), ""
}

// spaceRun is where the first white space stands that is not one single U+0020, or -1.
func spaceRun(v []byte) int {
	for i := 0; i < len(v); {
		r, n := utf8.DecodeRune(v[i:])
		if unicode.IsSpace(r) {
			next, _ := utf8.DecodeRune(v[i+n:])
			if r != ' ' || unicode.IsSpace(next) {
				return i
			}
		}
		i += n
	}
	return -1
}

func collapseSpaces(s *Scratch, v []byte) ([]byte, string) {
	i := -1
	if !s.tidy {
		i = spaceRun(v)
	}
	if i < 0 {
		return v, ""
	}
	start := len(s.buf)
	s.buf = append(s.buf, v[:i]...)
	open := false
	for i < len(v) {
		r, n := utf8.DecodeRune(v[i:])
		space := unicode.IsSpace(r)
		if space && !open {
			s.buf = append(s.buf, ' ')
		} else if !space {
			s.buf = append(s.buf, v[i:i+n]...)
		}
		open = space
		i += n
	}
	return s.since(start), ""
}

// since is what has been appended to the buffer from start on.
func (s *Scratch) since(start int) []byte { return s.buf[start:len(s.buf):len(s.buf)] }

func nfc(s *Scratch, v []byte) ([]byte, string) {
	if !s.odd || norm.NFC.IsNormal(v) {
		return v, ""
	}
	// An empty slice, lest the value's first character compose with what stands before it in the buffer.
	start := len(s.buf)
	s.buf = slices.Grow(s.buf, norm.MaxSegmentSize+3*len(v))
	s.buf = append(s.buf, norm.NFC.Append(s.buf[start:start], v...)...)
	return s.since(start), ""
}

func upper(s *Scratch, v []byte) ([]byte, string) { return s.eachRune(v, unicode.ToUpper), "" }

func lower(s *Scratch, v []byte) ([]byte, string) { return s.eachRune(v, unicode.ToLower), "" }

func (s *Scratch) eachRune(v []byte, to func(rune) rune) []byte {
	start := len(s.buf)
	for i := 0; i < len(v); {
		r, n := rune(v[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(v[i:])
		}
		s.buf = utf8.AppendRune(s.buf, to(r))
		i += n
	}
	out := s.since(start)
	if plain, _ := look(out); !plain {
		s.odd = true
	}
	return out
}

func digits(s *Scratch, v []byte) ([]byte, string) {
	i := 0
	for i < len(v) && v[i]-'0' <= 9 {
		i++
	}
	if i == len(v) {
		return v, ""
	}
	start := len(s.buf)
	s.buf = append(s.buf, v[:i]...)
	for i < len(v) {
		c := v[i]
		switch {
		case c-'0' <= 9:
			s.buf = append(s.buf, c)
		case c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '+':
		case c == 0xC2 && i+1 < len(v) && v[i+1] == 0xA0: // no-break space
			i++
		default:
			return nil, "mapping.not_digits"
		}
		i++
	}
	return s.since(start), ""
}

func e164(s *Scratch, v []byte) ([]byte, string) {
	if len(v) == 12 && v[0] == '+' && v[1] == '7' && v[2] >= '3' && allDigits(v[2:]) {
		return v, ""
	}
	start, ok := len(s.buf), false
	if s.buf, ok = kz.Phone(s.buf, v); !ok {
		return nil, "mapping.not_phone"
	}
	return s.since(start), ""
}

func phoneNational(s *Scratch, v []byte) ([]byte, string) {
	if len(v) == 11 && v[0] == '8' && v[1] >= '3' && allDigits(v) {
		return v, ""
	}
	v, code := e164(s, v)
	if code != "" {
		return nil, code
	}
	start := len(s.buf)
	s.buf = append(append(s.buf, '8'), v[2:]...)
	return s.since(start), ""
}

func allDigits(v []byte) bool {
	for _, c := range v {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}
