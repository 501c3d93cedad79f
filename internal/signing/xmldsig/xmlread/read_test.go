package xmlread_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
)

func limits() xmlread.Limits {
	return xmlread.Limits{Bytes: 4096, Depth: 4, Elements: 10, Attributes: 4, Namespaces: 5}
}

// TestRefused is the table of the package comment: every refusal by its code.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ code, in string }{
		{"xml.doctype", `<!DOCTYPE r><r/>`},
		{"xml.doctype", `<!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>`},
		{"xml.doctype", `<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>`},
		{"xml.doctype", `<r><!DOCTYPE r></r>`},
		{"xml.entity", `<r>&e;</r>`},
		{"xml.entity", `<r a="&nbsp;"/>`},
		{"xml.entity", `<r>&;</r>`},
		{"xml.encoding", "<r>\xff</r>"},
		{"xml.encoding", "<r>\xc0\xaf</r>"},
		{"xml.encoding", "<r>\xed\xa0\x80</r>"},
		{"xml.encoding", "\xff\xfe<\x00r\x00/\x00>\x00"},
		{"xml.encoding", `<?xml version="1.0" encoding="windows-1251"?><r/>`},
		{"xml.version", `<?xml version="1.1"?><r/>`},
		{"xml.character", "<r>\x00</r>"},
		{"xml.character", "<r>\x0b</r>"},
		{"xml.character", "<r>\ufffe</r>"},
		{"xml.character", "<r>&#0;</r>"},
		{"xml.character", "<r>&#xD800;</r>"},
		{"xml.character", "<r>&#x110000;</r>"},
		{"xml.too_large", "<r>" + strings.Repeat("x", 4096) + "</r>"},
		{"xml.too_deep", "<a><a><a><a><a/></a></a></a></a>"},
		{"xml.too_many_elements", "<a>" + strings.Repeat("<b/>", 10) + "</a>"},
		{"xml.too_many_attributes", `<a b="" c="" d="" e="" f=""/>`},
		{"xml.too_many_namespaces", `<a xmlns:a="urn:a" xmlns:b="urn:b" xmlns:c="urn:c"><b xmlns:d="urn:d" xmlns:e="urn:e" xmlns:f="urn:f"/></a>`},
		{"xml.duplicate_attribute", `<a b="1" b="2"/>`},
		{"xml.duplicate_attribute", `<a xmlns="urn:a" xmlns="urn:b"/>`},
		{"xml.duplicate_attribute", `<a xmlns:p="urn:a" xmlns:p="urn:a"/>`},
		{"xml.duplicate_attribute", `<a xmlns:p="urn:a" xmlns:q="urn:a" p:x="1" q:x="2"/>`},
		{"xml.undeclared_prefix", `<p:a/>`},
		{"xml.undeclared_prefix", `<a p:b=""/>`},
		{"xml.undeclared_prefix", `<xmlns:a/>`},
		{"xml.undeclared_prefix", `<a><b xmlns:p="urn:p"/><p:c/></a>`},
		{"xml.namespace", `<a xmlns:p=""/>`},
		{"xml.namespace", `<a xmlns:xml="urn:x"/>`},
		{"xml.namespace", `<a xmlns:xmlns="urn:x"/>`},
		{"xml.namespace", `<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`},
		{"xml.namespace", `<a xmlns="http://www.w3.org/2000/xmlns/"/>`},
		{"xml.root", ``},
		{"xml.root", `<!-- only -->`},
		{"xml.root", `<a/><b/>`},
		{"xml.root", `<a/>text`},
		{"xml.root", `text<a/>`},
		{"xml.root", `<a/><![CDATA[]]>`},
		{"xml.root", `<a/>&#32;`},
		{"xml.syntax", `<a>`},
		{"xml.syntax", `<a></b>`},
		{"xml.syntax", `</a>`},
		{"xml.syntax", `<a/></a>`},
		{"xml.syntax", `<a b="<"/>`},
		{"xml.syntax", `<a b=c/>`},
		{"xml.syntax", `<a b/>`},
		{"xml.syntax", `<a b=""c=""/>`},
		{"xml.syntax", `<a b="`},
		{"xml.syntax", `<a>]]></a>`},
		{"xml.syntax", `<a><!-- -- --></a>`},
		{"xml.syntax", `<a><![CDATA[</a>`},
		{"xml.syntax", `<a><?xml version="1.0"?></a>`},
		{"xml.syntax", ` <?xml version="1.0"?><a/>`},
		{"xml.syntax", `<?xml encoding="UTF-8"?><a/>`},
		{"xml.syntax", `<?xml version="1.0" version="1.0"?><a/>`},
		{"xml.syntax", `<?xml version="1.0" standalone="maybe"?><a/>`},
		{"xml.syntax", `<a><?p:q?></a>`},
		{"xml.syntax", `<a><?p+q?></a>`},
		{"xml.syntax", `<a:b:c xmlns:a="urn:a"/>`},
		{"xml.syntax", `<:a/>`},
		{"xml.syntax", `<a: xmlns:a="urn:a"/>`},
		{"xml.syntax", `<1a/>`},
		{"xml.syntax", `< a/>`},
		{"xml.syntax", `<a>&</a>`},
		{"xml.syntax", `<a>&#;</a>`},
		{"xml.syntax", `<a>&#x;</a>`},
		{"xml.syntax", `<a>&#+1;</a>`},
		{"xml.syntax", `<a>&#X20;</a>`},
		{"xml.syntax", `<a><!ELEMENT a ANY></a>`},
		{"xml.syntax", `<`},
	} {
		_, err := xmlread.Parse([]byte(c.in), limits())
		var p *record.Problem
		if !errors.As(err, &p) || p.Code != c.code {
			t.Errorf("%q: got %v, want %s", c.in, err, c.code)
		}
	}
}

