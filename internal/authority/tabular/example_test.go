package tabular_test

import (
	"fmt"
	"os"
	"testing"

	"birgeoqy.kz/almasu/internal/authority/tabular"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/schemas"
)

// TestExampleTables: each version of the example tables loads, follows its schema without findings, and pins it; a document of its columns is one that the schema accepts.
func TestExampleTables(t *testing.T) {
	const dir = "../../../deploy/birgeoqy/local/"
	read := func(name string) []byte {
		b, err := os.ReadFile(dir + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, form := range []string{"csv", "xlsx"} {
		for version := 1; version <= 2; version++ {
			name := fmt.Sprintf("local-%s.v%d.yaml", form, version)
			table, err := mapping.Load(name, read(name), func(string) (string, bool) { return "", true })
			if err != nil {
				t.Fatal(err)
			}
			schema, err := schemas.Compile(read(fmt.Sprintf("birgeoqy-local-pupils.v%d.json", version)))
			if err != nil {
				t.Fatal(err)
			}
			if table.Schema().Digest != schema.Digest() || table.Version() != version {
				t.Errorf("%s pins another schema", name)
			}
			if found := mapping.Lint(table, nil, schema); len(found) > 0 {
				t.Errorf("%s: %v", name, found)
			}
		}
	}
	schema, err := schemas.Compile(read("birgeoqy-local-pupils.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	columns := []string{"iin", "family_name", "given_name", "phone", "region", "district", "settlement"}
	doc := "ЖСН / ИИН;2;3;4;5;6;7\r\n351231000009;Сейітқали;Ақнұр;87000000001;Түркістан облысы;Сайрам ауданы;Ақсу\r\n"
	b, err := tabular.JSON([]byte(doc), "text/csv; charset=utf-8", schema.Records(), columns)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := schema.CheckDocument(b); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
}
