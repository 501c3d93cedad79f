package xmlscan

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"birgeoqy.kz/almasu/internal/record"
)

// Bounds of a document.
const (
	MaxDepth      = 128
	MaxAttributes = 128
	MaxNamespaces = 128
)

// Namespaces that every document knows.
const (
	XMLNamespace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNamespace = "http://www.w3.org/2000/xmlns/"
)

// Attr is an attribute with its normalised value. Space is empty for one without a prefix.
type Attr struct {
	Space  string
	Local  []byte
	Value  []byte
	prefix []byte
}

// Tag is a start tag. Space is the namespace of the element, empty if it has none.
type Tag struct {
	Space string
	Local []byte
	Attrs []Attr
}

// Handler takes the events of a document in order; what it is given is valid only during the call.
type Handler interface {
	Start(t *Tag)
	// Text is a piece of character data; one text may come in several pieces.
	Text(b []byte)
	End()
	// Leaf is an element that holds nothing, or one piece of text: it stands for Start, Text unless text is empty, and End.
	// Not every such element comes as one.
	Leaf(t *Tag, text []byte)
}

// Scanner reads documents, one after another. It is used by one goroutine; the zero value is ready.
type Scanner struct {
	doc       []byte
	pos       int // the next byte
	start     int // the first byte of what is being read
	to        Handler
	tag       Tag
	qualified bool   // an attribute of the tag has a prefix, or declares the default namespace
	values    []byte // values that had to be written anew
	open      []element
	names     []binding
	space     string // the default namespace in scope
	interned  map[string]string
	seen      bool // the root has been
	err       *record.Problem
}

type element struct {
	name  []byte
	names int // bindings in scope outside it
}

type binding struct{ prefix, uri string }

// Scan reads one document and sends its events. The error is a [*record.Problem] whose Where is "line:column"; events may have been sent
// before it. Its message quotes nothing of the document.
func (s *Scanner) Scan(doc []byte, to Handler) error {
	s.doc, s.pos, s.start, s.to, s.err, s.seen = doc, 0, 0, to, nil, false
	s.open, s.names, s.space = s.open[:0], s.names[:0], ""
	s.document()
	s.doc, s.to = nil, nil
	if s.err != nil {
		return s.err
	}
	return nil
}

// Offset is the first byte of the tag or text whose event is being sent.
func (s *Scanner) Offset() int { return s.start }

// Resolve is the namespace that a prefix is bound to at the current place; the empty prefix is the default namespace.
func (s *Scanner) Resolve(prefix []byte) (uri string, ok bool) {
	if string(prefix) == "xml" {
		return XMLNamespace, true
	}
	for i := len(s.names) - 1; i >= 0; i-- {
		if s.names[i].prefix == string(prefix) {
			return s.names[i].uri, s.names[i].uri != "" || len(prefix) == 0
		}
	}
	return "", len(prefix) == 0
}

// Scope is a copy of all declarations in scope, by prefix.
func (s *Scanner) Scope() map[string]string {
	scope := map[string]string{"xml": XMLNamespace}
	for _, b := range s.names {
		scope[b.prefix] = b.uri
	}
	return scope
}

func (s *Scanner) fail(code, format string, args ...any) bool {
	return s.failAt(s.pos, code, format, args...)
}

func (s *Scanner) failAt(at int, code, format string, args ...any) bool {
	if s.err == nil {
		line, column := Place(s.doc, at)
		s.err = record.NewProblem(code, fmt.Sprintf("%d:%d", line, column), "", format, args...)
	}
	return false
}

// Place is the line and the column (in characters) of a byte, both counted from 1.
func Place(doc []byte, at int) (line, column int) {
	head := doc[:min(at, len(doc))]
	return bytes.Count(head, []byte{'\n'}) + 1, utf8.RuneCount(head[bytes.LastIndexByte(head, '\n')+1:]) + 1
}

func (s *Scanner) has(p string) bool {
	return len(s.doc)-s.pos >= len(p) && string(s.doc[s.pos:s.pos+len(p)]) == p
}

func (s *Scanner) skipSpace() bool {
	from := s.pos
	for s.pos < len(s.doc) && IsSpace(s.doc[s.pos]) {
		s.pos++
	}
	return s.pos > from
}

func (s *Scanner) document() bool {
	if !s.characters() {
		return false
	}
	if s.has("\ufeff") {
		s.pos += 3
	}
	if s.has("<?xml") && s.pos+5 < len(s.doc) && IsSpace(s.doc[s.pos+5]) && !s.declaration() {
		return false
	}
	for {
		if len(s.open) == 0 {
			s.skipSpace()
		}
		if s.pos == len(s.doc) {
			break
		}
		if s.start = s.pos; !s.item() {
			return false
		}
	}
	switch {
	case len(s.open) > 0:
		return s.fail("xml.syntax", "the document ends inside an element")
	case !s.seen:
		return s.fail("xml.root", "no root element")
	}
	return true
}