func TestZeroLimitsRefuse(t *testing.T) {
	if _, err := xmlread.Parse([]byte("<a/>"), xmlread.Limits{}); record.CodeOf(err) != "xml.too_large" {
		t.Errorf("got %v", err)
	}
}

func TestPlace(t *testing.T) {
	_, err := xmlread.Parse([]byte("<a>\n<b>\n  <c d='&x;'/></b></a>"), limits())
	var p *record.Problem
	if !errors.As(err, &p) || !strings.HasPrefix(p.Where, "3:") || strings.Contains(p.Message, "x;") {
		t.Errorf("got %v", err)
	}
}

func TestValues(t *testing.T) {
	doc, err := xmlread.Parse([]byte("\ufeff<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\r\n<р:r xmlns:р='urn:x' "+
		"a='1\t2\r\n3\r4\n5&#9;&#10;&#13;&#xA;&quot;&apos;'>\r\nx\ry<![CDATA[&amp;\r\n]]>&lt;&#1179;<!--\r--><?t  d\r\n?></р:r> <!-- z -->"), limits())
	if err != nil {
		t.Fatal(err)
	}
	root := doc.Root()
	if got, want := root.SelectAttrValue("a", ""), "1 2 3 4 5\t\n\r\n\"'"; got != want {
		t.Errorf("attribute %q, want %q", got, want)
	}
	if got, want := root.Text(), "\nx\ny&amp;\n<қ"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if root.NamespaceURI() != "urn:x" || root.Tag != "r" {
		t.Errorf("root %s in %q", root.FullTag(), root.NamespaceURI())
	}
	if pi, ok := root.Child[len(root.Child)-1].(*etree.ProcInst); !ok || pi.Inst != "d\n" {
		t.Errorf("instruction %#v", root.Child[len(root.Child)-1])
	}
	if len(doc.Child) != 2 {
		t.Errorf("%d tokens beside the root and it", len(doc.Child))
	}
}

// FuzzParse: no input panics, and an accepted one is within the limits.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`<?xml version="1.0"?><a xmlns:p="urn:p" p:b="c&#13;">t<![CDATA[x]]><!-- c --><?d e?></a>`,
		`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, "<a b='\r\n\t'>\r</a>", `<a xmlns="urn:a"><b xmlns=""/></a>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		doc, err := xmlread.Parse(in, limits())
		if err != nil {
			if record.CodeOf(err) == "" {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		if n := len(doc.FindElements("//*")); n > limits().Elements || doc.Root() == nil {
			t.Fatalf("%d elements", n)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := []byte("<r>" + strings.Repeat(`<student state="active"><iin>850101100012</iin><name xml:lang="kk">Әйгерім &amp; Қасымова</name><class>9 Б</class></student>`, 2000) + "</r>")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := xmlread.Parse(text, xmlread.DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
}
