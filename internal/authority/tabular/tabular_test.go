package tabular

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping/form"
)

var columns = []string{"iin", "grade:integer", "boards:boolean", "place/region", "place/city"}

// TestReadsWhatTheSenderWrites: what the sender's forms write comes back as the sender's own JSON.
func TestReadsWhatTheSenderWrites(t *testing.T) {
	layout := form.Layout{RecordsName: "rows", Records: form.NewTree([]form.Field{
		{Path: []string{"iin"}}, {Path: []string{"grade"}, Kind: form.Integer}, {Path: []string{"boards"}, Kind: form.Boolean}, {Path: []string{"place", "region"}}, {Path: []string{"place", "city"}},
	})}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("aқӘ &<>\";,1_x\n"))).Filter(func(s string) bool { return utf8.ValidString(s) })
		var rows [][][]byte
		for range rapid.IntRange(1, 5).Draw(t, "rows") {
			row := [][]byte{[]byte("1" + text.Draw(t, "iin")), []byte("-7"), []byte("true"), []byte("o" + text.Draw(t, "region")), nil}
			if rapid.Bool().Draw(t, "missing") {
				row[1], row[2], row[3] = nil, nil, nil
			}
			rows = append(rows, row)
		}
		write := func(f form.Form) []byte {
			doc := f.Begin(nil, nil)
			for i, r := range rows {
				out, _, code := f.Record(doc, i, r)
				if code != "" {
					t.Fatal(code)
				}
				doc = out
			}
			return f.End(doc)
		}
		want := normal(t, write(form.NewJSON(layout)))
		for kind, f := range map[string]form.Form{
			"application/jsonl": form.NewJSONLines(layout), workbook: form.NewXLSX(layout),
			"text/csv; charset=utf-8": form.NewCSV(layout, form.CSVOptions{Delimiter: ';', BOM: true}),
		} {
			b, err := JSON(write(f), kind, "rows", columns)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if got := normal(t, b); got != want {
				t.Fatalf("%s\ngot  %s\nwant %s", kind, got, want)
			}
		}
	})
}

func normal(t *rapid.T, b []byte) string {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ kind, doc, code string }{
		{"application/xml", "<a/>", "message.media_type"}, {"text/csv", "a;b\n", "schema.columns"}, {"text/csv", "a;b;c;d;e\n1;2\n", "schema.malformed"},
		{"text/csv", "a;b;c;d;e\n1;x;;;\n", "schema.malformed"}, {workbook, "x", "schema.malformed"}, {"application/jsonl", "{}\n\n", "schema.malformed"}, {"text/csv", "", "schema.columns"},
		{"text/csv", "a;b;c;d;e\n\xff;;;;\n", "schema.malformed"}, {"text/csv", "a;b;c;d;e\n1;01;;;\n", "schema.malformed"}, {"text/csv", "a;b;c;d;e\n1; 1;;;\n", "schema.malformed"},
	} {
		if _, err := JSON([]byte(c.doc), c.kind, "rows", columns); record.CodeOf(err) != c.code {
			t.Errorf("%s %q: %v, want %s", c.kind, c.doc, err, c.code)
		}
	}
	if _, err := JSON([]byte("a\n"), "text/csv", "rows", nil); record.CodeOf(err) != "schema.columns" {
		t.Error("columns that were not agreed on")
	}
	for _, list := range [][]string{{"a", "a:integer"}, {"a:number"}, {""}, {"a//b"}, {"a", "a/b"}, {"a/b/c", "a/b:integer"}} {
		if CheckColumns(list) {
			t.Errorf("%v", list)
		}
	}
}

// FuzzJSON: whatever comes in, JSON comes out, or an error with a code.
func FuzzJSON(f *testing.F) {
	var table bytes.Buffer
	w := csv.NewWriter(&table)
	_ = w.Write(columns)
	w.Flush()
	f.Add(table.Bytes(), 0)
	f.Add([]byte("{}\n"), 1)
	f.Add([]byte("PK"), 2)
	f.Fuzz(func(t *testing.T, doc []byte, kind int) {
		kinds := []string{"text/csv", "application/jsonl", workbook, "text/csv; charset=windows-1251"}
		b, err := JSON(doc, kinds[(kind%4+4)%4], "rows", columns)
		if err != nil && record.CodeOf(err) == "" || err == nil && !json.Valid(b) {
			t.Fatalf("%v", err)
		}
	})
}

// TestPlainRows: a text without quotation marks is cut as package csv cuts it.
func TestPlainRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("aӘ;;,\r\n\n \t"))).Draw(t, "text")
		r := csv.NewReader(strings.NewReader(text))
		r.Comma, r.FieldsPerRecord = ';', -1
		next := plainRows(text, ';')
		for {
			want, wantErr := r.Read()
			got, err := next()
			if !slices.Equal(got, want) || errors.Is(err, io.EOF) != errors.Is(wantErr, io.EOF) {
				t.Fatalf("%q, %v; package csv reads %q, %v", got, err, want, wantErr)
			}
			if err != nil {
				return
			}
		}
	})
}

func BenchmarkCSV(b *testing.B) {
	columns := []string{"iin", "family_name", "given_name", "phone", "region", "district", "settlement", "parent_phone"}
	doc := []byte("ЖСН / ИИН;2;3;4;5;6;7;8\r\n" + strings.Repeat("351231000009;Сейітқали;Ақнұр;87000000001;Түркістан облысы;Сайрам ауданы;Ақсу;87000000002\r\n", 2000))
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if _, err := JSON(doc, "text/csv; charset=utf-8", "rows", columns); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "ns/record")
}
