package form

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// CSVOptions say how a table is written.
type CSVOptions struct {
	// Delimiter is a comma, a semicolon or a tab.
	Delimiter byte
	// BOM writes a byte order mark first; in UTF-8 only.
	BOM bool
	// Windows1251 writes this code page instead of UTF-8. It lacks most of the letters that Kazakh has beyond Russian.
	Windows1251 bool
}

// Codes of values that a table cannot hold.
const (
	// CodeFormula: a cell would begin with a control character, or with = + - @ or their full-width forms after spaces or control characters if any, and
	// spreadsheets might compute it.
	CodeFormula = "mapping.formula"
	// CodeNotInEncoding: a character is not in the code page, as Ә Ғ Қ Ң Ө Ұ Ү Һ are not in windows-1251.
	CodeNotInEncoding = "mapping.not_in_encoding"
)

// CSV is a table (RFC 4180): a line of headings, then a line for each record, ended by CR LF. A cell is quoted if it holds the delimiter, a
// quote or a line break, or has a space at an end. A missing value is an empty cell. No value is changed to suit spreadsheets: what one would take for a formula is
// refused, with [CodeFormula]; cells of kind Integer may be negative. A spreadsheet that opens the file drops leading zeros unless
// told that a column is text.
type CSV struct {
	records Tree
	options CSVOptions
}

// NewCSV returns the CSV form of a layout without a header.
func NewCSV(l Layout, options CSVOptions) *CSV { return &CSV{l.Records, options} }

// Begin implements Form. Headings that the encoding lacks have question marks: a table is loaded only with headings that it can write.
func (c *CSV) Begin(dst []byte, _ [][]byte) []byte {
	if c.options.BOM && !c.options.Windows1251 {
		dst = append(dst, "\ufeff"...)
	}
	for i, f := range c.records.Fields {
		if i > 0 {
			dst = append(dst, c.options.Delimiter)
		}
		dst, _ = c.cell(dst, []byte(f.heading()))
	}
	return append(dst, "\r\n"...)
}

func (f *Field) heading() string {
	if f.Heading != "" {
		return f.Heading
	}
	return strings.Join(f.Path, "/")
}

// Check says by a code why a text cannot stand in a cell; "" if it can.
func (o CSVOptions) Check(text string) string {
	if formula([]byte(text)) {
		return CodeFormula
	}
	_, ok := (&CSV{options: o}).cell(nil, []byte(text))
	if !ok {
		return CodeNotInEncoding
	}
	return ""
}

// Record implements Form. It fails with [CodeFormula] or [CodeNotInEncoding].
func (c *CSV) Record(dst []byte, _ int, values [][]byte) ([]byte, int, string) {
	start := len(dst)
	if len(values) == 1 && len(values[0]) == 0 {
		return append(dst, "\"\"\r\n"...), 0, "" // an empty line is no record to many readers
	}
	for i, v := range values {
		if i > 0 {
			dst = append(dst, c.options.Delimiter)
		}
		if c.records.Fields[i].Kind != Integer && formula(v) {
			return dst[:start], i, CodeFormula
		}
		var ok bool
		if dst, ok = c.cell(dst, v); !ok {
			return dst[:start], i, CodeNotInEncoding
		}
	}
	return append(dst, "\r\n"...), 0, ""
}

// End implements Form.
func (c *CSV) End(dst []byte) []byte { return dst }

// formula reports whether a spreadsheet could take v for a formula.
func formula(v []byte) bool {
	if len(v) > 0 && v[0] < ' ' {
		return true
	}
	for i, b := range v {
		switch {
		case b <= ' ':
			continue
		case b == 0xEF && i+2 < len(v) && v[i+1] == 0xBC: // U+FF0B, U+FF0D, U+FF1D, U+FF20
			c := v[i+2]
			return c == 0x8B || c == 0x8D || c == 0x9D || c == 0xA0
		}
		return b == '=' || b == '+' || b == '-' || b == '@'
	}
	return false
}

func (c *CSV) cell(dst, v []byte) ([]byte, bool) {
	quoted := len(v) > 0 && (v[0] == ' ' || v[len(v)-1] == ' ' || bytes.IndexByte(v, c.options.Delimiter) >= 0 || bytes.ContainsAny(v, "\"\r\n"))
	if quoted {
		dst = append(dst, '"')
	}
	ok := true
	if c.options.Windows1251 {
		dst, ok = appendWindows1251(dst, v)
	} else {
		dst = appendDoubled(dst, v)
	}
	if quoted {
		dst = append(dst, '"')
	}
	return dst, ok
}

func appendDoubled(dst, v []byte) []byte {
	for {
		i := bytes.IndexByte(v, '"')
		if i < 0 {
			return append(dst, v...)
		}
		dst = append(append(dst, v[:i+1]...), '"')
		v = v[i+1:]
	}
}

func appendWindows1251(dst, v []byte) ([]byte, bool) {
	ok := true
	for i := 0; i < len(v); {
		r, n := utf8.DecodeRune(v[i:])
		b, known := charmap.Windows1251.EncodeRune(r)
		if !known {
			b, ok = '?', false
		}
		if b == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, b)
		i += n
	}
	return dst, ok
}
