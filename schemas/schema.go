package schemas

import (
	"birgeoqy.kz/almasu/internal/record"
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
	// Path is a JSON pointer: from the record where Record >= 0, from the document otherwise.
	Path string `json:"path"`
	// Code is "schema." and the keyword in snake case, e.g. "schema.max_length".
	Code string `json:"code"`
	// Keyword is the schema's keyword, e.g. "maxLength".
	Keyword string `json:"keyword"`
}

// Schema is a compiled schema. It is safe for concurrent use.
type Schema struct {
	digest record.Digest
	raw    []byte
	root   *node
}

// Digest is the SHA-256 of the schema's source bytes.
func (s *Schema) Digest() record.Digest { return s.digest }

// Source is the schema's source bytes; the caller does not change them.
func (s *Schema) Source() []byte { return s.raw }
