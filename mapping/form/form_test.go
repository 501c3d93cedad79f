package form

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/schemas"
)

// document is a layout with the values of a header and of some records.
type document struct {
	layout  Layout
	header  [][]byte
	records [][][]byte
}

var names = []string{"iin", "аты", "region", "Қала", "x_1"}

// anyText draws text that is hard to write: marks that forms give a meaning to, control characters, Kazakh letters.
var anyText = rapid.OneOf(rapid.StringOf(rapid.SampledFrom([]rune("aқӘ &<>\"'\r\n\t;,=+-@|\\/\u00a0\u2028\ufffe\uffff\x00\x1b🙂є№"))), rapid.String(),
	rapid.SampledFrom([]string{"=1+1", " =1", "-5", "+7", "@x", "]]>", "007", "Түркістан облысы"}))

func drawDocument(t *rapid.T, attributes bool) document {
	draw := func(what string) Tree {
		var fields []Field
		for i := range rapid.IntRange(1, 7).Draw(t, what) {
			var path []string
			for range rapid.IntRange(0, 2).Draw(t, "depth") {
				path = append(path, "o"+strconv.Itoa(len(path))+rapid.SampledFrom(names[:2]).Draw(t, "around"))
			}
			f := Field{Path: append(path, rapid.SampledFrom(names).Draw(t, "name")+strconv.Itoa(i)), Kind: rapid.SampledFrom([]Kind{String, String, Integer, Boolean}).Draw(t, "kind")}
			if attributes && rapid.IntRange(0, 3).Draw(t, "attribute") == 0 {
				f.Path[len(f.Path)-1] = "@" + f.Path[len(f.Path)-1]
			} else {
				f.Null = rapid.Bool().Draw(t, "null")
			}
			fields = append(fields, f)
		}
		return NewTree(fields)
	}
	d := document{layout: Layout{HeaderName: "head", RecordsName: "rows", Header: draw("header"), Records: draw("fields")}}
	for _, f := range d.layout.Header.Fields {
		d.header = append(d.header, drawValue(t, f, rapid.StringMatching(`[a-zӘқ <&>"]*`)))
	}
	for range rapid.IntRange(0, 4).Draw(t, "records") {
		var values [][]byte
		for _, f := range d.layout.Records.Fields {
			if rapid.IntRange(0, 3).Draw(t, "missing") == 0 {
				values = append(values, nil)
				continue
			}
			values = append(values, drawValue(t, f, anyText))
		}
		d.records = append(d.records, values)
	}
	return d
}

func drawValue(t *rapid.T, f Field, text *rapid.Generator[string]) []byte {
	switch f.Kind {
	case Integer:
		return strconv.AppendInt([]byte{}, int64(rapid.IntRange(-99, 1e9).Draw(t, "integer")), 10)
	case Boolean:
		return strconv.AppendBool([]byte{}, rapid.Bool().Draw(t, "boolean"))
	}
	return append([]byte{}, strings.ToValidUTF8(text.Draw(t, "text"), "")...)
}

// write writes a document and returns which records are in it, and the code of each other one.
func (d *document) write(f Form) (doc []byte, written []int, codes []string) {
	doc = f.Begin(nil, d.header)
	for i, values := range d.records {
		out, _, code := f.Record(doc, len(written), values)
		if code != "" {
			if !bytes.Equal(out, doc) {
				panic("a refused record left something behind")
			}
			codes = append(codes, code)
			continue
		}
		doc, written = out, append(written, i)
	}
	return f.End(doc), written, codes
}

// object is what a tree's values make, built the simple way.
func object(t Tree, values [][]byte, read func(Field, []byte) any) map[string]any {
	m := map[string]any{}
	for i, f := range t.Fields {
		if values[i] == nil && !f.Null {
			continue
		}
		at := m
		for _, name := range f.Path[:len(f.Path)-1] {
			if at[name] == nil {
				at[name] = map[string]any{}
			}
			at = at[name].(map[string]any)
		}
		at[f.Path[len(f.Path)-1]] = read(f, values[i])
	}
	return m
}

func asJSON(f Field, v []byte) any {
	switch {
	case v == nil:
		return nil
	case f.Kind == Integer:
		return json.Number(v)
	case f.Kind == Boolean:
		return string(v) == "true"
	}
	return string(v)
}

