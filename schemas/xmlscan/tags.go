package xmlscan

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// qname reads a name with an optional prefix.
func (s *Scanner) qname() (prefix, local []byte, ok bool) {
	first, ok := s.ncname()
	if !ok || s.pos == len(s.doc) || s.doc[s.pos] != ':' {
		return nil, first, ok
	}
	s.pos++
	local, ok = s.ncname()
	return first, local, ok
}

func (s *Scanner) ncname() ([]byte, bool) {
	doc, from := s.doc, s.pos
	at := from
	for at < len(doc) && nameBytes[doc[at]] != 0 {
		at++
	}
	if at == len(doc) || doc[at] >= utf8.RuneSelf || at == from || nameBytes[doc[from]] != startByte {
		at = s.rareName()
	}
	if s.pos = at; at == from {
		return nil, s.fail("xml.syntax", "a name is expected")
	}
	return doc[from:at], true
}

// rareName is where a name ends that has any characters; it is the current place if there is none.
func (s *Scanner) rareName() int {
	at := s.pos
	for at < len(s.doc) {
		r, n := utf8.DecodeRune(s.doc[at:])
		if at == s.pos && !IsNameStart(r) || !IsNameChar(r) {
			break
		}
		at += n
	}
	return at
}

func (s *Scanner) startTag() bool {
	s.pos++
	from := s.pos
	prefix, local, ok := s.qname()
	if !ok {
		return false
	}
	if len(s.open) == MaxDepth {
		return s.fail("xml.too_deep", "elements nest deeper than %d", MaxDepth)
	}
	name, names, empty := s.doc[from:s.pos], len(s.names), false
	s.tag.Local, s.tag.Attrs = local, s.tag.Attrs[:0]
	if s.pos < len(s.doc) && s.doc[s.pos] == '>' {
		s.pos++
	} else if empty, ok = s.attributes(); !ok {
		return false
	}
	if s.tag.Space = s.space; len(prefix) > 0 {
		if s.tag.Space, ok = s.Resolve(prefix); !ok {
			return s.failAt(from, "xml.undeclared_prefix", "a prefix that is not declared")
		}
	}
	if !empty && s.leaf(name) {
		s.forget(names)
		return true
	}
	s.open = append(s.open, element{name: name, names: names})
	s.to.Start(&s.tag)
	if empty {
		s.end()
	}
	return true
}

// leaf reads the rest of an element that is a leaf to the handler; else it stays where it is.
func (s *Scanner) leaf(name []byte) bool {
	doc, at := s.doc, s.pos+plain(s.doc[s.pos:])
	after := at + len("</") + len(name)
	if after >= len(doc) || doc[after] != '>' || doc[at] != '<' || doc[at+1] != '/' || !bytes.Equal(doc[at+2:after], name) {
		return false
	}
	s.to.Leaf(&s.tag, doc[s.pos:at])
	s.pos = after + 1
	return true
}

func (s *Scanner) end() {
	last := len(s.open) - 1
	s.to.End()
	s.forget(s.open[last].names)
	s.open = s.open[:last]
}

// forget ends the scope of all declarations but the first n.
func (s *Scanner) forget(n int) {
	if len(s.names) > n {
		s.names = s.names[:n]
		s.space, _ = s.Resolve(nil)
	}
}

func (s *Scanner) endTag() bool {
	s.pos += 2
	if len(s.open) == 0 {
		return s.fail("xml.syntax", "an end tag without a start tag")
	}
	name := s.open[len(s.open)-1].name
	if !bytes.HasPrefix(s.doc[s.pos:], name) {
		return s.fail("xml.syntax", "an end tag of another name than its start tag")
	}
	s.pos += len(name)
	if s.skipSpace(); s.pos == len(s.doc) || s.doc[s.pos] != '>' {
		return s.fail("xml.syntax", "an end tag of another name than its start tag")
	}
	s.pos++
	s.end()
	return true
}

// attributes reads the rest of a start tag, takes its declarations and fills the tag's attributes.
func (s *Scanner) attributes() (empty, ok bool) {
	s.values, s.qualified = s.values[:0], false
	for {
		spaced := s.skipSpace()
		switch {
		case s.pos == len(s.doc):
			return false, s.fail("xml.syntax", "the document ends inside a tag")
		case s.doc[s.pos] == '>':
			s.pos++
			return false, s.declare()
		case s.has("/>"):
			s.pos += 2
			return true, s.declare()
		case !spaced:
			return false, s.fail("xml.syntax", "white space is expected")
		case len(s.tag.Attrs) == MaxAttributes:
			return false, s.fail("xml.too_many_attributes", "an element has more than %d attributes", MaxAttributes)
		}
		if !s.attribute() {
			return false, false
		}
	}
}

