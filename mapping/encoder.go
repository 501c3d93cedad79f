package mapping

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping/form"
	"birgeoqy.kz/almasu/mapping/judging"
	"birgeoqy.kz/almasu/mapping/transform"
	"birgeoqy.kz/almasu/schemas"
)

// Sink takes the events of a document as its bytes are written, and judges them. A compiled schema's
// [schemas.Checker] is one. A Sink is used by one goroutine.
type Sink interface {
	// Begin begins a new document and forgets everything of an earlier one.
	Begin()
	// Event takes one event; text is valid only during the call, that of a Name until the next event.
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
	// Marks say where the values of each field come from; a field without one is [SelfDeclared].
	Marks []legal.Mark
}

// mark is the mark of what is made of these fields: verified if each of them is, by the first one's source.
func (h *DocHeader) mark(fields []string) string {
	truth := SelfDeclared
	for n, f := range fields {
		i := slices.IndexFunc(h.Marks, func(m legal.Mark) bool { return m.Field == f })
		if i < 0 || h.Marks[i].Truth == SelfDeclared {
			return SelfDeclared
		}
		if n == 0 {
			truth = h.Marks[i].Truth
		}
	}
	return truth
}

// headerSources are the words that a header row's from may be.
var headerSources = map[string]bool{"transfer": true, "message": true, "batch": true, "sender": true, "recipient": true, "route": true,
	"purpose": true, "path": true, "ground": true, "created": true, provenance: true}

// provenance is the header source that stands for the marks of all targets; loading puts a row for each in its place.
const provenance = "provenance"

// appendSource appends the text of a header source.
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
	judge   judging.Asked // nil without another program
	starts  []int         // for the judge: where each record begins in the bytes, and where the last one ends
	form    form.Form
	layout  form.Layout
	slots   []slot
	values  [][]byte // of the record at hand, nil if missing
	scratch transform.Scratch
	result  Result
	row     int32
	report  func(path, code string)
}

// slot is a row bound to the columns of a Cleared.
type slot struct {
	*row
	columns  []int
	constant []byte
	marked   []byte // of a row that marks
}

// notCleared stands for the column of a field that a run clears for nobody.
const notCleared = -1

// Bind compiles the table for rows whose fields are in the order of [legal.Gate.Fields]. sink judges every document; there is no encoder without one. A field of
// the table that is not among fields is missing in every record; for a required target that is an error.
func (t *Table) Bind(fields []string, sink Sink) (*Encoder, error) {
	if sink == nil {
		return nil, record.NewProblem("mapping.no_sink", t.at, "", "a document without a schema is not written")
	}
	e := &Encoder{table: t, sink: sink, layout: t.layout()}
	if j, ok := sink.(judged); ok {
		e.sink, e.judge = j.Sink, j.judge
	}
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
	e.form = formats[t.format].make(t, e.layout)
	e.values = make([][]byte, len(e.slots))
	e.report = e.schemaViolation
	return e, nil
}

// Mask has bit f set if a target has the f-th of the fields given to [Table.Bind] as a source: what is not in it leaves with nobody.
func (e *Encoder) Mask() uint64 {
	var mask uint64
	for _, s := range e.slots {
		for _, c := range s.columns {
			if c != notCleared {
				mask |= 1 << c
			}
		}
	}
	return mask
}

// layout arranges the targets.
func (t *Table) layout() form.Layout {
	tree := func(rows []*row) form.Tree {
		fields := make([]form.Field, len(rows))
		for i, r := range rows {
			fields[i] = form.Field{Path: strings.Split(r.target, "/"), Kind: r.kind, Null: r.null, Heading: r.heading}
		}
		return form.NewTree(fields)
	}
	return form.Layout{HeaderName: t.headerName, RecordsName: t.recordsName, Header: tree(t.header), Records: tree(t.rows)}
}

// Encode appends one document with all people of c to dst. If nobody remains, nothing is appended. The error says why no
// document can be written at all: its header, or its number of records, breaks the schema.
func (e *Encoder) Encode(dst []byte, c *legal.Cleared, h DocHeader) ([]byte, *Result, error) {
	if c == nil {
		return dst, nil, record.NewProblem("mapping.no_cleared", "", "", "nobody was cleared")
	}
	return e.encode(dst, c, &h)
}

// EncodeTable is Encode for a table of counts, on a table of rows that was bound to [legal.Columns]: a record for each of its rows.
func (e *Encoder) EncodeTable(dst []byte, d *legal.Depersonalised, h DocHeader) ([]byte, *Result, error) {
	if d == nil {
		return dst, nil, record.NewProblem("mapping.no_cleared", "", "", "nobody was counted")
	}
	return e.encode(dst, d, &h)
}

