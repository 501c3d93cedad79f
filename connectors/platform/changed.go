package platform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
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

// horizon is what a snapshot may be compared with at the next time. Its text is "pg1", transaction, server, tables, forms and configuration, with colons between.
type horizon struct {
	// xmin is the oldest transaction that had not ended when the snapshot was taken: what older ones have changed is in the snapshot.
	xmin uint64
	// identity are digests of what must be the same for xmin to mean anything: of the server's history, of the tables, of the consent forms, of the configuration.
	identity [4]string
}

var identityNames = [...]string{"the server or its history", "a table", "a consent form", "the configuration of the platform"}

func (h *horizon) String() string {
	return fmt.Sprintf("pg1:%d:%s", h.xmin, strings.Join(h.identity[:], ":"))
}

func unusable(format string, args ...any) error {
	return &failure{Problem: record.NewProblem("source.horizon", "", "compare fully", format, args...), cause: connectors.ErrHorizon}
}

// parseHorizon reads the text of a horizon.
func parseHorizon(text string) (*horizon, error) {
	parts := strings.Split(text, ":")
	h := &horizon{}
	var err error
	if len(parts) == 2+len(h.identity) && parts[0] == "pg1" {
		h.xmin, err = strconv.ParseUint(parts[1], 10, 64)
		copy(h.identity[:], parts[2:])
	}
	if err != nil || h.String() != text {
		return nil, unusable("this is not a horizon of this source")
	}
	return h, nil
}

// reaches reports why what has changed since an earlier horizon cannot be told now; nil if it can.
func (h *horizon) reaches(earlier *horizon) error {
	for i, name := range identityNames {
		if h.identity[i] != earlier.identity[i] {
			return unusable("%s is not what it was at the horizon", name)
		}
	}
	if h.xmin < earlier.xmin {
		return unusable("the server is behind the horizon: transaction %d, and the horizon is %d", h.xmin, earlier.xmin)
	}
	return nil
}

// short is a digest of texts.
func short(texts ...string) string {
	sum := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(sum, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// A server's history is its cluster, its timeline (which a restore to a point in time and a promotion begin anew) and its database. A table is another
// one once it is made again, emptied with TRUNCATE or written anew.
const (
	serverText = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text, (SELECT system_identifier FROM pg_control_system())::text
		|| '/' || CASE WHEN pg_is_in_recovery() THEN (SELECT GREATEST(c.timeline_id, r.min_recovery_end_timeline)::text FROM pg_control_checkpoint() AS c, pg_control_recovery() AS r)
			ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int::text END
		|| '/' || (SELECT oid FROM pg_database WHERE datname = current_database())`
	tableText = `SELECT COALESCE(string_agg(oid || '=' || relfilenode, ',' ORDER BY oid), '') FROM pg_class
		WHERE oid = to_regclass($1) OR oid IN (SELECT relid FROM pg_partition_tree(to_regclass($1)))`
)

// takeHorizon takes the horizon of the stream's snapshot, once the consent forms are read, and compares it with an earlier one, if there is one.
func (st *stream) takeHorizon(ctx context.Context, tx *sqlx.Tx) error {
	c := st.config
	if !c.Horizons() {
		return nil
	}
	h := &horizon{}
	var xmin, server string
	if err := tx.QueryRowxContext(ctx, serverText).Scan(&xmin, &server); err != nil {
		return failed("taking the horizon", err)
	}
	var err error
	if h.xmin, err = strconv.ParseUint(xmin, 10, 64); err != nil {
		return failed("taking the horizon", err)
	}
	var tables, forms []string
	for _, u := range c.uses(nil) {
		var table string
		if err := tx.GetContext(ctx, &table, tableText, quoteRelation(u.relation)); err != nil {
			return failed("taking the horizon", err)
		}
		tables = append(tables, u.relation, table)
	}
	for _, key := range slices.Sorted(maps.Keys(st.terms.forms)) {
		w := st.terms.forms[key]
		forms = append(forms, key, w.key())
	}
	config, err := json.Marshal(c)
	if err != nil {
		return err
	}
	h.identity = [...]string{short(server), short(tables...), short(forms...), short(string(config))}
	st.horizon = h.String()
	if st.since == nil {
		return nil
	}
	return h.reaches(st.since)
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
