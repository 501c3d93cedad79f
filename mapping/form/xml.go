package form

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
)

// XMLNames are the names around the records.
type XMLNames struct {
	// Root is the document's element, and Record that of one record, inside the element of [Layout.RecordsName]. A prefix may stand before
	// these names and before those of elements.
	Root, Record string
	// Namespace is that of elements without a prefix, Prefixes the namespaces of the others: URIs without < & and quotes. Namespace may be
	// empty. Attributes have no namespace.
	Namespace string
	Prefixes  map[string]string
}

// CodeNotXML is the code for a value with a character that XML 1.0 cannot hold (section 2.2, Char).
const CodeNotXML = "mapping.not_xml"

// XML is a document <Root><header>..</header><records><Record>..</Record>..</records></Root> in the form that Exclusive XML Canonicalization
// 1.0 gives it, without comments: what is written is its own canonical form, so a digest over the bytes is a digest of the document.
//
// A namespace is declared by the first element that needs it, and again by its siblings. A field whose last name begins with @ is an attribute of the element
// around it. A missing value is omitted; if its field has Null, it is an empty element with xsi:nil="true". An element without any value is
// omitted; so are the attributes of an element whose own value is missing. There is no XML declaration, as in every canonical form.
type XML struct {
	layout Layout
	names  XMLNames
	// root and holder are the elements around the records.
	root, holder    tags
	header, records []tags
}

// tags are the bytes around an op, and the attributes of its element.
type tags struct {
	open       []byte // "<name" with the declarations
	null       []byte // the whole start tag of a nil element
	close      []byte // "</name>"
	attributes []attribute
	// attribute says that the op itself is an attribute: its element has written it. text says that it is its element's text.
	attribute, text bool
}

type attribute struct {
	name  string
	open  []byte // ` name="`
	field int
}

const (
	instance   = "http://www.w3.org/2001/XMLSchema-instance"
	element    = ">"
	nilElement = ` xsi:nil="true">`
)

// scope has the namespaces that the elements around have declared, by prefix.
type scope map[string]string

// NewXML returns the XML form of a layout.
func NewXML(l Layout, names XMLNames) *XML {
	x := &XML{layout: l, names: names}
	var root, holder scope
	x.root, root = x.newTags(names.Root, scope{})
	x.holder, holder = x.newTags(l.RecordsName, root)
	x.header, x.records = x.tree(l.Header, l.HeaderName, root), x.tree(l.Records, names.Record, holder)
	return x
}

// tree has an entry for each op, and a last one for the element around them all.
func (x *XML) tree(t Tree, around string, in scope) []tags {
	list := make([]tags, len(t.ops)+1)
	open, scopes := []int{len(t.ops)}, []scope{nil}
	list[len(t.ops)], scopes[0] = x.newTags(around, in)
	for i := range t.ops {
		o, last := &t.ops[i], len(open)-1
		switch name, isAttribute := strings.CutPrefix(string(o.name), "@"); {
		case o.kind == opEnd:
			list[i].close = list[open[last]].close
			open, scopes = open[:last], scopes[:last]
		case isAttribute:
			list[i].attribute = true
			owner := &list[open[last]]
			owner.attributes = append(owner.attributes, attribute{name, []byte(" " + name + `="`), o.field})
		case name == textName:
			list[i].text = true
		default:
			var inner scope
			if list[i], inner = x.newTags(name, scopes[last]); o.kind == opBegin {
				open, scopes = append(open, i), append(scopes, inner)
			}
		}
	}
	for i := range list {
		// In canonical order: by name, there being no prefixes.
		slices.SortFunc(list[i].attributes, func(a, b attribute) int { return strings.Compare(a.name, b.name) })
	}
	return list
}

// newTags makes the tags of an element, and what is declared inside it.
func (x *XML) newTags(name string, in scope) (tags, scope) {
	prefix, _, prefixed := strings.Cut(name, ":")
	uri := x.names.Prefixes[prefix]
	if !prefixed {
		prefix, uri = "", x.names.Namespace
	}
	declared := map[string]string{}
	inner := maps.Clone(in)
	if in[prefix] != uri {
		declared[prefix], inner[prefix] = uri, uri
	}
	t := tags{open: []byte("<" + name + declarations(declared)), close: []byte("</" + name + ">")}
	declared["xsi"] = instance
	t.null = []byte("<" + name + declarations(declared) + nilElement)
	return t, inner
}

// declarations are namespace nodes in canonical order: by prefix, the default namespace first.
func declarations(list map[string]string) string {
	var b strings.Builder
	for _, prefix := range slices.Sorted(maps.Keys(list)) {
		if prefix == "" {
			b.WriteString(` xmlns="` + list[prefix] + `"`)
			continue
		}
		b.WriteString(` xmlns:` + prefix + `="` + list[prefix] + `"`)
	}
	return b.String()
}

