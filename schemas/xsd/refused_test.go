package xsd_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas/xsd"
)

// wrapped is a schema around declarations.
func wrapped(inner string) string {
	return `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">` + "\n" + inner + "\n</xs:schema>"
}

func compiled(t *testing.T, source string) (*xsd.Schema, error) {
	t.Helper()
	return xsd.Compile("s.xsd", func(name string) ([]byte, error) {
		if name != "s.xsd" {
			return nil, fs.ErrNotExist
		}
		return []byte(source), nil
	})
}

// TestRefusedSchemas has, for each code, what is refused, and whether libxml2 takes it: what it refuses, is refused here too.
func TestRefusedSchemas(t *testing.T) {
	_, missing := exec.LookPath("xmllint")
	for _, c := range []struct {
		code, inner string
		lawful      bool // XML Schema outside the subset
	}{
		{"xsd.unsupported", `<xs:notation name="n" public="p"/>`, true},
		{"xsd.unsupported", `<xs:element name="a" type="xs:int"/><xs:element name="b" substitutionGroup="t:a" type="xs:int"/>`, true},
		{"xsd.unsupported", `<xs:element name="a" abstract="true"/>`, true},
		{"xsd.unsupported", `<xs:complexType name="a" block="extension"/>`, true},
		{"xsd.unsupported", `<xs:element name="a" type="xs:ID"/>`, true},
		{"xsd.unsupported", `<xs:simpleType name="a"><xs:restriction base="xs:duration"><xs:minInclusive value="P1D"/></xs:restriction></xs:simpleType>`, true},
		{"xsd.unsupported", `<xs:complexType name="a" mixed="true"/><xs:element name="b" type="t:a" default="x"/>`, true},
		{"xsd.syntax", `<xs:element/>`, false},
		{"xsd.syntax", `<xs:element name="a" nonsense="1"/>`, false},
		{"xsd.unsupported", `<xs:complexType name="a"><xs:assert test="1"/></xs:complexType>`, false},
		{"xsd.syntax", `<xs:element name="a:b"/>`, false},
		{"xsd.syntax", `<xs:element name="a">text</xs:element>`, false},
		{"xsd.syntax", `<xs:complexType name="a"><xs:sequence>text</xs:sequence></xs:complexType>`, false},
		{"xsd.syntax", `<xs:complexType name="a"><xs:sequence><xs:any><xs:element name="b"/></xs:any></xs:sequence></xs:complexType>`, false},
		{"xsd.syntax", `<xs:simpleType name="a"><xs:restriction base="xs:string"><xs:enumeration value="a"><xs:b/></xs:enumeration></xs:restriction></xs:simpleType>`, false},
		{"xsd.syntax", `<xs:simpleType name="a"><xs:list itemType="xs:int"><xs:b/></xs:list></xs:simpleType>`, false},
		{"xsd.syntax", `<xs:attributeGroup name="a" nonsense="1"/>`, false},
		{"xsd.syntax", `<xs:attributeGroup name="a"/><xs:complexType name="b"><xs:attributeGroup ref="t:a"><xs:attribute name="c"/></xs:attributeGroup></xs:complexType>`, false},
		{"xsd.syntax", `<xs:complexType name="a"><xs:anyAttribute minOccurs="0"/></xs:complexType>`, false},
		{"xsd.syntax", `<xs:complexType name="a"><xs:anyAttribute/><xs:attribute name="b"/></xs:complexType>`, false},
		{"xsd.syntax", `<xs:element name="a"><xs:unique name="u"><xs:selector xpath="b"/><xs:field xpath="."/></xs:unique><xs:complexType/></xs:element>`, false},
		{"xsd.syntax", `<xs:element name="a"><xs:complexType/><xs:unique name="u"><xs:selector xpath="b[1]"/><xs:field xpath="."/></xs:unique></xs:element>`, false},
		{"xsd.twice", `<xs:element name="a"><xs:complexType/><xs:unique name="u"><xs:selector xpath="b"/><xs:field xpath="."/></xs:unique><xs:key name="u"><xs:selector xpath="b"/><xs:field xpath="."/></xs:key></xs:element>`, false},
		{"xsd.derivation", `<xs:simpleType name="a"><xs:restriction base="xs:anySimpleType"/></xs:simpleType>`, false},
		{"xsd.include", `<xs:include schemaLocation="http://example.kz/a.xsd"/>`, false},
		{"xsd.ambiguous", `<xs:complexType name="a"><xs:sequence maxOccurs="unbounded"><xs:element name="b" minOccurs="2" maxOccurs="40"/></xs:sequence></xs:complexType>`, true},
		{"xsd.syntax", `<xs:element name="a" type="xs:int"><xs:simpleType><xs:restriction base="xs:int"/></xs:simpleType></xs:element>`, false},
		{"xsd.syntax", `<xs:complexType name="a"><xs:sequence><xs:all/></xs:sequence></xs:complexType>`, false},
		{"xsd.syntax", `<xs:complexType name="a"><xs:sequence><xs:element name="b" minOccurs="3" maxOccurs="2"/></xs:sequence></xs:complexType>`, false},
		{"xsd.syntax", `<xs:complexType name="a"><xs:attribute name="b" use="sometimes"/></xs:complexType>`, false},
		{"xsd.syntax", `<xs:complexType name="a"><xs:sequence><xs:any processContents="maybe"/></xs:sequence></xs:complexType>`, false},
		{"xsd.unresolved", `<xs:element name="a" type="t:none"/>`, false},
		{"xsd.unresolved", `<xs:element name="a" type="xs:none"/>`, false},
		{"xsd.unresolved", `<xs:complexType name="a"><xs:sequence><xs:element ref="t:none"/></xs:sequence></xs:complexType>`, false},
		{"xsd.unresolved", `<xs:complexType name="a"><xs:attributeGroup ref="t:none"/></xs:complexType>`, false},
		{"xsd.twice", `<xs:element name="a"/><xs:element name="a"/>`, false},
		{"xsd.twice", `<xs:complexType name="a"><xs:attribute name="b"/><xs:attribute name="b"/></xs:complexType>`, false},
		{"xsd.loop", `<xs:simpleType name="a"><xs:restriction base="t:a"/></xs:simpleType>`, false},
		{"xsd.loop", `<xs:group name="a"><xs:sequence><xs:group ref="t:a"/></xs:sequence></xs:group>`, false},
		{"xsd.include", `<xs:include schemaLocation="none.xsd"/>`, false},
		{"xsd.facet", `<xs:simpleType name="a"><xs:restriction base="xs:int"><xs:length value="3"/></xs:restriction></xs:simpleType>`, false},
		{"xsd.facet", `<xs:simpleType name="a"><xs:restriction base="xs:int"><xs:minInclusive value="x"/></xs:restriction></xs:simpleType>`, false},
		{"xsd.facet", `<xs:simpleType name="a"><xs:restriction base="xs:int"><xs:minInclusive value="5"/><xs:maxInclusive value="4"/></xs:restriction></xs:simpleType>`, false},
		{"xsd.facet", `<xs:simpleType name="a"><xs:restriction base="xs:string"><xs:minLength value="5"/><xs:maxLength value="4"/></xs:restriction></xs:simpleType>`, false},
		{"xsd.facet", `<xs:simpleType name="a"><xs:restriction base="xs:date"><xs:enumeration value="tomorrow"/></xs:restriction></xs:simpleType>`, false},
		{"xsd.pattern", `<xs:simpleType name="a"><xs:restriction base="xs:string"><xs:pattern value="(a"/></xs:restriction></xs:simpleType>`, false},
		{"xsd.pattern", `<xs:simpleType name="a"><xs:restriction base="xs:string"><xs:pattern value="[b-a]"/></xs:restriction></xs:simpleType>`, false},
		{"xsd.value", `<xs:element name="a" type="xs:int" default="x"/>`, false},
		{"xsd.ambiguous", `<xs:complexType name="a"><xs:sequence><xs:element name="b" minOccurs="0"/><xs:element name="b"/></xs:sequence></xs:complexType>`, false},
		{"xsd.ambiguous", `<xs:complexType name="a"><xs:choice><xs:sequence><xs:element name="b"/><xs:element name="c"/></xs:sequence><xs:element name="b"/></xs:choice></xs:complexType>`, false},
		{"xsd.ambiguous", `<xs:complexType name="a"><xs:sequence><xs:any minOccurs="0"/><xs:element name="b"/></xs:sequence></xs:complexType>`, false},
	} {
		source := wrapped(c.inner)
		_, err := compiled(t, source)
		if record.CodeOf(err) != c.code || !strings.Contains(err.Error(), "s.xsd:2") {
			t.Errorf("%s: %v\n%s", c.code, err, c.inner)
		}
		if missing != nil || c.code == "xsd.include" {
			continue
		}
		dir := t.TempDir()
		file := filepath.Join(dir, "s.xsd")
		if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, taken := judge(t, dir, file, []string{"<a/>"}); taken != c.lawful {
			t.Logf("libxml2 takes it: %v: %s", taken, c.inner)
		}
	}
	for code, source := range map[string]string{"xsd.not_schema": "<a/>", "xml.doctype": "<!DOCTYPE a><a/>", "xml.syntax": "<a", "xsd.too_large": wrapped(strings.Repeat(" ", 1<<20))} {
		if _, err := compiled(t, source); record.CodeOf(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// TestSchemasThatGrow are small schemas that would be very large, or take very long, if they were written out.
func TestSchemasThatGrow(t *testing.T) {
	doubled := func(element, rest, end string) string {
		text := fmt.Sprintf(`<xs:%s name="g0">%s%s</xs:%s>`, element, rest, end, element)
		for i := 1; i < 40; i++ {
			inner := fmt.Sprintf(`<xs:%s ref="t:g%d"/>`, element, i-1)
			if rest != "" {
				inner = rest + inner + inner + end
			} else {
				inner += inner
			}
			text += fmt.Sprintf(`<xs:%s name="g%d">%s</xs:%s>`, element, i, inner, element)
		}
		return text
	}
	unions := `<xs:simpleType name="u0"><xs:restriction base="xs:int"/></xs:simpleType>`
	for i := 1; i < 40; i++ {
		unions += fmt.Sprintf(`<xs:simpleType name="u%d"><xs:union memberTypes="t:u%d t:u%d"/></xs:simpleType>`, i, i-1, i-1)
	}
	var wide strings.Builder
	for i := range 3900 {
		fmt.Fprintf(&wide, `<xs:element name="e%d"/>`, i)
	}
	for name, inner := range map[string]string{
		"groups":           doubled("group", "<xs:sequence>", "</xs:sequence>"),
		"attribute groups": doubled("attributeGroup", "", ""),
		"unions":           unions,
		"repetitions":      `<xs:complexType name="a">` + strings.Repeat(`<xs:sequence maxOccurs="4000">`, 20) + strings.Repeat(`</xs:sequence>`, 20) + `</xs:complexType>`,
		"a wide choice":    `<xs:complexType name="a"><xs:choice maxOccurs="unbounded">` + wide.String() + `</xs:choice></xs:complexType>`,
	} {
		begun := time.Now()
		if _, err := compiled(t, wrapped(inner)); record.CodeOf(err) != "xsd.too_large" {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
	types := `<xs:complexType name="c0"/>`
	for i := 1; i < 30; i++ {
		types += fmt.Sprintf(`<xs:complexType name="c%d"><xs:sequence><xs:element name="a" type="t:c%d"/><xs:element name="b" type="t:c%d"/></xs:sequence></xs:complexType>`, i, i-1, i-1)
	}
	deep, err := compiled(t, wrapped(types+`<xs:element name="r"><xs:complexType><xs:sequence><xs:element name="rows"><xs:complexType><xs:sequence><xs:element name="row" maxOccurs="unbounded" type="t:c29"/></xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>`))
	if err != nil || deep.Records() != "rows" || len(deep.RecordTargets()) > 0 {
		t.Errorf("types that use one another: %v", err)
	}
	var list strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&list, `<xs:enumeration value="%09d"/>`, i)
	}
	begun := time.Now()
	s, err := compiled(t, wrapped(`<xs:element name="r"><xs:simpleType><xs:restriction base="xs:string">`+list.String()+`</xs:restriction></xs:simpleType></xs:element>`))
	if err != nil || time.Since(begun) > 10*time.Second {
		t.Fatalf("20,000 codes: %v after %v", err, time.Since(begun))
	}
	r := s.Reader()
	for doc, want := range map[string]int{`<r xmlns="urn:t">000019999</r>`: 0, `<r xmlns="urn:t">000020000</r>`: 1} {
		if err := r.Read([]byte(doc), nil); err != nil || len(r.Checker().Found()) != want {
			t.Errorf("%v %v", err, r.Checker().Found())
		}
	}
}

// TestFilesTogether includes and imports: a schema without a namespace takes that of the one that includes it; the digest is that of a list of all files.
func TestFilesTogether(t *testing.T) {
	files := map[string]string{
		"a/main.v1.xsd": `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:t" xmlns:u="urn:u" targetNamespace="urn:t"><xs:include schemaLocation="parts/own.xsd"/><xs:include schemaLocation="parts/plain.xsd"/>
<xs:import namespace="urn:u" schemaLocation="parts/other.xsd"/><xs:element name="r"><xs:complexType><xs:sequence><xs:element name="x" type="Own"/><xs:element name="y" type="Plain"/><xs:element ref="u:z"/></xs:sequence></xs:complexType></xs:element></xs:schema>`,
		"a/parts/own.xsd":   `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t"><xs:include schemaLocation="../main.v1.xsd"/><xs:simpleType name="Own"><xs:restriction base="xs:int"/></xs:simpleType></xs:schema>`,
		"a/parts/plain.xsd": `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:simpleType name="Plain"><xs:restriction base="Base"/></xs:simpleType><xs:simpleType name="Base"><xs:restriction base="xs:date"/></xs:simpleType></xs:schema>`,
		"a/parts/other.xsd": `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:u"><xs:element name="z" type="xs:boolean"/></xs:schema>`,
	}
	open := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	s, err := xsd.Compile("a/main.v1.xsd", open)
	if err != nil {
		t.Fatal(err)
	}
	r := s.Reader()
	for doc, want := range map[string]int{
		`<r xmlns="urn:t"><x xmlns="">1</x><y xmlns="">2026-11-22</y><z xmlns="urn:u">true</z></r>`:    0,
		`<r xmlns="urn:t"><x xmlns="">a</x><y xmlns="">2026-11-31</y><z xmlns="urn:u">perhaps</z></r>`: 3,
	} {
		if err := r.Read([]byte(doc), nil); err != nil || len(r.Checker().Found()) != want {
			t.Errorf("%v %v", err, r.Checker().Found())
		}
	}
	if !slices.Equal(s.Files(), []string{"a/main.v1.xsd", "a/parts/own.xsd", "a/parts/plain.xsd", "a/parts/other.xsd"}) {
		t.Errorf("%v", s.Files())
	}
	var list strings.Builder
	for _, name := range []string{"main.v1.xsd", "parts/other.xsd", "parts/own.xsd", "parts/plain.xsd"} {
		fmt.Fprintf(&list, "%s  %s\n", strings.TrimPrefix(record.DigestOf([]byte(files["a/"+name])).String(), "sha256:"), name)
	}
	if s.Digest() != record.DigestOf([]byte(list.String())) {
		t.Error("the digest is not that of the list")
	}
	files["a/parts/other.xsd"] = strings.Replace(files["a/parts/other.xsd"], "xs:boolean", "xs:string", 1)
	if other, err := xsd.Compile("a/main.v1.xsd", open); err != nil || other.Digest() == s.Digest() {
		t.Errorf("a part was changed: %v", err)
	}
}

// TestPublishedSchemas takes every schema of the reference material: it loads, and agrees with libxml2 on documents made of it and mutated; or it is refused with a reason.
func TestPublishedSchemas(t *testing.T) {
	needs.Tool(t, "xmllint", "libxml2-utils")
	root := needs.Reference(t, "data")
	loaded, pairs := 0, 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".xsd" {
			return err
		}
		dir := os.DirFS(up(file))
		name, err := filepath.Rel(up(file), file)
		if err != nil {
			return err
		}
		s, bad := xsd.Compile(filepath.ToSlash(name), func(n string) ([]byte, error) { return fs.ReadFile(dir, n) })
		work := t.TempDir()
		short, _ := filepath.Rel(root, file)
		if bad != nil {
			_, taken := judge(t, work, file, []string{"<a/>"})
			t.Logf("%s: refused; libxml2 takes it: %v: %s", short, taken, strings.SplitN(bad.Error(), "\n", 2)[0])
			return nil
		}
		loaded++
		r := rand.New(rand.NewPCG(1, uint64(len(short))))
		var documents []string
		for _, seed := range s.Samples(r.IntN, 4) {
			documents = append(documents, seed, mutate(r, seed), mutate(r, seed), drop(r, seed), drop(r, seed))
		}
		if len(documents) == 0 {
			t.Logf("%s: loads; it declares no element", short)
			return nil
		}
		verdicts, taken := judge(t, work, file, documents)
		if !taken {
			t.Logf("%s: loads here; libxml2 does not take it", short)
			return nil
		}
		valid := 0
		for i, doc := range documents {
			reader := s.Reader()
			ours := reader.Read([]byte(doc), nil) == nil && len(reader.Checker().Found()) == 0
			if ours != verdicts[i] {
				t.Errorf("%s: we say %v, xmllint says %v: %v\n%s", short, ours, verdicts[i], reader.Checker().Found(), doc)
			}
			if pairs++; ours {
				valid++
			}
		}
		t.Logf("%s: loads; %d documents, %d valid, the same verdicts", short, len(documents), valid)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d schemas load, %d documents", loaded, pairs)
	if loaded < 10 {
		t.Errorf("only %d schemas load", loaded)
	}
}

// up is the folder four levels above a file: published schemas include others of their neighbours.
func up(file string) string {
	for range 4 {
		file = filepath.Dir(file)
	}
	return file
}

// drop takes a random tag's element out, or a piece of text.
func drop(r *rand.Rand, doc string) string {
	at := strings.Count(doc, "></")
	if at == 0 {
		return doc
	}
	n := r.IntN(at)
	i := 0
	for range n + 1 {
		i += strings.Index(doc[i:], "></") + 1
	}
	return doc[:i] + "junk" + doc[i:]
}
