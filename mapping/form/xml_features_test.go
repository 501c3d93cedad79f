package form

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/schemas"
)

// everything is a layout with all that XML has: prefixes, positions, attributes beside values, objects, nulls.
func everything(r *rand.Rand) (Layout, XMLNames) {
	names := XMLNames{Root: "p", Record: "one", Prefixes: map[string]string{"a": "urn:a", "z": "urn:z", "b": "urn:x?y=1#2"}}
	if r.IntN(2) == 0 {
		names.Namespace = "urn:default"
	}
	prefix := func() string { return []string{"", "", "a:", "z:", "b:"}[r.IntN(5)] }
	names.Root, names.Record = prefix()+"p", prefix()+"one"
	var fields []Field
	for i := range 2 + r.IntN(5) {
		var path []string
		for d := range r.IntN(3) {
			path = append(path, []string{"", "a:", "z:"}[d]+"o"+fmt.Sprint(d))
		}
		name := fmt.Sprintf("%sf%d", prefix(), i)
		at := func(more ...string) []string { return append(append([]string{}, path...), more...) }
		switch r.IntN(5) {
		case 0:
			fields = append(fields, Field{Path: at(name + "[1]")}, Field{Path: at(name+"[2]", "@k")}, Field{Path: at(name + "[2]")}, Field{Path: at(name+"[2]", "@b")})
		case 1:
			fields = append(fields, Field{Path: at(name, "@z")}, Field{Path: at(name, "@a")}, Field{Path: at(name)})
		case 2:
			fields = append(fields, Field{Path: at(fmt.Sprintf("@a%d", i))})
		default:
			fields = append(fields, Field{Path: at(name), Null: r.IntN(2) == 0})
		}
	}
	header := NewTree([]Field{{Path: []string{"@v"}}, {Path: []string{"a:n"}}, {Path: []string{"z:o", "n"}}})
	return Layout{HeaderName: prefix() + "head", RecordsName: prefix() + "rows", Header: header, Records: NewTree(fields)}, names
}

// TestXMLWithEverythingIsCanonical lets libxml2 canonicalise some thousand records of random layouts with every feature: nothing changes.
func TestXMLWithEverythingIsCanonical(t *testing.T) {
	needs.Tool(t, "xmllint", "libxml2-utils")
	texts := []string{"", "a", "Қазақ <&>\"'", " x\ty\nz\r", "]]>", "1"}
	records := 0
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		layout, names := everything(r)
		d := document{layout: layout, header: [][]byte{[]byte("1"), []byte("<"), []byte("3")}}
		for range 80 {
			var values [][]byte
			for range layout.Records.Fields {
				var v []byte
				if r.IntN(3) > 0 {
					v = []byte(texts[r.IntN(len(texts))])
				}
				values = append(values, v)
			}
			d.records = append(d.records, values)
		}
		doc, written, codes := d.write(NewXML(layout, names))
		if len(codes) > 0 {
			t.Fatal(codes)
		}
		records += len(written)
		cmd := exec.Command("xmllint", "--exc-c14n", "-")
		cmd.Stdin = bytes.NewReader(doc)
		out, err := cmd.Output()
		if err != nil || !bytes.Equal(out, doc) {
			at := 0
			for at < min(len(out), len(doc)) && out[at] == doc[at] {
				at++
			}
			t.Fatalf("seed %d: %v: from byte %d on\n%s\nnot\n%s", seed, err, at, doc[at:min(at+200, len(doc))], out[at:min(at+200, len(out))])
		}
	}
	if records < 2000 {
		t.Errorf("only %d records", records)
	}
}

