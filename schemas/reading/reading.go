// Package reading judges whole documents as they arrive, in the form that their schema is of, and tells what is in them by the same events for
// every form. The receiving side reads with it.
package reading

import (
	"math"

	"birgeoqy.kz/almasu/schemas"
	"birgeoqy.kz/almasu/schemas/xmlscan"
	"birgeoqy.kz/almasu/schemas/xsd"
	"birgeoqy.kz/almasu/schemas/xsd/grammar"
)

// Reader judges documents of a schema's form, one after another, and passes their events on. It is used by one goroutine.
type Reader struct {
	schema *schemas.Schema
	json   *schemas.Checker
	xml    *xsd.Reader
	to     schemas.Events
	depth  int // events inside more objects and arrays than this are not told
	inside int // of JSON: how many are open
	// Of XML: the open elements, and the text of the innermost.
	open []opened
	text []byte
}

// opened is an open element.
type opened struct {
	object bool // its Object or Array has been sent
	array  bool
	null   bool
}

// New returns a reader of a schema's documents.
func New(s *schemas.Schema) *Reader { return NewShallow(s, math.MaxInt) }

// NewShallow is New, but what lies inside more objects and arrays than depth is judged and not told: an object there is told as one without members.
func NewShallow(s *schemas.Schema, depth int) *Reader {
	if x := s.XML(); x != nil {
		return &Reader{schema: s, xml: x.Reader(), depth: depth}
	}
	return &Reader{schema: s, json: s.Checker(), depth: depth}
}

// Read judges one document and sends its events to to. Of XML the events are those that an encoder sends: the element with the records is an array, an
// element without children and attributes a String, another one an object; attributes have @ before their names, text beside attributes is
// the member "#text"; names are local. The error is a [*record.Problem] if the document is not well-formed.
func (r *Reader) Read(doc []byte, to schemas.Events) error {
	r.to = to
	if r.xml != nil {
		r.open = r.open[:0]
		return r.xml.Read(doc, r)
	}
	r.json.Begin()
	r.inside = 0
	return schemas.Scan(doc, r)
}

// Broken reports whether the document that was read breaks the schema.
func (r *Reader) Broken() bool {
	if r.xml != nil {
		return len(r.xml.Checker().Found()) > 0
	}
	return r.json.Settle(func(string, string) {}) > 0
}

// Event implements schemas.Events, for JSON.
func (r *Reader) Event(k schemas.Kind, text []byte) {
	r.json.Event(k, text)
	if k == schemas.EndObject || k == schemas.EndArray {
		r.inside--
	}
	if r.inside <= r.depth {
		r.to.Event(k, text)
	}
	if k == schemas.Object || k == schemas.Array {
		r.inside++
	}
}

// Start implements xmlscan.Handler.
func (r *Reader) Start(t *xmlscan.Tag) {
	r.text = r.text[:0]
	n := len(r.open)
	if n > 0 {
		r.member(n, t.Local)
	}
	r.open = append(r.open, opened{array: n == 1 && string(t.Local) == r.schema.Records()})
	if n > r.depth {
		return
	}
	top := &r.open[n]
	if n == 0 || top.array || r.open[n-1].array {
		r.begin(top)
	}
	for i := range t.Attrs {
		a := &t.Attrs[i]
		if a.Space == grammar.InstanceNamespace {
			top.null = top.null || string(a.Local) == "nil" && (string(a.Value) == "true" || string(a.Value) == "1")
			continue
		}
		if top.array {
			continue
		}
		if r.begin(top); n < r.depth {
			r.to.Event(schemas.Name, append(append(r.text[:0], '@'), a.Local...))
			r.to.Event(schemas.String, a.Value)
		}
	}
	r.text = r.text[:0]
}

// member begins what is inside n elements.
func (r *Reader) member(n int, name []byte) {
	if n-1 > r.depth {
		return
	}
	around := &r.open[n-1]
	if r.begin(around); n <= r.depth && !around.array {
		r.to.Event(schemas.Name, name)
	}
}

// begin sends the begin of an object or array, if it has not been sent.
func (r *Reader) begin(o *opened) {
	if o.object {
		return
	}
	o.object = true
	if o.array {
		r.to.Event(schemas.Array, nil)
		return
	}
	r.to.Event(schemas.Object, nil)
}

// Text implements xmlscan.Handler.
func (r *Reader) Text(b []byte) { r.text = append(r.text, b...) }

// End implements xmlscan.Handler.
func (r *Reader) End() {
	n := len(r.open) - 1
	o := r.open[n]
	r.open = r.open[:n]
	switch {
	case n > r.depth:
	case o.array && o.object:
		r.to.Event(schemas.EndArray, nil)
	case o.object:
		if n < r.depth && len(r.text) > 0 && !blank(r.text) {
			r.to.Event(schemas.Name, textName)
			r.to.Event(schemas.String, r.text)
		}
		r.to.Event(schemas.EndObject, nil)
	case o.null:
		r.to.Event(schemas.Null, nil)
	default:
		r.to.Event(schemas.String, r.text)
	}
	r.text = r.text[:0]
}

// Leaf implements xmlscan.Handler.
func (r *Reader) Leaf(t *xmlscan.Tag, text []byte) {
	n := len(r.open)
	if n < 2 || r.open[n-1].array || len(t.Attrs) > 0 { // it may be the array, or a record, or is an object
		r.Start(t)
		r.Text(text)
		r.End()
		return
	}
	if r.member(n, t.Local); n <= r.depth {
		r.to.Event(schemas.String, text)
	}
	r.text = r.text[:0]
}

// textName is the member for the text of an element with attributes.
var textName = []byte("#text")

func blank(b []byte) bool {
	for _, c := range b {
		if !xmlscan.IsSpace(c) {
			return false
		}
	}
	return true
}
