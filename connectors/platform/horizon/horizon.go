// Package horizon says from which transaction on a PostgreSQL database may have changed since a snapshot.
//
// # A horizon
//
// It is pg_snapshot_xmin of the snapshot: the oldest transaction that had not ended. What older transactions wrote was in the snapshot. What transactions wrote that
// are not older may be in it or not: so whoever reads again everything that they wrote misses nothing, in whatever order they end. A transaction
// that writes has one number for all of it (pg_current_xact_id), savepoints included. No clock takes part.
//
// # Its text
//
// "pg1", the number, and four digests (SHA-256, the first 8 bytes, in hexadecimal), with colons between: of the server's history, which is its cluster, its timeline (a
// restore to a point in time and a promotion begin a new one) and its database; of the tables, which are others once they are made again, emptied with TRUNCATE or
// written anew as a whole; and two of what the caller names besides. The number means something only where all four are the same and
// the oldest open transaction is not below it; else [Horizon.Reaches] is [connectors.ErrHorizon], under the code "source.horizon". On a replica
// the timeline is that of its last restart point.
package horizon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
)

// Horizon is what a snapshot is compared with at the next time.
type Horizon struct {
	// Oldest is the number of the oldest transaction that had not ended.
	Oldest uint64
	// identity are the digests of what must be the same.
	identity [4]string
}

// names say what the digests are of.
var names = [...]string{"the server or its history", "a table", "a consent form", "the configuration of the platform"}

// String returns the text of the horizon.
func (h *Horizon) String() string {
	return fmt.Sprintf("pg1:%d:%s", h.Oldest, strings.Join(h.identity[:], ":"))
}

// Parse reads the text of a horizon.
func Parse(text string) (*Horizon, error) {
	parts := strings.Split(text, ":")
	h := &Horizon{}
	var err error
	if len(parts) == 2+len(h.identity) && parts[0] == "pg1" {
		h.Oldest, err = strconv.ParseUint(parts[1], 10, 64)
		copy(h.identity[:], parts[2:])
	}
	if err != nil || h.String() != text {
		return nil, Unusable("this is not a horizon of this source")
	}
	return h, nil
}

// Unusable is [connectors.ErrHorizon] with its code and the reason.
func Unusable(format string, args ...any) error {
	return errors.Join(connectors.ErrHorizon, record.NewProblem("source.horizon", "", "read everybody", format, args...))
}

// Reaches is nil if what has changed since an earlier horizon can be told, else why it cannot.
func (h *Horizon) Reaches(earlier *Horizon) error {
	for i, name := range names {
		if h.identity[i] != earlier.identity[i] {
			return Unusable("%s is not what it was at the horizon", name)
		}
	}
	if h.Oldest < earlier.Oldest {
		return Unusable("the server is behind the horizon: transaction %d, and the horizon is %d", h.Oldest, earlier.Oldest)
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

const (
	serverText = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text, (SELECT system_identifier FROM pg_control_system())::text
		|| '/' || CASE WHEN pg_is_in_recovery() THEN (SELECT GREATEST(c.timeline_id, r.min_recovery_end_timeline)::text FROM pg_control_checkpoint() AS c, pg_control_recovery() AS r)
			ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int::text END
		|| '/' || (SELECT oid FROM pg_database WHERE datname = current_database())`
	tableText = `SELECT COALESCE(string_agg(oid || '=' || relfilenode, ',' ORDER BY oid), '') FROM pg_class
		WHERE oid = to_regclass($1) OR oid IN (SELECT relid FROM pg_partition_tree(to_regclass($1)))`
)

// Take takes the horizon of the snapshot of a transaction that reads one state. Tables are quoted names; forms and configuration are whatever the caller
// wants to be the same: texts in an order of their own.
func Take(ctx context.Context, tx *sqlx.Tx, tables, forms []string, configuration string) (*Horizon, error) {
	h := &Horizon{}
	var oldest, server string
	if err := tx.QueryRowxContext(ctx, serverText).Scan(&oldest, &server); err != nil {
		return nil, err
	}
	var err error
	if h.Oldest, err = strconv.ParseUint(oldest, 10, 64); err != nil {
		return nil, err
	}
	var files []string
	for _, name := range tables {
		var file string
		if err := tx.GetContext(ctx, &file, tableText, name); err != nil {
			return nil, err
		}
		files = append(files, name, file)
	}
	h.identity = [...]string{short(server), short(files...), short(forms...), short(configuration)}
	return h, nil
}

// Kept says how a column of a relation is kept. Of a view only Table is told: its owner answers for the rest.
type Kept struct {
	// Table: the relation is a table, not a view.
	Table bool
	// Filled: the column is NOT NULL. Indexed: a valid index of all rows begins with it. Set: enabled triggers come before each row that is inserted or updated, whatever changes in it.
	Filled, Indexed, Set bool
}

// Look finds out how a column is kept. The relation is a quoted name.
func Look(ctx context.Context, db *sqlx.DB, relation, column string) (Kept, error) {
	var k Kept
	err := db.GetContext(ctx, &k, `SELECT c.relkind IN ('r', 'p') AS table, a.attnotnull AS filled,
		EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL) AS indexed,
		COALESCE((SELECT bit_or(t.tgtype) & 20 = 20 FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
			AND t.tgtype & 3 = 3 AND t.tgqual IS NULL AND cardinality(t.tgattr) = 0), false) AS set
		FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = $2 WHERE c.oid = to_regclass($1)`, relation, column)
	return k, err
}
