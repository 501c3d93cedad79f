package mapping

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas"
)

// sample is a row of a generated table, as the oracle reads it.
type sample struct {
	target    string
	from      []string
	constant  string
	steps     []string // of one source; for several, they come before the joining by "; "
	codes     map[string]string
	kind      string
	required  bool
	maxLength int
	null      bool
}

func (s *sample) yaml(b *strings.Builder) {
	fmt.Fprintf(b, "  - target: %s\n", s.target)
	if s.kind != "" {
		fmt.Fprintf(b, "    type: %s\n", s.kind)
	}
	if len(s.from) == 0 {
		fmt.Fprintf(b, "    constant: %q\n", s.constant)
		return
	}
	steps := slices.Clone(s.steps)
	if len(s.from) > 1 {
		steps = append(steps, `{concat: "; "}`)
	}
	fmt.Fprintf(b, "    from: [%s]\n    steps: [%s]\n    necessity: a reason for the recipient\n", strings.Join(s.from, ", "), strings.Join(steps, ", "))
	if s.required {
		b.WriteString("    required: true\n")
	} else if s.null {
		b.WriteString("    absent: \"null\"\n")
	}
	if s.maxLength > 0 {
		fmt.Fprintf(b, "    max_length: %d\n", s.maxLength)
	}
	for i, from := range slices.Sorted(maps.Keys(s.codes)) {
		if i == 0 {
			b.WriteString("    codes:\n")
		}
		fmt.Fprintf(b, "      - {from: %q, to: %q}\n", from, s.codes[from])
	}
}

// plainly does a step the simple way.
func plainly(step, v string) (string, string) {
	switch step {
	case "trim":
		return strings.TrimSpace(v), ""
	case "collapse_spaces":
		var b strings.Builder
		var last rune
		for _, r := range v {
			if unicode.IsSpace(r) {
				r = ' '
			}
			if r != ' ' || last != ' ' {
				b.WriteRune(r)
			}
			last = r
		}
		return b.String(), ""
	case "upper":
		return strings.Map(unicode.ToUpper, v), ""
	case "lower":
		return strings.Map(unicode.ToLower, v), ""
	case "digits":
		v = strings.NewReplacer(" ", "", "\u00a0", "", "-", "", ".", "", "(", "", ")", "", "+", "").Replace(v)
		if strings.Trim(v, "0123456789") != "" {
			return "", "mapping.not_digits"
		}
		return v, ""
	case "e164":
		out, ok := kz.Phone(nil, []byte(v))
		if !ok {
			return "", "mapping.not_phone"
		}
		return string(out), ""
	}
	return norm.NFC.String(v), ""
}

// want is what must come out of a row: a value, nothing, or a code.
func (s *sample) want(person map[string]*string) (value any, code string) {
	if len(s.from) == 0 {
		return s.constant, ""
	}
	var parts []string
	for _, f := range s.from {
		v := person[f]
		if v == nil || *v == "" {
			return s.missing()
		}
		if !utf8.ValidString(*v) {
			return nil, "mapping.bad_utf8"
		}
		out := *v
		for _, step := range s.steps {
			if out, code = plainly(step, out); code != "" {
				return nil, code
			} else if out == "" {
				return s.missing()
			}
		}
		parts = append(parts, out)
	}
	out := norm.NFC.String(strings.Join(parts, "; "))
	if s.codes != nil {
		to, ok := s.codes[out]
		if !ok {
			return nil, "mapping.code_unmapped"
		}
		out = to
	}
	switch s.kind {
	case "integer":
		if n, err := strconv.ParseInt(out, 10, 64); err != nil || strconv.FormatInt(n, 10) != out || n >= 1e15 || n <= -1e15 {
			return nil, "mapping.not_of_type"
		}
	case "boolean":
		if out != "true" && out != "false" {
			return nil, "mapping.not_of_type"
		}
	}
	if s.maxLength > 0 && utf8.RuneCountInString(out) > s.maxLength {
		return nil, "mapping.too_long"
	}
	switch s.kind {
	case "integer":
		return json.Number(out), ""
	case "boolean":
		return out == "true", ""
	}
	return out, ""
}

func (s *sample) missing() (any, string) {
	if s.required {
		return nil, "mapping.required_missing"
	}
	return nil, ""
}

var sampleFields = []string{"family_name", "given_name", "iin", "phone", "email", "region"}

