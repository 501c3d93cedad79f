package form

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/needs"
)

// workbook is what a reader makes of the sheet: the text of each cell by its reference, and the type of each.
func workbook(t interface{ Fatal(...any) }, doc []byte) (cells, types map[string]string) {
	z, err := zip.NewReader(bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		t.Fatal(err)
	}
	cells, types = map[string]string{}, map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		var sheet struct {
			Rows []struct {
				Cells []struct {
					Ref  string `xml:"r,attr"`
					Type string `xml:"t,attr"`
					V    string `xml:"v"`
					Text string `xml:"is>t"`
				} `xml:"c"`
			} `xml:"sheetData>row"`
		}
		if err := xml.Unmarshal(b, &sheet); err != nil {
			t.Fatal(f.Name, err)
		}
		for _, row := range sheet.Rows {
			for _, c := range row.Cells {
				cells[c.Ref], types[c.Ref] = escaped4.ReplaceAllStringFunc(c.V+c.Text, func(string) string { return "_" }), c.Type
			}
		}
	}
	return cells, types
}

var escaped4 = regexp.MustCompile("_x005F_")

func TestXLSX(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t, false)
		doc, written, codes := d.write(NewXLSX(d.layout))
		if again, _, _ := d.write(NewXLSX(d.layout)); !bytes.Equal(doc, again) {
			t.Fatal("the same records give other bytes")
		}
		cells, types := workbook(t, doc)
		if len(written)+len(codes) != len(d.records) {
			t.Fatalf("%d written, %v refused", len(written), codes)
		}
		for n, i := range written {
			for k, v := range d.records[i] {
				ref := fmt.Sprintf("%s%d", column(k), n+2)
				want := string(v)
				switch d.layout.Records.Fields[k].Kind {
				case Boolean:
					want = map[string]string{"true": "1", "false": "0", "": ""}[want]
				case String:
					if v != nil && types[ref] != "inlineStr" {
						t.Fatalf("cell %s is not text", ref)
					}
				}
				if got := cells[ref]; got != want {
					t.Fatalf("cell %s is %q, want %q", ref, got, want)
				}
				delete(cells, ref)
			}
		}
		if len(cells) != len(d.layout.Records.Fields) {
			t.Fatalf("%d cells beside the records, want the headings", len(cells))
		}
	})
}

// TestXLSXAfterAnother: one form writes document after document, behind other bytes.
func TestXLSXAfterAnother(t *testing.T) {
	l := Layout{RecordsName: "оқушылар", Records: NewTree([]Field{{Path: []string{"a"}, Heading: "Аты"}})}
	x := NewXLSX(l)
	write := func(dst []byte, values ...string) []byte {
		dst = x.Begin(dst, nil)
		for i, v := range values {
			dst, _, _ = x.Record(dst, i, [][]byte{[]byte(v)})
		}
		return x.End(dst)
	}
	one := write(nil, "Әсел", "007")
	write(nil)
	two := write([]byte("before"), "Әсел", "007")
	if string(two[:6]) != "before" || !bytes.Equal(one, two[6:]) {
		t.Fatal("a document depends on what was written before it")
	}
	if cells, _ := workbook(t, one); !reflect.DeepEqual(cells, map[string]string{"A1": "Аты", "A2": "Әсел", "A3": "007"}) {
		t.Fatalf("%v", cells)
	}
}

func TestXLSXRefusals(t *testing.T) {
	x := NewXLSX(Layout{RecordsName: "r", Records: NewTree([]Field{{Path: []string{"a"}}})})
	for _, c := range []struct {
		v    string
		n    int
		code string
	}{
		{"\x01", 0, CodeNotXML}, {"\uffff", 0, CodeNotXML}, {strings.Repeat("ә", maxCell), 0, ""}, {strings.Repeat("ә", maxCell) + "x", 0, CodeTooLongForCell},
		{strings.Repeat("🙂", maxCell/2+1), 0, CodeTooLongForCell}, {"a", maxRows - 2, ""}, {"a", maxRows - 1, CodeTooManyRows},
	} {
		out, _, code := x.Record([]byte{}, c.n, [][]byte{[]byte(c.v)})
		if code != c.code || code != "" && len(out) > 0 {
			t.Errorf("%d bytes in row %d: %s, want %s", len(c.v), c.n, code, c.code)
		}
	}
	if got := []string{column(0), column(25), column(26), column(701), column(702)}; !reflect.DeepEqual(got, []string{"A", "Z", "AA", "ZZ", "AAA"}) {
		t.Errorf("columns %v", got)
	}
}

