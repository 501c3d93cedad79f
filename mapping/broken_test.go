package mapping

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"birgeoqy.kz/almasu/internal/record"
)

var renew = flag.Bool("renew", false, "write the findings into the corpus of broken mappings")

// policyFields permits what the policy names, and denies the rest by the rule that its absence stands for.
func policyFields(field string) (string, bool) {
	switch field {
	case "family_name", "given_name", "iin", "phone", "email", "region":
		return "", true
	case "middle_name":
		return "FLD-1", false
	case "birth_date", "sex":
		return "FLD-3", false
	}
	return "SCOPE-1", false
}

// findings is "line:column code" for each problem, in order of report.
func findings(err error) string {
	var problems record.Problems
	if !errors.As(err, &problems) {
		return fmt.Sprintf("%v\n", err)
	}
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s %s\n", strings.TrimPrefix(p.Where, "m/t.yaml:"), p.Code)
	}
	return b.String()
}

func TestBroken(t *testing.T) {
	const corpus = "testdata/broken.txtar"
	archive, err := txtar.ParseFile(corpus)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	for i := 0; i+1 < len(archive.Files); i += 2 {
		f, want := &archive.Files[i], &archive.Files[i+1]
		_, err := Load("m/t.yaml", f.Data, policyFields)
		got := findings(err)
		if *renew {
			want.Data = []byte(got)
		}
		if got != string(want.Data) || err == nil {
			t.Errorf("%s:\ngot\n%swant\n%s%v", f.Name, got, want.Data, err)
			continue
		}
		for line := range strings.Lines(got) {
			codes[strings.Fields(line)[1]] = true
		}
	}
	t.Logf("%d mappings, %d codes", len(archive.Files)/2, len(codes))
	if len(archive.Files)/2 < 60 || len(codes) < 30 {
		t.Errorf("the corpus has %d mappings and %d codes", len(archive.Files)/2, len(codes))
	}
	if *renew {
		if err := os.WriteFile(corpus, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNotPermittedNamesFileLineAndRule(t *testing.T) {
	raw := []byte("mapping: t\nversion: 1\nschema: {name: s, version: 1, digest: \"sha256:" + strings.Repeat("0", 63) + "1\"}\noutput: {format: json, records: r}\n" +
		"records:\n  - target: x\n    from: middle_name\n    necessity: the form has a box for it\n")
	_, err := Load("m/t.yaml", raw, policyFields)
	if err == nil || !strings.Contains(err.Error(), `m/t.yaml:7:11: the field "middle_name" may not be sent on this route: rule FLD-1`) {
		t.Errorf("%v", err)
	}
	if _, err := Load("m/t.yaml", raw, nil); record.CodeOf(err) != "mapping.no_register" {
		t.Errorf("without a register: %v", err)
	}
}

// TestNestingCostsNothing loads what would keep the parser busy for minutes.
func TestNestingCostsNothing(t *testing.T) {
	for _, piece := range []string{"[", "{a: ", "- ", "a: [\n"} {
		_, err := Load("m/t.yaml", []byte(strings.Repeat(piece, MaxSource/len(piece))), policyFields)
		if record.CodeOf(err) != "mapping.yaml_feature" {
			t.Errorf("%q: %v", piece, record.CodeOf(err))
		}
	}
}

func FuzzLoad(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/broken.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add(file.Data)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		table, err := Load("m/t.yaml", raw, policyFields)
		if err != nil {
			return
		}
		for _, field := range table.Fields() {
			if _, ok := policyFields(field); !ok {
				t.Fatal("an unpermitted field was loaded")
			}
		}
		if _, err := table.Bind(table.Fields(), noSink{}); err != nil {
			t.Fatal(err)
		}
		if len(table.Lineage()) != len(table.rows) {
			t.Fatal("a target without lineage")
		}
	})
}
