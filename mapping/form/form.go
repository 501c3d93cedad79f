package form

import (
	"strings"

	"birgeoqy.kz/almasu/schemas"
)

// Kind is how a value is written where the form tells kinds apart.
type Kind uint8

// The kinds of values. An Integer is a decimal number without leading zeros, a Boolean is true or false.
const (
	String Kind = iota
	Integer
	Boolean
)

// Field is one target of a record or of a header.
type Field struct {
	// Path is the names from the outermost object to the value itself. In XML the last may be an attribute, with @ before it, also of an element that
	// is a value itself; and [n] behind a name tells elements of one name apart, which stand in the order of their first fields.
	Path []string
	Kind Kind
	// Null says that a missing value is written as null instead of being omitted.
	Null bool
	// Heading is the column's heading in a table; empty: the path.
	Heading string
}

// Form writes one document after another. It is used by one goroutine.
type Form interface {
	// Begin appends what stands before the records. header has a value for each header field, none of them missing.
	Begin(dst []byte, header [][]byte) []byte
	// Record appends the n-th record, counted from 0; values has one for each field. A code says that the value of
	// a field cannot be written in this form; then dst is returned as it was.
	Record(dst []byte, n int, values [][]byte) (out []byte, field int, code string)
	// End appends what stands after the records.
	End(dst []byte) []byte
}

// Layout is what a document consists of.
type Layout struct {
	// HeaderName is the member that holds the header; empty if there is none. RecordsName holds the records.
	HeaderName, RecordsName string
	Header, Records         Tree
}

// Tree is fields arranged in objects: an object stands where its first field stands.
type Tree struct {
	Fields []Field
	ops    []op
}

// op is one step through a tree: a value, or the begin or end of an object.
type op struct {
	kind  opKind
	field int    // of a value
	name  []byte // of a value or an object
	// within are the fields that make an object worth writing (not those of attributes beside a value), and after is the op behind its end.
	within []int
	after  int
}

type opKind uint8

const (
	opValue opKind = iota
	opBegin
	opEnd
)

// branch is a value or an object while a tree is made.
type branch struct {
	name     string
	field    int // -1 of an object
	children []*branch
}

// NewTree arranges fields. No field's path is another's, or lies within another's, but for attributes.
func NewTree(fields []Field) Tree {
	root := &branch{field: -1}
	for i, f := range fields {
		at := root
		for _, name := range f.Path {
			at = at.child(name)
		}
		at.field = i
	}
	t := Tree{Fields: fields}
	for _, b := range root.children {
		b.appendOps(&t.ops)
	}
	return t
}

func (b *branch) child(name string) *branch {
	for _, c := range b.children {
		if c.name == name {
			return c
		}
	}
	c := &branch{name: name, field: -1}
	b.children = append(b.children, c)
	return c
}

// textName is the name of an element's own value beside its attributes, in events.
const textName = "#text"

func (b *branch) appendOps(ops *[]op) {
	name, _, _ := strings.Cut(b.name, "[")
	if b.field >= 0 && len(b.children) == 0 {
		*ops = append(*ops, op{kind: opValue, field: b.field, name: []byte(name)})
		return
	}
	at := len(*ops)
	*ops = append(*ops, op{kind: opBegin, name: []byte(name), within: b.leaves(nil)})
	for _, c := range b.children {
		c.appendOps(ops)
	}
	if b.field >= 0 {
		*ops = append(*ops, op{kind: opValue, field: b.field, name: []byte(textName)})
	}
	*ops = append(*ops, op{kind: opEnd, name: []byte(name)})
	(*ops)[at].after = len(*ops)
}

func (b *branch) leaves(list []int) []int {
	if b.field >= 0 {
		return append(list, b.field)
	}
	for _, c := range b.children {
		list = c.leaves(list)
	}
	return list
}

// written reports whether one of the fields inside an object has something to write.
func (t *Tree) written(o *op, values [][]byte) bool {
	for _, k := range o.within {
		if values[k] != nil || t.Fields[k].Null {
			return true
		}
	}
	return false
}

// Events sends the events of the object that the values make.
func (t *Tree) Events(values [][]byte, to schemas.Events) {
	to.Event(schemas.Object, nil)
	for i := 0; i < len(t.ops); i++ {
		o := &t.ops[i]
		switch o.kind {
		case opBegin:
			if !t.written(o, values) {
				i = o.after - 1
				continue
			}
			to.Event(schemas.Name, o.name)
			to.Event(schemas.Object, nil)
		case opEnd:
			to.Event(schemas.EndObject, nil)
		case opValue:
			f := &t.Fields[o.field]
			if v := values[o.field]; v != nil {
				to.Event(schemas.Name, o.name)
				to.Event(eventOf(f.Kind, v), v)
			} else if f.Null {
				to.Event(schemas.Name, o.name)
				to.Event(schemas.Null, nil)
			}
		}
	}
	to.Event(schemas.EndObject, nil)
}

func eventOf(k Kind, v []byte) schemas.Kind {
	switch {
	case k == Integer:
		return schemas.Number
	case k == Boolean && v[0] == 't':
		return schemas.True
	case k == Boolean:
		return schemas.False
	}
	return schemas.String
}
