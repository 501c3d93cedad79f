package schemas

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

const ministry = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:t" targetNamespace="urn:t" elementFormDefault="qualified">
<xs:simpleType name="Name"><xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="100"/><xs:pattern value="[\p{L}\p{M} '’.\-]+"/></xs:restriction></xs:simpleType>
<xs:simpleType name="Code"><xs:restriction base="xs:token"><xs:enumeration value="61"/><xs:enumeration value="63"/></xs:restriction></xs:simpleType>
<xs:element name="package"><xs:complexType><xs:sequence>
<xs:element name="header"><xs:complexType><xs:sequence><xs:element name="created" type="xs:dateTime"/></xs:sequence><xs:attribute name="version" type="xs:int" fixed="1" use="required"/></xs:complexType></xs:element>
<xs:element name="pupils"><xs:complexType><xs:sequence><xs:element name="pupil" maxOccurs="unbounded"><xs:complexType><xs:sequence>
<xs:element name="family" type="Name"/><xs:element name="given" type="Name"/>
<xs:element name="iin"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[0-9]{12}"/></xs:restriction></xs:simpleType></xs:element>
<xs:element name="born" type="xs:date" minOccurs="0"/><xs:element name="grade" type="xs:unsignedByte" minOccurs="0" nillable="true"/>
<xs:element name="phone" minOccurs="0" maxOccurs="2" type="xs:string"/>
<xs:element name="address" minOccurs="0"><xs:complexType><xs:sequence><xs:element name="region" type="xs:string"/></xs:sequence><xs:attribute name="kato" type="Code" use="required"/></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element></xs:schema>`

func ofXML(t testing.TB) (*Schema, *XMLChecker) {
	t.Helper()
	s, err := CompileXSD("s.xsd", func(string) ([]byte, error) { return []byte(ministry), nil })
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.XMLChecker(s.XMLNames())
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// event is one event of a record.
type event struct {
	k    Kind
	text []byte
}

// pupilEvents are the events of a record; the seventh is the IIN.
var pupilEvents = func() (list []event) {
	add := func(k Kind, text string) { list = append(list, event{k, []byte(text)}) }
	member := func(name, value string) {
		add(Name, name)
		add(String, value)
	}
	add(Object, "")
	member("family", "Сейітқали")
	member("given", "Әлия")
	member("iin", "")
	member("born", "2010-05-06")
	add(Name, "grade")
	add(Null, "")
	member("phone", "87001234567")
	member("phone", "87001234568")
	add(Name, "address")
	add(Object, "")
	member("@kato", "61")
	member("region", "Түркістан облысы")
	add(EndObject, "")
	add(EndObject, "")
	return list
}()

// pupil sends the events of a record.
func pupil(c *XMLChecker, iin []byte) {
	for i := range pupilEvents {
		e := &pupilEvents[i]
		if i == 6 {
			c.Event(String, iin)
			continue
		}
		c.Event(e.k, e.text)
	}
}

var goodIIN, badIIN = []byte("123456789012"), []byte("12345")

func beginPupils(c *XMLChecker) {
	c.Begin()
	c.Event(Object, nil)
	c.Event(Name, []byte("header"))
	c.Event(Object, nil)
	c.Event(Name, []byte("created"))
	c.Event(String, []byte("2026-11-22T10:00:00Z"))
	c.Event(Name, []byte("@version"))
	c.Event(Number, []byte("01"))
	c.Event(EndObject, nil)
	c.Event(Name, []byte("pupils"))
	c.Event(Array, nil)
}

// TestXMLCheckerForgetsRecords withholds records that break the schema: the rest is as if they had never been.
func TestXMLCheckerForgetsRecords(t *testing.T) {
	_, c := ofXML(t)
	for range 2 {
		beginPupils(c)
		for i := range 10 {
			iin, want := goodIIN, 0
			if i%3 == 0 {
				iin, want = badIIN, 1
			}
			c.Mark()
			pupil(c, iin)
			if n := c.Settle(func(path, code string) {
				if path != "/iin" || code != "schema.pattern" {
					t.Error(path, code)
				}
			}); n != want {
				t.Errorf("record %d: %d violations", i, n)
			}
		}
		c.Mark()
		c.Event(EndArray, nil)
		c.Event(EndObject, nil)
		c.Settle(func(path, code string) { t.Error(path, code) })
	}
	beginPupils(c)
	c.Mark()
	c.Event(EndArray, nil)
	c.Event(EndObject, nil)
	if n := c.Settle(func(path, code string) {
		if path != "/pupils/pupil" || code != "schema.required" {
			t.Error(path, code)
		}
	}); n != 1 {
		t.Errorf("no records: %d violations", n)
	}
}

func TestXMLCheckerAllocatesNothing(t *testing.T) {
	_, c := ofXML(t)
	beginPupils(c)
	report := func(string, string) {}
	if n := testing.AllocsPerRun(200, func() {
		c.Mark()
		pupil(c, goodIIN)
		c.Settle(report)
	}); n != 0 {
		t.Errorf("%v allocations for a record", n)
	}
}

func TestXMLTargets(t *testing.T) {
	s, _ := ofXML(t)
	list := map[string]Target{}
	for _, x := range append(s.RecordTargets(), s.HeaderTargets()...) {
		list[x.Path] = x
	}
	for path, ok := range map[string]func(Target) bool{
		"family":          func(x Target) bool { return x.Required && x.MaxLength == 100 && x.Type == "string" },
		"grade":           func(x Target) bool { return !x.Required && x.Nillable && x.Type == "integer" },
		"phone[]":         func(x Target) bool { return !x.Required },
		"address/@kato":   func(x Target) bool { return !x.Required && len(x.Enum) == 2 && x.Enum[0] == "61" },
		"header/@version": func(x Target) bool { return x.Required && *x.Const == "1" },
		"header/created":  func(x Target) bool { return x.Required },
	} {
		if x, there := list[path]; !there || !ok(x) {
			t.Errorf("%s: %+v", path, x)
		}
	}
	if n := s.XMLNames(); n.Root != "package" || n.Record != "pupil" || n.Namespace != "urn:t" || s.Records() != "pupils" || s.MediaType() != "application/xml" {
		t.Errorf("%+v", n)
	}
	if err := Scan([]byte("{}"), s.Checker()); err != nil {
		t.Error(err)
	}
	c := s.Checker()
	c.Event(Object, nil)
	if c.Settle(func(string, string) {}) == 0 {
		t.Error("a schema of XML takes JSON")
	}
	if _, err := s.XMLChecker(XMLNames{Root: "package"}); err == nil {
		t.Error("a root of another namespace")
	}
}

// BenchmarkXMLEvents is the cost of a record on the sender's road, BenchmarkXMLBytes that on the receiver's.
func BenchmarkXMLEvents(b *testing.B) {
	_, c := ofXML(b)
	beginPupils(c)
	report := func(string, string) {}
	b.ReportAllocs()
	for b.Loop() {
		c.Mark()
		pupil(c, goodIIN)
		c.Settle(report)
	}
}

func BenchmarkXMLBytes(b *testing.B) {
	s, _ := ofXML(b)
	const records = 1000
	doc := []byte(`<package xmlns="urn:t"><header version="1"><created>2026-11-22T10:00:00Z</created></header><pupils>`)
	for range records {
		doc = append(doc, `<pupil><family>Сейітқали</family><given>Әлия</given><iin>123456789012</iin><born>2010-05-06</born><phone>87001234567</phone><phone>87001234568</phone><address kato="61"><region>Түркістан облысы</region></address></pupil>`...)
	}
	doc = append(doc, `</pupils></package>`...)
	r := s.XML().Reader()
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Read(doc, nil); err != nil || len(r.Checker().Found()) > 0 {
			b.Fatal(err, r.Checker().Found())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}

// TestForeign: a schema outside the subset is in a set only where its digest is named, with all files that it is made of; no checker here lets a document through.
func TestForeign(t *testing.T) {
	files := fstest.MapFS{
		"list.v1.xsd":    {Data: []byte(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:redefine schemaLocation="parts/base.xsd"/><xs:element name="a" abstract="true"/></xs:schema>`)},
		"parts/base.xsd": {Data: []byte(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="b"/></xs:schema>`)},
	}
	if _, err := LoadSet(files); record.CodeOf(err) != "xsd.unsupported" {
		t.Errorf("without leave: %v", err)
	}
	s, err := Pin(files, "list.v1.xsd")
	if err != nil {
		t.Fatal(err)
	}
	set, err := LoadSet(files, s.Digest())
	if err != nil {
		t.Fatal(err)
	}
	e, ok := set.Find(s.Digest())
	if !ok || !e.Schema.Foreign() || e.Schema.MediaType() != "application/xml" || e.Schema.XML() != nil {
		t.Errorf("%v %+v", ok, e)
	}
	if found, err := e.Schema.CheckDocument([]byte("{}")); err == nil && len(found) == 0 {
		t.Error("a foreign schema lets a document through")
	}
	if _, err := e.Schema.XMLChecker(XMLNames{Root: "a"}); err == nil {
		t.Error("a foreign schema has a checker")
	}
	files["parts/base.xsd"].Data = append(files["parts/base.xsd"].Data, ' ')
	if _, err := LoadSet(files, s.Digest()); record.CodeOf(err) != "xsd.unsupported" {
		t.Errorf("a part was changed: %v", err)
	}
	for _, location := range []string{"http://127.0.0.1/x.xsd", "/etc/x.xsd", "missing.xsd"} {
		files["list.v1.xsd"].Data = []byte(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:redefine schemaLocation="` + location + `"/></xs:schema>`)
		if _, err := Pin(files, "list.v1.xsd"); record.CodeOf(err) != "xsd.include" {
			t.Errorf("%s: %v", location, err)
		}
	}
}

