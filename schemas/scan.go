package schemas

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"

	"birgeoqy.kz/almasu/internal/record"
)

// MaxDepth is how deep objects and arrays may nest.
const MaxDepth = 64

// Events takes the events of a document in order; text is valid only during the call.
type Events interface {
	Event(k Kind, text []byte)
}

// Scan reads one JSON text (RFC 8259) and sends its events. It refuses what the RFC leaves open: a member name that
// occurs twice in an object, invalid UTF-8, an escape that is half a surrogate pair, a byte order mark, nesting beyond
// [MaxDepth]. The error is a [*record.Problem] whose Where is "byte N" (counted from 0); events may have been sent before it.
func Scan(doc []byte, to Events) error {
	s := scanner{doc: doc, to: to}
	return s.run()
}

type scanner struct {
	doc     []byte
	pos     int // the next byte; during an event, the byte after the token
	start   int // the token's first byte
	to      Events
	names   []memberName
	scratch []byte
	code    string
	at      int
}

// memberName is a name already seen in an open object, with a fingerprint that differs for most different names.
type memberName struct {
	print uint64
	text  []byte
}

// manyNames is the size of an object from which on a map finds duplicates, so that hostile input costs linear time.
const manyNames = 24

var scanMessages = map[string]string{
	"json.syntax":         "not JSON (RFC 8259)",
	"json.truncated":      "the text ends too early",
	"json.trailing":       "something follows the end of the JSON text",
	"json.duplicate_name": "a member name occurs twice in one object",
	"json.depth":          "objects and arrays nest deeper than " + strconv.Itoa(MaxDepth),
	"json.utf8":           "invalid UTF-8",
	"json.surrogate":      "an escape is half a surrogate pair",
	"json.control":        "a control character stands unescaped in a string",
	"json.bom":            "a byte order mark stands before the text",
}

func (s *scanner) run() error {
	if bytes.HasPrefix(s.doc, []byte("\xef\xbb\xbf")) {
		s.fail("json.bom", 0)
	} else if s.space(); s.value(0) {
		if s.space(); s.pos < len(s.doc) {
			s.fail("json.trailing", s.pos)
		}
	}
	if s.code != "" {
		return record.NewProblem(s.code, "byte "+strconv.Itoa(s.at), "", "%s", scanMessages[s.code])
	}
	return nil
}

func (s *scanner) fail(code string, at int) bool {
	s.code, s.at = code, at
	return false
}

// wrong refuses the byte at s.pos, or the end.
func (s *scanner) wrong() bool {
	if s.pos >= len(s.doc) {
		return s.fail("json.truncated", len(s.doc))
	}
	return s.fail("json.syntax", s.pos)
}

func (s *scanner) space() {
	for s.pos < len(s.doc) {
		if c := s.doc[s.pos]; c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return
		}
		s.pos++
	}
}

// next skips white space and returns the byte there, 0 at the end.
func (s *scanner) next() byte {
	if s.pos < len(s.doc) {
		if c := s.doc[s.pos]; c > ' ' {
			return c
		}
	}
	if s.space(); s.pos < len(s.doc) {
		return s.doc[s.pos]
	}
	return 0
}

func (s *scanner) value(depth int) bool {
	s.start = s.pos
	switch c := s.next(); {
	case c == '"':
		s.start = s.pos
		text, ok := s.text()
		if ok {
			s.to.Event(String, text)
		}
		return ok
	case c == '{':
		return s.object(depth)
	case c == '[':
		return s.array(depth)
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	case c == 't':
		return s.literal("true", True)
	case c == 'f':
		return s.literal("false", False)
	case c == 'n':
		return s.literal("null", Null)
	}
	return s.wrong()
}

func (s *scanner) literal(word string, k Kind) bool {
	s.start = s.pos
	for i := range len(word) {
		if s.pos >= len(s.doc) || s.doc[s.pos] != word[i] {
			return s.wrong()
		}
		s.pos++
	}
	s.to.Event(k, nil)
	return true
}

