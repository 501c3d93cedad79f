package mapping

import (
	"birgeoqy.kz/almasu/internal/record"
)

// Table is a loaded mapping. It is safe for concurrent use.
type Table struct {
	digest record.Digest
}

// SchemaRef names the schema that a table's documents follow.
type SchemaRef struct {
	Name    string
	Version int
	Digest  record.Digest
}

// Lineage says what one target is made of.
type Lineage struct {
	// Target is the target path.
	Target string `json:"target"`
	// Sources are field ids; empty for a constant.
	Sources []string `json:"sources,omitempty"`
	// Transforms are the named steps in order, with their arguments.
	Transforms []string `json:"transforms,omitempty"`
	// Constant is set for a constant.
	Constant string `json:"constant,omitempty"`
}

// Load reads a mapping table. name is the file's name for messages; permitted says whether the register lets this route
// name a field, and by which rule not. All problems are reported at once, as [record.Problems].
func Load(name string, yaml []byte, permitted func(field string) (rule string, ok bool)) (*Table, error) {
	return nil, errStub
}

// Name is the connector's name.
func (t *Table) Name() string { return "" }

// Digest is the SHA-256 of the table's source bytes.
func (t *Table) Digest() record.Digest { return t.digest }

// Schema names the schema of the documents.
func (t *Table) Schema() SchemaRef { return SchemaRef{} }

// MediaType is the media type of the documents.
func (t *Table) MediaType() string { return "application/json" }

// Fields are the register's fields that the table reads, in order of first use.
func (t *Table) Fields() []string { return nil }

// Lineage has one entry for each target, in document order.
func (t *Table) Lineage() []Lineage { return nil }

// Bind compiles the table for rows whose fields are given in the order of [legal.Gate.Fields]. sink judges the documents and is required.
func (t *Table) Bind(fields []string, sink Sink) (*Encoder, error) { return nil, errStub }
