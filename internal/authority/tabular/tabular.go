// Package tabular reads tables as the JSON documents that their schema is about: {"<records>": [{..}, ..]}.
//
// Members stand in the order of their columns.
//
// A CSV document (text/csv; charset=utf-8 or windows-1251) or a workbook has a line of headings, which may be in any language, and a line for each
// record; which member of the record a column is, the receiving side has agreed on beforehand. A column is written as a path of names joined by
// slashes, with ":integer" or ":boolean" after it if its cells are no text. An empty cell is a missing member, and an object without members is missing too.
// A JSON Lines document has an object a line.
//
// The delimiter of CSV is the one of comma, semicolon and tab that gives the headings as many columns as were agreed on. A workbook is read
// as package birgeoqy.kz/almasu/mapping/form writes it: one sheet, xl/worksheets/sheet1.xml, inline strings.
//
// Codes: message.media_type for a form that is not read, schema.columns if the number of columns is another, or none were agreed on,
// schema.malformed for anything else.
package tabular

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"birgeoqy.kz/almasu/internal/record"
)

// maxSheet bounds what a workbook is unpacked to.
const maxSheet = 256 << 20

const workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

var (
	errMalformed = record.NewProblem("schema.malformed", "", "", "the document is not of the form that its media type says")
	errColumns   = record.NewProblem("schema.columns", "", "compare the columns that were agreed on (schemas[].columns)", "the table has not the columns that were agreed on")
)

// CheckColumns reports whether the columns are well formed and different.
func CheckColumns(columns []string) bool {
	seen := map[string]bool{}
	for _, c := range columns {
		path, kind, typed := strings.Cut(c, ":")
		if seen[path] || typed && kind != "string" && kind != "integer" && kind != "boolean" {
			return false
		}
		for name := range strings.SplitSeq(path, "/") {
			if name == "" {
				return false
			}
		}
		seen[path] = true
	}
	for path := range seen { // a column is no object beside
		for i := range len(path) {
			if path[i] == '/' && seen[path[:i]] {
				return false
			}
		}
	}
	return true
}

// JSON turns a document into JSON. records is the member that holds the records.
func JSON(document []byte, mediaType, records string, columns []string) ([]byte, error) {
	kind, parameters, _ := strings.Cut(mediaType, ";")
	out := append(make([]byte, 0, 3*len(document)+64), '{') // names of members are longer than delimiters
	w := &writer{out: append(appendString(out, records), ":["...), columns: len(columns)}
	var err error
	switch {
	case kind == "application/jsonl":
		err = w.lines(document)
	case kind != "text/csv" && kind != workbook:
		return nil, record.NewProblem("message.media_type", "", "", "expected JSON, JSON Lines, CSV or a workbook")
	case len(columns) == 0:
		return nil, errColumns
	case kind == workbook:
		w.root = tree(columns)
		err = w.workbook(document)
	default:
		w.root = tree(columns)
		err = w.csv(document, strings.Contains(parameters, "windows-1251"))
	}
	if err != nil {
		return nil, err
	}
	return append(w.out, "]}"...), nil
}

// member is a member of a record: a column, or an object.
type member struct {
	path, kind string
	name       []byte // as JSON, with its colon
	column     int    // -1 for an object
	inner      []member
}

// tree arranges columns as the members of a record.
func tree(columns []string) []member {
	var root []member
	for i, column := range columns {
		path, kind, _ := strings.Cut(column, ":")
		at, names := &root, strings.Split(path, "/")
		for depth, name := range names {
			prefix := strings.Join(names[:depth+1], "/")
			k := slices.IndexFunc(*at, func(m member) bool { return m.path == prefix })
			if k < 0 {
				k = len(*at)
				*at = append(*at, member{path: prefix, name: append(appendString(nil, name), ':'), column: -1})
			}
			if depth == len(names)-1 {
				(*at)[k].column, (*at)[k].kind = i, kind
			}
			at = &(*at)[k].inner
		}
	}
	return root
}

// appendString appends s as a JSON string.
func appendString(out []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			b, _ := json.Marshal(s) // a string is always one
			return append(out, b...)
		}
	}
	return append(append(append(out, '"'), s...), '"')
}

// writer writes records.
type writer struct {
	out     []byte
	root    []member
	columns int
	count   int
}

// next begins a record.
func (w *writer) next() {
	if w.count > 0 {
		w.out = append(w.out, ',')
	}
	w.count++
}

func (w *writer) lines(document []byte) error {
	for line := range bytes.Lines(document) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if !json.Valid(line) || len(line) == 0 || line[0] != '{' {
			return errMalformed
		}
		w.next()
		w.out = append(w.out, line...)
	}
	return nil
}

// row writes one record.
func (w *writer) row(cells []string) (err error) {
	w.next()
	w.out, _, err = appendObject(w.out, w.root, cells)
	return err
}

