package mapping

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas"
)

// op is one step of writing a record or a header: a member, or the begin or end of an object.
type op struct {
	kind opKind
	// slot is the row's number; of an object, slots are those of all values in it.
	slot  int
	slots []int
	// skip is where to go on if none of an object's values is there.
	skip int
	row  *row
	// name is the member's name, and prefix the bytes `,"name":`.
	name, prefix []byte
}

type opKind uint8

const (
	opValue opKind = iota
	opBegin
	opEnd
)

// branch is an object of targets while a program is made.
type branch struct {
	name     string
	slot     int // of a value, -1 of an object
	children []*branch
}

// program orders targets into objects: an object stands where its first target stands.
func program(rows []*row) []op {
	root := &branch{slot: -1}
	for i, r := range rows {
		at := root
		parts := strings.Split(r.target, "/")
		for k, part := range parts {
			var next *branch
			for _, b := range at.children {
				if b.name == part {
					next = b
				}
			}
			if next == nil {
				next = &branch{name: part, slot: -1}
				at.children = append(at.children, next)
			}
			if at = next; k == len(parts)-1 {
				at.slot = i
			}
		}
	}
	var ops []op
	for _, b := range root.children {
		ops = b.appendOps(ops, rows)
	}
	return ops
}

func (b *branch) appendOps(ops []op, rows []*row) []op {
	o := op{name: []byte(b.name), prefix: append(appendString([]byte{','}, []byte(b.name)), ':')}
	if b.slot >= 0 {
		o.slot, o.row = b.slot, rows[b.slot]
		return append(ops, o)
	}
	o.kind, o.slots = opBegin, b.leaves(nil)
	at := len(ops)
	ops = append(ops, o)
	for _, child := range b.children {
		ops = child.appendOps(ops, rows)
	}
	ops = append(ops, op{kind: opEnd})
	ops[at].skip = len(ops)
	return ops
}

func (b *branch) leaves(list []int) []int {
	if b.slot >= 0 {
		return append(list, b.slot)
	}
	for _, child := range b.children {
		list = child.leaves(list)
	}
	return list
}

func (e *Encoder) encode(dst []byte, p people, h *DocHeader) ([]byte, *Result, error) {
	e.result.Rows, e.result.Withheld, e.result.People = e.result.Rows[:0], e.result.Withheld[:0], 0
	for _, text := range []string{h.Sender, h.Recipient, h.Route, h.Purpose, h.Path, h.Ground} {
		if !utf8.ValidString(text) {
			return dst, nil, record.NewProblem("mapping.header_invalid", e.table.at, "", "a text for the document's header is not UTF-8")
		}
	}
	start := len(dst)
	e.sink.Begin()
	e.sink.Event(schemas.Object, nil)
	dst = append(dst, '{')
	if len(e.header) > 0 {
		dst = e.writeHeader(dst, h)
	}
	if err := e.settleDocument("mapping.header_invalid", "the document's header"); err != nil {
		return dst[:start], nil, err
	}
	dst = e.member(dst, e.table.recordsName)
	e.sink.Event(schemas.Array, nil)
	dst = append(dst, '[')
	for i := range p.Len() {
		dst = e.person(dst, p, i)
	}
	e.sink.Mark()
	e.sink.Event(schemas.EndArray, nil)
	e.sink.Event(schemas.EndObject, nil)
	if len(e.result.Rows) == 0 {
		return dst[:start], &e.result, nil
	}
	if err := e.settleDocument("mapping.document_invalid", "the document outside header and records"); err != nil {
		return dst[:start], nil, err
	}
	return append(dst, "]}\n"...), &e.result, nil
}

// settleDocument turns violations outside records into one error.
func (e *Encoder) settleDocument(code, what string) error {
	var found []string
	if e.sink.Settle(func(path, code string) { found = append(found, path+" "+code) }) == 0 {
		return nil
	}
	return record.NewProblem(code, e.table.at, "change the mapping's header or the schema", "%s breaks the schema: %s", what, strings.Join(found, ", "))
}

// person writes one record, or withholds it.
func (e *Encoder) person(dst []byte, p people, i int) []byte {
	e.row = int32(i)
	if !e.fill(p, i) {
		e.result.People++
		return dst
	}
	start := len(dst)
	if len(e.result.Rows) > 0 {
		dst = append(dst, ',')
	}
	e.sink.Mark()
	if dst = e.object(dst, e.ops); e.sink.Settle(e.report) > 0 {
		e.result.People++
		return dst[:start]
	}
	e.result.Rows = append(e.result.Rows, e.row)
	return dst
}

