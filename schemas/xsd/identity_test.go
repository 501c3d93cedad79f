package xsd_test

import (
	"testing"
)

// TestKeysAreForgotten judges many records and documents with one checker: a key counts within its document, and one of a record that was taken back does not.
func TestKeysAreForgotten(t *testing.T) {
	s, err := compiled(t, wrapped(`<xs:element name="r"><xs:complexType><xs:sequence><xs:element name="e" maxOccurs="unbounded"><xs:complexType><xs:sequence>
<xs:element name="p" type="xs:string" minOccurs="0" maxOccurs="unbounded"/></xs:sequence><xs:attribute name="a" type="xs:int"/></xs:complexType>
<xs:unique name="inner"><xs:selector xpath="p"/><xs:field xpath="."/></xs:unique></xs:element></xs:sequence></xs:complexType>
<xs:unique name="outer"><xs:selector xpath="e"/><xs:field xpath="@a"/></xs:unique></xs:element>`))
	if err != nil {
		t.Fatal(err)
	}
	c := s.Checker(nil)
	record := func(a string, phones ...string) int {
		c.Mark()
		c.Enter("", []byte("e"))
		c.Attribute("", []byte("a"), []byte(a))
		for _, p := range phones {
			c.Leaf("", []byte("p"), []byte(p))
		}
		c.Leave()
		return c.Settle(func(string, string) {})
	}
	for document := range 3 {
		c.Begin()
		c.Enter("urn:t", []byte("r"))
		for i, one := range []struct {
			a      string
			phones []string
			want   int
		}{
			{"1", []string{"x", "y"}, 0}, {"2", []string{"x", "x"}, 1}, {"2", []string{"x"}, 0}, {"02", nil, 1}, {"1", []string{"z", "z"}, 2},
			{"3", []string{"z", "x", "y"}, 0}, {"z", nil, 1}, {"4", nil, 0}, {"4", nil, 1},
		} {
			if got := record(one.a, one.phones...); got != one.want {
				t.Errorf("document %d, record %d: %d violations, want %d", document, i, got, one.want)
			}
		}
		c.Leave()
		if len(c.Found()) > 0 {
			t.Errorf("%v", c.Found())
		}
	}
}
