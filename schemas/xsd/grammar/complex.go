package grammar

import (
	"slices"

	"birgeoqy.kz/almasu/schemas/xsd/simple"
)

// flag reads true or false.
func (b *builder) flag(n *node, name string) bool {
	switch v, ok := n.token(name); {
	case !ok, v == "false", v == "0":
		return false
	case v == "true", v == "1":
		return true
	}
	b.add("xsd.syntax", n, "%s is true or false", name)
	return false
}

// complexType fills t from its node.
func (b *builder) complexType(t *Type) {
	if b.depth++; b.depth > 100 {
		b.add("xsd.too_large", t.node, "types nest too deep")
		b.depth--
		return
	}
	defer func() { b.depth-- }()
	n := t.node
	b.refuse(n, "abstract", "block", "final")
	t.Complex, t.Base, t.Mixed = true, AnyType, b.flag(n, "mixed")
	b.all_ = append(b.all_, t)
	content := n.child("simpleContent", "complexContent")
	if content == nil {
		b.content(t, n.kids)
		b.finish(t)
		return
	}
	b.attributes(content, "mixed", "id")
	if len(n.kids) != 1 || len(content.kids) != 1 || content.kids[0].local != "extension" && content.kids[0].local != "restriction" {
		b.add("xsd.syntax", content, "%s stands alone in complexType, and has either extension or restriction", content.local)
		return
	}
	d := content.kids[0]
	b.attributes(d, "base", "id")
	base := b.typeNamed(d, "base")
	if base.node != nil {
		b.ensure(base, d)
	}
	t.Base = base
	switch {
	case content.local == "simpleContent":
		b.simpleContent(t, base, d)
	case !base.Complex || base.Simple != nil:
		b.add("xsd.derivation", d, "the base of complexContent is a complex type without simple content")
	default:
		t.Mixed = t.Mixed || b.flag(content, "mixed")
		b.complexContent(t, base, d)
	}
	b.finish(t)
}

// simpleContent is text with attributes.
func (b *builder) simpleContent(t, base *Type, d *node) {
	if base.Simple == nil || d.local == "restriction" && !base.Complex {
		b.add("xsd.derivation", d, "the base of simpleContent has no simple content")
		return
	}
	t.Simple, t.Attributes, t.Any = base.Simple, slices.Clone(base.Attributes), base.Any
	if d.local == "extension" {
		b.attributesOf(t, d.kids, false)
		return
	}
	var facets, rest []*node
	for _, k := range d.kids {
		switch k.local {
		case "attribute", "attributeGroup", "anyAttribute":
			rest = append(rest, k)
		default:
			facets = append(facets, k)
		}
	}
	from := base.Simple
	if inner := d.child("simpleType"); inner != nil {
		b.attributes(inner, "id")
		if from = b.simpleType(inner, ""); !from.DerivedFrom(base.Simple) {
			b.add("xsd.derivation", inner, "the type is not derived from that of the base")
		}
	}
	t.Simple = b.restrict(from, "", d, facets)
	t.Any = nil
	b.attributesOf(t, rest, true)
}

// complexContent extends or restricts elements. What a restriction allows is not compared with its base: documents are judged by what it says itself.
func (b *builder) complexContent(t, base *Type, d *node) {
	if d.local == "restriction" {
		if base != AnyType {
			t.Attributes = slices.Clone(base.Attributes)
		}
		b.contentWith(t, d.kids, true)
		if t.Mixed && !base.Mixed {
			b.add("xsd.derivation", d, "a restriction of a type without mixed content is not mixed")
		}
		return
	}
	if base.state == building {
		b.add("xsd.loop", d, "the type is derived from itself")
		return
	}
	t.Attributes, t.Any = slices.Clone(base.Attributes), base.Any
	b.contentWith(t, d.kids, false)
	switch {
	case base.Particle == nil:
		t.Mixed = t.Mixed || base.Mixed
		if base.Mixed && !t.Mixed {
			b.add("xsd.derivation", d, "base and extension are both mixed or neither")
		}
	case t.Particle == nil:
		t.Particle, t.Mixed = base.Particle, base.Mixed
	case t.Mixed != base.Mixed:
		b.add("xsd.derivation", d, "base and extension are both mixed or neither")
	case t.Particle.Kind == All || base.Particle.Kind == All:
		b.unsupported(d, "the extension of all")
	default:
		t.Particle = &Particle{Kind: Sequence, Min: 1, Max: 1, Kids: []*Particle{base.Particle, t.Particle}, node: d}
	}
}

