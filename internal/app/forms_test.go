package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/setup"
)

// TestRoadInXML takes people along the whole road in XML, with the shipped programs: the receiving side checks the documents by the same
// schema, stores them, and can export them.
func TestRoadInXML(t *testing.T) {
	files, err := setup.Forms(filepath.Join("testdata", "xml"))
	if err != nil {
		t.Fatal(err)
	}
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
	for format, want := range map[string]string{"json": `"record":{"iin":"`, "csv": "name/@family,name/@given,phone/@of"} {
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
