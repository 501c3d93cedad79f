package c14n_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/c14n"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmltest"
)

var documentCases = []struct {
	name, in, inclusive, exclusive string
}{
	{
		"beside the root", "<?xml version='1.0'?>\n<!-- a --> <?p  q?>\n<r/>\n<!-- b --><?z?>",
		"<!-- a -->\n<?p q?>\n<r></r>\n<!-- b -->\n<?z?>", "<!-- a -->\n<?p q?>\n<r></r>\n<!-- b -->\n<?z?>",
	},
	{
		"references and line ends", "<r a='x\t\r\ny&#9;&#10;&#13;\"&lt;&gt;'>\r\n&#13;&lt;&gt;&amp;\"'\r</r>",
		"<r a=\"x  y&#x9;&#xA;&#xD;&quot;&lt;>\">\n&#xD;&lt;&gt;&amp;\"'\n</r>",
		"<r a=\"x  y&#x9;&#xA;&#xD;&quot;&lt;>\">\n&#xD;&lt;&gt;&amp;\"'\n</r>",
	},
	{
		"order by namespace name, then by local name", `<r xmlns:b="urn:1" xmlns:a="urn:2" xmlns="urn:3" a:x="1" b:y="2" b:a="3" z="4" c="5"/>`,
		`<r xmlns="urn:3" xmlns:a="urn:2" xmlns:b="urn:1" c="5" z="4" b:a="3" b:y="2" a:x="1"></r>`,
		`<r xmlns="urn:3" xmlns:a="urn:2" xmlns:b="urn:1" c="5" z="4" b:a="3" b:y="2" a:x="1"></r>`,
	},
	{
		"needless and redeclared", `<p:r xmlns:p="urn:1" xmlns:q="urn:2"><p:s xmlns:p="urn:1"><q:t xmlns:q="urn:3" xmlns=""/></p:s></p:r>`,
		`<p:r xmlns:p="urn:1" xmlns:q="urn:2"><p:s><q:t xmlns:q="urn:3"></q:t></p:s></p:r>`,
		`<p:r xmlns:p="urn:1"><p:s><q:t xmlns:q="urn:3"></q:t></p:s></p:r>`,
	},
	{
		"the default given back", `<r xmlns="urn:1"><s xmlns=""><t/></s></r>`,
		`<r xmlns="urn:1"><s xmlns=""><t></t></s></r>`, `<r xmlns="urn:1"><s xmlns=""><t></t></s></r>`,
	},
	{
		"sections are text", "<r>a<![CDATA[<b>&]]>c<!-- d --></r>",
		"<r>a&lt;b&gt;&amp;c<!-- d --></r>", "<r>a&lt;b&gt;&amp;c<!-- d --></r>",
	},
	{
		"a namespace name with an ampersand", `<r xmlns="http://x.kz/?a=1&amp;b=2"/>`,
		`<r xmlns="http://x.kz/?a=1&amp;b=2"></r>`, `<r xmlns="http://x.kz/?a=1&amp;b=2"></r>`,
	},
}

func TestDocument(t *testing.T) {
	for _, c := range documentCases {
		t.Run(c.name, func(t *testing.T) {
			doc := parse(t, c.in)
			for _, m := range []c14n.Method{{Comments: true}, {Comments: true, Exclusive: true}} {
				want := c.inclusive
				if m.Exclusive {
					want = c.exclusive
				}
				if got, err := m.Document(doc); err != nil || string(got) != want {
					t.Errorf("exclusive %v\ngot  %q %v\nwant %q", m.Exclusive, got, err, want)
				}
			}
		})
	}
}

