package xsd

import (
	"bytes"
	"strconv"
	"strings"

	"birgeoqy.kz/almasu/schemas/xmlscan"
	"birgeoqy.kz/almasu/schemas/xsd/grammar"
	"birgeoqy.kz/almasu/schemas/xsd/simple"
)

// Violation is one way in which a document breaks its schema. It never holds a value of the document.
type Violation struct {
	// Record is the index of the record, -1 for the document outside its records.
	Record int
	// Path is a path of local names from the record, or from the root element, which it does not name; @ stands before an attribute, and [n] behind an
	// element that follows n-1 others of its name. It ends before a name that the schema does not declare there.
	Path string
	// Code is one of the package comment.
	Code string
}

// MaxViolations is how many violations of one document are told apart.
const MaxViolations = 10_000

// Checker judges one document after another, from its parts in order. It is used by one goroutine. The calls must be those of a well-formed document.
type Checker struct {
	schema  *Schema
	frames  []frame
	text    []byte // of the open elements with simple types
	found   []Violation
	scratch simple.Scratch
	key     []byte
	ids     identities
	mark    mark
}

// frame is an open element.
type frame struct {
	elem *grammar.Element // nil of one that a wildcard lets pass, and of one that is not declared
	typ  *grammar.Type    // nil: whatever is inside is skipped
	// state is the place in the automaton, count how often a counted element has occurred.
	state, count int32
	seen, some   uint64 // attributes; elements of all
	from         int32  // where its text begins
	kids         int32
	run          int32            // how many of its name stand here one after another, itself included
	last         *grammar.Element // the child before
	lastRun      int32
	nilled       bool
	content      bool // text that is not white space
	chars        bool // any text
	failed       bool // a violation inside was reported that would repeat itself
}

type mark struct {
	depth, found, text int
	top                frame
}

// Checker returns a checker. names resolves the prefixes of values of type grammar.QName; nil resolves none.
func (s *Schema) Checker(names simple.Context) *Checker {
	return &Checker{schema: s, frames: make([]frame, 0, 16), scratch: simple.Scratch{Names: names}}
}

// Begin begins a new document and forgets everything of an earlier one.
func (c *Checker) Begin() {
	c.frames, c.found, c.text, c.mark = c.frames[:0], c.found[:0], c.text[:0], mark{}
	c.ids.reset()
}

// Mark remembers the place before a record.
func (c *Checker) Mark() {
	c.mark = mark{depth: len(c.frames), found: len(c.found), text: len(c.text)}
	c.ids.setMark()
	if len(c.frames) > 0 {
		c.mark.top = c.frames[len(c.frames)-1]
	}
}

// Settle calls report for each violation since Mark, or since Begin if nothing was marked, and returns their number. If there is one, all
// that came since Mark is forgotten.
func (c *Checker) Settle(report func(path, code string)) int {
	found := c.found[c.mark.found:]
	for _, v := range found {
		report(v.Path, v.Code)
	}
	if len(found) > 0 {
		c.found, c.text = c.found[:c.mark.found], c.text[:c.mark.text]
		c.ids.undo(c.mark.depth)
		if c.frames = c.frames[:c.mark.depth]; c.mark.depth > 0 {
			c.frames[c.mark.depth-1] = c.mark.top
		}
	}
	return len(found)
}

// Found is every violation since Begin, in the order of discovery; it is valid until the next call.
func (c *Checker) Found() []Violation { return c.found }

// Records is the number of records begun.
func (c *Checker) Records() int {
	if len(c.frames) > 1 && c.schema.holder != nil && c.frames[1].elem == c.schema.holder {
		return int(c.frames[1].kids)
	}
	return 0
}

// Enter begins an element.
func (c *Checker) Enter(space string, local []byte) { c.opened(c.open(space, local)) }