// attribute reads one, whose namespace is not known yet.
func (s *Scanner) attribute() bool {
	at := s.pos
	prefix, local, ok := s.qname()
	if !ok {
		return false
	}
	for i := range s.tag.Attrs {
		if a := &s.tag.Attrs[i]; bytes.Equal(a.Local, local) && bytes.Equal(a.prefix, prefix) {
			return s.failAt(at, "xml.duplicate_attribute", "an attribute occurs twice")
		}
	}
	if s.skipSpace(); s.pos == len(s.doc) || s.doc[s.pos] != '=' {
		return s.fail("xml.syntax", `"=" is expected`)
	}
	s.pos++
	s.skipSpace()
	raw, plain, ok := s.quoted()
	if !ok {
		return false
	}
	if !plain {
		from := len(s.values)
		if !s.normalise(raw) {
			return false
		}
		raw = s.values[from:] // what is written before it stays there, if values moves
	}
	s.qualified = s.qualified || len(prefix) > 0 || string(local) == "xmlns"
	n := len(s.tag.Attrs)
	if n < cap(s.tag.Attrs) {
		s.tag.Attrs = s.tag.Attrs[:n+1]
	} else {
		s.tag.Attrs = append(s.tag.Attrs, Attr{})
	}
	a := &s.tag.Attrs[n]
	a.Space, a.Local, a.Value, a.prefix = "", local, raw, prefix
	return true
}

// declares reports whether the attribute is a namespace declaration.
func (a *Attr) declares() bool {
	return string(a.prefix) == "xmlns" || len(a.prefix) == 0 && string(a.Local) == "xmlns"
}

// declare takes the namespace declarations of a tag, and leaves its attributes.
func (s *Scanner) declare() bool {
	if !s.qualified {
		return true
	}
	for i := range s.tag.Attrs {
		a := &s.tag.Attrs[i]
		if !a.declares() {
			continue
		}
		prefix := ""
		if len(a.prefix) > 0 {
			prefix = s.intern(a.Local)
		}
		uri := s.intern(a.Value)
		switch {
		case prefix == "xmlns", uri == xmlnsNamespace, (prefix == "xml") != (uri == XMLNamespace), prefix != "" && uri == "":
			return s.fail("xml.namespace", "a declaration that Namespaces in XML forbids")
		case len(s.names) == MaxNamespaces:
			return s.fail("xml.too_many_namespaces", "more than %d declarations are in scope", MaxNamespaces)
		}
		if s.names = append(s.names, binding{prefix, uri}); prefix == "" {
			s.space = uri
		}
	}
	s.tag.Attrs = slices.DeleteFunc(s.tag.Attrs, func(a Attr) bool { return a.declares() })
	return s.resolve()
}

// resolve gives the attributes of a tag their namespaces.
func (s *Scanner) resolve() bool {
	for i := range s.tag.Attrs {
		a := &s.tag.Attrs[i]
		if len(a.prefix) == 0 {
			continue
		}
		var ok bool
		if a.Space, ok = s.Resolve(a.prefix); !ok {
			return s.fail("xml.undeclared_prefix", "a prefix that is not declared")
		}
		for k := range s.tag.Attrs {
			if b := &s.tag.Attrs[k]; k != i && len(b.prefix) > 0 && a.Space == b.Space && bytes.Equal(a.Local, b.Local) {
				return s.fail("xml.duplicate_attribute", "an attribute occurs twice")
			}
		}
	}
	return true
}

// maxInterned is how many names are remembered across documents.
const maxInterned = 256

// Expect makes name the very string that tags have as their namespace, so that comparing them is comparing pointers.
func (s *Scanner) Expect(name string) {
	if s.interned == nil {
		s.interned = map[string]string{}
	}
	s.interned[name] = name
}

// intern is b as a string that is allocated once.
func (s *Scanner) intern(b []byte) string {
	if known, ok := s.interned[string(b)]; ok {
		return known
	}
	if len(s.interned) >= maxInterned {
		s.interned = nil
	}
	text := string(b)
	s.Expect(text)
	return text
}