func TestElement(t *testing.T) {
	doc := parse(t, `<a xmlns="urn:d" xmlns:p="urn:1" xmlns:q="urn:2" xml:lang="kk" xml:space="preserve">`+
		`<b xmlns:p="urn:9" xml:lang="ru"><c p:x="1"><!-- n --><skip/>t</c></b></a>`)
	el, skip := doc.FindElement("//c"), doc.FindElement("//skip")
	for _, c := range []struct {
		method c14n.Method
		want   string
	}{
		{c14n.Method{}, `<c xmlns="urn:d" xmlns:p="urn:9" xmlns:q="urn:2" xml:lang="ru" xml:space="preserve" p:x="1">t</c>`},
		{c14n.Method{Exclusive: true}, `<c xmlns="urn:d" xmlns:p="urn:9" p:x="1">t</c>`},
		{c14n.Method{Exclusive: true, Comments: true}, `<c xmlns="urn:d" xmlns:p="urn:9" p:x="1"><!-- n -->t</c>`},
		{c14n.Method{Exclusive: true, Prefixes: []string{"q", "none"}}, `<c xmlns="urn:d" xmlns:p="urn:9" xmlns:q="urn:2" p:x="1">t</c>`},
	} {
		if got, err := c.method.Element(el, skip); err != nil || string(got) != c.want {
			t.Errorf("%+v\ngot  %s %v\nwant %s", c.method, got, err, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	broken := etree.NewElement("p:r")
	if _, err := (c14n.Method{}).Element(broken); record.CodeOf(err) != "c14n.undeclared_prefix" {
		t.Errorf("an undeclared prefix: %v", err)
	}
	for _, uri := range []string{"relative", "a/b:c", "1:x", "#x", "//host/x"} {
		_, err := c14n.Method{Exclusive: true}.Document(parse(t, `<r xmlns:p="`+uri+`"/>`))
		if record.CodeOf(err) != "c14n.relative_namespace" {
			t.Errorf("a relative namespace name %q: %v", uri, err)
		}
	}
}

// TestBounded: a namespace name of a mebibyte on each of many elements.
func TestBounded(t *testing.T) {
	text := `<r xmlns:p="urn:` + strings.Repeat("x", 1<<20) + `">` + strings.Repeat("<p:a/>", 100_000) + `</r>`
	_, err := c14n.Method{Exclusive: true}.Document(parse(t, text))
	if record.CodeOf(err) != "c14n.too_large" {
		t.Errorf("got %v", err)
	}
}

func TestURI(t *testing.T) {
	for _, uri := range []string{c14n.Inclusive, c14n.InclusiveWithComments, c14n.Exclusive, c14n.ExclusiveWithComments} {
		if m, ok := c14n.ByURI(uri); !ok || m.URI() != uri {
			t.Errorf("%s: %+v %v", uri, m, ok)
		}
	}
	if _, ok := c14n.ByURI("http://www.w3.org/2006/12/xml-c14n11"); ok {
		t.Error("an algorithm that is not written here was found")
	}
}

// TestTreeIsKept: canonicalisation changes nothing in the tree.
func TestTreeIsKept(t *testing.T) {
	for seed := range uint64(50) {
		text, _ := xmltest.Document(seed, true)
		doc := parse(t, text)
		before, err := doc.WriteToString()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []c14n.Method{{}, {Exclusive: true}, {Comments: true}} {
			if _, err := m.Document(doc, doc.FindElement("//target")); err != nil {
				t.Fatal(err)
			}
		}
		if after, _ := doc.WriteToString(); after != before {
			t.Fatalf("the tree of document %d changed", seed)
		}
	}
}

// FuzzFixpoint: the canonical form of a canonical form is itself.
func FuzzFixpoint(f *testing.F) {
	for _, c := range documentCases {
		f.Add([]byte(c.in))
	}
	for seed := range uint64(20) {
		text, _ := xmltest.Document(seed, false)
		f.Add([]byte(text))
	}
	lim := xmlread.DefaultLimits()
	f.Fuzz(func(t *testing.T, in []byte) {
		doc, err := xmlread.Parse(in, lim)
		if err != nil {
			return
		}
		for _, m := range []c14n.Method{{Comments: true}, {Exclusive: true, Comments: true}, {}} {
			once, err := m.Document(doc)
			if err != nil {
				continue
			}
			again, err := xmlread.Parse(once, lim.ForCanonical())
			if err != nil {
				t.Fatalf("the canonical form is not XML: %v\n%q\n%q", err, in, once)
			}
			twice, err := m.Document(again)
			if err != nil || !bytes.Equal(once, twice) {
				t.Fatalf("not a fixpoint: %v\n%q\n%q\n%q", err, in, once, twice)
			}
		}
	})
}

func batch(b *testing.B) *etree.Document {
	b.Helper()
	var s strings.Builder
	s.WriteString(`<p:batch xmlns:p="urn:birge:batch" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`)
	for range 1000 {
		s.WriteString(`<p:student id="7f3a" state="active"><iin>850101100012</iin><name xml:lang="kk">Әйгерім Қасымова</name>` +
			`<school code="710000000">№ 12 мектеп-гимназия</school><grade letter="Б">9</grade><note>a &amp; b</note></p:student>`)
	}
	s.WriteString(`</p:batch>`)
	doc, err := xmlread.Parse([]byte(s.String()), xmlread.DefaultLimits())
	if err != nil {
		b.Fatal(err)
	}
	return doc
}

func BenchmarkCanonicalise(b *testing.B) {
	doc := batch(b)
	for _, m := range []c14n.Method{{}, {Exclusive: true}} {
		b.Run(m.URI()[len("http://www.w3.org/"):], func(b *testing.B) {
			out, err := m.Document(doc)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(out)))
			for b.Loop() {
				if _, err := m.Document(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
