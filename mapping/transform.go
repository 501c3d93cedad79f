package mapping

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"birgeoqy.kz/almasu/internal/kz"
)

// scratch is memory that the values of one record share.
type scratch struct {
	buf []byte
	// odd is set once a value of the row has been seen that may not be in NFC; tidy, if the value at hand has
	// no white space to trim or collapse.
	odd, tidy bool
}

// step is a compiled transform. It returns v itself, a part of it, or bytes in s; a code says that the value cannot be transformed.
type step func(s *scratch, v []byte) (out []byte, code string)

// transform is one of the closed list.
type transform struct {
	name string
	// argument says that the transform takes a text.
	argument bool
	// joins says that it makes one value of several.
	joins bool
	step  step
	// about is one line for people, and examples are what comes out of what goes in; "!" and a code is a refusal.
	about    string
	examples [][2]string
}

// transforms is the closed list, in the order of the documentation. Each step is idempotent: what comes out goes through unchanged.
var transforms = []transform{
	{name: "trim", step: trim, about: "removes white space at both ends",
		examples: [][2]string{{"  Әсел ", "Әсел"}, {"\u00a0Айдос\n", "Айдос"}, {"Сәния Нұр", "Сәния Нұр"}, {"   ", ""}}},
	{name: "collapse_spaces", step: collapseSpaces, about: "makes one space of each run of white space",
		examples: [][2]string{{"Алма  ата", "Алма ата"}, {"а\t\nб", "а б"}, {"а б", "а б"}}},
	{name: "nfc", step: nfc, about: "composes characters (Unicode NFC); every row ends with it unasked",
		examples: [][2]string{{"И\u0306", "Й"}, {"Қ", "Қ"}, {"e\u0301", "é"}}},
	{name: "upper", step: upper, about: "makes capital letters, one for one",
		examples: [][2]string{{"әғқңөұүһі", "ӘҒҚҢӨҰҮҺІ"}, {"Ivanov", "IVANOV"}, {"ЁЖ", "ЁЖ"}}},
	{name: "lower", step: lower, about: "makes small letters, one for one",
		examples: [][2]string{{"ӘҒҚҢӨҰҮҺІ", "әғқңөұүһі"}, {"A.B@Example.KZ", "a.b@example.kz"}, {"жоқ", "жоқ"}}},
	{name: "digits", step: digits, about: "removes spaces, hyphens, dots, brackets and a plus sign; anything else but digits is refused",
		examples: [][2]string{{"990101 300 129", "990101300129"}, {"99-01.01", "990101"}, {"12", "12"}, {"12O4", "!mapping.not_digits"}}},
	{name: "e164", step: e164, about: "writes a Kazakhstan phone number as +7 and ten digits; any other number is refused",
		examples: [][2]string{{"8 (700) 000-00-01", "+77000000001"}, {"+7 700 000 00 01", "+77000000001"}, {"7000000001", "+77000000001"},
			{"100000001", "!mapping.not_phone"}, {"+996 700 000 001", "!mapping.not_phone"}}},
	{name: "phone_national", step: phoneNational, about: "writes a Kazakhstan phone number as 8 and ten digits; any other number is refused",
		examples: [][2]string{{"+7 (700) 000-00-01", "87000000001"}, {"87000000001", "87000000001"}, {"112", "!mapping.not_phone"}}},
	{name: "concat", argument: true, joins: true,
		about: "joins the values of several sources with the text given; if one is missing, nothing comes out"},
}

func findTransform(name string) *transform {
	for i := range transforms {
		if transforms[i].name == name {
			return &transforms[i]
		}
	}
	return nil
}

func transformNames() map[string]bool {
	names := map[string]bool{}
	for _, t := range transforms {
		names[t.name] = true
	}
	return names
}

func trim(s *scratch, v []byte) ([]byte, string) {
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

func collapseSpaces(s *scratch, v []byte) ([]byte, string) {
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
func (s *scratch) since(start int) []byte { return s.buf[start:len(s.buf):len(s.buf)] }

func nfc(s *scratch, v []byte) ([]byte, string) {
	if !s.odd || norm.NFC.IsNormal(v) {
		return v, ""
	}
	// An empty slice, lest the value's first character compose with what stands before it in the buffer.
	start := len(s.buf)
	s.buf = slices.Grow(s.buf, norm.MaxSegmentSize+3*len(v))
	s.buf = append(s.buf, norm.NFC.Append(s.buf[start:start], v...)...)
	return s.since(start), ""
}

func upper(s *scratch, v []byte) ([]byte, string) { return s.eachRune(v, unicode.ToUpper), "" }

func lower(s *scratch, v []byte) ([]byte, string) { return s.eachRune(v, unicode.ToLower), "" }

func (s *scratch) eachRune(v []byte, to func(rune) rune) []byte {
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

func digits(s *scratch, v []byte) ([]byte, string) {
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

func e164(s *scratch, v []byte) ([]byte, string) {
	if len(v) == 12 && v[0] == '+' && v[1] == '7' && v[2] >= '3' && allDigits(v[2:]) {
		return v, ""
	}
	start, ok := len(s.buf), false
	if s.buf, ok = kz.Phone(s.buf, v); !ok {
		return nil, "mapping.not_phone"
	}
	return s.since(start), ""
}

func phoneNational(s *scratch, v []byte) ([]byte, string) {
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
