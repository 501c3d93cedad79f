package mapping

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas"
)

// Sink takes the events of a document as its bytes are written, and judges them. A compiled schema's
// [schemas.Checker] is one. A Sink is used by one goroutine.
type Sink interface {
	// Begin begins a new document and forgets everything of an earlier one.
	Begin()
	// Event takes one event; text is valid only during the call.
	Event(k schemas.Kind, text []byte)
	// Mark remembers the place before a record.
	Mark()
	// Settle calls report for each violation since Mark (before the first Mark: since Begin) and returns their number. path is a
	// JSON pointer, from the record if the violation lies in one. If there is a violation, the events since Mark are forgotten.
	Settle(report func(path, code string)) int
}

// DocHeader is what a document's header can say about its transfer.
type DocHeader struct {
	Transfer, Message record.ID
	// Batch counts a transfer's documents from 1.
	Batch int
	// Sender and Recipient are BINs.
	Sender, Recipient string
	Route, Purpose    string
	// Path is "consent" or "statute"; Ground cites the legal basis.
	Path, Ground string
	// Created is written in UTC, to the second.
	Created time.Time
}

// headerSources are the words that a header row's from may be.
var headerSources = map[string]bool{"transfer": true, "message": true, "batch": true, "sender": true, "recipient": true, "route": true,
	"purpose": true, "path": true, "ground": true, "created": true, "provenance": true}

// appendSource appends the text of a header source other than provenance.
func (h *DocHeader) appendSource(dst []byte, name string) []byte {
	switch name {
	case "transfer":
		return append(dst, h.Transfer.String()...)
	case "message":
		return append(dst, h.Message.String()...)
	case "batch":
		return fmt.Append(dst, h.Batch)
	case "sender":
		return append(dst, h.Sender...)
	case "recipient":
		return append(dst, h.Recipient...)
	case "route":
		return append(dst, h.Route...)
	case "purpose":
		return append(dst, h.Purpose...)
	case "path":
		return append(dst, h.Path...)
	case "ground":
		return append(dst, h.Ground...)
	default:
		return h.Created.UTC().AppendFormat(dst, time.RFC3339)
	}
}

// Withheld is one reason why a cleared person is not in the document.
type Withheld struct {
	// Row is the index in the Cleared.
	Row int32
	// Target is the target path, e.g. "address/region".
	Target string
	// Code is a mapping.* code (see the package comment), or a schema.* code.
	Code string
}

// Result says what became of each cleared person: each is in Rows once, or in Withheld once or more. It is valid until
// the encoder is used again.
type Result struct {
	// Rows has, for each record of the document in order, its index in the Cleared.
	Rows []int32
	// Withheld is ordered by Row.
	Withheld []Withheld
	// People is the number of different rows in Withheld.
	People int
}

// people is what an encoder sees of a [legal.Cleared].
type people interface {
	Len() int
	Value(i, f int) (v []byte, ok bool)
}

// Encoder writes the documents of one table, one after another. It is used by one goroutine.
type Encoder struct {
	table   *Table
	sink    Sink
	slots   []slot
	ops     []op
	header  []op
	values  [][]byte // of the record at hand, nil if missing
	scratch scratch
	result  Result
	row     int32
	report  func(path, code string)
}

// slot is a row bound to the columns of a Cleared.
type slot struct {
	*row
	columns  []int
	constant []byte
}

// notCleared stands for the column of a field that a run clears for nobody.
const notCleared = -1

