package grammar

import (
	"slices"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas/xsd/simple"
)

// Grammar is everything that a schema declares. It is safe for concurrent use.
type Grammar struct {
	// Digest pins the schema: the SHA-256 of its file, or of the list of its files.
	Digest record.Digest
	// Source is the bytes of the first file, Files the paths of all, the first one first.
	Source []byte
	Files  []string
	// Target is the target namespace of the first file.
	Target     string
	Elements   map[QName]*Element
	Types      map[QName]*Type
	Attributes map[QName]*Attribute
}

// Element is an element declaration.
type Element struct {
	Name     QName
	Type     *Type
	Nillable bool
	HasFixed bool
	Fixed    []byte // the key of a fixed value, where the type is simple
	Text     string // the fixed value, or the default, as written
	Default  bool   // an empty element has a default or fixed value
	Limits   []*Constraint
	About    string
}

// Attribute is an attribute declaration, or its use in a type.
type Attribute struct {
	Name       QName
	Type       *simple.Type
	Required   bool
	prohibited bool
	HasFixed   bool
	Fixed      []byte
	Text       string // the fixed value, or the default, as written
	Default    bool   // where it is absent it has a default or fixed value
	About      string
}

// Type is a type definition.
type Type struct {
	Name       QName
	Simple     *simple.Type // a simple type, or the type of simple content
	Complex    bool
	Mixed      bool
	Particle   *Particle // nil: no element
	Model      *Model
	Attributes []*Attribute
	Any        *Wildcard // of attributes
	Required   uint64
	Base       *Type
	state      uint8 // of building
	node       *node
	About      string
}

// DerivedFrom reports whether t is other, or was derived from it in steps.
func (t *Type) DerivedFrom(other *Type) bool {
	for at := t; at != nil; at = at.Base {
		if at == other || other == AnyType {
			return true
		}
		if !at.Complex && !other.Complex && at.Simple != nil && other.Simple != nil && at.Simple.DerivedFrom(other.Simple) {
			return true
		}
	}
	return false
}

// Wildcard is what any and anyAttribute allow.
type Wildcard struct {
	every   bool
	except  string // ##other: neither this namespace nor none
	other   bool
	spaces  []string
	Process string
}

// Allows reports whether names of a namespace are allowed.
func (w *Wildcard) Allows(space string) bool {
	switch {
	case w.every:
		return true
	case w.other:
		return space != "" && space != w.except
	}
	for _, s := range w.spaces {
		if s == space {
			return true
		}
	}
	return false
}

// overlaps reports whether some namespace is allowed by both.
func (w *Wildcard) overlaps(v *Wildcard) bool {
	switch {
	case w.every || v.every, w.other && v.other:
		return true
	case w.other:
		w, v = v, w
	}
	for _, s := range w.spaces {
		if v.Allows(s) {
			return true
		}
	}
	return false
}

func (w *Wildcard) same(v *Wildcard) bool {
	if w.every != v.every || w.other != v.other || w.except != v.except || w.Process != v.Process || len(w.spaces) != len(v.spaces) {
		return false
	}
	for i := range w.spaces {
		if w.spaces[i] != v.spaces[i] {
			return false
		}
	}
	return true
}

// Compile reads a schema from its first file; open reads it and what it includes and imports, by paths from the same folder. The error is
// [record.Problems] with every finding; a finding's Where is "file:line".
func Compile(file string, open func(file string) ([]byte, error)) (*Grammar, error) {
	l := newLoader(open)
	l.load(file, nil, "", false)
	if err := l.problems.Err(); err != nil {
		return nil, err
	}
	b := newBuilder(l)
	b.all()
	if err := l.problems.Err(); err != nil {
		return nil, err
	}
	g := &Grammar{Digest: l.digest(), Source: l.docs[0].raw, Target: l.docs[0].target, Elements: b.elements, Types: b.types, Attributes: b.attrs}
	g.Files = l.files()
	return g, nil
}

// Pin reads the files of a schema that may use what is not supported, and judges nothing by it: the result has Digest, Source, Target and Files only, and the digest is
// that of Compile. Refused are files that are missing, too large, no XML or no schema, and locations that are not relative paths.
func Pin(file string, open func(file string) ([]byte, error)) (*Grammar, error) {
	l := newLoader(open)
	l.whole = true
	l.load(file, nil, "", false)
	l.problems = slices.DeleteFunc(l.problems, func(p *record.Problem) bool {
		switch p.Code {
		case "xsd.unsupported", "xsd.syntax", "xsd.twice":
			return true
		}
		return false
	})
	if err := l.problems.Err(); err != nil {
		return nil, err
	}
	return &Grammar{Digest: l.digest(), Source: l.docs[0].raw, Target: l.docs[0].target, Files: l.files()}, nil
}

func newLoader(open func(file string) ([]byte, error)) *loader {
	return &loader{open: open, types: map[QName]*node{}, elements: map[QName]*node{}, attrs: map[QName]*node{}, groups: map[QName]*node{}, bundles: map[QName]*node{}}
}

func (l *loader) files() []string {
	var list []string
	for _, d := range l.docs {
		list = append(list, d.file)
	}
	return list
}