func (b *builder) content(t *Type, kids []*node) { b.contentWith(t, kids, false) }

// contentWith reads a group of elements, then attributes.
func (b *builder) contentWith(t *Type, kids []*node, restricts bool) {
	if len(kids) > 0 {
		switch k := kids[0]; k.local {
		case "sequence", "choice", "all", "group":
			t.Particle = b.particle(k)
			kids = kids[1:]
			if p := t.Particle; p != nil && p.Kind != AnyParticle && p.Kind != ElementParticle && len(p.Kids) == 0 && p.Kind != Choice {
				t.Particle = nil
			}
		}
	}
	b.attributesOf(t, kids, restricts)
}

// finish numbers the attributes.
func (b *builder) finish(t *Type) {
	if len(t.Attributes) > 64 {
		b.unsupported(t.node, "a type with more than 64 attributes")
		return
	}
	for i, a := range t.Attributes {
		if a.Required {
			t.Required |= 1 << i
		}
	}
}

// attributesOf adds attribute, attributeGroup and anyAttribute. If the type restricts another, what is named again replaces what it had.
func (b *builder) attributesOf(t *Type, kids []*node, restricts bool) {
	own := &Type{Any: nil}
	for _, k := range kids {
		b.attributeNode(own, k)
	}
	for _, a := range own.Attributes {
		at := slices.IndexFunc(t.Attributes, func(o *Attribute) bool { return o.Name == a.Name })
		switch {
		case at < 0 && a.prohibited:
		case at < 0:
			t.Attributes = append(t.Attributes, a)
		case !restricts:
			b.add("xsd.twice", kids[0], "the base has an attribute %s, too", a.Name.Local)
		case a.prohibited && t.Attributes[at].Required:
			b.add("xsd.derivation", kids[0], "the base requires the attribute %s", a.Name.Local)
		case a.prohibited:
			t.Attributes = slices.Delete(t.Attributes, at, at+1)
		default:
			t.Attributes[at] = a
		}
	}
	switch {
	case own.Any == nil:
	case t.Any != nil && !t.Any.same(own.Any):
		b.unsupported(kids[len(kids)-1], "anyAttribute beside another one of the base")
	default:
		t.Any = own.Any
	}
}

// attributeNode adds what one node declares.
func (b *builder) attributeNode(t *Type, k *node) {
	if !b.more(k) {
		return
	}
	switch k.local {
	case "attribute":
		if a := b.attribute(k); a != nil {
			if slices.ContainsFunc(t.Attributes, func(o *Attribute) bool { return o.Name == a.Name }) {
				b.add("xsd.twice", k, "the attribute %s occurs twice", a.Name.Local)
			}
			t.Attributes = append(t.Attributes, a)
		}
	case "attributeGroup":
		q, ok := b.name(k, "ref")
		b.attributes(k, "ref", "id")
		switch n := b.bundles[q]; {
		case !ok || n == nil:
			b.add("xsd.unresolved", k, "the attributeGroup %s is not declared", q.Local)
		default:
			b.bundle(t, n)
		}
	case "anyAttribute":
		w := b.wildcard(k)
		if t.Any != nil && !t.Any.same(w) {
			b.unsupported(k, "several anyAttribute in one type")
			return
		}
		t.Any = w
	default:
		b.add("xsd.syntax", k, "%s does not belong here", k.local)
	}
}