// Begin implements Form.
func (x *XML) Begin(dst []byte, header [][]byte) []byte {
	dst = append(append(dst, x.root.open...), element...)
	if x.layout.HeaderName != "" {
		dst, _, _ = x.element(dst, &x.layout.Header, x.header, header)
	}
	return append(append(dst, x.holder.open...), element...)
}

// Record implements Form. It fails with [CodeNotXML].
func (x *XML) Record(dst []byte, _ int, values [][]byte) ([]byte, int, string) {
	out, field, ok := x.element(dst, &x.layout.Records, x.records, values)
	if !ok {
		return dst, field, CodeNotXML
	}
	return out, 0, ""
}

// End implements Form.
func (x *XML) End(dst []byte) []byte {
	return append(append(dst, x.holder.close...), x.root.close...)
}

// element writes the element around a tree; ok is false if a field's value has a character that XML lacks.
func (x *XML) element(dst []byte, t *Tree, list []tags, values [][]byte) (out []byte, field int, ok bool) {
	around := &list[len(t.ops)]
	if dst, field, ok = appendStart(dst, around, values); !ok {
		return dst, field, false
	}
	for i := 0; i < len(t.ops); i++ {
		o, g := &t.ops[i], &list[i]
		switch {
		case o.kind == opEnd:
			dst = append(dst, g.close...)
		case o.kind == opBegin && !t.written(o, values):
			i = o.after - 1
		case o.kind == opBegin:
			if dst, field, ok = appendStart(dst, g, values); !ok {
				return dst, field, false
			}
		case g.attribute:
		case g.text:
			if dst, ok = appendXML(dst, values[o.field], false); !ok {
				return dst, o.field, false
			}
		case values[o.field] != nil:
			dst = append(append(dst, g.open...), element...)
			if dst, ok = appendXML(dst, values[o.field], false); !ok {
				return dst, o.field, false
			}
			dst = append(dst, g.close...)
		case t.Fields[o.field].Null:
			dst = append(append(dst, g.null...), g.close...)
		}
	}
	return append(dst, around.close...), 0, true
}

// appendStart writes a start tag with its attributes.
func appendStart(dst []byte, g *tags, values [][]byte) (out []byte, field int, ok bool) {
	dst = append(dst, g.open...)
	for _, a := range g.attributes {
		v := values[a.field]
		if v == nil {
			continue
		}
		dst = append(dst, a.open...)
		if dst, ok = appendXML(dst, v, true); !ok {
			return dst, a.field, false
		}
		dst = append(dst, '"')
	}
	return append(dst, element...), 0, true
}

// looked has the bytes of text that may have to be written otherwise, or may not be written.
var looked = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['&'], t['<'], t['>'], t['"'], t[0xEF] = true, true, true, true, true
	return t
}()

// asItIs reports whether no byte is to be looked at, eight at once: of what has less, one after another.
func asItIs(v []byte) bool {
	n := len(v)
	if n < 8 {
		for _, c := range v {
			if looked[c] {
				return false
			}
		}
		return true
	}
	for i := 0; i < n; i += 8 {
		w := binary.LittleEndian.Uint64(v[min(i, n-8):])                            // at the end, those that end it
		quote, angle, lead := (w|ones*4)^ones*'&', (w|ones*2)^ones*'>', w^ones*0xEF // zero in the bytes that are " or &, < or >, 0xEF
		if ((w-ones*0x20)&^w|(quote-ones)&^quote|(angle-ones)&^angle|(lead-ones)&^lead)&tops != 0 {
			return false
		}
	}
	return true
}

// appendXML appends text as Canonical XML 1.0 writes it (section 2.3) in an element or in an attribute's value.
func appendXML(dst, v []byte, inAttribute bool) ([]byte, bool) {
	if asItIs(v) {
		return append(dst, v...), true
	}
	from := 0
	for i, c := range v {
		if !looked[c] {
			continue
		}
		replacement := ""
		switch {
		case c == '&':
			replacement = "&amp;"
		case c == '<':
			replacement = "&lt;"
		case c == '>' && !inAttribute:
			replacement = "&gt;"
		case c == '"' && inAttribute:
			replacement = "&quot;"
		case c == '\r':
			replacement = "&#xD;"
		case c == '\t' && inAttribute:
			replacement = "&#x9;"
		case c == '\n' && inAttribute:
			replacement = "&#xA;"
		case c < 0x20 && c != '\t' && c != '\n':
			return dst, false
		case c == 0xEF && i+2 < len(v) && v[i+1] == 0xBF && v[i+2] >= 0xBE: // U+FFFE, U+FFFF
			return dst, false
		default:
			continue
		}
		dst = append(append(dst, v[from:i]...), replacement...)
		from = i + 1
	}
	return append(dst, v[from:]...), true
}