func (s *scanner) object(depth int) bool {
	if depth >= MaxDepth {
		return s.fail("json.depth", s.pos)
	}
	s.start = s.pos
	s.pos++
	s.to.Event(Object, nil)
	first := len(s.names)
	var many map[string]bool
	if s.next() == '}' {
		return s.end(EndObject, first)
	}
	for {
		if s.next() != '"' {
			return s.wrong()
		}
		s.start = s.pos
		at := s.pos
		name, ok := s.text()
		if !ok {
			return false
		}
		if many == nil && len(s.names)-first == manyNames {
			many = make(map[string]bool, 2*manyNames)
			for _, n := range s.names[first:] {
				many[string(n.text)] = true
			}
		}
		if !s.remember(name, first, many) {
			return s.fail("json.duplicate_name", at)
		}
		s.to.Event(Name, name)
		if s.next() != ':' {
			return s.wrong()
		}
		s.pos++
		if !s.value(depth + 1) {
			return false
		}
		switch s.next() {
		case ',':
			s.pos++
		case '}':
			return s.end(EndObject, first)
		default:
			return s.wrong()
		}
	}
}

// remember notes a member name of the open object and says whether it is new there.
func (s *scanner) remember(name []byte, first int, many map[string]bool) bool {
	if many != nil {
		if many[string(name)] {
			return false
		}
		many[string(name)] = true
		return true
	}
	p := fingerprint(name)
	for i := first; i < len(s.names); i++ {
		if s.names[i].print == p && bytes.Equal(s.names[i].text, name) {
			return false
		}
	}
	if len(s.scratch) > 0 && len(name) > 0 && &name[0] == &s.scratch[0] {
		name = bytes.Clone(name)
	}
	s.names = append(s.names, memberName{p, name})
	return true
}

func fingerprint(b []byte) uint64 {
	n := len(b)
	if n >= 8 {
		return binary.LittleEndian.Uint64(b) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[n-8:]), 29) ^ uint64(n)
	}
	p := uint64(n) << 56
	for i := range n {
		p ^= uint64(b[i]) << (8 * i)
	}
	return p
}

func (s *scanner) end(k Kind, first int) bool {
	s.start = s.pos
	s.pos++
	s.names = s.names[:first]
	s.to.Event(k, nil)
	return true
}

func (s *scanner) array(depth int) bool {
	if depth >= MaxDepth {
		return s.fail("json.depth", s.pos)
	}
	s.start = s.pos
	s.pos++
	s.to.Event(Array, nil)
	if s.next() == ']' {
		return s.end(EndArray, len(s.names))
	}
	for {
		if !s.value(depth + 1) {
			return false
		}
		switch s.next() {
		case ',':
			s.pos++
		case ']':
			return s.end(EndArray, len(s.names))
		default:
			return s.wrong()
		}
	}
}

func (s *scanner) number() bool {
	s.start = s.pos
	if s.doc[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.doc) && s.doc[s.pos] == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.pos < len(s.doc) && s.doc[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if s.pos < len(s.doc) && s.doc[s.pos]|0x20 == 'e' {
		s.pos++
		if s.pos < len(s.doc) && (s.doc[s.pos] == '+' || s.doc[s.pos] == '-') {
			s.pos++
		}
		if !s.digits() {
			return false
		}
	}
	s.to.Event(Number, s.doc[s.start:s.pos])
	return true
}

// digits reads one digit or more.
func (s *scanner) digits() bool {
	from := s.pos
	for s.pos < len(s.doc) && s.doc[s.pos]-'0' <= 9 {
		s.pos++
	}
	return s.pos > from || s.wrong()
}

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// special has the top bit set in the lowest byte of w that is a control character, a quote, a backslash or not ASCII;
// bits above that one mean nothing.
func special(w uint64) uint64 {
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w - ones*0x20) | w) & tops
}

