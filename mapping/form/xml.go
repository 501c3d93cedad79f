package form

import (
	"slices"
	"strings"
)

// XMLNames are the names around the records.
type XMLNames struct {
	// Root is the document's element, and Namespace the namespace of all elements: a URI without < & and quotes, or empty.
	Root, Namespace string
	// Record is the element of one record, inside the element of [Layout.RecordsName].
	Record string
}

// CodeNotXML is the code for a value with a character that XML 1.0 cannot hold (section 2.2, Char).
const CodeNotXML = "mapping.not_xml"

// XML is a document <Root><header>..</header><records><Record>..</Record>..</records></Root> in the form that Exclusive XML Canonicalization
// 1.0 gives it, without comments: what is written is its own canonical form, so a digest over the bytes is a digest of the document.
//
// A field whose last name begins with @ is an attribute of the element around it. A missing value is omitted; if its field has Null, it
// is an empty element with xsi:nil="true". An element without any value is omitted. There is no XML declaration, as in every canonical form.
type XML struct {
	layout          Layout
	names           XMLNames
	header, records []tags
}

// tags are the bytes around an op, and the attributes of its element.
type tags struct {
	open       []byte // "<name", or "<name>" if the element never has attributes
	close      []byte // "</name>"
	attributes []attribute
	// attribute says that the op itself is an attribute: its element has written it.
	attribute bool
}

type attribute struct {
	open  []byte // ` name="`
	field int
}

const (
	nilElement = ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true">`
	element    = ">"
)

// NewXML returns the XML form of a layout.
func NewXML(l Layout, names XMLNames) *XML {
	return &XML{layout: l, names: names, header: xmlTags(l.Header, l.HeaderName), records: xmlTags(l.Records, names.Record)}
}

// xmlTags has an entry for each op, and a last one for the element around them all.
func xmlTags(t Tree, around string) []tags {
	list := make([]tags, len(t.ops)+1)
	open := []int{len(t.ops)}
	list[len(t.ops)] = newTags(around)
	for i := range t.ops {
		o := &t.ops[i]
		if o.kind == opEnd {
			list[i].close = list[open[len(open)-1]].close
			open = open[:len(open)-1]
			continue
		}
		if name, ok := strings.CutPrefix(string(o.name), "@"); ok {
			list[i].attribute = true
			owner := &list[open[len(open)-1]]
			owner.attributes = append(owner.attributes, attribute{[]byte(" " + name + `="`), o.field})
			continue
		}
		if list[i] = newTags(string(o.name)); o.kind == opBegin {
			open = append(open, i)
		}
	}
	for i := range list {
		// In canonical order: by name, there being no prefixes.
		slices.SortFunc(list[i].attributes, func(a, b attribute) int {
			return strings.Compare(strings.Trim(string(a.open), ` ="`), strings.Trim(string(b.open), ` ="`))
		})
	}
	return list
}

func newTags(name string) tags {
	return tags{open: []byte("<" + name), close: []byte("</" + name + ">")}
}

// Begin implements Form.
func (x *XML) Begin(dst []byte, header [][]byte) []byte {
	dst = append(append(dst, '<'), x.names.Root...)
	if x.names.Namespace != "" {
		dst = append(append(append(dst, ` xmlns="`...), x.names.Namespace...), '"')
	}
	dst = append(dst, element...)
	if x.layout.HeaderName != "" {
		dst, _, _ = x.element(dst, &x.layout.Header, x.header, header)
	}
	dst = append(append(dst, '<'), x.layout.RecordsName...)
	return append(dst, element...)
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
	dst = append(append(append(dst, "</"...), x.layout.RecordsName...), element...)
	return append(append(append(dst, "</"...), x.names.Root...), element...)
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
		case values[o.field] != nil:
			dst = append(append(dst, g.open...), element...)
			if dst, ok = appendXML(dst, values[o.field], false); !ok {
				return dst, o.field, false
			}
			dst = append(dst, g.close...)
		case t.Fields[o.field].Null:
			dst = append(append(append(dst, g.open...), nilElement...), g.close...)
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

// appendXML appends text as Canonical XML 1.0 writes it (section 2.3) in an element or in an attribute's value.
func appendXML(dst, v []byte, inAttribute bool) ([]byte, bool) {
	from := 0
	for i, c := range v {
		if c > '>' && c != 0xEF {
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
