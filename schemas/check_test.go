package schemas

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"birgeoqy.kz/almasu/internal/record"
)

const pupils = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object", "additionalProperties": false, "required": ["header", "pupils"],
  "properties": {
    "header": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 1}}},
    "pupils": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"$ref": "#/$defs/pupil"}}
  },
  "$defs": {"pupil": {"type": "object", "additionalProperties": false, "required": ["iin", "a/b"], "properties": {
    "iin": {"type": "string", "pattern": "^[0-9]{12}$"},
    "a/b": {"type": ["string", "null"], "minLength": 2, "maxLength": 3, "enum": ["аб", "абв", "г", "абвг", null]},
    "phones": {"type": "array", "maxItems": 1, "items": {"type": "string"}},
    "born": {"type": "string", "format": "date", "description": "day"},
    "n": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10, "maximum": 9.5}}}}
}`

func compiled(t testing.TB, source string) *Schema {
	t.Helper()
	s, err := Compile([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestViolationsAndTheirPlaces(t *testing.T) {
	s := compiled(t, pupils)
	if s.Records() != "pupils" {
		t.Fatalf("records are in %q", s.Records())
	}
	full, err := s.Full()
	if err != nil {
		t.Fatal(err)
	}
	const good = `{"iin":"351231000009","a/b":"аб"}`
	for doc, want := range map[string]string{
		`{"header":{"n":1},"pupils":[` + good + `]}`:                       "",
		`{"pupils":[` + good + `],"header":{"n":1.0,"other":[{}]}}`:        "",
		`{"header":{"n":0},"pupils":[` + good + `]}`:                       "-1 /header/n minimum",
		`{"header":{"n":1.5},"pupils":[` + good + `]}`:                     "-1 /header/n type",
		`{"header":{},"pupils":[]}`:                                        "-1 /header/n required, -1 /pupils minItems",
		`{"pupils":[` + good + `,` + good + `,` + good + `,` + good + `]}`: "-1 /pupils maxItems, -1 /header required",
		`{"header":{"n":1},"pupils":{}}`:                                   "-1 /pupils type",
		`[]`:                                                               "-1  type",
		`7`:                                                                "-1  type",
		`{"header":{"n":1},"pupils":[` + good + `,7,{"iin":"35","a/b":"г","x":[1],"phones":["1",2]}]}`:                  "1  type, 2 /iin pattern, 2 /a~1b minLength, 2  additionalProperties, 2 /phones/1 type, 2 /phones maxItems",
		`{"header":{"n":1},"pupils":[{"a/b":"абвг"},{"iin":null,"a/b":null},{"iin":"351231000009","a/b":{}}],"x":true}`: "0 /a~1b maxLength, 0 /iin required, 1 /iin type, 2 /a~1b type, -1  additionalProperties",
		`{"header":{"n":1},"pupils":[{"iin":"351231000009","a/b":"xx","born":"2023-02-29","n":0},{"iin":"351231000009","a/b":true,"n":1e1},{"iin":"351231000009","a/b":null,"n":9.6}]}`: "" +
			"0 /a~1b enum, 0 /born format, 0 /n exclusiveMinimum, 1 /a~1b type, 1 /n maximum, 1 /n exclusiveMaximum, 2 /n maximum",
	} {
		found, err := s.CheckDocument([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, v := range found {
			list = append(list, fmt.Sprintf("%d %s %s", v.Record, v.Path, v.Keyword))
			if !strings.HasPrefix(v.Code, "schema.") {
				t.Errorf("code %s", v.Code)
			}
		}
		if got := strings.Join(list, ", "); got != want {
			t.Errorf("%s\n got %s\nwant %s", doc, got, want)
		}
		if (full.Check([]byte(doc)) == nil) != (want == "") {
			t.Errorf("%s: the library disagrees", doc)
		}
	}
}

func TestDocumentThatIsNotWellFormed(t *testing.T) {
	s := compiled(t, pupils)
	if _, err := s.CheckDocument([]byte(`{"header":{"n":1},"header":{"n":1}}`)); record.CodeOf(err) != "json.duplicate_name" {
		t.Errorf("%v", err)
	}
	doc := `{"header":{"n":1},"pupils":[` + strings.Repeat("1,", MaxViolations+1) + `1]}`
	if _, err := s.CheckDocument([]byte(doc)); record.CodeOf(err) != "schema.too_many_violations" || !strings.Contains(err.Error(), "the first is schema.type at / in record 0") {
		t.Errorf("%v", err)
	}
}

// TestSettleForgets sends a bad record between good ones and finds the checker as if it had not been.
func TestSettleForgets(t *testing.T) {
	s := compiled(t, pupils)
	c := s.Checker()
	for range 2 { // the second document starts afresh
		c.Begin()
		c.Event(Object, nil)
		c.Event(Name, []byte("header"))
		for _, doc := range []string{`{"n":1}`} {
			if err := Scan([]byte(doc), c); err != nil {
				t.Fatal(err)
			}
		}
		if n := c.Settle(nil); n != 0 {
			t.Fatalf("%d violations in a good header", n)
		}
		c.Event(Name, []byte("pupils"))
		c.Event(Array, nil)
		for i, doc := range []string{`{"iin":"351231000009","a/b":null}`, `{"iin":5}`, `[[`, `{"iin":"351231000009","a/b":"аб"}`, `{}`, `{"iin":"351231000009","a/b":"аб"}`} {
			c.Mark()
			_ = Scan([]byte(doc), c) // the third one stops in the middle
			var paths []string
			n := c.Settle(func(path, code string) { paths = append(paths, path+" "+code) })
			if want := map[int][]string{1: {"/iin schema.type", "/a~1b schema.required"}, 2: {" schema.type"}, 4: {"/iin schema.required", "/a~1b schema.required"}}[i]; n != len(want) || !reflect.DeepEqual(paths, want) {
				t.Errorf("record %d: %q", i, paths)
			}
		}
		c.Mark()
		c.Event(EndArray, nil)
		c.Event(EndObject, nil)
		if n := c.Settle(func(path, code string) { t.Error(path, code) }); n != 0 {
			t.Errorf("%d violations: the bad records were counted", n)
		}
	}
}

func TestTargets(t *testing.T) {
	s := compiled(t, pupils)
	want := []Target{{Path: "iin", Required: true, MaxLength: -1, Type: "string"}, {Path: "a/b", Required: true, MaxLength: 3, Nillable: true}, {Path: "phones[]", Required: false, MaxLength: -1, Type: "string"}, {Path: "born", Required: false, MaxLength: -1, Type: "string", About: "day"},
		{Path: "n", Required: false, MaxLength: -1, Type: "number"}}
	if got := s.RecordTargets(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if got := s.HeaderTargets(); !reflect.DeepEqual(got, []Target{{Path: "header/n", Required: true, MaxLength: -1, Type: "integer"}}) {
		t.Errorf("%v", got)
	}
	loop := compiled(t, `{"$schema": "`+Dialect+`", "type": "object", "properties": {"list": {"type": "array", "items": {"$ref": "#/$defs/t"}}},
		"$defs": {"t": {"type": "object", "properties": {"name": {"type": "string"}, "child": {"$ref": "#/$defs/t"}}}}}`)
	if got := loop.RecordTargets(); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if found, err := loop.CheckDocument([]byte(`{"list":[{"child":{"child":{"name":1}}}]}`)); err != nil || len(found) != 1 || found[0].Path != "/child/child/name" {
		t.Errorf("%v %v", found, err)
	}
}

func TestSet(t *testing.T) {
	other := strings.Replace(pupils, `"maxItems": 3`, `"maxItems": 4`, 1)
	set, err := LoadSet(fstest.MapFS{"b/pupils.v2.json": {Data: []byte(other)}, "pupils.v1.json": {Data: []byte(pupils)}, "README.md": {Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	all := set.All()
	if len(all) != 2 || all[0].Version != 1 || all[1].File != "b/pupils.v2.json" {
		t.Fatalf("%+v", all)
	}
	if e, ok := set.Find(record.DigestOf([]byte(other))); !ok || e.Version != 2 || e.Schema.Digest() != record.DigestOf(e.Schema.Source()) {
		t.Error("not found by digest")
	}
	if _, ok := set.Find(record.Digest{}); ok {
		t.Error("the absent digest found a schema")
	}
	if _, ok := set.Lookup("pupils", 3); ok {
		t.Error("version 3 found")
	}
	_, err = LoadSet(fstest.MapFS{"a/x.v1.json": {Data: []byte(pupils)}, "b/x.v1.json": {Data: []byte(other)}, "y.v1.json": {Data: []byte(pupils)},
		"Upper.v1.json": {Data: []byte(pupils)}, "bad.v1.json": {Data: []byte("{\n\"type\": 1}")}})
	var codes []string
	for _, p := range err.(record.Problems) {
		codes = append(codes, p.Code)
	}
	if got := strings.Join(codes, " "); got != "schema.file_name schema.twice schema.dialect schema.type_name schema.twice" {
		t.Errorf("%s\n%v", got, err)
	}
	if w := err.(record.Problems)[3].Where; w != "bad.v1.json:2:9 (#/type)" {
		t.Errorf("where %s", w)
	}
}

func TestExampleSchemas(t *testing.T) {
	set, err := LoadSet(os.DirFS("../deploy/birgeoqy/schemas"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range set.All() {
		if e.Schema.XML() == nil {
			if _, err := e.Schema.Full(); err != nil {
				t.Errorf("%s: %v", e.File, err)
			}
		}
		if e.Schema.Records() == "" || len(e.Schema.RecordTargets()) < 3 || !strings.Contains(string(e.Schema.Source()), "example format") {
			t.Errorf("%s does not say what it is", e.File)
		}
	}
}
