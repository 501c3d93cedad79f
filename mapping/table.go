package mapping

import (
	"context"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping/form"
	"birgeoqy.kz/almasu/mapping/judging"
	"birgeoqy.kz/almasu/mapping/transform"
	"birgeoqy.kz/almasu/schemas"
)

// Table is a loaded mapping. It is safe for concurrent use.
type Table struct {
	digest  record.Digest
	file    string
	name    string
	version int
	schema  SchemaRef
	format  string
	xml     form.XMLNames
	csv     form.CSVOptions
	// languages are those of the headings, in order; without any, columns are headed by their targets.
	languages []string
	// headerName and recordsName are the members of the document; no header is written if headerName is empty.
	headerName, recordsName string
	header, rows            []*row
	lists                   []*codeList
	at                      string // file:line:col of the table
	schemaAt                string
}

// SchemaRef names the schema that a table's documents follow.
type SchemaRef struct {
	Name    string
	Version int
	Digest  record.Digest
}

// row is one target.
type row struct {
	target    string
	where     string // file:line:col
	fields    []string
	from      string // of a header row: the name in [DocHeader]'s list
	constant  *string
	marks     []string        // of a header row: the fields whose mark it is
	mark      bool            // of a record: the mark of its one field, in the place of the value
	before    transform.Chain // for each source, before they are joined
	join      *string
	after     transform.Chain
	steps     []string // for lineage
	codes     *codeList
	kind      form.Kind
	required  bool
	maxLength int // in characters, 0: none
	null      bool
	headings  map[string]*node // of a column, by language
	heading   string           // in the languages chosen; empty: the target
	necessity string
}

// codeList replaces codes by other codes.
type codeList struct {
	name  string
	where string
	codes map[string][]byte
	rows  []codeRow
}

type codeRow struct{ from, to, where string }

// Lineage says what one target is made of.
type Lineage struct {
	// Target is the target path.
	Target string `json:"target"`
	// Sources are field ids; empty for a constant.
	Sources []string `json:"sources,omitempty"`
	// Transforms are the named steps in order with their arguments, "nfc", and the code list as codes("name").
	Transforms []string `json:"transforms,omitempty"`
	// Constant is the value of a constant.
	Constant string `json:"constant,omitempty"`
	// Required and MaxLength (characters, 0: none) are the table's own checks.
	Required  bool `json:"required,omitempty"`
	MaxLength int  `json:"max_length,omitempty"`
	// Necessity says why the recipient needs it.
	Necessity string `json:"necessity,omitempty"`
}

// Name is the connector's name.
func (t *Table) Name() string { return t.name }

// Version is the table's own version, from 1.
func (t *Table) Version() int { return t.version }

// Digest is the SHA-256 of the table's source bytes.
func (t *Table) Digest() record.Digest { return t.digest }

// Schema names the schema of the documents.
func (t *Table) Schema() SchemaRef { return t.schema }

// Checker is a checker of the table's documents by a schema: the one that the table pins. A schema of XML checks XML only. judge, if there is one, has the last
// word on each document of XML, until ctx ends; a foreign schema needs one. The error is a [*record.Problem].
func (t *Table) Checker(ctx context.Context, s *schemas.Schema, judge judging.Judge) (Sink, error) {
	sink, err := t.checker(s)
	switch {
	case err != nil:
		return nil, err
	case judge == nil && s.Foreign():
		return nil, record.NewProblem("mapping.no_judge", t.schemaAt, "set validator: xmllint for the connector", "the schema uses what only another program can check")
	case judge == nil:
		return sink, nil
	}
	return judged{sink, judge.By(ctx, s)}, nil
}

func (t *Table) checker(s *schemas.Schema) (Sink, error) {
	if s.XML() == nil && !s.Foreign() {
		return s.Checker(), nil
	}
	if t.format != "xml" {
		return nil, record.NewProblem("mapping.other_form", t.at, "set output.format: xml", "the schema is one of XML, and the documents are %s", t.format)
	}
	if s.Foreign() {
		return judging.NoOpinion{}, nil
	}
	c, err := s.XMLChecker(schemas.XMLNames{Root: t.xml.Root, Record: t.xml.Record, Namespace: t.xml.Namespace, Prefixes: t.xml.Prefixes})
	if err != nil {
		return nil, record.NewProblem("mapping.other_form", t.at, "compare output.root and output.namespace with the schema", "%s", err.(*record.Problem).Message)
	}
	return c, nil
}

// MediaType is the media type of the documents.
func (t *Table) MediaType() string {
	if t.csv.Windows1251 {
		return "text/csv; charset=windows-1251"
	}
	return formats[t.format].mediaType
}

// Fields are the register's fields that the table reads, in order of first use.
func (t *Table) Fields() []string {
	var list []string
	seen := map[string]bool{}
	for _, r := range t.rows {
		for _, f := range r.fields {
			if !seen[f] {
				seen[f], list = true, append(list, f)
			}
		}
	}
	return list
}

// Lineage has one entry for each target of a record, in document order.
func (t *Table) Lineage() []Lineage {
	list := make([]Lineage, 0, len(t.rows))
	for _, r := range t.rows {
		l := Lineage{Target: r.target, Sources: append([]string(nil), r.fields...), Required: r.required, MaxLength: r.maxLength, Necessity: r.necessity}
		switch {
		case r.constant != nil:
			l.Constant = *r.constant
		case r.mark:
			l.Transforms = []string{"mark"}
		default:
			l.Transforms = append(append([]string(nil), r.steps...), "nfc")
			if r.codes != nil {
				l.Transforms = append(l.Transforms, quoteArgument("codes", r.codes.name))
			}
		}
		list = append(list, l)
	}
	return list
}

// SelfDeclared is the mark of a value that the person gave in the platform's own form and nobody has verified (policy 2.4, rule QUAL-1).
const SelfDeclared = "self_declared"
