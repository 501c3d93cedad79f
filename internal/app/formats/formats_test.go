package formats

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/schemas"
)

// invoke runs a command and returns what it prints, its exit code as set, and its error.
func invoke(t *testing.T, args ...string) (out string, code int, err error) {
	t.Helper()
	var buffer bytes.Buffer
	asJSON, config := false, ""
	root := &cobra.Command{Use: "almasu", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(Commands(Env{Stdout: &buffer, JSON: &asJSON, Config: &config, Result: func(any) {}, Code: func(c int) { code = c }, Environment: func(err error) error { return err }})...)
	root.SetArgs(args)
	err = root.Execute()
	return buffer.String(), code, err
}

const (
	pupilsXSD = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="list"><xs:complexType><xs:sequence><xs:element name="rows">
<xs:complexType><xs:sequence><xs:element name="row" maxOccurs="unbounded"><xs:complexType><xs:sequence>
<xs:element name="iin"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[0-9]{12}"/></xs:restriction></xs:simpleType></xs:element>
<xs:element name="grade" type="xs:int" minOccurs="0"/></xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element></xs:schema>`
	pupilsJSON = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["rows"], "properties": {"rows": {"type": "array", "items":
{"type": "object", "additionalProperties": false, "required": ["iin"], "properties": {"iin": {"type": "string", "pattern": "^[0-9]{12}$"}, "grade": {"type": "integer"}}}}}}`
)

// folder writes files and goes there.
func folder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestValidate(t *testing.T) {
	folder(t, map[string]string{
		"s.xsd": pupilsXSD, "s.json": pupilsJSON,
		"good.xml":  "<list><rows><row><iin>123456789012</iin></row></rows></list>",
		"bad.xml":   "<list><rows>\n<row><iin>123456789012</iin></row>\n<row><iin>SECRET</iin><grade>x</grade></row>\n<row/></rows></list>",
		"open.xml":  "<list><rows>",
		"evil.xml":  `<!DOCTYPE list [<!ENTITY x SYSTEM "file:///etc/passwd">]><list>&x;</list>`,
		"good.json": `{"rows": [{"iin": "123456789012"}]}`,
		"bad.json":  "{\"rows\": [\n{\"iin\": \"123456789012\"},\n{\"iin\": \"SECRET\", \"x\": 1}]}",
		"bad.jsonl": "{\"iin\": \"123456789012\"}\n{\"grade\": 1}\n",
		"bad.csv":   "ЖСН;Сынып\r\n123456789012;7\r\nSECRET;8\r\n",
		"old.csv":   "\xc8\xc8\xcd;\xca\xeb\xe0\xf1\xf1\r\n123456789012;7\r\n",
	})
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"s.xsd good.xml", "good.xml: valid\n", 0},
		{"s.xsd bad.xml", "bad.xml:3: record 1: /iin: it does not fit the schema's pattern [schema.pattern]\nbad.xml:3: record 1: /grade: it is not of the type that the schema demands [schema.type]\nbad.xml:4: record 2: /iin: it is missing [schema.required]\nbad.xml: 3 violations\n", 1},
		{"s.xsd open.xml good.xml", "open.xml:1:13: the document ends inside an element [xml.syntax]\ngood.xml: valid\n", 1},
		{"s.xsd evil.xml", "evil.xml:1:1: a document type declaration [xml.doctype]\n", 1},
		{"s.json good.json", "good.json: valid\n", 0},
		{"s.json bad.json", "bad.json:3: record 1: /iin: it does not fit the schema's pattern [schema.pattern]\nbad.json:3: record 1: something stands here that the schema does not know [schema.additional_properties]\nbad.json: 2 violations\n", 1},
		{"s.json bad.jsonl", "bad.jsonl:2: record 1: /iin: it is missing [schema.required]\nbad.jsonl: 1 violations\n", 1},
		{"s.json bad.csv", "bad.csv:3: record 1: /iin: it does not fit the schema's pattern [schema.pattern]\nbad.csv: 1 violations\n", 1},
		{"s.json old.csv", "old.csv: valid\n", 0},
	} {
		out, code, err := invoke(t, append([]string{"validate", "--schema"}, strings.Fields(c.args)...)...)
		if err != nil || out != c.want || code != c.code {
			t.Errorf("%s: %v, exit code %d\n%s", c.args, err, code, out)
		}
	}
	if err := os.WriteFile("other.xsd", []byte(strings.Replace(pupilsXSD, "<xs:element name=\"list\">", "<xs:notation name='n' public='p'/><xs:element name=\"list\">", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := invoke(t, "validate", "--schema", "other.xsd", "good.xml"); err == nil || !strings.Contains(err.Error(), "other.xsd:1: notation is not in the supported subset [xsd.unsupported]") {
		t.Errorf("%v", err)
	}
	if _, _, err := invoke(t, "validate", "good.xml"); record.CodeOf(err) != "usage.arguments" {
		t.Errorf("%v", err)
	}
	needs.Tool(t, "xmllint", "libxml2-utils")
	out, code, err := invoke(t, "validate", "--validator", "xmllint", "--schema", "other.xsd", "good.xml", "bad.xml")
	if err != nil || code != 1 || !strings.Contains(out, "good.xml: valid\n") || !strings.Contains(out, "bad.xml:3: xmllint objects to this line [schema.xmllint]\n") || strings.Contains(out, "SECRET") {
		t.Errorf("%v, exit code %d\n%s", err, code, out)
	}
}

// TestMappingNew begins tables for all kinds of schemas; once a person has decided, each loads and lints clean.
func TestMappingNew(t *testing.T) {
	folder(t, map[string]string{"pupils.v2.xsd": pupilsXSD, "pupils.v1.json": pupilsJSON, "table.csv": "\ufeffИИН;Класс (номер)\r\n1;2\r\n"})
	for from, want := range map[string][]string{
		"pupils.v2.xsd":  {"format: xml\n  root: list\n  record: row\n  records: rows", "version: 2", "target: iin\n", "required: true", "type: integer"},
		"pupils.v1.json": {"format: json\n  records: rows", "name: pupils\n  version: 1", "target: iin\n", "type: integer"},
		"table.csv":      {"format: csv", "target: иин ", "heading: {ru: \"Класс (номер)\"}"},
	} {
		name := "from-" + strings.Trim(filepath.Ext(from), ".")
		out, code, err := invoke(t, "mapping", "new", name, "--from-schema", from, "--out", name+".yaml")
		if err != nil || code != 0 || !strings.Contains(out, "CHOOSE-A-FIELD") || !strings.Contains(out, "mapping.no_necessity") || !strings.Contains(out, "are left to decide") {
			t.Errorf("%s: %v\n%s", from, err, out)
			continue
		}
		raw, err := os.ReadFile(name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(raw), w) {
				t.Errorf("%s: there is no %q in\n%s", from, w, raw)
			}
		}
		decided := strings.ReplaceAll(string(raw), `necessity: ""`, "necessity: the list is kept by it")
		for _, field := range []string{"iin", "grade"} {
			decided = strings.Replace(decided, mapping.Unchosen, field, 1)
		}
		table, err := mapping.Load(name+".yaml", []byte(decided), func(string) (string, bool) { return "", true })
		if err != nil {
			t.Errorf("%s: %v\n%s", from, err, decided)
			continue
		}
		if from == "table.csv" {
			from = name + ".v1.json"
		}
		s, err := schemas.CompileFile(os.DirFS("."), from)
		if err != nil {
			t.Fatal(err)
		}
		if found := mapping.Lint(table, nil, s); len(found) > 0 {
			t.Errorf("%s: %v", from, found)
		}
		if _, err := table.Checker(t.Context(), s, nil); err != nil {
			t.Errorf("%s: %v", from, err)
		}
		if _, _, err := invoke(t, "mapping", "new", name, "--from-schema", from, "--out", name+".yaml"); record.CodeOf(err) != "output.exists" {
			t.Errorf("a file is overwritten: %v", err)
		}
	}
}

// TestFilesThatCannotBeUsed have codes and hints of their own.
func TestFilesThatCannotBeUsed(t *testing.T) {
	folder(t, map[string]string{"s.json": pupilsJSON, "there.yaml": "x"})
	for code, args := range map[string][]string{
		"input.unreadable":  {"validate", "--schema", "s.json", "none.json"},
		"output.exists":     {"mapping", "new", "x", "--from-schema", "s.json", "--out", "there.yaml"},
		"output.unwritable": {"mapping", "new", "x", "--from-schema", "s.json", "--out", "none/there.yaml"},
	} {
		_, _, err := invoke(t, args...)
		var p *record.Problem
		if !errors.As(err, &p) || p.Code != code || p.Hint == "" || !strings.Contains(p.Where, "there.yaml") && !strings.Contains(p.Where, "none.json") {
			t.Errorf("%s: %v", code, err)
		}
	}
	if b, err := os.ReadFile("there.yaml"); err != nil || string(b) != "x" {
		t.Errorf("%q %v", b, err)
	}
}
