package xsd_test

import (
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/schemas/xsd"
)

// FuzzSchema compiles what strangers write: no panic, no endless work, and what compiles can judge.
func FuzzSchema(f *testing.F) {
	for seed := range uint64(6) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 3))}
		text, _ := g.schema()
		f.Add(text)
	}
	f.Add(wrapped(`<xs:complexType name="a"><xs:sequence minOccurs="0" maxOccurs="999999999"><xs:element name="b" maxOccurs="2147483647"/><xs:group ref="t:g"/></xs:sequence></xs:complexType><xs:group name="g"><xs:choice/></xs:group>`))
	f.Add(wrapped(`<xs:element name="a"><xs:complexType><xs:complexContent><xs:extension base="xs:anyType"><xs:anyAttribute namespace="##other"/></xs:extension></xs:complexContent></xs:complexType><xs:key name="k"><xs:selector xpath=".//t:a|*/b"/><xs:field xpath="@c|."/></xs:key></xs:element>`))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := xsd.Compile("s.xsd", func(name string) ([]byte, error) {
			if name != "s.xsd" {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		})
		if err != nil {
			return
		}
		s.RecordTargets()
		s.HeaderTargets()
		r := s.Reader()
		for _, doc := range []string{`<root xmlns="urn:t"><e1/></root>`, `<a xmlns="urn:t" c="1"><a/>x</a>`} {
			if err := r.Read([]byte(doc), nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzDocument judges what strangers send: no panic, and the same verdict and places a second time.
func FuzzDocument(f *testing.F) {
	var list []*xsd.Schema
	for seed := range uint64(8) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 3))}
		text, doc := g.schema()
		s, err := xsd.Compile("s.xsd", func(string) ([]byte, error) { return []byte(text), nil })
		if err != nil {
			continue
		}
		list = append(list, s)
		for range 3 {
			f.Add(settle(g.Rand, s, doc()), uint8(len(list)-1))
		}
	}
	f.Fuzz(func(t *testing.T, doc string, which uint8) {
		r := list[int(which)%len(list)].Reader()
		var said [2]string
		for i := range said {
			if err := r.Read([]byte(doc), nil); err != nil {
				return
			}
			if len(r.Places()) != len(r.Checker().Found()) {
				t.Fatal("a violation without a place")
			}
			for _, v := range r.Checker().Found() {
				said[i] += v.Path + " " + v.Code + "\n"
				if !strings.HasPrefix(v.Code, "schema.") {
					t.Fatal(v.Code)
				}
			}
		}
		if said[0] != said[1] {
			t.Fatalf("%s\n%s", said[0], said[1])
		}
	})
}
