package grammar

import (
	"strings"

	"birgeoqy.kz/almasu/schemas/xsd/simple"
)

// builder makes declarations of the loader's nodes.
type builder struct {
	*loader
	elements  map[QName]*Element
	types     map[QName]*Type
	attrs     map[QName]*Attribute
	all_      []*Type // every complex type, for its model
	open      map[*node]bool
	depth     int
	parts     int // particles and attributes made so far
	deferred  []func()
	constrain []*Element
}

// maxParts is how many particles and attributes a schema may have once its groups are written out.
const maxParts = 200_000

// more reports whether there may be another one; it refuses the first that is too many.
func (b *builder) more(n *node) bool {
	if b.parts++; b.parts == maxParts {
		b.add("xsd.too_large", n, "the groups of the schema, written out, have more than %d elements and attributes", maxParts)
	}
	return b.parts < maxParts
}

// States of a type.
const (
	unbuilt uint8 = iota
	building
	built
)

// AnyType is the type of everything (3.4.7).
var AnyType = func() *Type {
	lax := &Wildcard{every: true, Process: "lax"}
	p := &Particle{Kind: AnyParticle, Wildcard: lax, Max: Unbounded}
	t := &Type{Name: QName{Namespace, "anyType"}, Complex: true, Mixed: true, Particle: p, Any: lax, state: built}
	budget := maxLinks
	t.Model, _ = compileModel(p, &budget)
	return t
}()

func newBuilder(l *loader) *builder {
	b := &builder{loader: l, elements: map[QName]*Element{}, types: map[QName]*Type{}, attrs: map[QName]*Attribute{}, open: map[*node]bool{}}
	for q, n := range l.types {
		b.types[q] = &Type{Name: q, node: n, About: n.about}
	}
	for q, n := range l.elements {
		b.elements[q] = &Element{Name: q, About: n.about}
	}
	return b
}

// all builds every component, used or not.
func (b *builder) all() {
	for _, d := range b.docs {
		for _, k := range d.root.kids {
			name, _ := k.token("name")
			q := QName{d.target, name}
			switch k.local {
			case "simpleType", "complexType":
				b.ensure(b.types[q], k)
			case "element":
				b.global(q, k)
			case "attribute":
				b.globalAttribute(q, k)
			case "group":
				b.group(k, &Particle{Min: 1, Max: 1})
			case "attributeGroup":
				b.bundle(&Type{}, k)
			}
		}
	}
	for i := 0; i < len(b.deferred); i++ {
		b.deferred[i]()
	}
	if len(b.problems) > 0 {
		return
	}
	budget := maxAllLinks
	for _, t := range b.all_ {
		if t.Particle == nil {
			continue
		}
		m, bad := compileModel(t.Particle, &budget)
		if bad != nil {
			at := t.node
			if bad.at != nil && bad.at.node != nil {
				at = bad.at.node
			}
			b.add(bad.code, at, "%s", bad.message)
		}
		t.Model = m
	}
	for _, e := range b.constrain {
		b.references(e)
	}
}

// ensure builds a global type.
func (b *builder) ensure(t *Type, from *node) {
	switch t.state {
	case building:
		b.add("xsd.loop", from, "the type %s is derived from itself", t.Name.Local)
		return
	case built:
		return
	}
	t.state = building
	if t.node.local == "simpleType" {
		b.attributes(t.node, "name", "id", "final")
		b.refuse(t.node, "final")
		t.Simple = b.simpleType(t.node, t.Name.Local)
		t.Base = &Type{Simple: simple.Any(), state: built}
	} else {
		b.attributes(t.node, "name", "id", "mixed", "abstract", "block", "final")
		b.complexType(t)
	}
	t.state = built
}

// maxMembers is how many types a union may have in all.
const maxMembers = 500

// refuse refuses attributes that are lawful and outside the subset, unless they are empty.
func (b *builder) refuse(n *node, names ...string) {
	for _, name := range names {
		if v, ok := n.token(name); ok && v != "" && v != "false" && v != "0" {
			b.unsupported(n, "the attribute "+name+" of "+n.local)
		}
	}
}

// typeNamed is the type that an attribute refers to; it may not be built yet.
func (b *builder) typeNamed(n *node, attr string) *Type {
	q, ok := b.name(n, attr)
	if !ok {
		return AnyType
	}
	if q.Space == Namespace {
		if q.Local == "anyType" {
			return AnyType
		}
		if s, ok := simple.Builtin(q.Local); ok {
			return &Type{Name: q, Simple: s, state: built}
		}
		switch q.Local {
		case "ID", "IDREF", "IDREFS", "ENTITY", "ENTITIES", "NOTATION":
			b.unsupported(n, "the type "+q.Local)
		default:
			b.add("xsd.unresolved", n, "XML Schema has no type %s", q.Local)
		}
		return AnyType
	}
	if t := b.types[q]; t != nil {
		return t
	}
	b.add("xsd.unresolved", n, "the type %s is not declared", q.Local)
	return AnyType
}