// TestEventsAreThoseOfTheBytes compares what a schema says of an encoder's events with what it says of the bytes.
func TestEventsAreThoseOfTheBytes(t *testing.T) {
	source := `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t" elementFormDefault="qualified"><xs:element name="p"><xs:complexType><xs:sequence><xs:element name="rows">
<xs:complexType><xs:sequence><xs:element name="row" maxOccurs="unbounded"><xs:complexType><xs:sequence>
<xs:element name="iin"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[0-9]{12}"/></xs:restriction></xs:simpleType></xs:element>
<xs:element name="phone" minOccurs="0" maxOccurs="2"><xs:complexType><xs:simpleContent><xs:extension base="xs:int"><xs:attribute name="kind" type="xs:NCName" use="required"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>
<xs:element name="place" type="xs:token" nillable="true"/></xs:sequence><xs:attribute name="id" type="xs:int"/></xs:complexType></xs:element></xs:sequence></xs:complexType>
<xs:unique name="u"><xs:selector xpath="t:row" xmlns:t="urn:t"/><xs:field xpath="t:iin" xmlns:t="urn:t"/></xs:unique></xs:element></xs:sequence></xs:complexType></xs:element></xs:schema>`
	s, err := schemas.CompileXSD("s.xsd", func(string) ([]byte, error) { return []byte(source), nil })
	if err != nil {
		t.Fatal(err)
	}
	names := schemas.XMLNames{Root: "p", Record: "row", Namespace: "urn:t"}
	checker, err := s.XMLChecker(names)
	if err != nil {
		t.Fatal(err)
	}
	var fields []Field
	for _, p := range []string{"@id", "iin", "phone[1]/@kind", "phone[1]", "phone[2]/@kind", "phone[2]", "place"} {
		fields = append(fields, Field{Path: strings.Split(p, "/"), Null: p == "place"})
	}
	tree := NewTree(fields)
	x := NewXML(Layout{RecordsName: "rows", Records: tree}, XMLNames{Root: "p", Record: "row", Namespace: "urn:t"})
	texts := []string{"", "1", "123456789012", "123456789013", "x", " 7 "}
	right := []string{"1", "123456789012", "mobile", "7", "home", "8", "place"}
	r := rand.New(rand.NewPCG(1, 2))
	good, bad := 0, 0
	for range 300 {
		checker.Begin()
		for _, e := range []struct {
			k    schemas.Kind
			text string
		}{{schemas.Object, ""}, {schemas.Name, "rows"}, {schemas.Array, ""}} {
			checker.Event(e.k, []byte(e.text))
		}
		doc := x.Begin(nil, nil)
		kept := 0
		for range 4 {
			values := make([][]byte, len(fields))
			for i := range values {
				if i == 1 || r.IntN(4) > 0 {
					values[i] = []byte(right[i])
				}
				if r.IntN(12) == 0 {
					values[i] = []byte(texts[r.IntN(len(texts))])
				}
			}
			if len(values[1]) == 12 {
				values[1][11] = byte('0' + r.IntN(10))
			}
			checker.Mark()
			tree.Events(values, checker)
			var found []string
			n := checker.Settle(func(path, code string) { found = append(found, path+" "+code) })
			out, _, _ := x.Record(doc, kept, values)
			violations, err := s.CheckDocument(x.End(append([]byte{}, out...)))
			var want []string
			for _, v := range violations {
				want = append(want, v.Path+" "+v.Code)
			}
			if err != nil || strings.Join(found, "\n") != strings.Join(want, "\n") {
				t.Fatalf("%v\nevents %v\nbytes  %v\n%s", err, found, want, out)
			}
			if n == 0 {
				doc, kept, good = out, kept+1, good+1
			} else {
				bad++
			}
		}
	}
	if good < 20 || bad < 20 {
		t.Errorf("%d good, %d bad", good, bad)
	}
}

// TestAsItIs puts every byte at every place of short and long texts.
func TestAsItIs(t *testing.T) {
	for n := range 26 {
		for at := range n {
			for c := range 256 {
				v := []byte("Нұрсұлтан az~\x7f-'Әбд")[:n]
				if v[at] = byte(c); asItIs(v) == looked[c] {
					t.Fatalf("%q: %v", v, asItIs(v))
				}
				out, ok := appendXML(nil, v, false)
				if plain := ok && bytes.Equal(out, v); asItIs(v) && !plain {
					t.Fatalf("%q is written %q", v, out)
				}
			}
		}
	}
}