// Leaf is an element without attributes that holds nothing but text: Enter, Text and Leave at once.
func (c *Checker) Leaf(space string, local, text []byte) {
	f := c.open(space, local)
	if e := f.elem; e != nil && e.Type.Simple != nil && len(e.Type.Attributes) == 0 && !e.Default && len(e.Limits) == 0 &&
		!c.ids.reach(len(c.frames)) && e.Type.Simple.Check(text, &c.scratch) == "" {
		if len(c.ids.selected) > 0 {
			c.field(e.Type.Simple, text, "", "", false)
		}
		c.frames = c.frames[:len(c.frames)-1]
		return
	}
	c.opened(f)
	c.Text(text)
	c.Leave()
}

// open finds the declaration of an element.
func (c *Checker) open(space string, local []byte) *frame {
	depth := len(c.frames)
	c.frames = append(c.frames, frame{})
	f := &c.frames[depth]
	f.from = int32(len(c.text))
	if depth == 0 {
		if f.elem = c.schema.grammar.Elements[named(space, string(local))]; f.elem == nil {
			c.violates("schema.root", "")
		}
	} else {
		c.child(f, &c.frames[depth-1], space, local)
	}
	if f.elem != nil {
		f.typ = f.elem.Type
	}
	return f
}

// opened begins the constraints that an element has a part in.
func (c *Checker) opened(f *frame) {
	if f.elem != nil && len(f.elem.Limits) > 0 {
		c.ids.open(f.elem.Limits, len(c.frames))
	}
	if c.ids.reach(len(c.frames)) {
		c.selects()
	}
}

// child finds the declaration of an element inside top.
func (c *Checker) child(f, top *frame, space string, local []byte) {
	top.kids++
	var e *grammar.Edge
	switch t := top.typ; {
	case t == nil:
		return
	case top.nilled:
		c.once(top, "schema.nil")
		return
	case t.Simple != nil:
		c.once(top, "schema.content")
		return
	case t.Model == nil:
	case t.Model.All != nil:
		e = one(t.Model, top, space, local)
	default:
		if e = next(t.Model, top, space, local); e == nil {
			e = c.resume(top, t.Model, space, local)
		}
	}
	if e == nil {
		c.violates("schema.unexpected", "")
		return
	}
	if f.elem = e.Element; e.Wildcard != nil {
		c.wild(f, e.Wildcard, space, local)
	}
	if f.elem != nil && f.elem == top.last {
		top.lastRun++
	} else {
		top.last, top.lastRun = f.elem, 1
	}
	f.run = top.lastRun
}

// wild treats an element that a wildcard lets pass.
func (c *Checker) wild(f *frame, w *grammar.Wildcard, space string, local []byte) {
	if w.Process == "skip" {
		return
	}
	f.elem = c.schema.grammar.Elements[named(space, string(local))]
	switch {
	case f.elem != nil:
	case w.Process == "strict":
		c.violates("schema.unexpected", "")
	default:
		f.typ = grammar.AnyType
	}
}

// one takes the element of all, if it has not been.
func one(m *grammar.Model, top *frame, space string, local []byte) *grammar.Edge {
	for i := range m.Edges {
		if m.Edges[i].Takes(space, local) && top.some>>i&1 == 0 {
			top.some |= 1 << i
			return &m.Edges[i]
		}
	}
	return nil
}

// next takes the edge for an element, if there is one and the counts allow it.
func next(m *grammar.Model, top *frame, space string, local []byte) *grammar.Edge {
	s := &m.States[top.state]
	for i := range s.Edges {
		e := &s.Edges[i]
		if !e.Takes(space, local) {
			continue
		}
		if s.Counted {
			again := e.To == int(top.state)
			if again && s.High != grammar.Unbounded && int(top.count) >= s.High || !again && int(top.count) < s.Low {
				return nil
			}
			if again {
				top.count++
				return e
			}
		}
		top.state, top.count = int32(e.To), 1
		return e
	}
	return nil
}