// simpleNamed is the simple type that an attribute refers to.
func (b *builder) simpleNamed(n *node, attr string) *simple.Type {
	t := b.typeNamed(n, attr)
	if t.node != nil && t.node.local == "simpleType" {
		b.ensure(t, n)
	}
	if t.Simple == nil || t.Complex {
		if len(b.problems) == 0 {
			b.add("xsd.unresolved", n, "%s must name a simple type", attr)
		}
		return simple.Any()
	}
	return t.Simple
}

// simpleType reads restriction, list or union.
func (b *builder) simpleType(n *node, name string) *simple.Type {
	if b.depth++; b.depth > 100 {
		b.add("xsd.too_large", n, "types nest too deep")
		b.depth--
		return simple.Any()
	}
	defer func() { b.depth-- }()
	if len(n.kids) != 1 {
		b.add("xsd.syntax", n, "simpleType has one of restriction, list, union")
		return simple.Any()
	}
	switch k := n.kids[0]; k.local {
	case "restriction":
		b.attributes(k, "base", "id")
		base := b.baseOf(k, "base")
		if base == simple.Any() && len(b.problems) == 0 {
			b.add("xsd.derivation", k, "anySimpleType is not restricted")
		}
		return b.restrict(base, name, k, k.kids)
	case "list":
		b.attributes(k, "itemType", "id")
		item := b.baseOf(k, "itemType")
		if item.HasList() {
			b.add("xsd.syntax", k, "the items of a list are no lists")
			return simple.Any()
		}
		return simple.ListOf(name, item)
	case "union":
		b.attributes(k, "memberTypes", "id")
		return b.union(k, name)
	default:
		b.add("xsd.syntax", k, "simpleType has one of restriction, list, union")
	}
	return simple.Any()
}

// baseOf is the type named by an attribute, or the one inside.
func (b *builder) baseOf(n *node, attr string) *simple.Type {
	inner := n.child("simpleType")
	_, named := n.attr(attr)
	switch {
	case named == (inner != nil):
		b.add("xsd.syntax", n, "%s needs either %s or simpleType", n.local, attr)
		return simple.Any()
	case named:
		return b.simpleNamed(n, attr)
	}
	b.attributes(inner, "id")
	return b.simpleType(inner, "")
}

func (b *builder) union(n *node, name string) *simple.Type {
	var members []*simple.Type
	text, _ := n.attr("memberTypes")
	for _, word := range strings.Fields(text) {
		one := &node{space: n.space, local: n.local, line: n.line, scope: n.scope, doc: n.doc, attrs: []nodeAttr{{name: "memberTypes", value: word}}}
		members = append(members, b.simpleNamed(one, "memberTypes"))
	}
	for _, k := range n.kids {
		b.attributes(k, "id")
		members = append(members, b.simpleType(k, ""))
	}
	if len(members) == 0 {
		b.add("xsd.syntax", n, "a union has members")
		return simple.Any()
	}
	t := simple.UnionOf(name, members)
	if t.Weight() > maxMembers {
		b.add("xsd.too_large", n, "a union has more than %d types, those of its members included", maxMembers)
		return simple.Any()
	}
	return t
}

// scopeOf resolves prefixes in a facet's value.
type scopeOf map[string]string

// Resolve implements simple.Context.
func (s scopeOf) Resolve(prefix []byte) (string, bool) {
	uri, ok := s[string(prefix)]
	return uri, ok || len(prefix) == 0
}

// restrict applies the facets among kids.
func (b *builder) restrict(base *simple.Type, name string, n *node, kids []*node) *simple.Type {
	var facets []simple.Facet
	var at []*node
	for i, k := range kids {
		if k.local == "simpleType" {
			if i > 0 {
				b.add("xsd.syntax", k, "simpleType stands first in restriction")
			}
			continue
		}
		b.attributes(k, "value", "fixed", "id")
		value, ok := k.attr("value")
		if !ok {
			b.add("xsd.syntax", k, "the facet %s has no value", k.local)
		}
		if k.local == "enumeration" && base.Primitive() == "QName" {
			b.unsupported(k, "an enumeration of QName")
			continue
		}
		fixed, _ := k.token("fixed")
		facets, at = append(facets, simple.Facet{Name: k.local, Value: value, Fixed: fixed == "true" || fixed == "1"}), append(at, k)
	}
	t, err := base.Restrict(name, facets, scopeOf(n.scope))
	if err != nil {
		e := err.(*simple.FacetError)
		where := n
		if e.Index < len(at) {
			where = at[e.Index]
		}
		if e.Code == "xsd.unsupported" {
			b.unsupported(where, e.Message)
		} else {
			b.add(e.Code, where, "%s", e.Message)
		}
		return base
	}
	return t
}