func drawSample(t *rapid.T, i int) *sample {
	s := &sample{target: rapid.SampledFrom([]string{"a", "b", "c/x", "c/y", "d/e/f", "ә"}).Draw(t, "parent") + "/" + strconv.Itoa(i)}
	s.target = strings.ReplaceAll(s.target, "/"+strconv.Itoa(i), "/v"+strconv.Itoa(i))
	if rapid.IntRange(0, 9).Draw(t, "constant") == 0 {
		s.constant = rapid.SampledFrom([]string{"KZ", "\"", "ә\\n"}).Draw(t, "text")
		return s
	}
	s.from = rapid.SliceOfNDistinct(rapid.SampledFrom(sampleFields), 1, 2, rapid.ID).Draw(t, "from")
	s.steps = slices.Compact(rapid.SliceOfN(rapid.SampledFrom([]string{"trim", "collapse_spaces", "upper", "lower", "nfc", "digits", "e164"}), 0, 3).Draw(t, "steps"))
	s.kind = rapid.SampledFrom([]string{"", "string", "string", "integer", "boolean"}).Draw(t, "type")
	s.required = rapid.IntRange(0, 3).Draw(t, "required") == 0
	s.null = !s.required && rapid.Bool().Draw(t, "null")
	s.maxLength = rapid.SampledFrom([]int{0, 0, 3, 12}).Draw(t, "max")
	if rapid.IntRange(0, 5).Draw(t, "coded") == 0 {
		s.codes = map[string]string{"a": "1", "true": "true", "1": "false", "Алматы": "71"}
		if s.kind != "" {
			s.kind = "string"
		}
	}
	return s
}

// anyText draws text with many spaces, Kazakh letters, combining marks and digits.
var anyText = rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("  \t\u00a0\u0085\u2003\u0300\u0301\u0306\u0483әғқңөұүһіӘҒҚҢӨҰҮҺІЙйЁ AbZ019+-().ßŉ🙂\u0340\u0958"))))

var anyValue = rapid.OneOf(rapid.Just(""), rapid.SampledFrom([]string{"Алматы", "  Ақ  Нұр ", "1", "true", "a", "-5", "8 700 000 00 01", "+77000000001", "\xff", "ab\xd0", "007", "И\u0306", "\"\\\n\x01", "990101300129", "9999999999999999"}), anyText)

// TestEncodeAgreesWithOracle: for any table and any people, the document is JSON that decodes to what a plain
// reading of the table gives, and everybody is in it or withheld for the reasons that the reading gives.
func TestEncodeAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []*sample
		var yaml strings.Builder
		yaml.WriteString("mapping: t\nversion: 1\nschema: {name: s, version: 1, digest: \"sha256:" + strings.Repeat("1", 64) + "\"}\noutput: {format: json, records: r}\nrecords:\n")
		for i := range rapid.IntRange(1, 7).Draw(t, "rows") {
			rows = append(rows, drawSample(t, i))
			rows[i].yaml(&yaml)
		}
		table, err := Load("t.yaml", []byte(yaml.String()), policyFields)
		if err != nil {
			t.Fatalf("%v\n%s", err, yaml.String())
		}
		e, err := table.Bind(sampleFields, noSink{})
		if err != nil {
			t.Fatal(err)
		}
		checkLineage(t, table, rows)
		for range 2 { // the encoder is used again
			checkDocument(t, e, rows)
		}
	})
}

func checkLineage(t *rapid.T, table *Table, rows []*sample) {
	lineage := table.Lineage()
	if len(lineage) != len(rows) {
		t.Fatalf("%d targets, lineage of %d", len(rows), len(lineage))
	}
	for i, l := range lineage {
		s := rows[i]
		steps := append(slices.Clone(s.steps), "nfc")
		if len(s.from) > 1 {
			steps = slices.Insert(steps, len(steps)-1, `concat("; ")`)
		}
		if s.codes != nil {
			steps = append(steps, `codes("inline")`)
		}
		if len(s.from) == 0 {
			steps = nil
		}
		if l.Target != s.target || !slices.Equal(l.Sources, s.from) || l.Constant != s.constant || !slices.Equal(l.Transforms, steps) {
			t.Fatalf("lineage %+v of %+v", l, s)
		}
	}
}