// resume looks for the place where an unexpected element would be expected, if some required ones before it were not missing, and reports these.
func (c *Checker) resume(top *frame, m *grammar.Model, space string, local []byte) *grammar.Edge {
	if len(c.found) > MaxViolations {
		return nil
	}
	type step struct {
		state int
		from  int
		by    *grammar.Edge
	}
	seen := make([]bool, len(m.States))
	seen[top.state] = true
	trail := []step{{state: int(top.state), from: -1}}
	for at := 0; at < len(trail); at++ {
		s := &m.States[trail[at].state]
		for i := range s.Edges {
			e := &s.Edges[i]
			if at > 0 && e.Takes(space, local) {
				for k := at; k > 0; k = trail[k].from {
					if trail[k].by.Element != nil {
						defer c.violates("schema.required", trail[k].by.Element.Name.Local) // the outermost last: in document order
					}
				}
				top.state, top.count = int32(e.To), 1
				return e
			}
			if !seen[e.To] && e.Element != nil {
				seen[e.To] = true
				trail = append(trail, step{e.To, at, e})
			}
		}
	}
	return nil
}

// Attribute takes an attribute of the element just entered, in any order, apart from those of the instance namespace.
func (c *Checker) Attribute(space string, local, value []byte) {
	f := &c.frames[len(c.frames)-1]
	if f.typ == nil {
		return
	}
	for i, a := range f.typ.Attributes {
		if a.Name.Local != string(local) || a.Name.Space != space {
			continue
		}
		f.seen |= 1 << i
		if code := a.Type.Check(value, &c.scratch); code != "" {
			c.violates(code, "@"+a.Name.Local)
		} else if a.HasFixed && !c.equal(a.Type, value, a.Fixed) {
			c.violates("schema.const", "@"+a.Name.Local)
		}
		if len(c.ids.selected) > 0 {
			c.field(a.Type, value, space, a.Name.Local, true)
		}
		return
	}
	w := f.typ.Any
	if w == nil || !w.Allows(space) {
		c.violates("schema.unexpected_attribute", "")
		return
	}
	if w.Process == "skip" {
		return
	}
	a := c.schema.grammar.Attributes[named(space, string(local))]
	switch {
	case a == nil && w.Process == "strict":
		c.violates("schema.unexpected_attribute", "")
	case a == nil:
	case a.Type.Check(value, &c.scratch) != "":
		c.violates("schema.type", "@"+a.Name.Local)
	case a.HasFixed && !c.equal(a.Type, value, a.Fixed):
		c.violates("schema.const", "@"+a.Name.Local)
	}
	if a != nil && len(c.ids.selected) > 0 {
		c.field(a.Type, value, space, a.Name.Local, true)
	}
}

func (c *Checker) equal(t *simple.Type, text, key []byte) bool {
	c.key = t.Key(c.key[:0], text, &c.scratch)
	return bytes.Equal(c.key, key)
}

// skips reports whether the innermost open element is not judged.
func (c *Checker) skips() bool { return c.frames[len(c.frames)-1].typ == nil }

// Nil takes xsi:nil of the element just entered.
func (c *Checker) Nil(value bool) {
	f := &c.frames[len(c.frames)-1]
	if f.typ == nil {
		return
	}
	if f.elem == nil || !f.elem.Nillable || value && f.elem.HasFixed {
		c.violates("schema.nil", "")
		return
	}
	f.nilled = value
}

// Retype takes xsi:type of the element just entered: its type must be derived from the declared one.
func (c *Checker) Retype(space, local string) {
	f := &c.frames[len(c.frames)-1]
	if f.typ == nil {
		return
	}
	t := c.schema.grammar.Types[named(space, local)]
	if space == grammar.Namespace {
		if s, ok := simple.Builtin(local); ok {
			t = &grammar.Type{Name: named(space, local), Simple: s}
		} else if local == "anyType" {
			t = grammar.AnyType
		}
	}
	if t == nil || !t.DerivedFrom(f.typ) {
		c.violates("schema.xsi_type", "")
		f.typ = nil
		return
	}
	f.typ = t
}

// Text takes a piece of text of the innermost open element.
func (c *Checker) Text(b []byte) {
	f := &c.frames[len(c.frames)-1]
	switch {
	case f.typ == nil || len(b) == 0:
		return
	case f.typ.Simple != nil && !f.nilled:
		c.text = append(c.text, b...)
	}
	f.chars = true
	if !f.typ.Mixed && f.typ.Simple == nil && !f.content {
		for _, ch := range b {
			if !xmlscan.IsSpace(ch) {
				f.content = true
				break
			}
		}
	}
}

