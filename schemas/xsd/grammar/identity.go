package grammar

import (
	"slices"
	"strings"

	"birgeoqy.kz/almasu/schemas/xmlscan"
)

// Constraint is unique, key or keyref (3.11).
type Constraint struct {
	Kind     string
	name     QName
	Refer    int // of keyref: which of the element's constraints holds the keys
	referTo  QName
	Selector []XPath
	Fields   [][]XPath
	node     *node
}

// XPath is one alternative of a selector or field.
type XPath struct {
	Deep      bool // it begins with .//
	Steps     []XStep
	Attribute *XStep // it ends with @name
}

// XStep is a name test: *, all names of a namespace (within), or one name.
type XStep struct {
	every, within bool
	name          QName
}

// Takes reports whether the step goes to this name.
func (x *XStep) Takes(space, local string) bool {
	return (x.every && !x.within || x.name.Space == space) && (x.every || x.name.Local == local)
}

// identity reads a constraint of e.
func (b *builder) identity(e *Element, n *node) {
	b.attributes(n, "name", "refer", "id")
	name, _ := n.token("name")
	c := &Constraint{Kind: n.local, name: QName{n.doc.target, name}, node: n}
	if n.local == "keyref" {
		c.referTo, _ = b.name(n, "refer")
	}
	for i, k := range n.kids {
		b.attributes(k, "xpath", "id")
		text, _ := k.attr("xpath")
		paths := b.xpaths(k, text, k.local == "field")
		switch {
		case k.local == "selector" && i == 0:
			c.Selector = paths
		case k.local == "field" && i > 0:
			c.Fields = append(c.Fields, paths)
		default:
			b.add("xsd.syntax", k, "%s has one selector and then fields", n.local)
		}
	}
	if name == "" || c.Selector == nil || len(c.Fields) == 0 {
		b.add("xsd.syntax", n, "%s needs a name, a selector and fields", n.local)
	}
	if len(c.Fields) > 8 {
		b.unsupported(n, "a constraint of more than 8 fields")
	}
	if slices.ContainsFunc(e.Limits, func(o *Constraint) bool { return o.name == c.name }) {
		b.add("xsd.twice", n, "the element has a constraint %s already", name)
	}
	if e.Limits == nil {
		b.constrain = append(b.constrain, e)
	}
	e.Limits = append(e.Limits, c)
}

// references finds the keys that keyrefs of an element mean; they must be declared for the same element.
func (b *builder) references(e *Element) {
	for _, c := range e.Limits {
		if c.Kind != "keyref" {
			continue
		}
		c.Refer = -1
		for i, o := range e.Limits {
			if o.name == c.referTo && o.Kind != "keyref" && len(o.Fields) == len(c.Fields) {
				c.Refer = i
			}
		}
		if c.Refer < 0 {
			b.unsupported(c.node, "a keyref to a key that is not declared, with as many fields, at the same element,")
		}
	}
}

// xpaths parses the subset of XPath of 3.11.6.
func (b *builder) xpaths(n *node, text string, field bool) []XPath {
	var list []XPath
	for _, one := range strings.Split(text, "|") {
		one = strings.ReplaceAll(strings.Join(strings.Fields(one), " "), "child::", "")
		var x XPath
		if rest, ok := strings.CutPrefix(strings.ReplaceAll(one, " ", ""), ".//"); ok {
			x.Deep, one = true, rest
		}
		for i, step := range strings.Split(strings.ReplaceAll(one, "attribute::", "@"), "/") {
			step = strings.TrimSpace(step)
			if step == "." {
				continue
			}
			name, isAttr := strings.CutPrefix(step, "@")
			s, ok := b.xstep(n, strings.TrimSpace(name), isAttr)
			if !ok || x.Attribute != nil || isAttr && !field {
				b.add("xsd.syntax", n, "the xpath is not of the subset of XML Schema (step %d)", i+1)
				return list
			}
			if isAttr {
				x.Attribute = &s
			} else {
				x.Steps = append(x.Steps, s)
			}
		}
		list = append(list, x)
	}
	return list
}

func (b *builder) xstep(n *node, text string, isAttr bool) (XStep, bool) {
	if text == "*" {
		return XStep{every: true}, true
	}
	prefix, local, prefixed := strings.Cut(text, ":")
	if !prefixed {
		return XStep{name: QName{"", text}}, xmlscan.IsNCName([]byte(text))
	}
	space, ok := n.scope[prefix]
	if local == "*" {
		return XStep{every: true, within: true, name: QName{Space: space}}, ok
	}
	return XStep{name: QName{space, local}}, ok && xmlscan.IsNCName([]byte(local))
}
