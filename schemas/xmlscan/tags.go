package xmlscan

import (
	"bytes"
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
	for at < len(doc) {
		if c := doc[at]; c < utf8.RuneSelf {
			if class := nameBytes[c]; class == 0 || class == moreByte && at == from {
				break
			}
			at++
			continue
		}
		r, n := utf8.DecodeRune(doc[at:])
		if at == from && !IsNameStart(r) || !IsNameChar(r) {
			break
		}
		at += n
	}
	s.pos = at
	if at == from {
		return nil, s.fail("xml.syntax", "a name is expected")
	}
	return doc[from:at], true
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
	s.open = append(s.open, element{name: s.doc[from:s.pos], names: len(s.names)})
	empty, ok := s.attributes()
	if !ok || !s.declare() {
		return false
	}
	uri, bound := s.Resolve(prefix)
	if !bound {
		return s.failAt(from, "xml.undeclared_prefix", "a prefix that is not declared")
	}
	s.tag.Space, s.tag.Local = uri, local
	if !s.resolve() {
		return false
	}
	s.to.Start(&s.tag)
	if empty {
		s.end()
	}
	return true
}

func (s *Scanner) end() {
	last := len(s.open) - 1
	s.to.End()
	s.names = s.names[:s.open[last].names]
	s.open = s.open[:last]
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
	s.skipSpace()
	if !s.has(">") {
		return s.fail("xml.syntax", "an end tag of another name than its start tag")
	}
	s.pos++
	s.end()
	return true
}

// attributes reads the rest of a start tag.
func (s *Scanner) attributes() (empty, ok bool) {
	s.attrs, s.values = s.attrs[:0], s.values[:0]
	for {
		spaced := s.skipSpace()
		switch {
		case s.pos == len(s.doc):
			return false, s.fail("xml.syntax", "the document ends inside a tag")
		case s.doc[s.pos] == '>':
			s.pos++
			return false, true
		case s.has("/>"):
			s.pos += 2
			return true, true
		case !spaced:
			return false, s.fail("xml.syntax", "white space is expected")
		case len(s.attrs) == MaxAttributes:
			return false, s.fail("xml.too_many_attributes", "an element has more than %d attributes", MaxAttributes)
		}
		if !s.attribute() {
			return false, false
		}
	}
}

func (s *Scanner) attribute() bool {
	at := s.pos
	prefix, local, ok := s.qname()
	if !ok {
		return false
	}
	for i := range s.attrs {
		if bytes.Equal(s.attrs[i].local, local) && bytes.Equal(s.attrs[i].prefix, prefix) {
			return s.failAt(at, "xml.duplicate_attribute", "an attribute occurs twice")
		}
	}
	s.skipSpace()
	if !s.has("=") {
		return s.fail("xml.syntax", `"=" is expected`)
	}
	s.pos++
	s.skipSpace()
	raw, plain, ok := s.quoted()
	if !ok {
		return false
	}
	a := rawAttr{prefix: prefix, local: local, value: raw}
	if !plain {
		a.copied, a.from = true, len(s.values)
		if !s.normalise(raw) {
			return false
		}
		a.to = len(s.values)
	}
	s.attrs = append(s.attrs, a)
	return true
}

// text is an attribute's value, once all values are written.
func (a *rawAttr) text(s *Scanner) []byte {
	if a.copied {
		return s.values[a.from:a.to]
	}
	return a.value
}

// declare takes the namespace declarations of a tag.
func (s *Scanner) declare() bool {
	for i := range s.attrs {
		a := &s.attrs[i]
		var prefix string
		switch {
		case string(a.prefix) == "xmlns":
			prefix = s.intern(a.local)
		case len(a.prefix) > 0 || string(a.local) != "xmlns":
			continue
		}
		uri := s.intern(a.text(s))
		switch {
		case prefix == "xmlns", uri == xmlnsNamespace, (prefix == "xml") != (uri == XMLNamespace), prefix != "" && uri == "":
			return s.fail("xml.namespace", "a declaration that Namespaces in XML forbids")
		case len(s.names) == MaxNamespaces:
			return s.fail("xml.too_many_namespaces", "more than %d declarations are in scope", MaxNamespaces)
		}
		s.names = append(s.names, binding{prefix, uri})
	}
	return true
}

// resolve fills the tag's attributes.
func (s *Scanner) resolve() bool {
	s.tag.Attrs = s.tag.Attrs[:0]
	prefixed := false
	for i := range s.attrs {
		a := &s.attrs[i]
		if string(a.prefix) == "xmlns" || len(a.prefix) == 0 && string(a.local) == "xmlns" {
			continue
		}
		out := Attr{Local: a.local, Value: a.text(s)}
		if len(a.prefix) > 0 {
			var ok bool
			if out.Space, ok = s.Resolve(a.prefix); !ok {
				return s.fail("xml.undeclared_prefix", "a prefix that is not declared")
			}
			prefixed = true
		}
		s.tag.Attrs = append(s.tag.Attrs, out)
	}
	if !prefixed {
		return true
	}
	for i, a := range s.tag.Attrs {
		for _, b := range s.tag.Attrs[:i] {
			if a.Space == b.Space && bytes.Equal(a.Local, b.Local) {
				return s.fail("xml.duplicate_attribute", "an attribute occurs twice")
			}
		}
	}
	return true
}

// maxInterned is how many names are remembered across documents.
const maxInterned = 256

// intern is b as a string that is allocated once.
func (s *Scanner) intern(b []byte) string {
	if known, ok := s.interned[string(b)]; ok {
		return known
	}
	if s.interned == nil || len(s.interned) == maxInterned {
		s.interned = map[string]string{}
	}
	text := string(b)
	s.interned[text] = text
	return text
}
