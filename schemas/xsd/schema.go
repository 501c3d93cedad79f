package xsd

import (
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas/xsd/grammar"
)

// Schema is a compiled schema. It is safe for concurrent use.
type Schema struct {
	grammar *grammar.Grammar
	// root, holder and records are the elements around the records; nil if the documents have none.
	root, holder, records *grammar.Element
}

// Compile compiles a schema from its first file; open reads it and what it includes and imports, by paths from the same folder. The error is
// [record.Problems] with every finding; a finding's Where is "file:line".
func Compile(file string, open func(file string) ([]byte, error)) (*Schema, error) {
	g, err := grammar.Compile(file, open)
	if err != nil {
		return nil, err
	}
	s := &Schema{grammar: g}
	s.findRecords(g.Target)
	return s, nil
}

// Pin is the digest and the source of a schema that may use more than the subset, and the paths of all its files. The digest is the one that [Compile] gives; nothing
// is judged by it. The error is [record.Problems].
func Pin(file string, open func(file string) ([]byte, error)) (d record.Digest, source []byte, files []string, err error) {
	g, err := grammar.Pin(file, open)
	if err != nil {
		return d, nil, nil, err
	}
	return g.Digest, g.Source, g.Files, nil
}

// Digest pins the schema: the SHA-256 of its file, or of the list of its files (see the package comment).
func (s *Schema) Digest() record.Digest { return s.grammar.Digest }

// Source is the bytes of the schema's first file; the caller does not change them.
func (s *Schema) Source() []byte { return s.grammar.Source }

// Files are the paths of all files, the first one first.
func (s *Schema) Files() []string { return s.grammar.Files }

func named(space, local string) grammar.QName { return grammar.QName{Space: space, Local: local} }