func checkDocument(t *rapid.T, e *Encoder, rows []*sample) {
	var people crowd
	wantDoc := []any{}
	var wantRows []int32
	var wantHeld []Withheld
	for i := range rapid.IntRange(0, 4).Draw(t, "people") {
		person := map[string]*string{}
		cells := make([][]byte, len(sampleFields))
		for k, f := range sampleFields {
			if rapid.IntRange(0, 5).Draw(t, "null") > 0 {
				v := anyValue.Draw(t, f)
				person[f], cells[k] = &v, []byte(v)
			}
		}
		people = append(people, cells)
		rec, held := map[string]any{}, false
		for _, s := range rows {
			v, code := s.want(person)
			if code != "" {
				wantHeld, held = append(wantHeld, Withheld{int32(i), s.target, code}), true
			} else if v != nil || s.null {
				put(rec, strings.Split(s.target, "/"), v)
			}
		}
		if !held {
			wantDoc, wantRows = append(wantDoc, rec), append(wantRows, int32(i))
		}
	}
	dst, result, err := e.encode([]byte("kept"), people, &exampleHeader)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(result.Rows, wantRows) || !slices.Equal(result.Withheld, wantHeld) || len(result.Rows)+result.People != len(people) {
		t.Fatalf("rows %v withheld %v, want %v %v", result.Rows, result.Withheld, wantRows, wantHeld)
	}
	doc, ok := strings.CutPrefix(string(dst), "kept")
	if !ok {
		t.Fatal("what was there before is lost")
	}
	if len(wantRows) == 0 {
		if doc != "" {
			t.Fatalf("a document of nobody: %q", doc)
		}
		return
	}
	if err := schemas.Scan([]byte(doc), discard{}); err != nil {
		t.Fatalf("not strict JSON: %v\n%q", err, doc)
	}
	var got any
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(&got); err != nil || !reflect.DeepEqual(got, map[string]any{"r": wantDoc}) {
		t.Fatalf("got %v %v\nwant %v\n%q", got, err, wantDoc, doc)
	}
}

// put sets a nested member.
func put(rec map[string]any, path []string, v any) {
	for ; len(path) > 1; path = path[1:] {
		if rec[path[0]] == nil {
			rec[path[0]] = map[string]any{}
		}
		rec = rec[path[0]].(map[string]any)
	}
	rec[path[0]] = v
}

type discard struct{}

func (discard) Event(schemas.Kind, []byte) {}

func TestMaskIsWhatTheTableReads(t *testing.T) {
	table := formTable(t, "format: jsonlines, records: rows")
	e, err := table.Bind([]string{"iin", "region", "phone", "family_name"}, noSink{})
	if err != nil || e.Mask() != 0b1010 {
		t.Errorf("%v, mask %b", err, e.Mask())
	}
}

func TestSchemaWithholdsARecord(t *testing.T) {
	table, schema := exampleTable(t, "oblast-consent")
	e, err := table.Bind(table.Fields(), schema.Checker())
	if err != nil {
		t.Fatal(err)
	}
	people := benchCrowd(5)
	people[1][2] = []byte("3512310000") // ten digits
	people[1][0] = []byte("Сейітқали1")
	people[3][3] = []byte("112")
	for range 2 {
		doc, result, err := e.encode(nil, people, &exampleHeader)
		if err != nil {
			t.Fatal(err)
		}
		want := []Withheld{{1, "family_name", "schema.pattern"}, {1, "iin", "schema.pattern"}, {3, "phone", "mapping.not_phone"}}
		if !slices.Equal(result.Withheld, want) || !slices.Equal(result.Rows, []int32{0, 2, 4}) || result.People != 2 {
			t.Errorf("%+v", result)
		}
		if found, err := schema.CheckDocument(doc); err != nil || len(found) > 0 {
			t.Errorf("%v %v", found, err)
		}
	}
}

func TestDocumentRefused(t *testing.T) {
	table, schema := exampleTable(t, "oblast-consent")
	e, err := table.Bind(table.Fields(), schema.Checker())
	if err != nil {
		t.Fatal(err)
	}
	bad := exampleHeader
	bad.Sender = "35"
	dst, result, err := e.encode([]byte("x"), benchCrowd(2), &bad)
	if record.CodeOf(err) != "mapping.header_invalid" || string(dst) != "x" || result != nil || !strings.Contains(err.Error(), "/header/sender_bin schema.pattern") {
		t.Errorf("%v %q", err, dst)
	}
	bad.Sender = "\xff"
	if _, _, err := e.encode(nil, benchCrowd(2), &bad); record.CodeOf(err) != "mapping.header_invalid" {
		t.Errorf("%v", err)
	}
	if _, _, err := e.encode(nil, benchCrowd(10001), &exampleHeader); record.CodeOf(err) != "mapping.document_invalid" {
		t.Errorf("%v", err)
	}
	if _, result, err := e.encode(nil, benchCrowd(2), &exampleHeader); err != nil || len(result.Rows) != 2 {
		t.Errorf("the encoder does not recover: %v", err)
	}
	if _, _, err := e.Encode(nil, nil, exampleHeader); record.CodeOf(err) != "mapping.no_cleared" {
		t.Errorf("%v", err)
	}
	if _, err := table.Bind(table.Fields(), nil); record.CodeOf(err) != "mapping.no_sink" {
		t.Errorf("%v", err)
	}
	if _, err := table.Bind([]string{"iin"}, noSink{}); len(err.(record.Problems)) != 2 || record.CodeOf(err) != "mapping.field_not_cleared" {
		t.Errorf("%v", err)
	}
}