// kazakh are the letters that Kazakh has beyond Russian.
const kazakh = "ӘәҒғҚқҢңӨөҰұҮүҺһІі"

// table is what a local body could get: codes with zeros in front, numbers with a plus sign, text that looks like a formula, all letters.
func table() (Layout, [][]string) {
	fields := []Field{{Path: []string{"iin"}, Heading: "ЖСН / ИИН"}, {Path: []string{"name"}, Heading: "Аты"}, {Path: []string{"phone"}, Heading: "Телефон"}, {Path: []string{"kato"}, Heading: "ӘАОЖ / КАТО"}}
	return Layout{RecordsName: "оқушылар", Records: NewTree(fields)}, [][]string{
		{"001231500003", kazakh, "87010000001", "010000000"},
		{"000000000018", "Ёлкин \"Ъ\"; әлі, де", "00", "0"},
		{"351231000009", "екі\nжол", "1e5", "615230100"},
		{"1-2", "100%", "01.02.2003", "TRUE"},
	}
}

// office converts a file by LibreOffice and returns the cells of the CSV (UTF-8) that comes out.
func office(t *testing.T, name string, doc []byte, arguments ...string) [][]string {
	t.Helper()
	needs.Tool(t, "soffice", "libreoffice-calc")
	dir := t.TempDir()
	in := filepath.Join(dir, name)
	if err := os.WriteFile(in, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	ctx := t.Context()
	cmd := exec.CommandContext(ctx, "soffice", append(arguments, "--headless", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false", "--outdir", out, in)...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C.UTF-8")
	cmd.WaitDelay = time.Second
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("soffice: %v\n%s", err, b)
	}
	f, err := os.Open(filepath.Join(out, strings.TrimSuffix(name, filepath.Ext(name))+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func writeTable(f Form, rows [][]string, t *testing.T) []byte {
	t.Helper()
	doc := f.Begin(nil, nil)
	for i, row := range rows {
		var values [][]byte
		for _, v := range row {
			values = append(values, []byte(v))
		}
		var code string
		if doc, _, code = f.Record(doc, i, values); code != "" {
			t.Fatalf("row %d: %s", i, code)
		}
	}
	return f.End(doc)
}

func wantTable(t *testing.T, l Layout, rows, got [][]string) {
	t.Helper()
	var head []string
	for _, f := range l.Records.Fields {
		head = append(head, f.heading())
	}
	want := append([][]string{head}, rows...)
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("LibreOffice reads\n%q\nwant\n%q", got, want)
	}
}

// TestOfficeReadsXLSX lets LibreOffice write what it has read: also what looks like a formula, and what looks like an escape.
func TestOfficeReadsXLSX(t *testing.T) {
	l, rows := table()
	rows = append(rows, []string{"=1+1", "+77010000001", "-5", "@SUM(A1)"}, []string{"_x0041_", "a_x005F_b", " ә ", "'x"}, []string{"＝1", "\ta", "<&>", "007"})
	wantTable(t, l, rows, office(t, "table.xlsx", writeTable(NewXLSX(l), rows, t)))
}

// TestOfficeReadsCSV lets LibreOffice open the file as its import dialogue does when every column is marked as text.
func TestOfficeReadsCSV(t *testing.T) {
	l, rows := table()
	text := "1/2/2/2/3/2/4/2"
	wantTable(t, l, rows, office(t, "table.csv", writeTable(NewCSV(l, CSVOptions{Delimiter: ';', BOM: true}), rows, t), "--infilter=CSV:59,34,76,1,"+text))
	for i := range rows { // what windows-1251 has
		rows[i][1] = "Ёлкин і № " + rows[i][0]
	}
	l.Records.Fields[3].Heading = "КАТО"
	page := writeTable(NewCSV(l, CSVOptions{Delimiter: ';', Windows1251: true}), rows, t)
	if plain, _ := charmap.Windows1251.NewDecoder().Bytes(page); !bytes.Contains(plain, []byte("Ёлкин і №")) {
		t.Fatal("not windows-1251")
	}
	wantTable(t, l, rows, office(t, "page.csv", page, "--infilter=CSV:59,34,34,1,"+text))
}
