package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors/platform/horizon"
)

// mark is a column that says which transaction has changed a row last, and the column with the key of the person whom the row is about.
type mark struct{ where, relation, key, changed string }

// marks lists the relations that decide about a person, with their columns of changes.
func (c *Config) marks() []mark {
	list := []mark{{"profiles", c.Profiles.Relation, c.Profiles.Key, c.Profiles.Changed}}
	if c.Accounts.Relation != "" {
		list = append(list, mark{"accounts", c.Accounts.Relation, c.Accounts.Key, c.Accounts.Changed})
	}
	if k := c.Consents; k != nil {
		list = append(list, mark{"consents", k.Relation, k.Key, k.Changed})
	}
	for _, f := range c.feeds() {
		list = append(list, mark{f.name, f.Relation, f.Key, f.Changed})
	}
	return list
}

// Horizons reports whether the configuration names columns of changes, so that a stream of it has a horizon.
func (c *Config) Horizons() bool { return c.Profiles.Changed != "" }

// validateMarks sees to it that all relations have a column of changes, or none.
func (c *Config) validateMarks(v *validation) {
	list := c.marks()
	if !slices.ContainsFunc(list, func(m mark) bool { return m.changed != "" }) && c.Accounts.Changed == "" {
		return
	}
	if c.Dialect == SQLite {
		v.Add("source.changed_dialect", "profiles.changed", "leave the columns of changes out: the comparison is full", "SQLite does not number its transactions: there is no horizon of a snapshot")
		return
	}
	if c.Accounts.Relation == "" && c.Accounts.Changed != "" {
		v.Add("source.missing", "accounts.relation", "the profiles' column counts for it", "accounts.changed is given without accounts.relation")
	}
	for _, m := range list {
		if m.changed == "" {
			v.Add("source.changed_incomplete", m.where+".changed", "name the column of each relation, or of none", "a change of the relation %q would not be seen", m.relation)
			continue
		}
		v.column(m.where+".changed", m.changed)
	}
}

// takeHorizon takes the horizon of the stream's snapshot, once the consent forms are read, and compares it with an earlier one, if there is one.
func (st *stream) takeHorizon(ctx context.Context, tx *sqlx.Tx) error {
	c := st.config
	if !c.Horizons() {
		return nil
	}
	var tables, forms []string
	for _, u := range c.uses(nil) {
		tables = append(tables, quoteRelation(u.relation))
	}
	for _, key := range slices.Sorted(maps.Keys(st.terms.forms)) {
		w := st.terms.forms[key]
		forms = append(forms, key, w.key())
	}
	configuration, err := json.Marshal(c)
	if err != nil {
		return err
	}
	h, err := horizon.Take(ctx, tx, tables, forms, string(configuration))
	if err != nil {
		return failed("taking the horizon", err)
	}
	st.horizon = h.String()
	if st.since == nil {
		return nil
	}
	return h.Reaches(st.since)
}

// candidates writes the relation of the keys of everybody of whom a row has been changed by a transaction that is not older than the parameter $1. Rows of one
// transaction have one number, so that a transaction that was open at an earlier snapshot is found when it has ended, however late.
func (c *Config) candidates() string {
	var parts []string
	for _, m := range c.marks() {
		parts = append(parts, fmt.Sprintf("SELECT h.%s%s AS k FROM %s AS h WHERE h.%s >= $1::xid8",
			quote(m.key), c.collation(), quoteRelation(m.relation), quote(m.changed)))
	}
	return "(" + strings.Join(parts, " UNION ") + ")"
}
