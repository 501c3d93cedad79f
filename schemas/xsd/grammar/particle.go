package grammar

import (
	"slices"
	"strconv"
	"strings"

	"birgeoqy.kz/almasu/schemas/xsd/simple"
)

// Particle is a term with how often it may occur.
type Particle struct {
	Kind     ParticleKind
	Min, Max int // max may be unbounded
	Element  *Element
	Wildcard *Wildcard
	Kids     []*Particle
	node     *node
}

// ParticleKind says what may occur.
type ParticleKind uint8

// The kinds of particles.
const (
	ElementParticle ParticleKind = iota
	AnyParticle
	Sequence
	Choice
	All
)

// Unbounded is the Max of a particle that may occur any number of times.
const Unbounded = -1

// occurs reads minOccurs and maxOccurs.
func (b *builder) occurs(n *node) (low, high int) {
	low, high = 1, 1
	if v, ok := n.token("minOccurs"); ok {
		low = b.count(n, v)
	}
	if v, ok := n.token("maxOccurs"); v == "unbounded" {
		high = Unbounded
	} else if ok {
		high = b.count(n, v)
	}
	if high != Unbounded && low > high {
		b.add("xsd.syntax", n, "minOccurs is larger than maxOccurs")
	}
	return low, high
}

func (b *builder) count(n *node, v string) int {
	c, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		b.add("xsd.syntax", n, "minOccurs and maxOccurs are whole numbers up to 2147483647, maxOccurs also unbounded")
	}
	return int(c)
}

// particle reads a term; nil is one that never occurs.
func (b *builder) particle(n *node) *Particle {
	if b.depth++; b.depth > 200 {
		b.add("xsd.too_large", n, "groups nest too deep")
		b.depth--
		return nil
	}
	defer func() { b.depth-- }()
	if !b.more(n) {
		return nil
	}
	p := &Particle{node: n}
	p.Min, p.Max = b.occurs(n)
	switch n.local {
	case "element":
		p.Element = b.local(n)
	case "any":
		p.Kind, p.Wildcard = AnyParticle, b.wildcard(n)
	case "group":
		b.attributes(n, "ref", "minOccurs", "maxOccurs", "id")
		q, ok := b.name(n, "ref")
		g := b.groups[q]
		if !ok || g == nil {
			b.add("xsd.unresolved", n, "the group %s is not declared", q.Local)
			return nil
		}
		b.group(g, p)
	case "sequence", "choice", "all":
		b.attributes(n, "minOccurs", "maxOccurs", "id")
		b.members(n, p)
	default:
		b.add("xsd.syntax", n, "%s does not belong here", n.local)
		return nil
	}
	if p.Max == 0 {
		return nil
	}
	return p
}

// group reads a named group into p.
func (b *builder) group(g *node, p *Particle) {
	if len(g.kids) != 1 || !slices.Contains([]string{"sequence", "choice", "all"}, g.kids[0].local) {
		b.add("xsd.syntax", g, "a group is a sequence, a choice or all")
		return
	}
	if b.open[g] {
		b.add("xsd.loop", g, "the group contains itself")
		return
	}
	b.open[g] = true
	b.attributes(g, "name", "id")
	b.attributes(g.kids[0], "id")
	b.members(g.kids[0], p)
	delete(b.open, g)
}

// members reads what is inside sequence, choice or all.
func (b *builder) members(n *node, p *Particle) {
	p.Kind = map[string]ParticleKind{"sequence": Sequence, "choice": Choice, "all": All}[n.local]
	for _, k := range n.kids {
		one := b.particle(k)
		if one == nil {
			continue
		}
		if one.Kind == All {
			b.add("xsd.syntax", k, "all stands alone")
		}
		if p.Kind == All && (one.Kind != ElementParticle || one.Max != 1) {
			b.add("xsd.syntax", k, "all has elements that occur at most once")
			continue
		}
		p.Kids = append(p.Kids, one)
	}
	if p.Kind == All && (p.Max > 1 || p.Max == Unbounded || len(p.Kids) > 64) {
		b.add("xsd.syntax", n, "all occurs at most once, and has at most 64 elements here")
	}
}

