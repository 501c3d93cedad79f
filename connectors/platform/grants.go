package platform

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
)

// use is a relation and the columns of it that a read needs, sorted.
type use struct {
	relation string
	columns  []string
}

// uses lists what a read of the given fields needs: exactly the columns of the statements.
func (c *Config) uses(fields []string) []use {
	var all []use
	add := func(relation string, columns ...string) {
		i := slices.IndexFunc(all, func(u use) bool { return u.relation == relation })
		if i < 0 {
			i = len(all)
			all = append(all, use{relation: relation})
		}
		for _, column := range columns {
			if column != "" && !slices.Contains(all[i].columns, column) {
				all[i].columns = append(all[i].columns, column)
			}
		}
		slices.Sort(all[i].columns)
	}
	p, a := &c.Profiles, &c.Accounts
	add(p.Relation, p.Key, p.IIN, p.Updated, p.Changed)
	add(p.Relation, p.Place...)
	for _, field := range fields {
		add(p.Relation, p.Fields[field])
	}
	if a.Relation != "" {
		add(a.Relation, a.Key, a.State, a.Changed)
	} else {
		add(p.Relation, a.State)
	}
	if k := c.Consents; k != nil {
		add(k.Relation, k.Key, k.Given, k.Until, k.Withdrawn, k.Evidence, k.Form, k.Changed)
		_, columns := k.Terms.columns()
		add(k.Relation, columns...)
	}
	if f := c.ConsentForms; f != nil {
		_, columns := f.Terms.columns()
		add(f.Relation, append(columns, f.Key)...)
	}
	for _, f := range c.feeds() {
		add(f.Relation, f.Key, f.Lifted, f.Changed)
	}
	return all
}

// Grants returns the PostgreSQL statements that give a role the right to read the given fields and the decision columns, and take every other
// right on these relations from it. The role of a connector gets the fields of its routes. The statements are for the owner of the platform's
// database; rights that PUBLIC has or that the role inherits are not theirs to take away, and [Config] relations that are views
// must not be readable beyond them.
func Grants(c Config, fields []string, role string) (string, error) {
	var problems record.Problems
	problems.Merge(c.Validate(), "source.config", "")
	problems.Merge(c.mapped(fields), "source.field_unmapped", "")
	if c.Dialect == SQLite {
		problems.Add("source.dialect", "dialect", "protect the file instead", "SQLite has no rights by column")
	}
	if !isIdentifier(role) {
		problems.Add("source.identifier", "role", "", "the name of a role is expected (ASCII letters, digits, underscores; at most 63)")
	}
	if err := problems.Err(); err != nil {
		return "", err
	}
	var out strings.Builder
	role = quote(role)
	fmt.Fprintf(&out, "-- What the role may read of the platform: the fields of its routes and the decision columns, nothing else.\n")
	fmt.Fprintf(&out, "-- Create it before: CREATE ROLE %s LOGIN NOSUPERUSER;\n", role)
	fmt.Fprintf(&out, "ALTER ROLE %s SET default_transaction_read_only = on;\n", role)
	for _, u := range c.uses(fields) {
		relation := quoteRelation(u.relation)
		fmt.Fprintf(&out, "REVOKE ALL ON TABLE %s FROM %s;\n", relation, role)
		if schema, _, qualified := strings.Cut(u.relation, "."); qualified {
			fmt.Fprintf(&out, "GRANT USAGE ON SCHEMA %s TO %s;\n", quote(schema), role)
		}
		columns := make([]string, len(u.columns))
		for i, column := range u.columns {
			columns[i] = quote(column)
		}
		fmt.Fprintf(&out, "GRANT SELECT (%s) ON TABLE %s TO %s;\n", strings.Join(columns, ", "), relation, role)
	}
	return out.String(), nil
}

// Excess lists what the role that the database is opened as may do on the configured relations beyond reading the columns of the fields and the decision
// columns: "relation.column" that it may read, "relation (write)" that it may change. SQLite has no such rights: nothing is listed.
func Excess(ctx context.Context, db *sqlx.DB, c Config, fields []string) ([]string, error) {
	if c.Dialect == SQLite {
		return nil, nil
	}
	var out []string
	for _, u := range c.uses(fields) {
		relation := quoteRelation(u.relation)
		var write bool
		if err := db.GetContext(ctx, &write, "SELECT has_table_privilege($1::regclass, 'INSERT, UPDATE, DELETE, TRUNCATE')", relation); err != nil {
			return nil, failed("asking for the rights of the role", err)
		}
		if write {
			out = append(out, u.relation+" (write)")
		}
		var readable []string
		err := db.SelectContext(ctx, &readable, `SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
			AND has_column_privilege($1::regclass, attnum, 'SELECT') ORDER BY attnum`, relation)
		if err != nil {
			return nil, failed("asking for the rights of the role", err)
		}
		for _, column := range readable {
			if !slices.Contains(u.columns, column) {
				out = append(out, u.relation+"."+column)
			}
		}
	}
	return out, nil
}