func (e *Encoder) encode(dst []byte, p people, h *DocHeader) ([]byte, *Result, error) {
	e.result.Rows, e.result.Withheld, e.result.People, e.starts = e.result.Rows[:0], e.result.Withheld[:0], 0, e.starts[:0]
	header, err := e.header(h)
	if err != nil {
		return dst, nil, err
	}
	for k := range e.slots {
		if s := &e.slots[k]; s.mark {
			s.marked = append(s.marked[:0], h.mark(s.fields)...)
		}
	}
	start := len(dst)
	dst = e.form.Begin(dst, header)
	e.sink.Event(schemas.Name, []byte(e.layout.RecordsName))
	e.sink.Event(schemas.Array, nil)
	for i := range p.Len() {
		dst = e.person(dst, p, i)
	}
	if len(e.result.Rows) == 0 {
		return dst[:start], &e.result, nil
	}
	e.sink.Mark()
	e.sink.Event(schemas.EndArray, nil)
	e.sink.Event(schemas.EndObject, nil)
	if err := e.settleDocument("mapping.document_invalid", "the document outside header and records"); err != nil {
		return dst[:start], nil, err
	}
	if e.judge != nil {
		e.starts = append(e.starts, len(dst))
		return e.fit(e.form.End(dst), start)
	}
	return e.form.End(dst), &e.result, nil
}

// header begins the document's events and returns the values of the header.
func (e *Encoder) header(h *DocHeader) ([][]byte, error) {
	values := make([][]byte, len(e.table.header))
	for i, r := range e.table.header {
		if r.constant != nil {
			values[i] = []byte(*r.constant)
			continue
		}
		if r.marks != nil {
			values[i] = []byte(h.mark(r.marks))
			continue
		}
		text := h.appendSource(nil, r.from)
		if !utf8.Valid(text) || bytes.ContainsFunc(text, unicode.IsControl) {
			return nil, record.NewProblem("mapping.header_invalid", r.where, "", "the text for %s is not UTF-8, or holds control characters", r.target)
		}
		values[i] = norm.NFC.Bytes(text)
	}
	e.sink.Begin()
	e.sink.Event(schemas.Object, nil)
	if e.layout.HeaderName != "" {
		e.sink.Event(schemas.Name, []byte(e.layout.HeaderName))
		e.layout.Header.Events(values, e.sink)
	}
	return values, e.settleDocument("mapping.header_invalid", "the document's header")
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
	out, field, code := e.form.Record(dst, len(e.result.Rows), e.values)
	if code != "" {
		e.withhold(e.slots[field].target, code)
		e.result.People++
		return dst
	}
	e.sink.Mark()
	if e.layout.Records.Events(e.values, e.sink); e.sink.Settle(e.report) > 0 {
		e.result.People++
		return out[:len(dst)]
	}
	e.result.Rows = append(e.result.Rows, e.row)
	if e.judge != nil {
		e.starts = append(e.starts, len(dst))
	}
	return out
}

// fill computes the values of person i and reports whether all is well; what is not is in the result.
func (e *Encoder) fill(p people, i int) bool {
	ok := true
	e.scratch.Reset()
	for k := range e.slots {
		s := &e.slots[k]
		if s.constant != nil {
			e.values[k] = s.constant
			continue
		}
		v, code := e.value(s, p, i)
		if s.mark && len(v) > 0 {
			v = s.marked
		}
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
	e.scratch.Start()
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
	if !e.scratch.Look(v) {
		return nil, "mapping.bad_utf8"
	}
	return v, ""
}

func (e *Encoder) joined(s *slot, p people, i int) ([]byte, string) {
	var whole []byte
	separator := ""
	for _, column := range s.columns {
		v, code := e.source(p, i, column)
		if code == "" {
			v, code = s.before.Run(&e.scratch, v)
		}
		if code != "" || len(v) == 0 {
			return nil, code
		}
		whole = e.scratch.Join(whole, separator, v)
		separator = *s.join
	}
	return whole, ""
}

// finish does what comes after the joining of sources.
func (e *Encoder) finish(s *slot, v []byte) ([]byte, string) {
	v, code := s.after.Run(&e.scratch, v)
	if code != "" || len(v) == 0 {
		return nil, code
	}
	v = e.scratch.Compose(v)
	if s.codes != nil {
		to, ok := s.codes.codes[string(v)]
		if !ok {
			return nil, "mapping.code_unmapped"
		}
		v = to
	}
	if s.kind != form.String && !fits(s.kind, v) {
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