func TestFieldThatIsNotCleared(t *testing.T) {
	table, schema := exampleTable(t, "ministry-request")
	e, err := table.Bind([]string{"iin", "given_name", "family_name"}, schema.Checker())
	if err != nil {
		t.Fatal(err)
	}
	if e.Mask() != 0b111 {
		t.Errorf("mask %b", e.Mask())
	}
	doc, result, err := e.encode(nil, crowd{{[]byte("351231000009"), []byte("Ақнұр"), []byte("Сейітқали")}}, &exampleHeader)
	if err != nil || len(result.Rows) != 1 || !strings.HasSuffix(string(doc), `"pupils":[{"family_name":"Сейітқали","given_name":"Ақнұр","iin":"351231000009"}]}`+"\n") {
		t.Errorf("%v %v", err, result)
	}
}

func TestNothingIsAllocatedForARecord(t *testing.T) {
	table, schema := exampleTable(t, "oblast-consent")
	e, err := table.Bind(table.Fields(), schema.Checker())
	if err != nil {
		t.Fatal(err)
	}
	measure := func(n int) float64 {
		people := benchCrowd(n)
		people[0][0] = []byte("  И\u0306  \"тег\"") // trimmed, composed, escaped, withheld
		people[1][3] = []byte("8 700 000 00 01")
		dst, _, _ := e.encode(nil, people, &exampleHeader)
		return testing.AllocsPerRun(10, func() { dst, _, _ = e.encode(dst[:0], people, &exampleHeader) })
	}
	if few, many := measure(10), measure(1000); many > few {
		t.Errorf("%v allocations for 10 people, %v for 1000", few, many)
	}
}

// formTable is a table of two fields in any format.
func formTable(t *testing.T, output string, extra ...string) *Table {
	t.Helper()
	source := "mapping: t\nversion: 1\nschema: {name: s, version: 1, digest: \"sha256:" + strings.Repeat("1", 64) + "\"}\noutput: {" + output + "}\nrecords:\n" +
		"  - {target: name, from: family_name, required: true, necessity: the register is kept by name}\n  - {target: at/kod, from: region, steps: [trim], necessity: counted by region}\n" + strings.Join(extra, "")
	table, err := Load("t.yaml", []byte(source), policyFields)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestForms(t *testing.T) {
	schema, err := schemas.Compile([]byte(`{"$schema": "` + schemas.Dialect + `", "type": "object", "required": ["rows"], "properties": {"rows": {"type": "array", "items":
		{"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}, "at": {"type": "object"}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	people := crowd{{[]byte("Әсел <Б>"), []byte(" 61 ")}, {[]byte("=1+1"), nil}, {[]byte("Пётр;"), []byte("  ")}, {[]byte("more than nine"), []byte("71")}, {[]byte("x\x01"), []byte("71")}}
	for _, c := range []struct{ output, media, want, withheld string }{
		{"format: xml, root: doc, record: row, records: rows, namespace: \"urn:x:y\"", "application/xml",
			`<doc xmlns="urn:x:y"><rows><row><name>Әсел &lt;Б&gt;</name><at><kod>61</kod></at></row><row><name>=1+1</name></row><row><name>Пётр;</name></row></rows></doc>`,
			"[{3 name schema.max_length} {4 name mapping.not_xml}]"},
		{`format: csv, records: rows, delimiter: ";", bom: true`, "text/csv; charset=utf-8", "\ufeffname;at/kod\r\nӘсел <Б>;61\r\n\"Пётр;\";\r\nx\x01;71\r\n",
			"[{1 name mapping.formula} {3 name schema.max_length}]"},
		{`format: csv, records: rows, delimiter: ",", encoding: windows-1251`, "text/csv; charset=windows-1251", "name,at/kod\r\n\xcf\xb8\xf2\xf0;,\r\nx\x01,71\r\n",
			"[{0 name mapping.not_in_encoding} {1 name mapping.formula} {3 name schema.max_length}]"},
		{"format: jsonlines, records: rows", "application/jsonl", `{"name":"Әсел <Б>","at":{"kod":"61"}}` + "\n" + `{"name":"=1+1"}` + "\n" + `{"name":"Пётр;"}` + "\n" + `{"name":"x\u0001","at":{"kod":"71"}}` + "\n",
			"[{3 name schema.max_length}]"},
	} {
		table := formTable(t, c.output)
		e, err := table.Bind([]string{"family_name", "region"}, schema.Checker())
		if err != nil {
			t.Fatal(err)
		}
		doc, result, err := e.encode(nil, people, &exampleHeader)
		if err != nil {
			t.Fatal(err)
		}
		if string(doc) != c.want || fmt.Sprint(result.Withheld) != c.withheld || table.MediaType() != c.media {
			t.Errorf("%s:\n got %q %v %s\nwant %q %s", c.output, doc, result.Withheld, table.MediaType(), c.want, c.withheld)
		}
	}
}
