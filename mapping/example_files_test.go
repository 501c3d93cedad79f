package mapping

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas"
)

const exampleFolder = "../deploy/birgeoqy"

func everyField(string) (string, bool) { return "", true }

// exampleTable loads a mapping of the example and its schema.
func exampleTable(t testing.TB, name string) (*Table, *schemas.Schema) {
	t.Helper()
	set, err := schemas.LoadSet(os.DirFS(exampleFolder + "/schemas"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(exampleFolder + "/mapping/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	table, err := Load("mapping/"+name+".yaml", raw, everyField)
	if err != nil {
		t.Fatal(err)
	}
	e, ok := set.Find(table.Schema().Digest)
	if !ok {
		t.Fatalf("%s: the schema with the digest that it names is not in the set", name)
	}
	if e.Name != table.Schema().Name || e.Version != table.Schema().Version {
		t.Fatalf("%s: the digest is that of %s version %d", name, e.Name, e.Version)
	}
	return table, e.Schema
}

// crowd is a people of rows that are not a batch.
type crowd [][][]byte

func (c crowd) Len() int { return len(c) }

func (c crowd) Value(i, f int) ([]byte, bool) { return c[i][f], c[i][f] != nil }

var exampleHeader = DocHeader{Transfer: record.ID{1}, Message: record.ID{2}, Batch: 7, Sender: "351240000010", Recipient: "351240000020", Route: "r",
	Purpose: "STATUTE", Path: "statute", Ground: "94-V art. 9(10)", Created: time.Date(2035, 12, 1, 10, 0, 0, 0, time.UTC)}

var examplePerson = map[string]string{"family_name": "  Сейітқали ", "given_name": "Ақ  Нұр", "iin": "990101 300 129", "phone": "8 (700) 000-00-01",
	"parent_phone": "+77000000002", "region": "Түркістан облысы", "district": "Сайрам ауданы", "settlement": "Ақсу \"ауылы\""}

func TestExampleDocuments(t *testing.T) {
	for _, name := range []string{"ministry-statute", "ministry-statute.v2", "ministry-request", "oblast-consent", "oblast-consent.v2"} {
		table, schema := exampleTable(t, name)
		row := make([][]byte, len(table.Fields()))
		for i, f := range table.Fields() {
			row[i] = []byte(examplePerson[f])
		}
		e, err := table.Bind(table.Fields(), schema.Checker())
		if err != nil {
			t.Fatal(err)
		}
		doc, result, err := e.encode(nil, crowd{row}, &exampleHeader)
		if err != nil || len(result.Rows) != 1 {
			t.Fatalf("%s: %v %+v", name, err, result)
		}
		if v, err := schema.CheckDocument(doc); err != nil || len(v) > 0 {
			t.Errorf("%s: %v %v", name, err, v)
		}
		full, err := schema.Full()
		if err != nil {
			t.Fatal(err)
		}
		if err := full.Check(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExamplesInXML: each version of the ministry's example in XML pins its schema and follows it without findings; libxml2 takes its documents, also of a person of whom
// little is known, and takes them for no other version's.
func TestExamplesInXML(t *testing.T) {
	const dir = exampleFolder + "/ministry/"
	read := func(name string) []byte {
		b, err := os.ReadFile(dir + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for version := 1; version <= 2; version++ {
		name := fmt.Sprintf("ministry-xml.v%d.yaml", version)
		table, err := Load(name, read(name), everyField)
		if err != nil {
			t.Fatal(err)
		}
		schema, err := schemas.CompileFile(os.DirFS(dir), fmt.Sprintf("birgeoqy-ministry-pupils-xml.v%d.xsd", version))
		if err != nil {
			t.Fatal(err)
		}
		if table.Schema().Digest != schema.Digest() || table.Version() != version {
			t.Errorf("%s pins another schema: this one is %s", name, schema.Digest())
		}
		if found := Lint(table, []string{"family_name", "given_name", "iin", "region", "district", "settlement"}, schema); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
		checker, err := table.Checker(t.Context(), schema, nil)
		if err != nil {
			t.Fatal(err)
		}
		e, err := table.Bind(table.Fields(), checker)
		if err != nil {
			t.Fatal(err)
		}
		full, bare := make([][]byte, len(table.Fields())), make([][]byte, len(table.Fields()))
		for i, f := range table.Fields() {
			full[i] = []byte(examplePerson[f])
			if f == "family_name" || f == "given_name" {
				bare[i] = full[i]
			} else if f == "iin" {
				bare[i] = []byte("990101300130")
			}
		}
		doc, result, err := e.encode(nil, crowd{full, bare}, &exampleHeader)
		if err != nil || len(result.Rows) != 2 {
			t.Fatalf("%s: %v %+v", name, err, result)
		}
		if v, err := schema.CheckDocument(doc); err != nil || len(v) > 0 {
			t.Errorf("%s: %v %v", name, err, v)
		}
		judgedByXmllint(t, dir, doc, version)
	}
}

// judgedByXmllint lets libxml2 judge a document by both versions of the schema.
func judgedByXmllint(t *testing.T, dir string, doc []byte, version int) {
	t.Helper()
	needs.Tool(t, "xmllint", "libxml2-utils")
	for v := 1; v <= 2; v++ {
		cmd := exec.Command("xmllint", "--noout", "--nonet", "--schema", fmt.Sprintf("%sbirgeoqy-ministry-pupils-xml.v%d.xsd", dir, v), "-")
		cmd.Stdin = bytes.NewReader(doc)
		if out, err := cmd.CombinedOutput(); (err == nil) != (v == version) {
			t.Errorf("a document of version %d by the schema of version %d: %v\n%s", version, v, err, out)
		}
	}
}
