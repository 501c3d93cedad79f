package schemas

import (
	"errors"
	"strconv"
	"strings"

	"birgeoqy.kz/almasu/schemas/pattern"
)

// keyword reads the value of a keyword with effect into n; it returns false for a keyword outside the subset.
func (c *compiler) keyword(n *node, name string, v *tree, at string) bool {
	switch name {
	case "$ref":
		n.ref = c.reference(v, at)
	case "type":
		n.types = c.types(v, at)
	case "const":
		n.one = c.values([]*tree{v}, at)
		n.constantOf(v)
	case "enum":
		if v.kind != Array || len(v.items) == 0 {
			c.add("schema.enum", v, at, "enum must be a list of at least one value")
			break
		}
		n.enum = c.values(v.items, at)
		n.listOf(v.items)
	case "minLength":
		n.minLength = c.count(v, at)
	case "maxLength":
		n.maxLength = c.count(v, at)
	case "pattern":
		n.pattern = c.pattern(v, at)
	case "format":
		if v.kind != String || v.text != "date" {
			c.add("schema.format", v, at, "the only supported format is date")
		}
		n.format = isDate
	case "minimum":
		n.minimum = c.bound(v, at)
	case "maximum":
		n.maximum = c.bound(v, at)
	case "exclusiveMinimum":
		n.above = c.bound(v, at)
	case "exclusiveMaximum":
		n.below = c.bound(v, at)
	default:
		return c.containerKeyword(n, name, v, at)
	}
	return true
}

// listOf notes the values of an enum for [Target], if all are texts or whole numbers.
func (n *node) listOf(items []*tree) {
	for _, t := range items {
		if t.kind != String && (t.kind != Number || !parseDecimal([]byte(t.text)).whole()) {
			n.listed = nil
			return
		}
		n.listed = append(n.listed, t.text)
	}
}

// constantOf notes the constant for [Target].
func (n *node) constantOf(v *tree) {
	switch {
	case v.kind == String:
		n.constant, n.constantType = &v.text, "string"
	case v.kind == Number && parseDecimal([]byte(v.text)).whole():
		n.constant, n.constantType = &v.text, "integer"
	}
}

func (c *compiler) containerKeyword(n *node, name string, v *tree, at string) bool {
	switch name {
	case "properties":
		c.properties(n, v, at)
	case "required":
		if v.kind != Array {
			c.add("schema.keyword_value", v, at, "required must list names")
		}
	case "additionalProperties":
		if v.kind != False && v.kind != True {
			c.add("schema.keyword_value", v, at, "additionalProperties must be true or false")
		}
		n.closed = v.kind == False
	case "items":
		n.items = &node{}
		c.schema(n.items, v, at, false)
	case "minItems":
		n.minItems = c.count(v, at)
	case "maxItems":
		n.maxItems = c.count(v, at)
	default:
		return false
	}
	return true
}

func (c *compiler) count(v *tree, at string) int {
	n, err := strconv.ParseUint(v.text, 10, 31)
	if v.kind != Number || err != nil {
		c.add("schema.keyword_value", v, at, "%s must be a whole number from 0 to 2147483647", lastSegment(at))
		return 0
	}
	return int(n)
}

func lastSegment(at string) string { return at[strings.LastIndexByte(at, '/')+1:] }

func (c *compiler) bound(v *tree, at string) *decimal {
	if v.kind != Number {
		c.add("schema.keyword_value", v, at, "%s must be a number", lastSegment(at))
		return nil
	}
	d := parseDecimal([]byte(v.text))
	return &d
}

func (c *compiler) reference(v *tree, at string) *node {
	name, ok := strings.CutPrefix(v.text, "#/$defs/")
	if name = unescapePointer(name); v.kind != String || !ok || c.trees[name] == nil {
		c.add("schema.ref", v, at, `$ref must name a definition of this document: "#/$defs/name"`)
		return anything
	}
	c.used[name] = true
	return c.defs[name]
}

func (c *compiler) properties(n *node, v *tree, at string) {
	if v.kind != Object {
		c.add("schema.keyword_value", v, at, "properties must be an object of schemas")
		return
	}
	if len(v.names) > maxProperties {
		c.add("schema.too_many_properties", v, at, "an object declares at most %d properties", maxProperties)
		return
	}
	for i, name := range v.names {
		p := property{name: name, node: &node{}}
		c.schema(p.node, v.items[i], pointer(at, name), false)
		n.props = append(n.props, p)
	}
}

func (c *compiler) types(v *tree, at string) kindSet {
	items := []*tree{v}
	if v.kind == Array {
		items = v.items
	}
	var set kindSet
	for _, t := range items {
		bit, ok := typeNames[t.text]
		if t.kind != String || !ok || set&bit != 0 {
			c.add("schema.type_name", t, at, "type must name, once, of: array, boolean, integer, null, number, object, string")
			continue
		}
		set |= bit
	}
	if len(items) == 0 {
		c.add("schema.type_name", v, at, "type names nothing")
	}
	return set
}

func (c *compiler) values(items []*tree, at string) *choice {
	ch := &choice{texts: map[string]bool{}}
	for i, t := range items {
		switch t.kind {
		case String:
			ch.texts[t.text] = true
		case Number:
			ch.numbers = append(ch.numbers, parseDecimal([]byte(t.text)))
		case Null, True, False:
			ch.literals |= 1 << t.kind
		default:
			c.add("schema.enum_value", t, pointer(at, strconv.Itoa(i)), "enum and const are supported for strings, numbers, true, false and null")
		}
	}
	return ch
}

func (c *compiler) pattern(v *tree, at string) *pattern.Matcher {
	if v.kind != String {
		c.add("schema.keyword_value", v, at, "pattern must be a string")
		return nil
	}
	m, err := pattern.Compile(v.text)
	switch {
	case errors.Is(err, pattern.ErrUnsupported):
		c.add("schema.pattern_unsupported", v, at, "the pattern is %v", err)
	case errors.Is(err, pattern.ErrSize):
		c.add("schema.pattern_size", v, at, "the pattern is %v", err)
	case err != nil:
		c.add("schema.pattern", v, at, "the pattern is %v", err)
	}
	return m
}
