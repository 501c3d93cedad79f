package xmldsig

import (
	"strings"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
)

// WSU is the namespace of the attribute wsu:Id (Web Services Security 1.0).
const WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"

// IDs finds the elements of a document by their ids.
type IDs struct {
	strong map[string]*etree.Element
	weak   map[string][]*etree.Element // by an attribute "id", which need not be one
}

// NewIDs collects the ids of the subtree of root; one that stands twice is a problem
// xmldsig.duplicate_id.
func NewIDs(root *etree.Element) (*IDs, *record.Problem) {
	ids := &IDs{map[string]*etree.Element{}, map[string][]*etree.Element{}}
	if problem := ids.collect(root); problem != nil {
		return nil, problem
	}
	return ids, nil
}

func (ids *IDs) collect(el *etree.Element) *record.Problem {
	for i := range el.Attr {
		a := &el.Attr[i]
		if a.Space == "" && a.Key == "id" {
			ids.weak[a.Value] = append(ids.weak[a.Value], el)
			continue
		}
		if !isID(el, a) {
			continue
		}
		if have, ok := ids.strong[a.Value]; ok && have != el {
			return duplicate(el)
		}
		ids.strong[a.Value] = el
	}
	for _, t := range el.Child {
		if child, ok := t.(*etree.Element); ok {
			if problem := ids.collect(child); problem != nil {
				return problem
			}
		}
	}
	return nil
}

func isID(el *etree.Element, a *etree.Attr) bool {
	switch a.Key {
	case "Id":
		return a.Space == "" || namespaceOf(el, a.Space) == WSU
	case "ID":
		return a.Space == ""
	case "id":
		return a.Space == "xml"
	}
	return false
}

// namespaceOf returns what prefix stands for at el.
func namespaceOf(el *etree.Element, prefix string) string {
	for ; el != nil; el = el.Parent() {
		for _, a := range el.Attr {
			if a.Space == "xmlns" && a.Key == prefix {
				return a.Value
			}
		}
	}
	return ""
}

func duplicate(el *etree.Element) *record.Problem {
	return record.NewProblem("xmldsig.duplicate_id", el.FullTag(), "", "an id stands on two elements")
}

// Resolve returns the one element that "#id" names.
func (ids *IDs) Resolve(uri string) (*etree.Element, *record.Problem) {
	id, ok := strings.CutPrefix(uri, "#")
	if !ok || id == "" || strings.ContainsAny(id, "()/'\"") {
		return nil, record.NewProblem("xmldsig.reference_uri", "", "", "a reference by a URI that is not of this document")
	}
	el, weak := ids.strong[id], ids.weak[id]
	switch {
	case el == nil && len(weak) == 0:
		return nil, record.NewProblem("xmldsig.unknown_id", "", "", "a reference to an id that no element has")
	case el == nil && len(weak) == 1:
		return weak[0], nil
	case el == nil:
		return nil, duplicate(weak[1])
	}
	for _, other := range weak {
		if other != el {
			return nil, duplicate(other)
		}
	}
	return el, nil
}

// contains reports whether el is in the subtree of top.
func contains(top, el *etree.Element) bool {
	for ; el != nil; el = el.Parent() {
		if el == top {
			return true
		}
	}
	return false
}

// Find returns the Signature elements in the subtree of el, in document order.
func Find(el *etree.Element) []*etree.Element { return xmlread.Find(el, Namespace, "Signature") }
