package reading_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/schemas"
	"birgeoqy.kz/almasu/schemas/reading"
)

const pupils = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t" xmlns="urn:t" elementFormDefault="qualified">
<xs:element name="package"><xs:complexType><xs:sequence>
<xs:element name="header"><xs:complexType><xs:sequence><xs:element name="n" type="xs:int"/></xs:sequence></xs:complexType></xs:element>
<xs:element name="pupils"><xs:complexType><xs:sequence><xs:element name="pupil" maxOccurs="unbounded"><xs:complexType><xs:sequence>
<xs:element name="name" type="xs:string" nillable="true"/>
<xs:element name="phone" minOccurs="0" maxOccurs="3"><xs:complexType><xs:simpleContent><xs:extension base="xs:string"><xs:attribute name="kind"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>
</xs:sequence><xs:attribute name="iin" type="xs:string" use="required"/></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element></xs:schema>`

func TestXMLAsJSON(t *testing.T) {
	s, err := schemas.CompileXSD("s.xsd", func(string) ([]byte, error) { return []byte(pupils), nil })
	if err != nil {
		t.Fatal(err)
	}
	doc := `<p:package xmlns:p="urn:t" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><p:header> <p:n>1</p:n></p:header>
<p:pupils><p:pupil iin="1"><p:name>a"&#9;б\</p:name><p:phone kind="x">1</p:phone><p:phone kind="y"/></p:pupil><p:pupil iin="2"><p:name xsi:nil="true"/></p:pupil></p:pupils></p:package>`
	got, err := reading.AsJSON(s, []byte(doc))
	want := `{"header":{"n":"1"},"pupils":[{"@iin":"1","name":"a\"\u0009б\\","phone":{"@kind":"x","#text":"1"},"phone[2]":{"@kind":"y"}},{"@iin":"2","name":null}]}`
	if err != nil || string(got) != want || !json.Valid(got) {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
	r := reading.New(s)
	if err := r.Read([]byte(doc), ignore{}); err != nil || r.Broken() {
		t.Errorf("%v %v", err, r.Broken())
	}
	found, err := s.CheckDocument([]byte(`<package xmlns="urn:t">
<header><n>1</n></header>
<pupils><pupil iin="1"><name/></pupil><pupil>
<phone/></pupil></pupils></package>`))
	if err != nil || len(found) != 2 || found[0].Record != 1 || found[0].Path != "/name" || found[0].Line != 4 || found[1].Path != "/@iin" || found[1].Code != "schema.required" {
		t.Errorf("%v %+v", err, found)
	}
	if s.Records() != "pupils" || s.XMLNames().Root != "package" || s.XMLNames().Record != "pupil" || s.XMLNames().Namespace != "urn:t" {
		t.Errorf("%+v", s.XMLNames())
	}
}

type ignore struct{}

func (ignore) Event(schemas.Kind, []byte) {}

// told writes the events down.
type told struct{ strings.Builder }

func (w *told) Event(k schemas.Kind, text []byte) { fmt.Fprintf(w, "%d%s ", k, text) }

// cut is what of all events lies inside at most depth objects and arrays.
func cut(all string, depth int) string {
	var b strings.Builder
	inside := 0
	for _, one := range strings.SplitAfter(all, " ") {
		ends := one == fmt.Sprint(int(schemas.EndObject), " ") || one == fmt.Sprint(int(schemas.EndArray), " ")
		if ends {
			inside--
		}
		if inside <= depth {
			b.WriteString(one)
		}
		if one == fmt.Sprint(int(schemas.Object), " ") || one == fmt.Sprint(int(schemas.Array), " ") {
			inside++
		}
	}
	return b.String()
}

// TestShallow compares what is told to a depth with what is told of everything, and judges alike.
func TestShallow(t *testing.T) {
	inXML, err := schemas.CompileXSD("s.xsd", func(string) ([]byte, error) { return []byte(pupils), nil })
	if err != nil {
		t.Fatal(err)
	}
	inJSON, err := schemas.Compile([]byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}`))
	if err != nil {
		t.Fatal(err)
	}
	for doc, s := range map[string]*schemas.Schema{
		`<package xmlns="urn:t"><header><n>1</n></header><pupils><pupil iin="1"><name>a</name><phone kind="x">1</phone><phone kind="y"/></pupil><pupil iin="2"><name/></pupil></pupils></package>`: inXML,
		`<package xmlns="urn:t"><header><n><m><k a="1">1<l>2</l></k></m><o/></n></header><pupils><pupil><name><b> <c>d</c>e</b></name></pupil></pupils></package>`:                                 inXML,
		`{"a":[{"b":{"c":[1,{"d":null}]}},[],{}],"e":{"f":{"g":{}}}}`: inJSON,
	} {
		for depth := range 7 {
			all, some := &told{}, &told{}
			whole, shallow := reading.New(s), reading.NewShallow(s, depth)
			for range 2 {
				if err := errors.Join(whole.Read([]byte(doc), all), shallow.Read([]byte(doc), some)); err != nil || whole.Broken() != shallow.Broken() {
					t.Fatal(err, whole.Broken())
				}
			}
			if want := cut(all.String(), depth); some.String() != want {
				t.Errorf("%s to depth %d\n%s\n%s", doc, depth, some.String(), want)
			}
		}
	}
}
