package schemas

import (
	"strconv"
	"strings"

	"birgeoqy.kz/almasu/internal/record"
)

// Dialect is the only value of "$schema" that is accepted.
const Dialect = "https://json-schema.org/draft/2020-12/schema"

// MaxSource is the largest schema that is read, in bytes.
const MaxSource = 1 << 20

// maxProperties is how many properties one object may declare.
const maxProperties = 64

// Compile compiles the source of a schema. The error is [record.Problems] with every finding; a finding's Where is
// "line:column (#/json/pointer)".
func Compile(raw []byte) (*Schema, error) {
	var c compiler
	if len(raw) > MaxSource {
		c.problems.Add("schema.too_large", "1:1", "", "a schema has at most %d bytes", MaxSource)
		return nil, c.problems
	}
	root, err := parseTree(raw)
	if err != nil {
		var p record.Problems
		p.Merge(err, "json.syntax", "")
		at, _ := strconv.Atoi(strings.TrimPrefix(p[0].Where, "byte "))
		p[0].Where = place(raw, at)
		return nil, p
	}
	c.raw, c.defs = raw, map[string]*node{}
	s := &Schema{digest: record.DigestOf(raw), raw: raw, root: c.document(root)}
	if err := c.problems.Err(); err != nil {
		return nil, err
	}
	s.root = flatten(s.root, map[*node]bool{})
	s.records = recordsOf(s.root)
	return s, nil
}

// flatten puts definitions in the place of references to them and returns what stands in n's place.
func flatten(n *node, done map[*node]bool) *node {
	n = n.target()
	if done[n] {
		return n
	}
	done[n] = true
	for i := range n.props {
		p := &n.props[i]
		if p.about = p.node.about; p.node.ref != nil && p.about == "" {
			p.about = p.node.target().about
		}
		p.node = flatten(p.node, done)
	}
	if n.items != nil {
		n.items = flatten(n.items, done)
	}
	return n
}

