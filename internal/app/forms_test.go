package app

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	birgeoqy "birgeoqy.kz/almasu/deploy/birgeoqy"
	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/setup"
)

// TestRoadInForms takes people along the whole road in each form but the example's JSON, with the shipped programs: the receiving side checks the
// documents by the same schema, stores them, and can export them.
func TestRoadInForms(t *testing.T) {
	const local, ministry = "../../deploy/birgeoqy/local/", "../../deploy/birgeoqy/ministry/"
	for name, c := range map[string]struct {
		connector, mapping, schema string
		counted                    int
		csv                        string
	}{
		"xml":             {"oblast-consent", "testdata/xml/oblast-consent.yaml", "testdata/xml/birgeoqy-oblast-pupils-xml.v1.xsd", 174, "name/@family,name/@given,phone/@of"},
		"csv":             {"oblast-consent", local + "local-csv.v2.yaml", local + "birgeoqy-local-pupils.v2.json", 174, "iin,family_name,given_name,phone"},
		"xlsx":            {"oblast-consent", local + "local-xlsx.v2.yaml", local + "birgeoqy-local-pupils.v2.json", 174, "iin,family_name,given_name,phone"},
		"ministry xml v1": {"ministry-statute", ministry + "ministry-xml.v1.yaml", ministry + "birgeoqy-ministry-pupils-xml.v1.xsd", 381, "family_name,given_name"},
		"ministry xml v2": {"ministry-statute", ministry + "ministry-xml.v2.yaml", ministry + "birgeoqy-ministry-pupils-xml.v2.xsd", 381, "name/@family,name/@given"},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := setup.Forms(c.connector, c.mapping, c.schema)
			if err != nil {
				t.Fatal(err)
			}
			files["register/acts.yaml"] = realActs(t)
			roadIn(t, c.connector, files, c.counted, map[string]string{"json": `"iin":"`, "csv": c.csv})
		})
	}
}

// realActs are the example's acts, of which none is marked as an example.
func realActs(t *testing.T) []byte {
	t.Helper()
	acts, err := birgeoqy.Files.ReadFile("register/acts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^ *example: true\n`).ReplaceAll(acts, nil)
}

// roadIn sends a connector's people and exports them in each of the formats, whose text is to hold what is wanted.
func roadIn(t *testing.T, connector string, files map[string][]byte, counted int, exports map[string]string) {
	t.Helper()
	w := &setup.Example{Dir: t.TempDir(), Now: demo.Start, People: 400, Batch: 100, Canary: canary, Files: files}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	body, other := w.Oblast, w.Ministry
	if slices.Contains(w.Ministry.Connectors, connector) {
		body, other = w.Ministry, w.Oblast
	}
	start(t, w, body)
	other.URL = body.URL
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
	said := do("run", connector, "--reason", "test")
	if !strings.Contains(said, fmt.Sprintf("receiver counts %d", counted)) {
		t.Errorf("the account:\n%s", said)
	}
	if out := do("log", "verify"); !strings.Contains(out, "VERIFIED") {
		t.Errorf("the log: %s", out)
	}
	config := w.Path(body.Folder, "authority.yaml")
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