// text reads the string whose opening quote is at s.pos and returns its decoded content: a part of the
// document, or of s.scratch if it has escapes.
func (s *scanner) text() ([]byte, bool) {
	doc, i := s.doc, s.pos+1
	from := i
	for {
		if i+8 <= len(doc) {
			m := special(binary.LittleEndian.Uint64(doc[i:]))
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		} else if i >= len(doc) {
			return nil, s.fail("json.truncated", len(doc))
		}
		switch c := doc[i]; {
		case c == '"':
			s.pos = i + 1
			return doc[from:i], true
		case c == '\\':
			return s.escaped(from, i)
		case c < 0x20:
			return nil, s.fail("json.control", i)
		case c < utf8.RuneSelf:
			i++
		default:
			for i+8 <= len(doc) && cyrillic(binary.LittleEndian.Uint64(doc[i:])) {
				i += 8
			}
			for i < len(doc) && doc[i] >= utf8.RuneSelf {
				n := runeSize(doc[i:])
				if n == 0 {
					return nil, s.fail("json.utf8", i)
				}
				i += n
			}
		}
	}
}

// cyrillic reports whether eight bytes, in the order of a document, are four letters of U+0400 to U+04FF: a lead byte D0 to D3, then a continuation byte.
func cyrillic(w uint64) bool { return w&0xC0FC_C0FC_C0FC_C0FC == 0x80D0_80D0_80D0_80D0 }

// runeSize is the size of the valid multi-byte UTF-8 sequence at the start of b, 0 if there is none.
func runeSize(b []byte) int {
	if len(b) >= 2 && b[0]-0xC2 <= 0xDF-0xC2 && b[1]&0xC0 == 0x80 {
		return 2
	}
	if r, n := utf8.DecodeRune(b); r != utf8.RuneError || n > 1 {
		return n
	}
	return 0
}

// escaped goes on with a string that begins at from and has its first backslash at i.
func (s *scanner) escaped(from, i int) ([]byte, bool) {
	doc := s.doc
	out := append(s.scratch[:0], doc[from:i]...)
	for i < len(doc) {
		switch c := doc[i]; {
		case c == '"':
			s.pos, s.scratch = i+1, out
			return out, true
		case c == '\\':
			n, code := 0, ""
			if out, n, code = unescape(out, doc[i:]); code != "" {
				return nil, s.fail(code, i)
			}
			i += n
		case c < 0x20:
			return nil, s.fail("json.control", i)
		case c < utf8.RuneSelf:
			out = append(out, c)
			i++
		default:
			n := runeSize(doc[i:])
			if n == 0 {
				return nil, s.fail("json.utf8", i)
			}
			out = append(out, doc[i:i+n]...)
			i += n
		}
	}
	return nil, s.fail("json.truncated", len(doc))
}

// unescape appends the character of the escape at the start of b and returns the escape's size.
func unescape(out, b []byte) ([]byte, int, string) {
	if len(b) < 2 {
		return out, 0, "json.truncated"
	}
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if k := strings.IndexByte(from, b[1]); k >= 0 {
		return append(out, to[k]), 2, ""
	}
	if b[1] != 'u' {
		return out, 0, "json.syntax"
	}
	r, ok := hex4(b[2:])
	if !ok {
		return out, 0, "json.syntax"
	}
	if r < 0xD800 || r > 0xDFFF {
		return utf8.AppendRune(out, r), 6, ""
	}
	if r > 0xDBFF || len(b) < 12 || b[6] != '\\' || b[7] != 'u' {
		return out, 0, "json.surrogate"
	}
	low, ok := hex4(b[8:])
	if !ok || low < 0xDC00 || low > 0xDFFF {
		return out, 0, "json.surrogate"
	}
	return utf8.AppendRune(out, (r-0xD800)<<10|(low-0xDC00)+0x10000), 12, ""
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
