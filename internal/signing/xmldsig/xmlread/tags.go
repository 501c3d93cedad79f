package xmlread

import (
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

type attribute struct {
	prefix, local, value string
	uri                  string // of the prefix; "" without one
	at                   int
}

// name reads a qualified name: an NCName, or two with a colon between them.
func (r *reader) name() (string, error) {
	from := r.i
	colons, start := 0, true
	for r.i < len(r.s) {
		if r.s[r.i] == ':' && !start {
			colons++
			start = true
			r.i++
			continue
		}
		q, n := utf8.DecodeRuneInString(r.s[r.i:])
		if start && !isNameStart(q) || !isNameChar(q) {
			break
		}
		start = false
		r.i += n
	}
	if start || colons > 1 {
		return "", r.failAt(from, "xml.syntax", "a name is expected")
	}
	return r.s[from:r.i], nil
}

func split(name string) (prefix, local string) {
	if p, l, ok := strings.Cut(name, ":"); ok {
		return p, l
	}
	return "", name
}

func (r *reader) startTag() error {
	at := r.i
	r.i++
	tag, err := r.name()
	if err != nil {
		return err
	}
	if len(r.stack) >= r.lim.Depth {
		return r.failAt(at, "xml.too_deep", "nested deeper than %d elements", r.lim.Depth)
	}
	if r.elements++; r.elements > r.lim.Elements {
		return r.failAt(at, "xml.too_many_elements", "more than %d elements", r.lim.Elements)
	}
	empty, err := r.attributes()
	if err != nil {
		return err
	}
	names := len(r.names)
	if err := r.declare(); err != nil {
		return err
	}
	if p, _ := split(tag); !r.bound(p) {
		return r.failAt(at, "xml.undeclared_prefix", "the prefix of an element is not declared")
	}
	if err := r.distinct(); err != nil {
		return err
	}
	el := r.cur.CreateElement(tag)
	r.keep(el)
	if empty {
		r.names = r.names[:names]
		return nil
	}
	r.stack = append(r.stack, open{tag, names})
	r.cur = el
	return nil
}

// keep gives el the attributes of the start tag. CreateAttr looks for an earlier
// attribute of the name, which distinct has excluded.
func (r *reader) keep(el *etree.Element) {
	for _, a := range r.attrs {
		key := a.local
		if a.prefix != "" {
			key = a.prefix + ":" + a.local
		}
		el.CreateAttr(key, a.value)
	}
}

// attributes reads to the end of the start tag, and reports whether it was an
// empty-element tag.
func (r *reader) attributes() (empty bool, err error) {
	r.attrs = r.attrs[:0]
	for {
		spaced := r.skipSpace()
		switch {
		case r.has(">"):
			r.i++
			return false, nil
		case r.has("/>"):
			r.i += 2
			return true, nil
		case !spaced:
			return false, r.fail("xml.syntax", "a tag does not end")
		case len(r.attrs) == r.lim.Attributes:
			return false, r.fail("xml.too_many_attributes", "more than %d attributes", r.lim.Attributes)
		}
		a, err := r.attribute()
		if err != nil {
			return false, err
		}
		r.attrs = append(r.attrs, a)
	}
}

func (r *reader) attribute() (a attribute, err error) {
	a.at = r.i
	name, err := r.name()
	if err != nil {
		return a, err
	}
	a.prefix, a.local = split(name)
	raw, err := r.quoted()
	if err != nil {
		return a, err
	}
	if strings.IndexByte(raw, '<') >= 0 {
		return a, r.failAt(a.at, "xml.syntax", `"<" in an attribute value`)
	}
	a.value, err = r.value(raw, true)
	return a, err
}

// quoted reads "= 'value'".
func (r *reader) quoted() (string, error) {
	r.skipSpace()
	if !r.has("=") {
		return "", r.fail("xml.syntax", `"=" is expected`)
	}
	r.i++
	r.skipSpace()
	if !r.has(`"`) && !r.has("'") {
		return "", r.fail("xml.syntax", "a quotation mark is expected")
	}
	return r.until(1, r.s[r.i:r.i+1], "an attribute value")
}

func (r *reader) endTag() error {
	at := r.i
	r.i += 2
	tag, err := r.name()
	if err != nil {
		return err
	}
	r.skipSpace()
	if len(r.stack) == 0 || r.stack[len(r.stack)-1].tag != tag || !r.has(">") {
		return r.failAt(at, "xml.syntax", "an end tag that closes no open element")
	}
	r.i++
	top := r.stack[len(r.stack)-1]
	r.stack = r.stack[:len(r.stack)-1]
	r.names = r.names[:top.names]
	r.cur = r.cur.Parent()
	return nil
}

// declare puts the namespace declarations of the start tag in scope.
func (r *reader) declare() error {
	for _, a := range r.attrs {
		switch {
		case a.prefix == "xmlns":
			if err := r.lawful(a); err != nil {
				return err
			}
			r.names = append(r.names, binding{a.local, a.value})
		case a.prefix == "" && a.local == "xmlns":
			if a.value == XMLNamespace || a.value == xmlnsNamespace {
				return r.failAt(a.at, "xml.namespace", "a reserved namespace as the default")
			}
			r.names = append(r.names, binding{"", a.value})
		}
	}
	if len(r.names) > r.lim.Namespaces {
		return r.fail("xml.too_many_namespaces", "more than %d declarations in scope", r.lim.Namespaces)
	}
	return nil
}

// lawful checks the constraints of Namespaces in XML 1.0, section 3.
func (r *reader) lawful(a attribute) error {
	switch {
	case a.value == "":
		return r.failAt(a.at, "xml.namespace", "a prefix cannot be undeclared")
	case a.local == "xmlns" || a.value == xmlnsNamespace:
		return r.failAt(a.at, "xml.namespace", `"xmlns" cannot be declared`)
	case (a.local == "xml") != (a.value == XMLNamespace):
		return r.failAt(a.at, "xml.namespace", `"xml" stands for its own namespace only`)
	}
	return nil
}

func (r *reader) uri(prefix string) (string, bool) {
	if prefix == "xml" {
		return XMLNamespace, true
	}
	for i := len(r.names) - 1; i >= 0; i-- {
		if r.names[i].prefix == prefix {
			return r.names[i].uri, true
		}
	}
	return "", prefix == ""
}

func (r *reader) bound(prefix string) bool {
	_, ok := r.uri(prefix)
	return ok && prefix != "xmlns"
}

// distinct refuses two attributes of one name or of one expanded name, and
// attributes whose prefix is not declared.
func (r *reader) distinct() error {
	for i := range r.attrs {
		a := &r.attrs[i]
		if !r.resolve(a) {
			return r.failAt(a.at, "xml.undeclared_prefix", "the prefix of an attribute is not declared")
		}
		for _, b := range r.attrs[:i] {
			if a.local == b.local && (a.prefix == b.prefix || a.uri == b.uri) {
				return r.failAt(a.at, "xml.duplicate_attribute", "an attribute is given twice")
			}
		}
	}
	return nil
}

// resolve finds the namespace of an attribute; without a prefix it has none.
func (r *reader) resolve(a *attribute) (ok bool) {
	switch a.prefix {
	case "":
		return true
	case "xmlns":
		a.uri = xmlnsNamespace
		return true
	}
	a.uri, ok = r.uri(a.prefix)
	return ok
}