// characters checks the whole input once: UTF-8, and production [2].
func (s *Scanner) characters() bool {
	doc := s.doc
	for i := 0; i < len(doc); {
		i += usual(doc[i:])
		for end := min(i+8, len(doc)); i < end; {
			r, n := rune(doc[i]), 1
			if r >= utf8.RuneSelf {
				r, n = utf8.DecodeRune(doc[i:])
			}
			switch {
			case r == utf8.RuneError && n == 1:
				return s.failAt(i, "xml.encoding", "not UTF-8")
			case !IsChar(r):
				return s.failAt(i, "xml.character", "U+%04X is not a character of XML", r)
			}
			i += n
		}
	}
	return true
}

const ones, tops = 0x0101_0101_0101_0101, 0x8080_8080_8080_8080

// usual is how many bytes of b are characters from U+0020 to U+07FF for sure: it looks at eight at once, and ends before the first eight among which there is
// another one.
func usual(b []byte) int {
	rest, open := b, uint64(0) // open is 0x80 if the byte before the rest begins a character of two bytes
	for ; len(rest) >= 8; rest = rest[8:] {
		// The highest bits of a byte are 0, 0 and 0 in a control character, 1, 1 and 1 at the begin of a longer one.
		w := binary.LittleEndian.Uint64(rest)
		turns := w ^ w<<1
		apart := turns | (w<<1 ^ w<<2)
		lead, behind := w&tops&^turns, w&tops&turns
		early := lead &^ (w&(0x1E*ones) + 0x7E*ones) // C0 and C1 would begin what one byte can say
		wrong := behind ^ (lead<<8 | open)
		if tops&^apart|early|wrong != 0 {
			break
		}
		open = lead >> 56
	}
	return len(b) - len(rest) - int(open>>7)
}

// item reads one piece at the current place.
func (s *Scanner) item() bool {
	switch {
	case s.doc[s.pos] != '<':
		return s.text()
	case s.pos+1 == len(s.doc):
		return s.fail("xml.syntax", "the document ends inside a tag")
	}
	switch s.doc[s.pos+1] {
	case '/':
		return s.endTag()
	case '?':
		return s.instruction()
	case '!':
		return s.markup()
	}
	if len(s.open) == 0 {
		if s.seen {
			return s.fail("xml.root", "a second root element")
		}
		s.seen = true
	}
	return s.startTag()
}

func (s *Scanner) markup() bool {
	switch {
	case s.has("<!--"):
		at := s.pos
		if _, ok := s.until(4, "--", "a comment"); !ok {
			return false
		}
		if !s.has(">") {
			return s.failAt(at, "xml.syntax", `"--" inside a comment`)
		}
		s.pos++
		return true
	case s.has("<![CDATA["):
		if len(s.open) == 0 {
			return s.fail("xml.root", "text outside the root element")
		}
		body, ok := s.until(9, "]]>", "a CDATA section")
		if ok {
			s.lines(body)
		}
		return ok
	case s.has("<!DOCTYPE"):
		return s.fail("xml.doctype", "a document type declaration")
	}
	return s.fail("xml.syntax", "a markup declaration")
}

// until returns what stands between the current place plus skip and mark, and goes behind mark.
func (s *Scanner) until(skip int, mark, what string) ([]byte, bool) {
	from := s.pos + skip
	end := bytes.Index(s.doc[from:], []byte(mark))
	if end < 0 {
		return nil, s.fail("xml.syntax", "%s does not end", what)
	}
	s.pos = from + end + len(mark)
	return s.doc[from : from+end], true
}

func (s *Scanner) instruction() bool {
	s.pos += 2
	at := s.pos
	prefix, target, ok := s.qname()
	if !ok {
		return false
	}
	if len(prefix) > 0 || bytes.EqualFold(target, []byte("xml")) {
		return s.failAt(at, "xml.syntax", "a processing instruction of a reserved name")
	}
	spaced := s.skipSpace()
	body, ok := s.until(0, "?>", "a processing instruction")
	if ok && !spaced && len(body) > 0 {
		return s.failAt(at, "xml.syntax", "a processing instruction without a space behind its name")
	}
	return ok
}

// lines sends text with the line ends of section 2.11.
func (s *Scanner) lines(b []byte) {
	for {
		i := bytes.IndexByte(b, '\r')
		if i < 0 {
			break
		}
		if i > 0 {
			s.to.Text(b[:i])
		}
		if b = b[i+1:]; len(b) == 0 || b[0] != '\n' {
			s.to.Text(lineFeed)
		}
	}
	if len(b) > 0 {
		s.to.Text(b)
	}
}

var lineFeed = []byte{'\n'}