func decodeJSON(t *rapid.T, r io.Reader) (list []any) {
	d := json.NewDecoder(r)
	d.UseNumber()
	for d.More() {
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

func TestJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t, false)
		rows := []any{}
		for _, values := range d.records {
			rows = append(rows, object(d.layout.Records, values, asJSON))
		}
		doc, _, codes := d.write(NewJSON(d.layout))
		want := map[string]any{"head": object(d.layout.Header, d.header, asJSON), "rows": rows}
		if got := decodeJSON(t, bytes.NewReader(doc)); len(codes) > 0 || !reflect.DeepEqual(got, []any{want}) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
		lines, _, _ := d.write(NewJSONLines(d.layout))
		got := decodeJSON(t, bytes.NewReader(lines))
		if len(got)+len(rows) > 0 && !reflect.DeepEqual(got, rows) || bytes.Count(lines, []byte("\n")) != len(rows) {
			t.Fatalf("got %v\nwant %v", got, rows)
		}
	})
}

// TestEventsAreThoseOfTheJSON: what a schema is asked about is what a reader of the JSON form reads.
func TestEventsAreThoseOfTheJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t, false)
		for _, values := range d.records {
			var own, read recorder
			d.layout.Records.Events(values, &own)
			line, _, _ := NewJSONLines(d.layout).Record(nil, 0, values)
			if err := schemas.Scan(line, &read); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(own, read) {
				t.Fatalf("%v\n%v", own, read)
			}
		}
	})
}

type recorder []string

func (r *recorder) Event(k schemas.Kind, text []byte) {
	if k >= schemas.True {
		text = nil
	}
	*r = append(*r, fmt.Sprintf("%d %s", k, text))
}

// xmlTree reads an element into maps; an attribute is a member with @.
func xmlTree(d *xml.Decoder, start xml.StartElement) (any, error) {
	m, text := map[string]any{}, ""
	for _, a := range start.Attr {
		switch {
		case a.Name.Local == "nil" && a.Name.Space == "http://www.w3.org/2001/XMLSchema-instance":
			m[""] = nil
		case a.Name.Space != "xmlns" && a.Name.Local != "xmlns":
			m["@"+a.Name.Local] = a.Value
		}
	}
	for {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			v, err := xmlTree(d, token)
			if err != nil {
				return nil, err
			}
			if old, ok := m[token.Name.Local].([]any); ok {
				v = append(old, v)
			} else if token.Name.Local == "row" {
				v = []any{v}
			}
			m[token.Name.Local] = v
		case xml.CharData:
			text += string(token)
		case xml.EndElement:
			if _, null := m[""]; null {
				return nil, nil
			}
			if len(m) == 0 {
				return text, nil
			}
			return m, nil
		}
	}
}

func xmlAble(v []byte) bool {
	for _, r := range string(v) {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return true
}

var xmlNames = XMLNames{Root: "doc", Namespace: "https://example.kz/rows/v1", Record: "row"}

func TestXML(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t, true)
		doc, written, codes := d.write(NewXML(d.layout, xmlNames))
		asText := func(_ Field, v []byte) any {
			if v == nil {
				return nil
			}
			return string(v)
		}
		want := map[string]any{"head": object(d.layout.Header, d.header, asText)}
		var rows []any
		for i, values := range d.records {
			able := true
			for _, v := range values {
				able = able && xmlAble(v)
			}
			if !able {
				continue
			}
			if len(rows) >= len(written) || written[len(rows)] != i {
				t.Fatalf("record %d is not written: %v", i, codes)
			}
			var row any = object(d.layout.Records, values, asText)
			if len(row.(map[string]any)) == 0 {
				row = ""
			}
			rows = append(rows, row)
		}
		want["rows"] = map[string]any{"row": rows}
		if len(rows) == 0 {
			want["rows"] = ""
		}
		if len(rows) != len(written) || len(written)+len(codes) != len(d.records) {
			t.Fatalf("%d written, %v refused", len(written), codes)
		}
		decoder := xml.NewDecoder(bytes.NewReader(doc))
		token, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		got, err := xmlTree(decoder, token.(xml.StartElement))
		if err != nil || !reflect.DeepEqual(got, any(want)) || token.(xml.StartElement).Name.Space != xmlNames.Namespace {
			t.Fatalf("%v\ngot  %v\nwant %v\n%s", err, got, want, doc)
		}
	})
}

