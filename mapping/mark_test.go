package mapping

import (
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
)

const markedTable = `mapping: t
version: 1
schema: {name: s, version: 1, digest: "sha256:1111111111111111111111111111111111111111111111111111111111111111"}
output: {format: json, header: h, records: r}
header:
  - {target: provenance, from: provenance}
records:
  - {target: iin, from: iin, necessity: the only key without mistake}
  - {target: name, from: [family_name, given_name], steps: [{concat: "_"}], necessity: written on the certificate}
  - {target: iin_mark, mark: iin}
`

// TestMarksInDocuments: a mark stands in the header for every value that has a source, and in a record beside a value that is there.
func TestMarksInDocuments(t *testing.T) {
	table, err := Load("t.yaml", []byte(markedTable), everyField)
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := table.Bind([]string{"iin", "family_name", "given_name"}, noSink{})
	if err != nil {
		t.Fatal(err)
	}
	people := crowd{{[]byte("351231000009"), []byte("A"), []byte("B")}, {nil, []byte("C"), []byte("D")}}
	verified := []legal.Mark{{Field: "iin", Truth: "verified_by:gbdfl,2026-01-31"}, {Field: "family_name", Truth: "verified_by:gbdfl,2026-01-31"}, {Field: "given_name", Truth: SelfDeclared}}
	for _, c := range []struct {
		marks []legal.Mark
		want  string
	}{
		{nil, `{"h":{"provenance":{"iin":"self_declared","name":"self_declared"}},"r":[{"iin":"351231000009","name":"A_B","iin_mark":"self_declared"},{"name":"C_D"}]}`},
		{verified, `{"h":{"provenance":{"iin":"verified_by:gbdfl,2026-01-31","name":"self_declared"}},"r":[{"iin":"351231000009","name":"A_B","iin_mark":"verified_by:gbdfl,2026-01-31"},{"name":"C_D"}]}`},
	} {
		h := exampleHeader
		h.Marks = c.marks
		doc, _, err := encoder.encode(nil, people, &h)
		if got := strings.NewReplacer("\n", "", " ", "").Replace(string(doc)); err != nil || got != c.want {
			t.Errorf("%s, %v", got, err)
		}
	}
	if l := table.Lineage(); len(l) != 3 || len(l[2].Transforms) != 1 || l[2].Transforms[0] != "mark" {
		t.Errorf("lineage %+v", l)
	}
	for _, bad := range []string{"{target: iin_mark, mark: iin, from: iin}", "{target: iin_mark, mark: iin, required: true}", "{target: iin_mark, mark: [iin]}"} {
		if _, err := Load("t.yaml", []byte(strings.Replace(markedTable, "{target: iin_mark, mark: iin}", bad, 1)), everyField); err == nil {
			t.Errorf("%s loads", bad)
		}
	}
	nobody := func(field string) (string, bool) { return "FLD-2", field != "iin" }
	if _, err := Load("t.yaml", []byte(markedTable), nobody); err == nil || !strings.Contains(err.Error(), "FLD-2") {
		t.Errorf("the mark of a field that is not permitted loads: %v", record.CodeOf(err))
	}
}
