package xsd

import (
	"bytes"

	"birgeoqy.kz/almasu/schemas/xmlscan"
	"birgeoqy.kz/almasu/schemas/xsd/grammar"
	"birgeoqy.kz/almasu/schemas/xsd/simple"
)

// Reader judges documents as bytes. It is used by one goroutine.
type Reader struct {
	scanner xmlscan.Scanner
	checker *Checker
	next    xmlscan.Handler
	places  []int
}

// Reader returns a reader of documents.
func (s *Schema) Reader() *Reader {
	r := &Reader{}
	r.checker = s.Checker(&r.scanner)
	r.scanner.Expect(s.grammar.Target)
	return r
}

// Read judges one document; every event goes to next, too, unless that is nil. The error is a [*record.Problem] if the document is
// not well-formed (see [xmlscan]).
func (r *Reader) Read(doc []byte, next xmlscan.Handler) error {
	r.next, r.places = next, r.places[:0]
	r.checker.Begin()
	return r.scanner.Scan(doc, r)
}

// Checker is the checker that has judged the document.
func (r *Reader) Checker() *Checker { return r.checker }

// Places are the bytes at which the violations were found, one for each.
func (r *Reader) Places() []int { return r.places }

// Start implements xmlscan.Handler.
func (r *Reader) Start(t *xmlscan.Tag) {
	r.checker.Enter(t.Space, t.Local)
	if len(t.Attrs) > 0 {
		r.attributes(t)
	}
	r.note()
	if r.next != nil {
		r.next.Start(t)
	}
}

// attributes takes those of the instance namespace first: they decide what the others mean.
func (r *Reader) attributes(t *xmlscan.Tag) {
	for i := range t.Attrs {
		if a := &t.Attrs[i]; a.Space == grammar.InstanceNamespace {
			r.instance(a.Local, a.Value)
		}
	}
	for i := range t.Attrs {
		a := &t.Attrs[i]
		if a.Space != grammar.InstanceNamespace || !instanceNames[string(a.Local)] {
			r.checker.Attribute(a.Space, a.Local, a.Value)
		}
	}
}

var instanceNames = map[string]bool{"nil": true, "type": true, "schemaLocation": true, "noNamespaceSchemaLocation": true}

func (r *Reader) instance(local, value []byte) {
	if r.checker.skips() {
		return
	}
	value = bytes.Trim(value, " \t\r\n")
	switch string(local) {
	case "nil":
		switch string(value) {
		case "true", "1":
			r.checker.Nil(true)
		case "false", "0":
			r.checker.Nil(false)
		default:
			r.checker.violates("schema.nil", "")
		}
	case "type":
		prefix, name, prefixed := bytes.Cut(value, []byte{':'})
		if !prefixed {
			prefix, name = nil, value
		}
		uri, ok := r.scanner.Resolve(prefix)
		if !ok {
			uri = "\x00" // no namespace has this name
		}
		r.checker.Retype(uri, string(name))
	}
}

// Text implements xmlscan.Handler.
func (r *Reader) Text(b []byte) {
	r.checker.Text(b)
	if r.next != nil {
		r.next.Text(b)
	}
}

// End implements xmlscan.Handler.
func (r *Reader) End() {
	r.checker.Leave()
	r.note()
	if r.next != nil {
		r.next.End()
	}
}

// Leaf implements xmlscan.Handler.
func (r *Reader) Leaf(t *xmlscan.Tag, text []byte) {
	if len(t.Attrs) == 0 {
		r.checker.Leaf(t.Space, t.Local, text)
	} else {
		r.checker.Enter(t.Space, t.Local)
		r.attributes(t)
		r.checker.Text(text)
		r.checker.Leave()
	}
	r.note()
	if r.next != nil {
		r.next.Leaf(t, text)
	}
}

func (r *Reader) note() {
	for len(r.places) < len(r.checker.found) {
		r.places = append(r.places, r.scanner.Offset())
	}
}

var _ simple.Context = (*xmlscan.Scanner)(nil)
