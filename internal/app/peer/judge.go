package peer

import (
	"context"
	"os"

	"birgeoqy.kz/almasu/internal/app/xmllint"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/schemas"
)

// Foreign are the digests of the schemas that another program may judge by: those that the mappings of connectors with a validator pin. A mapping that does not load is
// passed over; whoever needs it says so.
func Foreign(f *config.File) []record.Digest {
	var list []record.Digest
	for i := range f.Connectors {
		c := &f.Connectors[i]
		if c.Validator == "" {
			continue
		}
		for _, name := range c.Mappings() {
			text, err := os.ReadFile(f.Path(name))
			if err != nil {
				continue
			}
			if t, err := mapping.Load(name, text, func(string) (string, bool) { return "", true }); err == nil {
				list = append(list, t.Schema().Digest)
			}
		}
	}
	return list
}

// Validator checks that a connector's validator, if it has one, can judge by a schema, which lies in a file. The error says that the program is missing, cannot use the
// schema, or is asked for where documents are not of XML.
func Validator(ctx context.Context, c *config.Connector, s *schemas.Schema, file string) error {
	if s.MediaType() != "application/xml" {
		return record.NewProblem("config.validator", c.Where.Key("validator"), "leave validator out", "xmllint judges by schemas of XML only, and the mapping pins one of JSON")
	}
	program, err := xmllint.Find()
	if err != nil {
		return err
	}
	return program.Try(ctx, s, file)
}
