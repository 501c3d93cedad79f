package mapping

import (
	"os"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas"
)

// TestScaffold begins a table for the example's schema: it does not load until a person has decided, and then it does and lints clean.
func TestScaffold(t *testing.T) {
	set, err := schemas.LoadSet(os.DirFS(exampleFolder + "/schemas"))
	if err != nil {
		t.Fatal(err)
	}
	e, _ := set.Lookup("birgeoqy-oblast-pupils", 1)
	candidates := []Candidate{{"family_name", nil}, {"given_name", nil}, {"iin", nil}, {"region", []string{"Облыс"}}, {"area", []string{"Аудан", "Район"}}, {"settlement", nil},
		{"phone", []string{"Телефон"}}, {"contact_of_parent", []string{"телефон родителя"}}}
	raw := Scaffold("new", e, candidates)
	_, err = Load("new.yaml", raw, everyField)
	for _, p := range err.(record.Problems) {
		if p.Code != "mapping.no_necessity" {
			t.Errorf("%v", p)
		}
	}
	text := string(raw)
	for _, want := range []string{"{target: format, constant: \"birgeoqy-oblast-pupils\"}", "{target: format_version, type: integer, constant: 1}", "{target: package, type: integer, from: batch}",
		"{target: legal_basis, from: ground}", "{target: provenance, from: provenance}", "    from: area\n", "    from: contact_of_parent\n", "    required: true\n    max_length: 100\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the scaffold does not have %q", want)
		}
	}
	if strings.Contains(text, Unchosen) {
		t.Errorf("a source is not suggested:\n%s", text)
	}
	table, err := Load("new.yaml", []byte(strings.ReplaceAll(text, `necessity: ""`, "necessity: the register is kept by it")), everyField)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range Lint(table, table.Fields(), e.Schema) {
		// The schema bounds these two by a pattern only.
		if p.Code != "lint.longer_than_schema" {
			t.Errorf("%v", p)
		}
	}
	if bare := string(Scaffold("new", e, nil)); strings.Count(bare, "from: "+Unchosen) != 8 {
		t.Errorf("without candidates:\n%s", bare)
	}
}

func TestScaffoldOfWhatARowCannotMake(t *testing.T) {
	schema, err := schemas.Compile([]byte(`{"$schema": "` + schemas.Dialect + `", "type": "object", "properties": {"rows": {"type": "array", "items": {"type": "object", "required": ["a b"], "properties": {
		"a b": {"type": "string"}, "phones": {"type": "array", "items": {"type": "string"}}, "country": {"const": "KZ"}, "n": {"type": "integer"}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := string(Scaffold("new", schemas.Entry{Name: "s", Version: 1, Schema: schema}, nil))
	want := "records:\n  # \"a b\" cannot be made by a row; required: true\n  # \"phones[]\" cannot be made by a row; required: false\n  - target: country\n    constant: \"KZ\"\n" +
		"  - target: n\n    type: integer\n    from: " + Unchosen + "\n    steps: [trim, collapse_spaces]\n    necessity: \"\"\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := Load("new.yaml", []byte(got), policyFields); record.CodeOf(err) == "" {
		t.Error("an undecided scaffold loads")
	}
}
