package xmlscan_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
	"birgeoqy.kz/almasu/schemas/xmlscan"
)

// printer writes events as text.
type printer struct{ strings.Builder }

func (p *printer) Start(t *xmlscan.Tag) {
	fmt.Fprintf(p, "<{%s}%s", t.Space, t.Local)
	for _, a := range t.Attrs {
		fmt.Fprintf(p, " {%s}%s=%q", a.Space, a.Local, a.Value)
	}
	p.WriteString(">")
}

func (p *printer) Text(b []byte) { p.Write(b) }

func (p *printer) End() { p.WriteString("</>") }

func (p *printer) Leaf(t *xmlscan.Tag, text []byte) {
	p.Start(t)
	p.Write(text)
	p.End()
}

// printed is what the other reader's tree holds, in the same form.
func printed(b *strings.Builder, e *etree.Element) {
	space := e.NamespaceURI()
	if e.Space == "xml" {
		space = xmlscan.XMLNamespace
	}
	fmt.Fprintf(b, "<{%s}%s", space, e.Tag)
	for _, a := range e.Attr {
		if a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns" {
			continue
		}
		space := ""
		if a.Space == "xml" {
			space = xmlscan.XMLNamespace
		} else if a.Space != "" {
			space = a.NamespaceURI()
		}
		fmt.Fprintf(b, " {%s}%s=%q", space, a.Key, a.Value)
	}
	b.WriteString(">")
	for _, t := range e.Child {
		switch t := t.(type) {
		case *etree.Element:
			printed(b, t)
		case *etree.CharData:
			b.WriteString(t.Data)
		}
	}
	b.WriteString("</>")
}

var documents = []string{
	`<a/>`, "\ufeff<?xml version='1.0' encoding=\"utf-8\" standalone='yes'?>\n<a b='1' c=\"x&#9;y\">t&amp;&lt;&gt;&quot;&apos;&#x49B;</a>\n<!-- c --><?p q?>",
	"<a xmlns='urn:a' xmlns:p='urn:p' p:x='1' x='2'><p:b xmlns=''><c/></p:b>\r\n<![CDATA[<x>\r]]> \r</a>", "<a b='\r\n\t'>\r\n\n\r</a>", `<қ ә="ғ"/>`, `<a xml:lang="kk"/>`,
	`<a>]]&gt;</a>`, `<a><b></a></b>`, `<a`, `<a>`, `</a>`, `<a/><b/>`, `x<a/>`, `<a/>x`, `<a b=1/>`, `<a b="1" b="2"/>`, `<a b="<"/>`, `<a>]]></a>`, `<a>&x;</a>`, `<a>&</a>`,
	`<a>&#0;</a>`, `<a>&#xFFFE;</a>`, `<!DOCTYPE a><a/>`, `<p:a/>`, `<a p:b=""/>`, `<a xmlns:p=""/>`, `<a xmlns:xml="urn:x"/>`, `<a xmlns:p="urn:x" xmlns:q="urn:x" p:b="" q:b=""/>`, `<a:b:c/>`, `<1/>`, `<a -b=""/>`,
	`<?xml version="1.1"?><a/>`, `<?xml version="1.0" encoding="windows-1251"?><a/>`, `<?xml encoding="utf-8"?><a/>`, ` <?xml version="1.0"?><a/>`, `<a><?xml?></a>`, `<a><!-- -- --></a>`, `<a b="1"c="2"/>`, "<a>\x00</a>",
	`<a xmlns='urn:a'><b xmlns='urn:b'/><c/><d xmlns="">x</d><e xmlns:p="urn:p">y</e><f xmlns="urn:b"><g/></f><h/></a>`, "<a>\xff</a>", "", " ", "<a>\ufffe</a>", `<a></a >`, `<a></ a>`, `< a/>`, `<a><![CDATA[x</a>`, `<a>&#x110000;</a>`, `<a>&#12345678901234;</a>`, `<xmlns:a/>`, `<a xmlns:xmlns="urn:x"/>`,
}

