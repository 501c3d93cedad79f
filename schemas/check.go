package schemas

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Checker checks one stream of events against a schema. It is used by one goroutine. The events must
// be those of a well-formed document, as [Scan] and the encoders send them.
type Checker struct {
	schema *Schema
	frames []frame
	found  []Violation
	mark   mark
}

// frame is an open object or array.
type frame struct {
	n     *node  // what it must follow
	child *node  // what the next value must follow
	seen  uint64 // bit i: property i has occurred
	count int32  // of the items of an array
	prop  int32  // the property whose value comes next, -1 if it is not declared
	array bool
}

type mark struct {
	depth, found int
	top          frame
}

// Checker returns a checker; it checks one document after another.
func (s *Schema) Checker() *Checker {
	return &Checker{schema: s, frames: make([]frame, 0, 8)}
}

// Begin begins a new document and forgets everything of an earlier one.
func (c *Checker) Begin() {
	c.frames, c.found, c.mark = c.frames[:0], c.found[:0], mark{}
}

// Mark remembers the place before a record.
func (c *Checker) Mark() {
	c.mark = mark{depth: len(c.frames), found: len(c.found)}
	if len(c.frames) > 0 {
		c.mark.top = c.frames[len(c.frames)-1]
	}
}

// Settle calls report for each violation since Mark, or since Begin if nothing was marked, and returns their number. If there
// is one, all events since Mark are forgotten.
func (c *Checker) Settle(report func(path, code string)) int {
	found := c.found[c.mark.found:]
	for _, v := range found {
		report(v.Path, v.Code)
	}
	if len(found) > 0 {
		c.found = c.found[:c.mark.found]
		if c.frames = c.frames[:c.mark.depth]; c.mark.depth > 0 {
			c.frames[c.mark.depth-1] = c.mark.top
		}
	}
	return len(found)
}

// Event takes one event; text is valid only during the call.
func (c *Checker) Event(k Kind, text []byte) {
	switch k {
	case Name:
		c.name(text)
	case String:
		if n := c.expected(); !n.any {
			c.text(n, text)
		}
	case Object, Array:
		c.begin(k)
	case EndObject, EndArray:
		c.end()
	case Number:
		if n := c.expected(); !n.any {
			c.number(n, text)
		}
	default:
		if n := c.expected(); !n.any {
			c.literal(n, k)
		}
	}
}

// expected is the node for the value that begins here.
func (c *Checker) expected() *node {
	if len(c.frames) == 0 {
		return c.schema.root
	}
	f := &c.frames[len(c.frames)-1]
	f.count++
	return f.child
}

// name looks up a member; members mostly come in the schema's order.
func (c *Checker) name(text []byte) {
	f := &c.frames[len(c.frames)-1]
	n := f.n
	next := int(f.prop) + 1
	if next >= len(n.props) || string(text) != n.props[next].name {
		next = n.find(string(text))
	}
	if f.prop = int32(next); next >= 0 {
		f.seen |= 1 << next
		f.child = n.props[next].node
		return
	}
	f.child = anything
	if n.closed {
		c.violates("additionalProperties", "schema.additional_properties", "", len(c.frames)-1)
	}
}

func (c *Checker) begin(k Kind) {
	n := c.expected()
	bit := typeObject
	if k == Array {
		bit = typeArray
	}
	switch {
	case n.any:
	case n.types&bit == 0:
		c.here("type", "schema.type")
		n = anything
	default:
		c.choices(n, func(*choice) bool { return false })
	}
	f := frame{n: n, prop: -1, child: anything, array: k == Array}
	if k == Array && n.items != nil {
		f.child = n.items
	}
	c.frames = append(c.frames, f)
}

func (c *Checker) end() {
	f := c.frames[len(c.frames)-1]
	c.frames = c.frames[:len(c.frames)-1]
	n := f.n
	if n.any {
		return
	}
	if missing := n.required &^ f.seen; missing != 0 && !f.array {
		for i := range n.props {
			if missing>>i&1 == 1 {
				c.violates("required", "schema.required", n.props[i].name, len(c.frames))
			}
		}
	}
	if f.array {
		if int(f.count) < n.minItems {
			c.here("minItems", "schema.min_items")
		}
		if n.maxItems >= 0 && int(f.count) > n.maxItems {
			c.here("maxItems", "schema.max_items")
		}
	}
}

