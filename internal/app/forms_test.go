package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/setup"
)

// TestRoadInForms takes people along the whole road in each form but JSON, with the shipped programs: the receiving side checks the documents by
// the same schema, stores them, and can export them.
func TestRoadInForms(t *testing.T) {
	const local = "../../deploy/birgeoqy/local/"
	for _, c := range []struct{ name, mapping, schema, json, csv string }{
		{"xml", "testdata/xml/oblast-consent.yaml", "testdata/xml/birgeoqy-oblast-pupils-xml.v1.xsd", `"record":{"iin":"`, "name/@family,name/@given,phone/@of"},
		{"csv", local + "local-csv.v2.yaml", local + "birgeoqy-local-pupils.v2.json", `"iin":"`, "iin,family_name,given_name,phone"},
		{"xlsx", local + "local-xlsx.v2.yaml", local + "birgeoqy-local-pupils.v2.json", `"iin":"`, "iin,family_name,given_name,phone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, err := setup.Forms("oblast-consent", c.mapping, c.schema)
			if err != nil {
				t.Fatal(err)
			}
			roadIn(t, files, map[string]string{"json": c.json, "csv": c.csv})
		})
	}
}

// roadIn sends the consent route's people and exports them in each of the formats, whose text is to hold what is wanted.
func roadIn(t *testing.T, files map[string][]byte, exports map[string]string) {
	t.Helper()
	w := &setup.Example{Dir: t.TempDir(), Now: demoStart, People: 400, Batch: 100, Canary: canary, Files: files}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	start(t, w, w.Oblast)
	w.Ministry.URL = w.Oblast.URL
	if err := w.WriteConfig(w.Now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	do := func(args ...string) string {
		t.Helper()
		stdout, stderr, code := run(t, "almasu", almasuArgs(w, args...)...)
		if code != 0 && code != 5 {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout
	}
	do("migrate")
	said := do("run", "oblast-consent", "--reason", "test")
	if !strings.Contains(said, "receiver counts 174") {
		t.Errorf("the account:\n%s", said)
	}
	if out := do("log", "verify"); !strings.Contains(out, "VERIFIED") {
		t.Errorf("the log: %s", out)
	}
	config := w.Path("oblast/authority.yaml")
	if out, stderr, code := run(t, "authority", "--config", config, "verify"); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	for format, want := range exports {
		out := filepath.Join(t.TempDir(), "received")
		if _, stderr, code := run(t, "authority", "--config", config, "export", "--sender", "351240000010", "--out", out, "--format", format); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		text, err := os.ReadFile(out)
		if err != nil || !strings.Contains(string(text), want) || strings.Count(string(text), "\n") < 50 {
			t.Errorf("%s: %v, %d lines", format, err, strings.Count(string(text), "\n"))
		}
	}
}
