package xsd

import (
	"encoding/binary"
	"math"

	"birgeoqy.kz/almasu/schemas/xsd/grammar"
	"birgeoqy.kz/almasu/schemas/xsd/simple"
)

// identities is the state of all constraints of open elements.
type identities struct {
	scopes   []*scope
	selected []selection
	journal  []entry // of the keys that were added since the mark
	marked   bool
}

// scope is one constraint of an open element.
type scope struct {
	limit *grammar.Constraint
	depth int // of the element, the root has 1
	reach int // the depth of the deepest element that its selector can choose
	group int // the first scope of the same element
	keys  map[string]bool
}

// entry is a key that was added, for undoing.
type entry struct {
	keys map[string]bool
	key  string
}

// selection is an open element that a selector has chosen.
type selection struct {
	scope  *scope
	depth  int
	values [8][]byte
	have   uint8
	bad    bool // a field occurred twice, has no value, or is one of a key and might be nil
}

func (d *identities) reset() {
	d.scopes, d.selected, d.journal, d.marked = d.scopes[:0], d.selected[:0], d.journal[:0], false
}

func (d *identities) setMark() { d.journal, d.marked = d.journal[:0], true }

// undo goes back to the mark, which was set in an element of this depth.
func (d *identities) undo(depth int) {
	for _, e := range d.journal {
		delete(e.keys, e.key)
	}
	d.journal = d.journal[:0]
	for len(d.scopes) > 0 && d.scopes[len(d.scopes)-1].depth > depth {
		d.scopes = d.scopes[:len(d.scopes)-1]
	}
	for len(d.selected) > 0 && d.selected[len(d.selected)-1].depth > depth {
		d.selected = d.selected[:len(d.selected)-1]
	}
}

func (d *identities) open(limits []*grammar.Constraint, depth int) {
	first := len(d.scopes)
	for _, l := range limits {
		n := len(d.scopes)
		if n < cap(d.scopes) {
			d.scopes = d.scopes[:n+1]
		} else {
			d.scopes = append(d.scopes, nil)
		}
		if d.scopes[n] == nil {
			d.scopes[n] = &scope{keys: map[string]bool{}}
		}
		s := d.scopes[n]
		clear(s.keys)
		s.limit, s.depth, s.reach, s.group = l, depth, depth, first
		for _, x := range l.Selector {
			if s.reach = max(s.reach, depth+len(x.Steps)); x.Deep {
				s.reach = math.MaxInt
			}
		}
	}
}

// reach reports whether the selector of an open constraint might choose an element of this depth.
func (d *identities) reach(depth int) bool {
	for _, s := range d.scopes {
		if depth <= s.reach {
			return true
		}
	}
	return false
}

// ends reports whether a selection or an open constraint might be of the innermost open element, which has this depth.
func (d *identities) ends(depth int) bool {
	return len(d.selected) > 0 || len(d.scopes) > 0 && d.scopes[len(d.scopes)-1].depth == depth
}

// choose opens a selection.
func (d *identities) choose(s *scope, depth int) {
	n := len(d.selected)
	if n == cap(d.selected) {
		d.selected = append(d.selected, selection{scope: s, depth: depth})
		return
	}
	d.selected = d.selected[:n+1]
	one := &d.selected[n] // its values keep their memory
	one.scope, one.depth, one.have, one.bad = s, depth, 0, false
}

// matches reports whether the innermost open element is on the path that begins at the element of this depth.
func (c *Checker) matches(x *grammar.XPath, depth int) bool {
	below := len(c.frames) - depth
	if below < len(x.Steps) || below > len(x.Steps) && !x.Deep {
		return false
	}
	for i := range x.Steps {
		f := &c.frames[len(c.frames)-len(x.Steps)+i]
		if f.elem == nil || !x.Steps[i].Takes(f.elem.Name.Space, f.elem.Name.Local) {
			return false
		}
	}
	return true
}

// selects opens selections for the element just entered.
func (c *Checker) selects() {
	for _, s := range c.ids.scopes {
		for i := range s.limit.Selector {
			if c.matches(&s.limit.Selector[i], s.depth) {
				c.ids.choose(s, len(c.frames))
				break
			}
		}
	}
}

// field notes a value of the innermost open element, or of one of its attributes, for every selection that it is a field of. t is nil of an element that has no
// value: it is no field (3.11.4, clause 3).
func (c *Checker) field(t *simple.Type, text []byte, space, local string, attr bool) {
	for i := range c.ids.selected {
		s := &c.ids.selected[i]
		for k, paths := range s.scope.limit.Fields {
			for j := range paths {
				x := &paths[j]
				if (x.Attribute != nil) != attr || attr && !x.Attribute.Takes(space, local) || !c.matches(x, s.depth) {
					continue
				}
				if t == nil {
					s.bad = true
					break
				}
				s.bad = s.bad || s.have>>k&1 == 1 || !attr && s.scope.limit.Kind == "key" && c.nillable()
				s.have |= 1 << k
				s.values[k] = t.Key(s.values[k][:0], text, &c.scratch)
				break
			}
		}
	}
}

// nillable reports whether the innermost open element may be nil; then it is no field of a key (3.11.4, clause 4.2.3).
func (c *Checker) nillable() bool {
	e := c.frames[len(c.frames)-1].elem
	return e != nil && e.Nillable
}

// absent notes what the innermost open element has for fields besides what stands in the document: the values of attributes that are left out, and that it has
// no value itself.
func (c *Checker) absent(f *frame) {
	for i, a := range f.typ.Attributes {
		if a.Default && f.seen>>i&1 == 0 {
			c.field(a.Type, []byte(a.Text), a.Name.Space, a.Name.Local, true)
		}
	}
	if f.typ.Simple == nil {
		c.field(nil, nil, "", "", false)
	}
}

// leaves ends selections and scopes of the innermost open element.
func (c *Checker) leaves() {
	depth := len(c.frames)
	for n := len(c.ids.selected); n > 0 && c.ids.selected[n-1].depth == depth; n = len(c.ids.selected) {
		c.close(&c.ids.selected[n-1])
		c.ids.selected = c.ids.selected[:n-1]
	}
	n := len(c.ids.scopes)
	for n > 0 && c.ids.scopes[n-1].depth == depth {
		n--
	}
	for _, s := range c.ids.scopes[n:] {
		if s.limit.Kind != "keyref" {
			continue
		}
		for k := range s.keys {
			if !c.ids.scopes[s.group+s.limit.Refer].keys[k] {
				c.violates("schema.keyref", "")
				break
			}
		}
	}
	c.ids.scopes = c.ids.scopes[:n]
}

// close judges the values of a selection.
func (c *Checker) close(s *selection) {
	l := s.scope.limit
	switch {
	case s.bad:
		c.violates("schema."+l.Kind, "")
		return
	case s.have != 1<<len(l.Fields)-1:
		if l.Kind == "key" {
			c.violates("schema.key", "")
		}
		return
	}
	c.key = c.key[:0]
	for _, v := range s.values[:len(l.Fields)] {
		c.key = append(binary.AppendUvarint(c.key, uint64(len(v))), v...)
	}
	if s.scope.keys[string(c.key)] {
		if l.Kind != "keyref" {
			c.violates("schema."+l.Kind, "")
		}
		return
	}
	key := string(c.key)
	s.scope.keys[key] = true
	if c.ids.marked {
		c.ids.journal = append(c.ids.journal, entry{s.scope.keys, key})
	}
}
