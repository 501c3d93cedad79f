package mapping

import (
	"os"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas"
)

func lintCodes(found record.Problems) string {
	var codes []string
	for _, p := range found {
		codes = append(codes, strings.TrimPrefix(p.Where, "t.yaml:")+" "+p.Code)
	}
	return strings.Join(codes, "\n")
}

func TestLint(t *testing.T) {
	schema, err := schemas.Compile([]byte(`{"$schema": "` + schemas.Dialect + `", "type": "object", "required": ["header", "rows"], "properties": {
		"header": {"type": "object", "required": ["who", "provenance"], "properties": {"who": {"type": "string"}, "provenance": {"type": "object", "properties": {"iin": true}}}},
		"rows": {"type": "array", "items": {"type": "object", "required": ["iin", "name"], "properties": {
			"iin": {"type": "string", "maxLength": 12}, "name": {"type": "string"}, "region": {"type": "string", "maxLength": 2}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	const source = `mapping: t
version: 1
schema: {name: s, version: 1, digest: "DIGEST"}
output: {format: json, header: header, records: rows}
header:
  - {target: what, constant: x}
  - {target: provenance, from: provenance}
records:
  - target: iin
    from: iin
    max_length: 13
    necessity: the only key without mistake
  - target: region
    from: region
    steps: [trim, upper]
    codes: regions
    max_length: 2
    necessity: counted by region
code_lists:
  regions:
    - {from: АЛМАТЫ, to: "75"}
    - {from: Алматы, to: "75"}
    - {from: " АСТАНА", to: "71"}
`
	load := func(digest string) *Table {
		table, err := Load("t.yaml", []byte(strings.Replace(source, "DIGEST", digest, 1)), everyField)
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	got := lintCodes(Lint(load("sha256:"+strings.Repeat("1", 64)), []string{"iin", "region", "phone"}, schema))
	want := strings.Join([]string{"1:1 lint.unused_field", "22:14 lint.unreachable_code", "23:14 lint.unreachable_code", "3:10 lint.schema_differs",
		"9:13 lint.required_by_schema", "1:1 lint.target_without_source", "6:14 lint.unknown_target", "13:13 lint.unknown_target", "1:1 lint.target_without_source"}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	other, err := schemas.Compile([]byte(strings.ReplaceAll(string(schema.Source()), `"rows"`, `"list"`)))
	if err != nil {
		t.Fatal(err)
	}
	if got := lintCodes(Lint(load(other.Digest().String()), []string{"iin", "region"}, other)); !strings.HasSuffix(got, "1:1 lint.other_records") {
		t.Errorf("%s", got)
	}
}

// TestLintComparesCodesWithTheSchema: values that the schema does not list lead nowhere, those that it lists should be made by something.
func TestLintComparesCodesWithTheSchema(t *testing.T) {
	schema, err := schemas.Compile([]byte(`{"$schema": "` + schemas.Dialect + `", "type": "object", "required": ["rows"], "properties": {
		"rows": {"type": "array", "items": {"type": "object", "properties": {
			"region": {"enum": ["61", "71", "75"]}, "district": {"enum": ["a", "b"]}, "kind": {"enum": ["pupil"]}, "form": {"const": "x"}, "free": {"type": "string"}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	table, err := Load("t.yaml", []byte(`mapping: t
version: 1
schema: {name: s, version: 1, digest: "`+schema.Digest().String()+`"}
output: {format: jsonlines, records: rows}
records:
  - target: region
    from: region
    codes: regions
    necessity: counted by region
  - {target: district, from: district, necessity: counted by district}
  - {target: kind, constant: teacher}
  - {target: form, constant: x}
  - {target: free, from: iin, codes: [{from: a, to: anything}], necessity: nothing is listed for it}
code_lists:
  regions:
    - {from: "610000000", to: "61"}
    - {from: "710000000", to: "17"}
`), everyField)
	if err != nil {
		t.Fatal(err)
	}
	want := "17:14 lint.value_not_in_schema\n15:3 lint.value_not_made\n15:3 lint.value_not_made\n10:14 lint.no_code_list\n11:14 lint.value_not_in_schema"
	if got := lintCodes(Lint(table, []string{"iin", "region", "district"}, schema)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestExampleIsClean lints the example's tables against the fields of its routes.
func TestExampleIsClean(t *testing.T) {
	for _, name := range []string{"ministry-statute", "ministry-request", "oblast-consent"} {
		table, schema := exampleTable(t, name)
		route, err := os.ReadFile(exampleFolder + "/register/routes/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		var fields []string
		for line := range strings.Lines(string(route)) {
			if f, ok := strings.CutPrefix(strings.TrimSpace(line), "- field: "); ok {
				fields = append(fields, f)
			}
		}
		if found := Lint(table, fields, schema); len(found) > 0 || len(fields) < 6 {
			t.Errorf("%s: %v", name, found)
		}
	}
}
