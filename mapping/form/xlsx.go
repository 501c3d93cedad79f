package form

import (
	"archive/zip"
	"bytes"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
)

// Codes of values that a workbook cannot hold, besides [CodeNotXML].
const (
	// CodeTooLongForCell: a cell holds at most 32,767 UTF-16 units (ECMA-376 leaves it to programs; this is what they have).
	CodeTooLongForCell = "mapping.too_long_for_cell"
	// CodeTooManyRows: a sheet has at most 1,048,576 rows.
	CodeTooManyRows = "mapping.too_many_rows"
)

const (
	maxCell = 32767
	maxRows = 1 << 20
)

// XLSX is a workbook (ECMA-376, Office Open XML) with one sheet: a frozen line of headings, then a line for each record. Every value is text, in a cell of
// the format "@" with an inline string: so a number keeps its leading zeros, a telephone number its plus sign, and nothing is computed, whatever it
// begins with. Fields of kind Integer are numbers, those of kind Boolean are booleans; a missing value is an empty cell of a column in the text format.
//
// The same records give the same bytes: the parts have a fixed order and the time 1980-01-01, and there is neither author nor date inside.
// A workbook holds at most [maxRows] lines; what XML cannot hold is refused with [CodeNotXML].
type XLSX struct {
	records Tree
	sheet   string
	columns []string // "A", "B", ..
	start   int      // where the document begins, during one
	raw     []byte
	deflate *flate.Writer
}

// NewXLSX returns the workbook form of a layout without a header. The sheet has the name of the records' member.
func NewXLSX(l Layout) *XLSX {
	x := &XLSX{records: l.Records, sheet: l.RecordsName}
	if r := []rune(x.sheet); len(r) > 31 { // the longest name that a sheet may have
		x.sheet = string(r[:31])
	}
	for i := range l.Records.Fields {
		x.columns = append(x.columns, column(i))
	}
	return x
}

// column is the name of the i-th column, from 0: A to Z, then AA.
func column(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return column(i/26-1) + string(rune('A'+i%26))
}

const (
	spreadsheetNS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	officeNS      = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packageNS     = "http://schemas.openxmlformats.org/package/2006"
	xmlHead       = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
)

// The cell formats of styles.xml, by their index: text, and a heading.
const (
	textFormat    = "1"
	headingFormat = "2"
)

const stylesPart = xmlHead + `<styleSheet xmlns="` + spreadsheetNS + `"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>` +
	`<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill>` +
	`<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
	`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3">` +
	`<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/>` +
	`<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs></styleSheet>`

