package grammar

import (
	"slices"
	"strings"

	"birgeoqy.kz/almasu/schemas/xmlscan"
)

// children is what may stand inside each element of XML Schema, annotations apart: groups in their order, separated by commas; of a group the names may occur once, or
// any number of times if + stands before it (the schema for schemas, appendix A).
var children = map[string]string{
	"schema":         "+include import redefine, +element attribute simpleType complexType group attributeGroup notation",
	"redefine":       "+simpleType complexType group attributeGroup",
	"element":        "simpleType complexType, +unique key keyref",
	"complexType":    "simpleContent complexContent, sequence choice all group, +attribute attributeGroup, anyAttribute",
	"simpleContent":  "restriction extension",
	"complexContent": "restriction extension",
	"extension":      "sequence choice all group, +attribute attributeGroup, anyAttribute",
	"restriction":    "simpleType, +" + facets + ", sequence choice all group, +attribute attributeGroup, anyAttribute",
	"sequence":       "+element sequence choice group any",
	"choice":         "+element sequence choice group any",
	"all":            "+element",
	"group":          "sequence choice all",
	"attributeGroup": "+attribute attributeGroup, anyAttribute",
	"attribute":      "simpleType",
	"simpleType":     "restriction list union",
	"list":           "simpleType",
	"union":          "+simpleType",
	"unique":         "selector, +field",
	"key":            "selector, +field",
	"keyref":         "selector, +field",
}

const facets = "length minLength maxLength pattern enumeration whiteSpace maxInclusive maxExclusive minInclusive minExclusive totalDigits fractionDigits"

// later is what XML Schema 1.1 has added.
var later = []string{"alternative", "assert", "assertion", "defaultOpenContent", "explicitTimezone", "openContent", "override"}

// contents is children, read.
var contents = func() map[string][]group {
	m := map[string][]group{}
	for name, text := range children {
		for _, g := range strings.Split(text, ", ") {
			names, many := strings.CutPrefix(g, "+")
			m[name] = append(m[name], group{strings.Fields(names), many})
		}
	}
	return m
}()

type group struct {
	names []string
	many  bool
}

// structure refuses elements that do not belong where they stand, so that nothing of a schema is passed over, and names that are none.
func (l *loader) structure(n *node) {
	groups, at, used := contents[n.local], 0, false
	if _, refers := n.attr("ref"); refers && n.local != "element" {
		groups = nil
	}
	for _, k := range n.kids {
		next := at
		for next < len(groups) && (!slices.Contains(groups[next].names, k.local) || next == at && used && !groups[next].many) {
			next++
		}
		if next == len(groups) && slices.Contains(later, k.local) {
			l.unsupported(k, k.local+" of XML Schema 1.1")
			continue
		}
		if next == len(groups) {
			l.add("xsd.syntax", k, "%s does not belong here in %s", k.local, n.local)
			continue
		}
		at, used = next, true
		l.structure(k)
	}
	if name, named := n.token("name"); named && !xmlscan.IsNCName([]byte(name)) {
		l.add("xsd.syntax", n, "the name of %s is no name without a colon", n.local)
	} else if name == "xmlns" && n.local == "attribute" {
		l.add("xsd.syntax", n, "no attribute is named xmlns")
	}
	if n.local == "attributeGroup" {
		l.attributes(n, "name", "ref", "id")
	}
	if n.local == "anyAttribute" {
		l.attributes(n, "namespace", "processContents", "id")
	}
}
