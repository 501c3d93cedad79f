package schemas

import (
	"bytes"
	"io/fs"
	"strings"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas/xsd"
)

// CompileXSD compiles an XML schema from its first file; open reads it and what it includes, by paths from the same folder. The error is
// [record.Problems] with every finding; a finding's Where is "file:line".
func CompileXSD(file string, open func(file string) ([]byte, error)) (*Schema, error) {
	x, err := xsd.Compile(file, open)
	if err != nil {
		return nil, err
	}
	return &Schema{digest: x.Digest(), raw: x.Source(), root: &node{}, records: -1, xml: x}, nil
}

// Pin reads a schema of XML that may use more than schemas/xsd supports. It has a digest and a source, and is [Schema.Foreign]: another program judges by it, and all
// checkers here refuse every document. The error is [record.Problems].
func Pin(fsys fs.FS, file string) (*Schema, error) {
	digest, raw, files, err := xsd.Pin(file, func(name string) ([]byte, error) { return fs.ReadFile(fsys, name) })
	if err != nil {
		return nil, err
	}
	return &Schema{digest: digest, raw: raw, root: &node{}, records: -1, foreign: files}, nil
}

// Foreign reports whether the schema is one of XML that only another program can judge by.
func (s *Schema) Foreign() bool { return s.foreign != nil }

// files are the paths of all files of a schema of XML.
func (s *Schema) files() []string {
	if s.xml != nil {
		return s.xml.Files()
	}
	return s.foreign
}

// XML is the schema of XML, nil if the schema is one of JSON, or foreign.
func (s *Schema) XML() *xsd.Schema { return s.xml }

// MediaType is the media type of the documents.
func (s *Schema) MediaType() string {
	if s.xml != nil || s.Foreign() {
		return "application/xml"
	}
	return "application/json"
}

// XMLNames are the names around the records of a document that is written as XML.
type XMLNames struct {
	// Root is the document's element and Record that of one record; a prefix may stand before them.
	Root, Record string
	// Namespace is that of names without a prefix, Prefixes the namespaces of the others.
	Namespace string
	Prefixes  map[string]string
}

// XMLNames are the names that the schema gives to the elements around the records; they are empty if it has no records.
func (s *Schema) XMLNames() XMLNames {
	if s.xml == nil {
		return XMLNames{}
	}
	root, space, one := s.xml.Names()
	n := XMLNames{Root: root, Record: one, Namespace: space}
	if space != "" && !s.xml.Qualified() {
		n.Root, n.Namespace, n.Prefixes = "n:"+root, "", map[string]string{"n": space}
	}
	return n
}

// XMLChecker checks the events of documents that are written as XML: names are those of elements, with @ before them of attributes, #text is
// an element's text beside its attributes, and null is xsi:nil. It is used by one goroutine.
type XMLChecker struct {
	checker   *xsd.Checker
	names     XMLNames
	arrays    []bool // of the open objects and arrays, which are arrays
	marked    int
	attribute []byte // the attribute whose value comes next
	next      bool
	text      bool   // the text of an element with attributes comes next
	element   []byte // the element of which it is not known yet what it holds
	named     bool
}

// XMLChecker returns a checker for documents with these names. The error says that the schema is not of XML, or has no such root.
func (s *Schema) XMLChecker(names XMLNames) (*XMLChecker, error) {
	if s.xml == nil {
		return nil, record.NewProblem("schema.not_xml", "", "pin an XML schema", "the schema is one of JSON")
	}
	if _, space, _ := s.xml.Names(); names.Namespace == space {
		names.Namespace = space // the very string that the schema has: comparing them is comparing pointers
	}
	c := &XMLChecker{checker: s.xml.Checker(nil), names: names}
	c.Begin()
	c.enter([]byte(names.Root))
	if len(c.checker.Found()) > 0 {
		return nil, record.NewProblem("schema.root", "", "compare root and namespace with the schema", "the schema declares no root element %s of this namespace", names.Root)
	}
	return c, nil
}

// Begin begins a new document and forgets everything of an earlier one.
func (c *XMLChecker) Begin() {
	c.checker.Begin()
	c.arrays, c.marked, c.next, c.text, c.named = c.arrays[:0], 0, false, false, false
}

// Mark remembers the place before a record.
func (c *XMLChecker) Mark() {
	c.checker.Mark()
	c.marked = len(c.arrays)
}

// Settle calls report for each violation since Mark, or since Begin if nothing was marked, and returns their number. If there
// is one, all events since Mark are forgotten.
func (c *XMLChecker) Settle(report func(path, code string)) int {
	n := c.checker.Settle(report)
	if n > 0 {
		c.arrays, c.next, c.text, c.named = c.arrays[:c.marked], false, false, false
	}
	return n
}

// Event takes one event; text is valid only during the call, that of a Name until the next event.
func (c *XMLChecker) Event(k Kind, text []byte) {
	switch k {
	case Name:
		if string(text) == "#text" {
			c.text = true
			return
		}
		if text[0] == '@' {
			c.attribute, c.next = text[1:], true
			return
		}
		c.element, c.named = text, true
	case Object, Array:
		switch n := len(c.arrays); {
		case c.named:
			c.enter(c.element)
		case n == 0:
			c.enter([]byte(c.names.Root))
		case c.arrays[n-1]:
			c.enter([]byte(c.names.Record))
		}
		c.arrays = append(c.arrays, k == Array)
	case EndObject, EndArray:
		c.checker.Leave()
		c.arrays = c.arrays[:len(c.arrays)-1]
	case Null:
		c.enter(c.element)
		c.checker.Nil(true)
		c.checker.Leave()
	case True:
		c.value(textTrue)
	case False:
		c.value(textFalse)
	default:
		c.value(text)
	}
}

var textTrue, textFalse, colon = []byte("true"), []byte("false"), []byte(":")

func (c *XMLChecker) value(text []byte) {
	if c.next {
		c.next = false
		c.checker.Attribute("", c.attribute, text)
		return
	}
	if c.text {
		c.text = false
		c.checker.Text(text)
		return
	}
	c.named = false
	space, local := c.expand(c.element)
	c.checker.Leaf(space, local, text)
}

func (c *XMLChecker) enter(name []byte) {
	c.named = false
	c.checker.Enter(c.expand(name))
}

// expand is the namespace and the local name of an element.
func (c *XMLChecker) expand(name []byte) (space string, local []byte) {
	if len(c.names.Prefixes) == 0 {
		return c.names.Namespace, name
	}
	if prefix, local, prefixed := bytes.Cut(name, colon); prefixed {
		return c.names.Prefixes[string(prefix)], local
	}
	return c.names.Namespace, name
}

// checkXML is CheckDocument for XML.
func (s *Schema) checkXML(doc []byte) ([]Violation, error) {
	r := s.xml.Reader()
	if err := r.Read(doc, nil); err != nil {
		return nil, err
	}
	var list []Violation
	line, read := 1, 0 // the violations are in the order of their places
	for i, v := range r.Checker().Found() {
		at := r.Places()[i]
		line += bytes.Count(doc[read:at], []byte{'\n'})
		read = at
		list = append(list, Violation{Record: v.Record, Path: v.Path, Code: v.Code, Keyword: strings.TrimPrefix(v.Code, "schema."), Line: line})
	}
	return list, nil
}

func fromXSD(list []xsd.Target) []Target {
	var out []Target
	for _, t := range list {
		out = append(out, Target{Path: t.Path, Required: t.Required, Nillable: t.Nillable, MaxLength: t.MaxLength, Type: t.Type, Const: t.Const, Enum: t.Enum, About: t.About})
	}
	return out
}