// Bind compiles the table for rows whose fields are in the order of [legal.Gate.Fields]. sink judges every document; there is no encoder without one. A field of
// the table that is not among fields is missing in every record; for a required target that is an error.
func (t *Table) Bind(fields []string, sink Sink) (*Encoder, error) {
	if sink == nil {
		return nil, record.NewProblem("mapping.no_sink", t.at, "", "a document without a schema is not written")
	}
	e := &Encoder{table: t, sink: sink}
	column := map[string]int{}
	for i, f := range fields {
		column[f] = i
	}
	var problems record.Problems
	for _, r := range t.rows {
		s := slot{row: r}
		if r.constant != nil {
			s.constant = []byte(*r.constant)
		}
		for _, f := range r.fields {
			c, ok := column[f]
			if !ok {
				c = notCleared
			}
			if !ok && r.required {
				problems.Add("mapping.field_not_cleared", r.where, "", "the target %s is required, and the run does not clear the field %s", r.target, f)
			}
			s.columns = append(s.columns, c)
		}
		e.slots = append(e.slots, s)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	e.ops, e.header = program(t.rows), program(t.header)
	e.values = make([][]byte, len(e.slots))
	e.report = e.schemaViolation
	return e, nil
}

// Encode appends one document with all people of c to dst. If nobody remains, nothing is appended. The error says why no
// document can be written at all: its header, or its number of records, breaks the schema.
func (e *Encoder) Encode(dst []byte, c *legal.Cleared, h DocHeader) ([]byte, *Result, error) {
	if c == nil {
		return dst, nil, record.NewProblem("mapping.no_cleared", "", "", "nobody was cleared")
	}
	return e.encode(dst, c, &h)
}

// fill computes the values of person i and reports whether all is well; what is not is in the result.
func (e *Encoder) fill(p people, i int) bool {
	ok := true
	e.scratch.buf = e.scratch.buf[:0]
	for k := range e.slots {
		s := &e.slots[k]
		if s.constant != nil {
			e.values[k] = s.constant
			continue
		}
		v, code := e.value(s, p, i)
		if code == "" && len(v) == 0 {
			if v = nil; s.required {
				code = "mapping.required_missing"
			}
		}
		if code != "" {
			e.withhold(s.target, code)
			ok = false
		}
		e.values[k] = v
	}
	return ok
}

// value is the finished value of a slot; it is empty if it is missing.
func (e *Encoder) value(s *slot, p people, i int) (v []byte, code string) {
	e.scratch.odd, e.scratch.tidy = false, false
	if s.join == nil {
		v, code = e.source(p, i, s.columns[0])
	} else {
		v, code = e.joined(s, p, i)
	}
	if len(v) == 0 || code != "" {
		return nil, code
	}
	return e.finish(s, v)
}

// source is a value as it was cleared, checked to be UTF-8.
func (e *Encoder) source(p people, i, column int) ([]byte, string) {
	if column == notCleared {
		return nil, ""
	}
	v, ok := p.Value(i, column)
	if !ok {
		return nil, ""
	}
	plain, tidy := look(v)
	if e.scratch.tidy = tidy; !plain {
		e.scratch.odd = true
		if !utf8.Valid(v) {
			return nil, "mapping.bad_utf8"
		}
	}
	return v, ""
}

func (e *Encoder) joined(s *slot, p people, i int) ([]byte, string) {
	start := -1
	var whole []byte
	for n, column := range s.columns {
		v, code := e.source(p, i, column)
		if code == "" {
			v, code = run(&e.scratch, s.before, v)
		}
		if code != "" || len(v) == 0 {
			return nil, code
		}
		// v may lie in the buffer, which may move: the whole is built anew behind it.
		start = len(e.scratch.buf)
		e.scratch.buf = append(e.scratch.buf, whole...)
		if n > 0 {
			e.scratch.buf = append(e.scratch.buf, *s.join...)
		}
		e.scratch.buf = append(e.scratch.buf, v...)
		whole = e.scratch.since(start)
	}
	e.scratch.odd, e.scratch.tidy = true, false
	return whole, ""
}

func run(s *scratch, steps []step, v []byte) ([]byte, string) {
	for _, step := range steps {
		if len(v) == 0 {
			return nil, ""
		}
		var code string
		if v, code = step(s, v); code != "" {
			return nil, code
		}
	}
	return v, ""
}

// finish does what comes after the joining of sources.
func (e *Encoder) finish(s *slot, v []byte) ([]byte, string) {
	v, code := run(&e.scratch, s.after, v)
	if code != "" || len(v) == 0 {
		return nil, code
	}
	if e.scratch.odd {
		v, _ = nfc(&e.scratch, v)
	}
	if s.codes != nil {
		to, ok := s.codes.codes[string(v)]
		if !ok {
			return nil, "mapping.code_unmapped"
		}
		v = to
	}
	if s.kind != asString && !s.kind.fits(v) {
		return nil, "mapping.not_of_type"
	}
	if s.maxLength > 0 && len(v) > s.maxLength && utf8.RuneCount(v) > s.maxLength {
		return nil, "mapping.too_long"
	}
	return v, ""
}

func (e *Encoder) withhold(target, code string) {
	e.result.Withheld = append(e.result.Withheld, Withheld{Row: e.row, Target: target, Code: code})
}

func (e *Encoder) schemaViolation(path, code string) {
	e.withhold(strings.TrimPrefix(path, "/"), code)
}
