package mapping

import (
	"os"
	"testing"
	"time"

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

func TestExampleDocuments(t *testing.T) {
	person := map[string]string{"family_name": "  Сейітқали ", "given_name": "Ақ  Нұр", "iin": "990101 300 129", "phone": "8 (700) 000-00-01",
		"parent_phone": "+77000000002", "region": "Түркістан облысы", "district": "Сайрам ауданы", "settlement": "Ақсу \"ауылы\""}
	for _, name := range []string{"ministry-statute", "ministry-request", "oblast-consent"} {
		table, schema := exampleTable(t, name)
		row := make([][]byte, len(table.Fields()))
		for i, f := range table.Fields() {
			row[i] = []byte(person[f])
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