// recordsOf is the number of the property that holds the records: the only one that must be an array of objects; -1 if there is no such one.
func recordsOf(root *node) int {
	found := -1
	for i, p := range root.props {
		if n := p.node; n.types == typeArray && n.items != nil && n.items.types == typeObject {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

type compiler struct {
	raw      []byte
	problems record.Problems
	defs     map[string]*node
	trees    map[string]*tree
	used     map[string]bool
}

func (c *compiler) add(code string, t *tree, at string, format string, args ...any) {
	c.problems.Add(code, place(c.raw, t.pos)+" ("+at+")", "", format, args...)
}

// document compiles the root, which alone may have $schema, $id and $defs.
func (c *compiler) document(root *tree) *node {
	if root.kind != Object {
		c.add("schema.not_object", root, "#", "a schema document is an object")
		return anything
	}
	if d := root.member("$schema"); d == nil || d.kind != String || d.text != Dialect {
		at := root
		if d != nil {
			at = d
		}
		c.add("schema.dialect", at, "#/$schema", `"$schema" must be %q`, Dialect)
	}
	c.trees, c.used = map[string]*tree{}, map[string]bool{}
	if defs := root.member("$defs"); defs != nil {
		if defs.kind != Object {
			c.add("schema.keyword_value", defs, "#/$defs", "$defs must be an object of schemas")
			defs = &tree{}
		}
		for i, name := range defs.names {
			c.trees[name] = defs.items[i]
			c.defs[name] = &node{}
		}
		for i, name := range defs.names {
			c.definition(name, defs.items[i])
		}
	}
	n := &node{}
	c.schema(n, root, "#", true)
	if defs := root.member("$defs"); defs != nil {
		for i, name := range defs.names {
			if !c.used[name] {
				c.add("schema.unused_definition", defs.items[i], pointer("#/$defs", name), "nothing refers to this definition")
			}
		}
	}
	return n
}

// definition fills the node of a definition. One that is only a reference takes the other's place; a ring of such is refused.
func (c *compiler) definition(name string, t *tree) {
	for seen, at := map[string]bool{name: true}, t; ; {
		ref := at.refersTo()
		next, ok := c.trees[ref]
		if !ok {
			break
		}
		if seen[ref] {
			c.add("schema.ref_loop", t, pointer("#/$defs", name), "the definition refers to itself without a value between")
			return
		}
		seen[ref], at, c.used[ref] = true, next, true
	}
	c.schema(c.defs[name], t, pointer("#/$defs", name), false)
}

// refersTo is the definition that t is a reference to, "" if it is none.
func (t *tree) refersTo() string {
	if r := t.member("$ref"); t.kind == Object && r != nil && r.kind == String {
		name, ok := strings.CutPrefix(r.text, "#/$defs/")
		if ok && !strings.Contains(name, "/") {
			return unescapePointer(name)
		}
	}
	return ""
}

// schema fills n from a schema.
func (c *compiler) schema(n *node, t *tree, at string, root bool) {
	n.reset()
	switch {
	case t.kind == True:
		n.any = true
		return
	case t.kind == False:
		n.types = 0
		return
	case t.kind != Object:
		c.add("schema.not_schema", t, at, "a schema is an object, true or false")
		return
	}
	constrained := false
	for i, name := range t.names {
		v, at := t.items[i], pointer(at, name)
		if root && (name == "$schema" || name == "$id" || name == "$defs") {
			if name == "$id" && v.kind != String {
				c.add("schema.keyword_value", v, at, "$id must be a string")
			}
			continue
		}
		if annotation, ok := annotations[name]; ok {
			if annotation != 0 && v.kind != annotation {
				c.add("schema.keyword_value", v, at, "%s has a value of the wrong kind", name)
			}
			if name == "description" {
				n.about = v.text
			}
			continue
		}
		constrained = true
		if !c.keyword(n, name, v, at) {
			c.add("schema.unsupported_keyword", v, at, "the keyword %q is not in the supported subset", name)
		}
	}
	if r := t.member("$ref"); r != nil {
		c.onlyRef(t, at)
	}
	n.any = !constrained
	c.consistent(n, t, at)
}

// onlyRef refuses keywords beside $ref.
func (c *compiler) onlyRef(t *tree, at string) {
	for i, name := range t.names {
		if _, note := annotations[name]; note || strings.HasPrefix(name, "$") {
			continue
		}
		c.add("schema.ref_siblings", t.items[i], pointer(at, name), "beside $ref only annotations may stand")
	}
}

// annotations are the keywords without effect, with the kind of their values (0: any).
var annotations = map[string]Kind{"title": String, "description": String, "$comment": String, "examples": Array, "default": 0}

// consistent refuses what no document, or not the author, can mean.
func (c *compiler) consistent(n *node, t *tree, at string) {
	if n.ref != nil {
		return
	}
	bound := func(low, high int, keyword string) {
		if high >= 0 && low > high {
			c.add("schema.contradiction", t.member(keyword), pointer(at, keyword), "the lower bound is above the upper bound")
		}
	}
	bound(n.minLength, n.maxLength, "maxLength")
	bound(n.minItems, n.maxItems, "maxItems")
	if n.minimum != nil && n.maximum != nil && n.minimum.compare(*n.maximum) > 0 {
		c.add("schema.contradiction", t.member("maximum"), pointer(at, "maximum"), "the lower bound is above the upper bound")
	}
	c.required(n, t.member("required"), pointer(at, "required"))
}

func (c *compiler) required(n *node, t *tree, at string) {
	if t == nil || t.kind != Array {
		return
	}
	for i, item := range t.items {
		at := pointer(at, strconv.Itoa(i))
		k := n.find(item.text)
		switch {
		case item.kind != String:
			c.add("schema.keyword_value", item, at, "required must list names")
		case k < 0:
			c.add("schema.required_undeclared", item, at, "%q is required but not declared in properties", item.text)
		case n.required>>k&1 == 1:
			c.add("schema.required_duplicate", item, at, "%q is required twice", item.text)
		default:
			n.required |= 1 << k
		}
	}
}

var escaping, unescaping = strings.NewReplacer("~", "~0", "/", "~1"), strings.NewReplacer("~1", "/", "~0", "~")

// pointer appends a segment to a JSON pointer (RFC 6901).
func pointer(at, name string) string { return at + "/" + escaping.Replace(name) }

func unescapePointer(name string) string { return unescaping.Replace(name) }
