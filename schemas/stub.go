package schemas

import (
	"errors"
	"io/fs"

	"birgeoqy.kz/almasu/internal/record"
)

type node struct{}

var errStub = errors.New("schemas: not compiled in")

// Compile compiles a schema; the error is [record.Problems] naming each keyword and place ("line:column (#/pointer)").
func Compile(raw []byte) (*Schema, error) { return nil, errStub }

// CheckDocument reads a whole JSON document strictly and returns every violation. The error is a
// [*record.Problem] if doc is not well-formed.
func (s *Schema) CheckDocument(doc []byte) ([]Violation, error) { return nil, errStub }

// Full is the same schema in a complete validator, for samples and tests.
type Full struct{}

// Full compiles the schema with the complete library.
func (s *Schema) Full() (*Full, error) { return nil, errStub }

// Valid reports whether doc is valid JSON and follows the schema; the error says the first reason by keyword and path, without values.
func (f *Full) Valid(doc []byte) error { return errStub }

// Checker checks one stream of events; see [Schema.Checker].
type Checker struct{}

// Checker returns a new checker for one document at a time. It is not safe for concurrent use.
func (s *Schema) Checker() *Checker { return &Checker{} }

// Event takes one event; text is valid only during the call.
func (c *Checker) Event(k Kind, text []byte) {}

// Mark remembers the place before a record.
func (c *Checker) Mark() {}

// Report calls report for each violation since Mark, or since the beginning if nothing was marked, and returns their number.
func (c *Checker) Report(report func(path, code string)) int { return 1 }

// Rewind forgets all events since Mark.
func (c *Checker) Rewind() {}

// Reset makes the checker ready for a new document.
func (c *Checker) Reset() {}

// Entry is one schema of a Set.
type Entry struct {
	Name    string
	Version int
	Schema  *Schema
}

// Set is a registry of schemas by digest.
type Set struct{}

// LoadSet compiles every <name>.v<version>.json of fsys. All problems are reported at once.
func LoadSet(fsys fs.FS) (*Set, error) { return nil, errStub }

// Find returns the schema with this digest.
func (s *Set) Find(d record.Digest) (Entry, bool) { return Entry{}, false }

// Lookup returns the schema of this name and version.
func (s *Set) Lookup(name string, version int) (Entry, bool) { return Entry{}, false }

// All lists the schemas by name and version.
func (s *Set) All() []Entry { return nil }