// Leave ends the innermost open element.
func (c *Checker) Leave() {
	f := &c.frames[len(c.frames)-1]
	if t := f.typ; t != nil {
		if missing := t.Required &^ f.seen; missing != 0 {
			for i, a := range t.Attributes {
				if missing>>i&1 == 1 {
					c.violates("schema.required", "@"+a.Name.Local)
				}
			}
		}
		if len(c.ids.selected) > 0 {
			c.absent(f)
		}
		switch {
		case f.nilled:
			if f.chars && !f.failed {
				c.violates("schema.nil", "")
			}
		case t.Simple != nil:
			c.value(f, t)
		case f.content, f.chars && t.Model == nil && !t.Mixed:
			c.violates("schema.content", "")
			fallthrough
		default:
			c.complete(f, t)
		}
	}
	if c.ids.ends(len(c.frames)) {
		c.leaves()
	}
	c.text = c.text[:f.from]
	c.frames = c.frames[:len(c.frames)-1]
}

// value judges the text of a simple element.
func (c *Checker) value(f *frame, t *grammar.Type) {
	text := c.text[f.from:]
	if len(text) == 0 && f.elem != nil && f.elem.Default {
		text = []byte(f.elem.Text)
	}
	switch code := t.Simple.Check(text, &c.scratch); {
	case f.failed:
	case code != "":
		c.violates(code, "")
	case f.elem != nil && f.elem.HasFixed && !c.equal(t.Simple, text, f.elem.Fixed):
		c.violates("schema.const", "")
	}
	if len(c.ids.selected) > 0 {
		c.field(t.Simple, text, "", "", false)
	}
}

// complete reports what is missing at the end of an element.
func (c *Checker) complete(f *frame, t *grammar.Type) {
	m := t.Model
	switch {
	case m == nil:
	case m.All != nil:
		if f.some == 0 && m.Optional {
			return
		}
		for i, p := range m.All {
			if p.Min == 1 && f.some>>i&1 == 0 {
				c.violates("schema.required", p.Element.Name.Local)
			}
		}
	default:
		s := &m.States[f.state]
		if s.Accept && (!s.Counted || int(f.count) >= s.Low) {
			return
		}
		if s.Counted && int(f.count) < s.Low {
			c.violates("schema.min_items", "")
			return
		}
		c.missing(f, m)
	}
}

// missing reports the elements on the shortest way to the end.
func (c *Checker) missing(f *frame, m *grammar.Model) {
	at := int(f.state)
	for range m.States {
		s := &m.States[at]
		if s.Accept {
			return
		}
		if len(s.Edges) == 0 { // a choice of nothing
			c.violates("schema.required", "")
			return
		}
		e := &s.Edges[0]
		name := ""
		if e.Element != nil {
			name = e.Element.Name.Local
		}
		c.violates("schema.required", name)
		if e.To == at || e.Element == nil {
			return
		}
		at = e.To
	}
}

// once reports what would repeat itself for every child.
func (c *Checker) once(f *frame, code string) {
	if !f.failed {
		f.failed = true
		c.violates(code, "")
	}
}

// violates notes a violation of the innermost open element, or of its member.
func (c *Checker) violates(code, member string) {
	if len(c.found) > MaxViolations {
		return
	}
	v := Violation{Record: -1, Code: code}
	var path strings.Builder
	for i := 1; i < len(c.frames); i++ {
		f := &c.frames[i]
		if f.elem == nil {
			break
		}
		if i == 2 && c.schema.holder != nil && c.frames[1].elem == c.schema.holder && f.elem == c.schema.records {
			v.Record = int(c.frames[1].kids) - 1
			path.Reset()
			continue
		}
		path.WriteString("/" + f.elem.Name.Local)
		if f.run > 1 {
			path.WriteString("[" + strconv.Itoa(int(f.run)) + "]")
		}
	}
	if member != "" {
		path.WriteString("/" + member)
	}
	v.Path = path.String()
	c.found = append(c.found, v)
}