// parts are what stands beside the sheet, in the order of the archive.
func (x *XLSX) parts() [][2]string {
	return [][2]string{
		{"[Content_Types].xml", xmlHead + `<Types xmlns="` + packageNS + `/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
			`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>` +
			`<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`},
		{"_rels/.rels", xmlHead + `<Relationships xmlns="` + packageNS + `/relationships"><Relationship Id="rId1" Type="` + officeNS + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", xmlHead + `<workbook xmlns="` + spreadsheetNS + `" xmlns:r="` + officeNS + `"><sheets><sheet name="` + x.sheet + `" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", xmlHead + `<Relationships xmlns="` + packageNS + `/relationships"><Relationship Id="rId1" Type="` + officeNS + `/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId2" Type="` + officeNS + `/styles" Target="styles.xml"/></Relationships>`},
		{"xl/styles.xml", stylesPart},
	}
}

// Begin implements Form.
func (x *XLSX) Begin(dst []byte, _ [][]byte) []byte {
	x.start = len(dst)
	dst = append(dst, xmlHead+`<worksheet xmlns="`+spreadsheetNS+`"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>`+
		`</sheetView></sheetViews><cols><col min="1" max="`...)
	dst = strconv.AppendInt(dst, int64(len(x.columns)), 10)
	dst = append(dst, `" width="22" style="`+textFormat+`" customWidth="1"/></cols><sheetData><row r="1">`...)
	for i := range x.records.Fields {
		dst, _ = x.text(dst, i, 1, headingFormat, []byte(x.records.Fields[i].heading()))
	}
	return append(dst, "</row>"...)
}

// CheckXLSX says by a code why a text cannot stand in a cell; "" if it can.
func CheckXLSX(text string) string {
	_, code := (&XLSX{columns: []string{"A"}}).text(nil, 0, 1, textFormat, []byte(text))
	return code
}

// Record implements Form. It fails with [CodeNotXML], [CodeTooLongForCell] or [CodeTooManyRows].
func (x *XLSX) Record(dst []byte, n int, values [][]byte) ([]byte, int, string) {
	start, row := len(dst), n+2
	if row > maxRows {
		return dst, 0, CodeTooManyRows
	}
	dst = append(strconv.AppendInt(append(dst, `<row r="`...), int64(row), 10), `">`...)
	for i, v := range values {
		code := ""
		switch kind := x.records.Fields[i].Kind; {
		case v == nil:
		case kind == Integer:
			dst = append(append(append(x.cell(dst, i, row), `"><v>`...), v...), "</v></c>"...)
		case kind == Boolean:
			bit := byte('0')
			if v[0] == 't' {
				bit = '1'
			}
			dst = append(append(append(x.cell(dst, i, row), `" t="b"><v>`...), bit), "</v></c>"...)
		default:
			dst, code = x.text(dst, i, row, textFormat, v)
		}
		if code != "" {
			return dst[:start], i, code
		}
	}
	return append(dst, "</row>"...), 0, ""
}

// cell begins a cell, up to its reference.
func (x *XLSX) cell(dst []byte, i, row int) []byte {
	return strconv.AppendInt(append(append(dst, `<c r="`...), x.columns[i]...), int64(row), 10)
}

func (x *XLSX) text(dst []byte, i, row int, format string, v []byte) ([]byte, string) {
	if len(v) > maxCell && units(v) > maxCell {
		return dst, CodeTooLongForCell
	}
	dst = append(append(append(x.cell(dst, i, row), `" s="`...), format...), `" t="inlineStr"><is><t xml:space="preserve">`...)
	for ok := true; ; {
		at := escapeLike(v)
		if dst, ok = appendXML(dst, v[:at], false); !ok {
			return dst, CodeNotXML
		}
		if v = v[at:]; len(v) == 0 {
			return append(dst, "</t></is></c>"...), ""
		}
		dst, v = append(dst, "_x005F_"...), v[1:] // the underscore itself, escaped
	}
}

// escapeLike is where v has what readers take for an escaped character, _x and four hexadecimal digits and _ (ECMA-376 part 1, 22.9.2.19); its length if nowhere.
func escapeLike(v []byte) int {
	for from := 0; ; {
		at := bytes.Index(v[from:], []byte("_x"))
		if at < 0 {
			return len(v)
		}
		at += from
		if hex := v[at+2:]; len(hex) >= 5 && hex[4] == '_' {
			if _, err := strconv.ParseUint(string(hex[:4]), 16, 16); err == nil {
				return at
			}
		}
		from = at + 1
	}
}

// units counts UTF-16 units.
func units(v []byte) int {
	n := 0
	for len(v) > 0 {
		r, size := utf8.DecodeRune(v)
		v, n = v[size:], n+1
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// End implements Form: it puts the sheet, which stands plainly at the end of dst until now, into the archive.
func (x *XLSX) End(dst []byte) []byte {
	x.raw = append(append(x.raw[:0], dst[x.start:]...), "</sheetData></worksheet>"...)
	out := &appender{dst[:x.start]}
	w := zip.NewWriter(out)
	w.RegisterCompressor(zip.Deflate, x.compressor)
	for _, part := range append(x.parts(), [2]string{"xl/worksheets/sheet1.xml"}) {
		body, err := w.CreateHeader(&zip.FileHeader{Name: part[0], Method: zip.Deflate, Modified: partTime})
		if err == nil && part[1] != "" {
			_, err = io.WriteString(body, part[1])
		} else if err == nil {
			_, err = body.Write(x.raw)
		}
		if err != nil {
			panic("form: writing to memory: " + err.Error()) // an appender never fails
		}
	}
	if err := w.Close(); err != nil {
		panic("form: writing to memory: " + err.Error())
	}
	return out.dst
}

// partTime is the earliest time that an archive can state.
var partTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// compressor reuses one compressor for all parts, which are written one after another.
func (x *XLSX) compressor(w io.Writer) (io.WriteCloser, error) {
	if x.deflate == nil {
		var err error
		x.deflate, err = flate.NewWriter(w, 1)
		return x.deflate, err
	}
	x.deflate.Reset(w)
	return x.deflate, nil
}

type appender struct{ dst []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.dst = append(a.dst, p...)
	return len(p), nil
}
