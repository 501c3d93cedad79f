package schemas

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
)

// generator makes schemas of the subset, and documents that mostly follow them.
type generator struct {
	*rand.Rand
	defs map[string]any
}

var genNames = []string{"iin", "аты", "a/b", "c~d", "x", "", "phone", "Қала"}

var genTexts = []string{"", "a", "Әсел", "қ", "990101300129", "2024-02-29", "2023-02-29", "0000-01-01", "2024-13-01", "+77000000001", "aaaa", "ab ab", "ЖУК", "\U0001F600", "a\u2028b", "1", "\\", "\""}

var genPatterns = []string{`^[0-9]{12}$`, `^\p{L}+$`, `a`, `^(?:ab |ab)+$`, `^\+7[0-9]{10}$`, `b$`, `^a|қ$`, `^[^0-9]*$`, `^$`, `^\p{Lu}\p{Ll}*$`, `[\D]{2,}`, `^(a|b|ab)*?$`, `^\w\d?$`, `Ә`, `\P{L}`}

var genNumbers = []string{"0", "-0", "1", "1.0", "1e0", "10e-1", "-1", "1.5", "2", "100", "1E2", "0.1", "-2.50", "12345678901234567890", "12345678901234567890.5"}

func pick[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

func (g *generator) number() json.Number { return json.Number(pick(g, genNumbers)) }

func (g *generator) scalar() any {
	switch g.IntN(6) {
	case 0:
		return nil
	case 1:
		return g.IntN(2) == 0
	case 2, 3:
		return g.number()
	}
	return pick(g, genTexts)
}

// schema makes a schema; depth bounds how deep it nests.
func (g *generator) schema(depth int) any {
	kind := g.IntN(8)
	if depth <= 0 && kind < 3 {
		kind = 3 + g.IntN(5)
	}
	s := map[string]any{}
	switch kind {
	case 0, 1:
		s["type"] = "object"
		g.object(s, depth)
	case 2:
		s["type"] = "array"
		if g.IntN(4) > 0 {
			s["items"] = g.schema(depth - 1)
		}
		g.bounds(s, "minItems", "maxItems", 3)
	case 3:
		s["type"] = pick(g, []any{"number", "integer", []string{"integer", "null"}, []string{"number", "string"}})
		for _, k := range []string{"minimum", "exclusiveMinimum", "exclusiveMaximum"} {
			if g.IntN(4) == 0 {
				s[k] = g.number()
			}
		}
	case 4:
		s["enum"] = []any{g.scalar(), g.scalar(), g.scalar()}
		if g.IntN(2) == 0 {
			s = map[string]any{"const": g.scalar()}
		}
	case 5:
		if len(g.defs) > 0 && g.IntN(2) == 0 {
			return map[string]any{"$ref": fmt.Sprintf("#/$defs/d%d", g.IntN(len(g.defs)))}
		}
		return g.IntN(6) > 0
	default:
		s["type"] = pick(g, []any{"string", []string{"string", "null"}, []string{"string", "boolean"}})
		g.text(s)
	}
	if g.IntN(10) == 0 {
		delete(s, "type")
	}
	if g.IntN(10) == 0 {
		s["title"] = "t"
	}
	return s
}

func (g *generator) text(s map[string]any) {
	if g.IntN(3) == 0 {
		s["pattern"] = pick(g, genPatterns)
	}
	if g.IntN(4) == 0 {
		s["format"] = "date"
	}
	g.bounds(s, "minLength", "maxLength", 6)
}

func (g *generator) bounds(s map[string]any, low, high string, top int) {
	n := g.IntN(top)
	if g.IntN(3) == 0 {
		s[low] = n
	}
	if g.IntN(3) == 0 {
		s[high] = n + g.IntN(top)
	}
}

func (g *generator) object(s map[string]any, depth int) {
	props := map[string]any{}
	var required []string
	for range g.IntN(4) {
		name := pick(g, genNames)
		if _, ok := props[name]; !ok && g.IntN(2) == 0 {
			required = append(required, name)
		}
		props[name] = g.schema(depth - 1)
	}
	s["properties"] = props
	if len(required) > 0 {
		s["required"] = required
	}
	if g.IntN(3) > 0 {
		s["additionalProperties"] = g.IntN(3) == 0
	}
}

// document makes the text of a value for a schema, sometimes of another kind.
func (g *generator) document(schema any, depth int) any {
	s, ok := schema.(map[string]any)
	if !ok || depth <= 0 || g.IntN(12) == 0 {
		return g.scalar()
	}
	if ref, ok := s["$ref"].(string); ok {
		return g.document(g.defs[ref[len("#/$defs/"):]], depth-1)
	}
	if e, ok := s["enum"].([]any); ok && g.IntN(4) > 0 {
		return pick(g, e)
	}
	if c, ok := s["const"]; ok && g.IntN(4) > 0 {
		return c
	}
	if props, ok := s["properties"].(map[string]any); ok {
		doc := map[string]any{}
		for name, p := range props {
			if g.IntN(8) > 0 {
				doc[name] = g.document(p, depth-1)
			}
		}
		if g.IntN(8) == 0 {
			doc[pick(g, genNames)] = g.scalar()
		}
		return doc
	}
	if items, ok := s["items"]; ok || s["type"] == "array" {
		list := []any{}
		for range g.IntN(5) {
			list = append(list, g.document(items, depth-1))
		}
		return list
	}
	if _, number := s["minimum"]; number || s["type"] == "integer" || s["type"] == "number" {
		return g.number()
	}
	if g.IntN(4) > 0 {
		return pick(g, genTexts)
	}
	return g.scalar()
}

// TestAgreesWithTheFullLibrary compares verdicts over generated schemas and documents.
func TestAgreesWithTheFullLibrary(t *testing.T) {
	const pairsEach, wanted = 12, 12000
	pairs, invalid, refused := 0, 0, 0
	for seed := uint64(1); pairs < wanted; seed++ {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 77)), defs: map[string]any{}}
		for i := range g.IntN(3) {
			name := fmt.Sprintf("d%d", i)
			g.defs[name] = true
			g.defs[name] = g.schema(2)
		}
		root, ok := g.schema(4).(map[string]any)
		if !ok {
			continue
		}
		if _, ref := root["$ref"]; ref {
			continue
		}
		root["$schema"] = Dialect
		if len(g.defs) > 0 {
			root["$defs"] = g.defs
		}
		raw, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		own, err := Compile(raw)
		if err != nil {
			refused++
			continue
		}
		full, err := own.Full()
		if err != nil {
			t.Fatalf("seed %d: the library refuses what was compiled: %v\n%s", seed, err, raw)
		}
		for range pairsEach {
			doc, err := json.Marshal(g.document(root, 6))
			if err != nil {
				t.Fatal(err)
			}
			pairs++
			found, err := own.CheckDocument(doc)
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, doc)
			}
			want := full.Check(doc)
			if (len(found) == 0) != (want == nil) {
				t.Fatalf("seed %d: own %v, library %v\nschema %s\ndocument %s", seed, found, want, raw, doc)
			}
			if want != nil {
				invalid++
			}
		}
	}
	t.Logf("%d pairs, %d of them invalid; %d generated schemas were outside the subset or meaningless", pairs, invalid, refused)
	if invalid < pairs/5 || invalid > pairs*4/5 {
		t.Errorf("the pairs are one-sided")
	}
}
