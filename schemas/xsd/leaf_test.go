package xsd_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/schemas/xsd"
)

// startTag is one of an element that is not empty by itself.
var startTag = regexp.MustCompile(`<[^/!?<>\s](?:[^<>]*[^/<>])?>`)

// TestLeaf compares what is found in generated documents with what is found when no element comes as a leaf, because each begins with a comment.
func TestLeaf(t *testing.T) {
	broken, leaves := 0, 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		g := &generator{Rand: r}
		text, make := g.schema()
		s, err := xsd.Compile("s.xsd", func(string) ([]byte, error) { return []byte(text), nil })
		if err != nil {
			continue
		}
		whole, parts := s.Reader(), s.Reader()
		for range 20 {
			doc := settle(r, s, make())
			for range 3 {
				if err := whole.Read([]byte(doc), nil); err == nil {
					if err := parts.Read([]byte(startTag.ReplaceAllString(doc, "$0<!---->")), nil); err != nil {
						t.Fatal(err)
					}
					if found, want := whole.Checker().Found(), parts.Checker().Found(); !slices.Equal(found, want) {
						t.Fatalf("seed %d: found %v, without leaves %v\n%s\n%s", seed, found, want, doc, text)
					} else if len(found) > 0 {
						broken++
					}
					leaves += strings.Count(doc, "</") - strings.Count(doc, "/>")
				}
				doc = mutate(r, doc)
			}
		}
	}
	if broken < 500 || leaves < 5000 {
		t.Errorf("%d broken documents, %d elements: the generator has become worse", broken, leaves)
	}
}

// TestLeafWithValues has leaves that are judged by more than their type.
func TestLeafWithValues(t *testing.T) {
	s, err := compiled(t, wrapped(`<xs:element name="r"><xs:complexType><xs:sequence><xs:element name="f" type="xs:int" fixed="1"/><xs:element name="d" type="xs:int" default="2"/>
<xs:element name="n" type="xs:string" nillable="true"/></xs:sequence></xs:complexType></xs:element>`))
	if err != nil {
		t.Fatal(err)
	}
	for doc, want := range map[string]string{
		"<f>01</f><d></d><n></n>": "", "<f></f><d>3</d><n>x</n>": "", "<f>2</f><d>x</d><n/>": "/f schema.const /d schema.type", "<f>1</f><n>x</n>": "/d schema.required",
		"<f>1</f><d>1</d><n>x</n><n>y</n>": " schema.unexpected", "<f>1</f><d><n>x</n></d><n/>": "/d schema.content",
	} {
		r := s.Reader()
		if err := r.Read([]byte(`<t:r xmlns:t="urn:t">`+doc+`</t:r>`), nil); err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, v := range r.Checker().Found() {
			found = append(found, v.Path+" "+v.Code)
		}
		if got := strings.Join(found, " "); got != want {
			t.Errorf("%s: %q, want %q", doc, got, want)
		}
	}
}