// object writes an object whose members are the ops' values.
func (e *Encoder) object(dst []byte, ops []op) []byte {
	e.sink.Event(schemas.Object, nil)
	dst = append(dst, '{')
	for i := 0; i < len(ops); i++ {
		switch o := &ops[i]; o.kind {
		case opValue:
			dst = e.writeValue(dst, o)
		case opBegin:
			if !e.anyOf(o.slots) {
				i = o.skip - 1
				continue
			}
			dst = append(e.name(dst, o), '{')
			e.sink.Event(schemas.Object, nil)
		case opEnd:
			dst = append(dst, '}')
			e.sink.Event(schemas.EndObject, nil)
		}
	}
	e.sink.Event(schemas.EndObject, nil)
	return append(dst, '}')
}

// anyOf reports whether one of the slots has something to write.
func (e *Encoder) anyOf(slots []int) bool {
	for _, k := range slots {
		if e.values[k] != nil || e.slots[k].null {
			return true
		}
	}
	return false
}

// name writes a member's name, after a comma unless it is an object's first.
func (e *Encoder) name(dst []byte, o *op) []byte {
	e.sink.Event(schemas.Name, o.name)
	if dst[len(dst)-1] == '{' {
		return append(dst, o.prefix[1:]...)
	}
	return append(dst, o.prefix...)
}

func (e *Encoder) writeValue(dst []byte, o *op) []byte {
	v := e.values[o.slot]
	if v != nil {
		return e.scalar(e.name(dst, o), o.row.kind, v)
	}
	if !o.row.null {
		return dst
	}
	dst = e.name(dst, o)
	e.sink.Event(schemas.Null, nil)
	return append(dst, "null"...)
}

func (e *Encoder) scalar(dst []byte, kind valueKind, v []byte) []byte {
	switch kind {
	case asInteger:
		e.sink.Event(schemas.Number, v)
		return append(dst, v...)
	case asBoolean:
		k := schemas.False
		if v[0] == 't' {
			k = schemas.True
		}
		e.sink.Event(k, nil)
		return append(dst, v...)
	}
	e.sink.Event(schemas.String, v)
	return appendString(dst, v)
}

// member writes the name of a member of the document itself.
func (e *Encoder) member(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	e.sink.Event(schemas.Name, []byte(name))
	return append(appendString(dst, []byte(name)), ':')
}

func (e *Encoder) writeHeader(dst []byte, h *DocHeader) []byte {
	dst = e.member(dst, e.table.headerName)
	e.sink.Event(schemas.Object, nil)
	dst = append(dst, '{')
	for i := range e.header {
		switch o := &e.header[i]; o.kind {
		case opBegin:
			dst = append(e.name(dst, o), '{')
			e.sink.Event(schemas.Object, nil)
		case opEnd:
			dst = append(dst, '}')
			e.sink.Event(schemas.EndObject, nil)
		case opValue:
			dst = e.headerValue(e.name(dst, o), o.row, h)
		}
	}
	e.sink.Event(schemas.EndObject, nil)
	return append(dst, '}')
}

func (e *Encoder) headerValue(dst []byte, r *row, h *DocHeader) []byte {
	switch {
	case r.constant != nil:
		return e.scalar(dst, r.kind, []byte(*r.constant))
	case r.from == "provenance":
		return e.provenance(dst)
	}
	return e.scalar(dst, r.kind, norm.NFC.Bytes(h.appendSource(nil, r.from)))
}

// provenance writes the mark of every target that has a source (policy 2.4): what the platform's own form
// says is declared by the person and verified by nobody.
func (e *Encoder) provenance(dst []byte) []byte {
	e.sink.Event(schemas.Object, nil)
	dst = append(dst, '{')
	for _, r := range e.table.rows {
		if r.constant != nil {
			continue
		}
		e.sink.Event(schemas.Name, []byte(r.target))
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, []byte(r.target)), ':')
		dst = e.scalar(dst, asString, []byte(SelfDeclared))
	}
	e.sink.Event(schemas.EndObject, nil)
	return append(dst, '}')
}

// SelfDeclared is the mark of a value that the person gave in the platform's own form (policy 2.4, rule QUAL-1).
const SelfDeclared = "self_declared"
