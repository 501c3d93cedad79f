package register_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"birgeoqy.kz/almasu/internal/legal/register"
)

// schemaFile is where an editor finds the schema of a file.
func schemaFile(name string) string {
	name = strings.ReplaceAll(strings.TrimSuffix(name, ".yaml"), "/*", "")
	return filepath.Join("schemas", name+".schema.json")
}

func TestShippedSchemasAreThoseOfTheProgram(t *testing.T) {
	for name, schema := range register.Schemas() {
		path := filepath.Join(exampleDir(t), schemaFile(name))
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, schema, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		shipped, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(shipped, schema) {
			t.Errorf("%s is not the schema of %s (%v): run the test with -update", path, name, err)
		}
	}
}

func TestExampleFitsItsSchemas(t *testing.T) {
	files := copyOf(t, os.DirFS(exampleDir(t)))
	sign(t, files)
	checked := 0
	for name, raw := range register.Schemas() {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("mem:"+name, doc); err != nil {
			t.Fatal(err)
		}
		schema, err := c.Compile("mem:" + name)
		if err != nil {
			t.Fatal(err)
		}
		matches, err := fs.Glob(files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range matches {
			if strings.HasSuffix(m, register.CasesSuffix) {
				continue
			}
			asJSON, err := yaml.YAMLToJSON(files[m].Data)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(asJSON, &v); err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(v); err != nil {
				t.Errorf("%s: %v", m, err)
			}
			checked++
		}
	}
	if checked < 11 {
		t.Errorf("only %d files are checked", checked)
	}
}