func (c *Checker) text(n *node, text []byte) {
	if n.types&typeString == 0 {
		c.here("type", "schema.type")
		return
	}
	if n.minLength > 0 && len(text) < 4*n.minLength && utf8.RuneCount(text) < n.minLength {
		c.here("minLength", "schema.min_length")
	}
	if n.maxLength >= 0 && len(text) > n.maxLength && utf8.RuneCount(text) > n.maxLength {
		c.here("maxLength", "schema.max_length")
	}
	if n.pattern != nil && !n.pattern.Match(text) {
		c.here("pattern", "schema.pattern")
	}
	if n.format != nil && !n.format(text) {
		c.here("format", "schema.format")
	}
	if n.one != nil && !n.one.hasText(text) {
		c.here("const", "schema.const")
	}
	if n.enum != nil && !n.enum.hasText(text) {
		c.here("enum", "schema.enum")
	}
}

func (c *Checker) literal(n *node, k Kind) {
	bit := typeBoolean
	if k == Null {
		bit = typeNull
	}
	if n.types&bit == 0 {
		c.here("type", "schema.type")
		return
	}
	c.choices(n, func(ch *choice) bool { return ch.hasLiteral(k) })
}

func (c *Checker) number(n *node, text []byte) {
	if n.types&(typeNumber|typeInteger) == 0 {
		c.here("type", "schema.type")
		return
	}
	plain := len(text) < 18 && !bytes.ContainsAny(text, ".eE")
	if plain && n.minimum == nil && n.maximum == nil && n.above == nil && n.below == nil && n.one == nil && n.enum == nil {
		return
	}
	d := parseDecimal(text)
	if n.types&typeNumber == 0 && !d.whole() {
		c.here("type", "schema.type")
		return
	}
	if n.minimum != nil && d.compare(*n.minimum) < 0 {
		c.here("minimum", "schema.minimum")
	}
	if n.maximum != nil && d.compare(*n.maximum) > 0 {
		c.here("maximum", "schema.maximum")
	}
	if n.above != nil && d.compare(*n.above) <= 0 {
		c.here("exclusiveMinimum", "schema.exclusive_minimum")
	}
	if n.below != nil && d.compare(*n.below) >= 0 {
		c.here("exclusiveMaximum", "schema.exclusive_maximum")
	}
	c.choices(n, func(ch *choice) bool { return ch.hasNumber(d) })
}

// choices checks const and enum.
func (c *Checker) choices(n *node, has func(*choice) bool) {
	if n.one != nil && !has(n.one) {
		c.here("const", "schema.const")
	}
	if n.enum != nil && !has(n.enum) {
		c.here("enum", "schema.enum")
	}
}

// here notes a violation of the value that has just been read or begun.
func (c *Checker) here(keyword, code string) { c.violates(keyword, code, "", len(c.frames)) }

// violates notes a violation at the value inside the first depth frames, or at its member.
func (c *Checker) violates(keyword, code, member string, depth int) {
	if len(c.found) > MaxViolations {
		return
	}
	v := Violation{Record: -1, Code: code, Keyword: keyword}
	var path strings.Builder
	for i := range depth {
		f := &c.frames[i]
		if f.array {
			if i == 1 && c.schema.records >= 0 && int(c.frames[0].prop) == c.schema.records {
				v.Record = int(f.count) - 1
				path.Reset()
				continue
			}
			path.WriteString("/" + strconv.Itoa(int(f.count)-1))
			continue
		}
		if f.prop < 0 {
			break
		}
		path.WriteString(pointer("", f.n.props[f.prop].name))
	}
	if member != "" {
		path.WriteString(pointer("", member))
	}
	v.Path = path.String()
	c.found = append(c.found, v)
}