// TestLinesOfManyViolations: each has its line, and a large document that breaks its schema everywhere takes no longer than one that does not.
func TestLinesOfManyViolations(t *testing.T) {
	s, _ := ofXML(t)
	const one = "<x:pupil xmlns:x=\"urn:x\"/>\n"
	n := MaxViolations - 10
	head := "<package xmlns=\"" + s.XMLNames().Namespace + "\">\n<pupils>\n"
	doc := head + strings.Repeat(one, n) + "</pupils></package>"
	found, err := s.CheckDocument([]byte(doc))
	if err != nil || len(found) < n {
		t.Fatalf("%v, %d violations", err, len(found))
	}
	lines := map[int]bool{}
	for i, v := range found {
		if i > 0 && v.Line < found[i-1].Line || v.Line > n+3 {
			t.Fatalf("violation %d is at line %d", i, v.Line)
		}
		lines[v.Line] = true
	}
	if len(lines) < n {
		t.Errorf("%d lines for %d violations", len(lines), len(found))
	}
	begun := time.Now()
	doc = head + strings.Repeat(strings.TrimSpace(one), 200_000) + "</pupils></package>"
	if _, err := s.CheckDocument([]byte(doc)); record.CodeOf(err) != "schema.too_many_violations" || !strings.Contains(err.Error(), "the first is schema.") {
		t.Errorf("%v", err)
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("took %v", took)
	}
}
