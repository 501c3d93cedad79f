package xmlread

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
)

// Is reports whether el is the element of that namespace and local name.
func Is(el *etree.Element, space, local string) bool {
	return el != nil && el.Tag == local && el.NamespaceURI() == space
}

// Find returns every element of that namespace and local name in the subtree of el, el
// included, in document order.
func Find(el *etree.Element, space, local string) []*etree.Element {
	var found []*etree.Element
	if Is(el, space, local) {
		found = append(found, el)
	}
	for _, t := range el.Child {
		if child, ok := t.(*etree.Element); ok {
			found = append(found, Find(child, space, local)...)
		}
	}
	return found
}

// Children returns the child elements of a protocol element: an element in which
// nothing but elements and white space may stand. Anything else is a problem
// xml.unexpected; a comment too, because it would not be signed.
func Children(el *etree.Element) ([]*etree.Element, *record.Problem) {
	var children []*etree.Element
	for _, t := range el.Child {
		switch t := t.(type) {
		case *etree.Element:
			children = append(children, t)
		case *etree.CharData:
			if strings.Trim(t.Data, " \t\r\n") != "" {
				return nil, unexpected(el, "text")
			}
		default:
			return nil, unexpected(el, "a comment or processing instruction")
		}
	}
	return children, nil
}

// Text returns the text of a protocol element that holds nothing but text.
func Text(el *etree.Element) (string, *record.Problem) {
	var b strings.Builder
	for _, t := range el.Child {
		data, ok := t.(*etree.CharData)
		if !ok {
			return "", unexpected(el, "something other than text")
		}
		b.WriteString(data.Data)
	}
	return b.String(), nil
}

// Base64 decodes the text of a protocol element: strict base64 (RFC 4648, section 4,
// unused bits zero) with white space anywhere, carriage returns included. Not
// base64, or nothing, is a problem xml.base64.
func Base64(el *etree.Element) ([]byte, *record.Problem) {
	text, problem := Text(el)
	if problem != nil {
		return nil, problem
	}
	dense := strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, text)
	b, err := base64.StdEncoding.Strict().DecodeString(dense)
	if err != nil || len(b) == 0 {
		return nil, record.NewProblem("xml.base64", el.FullTag(), "", "base64 is expected")
	}
	return b, nil
}

// Attributes returns the attributes of a protocol element without a namespace, by
// name. Namespace declarations do not count; an attribute that is not among the allowed
// ones is a problem xml.unexpected.
func Attributes(el *etree.Element, allowed ...string) (map[string]string, *record.Problem) {
	values := map[string]string{}
	for _, a := range el.Attr {
		if a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns" {
			continue
		}
		if a.Space != "" || !slices.Contains(allowed, a.Key) {
			return nil, unexpected(el, "an attribute that does not belong there")
		}
		values[a.Key] = a.Value
	}
	return values, nil
}

func unexpected(el *etree.Element, what string) *record.Problem {
	return record.NewProblem("xml.unexpected", el.FullTag(), "", "%s inside an element of the signature or the envelope", what)
}
