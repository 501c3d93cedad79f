package xsd

import (
	"strings"

	"birgeoqy.kz/almasu/schemas/xsd/grammar"
)

// Target is one value that a schema declares: the text of a simple element, or an attribute.
type Target struct {
	// Path is of local names joined by slashes, an attribute with @ before it, from the record or from the root element; an element that may
	// occur several times has [] behind it.
	Path string
	// Required says that it and all elements around it are required.
	Required bool
	// Nillable says that the element may be nil.
	Nillable bool
	// MaxLength is in characters, -1 if there is none.
	MaxLength int
	// Type is string, integer, number or boolean.
	Type string
	// Const is the only text allowed; nil if there is a choice.
	Const *string
	// Enum are the texts allowed, nil if they are not listed.
	Enum []string
	// About is the documentation.
	About string
}

// findRecords looks for the records: under one global element of the first file's namespace, the only child whose content is one element that may be
// repeated. If several elements or children are like this, the documents have no records.
func (s *Schema) findRecords(target string) {
	for q, root := range s.grammar.Elements {
		if q.Space != target {
			continue
		}
		holder, records := holderOf(root)
		if records == nil {
			continue
		}
		if s.root != nil {
			s.root, s.holder, s.records = nil, nil, nil
			return
		}
		s.root, s.holder, s.records = root, holder, records
	}
}

// holderOf is the child of an element that holds repeated ones, and what repeats.
func holderOf(root *grammar.Element) (holder, records *grammar.Element) {
	for _, p := range flat(root.Type.Particle, nil) {
		if p.Kind != grammar.ElementParticle || p.Max != 1 || p.Element.Type.Simple != nil || p.Element.Type.Mixed {
			continue
		}
		inner := flat(p.Element.Type.Particle, nil)
		if len(inner) == 1 && inner[0].Kind == grammar.ElementParticle && (inner[0].Max > 1 || inner[0].Max == grammar.Unbounded) && inner[0].Element.Type.Simple == nil {
			if holder != nil {
				return nil, nil
			}
			holder, records = p.Element, inner[0].Element
		}
	}
	return holder, records
}

// flat lists the elements and wildcards of a term, as if each group occurred once.
func flat(p *grammar.Particle, list []*grammar.Particle) []*grammar.Particle {
	switch {
	case p == nil:
	case p.Kind == grammar.ElementParticle || p.Kind == grammar.AnyParticle:
		return append(list, p)
	default:
		for _, k := range p.Kids {
			if n := len(list); (p.Max > 1 || p.Max == grammar.Unbounded) && len(p.Kids) == 1 {
				list = flat(k, list)
				for i, one := range list[n:] {
					repeated := *one
					repeated.Max = grammar.Unbounded
					list[n+i] = &repeated
				}
				continue
			}
			list = flat(k, list)
		}
	}
	return list
}

// Records is the name of the element around the records, "" if the schema has none.
func (s *Schema) Records() string {
	if s.holder == nil {
		return ""
	}
	return s.holder.Name.Local
}

// Names are the names around the records: the root element, its namespace, and the element of one record. They are empty if there are no records.
func (s *Schema) Names() (root, namespace, one string) {
	if s.root == nil {
		return "", "", ""
	}
	return s.root.Name.Local, s.root.Name.Space, s.records.Name.Local
}

// Qualified reports whether the element of a record is in the root's namespace.
func (s *Schema) Qualified() bool {
	return s.records != nil && s.records.Name.Space == s.root.Name.Space
}

// RecordTargets lists the values of one record in the schema's order.
func (s *Schema) RecordTargets() []Target {
	if s.records == nil {
		return nil
	}
	w := walk{open: map[*grammar.Type]bool{}}
	w.element(s.records, "", true)
	return w.list
}

// HeaderTargets lists the values of the document outside its records.
func (s *Schema) HeaderTargets() []Target {
	if s.root == nil {
		return nil
	}
	w := walk{open: map[*grammar.Type]bool{}}
	for _, p := range flat(s.root.Type.Particle, nil) {
		if p.Kind == grammar.ElementParticle && p.Element != s.holder {
			w.element(p.Element, p.Element.Name.Local, p.Min > 0)
		}
	}
	return w.list
}

// maxTargets is how many elements are looked at for targets: types that use one another could have more of them than memory holds.
const maxTargets = 20_000

// walk goes through elements and lists their targets. A type inside itself is left out.
type walk struct {
	list []Target
	open map[*grammar.Type]bool
	seen int
}

func (w *walk) element(e *grammar.Element, path string, required bool) {
	t := e.Type
	if w.seen++; w.open[t] || w.seen > maxTargets {
		return
	}
	w.open[t] = true
	defer delete(w.open, t)
	inside := path
	if path != "" {
		inside += "/"
	}
	for _, a := range t.Attributes {
		one := targetOf(inside+"@"+a.Name.Local, required && a.Required, a.About, &grammar.Type{Simple: a.Type})
		if a.HasFixed {
			one.Const = &a.Text
		}
		w.list = append(w.list, one)
	}
	if t.Simple != nil {
		one := targetOf(path, required, about(e), t)
		if one.Nillable = e.Nillable; e.HasFixed {
			one.Const = &e.Text
		}
		w.list = append(w.list, one)
		return
	}
	some := t.Model != nil && len(t.Model.States) > 0 && t.Model.States[0].Accept
	choice := t.Particle != nil && t.Particle.Kind == grammar.Choice
	for _, p := range flat(t.Particle, nil) {
		if p.Kind != grammar.ElementParticle {
			continue
		}
		name := p.Element.Name.Local
		if p.Max > 1 || p.Max == grammar.Unbounded {
			name += "[]"
		}
		w.element(p.Element, inside+name, required && p.Min > 0 && !some && !choice && !e.Nillable)
	}
}

func about(e *grammar.Element) string {
	if e.About != "" {
		return e.About
	}
	return e.Type.About
}

func targetOf(path string, required bool, about string, t *grammar.Type) Target {
	out := Target{Path: path, Required: required, MaxLength: t.Simple.MaxLength(), Type: "string", Enum: t.Simple.Enumeration(), About: strings.TrimSpace(about)}
	switch p := t.Simple.Primitive(); {
	case t.Simple.Whole():
		out.Type = "integer"
	case p == "decimal", p == "float", p == "double":
		out.Type = "number"
	case p == "boolean":
		out.Type = "boolean"
	}
	if p := t.Simple.Primitive(); p != "string" && p != "anyURI" {
		out.MaxLength = -1
	}
	if len(out.Enum) == 1 {
		out.Const = &out.Enum[0]
	}
	return out
}