// compare lets the reader of signatures read the same bytes: both accept it and see the same, or both refuse it for the same reason.
func compare(t *testing.T, doc string) {
	p := &printer{}
	var s xmlscan.Scanner
	err := s.Scan([]byte(doc), p)
	tree, other := xmlread.Parse([]byte(doc), xmlread.DefaultLimits())
	if (err == nil) != (other == nil) {
		t.Fatalf("%q: %v, the other reader says %v", doc, err, other)
	}
	if err != nil {
		return
	}
	var b strings.Builder
	printed(&b, tree.Root())
	if p.String() != b.String() {
		t.Fatalf("%q\n%s\n%s", doc, p.String(), b.String())
	}
}

func TestAgainstTheOtherReader(t *testing.T) {
	for _, d := range documents {
		compare(t, d)
		var s xmlscan.Scanner
		if err := s.Scan([]byte(d), &printer{}); err == nil {
			if err := xml.Unmarshal([]byte(d), new(struct{ XMLName xml.Name })); err != nil && !strings.Contains(err.Error(), "encoding") {
				t.Errorf("%q: encoding/xml says %v", d, err)
			}
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, d := range documents {
		f.Add(d)
	}
	f.Fuzz(func(t *testing.T, doc string) { compare(t, doc) })
}

func TestBounds(t *testing.T) {
	for code, doc := range map[string]string{
		"xml.too_deep":            strings.Repeat("<a>", xmlscan.MaxDepth+1) + strings.Repeat("</a>", xmlscan.MaxDepth+1),
		"xml.too_many_attributes": "<a" + manyTimes(` b%d=""`, xmlscan.MaxAttributes+1) + "/>",
		"xml.too_many_namespaces": "<a" + manyTimes(` xmlns:b%d="x"`, 100) + "><a" + manyTimes(` xmlns:b%d="x"`, 100) + "/></a>",
		"xml.doctype":             `<!DOCTYPE a [<!ENTITY x "y">]><a/>`,
	} {
		var s xmlscan.Scanner
		if err := s.Scan([]byte(doc), &printer{}); record.CodeOf(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	var s xmlscan.Scanner
	err := s.Scan([]byte("<a>\nқ<b></a>"), &printer{})
	var p *record.Problem
	if !errors.As(err, &p) || p.Where != "2:7" {
		t.Errorf("%v", err)
	}
}

func manyTimes(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestNothingIsAllocated(t *testing.T) {
	doc := []byte(`<a xmlns="urn:a">` + strings.Repeat(`<b c="1&amp;2"><d>text &lt; text</d></b>`, 50) + `</a>`)
	var s xmlscan.Scanner
	if n := testing.AllocsPerRun(20, func() {
		if err := s.Scan(doc, ignore{}); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

type ignore struct{}

func (ignore) Start(*xmlscan.Tag)        {}
func (ignore) Text([]byte)               {}
func (ignore) End()                      {}
func (ignore) Leaf(*xmlscan.Tag, []byte) {}

// TestCharacters puts every kind of wrong byte at every place of texts of both alphabets, and asks for the first of them, found one character after another.
func TestCharacters(t *testing.T) {
	for _, text := range []string{"abcdefghijklmnopqrstuvwxyz", "Қазақстан Республикасы", "a\tқ\nб €🙂 \ufffd \x7f", "аbвгдеёж зиклмн"} {
		for at := range len(text) + 1 {
			for _, wrong := range []string{"", "\x00", "\x1f", "\x80", "\xbf", "\xc0\x80", "\xd0", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\ufffe", "\uffff", "\xef\xbf"} {
				doc := "<a>" + text[:at] + wrong + text[at:] + "</a>"
				want := ""
				for rest := doc; rest != "" && want == ""; {
					r, n := utf8.DecodeRuneInString(rest)
					if rest = rest[n:]; r == utf8.RuneError && n == 1 {
						want = "xml.encoding"
					} else if !xmlscan.IsChar(r) {
						want = "xml.character"
					}
				}
				var s xmlscan.Scanner
				if got := record.CodeOf(s.Scan([]byte(doc), &printer{})); got != want {
					t.Fatalf("%q: %q, want %q", doc, got, want)
				}
			}
		}
	}
}