// bundle adds the attributes of a named group.
func (b *builder) bundle(t *Type, n *node) {
	if b.open[n] {
		b.add("xsd.loop", n, "the attributeGroup contains itself")
		return
	}
	b.open[n] = true
	for _, k := range n.kids {
		b.attributeNode(t, k)
	}
	delete(b.open, n)
}

// globalAttribute builds a declaration at the top.
func (b *builder) globalAttribute(q QName, n *node) *Attribute {
	if a := b.attrs[q]; a != nil {
		return a
	}
	b.attributes(n, "name", "type", "default", "fixed", "id")
	a := &Attribute{Name: q, About: n.about}
	b.attrs[q] = a
	b.attributeType(a, n)
	return a
}

func (b *builder) attributeType(a *Attribute, n *node) {
	inner := n.child("simpleType")
	_, named := n.attr("type")
	switch {
	case named && inner != nil || len(n.kids) > 1 || len(n.kids) == 1 && inner == nil:
		b.add("xsd.syntax", n, "an attribute has either type or one simpleType")
		a.Type = simple.Any()
	case named:
		a.Type = b.simpleNamed(n, "type")
	case inner != nil:
		b.attributes(inner, "id")
		a.Type = b.simpleType(inner, "")
	default:
		a.Type = simple.Any()
	}
	b.constraintOf(a, n)
}

// constraintOf reads default or fixed.
func (b *builder) constraintOf(a *Attribute, n *node) {
	fixed, hasFixed := n.attr("fixed")
	other, hasDefault := n.attr("default")
	switch {
	case hasFixed && hasDefault:
		b.add("xsd.syntax", n, "an attribute has either default or fixed")
	case hasDefault:
		a.Default, a.Text = true, other
		b.valid(n, a.Type, other)
	case hasFixed:
		a.Default, a.HasFixed, a.Text = true, true, fixed
		if b.valid(n, a.Type, fixed) {
			a.Fixed = a.Type.Key(nil, []byte(fixed), &simple.Scratch{Names: scopeOf(n.scope)})
		}
	}
}

func (b *builder) valid(n *node, t *simple.Type, text string) bool {
	code := t.Check([]byte(text), &simple.Scratch{Names: scopeOf(n.scope)})
	if code != "" {
		b.add("xsd.value", n, "the default or fixed value is not of the type (%s)", code)
	}
	return code == ""
}

// attribute is the use of an attribute in a type.
func (b *builder) attribute(n *node) *Attribute {
	b.attributes(n, "name", "ref", "type", "use", "default", "fixed", "form", "id")
	a := &Attribute{About: n.about}
	if _, refers := n.attr("ref"); refers {
		q, ok := b.name(n, "ref")
		g := b.loader.attrs[q]
		if !ok || g == nil {
			b.add("xsd.unresolved", n, "the attribute %s is not declared", q.Local)
			return nil
		}
		*a = *b.globalAttribute(q, g)
		if a.Type == nil {
			a.Type = simple.Any()
		}
		if a.HasFixed && n.has("default", "fixed") {
			b.unsupported(n, "a value for an attribute that is declared with a fixed one")
		}
		b.constraintOf(a, n)
	} else {
		name, _ := n.token("name")
		if name == "" || name == "xmlns" {
			b.add("xsd.syntax", n, "an attribute has a name")
			return nil
		}
		if b.form(n, "form", n.doc.attrForm) {
			a.Name.Space = n.doc.target
		}
		a.Name.Local = name
		b.attributeType(a, n)
	}
	switch use, ok := n.token("use"); {
	case !ok, use == "optional":
	case use == "required":
		a.Required = true
	case use == "prohibited":
		a.prohibited = true
	default:
		b.add("xsd.syntax", n, "use is optional, required or prohibited")
	}
	if a.Default && !a.HasFixed && (a.Required || a.prohibited) {
		b.add("xsd.syntax", n, "only an optional attribute has a default")
	}
	return a
}

// has reports whether one of the attributes is there.
func (n *node) has(names ...string) bool {
	for _, name := range names {
		if _, ok := n.attr(name); ok {
			return true
		}
	}
	return false
}
