// Package tabular reads tables as the JSON documents that their schema is about: {"<records>": [{..}, ..]}.
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
	"strings"

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
	return true
}

// JSON turns a document into JSON. records is the member that holds the records.
func JSON(document []byte, mediaType, records string, columns []string) ([]byte, error) {
	kind, parameters, _ := strings.Cut(mediaType, ";")
	var out bytes.Buffer
	name, err := json.Marshal(records)
	if err != nil {
		return nil, errMalformed
	}
	out.Write(append(append([]byte{'{'}, name...), ":["...))
	w := &writer{out: &out, columns: columns}
	switch {
	case kind == "application/jsonl":
		err = w.lines(document)
	case kind != "text/csv" && kind != workbook:
		return nil, record.NewProblem("message.media_type", "", "", "expected JSON, JSON Lines, CSV or a workbook")
	case len(columns) == 0:
		return nil, errColumns
	case kind == workbook:
		err = w.workbook(document)
	default:
		err = w.csv(document, strings.Contains(parameters, "windows-1251"))
	}
	if err != nil {
		return nil, err
	}
	out.WriteString("]}")
	return out.Bytes(), nil
}

// writer writes records.
type writer struct {
	out     *bytes.Buffer
	columns []string
	count   int
}

func (w *writer) put(object []byte) {
	if w.count > 0 {
		w.out.WriteByte(',')
	}
	w.out.Write(object)
	w.count++
}

func (w *writer) lines(document []byte) error {
	for line := range bytes.Lines(document) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if !json.Valid(line) || len(line) == 0 || line[0] != '{' {
			return errMalformed
		}
		w.put(line)
	}
	return nil
}

// row writes one record; cells that are missing at the end count as empty.
func (w *writer) row(cells []string) error {
	object := map[string]any{}
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		path, kind, _ := strings.Cut(w.columns[i], ":")
		var v any = cell
		switch {
		case kind == "integer":
			v = json.Number(cell)
		case kind == "boolean" && (cell == "true" || cell == "false"):
			v = cell == "true"
		}
		names := strings.Split(path, "/")
		at := object
		for _, name := range names[:len(names)-1] {
			inner, ok := at[name].(map[string]any)
			if !ok {
				inner = map[string]any{}
				at[name] = inner
			}
			at = inner
		}
		at[names[len(names)-1]] = v
	}
	b, err := json.Marshal(object)
	if err != nil { // an integer that is none
		return errMalformed
	}
	w.put(b)
	return nil
}

func (w *writer) csv(document []byte, windows1251 bool) error {
	if windows1251 {
		var err error
		if document, err = charmap.Windows1251.NewDecoder().Bytes(document); err != nil {
			return errMalformed
		}
	}
	document = bytes.TrimPrefix(document, []byte("\ufeff"))
	for _, delimiter := range ",;\t" {
		r := csv.NewReader(bytes.NewReader(document))
		r.Comma = delimiter
		heading, err := r.Read()
		if err != nil || len(heading) != len(w.columns) {
			continue
		}
		for {
			cells, err := r.Read()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return errMalformed
			}
			if err := w.row(cells); err != nil {
				return err
			}
		}
	}
	return errColumns
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
		cells := make([]string, len(w.columns))
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
			if first = false; len(row.Cells) != len(w.columns) {
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
