package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Full is a schema in a complete validator. It is a hundred times slower than a [Checker] and owes nothing to it.
type Full struct{ schema *jsonschema.Schema }

// Full compiles the schema with a complete implementation of JSON Schema 2020-12, format asserted.
func (s *Schema) Full() (*Full, error) {
	source, err := jsonschema.UnmarshalJSON(bytes.NewReader(s.raw))
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	const at = "urn:almasu:schema"
	if err := c.AddResource(at, source); err != nil {
		return nil, fmt.Errorf("adding the schema: %w", err)
	}
	compiled, err := c.Compile(at)
	if err != nil {
		return nil, fmt.Errorf("compiling the schema: %w", err)
	}
	return &Full{compiled}, nil
}

// ErrInvalid is what [Full.Check] returns, wrapped with places and keywords, for a document that breaks the schema.
var ErrInvalid = errors.New("the document breaks its schema")

// Check reports whether doc is JSON and follows the schema. The error names places and keywords, no values.
func (f *Full) Check(doc []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return errors.New("the document is not JSON")
	}
	err = f.schema.Validate(value)
	var broken *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &broken):
		return errors.New("the document cannot be checked")
	}
	var places []string
	collect(broken, &places)
	return fmt.Errorf("%w: %s", ErrInvalid, strings.Join(places, ", "))
}

// collect lists "/place keyword" of the innermost errors, at most ten.
func collect(e *jsonschema.ValidationError, places *[]string) {
	if len(e.Causes) == 0 && len(*places) < 10 {
		*places = append(*places, "/"+strings.Join(e.InstanceLocation, "/")+" "+strings.Join(e.ErrorKind.KeywordPath(), "/"))
	}
	for _, cause := range e.Causes {
		collect(cause, places)
	}
}
