package app

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/mapping/judging"
)

// judgedDeployment has a connector whose schema is outside the subset: a pupil stands for an abstract element, and no telephone ends in 9.
func judgedDeployment(t *testing.T) *setup.Example {
	t.Helper()
	needs.Tool(t, "xmllint", "libxml2-utils")
	files, err := setup.Forms("oblast-consent", "testdata/xml/oblast-consent.yaml", "testdata/xml/birgeoqy-oblast-pupils-xml.v1.xsd")
	if err != nil {
		t.Fatal(err)
	}
	w := &setup.Example{Dir: t.TempDir(), Now: demo.Start, People: 400, Batch: 100, Canary: canary, Files: files}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Oblast.URL, w.Ministry.URL = "https://127.0.0.1:1", "https://127.0.0.1:1"
	if err := w.WriteConfig(w.Now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := run(t, "almasu", almasuArgs(w, "migrate")...); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	const schema = "birgeoqy-oblast-pupils-xml.v1.xsd"
	amend(t, w.Path("schemas", schema), `<xs:element name="pupil" type="Pupil" maxOccurs="unbounded"/>`, `<xs:element ref="member" maxOccurs="unbounded"/>`,
		`<xs:element name="package">`, `<xs:element name="member" type="Pupil" abstract="true"/><xs:element name="pupil" type="Pupil" substitutionGroup="member"/><xs:element name="package">`,
		`\+7[0-9]{10}`, `\+7[0-9]{9}[0-8]`)
	raw, err := os.ReadFile(w.Path("schemas", schema))
	if err != nil {
		t.Fatal(err)
	}
	amend(t, w.Path("mapping", "oblast-consent.yaml"), "sha256:59d69ceceff0c5e0dec08fcd31874bd865843d45b316e3b2661b14b0ef0e69b6", record.DigestOf(raw).String())
	amend(t, w.Path("almasu.yaml"), "patience: 20s", "patience: 1s")
	return w
}

// amend replaces texts, each of which is there, in a file.
func amend(t *testing.T, file string, pairs ...string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s has no %q", file, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestJudgedByXmllint: a schema outside the subset is refused, unless its connector asks for xmllint; then whom that program names is withheld and accounted for, the others
// go, and nothing is left on the disk.
func TestJudgedByXmllint(t *testing.T) {
	w := judgedDeployment(t)
	config, mapped := w.Path("almasu.yaml"), "    mapping: mapping/oblast-consent.yaml\n"
	refused := func(code string, args ...string) {
		t.Helper()
		if stdout, stderr, got := run(t, "almasu", almasuArgs(w, args...)...); got != 2 || !strings.Contains(stderr, "["+code+"]") {
			t.Errorf("%v: exit code %d, want [%s]\n%s%s", args, got, code, stdout, stderr)
		}
	}
	refused("xsd.unsupported", "check")
	amend(t, config, mapped, mapped+"    validator: xmlstarlet\n")
	refused("config.validator", "check")
	amend(t, config, "xmlstarlet", "xmllint")
	amend(t, config, "    mapping: mapping/ministry-statute.yaml\n", "    mapping: mapping/ministry-statute.yaml\n    validator: xmllint\n")
	refused("config.validator", "check")
	amend(t, config, "    mapping: mapping/ministry-statute.yaml\n    validator: xmllint\n", "    mapping: mapping/ministry-statute.yaml\n")
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	path := os.Getenv("PATH")
	t.Setenv("PATH", "")
	refused("xmllint.missing", "check")
	refused("xmllint.missing", "doctor")
	t.Setenv("PATH", path)

	if stdout, stderr, _ := run(t, "almasu", "lint", w.Dir); strings.Contains(stdout+stderr, "[xsd.") || strings.Contains(stdout+stderr, "[schema.") {
		t.Errorf("lint: %s%s", stdout, stderr)
	}
	stdout, stderr, _ := run(t, "almasu", almasuArgs(w, "run", "oblast-consent", "--reason", "test", "--json")...)
	var answer struct{ Result transfer.Report }
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	judged := 0
	for _, why := range answer.Result.Reasons {
		if why.Kind == "withheld" && why.Rule == judging.Code {
			judged += why.People
		}
	}
	const fit = 174 // whom TestRoadInForms sends, whatever their telephone ends in
	if totals := answer.Result.Totals; judged == 0 || totals.Pending == 0 || totals.Pending+judged != fit || !totals.Balanced() {
		t.Errorf("%d are withheld by the judge: %v", judged, totals)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}
