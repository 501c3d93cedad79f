package c14n

import (
	"strings"

	"github.com/beevik/etree"
)

// The algorithm identifiers that [ByURI] knows.
const (
	Inclusive             = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	InclusiveWithComments = Inclusive + "#WithComments"
	Exclusive             = "http://www.w3.org/2001/10/xml-exc-c14n#"
	ExclusiveWithComments = Exclusive + "WithComments"
)

// MaxOctets bounds a canonical form: exclusive canonicalisation repeats a declaration
// on every element that utilises it, so that a small document can have a huge form.
const MaxOctets = 64 << 20

// Method is one way to canonicalise. The zero Method is inclusive without comments.
type Method struct {
	// Exclusive chooses Exclusive XML Canonicalization.
	Exclusive bool
	// Comments keeps comments.
	Comments bool
	// Prefixes is the InclusiveNamespaces PrefixList of the exclusive method, "" for
	// #default; it has no meaning in the inclusive method.
	Prefixes []string
}

// ByURI returns the method of an algorithm identifier, without a PrefixList.
func ByURI(uri string) (Method, bool) {
	switch uri {
	case Inclusive:
		return Method{}, true
	case InclusiveWithComments:
		return Method{Comments: true}, true
	case Exclusive:
		return Method{Exclusive: true}, true
	case ExclusiveWithComments:
		return Method{Exclusive: true, Comments: true}, true
	}
	return Method{}, false
}

// URI returns the method's algorithm identifier.
func (m Method) URI() string {
	switch {
	case m.Exclusive && m.Comments:
		return ExclusiveWithComments
	case m.Exclusive:
		return Exclusive
	case m.Comments:
		return InclusiveWithComments
	}
	return Inclusive
}

// PrefixList reads the attribute of that name: prefixes with white space between
// them, #default for the default namespace.
func PrefixList(value string) []string {
	prefixes := strings.Fields(value)
	for i, p := range prefixes {
		if p == "#default" {
			prefixes[i] = ""
		}
	}
	return prefixes
}

// Document canonicalises doc without the elements skip.
func (m Method) Document(doc *etree.Document, skip ...*etree.Element) ([]byte, error) {
	w := writer{method: m, skip: skip}
	root := doc.Root()
	behind := false
	for _, t := range doc.Child {
		if el, ok := t.(*etree.Element); ok && el == root {
			if !w.skipped(el) {
				w.apex(el)
			}
			behind = true
			continue
		}
		w.beside(t, behind)
	}
	return w.result()
}

// Element canonicalises the subtree of el without the elements skip.
func (m Method) Element(el *etree.Element, skip ...*etree.Element) ([]byte, error) {
	w := writer{method: m, skip: skip}
	w.apex(el)
	return w.result()
}
