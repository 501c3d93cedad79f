// Package records counts the records of a document as it is read, and finds values that two of them share where each must have its own.
//
// The records are the elements of the array that is the member of a given name in the document's object. A unique field is a member of a record,
// whose text or number is compared byte for byte; any other kind of value is not compared, and neither is what lies deeper. Memory is that of one document's unique values, and is used
// again for the next one.
package records

import "birgeoqy.kz/almasu/schemas"

// Repeat says that a unique field of a record has the value of an earlier one. Records and fields are counted from 0.
type Repeat struct{ Record, First, Field int }

// Records takes the events of one document after another. It is used by one goroutine.
type Records struct {
	member  string
	unique  []string
	seen    []firsts
	repeats []Repeat

	depth  int
	next   bool // the next value is the array of records
	inside bool // the array of records is open
	count  int
	field  int // the unique field whose value comes next, -1 if none
}

// Depth is how many objects and arrays are around what is looked at: the members of a record are inside the document's object, the array and the record.
const Depth = 3

// New returns a Records for documents whose records are in member; without a member there are none.
func New(member string, unique []string) *Records {
	r := &Records{member: member, unique: unique, seen: make([]firsts, len(unique))}
	r.Begin()
	return r
}

// Begin begins a new document and forgets everything of an earlier one.
func (r *Records) Begin() {
	r.depth, r.next, r.inside, r.count, r.field, r.repeats = 0, false, false, 0, -1, r.repeats[:0]
	for i := range r.seen {
		r.seen[i].reset()
	}
}

// Count is the number of records that have begun.
func (r *Records) Count() int { return r.count }

// Repeats are in the order of the document; they are valid until the next event.
func (r *Records) Repeats() []Repeat { return r.repeats }

// Event implements schemas.Events.
func (r *Records) Event(k schemas.Kind, text []byte) {
	switch k {
	case schemas.Name:
		switch {
		case r.depth == Depth && r.inside:
			r.name(text)
		case r.depth == 1:
			r.next = r.member != "" && string(text) == r.member
		}
	case schemas.EndObject, schemas.EndArray:
		if r.depth--; r.depth == 1 {
			r.inside = false
		}
	case schemas.Object, schemas.Array:
		if r.depth <= Depth {
			r.begins(k)
		}
		r.depth++
	default:
		if r.depth > Depth {
			return
		}
		if r.field >= 0 && (k == schemas.String || k == schemas.Number) {
			r.value(text)
		}
		r.begins(k)
	}
}

// begins treats a value outside records, a record, or a member of one.
func (r *Records) begins(k schemas.Kind) {
	if r.inside && r.depth == Depth-1 {
		r.count++
	}
	r.inside = r.inside || r.next && r.depth == 1 && k == schemas.Array
	r.next, r.field = false, -1
}

func (r *Records) name(text []byte) {
	for i, name := range r.unique {
		if string(text) == name {
			r.field = i
		}
	}
}

func (r *Records) value(text []byte) {
	if first, again := r.seen[r.field].first(text, r.count-1); again {
		r.repeats = append(r.repeats, Repeat{Record: r.count - 1, First: first, Field: r.field})
	}
}
