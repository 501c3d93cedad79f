package xmlscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// inText has the bytes that end a piece of text, or that need a look.
var inText = [256]bool{'<': true, '&': true, ']': true, '\r': true}

// plain is how many bytes of b stand before the first one that is inText.
func plain(b []byte) int {
	rest := b
	for ; len(rest) >= 8; rest = rest[8:] {
		w := binary.LittleEndian.Uint64(rest)
		less, and, bracket, line := w^ones*'<', w^ones*'&', w^ones*']', w^ones*'\r' // zero in the bytes that are these
		if found := ((less-ones)&^less | (and-ones)&^and | (bracket-ones)&^bracket | (line-ones)&^line) & tops; found != 0 {
			return len(b) - len(rest) + bits.TrailingZeros64(found)>>3
		}
	}
	for i, c := range rest {
		if inText[c] {
			return len(b) - len(rest) + i
		}
	}
	return len(b)
}

// text reads character data up to the next tag, in pieces as it stands.
func (s *Scanner) text() bool {
	if len(s.open) == 0 {
		return s.fail("xml.root", "text outside the root element")
	}
	doc, at := s.doc, s.pos
	for {
		if at += plain(doc[at:]); at == len(doc) {
			break
		}
		c := doc[at]
		if c == ']' {
			if bytes.HasPrefix(doc[at:], []byte("]]>")) {
				return s.failAt(at, "xml.syntax", `"]]>" in text`)
			}
			at++
			continue
		}
		if at > s.pos {
			s.to.Text(doc[s.pos:at])
		}
		if s.pos = at; c == '<' {
			return true
		}
		piece, n, ok := s.replaced(c)
		if !ok {
			return false
		}
		s.to.Text(piece)
		at += n
		s.pos = at
	}
	if at > s.pos {
		s.to.Text(doc[s.pos:at])
	}
	s.pos = at
	return true
}

// replaced is what stands for the line end or the reference at the current place, and the size of that.
func (s *Scanner) replaced(c byte) (text []byte, n int, ok bool) {
	if c == '\r' {
		if s.has("\r\n") {
			return lineFeed, 2, true
		}
		return lineFeed, 1, true
	}
	r, n, ok := s.reference(s.doc[s.pos:])
	s.values = utf8.AppendRune(s.values[:0], r)
	return s.values, n, ok
}

// reference reads the reference at the beginning of raw and returns its character and its size.
func (s *Scanner) reference(raw []byte) (rune, int, bool) {
	end := bytes.IndexByte(raw[:min(len(raw), 16)], ';')
	if end < 2 {
		return 0, 0, s.fail("xml.syntax", `"&" that begins no reference`)
	}
	name := raw[1:end]
	if name[0] != '#' {
		switch string(name) {
		case "amp":
			return '&', end + 1, true
		case "lt":
			return '<', end + 1, true
		case "gt":
			return '>', end + 1, true
		case "quot":
			return '"', end + 1, true
		case "apos":
			return '\'', end + 1, true
		}
		return 0, 0, s.fail("xml.entity", "a reference to an entity")
	}
	digits, base := name[1:], rune(10)
	if len(digits) > 0 && digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	var r rune
	for _, c := range digits {
		d := strings.IndexByte("0123456789abcdef0123456789ABCDEF", c) % 16
		if d < 0 || d >= int(base) || r > 0x10FFFF {
			return 0, 0, s.fail("xml.syntax", "not a character reference")
		}
		r = r*base + rune(d)
	}
	if len(digits) == 0 || !IsChar(r) {
		return 0, 0, s.fail("xml.character", "a reference to what is not a character of XML")
	}
	return r, end + 1, true
}

// inValue has the bytes that may end a value, that may not stand in one, or that are normalised.
var inValue = [256]bool{'"': true, '\'': true, '<': true, '&': true, '\t': true, '\n': true, '\r': true}

// quoted reads a quoted value; raw is it as it stands, plain if it needs no normalising.
func (s *Scanner) quoted() (raw []byte, plain, ok bool) {
	if s.pos == len(s.doc) || s.doc[s.pos] != '"' && s.doc[s.pos] != '\'' {
		return nil, false, s.fail("xml.syntax", "a value in quotes is expected")
	}
	mark := s.doc[s.pos]
	s.pos++
	plain = true
	for i, c := range s.doc[s.pos:] {
		if !inValue[c] {
			continue
		}
		switch {
		case c == mark:
			raw, s.pos = s.doc[s.pos:s.pos+i], s.pos+i+1
			return raw, plain, true
		case c == '<':
			return nil, false, s.failAt(s.pos+i, "xml.syntax", `"<" in a value`)
		case c != '"' && c != '\'':
			plain = false
		}
	}
	return nil, false, s.fail("xml.syntax", "a value does not end")
}

// normalise appends an attribute's value to values.
func (s *Scanner) normalise(raw []byte) bool {
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '&':
			r, n, ok := s.reference(raw[i:])
			if !ok {
				return false
			}
			s.values = utf8.AppendRune(s.values, r)
			i += n
			continue
		case c == '\r' && i+1 < len(raw) && raw[i+1] == '\n':
			i++
			s.values = append(s.values, ' ')
		case c < ' ':
			s.values = append(s.values, ' ')
		default:
			s.values = append(s.values, c)
		}
		i++
	}
	return true
}

// declaration reads <?xml ..?>.
func (s *Scanner) declaration() bool {
	s.pos += len("<?xml")
	next := 0
	order := []string{"version", "encoding", "standalone"}
	for {
		spaced := s.skipSpace()
		if s.has("?>") {
			s.pos += 2
			break
		}
		prefix, name, ok := s.qname()
		if !ok {
			return false
		}
		at := next
		for at < len(order) && (order[at] != string(name) || len(prefix) > 0) {
			at++
		}
		if at == len(order) || !spaced || next == 0 && at != 0 {
			return s.fail("xml.syntax", "not an XML declaration")
		}
		next = at + 1
		s.skipSpace()
		if !s.has("=") {
			return s.fail("xml.syntax", "not an XML declaration")
		}
		s.pos++
		s.skipSpace()
		value, _, ok := s.quoted()
		if !ok || !s.declared(order[at], string(value)) {
			return false
		}
	}
	if next == 0 {
		return s.fail("xml.syntax", "an XML declaration without a version")
	}
	return true
}

func (s *Scanner) declared(name, value string) bool {
	switch {
	case name == "version" && value != "1.0":
		return s.fail("xml.version", "only XML 1.0 is read")
	case name == "encoding" && !strings.EqualFold(value, "UTF-8"):
		return s.fail("xml.encoding", "only UTF-8 is read")
	case name == "standalone" && value != "yes" && value != "no":
		return s.fail("xml.syntax", "standalone is yes or no")
	}
	return true
}
