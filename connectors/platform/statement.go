package platform

import (
	"fmt"
	"slices"
	"strings"

	"birgeoqy.kz/almasu/internal/record"
)

// statement is the text of the query for people, and where each thing stands in its rows.
type statement struct {
	text  string
	cells int
	// Indexes of cells; -1 where the configuration names no column.
	key, iin, state, since, updated, given, until, withdrawn, evidence int
	fields, place, terms                                               []int
}

// selection collects the expressions of a SELECT list, each once.
type selection struct{ list []string }

func (s *selection) add(expression string) int {
	if i := slices.Index(s.list, expression); i >= 0 {
		return i
	}
	s.list = append(s.list, expression)
	return len(s.list) - 1
}

// raw selects a column in its own type; -1 if it has no name.
func (s *selection) raw(alias, column string) int {
	if column == "" {
		return -1
	}
	return s.add(alias + "." + quote(column))
}

// text selects a column as text.
func (s *selection) text(alias, column string) int {
	return s.add("CAST(" + alias + "." + quote(column) + " AS text)")
}

// people computes the query for everybody (or for the subjects of its one parameter) with the values of the given fields.
func (c *Config) people(fields []string, subjects bool) (*statement, error) {
	if err := c.mapped(fields); err != nil {
		return nil, err
	}
	s := &selection{}
	p, a := &c.Profiles, &c.Accounts
	accounts := "p"
	if a.Relation != "" {
		accounts = "a"
	}
	st := &statement{
		key: s.raw("p", p.Key), iin: s.text("p", p.IIN), updated: s.raw("p", p.Updated),
		state: s.text(accounts, a.State), since: s.raw(accounts, a.Since),
		given: -1, until: -1, withdrawn: -1, evidence: -1,
	}
	for _, field := range fields {
		st.fields = append(st.fields, s.text("p", p.Fields[field]))
	}
	for _, column := range p.Place {
		st.place = append(st.place, s.text("p", column))
	}
	if k := c.Consents; k != nil {
		st.given, st.until, st.withdrawn = s.raw("c", k.Given), s.raw("c", k.Until), s.raw("c", k.Withdrawn)
		if k.Evidence != "" {
			st.evidence = s.add("(octet_length(c." + quote(k.Evidence) + ") > 0)")
		}
		if k.Form != "" {
			st.terms = append(st.terms, s.raw("c", k.Form))
		}
		_, columns := k.Terms.columns()
		for _, column := range columns {
			st.terms = append(st.terms, s.text("c", column))
		}
	}
	st.cells = len(s.list)
	st.text = c.from(s, subjects)
	return st, nil
}

// mapped reports the fields that have no column.
func (c *Config) mapped(fields []string) error {
	var problems record.Problems
	for _, field := range fields {
		if c.Profiles.Fields[field] == "" {
			problems.Add("source.field_unmapped", "profiles.fields."+field, "map the field to its column", "the field %q has no column", field)
		}
	}
	return problems.Err()
}

// from writes the whole statement around a selection.
func (c *Config) from(s *selection, subjects bool) string {
	list := strings.Join(s.list, ", ")
	if c.Dialect == Postgres {
		list = "record_send(ROW(" + list + "))"
	}
	key := "p." + quote(c.Profiles.Key)
	text := fmt.Sprintf("SELECT %s FROM %s AS p", list, quoteRelation(c.Profiles.Relation))
	if c.Accounts.Relation != "" {
		text += fmt.Sprintf(" LEFT JOIN %s AS a ON a.%s = %s", quoteRelation(c.Accounts.Relation), quote(c.Accounts.Key), key)
	}
	if c.Consents != nil {
		text += fmt.Sprintf(" LEFT JOIN %s AS c ON c.%s = %s", quoteRelation(c.Consents.Relation), quote(c.Consents.Key), key)
	}
	if subjects {
		text += " WHERE p." + quote(c.Profiles.IIN)
		if c.Dialect == Postgres {
			text += " = ANY($1)"
		} else {
			text += " IN (SELECT value FROM json_each($1))"
		}
	}
	return text + " ORDER BY " + key + c.collation()
}

func (c *Config) collation() string {
	switch {
	case c.Dialect == SQLite:
		return " COLLATE BINARY"
	case c.Profiles.KeyType == KeyText:
		return ` COLLATE "C"`
	}
	return ""
}

// formsText returns the query for consent forms: the key as text, then the parts that have a column.
func (c *Config) formsText() (text string, parts []int) {
	parts, columns := c.ConsentForms.Terms.columns()
	list := "CAST(" + quote(c.ConsentForms.Key) + " AS text)"
	for _, column := range columns {
		list += ", CAST(" + quote(column) + " AS text)"
	}
	return fmt.Sprintf("SELECT %s FROM %s", list, quoteRelation(c.ConsentForms.Relation)), parts
}

// blocksText returns the query for the keys of blocked people.
func (c *Config) blocksText() string {
	list := "b." + quote(c.Blocks.Key)
	if c.Dialect == Postgres {
		list = "record_send(ROW(" + list + "))"
	}
	text := fmt.Sprintf("SELECT %s FROM %s AS b", list, quoteRelation(c.Blocks.Relation))
	if c.Blocks.Lifted != "" {
		text += fmt.Sprintf(" WHERE b.%s IS NULL", quote(c.Blocks.Lifted))
	}
	return text
}

// quote writes an identifier that Validate has accepted.
func quote(name string) string { return `"` + name + `"` }

func quoteRelation(name string) string { return `"` + strings.ReplaceAll(name, ".", `"."`) + `"` }