// TestXMLIsCanonical lets libxml2 canonicalise documents of some thousand records: nothing changes.
func TestXMLIsCanonical(t *testing.T) {
	needs.Tool(t, "xmllint", "libxml2-utils")
	records := 0
	documents := rapid.Custom(func(t *rapid.T) document { return drawDocument(t, true) })
	for seed := 0; records < 2500; seed++ {
		d := documents.Example(seed)
		d.records = nil
		more := rapid.Custom(func(t *rapid.T) [][]byte {
			var values [][]byte
			for _, f := range d.layout.Records.Fields {
				v := drawValue(t, f, anyText)
				if rapid.IntRange(0, 3).Draw(t, "missing") == 0 {
					v = nil
				}
				values = append(values, v)
			}
			return values
		})
		for i := range 80 {
			d.records = append(d.records, more.Example(i))
		}
		doc, written, _ := d.write(NewXML(d.layout, xmlNames))
		cmd := exec.Command("xmllint", "--exc-c14n", "-")
		cmd.Stdin = bytes.NewReader(doc)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("xmllint refuses the document: %v", err)
		}
		if !bytes.Equal(out, doc) {
			t.Fatalf("seed %d: xmllint writes other bytes: %d, not %d", seed, len(out), len(doc))
		}
		records += len(written)
	}
	t.Logf("%d records", records)
}

func TestCSV(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t, false)
		o := CSVOptions{Delimiter: rapid.SampledFrom([]byte(",;\t")).Draw(t, "delimiter"), BOM: rapid.Bool().Draw(t, "bom"), Windows1251: rapid.Bool().Draw(t, "1251")}
		doc, written, codes := d.write(NewCSV(d.layout, o))
		if o.Windows1251 {
			doc, _ = charmap.Windows1251.NewDecoder().Bytes(doc)
		} else if o.BOM {
			doc = bytes.TrimPrefix(doc, []byte("\ufeff"))
		}
		r := csv.NewReader(bytes.NewReader(doc))
		r.Comma = rune(o.Delimiter)
		got, err := r.ReadAll()
		if err != nil {
			t.Fatalf("%v\n%q", err, doc)
		}
		if len(got) != len(written)+1 || len(written)+len(codes) != len(d.records) {
			t.Fatalf("%d lines, %d records, %v", len(got), len(written), codes)
		}
		for n, i := range written {
			for k, v := range d.records[i] {
				// encoding/csv reads CR LF in a cell as LF.
				if got, want := got[n+1][k], strings.ReplaceAll(string(v), "\r\n", "\n"); got != want {
					t.Fatalf("cell %q, want %q", got, want)
				}
				cell := strings.TrimLeft(string(v), "\x00\t\r\n \x1b")
				if d.layout.Records.Fields[k].Kind == String && cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
					t.Fatalf("a formula: %q", v)
				}
			}
		}
	})
}

func TestCSVRefusals(t *testing.T) {
	tree := NewTree([]Field{{Path: []string{"a"}}, {Path: []string{"n"}, Kind: Integer}})
	utf := NewCSV(Layout{Records: tree}, CSVOptions{Delimiter: ';', BOM: true})
	page := NewCSV(Layout{Records: tree}, CSVOptions{Delimiter: ';', Windows1251: true, BOM: true})
	if got := string(utf.Begin(nil, nil)); got != "\ufeffa;n\r\n" {
		t.Errorf("%q", got)
	}
	if got := string(page.Begin(nil, nil)); got != "a;n\r\n" {
		t.Errorf("%q", got)
	}
	for _, c := range []struct {
		form          *CSV
		v, want, code string
	}{
		{utf, "Әсел", "Әсел;-1\r\n", ""}, {page, "Пётр і №", "\xcf\xb8\xf2\xf0 \xb3 \xb9;-1\r\n", ""}, {page, "Әсел", "", CodeNotInEncoding},
		{utf, "=1", "", CodeFormula}, {utf, "\t@x", "", CodeFormula}, {utf, " -", "", CodeFormula}, {utf, "+77000000001", "", CodeFormula}, {utf, "8-700", "8-700;-1\r\n", ""},
		{utf, `a"b`, `"a""b";-1` + "\r\n", ""}, {page, `";"`, `""";""";-1` + "\r\n", ""}, {utf, " a", "\" a\";-1\r\n", ""},
	} {
		out, field, code := c.form.Record([]byte{}, 0, [][]byte{[]byte(c.v), []byte("-1")})
		if string(out) != c.want || code != c.code || field != 0 {
			t.Errorf("%q: %q %s, want %q %s", c.v, out, code, c.want, c.code)
		}
	}
	o := CSVOptions{Delimiter: ';', Windows1251: true}
	if o.Check("ЖСН") != "" || o.Check("Тегі, аты-жөні") != CodeNotInEncoding || o.Check("=a") != CodeFormula {
		t.Error("headings")
	}
}
