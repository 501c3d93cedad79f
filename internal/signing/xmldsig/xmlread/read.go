package xmlread

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
)

// XMLNamespace is bound to the prefix "xml" in every document.
const XMLNamespace = "http://www.w3.org/XML/1998/namespace"

const xmlnsNamespace = "http://www.w3.org/2000/xmlns/"

// Parse reads one document. The error is a *record.Problem with a code of the
// package comment and "line:column" (bytes, from 1) as its place; its message quotes
// nothing of the document's text.
func Parse(b []byte, lim Limits) (*etree.Document, error) {
	if len(b) > lim.Bytes {
		return nil, record.NewProblem("xml.too_large", "",
			"ask the sender to split the message, or raise the limit", "%d bytes, at most %d are read", len(b), lim.Bytes)
	}
	r := &reader{s: string(b), lim: lim, doc: etree.NewDocument()}
	r.cur = &r.doc.Element
	if err := r.document(); err != nil {
		return nil, err
	}
	return r.doc, nil
}

type binding struct{ prefix, uri string }

type open struct {
	tag   string
	names int // live namespace bindings outside this element
}

type reader struct {
	s        string
	i        int
	lim      Limits
	doc      *etree.Document
	cur      *etree.Element
	stack    []open
	names    []binding
	elements int
	attrs    []attribute // of the start tag being read
}

func (r *reader) fail(code, format string, args ...any) error {
	return r.failAt(r.i, code, format, args...)
}

func (r *reader) failAt(i int, code, format string, args ...any) error {
	head := r.s[:min(i, len(r.s))]
	line := strings.Count(head, "\n") + 1
	col := len(head) - strings.LastIndexByte(head, '\n')
	return record.NewProblem(code, fmt.Sprintf("%d:%d", line, col), "", format, args...)
}

func (r *reader) has(p string) bool { return strings.HasPrefix(r.s[r.i:], p) }

func (r *reader) skipSpace() bool {
	from := r.i
	for r.i < len(r.s) && isSpace(r.s[r.i]) {
		r.i++
	}
	return r.i > from
}

func (r *reader) document() error {
	r.s = strings.TrimPrefix(r.s, "\ufeff")
	if err := r.characters(); err != nil {
		return err
	}
	if err := r.declaration(); err != nil {
		return err
	}
	seen := false
	for {
		if len(r.stack) == 0 {
			r.skipSpace()
		}
		if r.i == len(r.s) {
			break
		}
		if r.s[r.i] == '<' && len(r.stack) == 0 && r.startsElement() {
			if seen {
				return r.fail("xml.root", "a second root element")
			}
			seen = true
		}
		if err := r.item(); err != nil {
			return err
		}
	}
	if len(r.stack) > 0 {
		return r.fail("xml.syntax", "the document ends inside an element")
	}
	if !seen {
		return r.fail("xml.root", "no root element")
	}
	return nil
}

func (r *reader) startsElement() bool {
	return r.i+1 < len(r.s) && r.s[r.i+1] != '!' && r.s[r.i+1] != '?' && r.s[r.i+1] != '/'
}

// characters checks the whole input once: UTF-8, and production [2].
func (r *reader) characters() error {
	for i := 0; i < len(r.s); {
		c := r.s[i]
		if c >= 0x20 && c < utf8.RuneSelf {
			i++
			continue
		}
		q, n := utf8.DecodeRuneInString(r.s[i:])
		if q == utf8.RuneError && n <= 1 {
			return r.failAt(i, "xml.encoding", "not UTF-8")
		}
		if !isChar(q) {
			return r.failAt(i, "xml.character", "U+%04X is not a character of XML", q)
		}
		i += n
	}
	return nil
}

// item reads one piece of content at the current place.
func (r *reader) item() error {
	switch {
	case r.s[r.i] != '<':
		return r.text()
	case r.has("</"):
		return r.endTag()
	case r.has("<!--"):
		return r.comment()
	case r.has("<![CDATA["):
		return r.cdata()
	case r.has("<!DOCTYPE"):
		return r.fail("xml.doctype", "a document type declaration")
	case r.has("<!"):
		return r.fail("xml.syntax", "a markup declaration")
	case r.has("<?"):
		return r.instruction()
	}
	return r.startTag()
}

func (r *reader) text() error {
	end := strings.IndexByte(r.s[r.i:], '<')
	if end < 0 {
		end = len(r.s) - r.i
	}
	raw := r.s[r.i : r.i+end]
	if len(r.stack) == 0 {
		return r.fail("xml.root", "text outside the root element")
	}
	if k := strings.Index(raw, "]]>"); k >= 0 {
		return r.failAt(r.i+k, "xml.syntax", `"]]>" in text`)
	}
	value, err := r.value(raw, false)
	if err != nil {
		return err
	}
	r.cur.CreateText(value)
	r.i += end
	return nil
}

// until returns what stands between the current place plus skip and mark, and goes
// behind mark.
func (r *reader) until(skip int, mark, what string) (string, error) {
	rest := r.s[r.i+skip:]
	end := strings.Index(rest, mark)
	if end < 0 {
		return "", r.fail("xml.syntax", "%s does not end", what)
	}
	r.i += skip + end + len(mark)
	return rest[:end], nil
}

func (r *reader) comment() error {
	at := r.i
	body, err := r.until(len("<!--"), "--", "a comment")
	if err != nil {
		return err
	}
	if !r.has(">") {
		return r.failAt(at, "xml.syntax", `"--" inside a comment`)
	}
	r.i++
	r.cur.CreateComment(lineEnds(body))
	return nil
}

func (r *reader) cdata() error {
	if len(r.stack) == 0 {
		return r.fail("xml.root", "text outside the root element")
	}
	body, err := r.until(len("<![CDATA["), "]]>", "a CDATA section")
	if err != nil {
		return err
	}
	r.cur.CreateCData(lineEnds(body))
	return nil
}

func (r *reader) instruction() error {
	r.i += 2
	target, err := r.name()
	if err != nil {
		return err
	}
	if strings.EqualFold(target, "xml") || strings.Contains(target, ":") {
		return r.fail("xml.syntax", "a processing instruction of a reserved name")
	}
	spaced := r.skipSpace()
	body, err := r.until(0, "?>", "a processing instruction")
	if err != nil {
		return err
	}
	if !spaced && body != "" {
		return r.fail("xml.syntax", "a processing instruction without a space behind its name")
	}
	r.cur.CreateProcInst(target, lineEnds(body))
	return nil
}

// lineEnds is section 2.11: CR LF and CR become LF.
func lineEnds(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
