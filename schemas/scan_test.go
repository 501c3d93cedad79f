package schemas

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"birgeoqy.kz/almasu/internal/record"
)

// grower rebuilds a value from events, as encoding/json with UseNumber would decode it.
type grower struct {
	stack []any
	names []string
	root  any
}

func (g *grower) Event(k Kind, text []byte) {
	switch k {
	case Name:
		g.names = append(g.names, string(text))
	case Object:
		g.stack = append(g.stack, map[string]any{})
	case Array:
		g.stack = append(g.stack, []any{})
	case EndObject, EndArray:
		v := g.stack[len(g.stack)-1]
		g.stack = g.stack[:len(g.stack)-1]
		g.put(v)
	case String:
		g.put(string(text))
	case Number:
		g.put(json.Number(text))
	case True, False:
		g.put(k == True)
	case Null:
		g.put(nil)
	}
}

func (g *grower) put(v any) {
	if len(g.stack) == 0 {
		g.root = v
		return
	}
	switch top := g.stack[len(g.stack)-1].(type) {
	case map[string]any:
		top[g.names[len(g.names)-1]] = v
		g.names = g.names[:len(g.names)-1]
	case []any:
		g.stack[len(g.stack)-1] = append(top, v)
	}
}

func TestScanRefuses(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1)
	many := `{"a1":1`
	for i := range 40 {
		many += `,"n` + strings.Repeat("x", i) + `":1`
	}
	for _, c := range []struct{ doc, code, where string }{
		{``, "json.truncated", "byte 0"},
		{`  `, "json.truncated", "byte 2"},
		{`{`, "json.truncated", "byte 1"},
		{`{"a"`, "json.truncated", "byte 4"},
		{`{"a":1,}`, "json.syntax", "byte 7"},
		{`[1,]`, "json.syntax", "byte 3"},
		{`[1 2]`, "json.syntax", "byte 3"},
		{`{a:1}`, "json.syntax", "byte 1"},
		{`{"a" 1}`, "json.syntax", "byte 5"},
		{`01`, "json.trailing", "byte 1"},
		{`+1`, "json.syntax", "byte 0"},
		{`-`, "json.truncated", "byte 1"},
		{`1.`, "json.truncated", "byte 2"},
		{`1e+`, "json.truncated", "byte 3"},
		{`.5`, "json.syntax", "byte 0"},
		{`tru`, "json.truncated", "byte 3"},
		{`nulL`, "json.syntax", "byte 3"},
		{`{} {}`, "json.trailing", "byte 3"},
		{"\ufeff{}", "json.bom", "byte 0"},
		{`{"a":1,"\u0061":2}`, "json.duplicate_name", "byte 7"},
		{`{"":1,"":2}`, "json.duplicate_name", "byte 6"},
		{`{"\u0061b":1,"x":{"ab":1},"ab":2}`, "json.duplicate_name", "byte 26"},
		{many + `,"nx":1}`, "json.duplicate_name", ""},
		{many + `,"a1":1}`, "json.duplicate_name", ""},
		{deep, "json.depth", "byte 64"},
		{strings.Repeat(`{"a":`, MaxDepth+1), "json.depth", ""},
		{"\"\xff\"", "json.utf8", "byte 1"},
		{"\"12345678\xd0\"", "json.utf8", "byte 9"},
		{"\"\\n\xed\xa0\x80\"", "json.utf8", "byte 3"},
		{`"\ud800"`, "json.surrogate", "byte 1"},
		{`"\udc00"`, "json.surrogate", "byte 1"},
		{`"\ud83d\u0041"`, "json.surrogate", "byte 1"},
		{`"\x"`, "json.syntax", "byte 1"},
		{`"\u12g4"`, "json.syntax", "byte 1"},
		{`"\`, "json.truncated", "byte 1"},
		{`"abc`, "json.truncated", "byte 4"},
		{"\"a\nb\"", "json.control", "byte 2"},
		{"\"\\t\x00\"", "json.control", "byte 3"},
		{"\x00", "json.syntax", "byte 0"},
	} {
		err := Scan([]byte(c.doc), &grower{})
		if got := record.CodeOf(err); got != c.code {
			t.Errorf("%q: code %q, want %s", c.doc, got, c.code)
			continue
		}
		if where := err.(*record.Problem).Where; c.where != "" && where != c.where {
			t.Errorf("%q: at %s, want %s", c.doc, where, c.where)
		}
		if scanMessages[c.code] == "" {
			t.Errorf("%s has no message", c.code)
		}
	}
}

// checkScan holds Scan against encoding/json: what Scan accepts decodes to the same value, and what it refuses beyond
// encoding/json it refuses for one of the documented reasons.
func checkScan(t *testing.T, doc []byte) {
	var g grower
	err := Scan(doc, &g)
	valid := json.Valid(doc)
	if err != nil {
		switch code := record.CodeOf(err); code {
		case "json.duplicate_name", "json.depth", "json.surrogate":
		case "json.utf8":
			if utf8.Valid(doc) {
				t.Fatalf("valid UTF-8 refused")
			}
		default:
			if valid {
				t.Fatalf("%s for a text that encoding/json reads", code)
			}
		}
		return
	}
	if !valid {
		t.Fatal("accepted what encoding/json refuses")
	}
	var want any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(&want); err != nil || !reflect.DeepEqual(g.root, want) {
		t.Fatalf("other value: %v", err)
	}
}

var scanSeeds = []string{`{"a":[1,2.5e-3,true,false,null,"қ\n\ud83d\ude00"],"":{}}`, `"\u0000\/\b\f\r\t\\\""`, ` [ ] `, `-0.0E+7`, `{"a":{"a":{"a":1}}}`, `[[],{}]`,
	`"Әсел Нұрғалиева, Түркістан облысы"`, "\"\u2028\"", `{"a":1,"b":2,"a":3}`, `"\ud800"`}

func TestScanAgreesWithEncodingJSON(t *testing.T) {
	for _, s := range scanSeeds {
		checkScan(t, []byte(s))
		for i := range len(s) { // every text cut short, and with a byte changed
			checkScan(t, []byte(s[:i]))
			for _, c := range []byte("\x00\"\\{[,:1e\xd0\xff") {
				b := []byte(s)
				b[i] = c
				checkScan(t, b)
			}
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range scanSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(checkScan)
}