// appendObject appends the members that have cells, and says how many there are.
func appendObject(out []byte, members []member, cells []string) (_ []byte, n int, err error) {
	out = append(out, '{')
	for i := range members {
		m := &members[i]
		if m.column >= 0 && cells[m.column] == "" {
			continue
		}
		before, inner := len(out), 1
		if n > 0 {
			out = append(out, ',')
		}
		out = append(out, m.name...)
		if m.column >= 0 {
			out, err = appendValue(out, m.kind, cells[m.column])
		} else {
			out, inner, err = appendObject(out, m.inner, cells)
		}
		if err != nil {
			return nil, 0, err
		}
		if inner == 0 {
			out = out[:before]
			continue
		}
		n++
	}
	return append(out, '}'), n, nil
}

func appendValue(out []byte, kind, cell string) ([]byte, error) {
	switch {
	case kind == "integer":
		if c := cell[0]; c != '-' && (c < '0' || c > '9') || !json.Valid([]byte(cell)) {
			return nil, errMalformed
		}
		return append(out, cell...), nil
	case kind == "boolean" && (cell == "true" || cell == "false"):
		return append(out, cell...), nil
	}
	return appendString(out, cell), nil
}

func (w *writer) csv(document []byte, windows1251 bool) error {
	if windows1251 {
		var err error
		if document, err = charmap.Windows1251.NewDecoder().Bytes(document); err != nil {
			return errMalformed
		}
	}
	if !utf8.Valid(document) {
		return errMalformed
	}
	document = bytes.TrimPrefix(document, []byte("\ufeff"))
	text := string(document)
	for _, delimiter := range ",;\t" {
		next := plainRows(text, byte(delimiter))
		if strings.Contains(text, `"`) {
			r := csv.NewReader(strings.NewReader(text))
			r.Comma, r.ReuseRecord = delimiter, true
			next = r.Read
		}
		heading, err := next()
		if err != nil || len(heading) != w.columns {
			continue
		}
		for {
			cells, err := next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil || len(cells) != w.columns {
				return errMalformed
			}
			if err := w.row(cells); err != nil {
				return err
			}
		}
	}
	return errColumns
}

// plainRows reads what [csv.Reader] would read from a text without a quotation mark: lines, but for empty ones, cut at each delimiter. The cells are good until
// the next row; io.EOF follows the last one.
func plainRows(text string, delimiter byte) func() ([]string, error) {
	var cells []string
	return func() ([]string, error) {
		for text != "" {
			var line string
			line, text, _ = strings.Cut(text, "\n")
			if line = strings.TrimSuffix(line, "\r"); line == "" {
				continue
			}
			cells = cells[:0]
			for i := strings.IndexByte(line, delimiter); i >= 0; i = strings.IndexByte(line, delimiter) {
				cells, line = append(cells, line[:i]), line[i+1:]
			}
			return append(cells, line), nil
		}
		return nil, io.EOF
	}
}

// cell is a cell of a sheet.
type cell struct {
	Ref  string `xml:"r,attr"`
	Type string `xml:"t,attr"`
	V    string `xml:"v"`
	Text string `xml:"is>t"`
}

func (w *writer) workbook(document []byte) error {
	z, err := zip.NewReader(bytes.NewReader(document), int64(len(document)))
	if err != nil {
		return errMalformed
	}
	f, err := z.Open("xl/worksheets/sheet1.xml")
	if err != nil {
		return errMalformed
	}
	defer f.Close()
	d := xml.NewDecoder(io.LimitReader(f, maxSheet))
	for first := true; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errMalformed
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "row" {
			continue
		}
		var row struct {
			Cells []cell `xml:"c"`
		}
		if d.DecodeElement(&row, &start) != nil {
			return errMalformed
		}
		cells := make([]string, w.columns)
		for _, c := range row.Cells {
			i := column(c.Ref)
			if i < 0 || i >= len(cells) {
				return errColumns
			}
			if cells[i] = strings.ReplaceAll(c.Text, "_x005F_", "_"); c.Type != "inlineStr" {
				cells[i] = c.V
			}
			if c.Type == "b" {
				cells[i] = map[string]string{"0": "false", "1": "true"}[c.V]
			}
		}
		if first {
			if first = false; len(row.Cells) != w.columns {
				return errColumns
			}
			continue
		}
		if err := w.row(cells); err != nil {
			return err
		}
	}
}

// column is the number of a cell's column, from 0; negative if the reference has none.
func column(ref string) int {
	n := 0
	for _, c := range strings.TrimRight(ref, "0123456789") {
		if c < 'A' || c > 'Z' || n > 1<<16 {
			return -1
		}
		n = n*26 + int(c-'A') + 1
	}
	return n - 1
}
