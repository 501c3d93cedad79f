package schemas

import (
	"cmp"
	"strconv"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas/xsd"
)

// Kind is the kind of one event of a document.
type Kind uint8

// The events of a document. Name comes before each member's value; the text of a Name and of a String is its
// decoded content, that of a Number its literal; the others have no text.
const (
	Object Kind = iota + 1
	EndObject
	Array
	EndArray
	Name
	String
	Number
	True
	False
	Null
)

// Violation is one way in which a document breaks its schema. It never holds a value of the document.
type Violation struct {
	// Record is the index of the record, -1 for the document outside its records.
	Record int `json:"record"`
	// Path is a JSON pointer: from the record where Record >= 0, from the document otherwise. It ends before a member
	// whose name the schema does not declare.
	Path string `json:"path"`
	// Code is "schema." and the keyword in snake case, e.g. "schema.max_length"; of XML it is one of schemas/xsd.
	Code string `json:"code"`
	// Keyword is the schema's keyword, e.g. "maxLength"; of XML the code without its first word.
	Keyword string `json:"keyword"`
	// Line is the line of the document, from 1; 0 if it was not read from bytes.
	Line int `json:"line,omitempty"`
}

// Schema is a compiled schema. It is safe for concurrent use.
type Schema struct {
	digest  record.Digest
	raw     []byte
	root    *node // of XML: one that refuses everything
	records int
	xml     *xsd.Schema // nil of a schema of JSON
	foreign []string    // the files of a schema that only another program can judge by
}

// Digest is the SHA-256 of the schema's source bytes.
func (s *Schema) Digest() record.Digest { return s.digest }

// Source is the schema's source bytes; the caller does not change them.
func (s *Schema) Source() []byte { return s.raw }

// Records is the name of the member that holds the records, "" if the schema has none.
func (s *Schema) Records() string {
	if s.xml != nil {
		return s.xml.Records()
	}
	if s.records < 0 {
		return ""
	}
	return s.root.props[s.records].name
}

// MaxViolations is how many violations of one document are told apart.
const MaxViolations = 10_000

// CheckDocument reads a whole document strictly, JSON as [Scan] does, XML as [birgeoqy.kz/almasu/schemas/xmlscan] does, and returns every violation in
// document order. The error is a [*record.Problem] if doc is not well-formed, or has more than [MaxViolations].
func (s *Schema) CheckDocument(doc []byte) ([]Violation, error) {
	var found []Violation
	var err error
	if s.xml != nil {
		found, err = s.checkXML(doc)
	} else {
		found, err = s.checkJSON(doc)
	}
	if err == nil && len(found) > MaxViolations {
		first, at := found[0], "outside its records"
		if first.Record >= 0 {
			at = "in record " + strconv.Itoa(first.Record)
		}
		err = record.NewProblem("schema.too_many_violations", strconv.Itoa(first.Line), "is this the schema of these documents?",
			"the document breaks its schema more than %d times; the first is %s at %s %s", MaxViolations, first.Code, cmp.Or(first.Path, "/"), at)
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// liner notes the line of each violation.
type liner struct {
	*Checker
	scanner scanner
	line    int
	at      int
}

// Event implements Events.
func (l *liner) Event(k Kind, text []byte) {
	known := len(l.found)
	l.Checker.Event(k, text)
	for ; known < len(l.found); known++ {
		for ; l.at < l.scanner.start; l.at++ {
			if l.scanner.doc[l.at] == '\n' {
				l.line++
			}
		}
		l.found[known].Line = l.line
	}
}

func (s *Schema) checkJSON(doc []byte) ([]Violation, error) {
	l := &liner{Checker: s.Checker(), scanner: scanner{doc: doc}, line: 1}
	l.scanner.to = l
	if err := l.scanner.run(); err != nil {
		return nil, err
	}
	return l.found, nil
}

// Target is one scalar that a schema declares.
type Target struct {
	// Path is the JSON pointer without its first slash, from the record or from the document; an array adds "[]".
	Path string
	// Required says that it and all objects around it are required.
	Required bool
	// MaxLength is in characters, -1 if there is none.
	MaxLength int
	// Type is string, integer, number, boolean or null if the schema allows only that, else empty.
	Type string
	// Const is the only text or whole number allowed, as the schema writes it; nil if there is a choice.
	Const *string
	// Enum are the texts and whole numbers allowed, as the schema writes them; nil if they are not listed, or are others.
	Enum []string
	// Nillable says that null, or xsi:nil, is allowed.
	Nillable bool
	// About is the description.
	About string
}

// RecordTargets lists the scalars of one record in the schema's order. A definition that contains itself is listed once.
func (s *Schema) RecordTargets() []Target {
	if s.xml != nil {
		return fromXSD(s.xml.RecordTargets())
	}
	if s.records < 0 {
		return nil
	}
	return appendTargets(nil, s.root.props[s.records].node.items, "", "", true, map[*node]bool{})
}

// HeaderTargets lists the scalars of the document outside its records.
func (s *Schema) HeaderTargets() []Target {
	if s.xml != nil {
		return fromXSD(s.xml.HeaderTargets())
	}
	var list []Target
	for i, p := range s.root.props {
		if i != s.records {
			list = appendTargets(list, p.node, p.name, p.about, s.root.required>>i&1 == 1, map[*node]bool{})
		}
	}
	return list
}

func appendTargets(list []Target, n *node, path, about string, required bool, open map[*node]bool) []Target {
	if open[n] {
		return list
	}
	open[n] = true
	defer delete(open, n)
	if n.items != nil {
		return appendTargets(list, n.items, path+"[]", about, required && n.minItems > 0, open)
	}
	if n.props == nil {
		return append(list, Target{Path: path, Required: required, MaxLength: n.maxLength, Type: n.typeName(), Const: n.constant, Enum: n.listed,
			Nillable: n.types&typeNull != 0 && !n.any, About: about})
	}
	if path != "" {
		path += "/"
	}
	for i, p := range n.props {
		list = appendTargets(list, p.node, path+p.name, p.about, required && n.required>>i&1 == 1, open)
	}
	return list
}
