package platform

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/platform/cell"
	"birgeoqy.kz/almasu/connectors/platform/horizon"
	"birgeoqy.kz/almasu/internal/record"
)

// statement is the text of the query for people, and where each thing stands in its rows.
type statement struct {
	text    string
	list    []string // what is selected
	args    []any    // the horizon and the bounds
	earlier *horizon.Horizon
	cells   int
	// Indexes of cells; -1 where the configuration names no column.
	key, iin, state, updated, given, until, withdrawn, evidence int
	fields, place, terms                                        []int
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

// people computes the query for everybody within its bounds, with the values of its fields.
func (c *Config) people(q connectors.Query) (*statement, error) {
	if err := c.mapped(q.Fields); err != nil {
		return nil, err
	}
	s := &selection{}
	p, a := &c.Profiles, &c.Accounts
	accounts := "p"
	if a.Relation != "" {
		accounts = "a"
	}
	st := &statement{
		key: s.raw("p", p.Key), iin: s.text("p", p.IIN), updated: -1,
		state: s.text(accounts, a.State),
		given: -1, until: -1, withdrawn: -1, evidence: -1,
	}
	if q.Updated {
		st.updated = s.raw("p", p.Updated)
	}
	for _, field := range q.Fields {
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
	st.list, st.cells = s.list, len(s.list)
	var err error
	if q.Since != "" {
		if st.earlier, err = horizon.Parse(q.Since); err == nil && !c.Horizons() {
			err = horizon.Unusable("the configuration names no columns of changes")
		}
		if err != nil {
			return nil, err
		}
	}
	st.text, st.args, err = c.from(s.list, bounds{after: q.After, through: q.Through}, st.earlier)
	return st, err
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

// bounds are the keys above one and not above another; nil is no bound.
type bounds struct {
	after, through []byte
	all            bool // of every relation, not only of the profiles: its index gives the stretch alone
}

// where writes the conditions that hold a key within the bounds, each with parameters of its own, because the types of the columns may differ.
func (c *Config) where(b bounds, column string, args *[]any) (conditions string, err error) {
	for _, bound := range []struct {
		operator string
		key      []byte
	}{{">", b.after}, {"<=", b.through}} {
		if bound.key == nil {
			continue
		}
		arg, err := c.boundary(bound.key)
		if err != nil {
			return "", err
		}
		*args = append(*args, arg)
		conditions += fmt.Sprintf(" AND %s%s %s $%d", column, c.collation(), bound.operator, len(*args))
	}
	return conditions, nil
}

// from writes the whole statement around what is selected, and its parameters.
func (c *Config) from(selected []string, b bounds, since *horizon.Horizon) (text string, args []any, err error) {
	list := strings.Join(selected, ", ")
	if c.Dialect == Postgres {
		list = "record_send(ROW(" + list + "))"
	}
	key := "p." + quote(c.Profiles.Key)
	text = fmt.Sprintf("SELECT %s FROM %s AS p", list, quoteRelation(c.Profiles.Relation))
	if since != nil {
		text += fmt.Sprintf(" JOIN %s AS s ON s.k = %s%s", c.candidates(), key, c.collation())
		args = append(args, strconv.FormatUint(since.Oldest, 10))
	}
	join := func(alias, relation, column string) {
		column = alias + "." + quote(column)
		text += fmt.Sprintf(" LEFT JOIN %s AS %s ON %s = %s", quoteRelation(relation), alias, column, key)
		if b.all && err == nil {
			var within string
			within, err = c.where(b, column, &args)
			text += within
		}
	}
	if c.Accounts.Relation != "" {
		join("a", c.Accounts.Relation, c.Accounts.Key)
	}
	if c.Consents != nil {
		join("c", c.Consents.Relation, c.Consents.Key)
	}
	within, e := c.where(b, key, &args)
	if err = cmp.Or(err, e); err != nil {
		return "", nil, err
	}
	return text + strings.Replace(within, " AND ", " WHERE ", 1) + " ORDER BY " + key + c.collation(), args, nil
}

// cut writes the query for the key of the person who stands in the given place, counted from 1, above a key.
func (c *Config) cut(after []byte, place int) (text string, args []any, err error) {
	key := "p." + quote(c.Profiles.Key)
	within, err := c.where(bounds{after: after}, key, &args)
	if err != nil {
		return "", nil, err
	}
	args = append(args, place-1)
	return fmt.Sprintf("SELECT record_send(ROW(%s)) FROM %s AS p%s ORDER BY %s%s OFFSET $%d LIMIT 1", key, quoteRelation(c.Profiles.Relation),
		strings.Replace(within, " AND ", " WHERE ", 1), key, c.collation(), len(args)), args, nil
}

// keyless writes the query that has a row if somebody has no key.
func (c *Config) keyless() string {
	key := "p." + quote(c.Profiles.Key)
	return fmt.Sprintf("SELECT record_send(ROW(%s)) FROM %s AS p WHERE %s IS NULL LIMIT 1", key, quoteRelation(c.Profiles.Relation), key)
}

// boundary turns the order-preserving form of a key back into a value that the database compares with the key column. A
// key that this source cannot have made is an error.
func (c *Config) boundary(key []byte) (any, error) {
	switch {
	case c.Profiles.KeyType == KeyInteger && len(key) == 8:
		return int64(binary.BigEndian.Uint64(key) ^ 1<<63), nil
	case c.Profiles.KeyType == KeyUUID && len(key) == 16:
		return string(cell.AppendUUID(nil, key)), nil
	case c.Profiles.KeyType == KeyText && utf8.Valid(key):
		return string(key), nil
	}
	return nil, record.NewProblem("source.bound", "profiles.key", "the key's type may have changed since the transfer began: run it anew",
		"a bound is not a key of the type %q", c.Profiles.KeyType)
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

// blocksText returns the query for the keys of the people in a feed of blocks.
func (c *Config) blocksText(feed *Blocks) string {
	list := "b." + quote(feed.Key)
	if c.Dialect == Postgres {
		list = "record_send(ROW(" + list + "))"
	}
	text := fmt.Sprintf("SELECT %s FROM %s AS b", list, quoteRelation(feed.Relation))
	if feed.Lifted != "" {
		text += fmt.Sprintf(" WHERE b.%s IS NULL", quote(feed.Lifted))
	}
	return text
}

// quote writes an identifier that Validate has accepted.
func quote(name string) string { return `"` + name + `"` }

func quoteRelation(name string) string { return `"` + strings.ReplaceAll(name, ".", `"."`) + `"` }