// wildcard reads any or anyAttribute.
func (b *builder) wildcard(n *node) *Wildcard {
	b.attributes(n, "namespace", "processContents", "minOccurs", "maxOccurs", "id")
	w := &Wildcard{Process: "strict"}
	if v, ok := n.token("processContents"); ok {
		if w.Process = v; v != "strict" && v != "lax" && v != "skip" {
			b.add("xsd.syntax", n, "processContents is strict, lax or skip")
		}
	}
	spaces, ok := n.token("namespace")
	switch {
	case !ok || spaces == "##any":
		w.every = true
	case spaces == "##other":
		w.other, w.except = true, n.doc.target
	default:
		for _, s := range strings.Fields(spaces) {
			switch s {
			case "##targetNamespace":
				s = n.doc.target
			case "##local":
				s = ""
			}
			w.spaces = append(w.spaces, s)
		}
		slices.Sort(w.spaces)
	}
	return w
}

// global builds an element at the top.
func (b *builder) global(q QName, n *node) {
	e := b.elements[q]
	b.attributes(n, "name", "type", "nillable", "default", "fixed", "abstract", "substitutionGroup", "block", "final", "id")
	b.refuse(n, "abstract", "block", "final")
	if n.has("substitutionGroup") {
		b.unsupported(n, "substitutionGroup")
	}
	b.element(e, n)
}

// local is an element in a group.
func (b *builder) local(n *node) *Element {
	if n.has("ref") {
		b.attributes(n, "ref", "minOccurs", "maxOccurs", "id")
		if len(n.kids) > 0 {
			b.add("xsd.syntax", n, "an element with ref has no content")
		}
		q, ok := b.name(n, "ref")
		if e := b.elements[q]; ok && e != nil {
			return e
		}
		b.add("xsd.unresolved", n, "the element %s is not declared", q.Local)
		return &Element{Name: q, Type: AnyType}
	}
	b.attributes(n, "name", "type", "minOccurs", "maxOccurs", "nillable", "default", "fixed", "form", "block", "id")
	b.refuse(n, "block")
	e := &Element{About: n.about}
	e.Name.Local, _ = n.token("name")
	if e.Name.Local == "" {
		b.add("xsd.syntax", n, "an element has name or ref")
	}
	if b.form(n, "form", n.doc.qualified) {
		e.Name.Space = n.doc.target
	}
	b.element(e, n)
	return e
}

// element reads type, value and constraints.
func (b *builder) element(e *Element, n *node) {
	e.Nillable = b.flag(n, "nillable")
	inner := n.child("simpleType", "complexType")
	_, named := n.attr("type")
	switch {
	case named && inner != nil:
		b.add("xsd.syntax", n, "an element has either type or a type inside")
	case named:
		e.Type = b.typeNamed(n, "type")
	case inner == nil:
		e.Type = AnyType
	case inner.local == "simpleType":
		b.attributes(inner, "id")
		e.Type = &Type{node: inner, state: built, Base: &Type{Simple: simple.Any(), state: built}, About: inner.about}
		e.Type.Simple = b.simpleType(inner, "")
	default:
		b.attributes(inner, "id", "mixed")
		e.Type = &Type{node: inner, state: building, About: inner.about}
		b.complexType(e.Type)
		e.Type.state = built
	}
	if e.Type == nil {
		e.Type = AnyType
	}
	for _, k := range n.kids {
		switch k.local {
		case "simpleType", "complexType":
			if k != inner {
				b.add("xsd.syntax", k, "an element has one type")
			}
		case "unique", "key", "keyref":
			b.identity(e, k)
		default:
			b.add("xsd.syntax", k, "%s does not belong here", k.local)
		}
	}
	if n.has("fixed", "default") {
		b.deferred = append(b.deferred, func() { b.elementValue(e, n) })
	}
}

// elementValue reads default or fixed, once all types are built.
func (b *builder) elementValue(e *Element, n *node) {
	fixed, hasFixed := n.attr("fixed")
	text, hasDefault := n.attr("default")
	if hasFixed && hasDefault {
		b.add("xsd.syntax", n, "an element has either default or fixed")
		return
	}
	if e.Type.Simple == nil {
		b.unsupported(n, "a default or fixed value for an element that is not simple")
		return
	}
	e.Default = true
	if hasFixed {
		text, e.HasFixed = fixed, true
	}
	if e.Text = text; b.valid(n, e.Type.Simple, text) && hasFixed {
		e.Fixed = e.Type.Simple.Key(nil, []byte(text), &simple.Scratch{Names: scopeOf(n.scope)})
	}
}
