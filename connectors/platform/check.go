package platform

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/platform/horizon"
	"birgeoqy.kz/almasu/internal/record"
)

// The types of PostgreSQL (pg_type.typname) that serve each purpose.
var (
	textTypes  = []string{"text", "varchar", "bpchar"}
	timeTypes  = []string{"timestamptz", "timestamp", "date", "int8", "text", "varchar"}
	refTypes   = []string{"int2", "int4", "int8", "uuid", "text", "varchar"}
	proofTypes = []string{"text", "varchar", "bytea"}
	termTypes  = []string{"text", "varchar", "bpchar", "bool", "int2", "int4", "int8", "_text", "_varchar", "json", "jsonb"}
	keyTypes   = map[string][]string{
		KeyInteger: {"int2", "int4", "int8"}, KeyText: {"text", "varchar"}, KeyUUID: {"uuid"},
	}
)

// Check verifies that the database has the relations and columns of the configuration, with types that serve (on SQLite columns have none
// that bind), that columns of changes are kept by a trigger and indexed, and that a read of the decision columns runs. It reports all problems at once.
func Check(ctx context.Context, db *sqlx.DB, c Config) error {
	source, err := New(c, db)
	if err != nil {
		return err
	}
	k := &checker{ctx: ctx, db: db, config: &c, relations: map[string]map[string]string{}}
	k.profiles()
	if c.Consents != nil {
		k.consents()
	}
	for _, f := range c.feeds() {
		k.column(f.name+".key", f.Relation, f.Key, keyTypes[c.Profiles.KeyType])
		k.column(f.name+".lifted", f.Relation, f.Lifted, nil)
	}
	for _, m := range c.marks() {
		k.mark(m)
	}
	if k.err != nil {
		return failed("looking at the platform's relations", k.err)
	}
	if err := k.problems.Err(); err != nil {
		return err
	}
	return source.probe(ctx)
}

// probe runs a read and takes one person of it, which needs all rights on decision columns.
func (s *Source) probe(ctx context.Context) error {
	stream, err := s.Open(ctx, connectors.Query{})
	if err != nil {
		return err
	}
	if err = stream.Next(ctx, record.NewBatch(nil, 1), 1); errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, stream.Close())
}

// checker compares a configuration with a database.
type checker struct {
	ctx       context.Context
	db        *sqlx.DB
	config    *Config
	relations map[string]map[string]string // columns and their types by relation
	problems  record.Problems
	err       error // of the database; the first one
}

func (k *checker) profiles() {
	p, a := &k.config.Profiles, &k.config.Accounts
	k.column("profiles.key", p.Relation, p.Key, keyTypes[p.KeyType])
	k.column("profiles.iin", p.Relation, p.IIN, textTypes)
	k.column("profiles.updated", p.Relation, p.Updated, timeTypes)
	for _, column := range p.Place {
		k.column("profiles.place", p.Relation, column, textTypes)
	}
	for _, field := range slices.Sorted(maps.Keys(p.Fields)) {
		k.column("profiles.fields."+field, p.Relation, p.Fields[field], nil)
	}
	relation := p.Relation
	if a.Relation != "" {
		relation = a.Relation
		k.column("accounts.key", relation, a.Key, keyTypes[p.KeyType])
	}
	k.column("accounts.state", relation, a.State, nil)
}

func (k *checker) consents() {
	c := k.config.Consents
	k.column("consents.key", c.Relation, c.Key, keyTypes[k.config.Profiles.KeyType])
	k.column("consents.given", c.Relation, c.Given, timeTypes)
	k.column("consents.until", c.Relation, c.Until, timeTypes)
	k.column("consents.withdrawn", c.Relation, c.Withdrawn, timeTypes)
	k.column("consents.evidence", c.Relation, c.Evidence, proofTypes)
	k.column("consents.form", c.Relation, c.Form, refTypes)
	for _, part := range c.Terms.parts() {
		k.column("consents.terms."+part.name, c.Relation, part.column, termTypes)
	}
	f := k.config.ConsentForms
	if f == nil {
		return
	}
	k.column("consent_forms.key", f.Relation, f.Key, refTypes)
	for _, part := range f.Terms.parts() {
		k.column("consent_forms.terms."+part.name, f.Relation, part.column, termTypes)
	}
}

// column checks one column, if it has a name; nil types are any.
func (k *checker) column(where, relation, column string, types []string) {
	if column == "" || k.err != nil {
		return
	}
	columns, ok := k.relations[relation]
	if !ok {
		if columns, k.err = k.describe(relation); k.err != nil {
			return
		}
		k.relations[relation] = columns
		if len(columns) == 0 {
			section, _, _ := strings.Cut(where, ".")
			k.problems.Add("source.relation_missing", section+".relation", "names are case-sensitive", "the database has no relation %q", relation)
		}
	}
	if len(columns) == 0 {
		return
	}
	found, ok := columns[column]
	switch {
	case !ok:
		k.problems.Add("source.column_missing", where, "names are case-sensitive", "relation %q has no column %q", relation, column)
	case k.config.Dialect == Postgres && types != nil && !slices.Contains(types, found):
		k.problems.Add("source.column_type", where, "", "column %q of %q is of type %s; expected %s", column, relation, found, strings.Join(types, ", "))
	}
}

// mark checks a column of changes: on a table, every row must have it, an index must begin with it, and triggers must set it whenever a row is written.
func (k *checker) mark(m mark) {
	if m.changed == "" {
		return
	}
	k.column(m.where+".changed", m.relation, m.changed, []string{"xid8"})
	if k.err != nil || k.relations[m.relation][m.changed] != "xid8" {
		return
	}
	var kept horizon.Kept
	kept, k.err = horizon.Look(k.ctx, k.db, quoteRelation(m.relation), m.changed)
	for _, duty := range []struct {
		met                bool
		code, hint, format string
	}{
		{kept.Filled, "source.changed_null", "declare it NOT NULL", "column %q of %q may be NULL: such a row would never be seen as changed"},
		{kept.Indexed, "source.changed_index", "make an index on it", "no index begins with the column %q of %q: all rows would be read to find what has changed"},
		{kept.Set, "source.changed_trigger", "see the trigger in docs/operations.md", "no trigger sets the column %q of %q before each row is inserted or updated"},
	} {
		if kept.Table && !duty.met && k.err == nil {
			k.problems.Add(duty.code, m.where+".changed", duty.hint, duty.format, m.changed, m.relation)
		}
	}
}

// describe returns the columns of a relation with their types; none if there is no such relation.
func (k *checker) describe(relation string) (map[string]string, error) {
	query := `SELECT a.attname, t.typname
		FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
		WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`
	name := quoteRelation(relation)
	if k.config.Dialect == SQLite {
		query = "SELECT name, type FROM pragma_table_info($1)"
		name = relation[strings.LastIndexByte(relation, '.')+1:]
	}
	rows, err := k.db.QueryContext(k.ctx, query, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := map[string]string{}
	for rows.Next() {
		var column, kind string
		if err := rows.Scan(&column, &kind); err != nil {
			return nil, err
		}
		columns[column] = kind
	}
	return columns, rows.Err()
}
