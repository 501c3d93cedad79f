// Package store keeps the service's durable state in SQL: the log, transfers with their parts, messages and
// settlements, the outbox, the roster, blocks, requests, and due runs. PostgreSQL is for production, SQLite is
// embedded; one conformance suite holds both to the same behaviour.
//
// # What is evidence
//
// log_entry, log_hash, log_checkpoint, situations, part, message and settlement are only inserted into. On PostgreSQL the
// service's role has no UPDATE or DELETE on them ([Roles]); on SQLite triggers refuse. The state rules are constraints:
// one settlement a message (I3), one message a sequence number (I10), a delivery has a receipt.
//
// # Order
//
// Whoever appends to the log locks log_head first and holds it to the end of the transaction. Sequence numbers are taken under that
// lock, so log order and sequence order agree. Times are integers: Unix microseconds.
//
// # SQL
//
// One text serves both stores, with $1 placeholders; what differs is in [dialect].
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the PostgreSQL driver
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"golang.org/x/mod/sumdb/tlog"
	_ "modernc.org/sqlite" // the SQLite driver

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
)

//go:embed migrations
var migrations embed.FS

// Roles is the SQL that makes the roles almasu_service and almasu_auditor on PostgreSQL.
//
//go:embed roles.sql
var Roles string

// Kind is which database a store lies in.
type Kind string

// The kinds.
const (
	Postgres Kind = "postgres"
	SQLite   Kind = "sqlite"
)

// dialect is what differs between the two.
type dialect struct {
	// forUpdate ends a SELECT that locks its rows. SQLite transactions are exclusive from the start.
	forUpdate string
	// skipLocked ends a SELECT that passes over rows that are locked.
	skipLocked string
}

var dialects = map[Kind]dialect{
	Postgres: {forUpdate: " FOR UPDATE", skipLocked: " FOR UPDATE SKIP LOCKED"},
	SQLite:   {},
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	db   *sqlx.DB
	kind Kind
	dialect
	log *transferlog.Log
}

// Open opens a database. For SQLite dsn is a file path, for PostgreSQL a lib/pq connection string or URL.
// The log signs what is appended. The schema must be there: see [Store.Migrate].
func Open(kind Kind, dsn string, log *transferlog.Log) (*Store, error) {
	s := &Store{kind: kind, dialect: dialects[kind], log: log}
	var err error
	switch kind {
	case SQLite:
		s.db, err = sqlx.Open("sqlite", sqliteDSN(dsn))
		if err == nil {
			s.db.SetMaxOpenConns(1) // one writer; a reader in between waits its turn
		}
	case Postgres:
		var full string
		if full, err = withBinaryParameters(dsn); err == nil {
			s.db, err = sqlx.Open("postgres", full)
		}
		if err == nil {
			s.db.SetMaxOpenConns(12)
			s.db.SetMaxIdleConns(6)
		}
	default:
		return nil, record.NewProblem("store.kind", "", `kind is "postgres" or "sqlite"`, "unknown kind of store %q", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return s, nil
}

func sqliteDSN(path string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"}}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// withBinaryParameters makes lib/pq send byte strings as they are, in one round trip.
func withBinaryParameters(dsn string) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return dsn + " binary_parameters=yes", nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("the connection URL is malformed")
	}
	q := u.Query()
	q.Set("binary_parameters", "yes")
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// DB is the open database, for checks of roles and tests.
func (s *Store) DB() *sqlx.DB { return s.db }

// Migrate brings the schema up to date and returns the names of the migrations applied. Several processes may call it at once.
func (s *Store) Migrate(ctx context.Context) ([]string, error) {
	p, err := s.provider()
	if err != nil {
		return nil, err
	}
	done, err := p.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrating the store: %w", err)
	}
	var names []string
	for _, d := range done {
		names = append(names, d.Source.Path)
	}
	return names, nil
}

// ErrSchema is returned by [Store.Check] if the schema is not this program's.
var ErrSchema = errors.New("the store's schema is not up to date; run: almasu migrate")

// Check reports whether the database answers and its schema is up to date.
func (s *Store) Check(ctx context.Context) error {
	if err := s.db.PingContext(ctx); err != nil {
		return fmt.Errorf("reaching the store: %w", err)
	}
	p, err := s.provider()
	if err != nil {
		return err
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema version: %w", err)
	}
	if pending {
		return ErrSchema
	}
	return nil
}

func (s *Store) provider() (*goose.Provider, error) {
	folder, err := fs.Sub(migrations, "migrations/"+string(s.kind))
	if err != nil {
		return nil, err
	}
	if s.kind == SQLite {
		return goose.NewProvider(goose.DialectSQLite3, s.db.DB, folder)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, s.db.DB, folder, goose.WithSessionLocker(locker))
}

// inTx runs f in one transaction.
func (s *Store) inTx(ctx context.Context, f func(tx *sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // the first error is the one that matters
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// insert adds rows with one statement.
func insert(ctx context.Context, tx *sqlx.Tx, into string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("INSERT INTO " + into + " VALUES ")
	args := make([]any, 0, len(rows)*len(rows[0]))
	for i, row := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(placeholders(len(args), len(row)))
		args = append(args, row...)
	}
	_, err := tx.ExecContext(ctx, b.String(), args...)
	if err != nil {
		return fmt.Errorf("inserting into %s: %w", into[:strings.IndexByte(into, ' ')], err)
	}
	return nil
}

// placeholders is "($after+1,...,$after+n)".
func placeholders(after, n int) string {
	var b strings.Builder
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", after+i+1)
	}
	b.WriteByte(')')
	return b.String()
}

// hashReader reads the stored hashes of the tree.
type hashReader struct {
	ctx context.Context
	q   sqlx.QueryerContext
}

// ReadHashes implements [tlog.HashReader].
func (r hashReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	if len(indexes) == 0 {
		return nil, nil
	}
	args := make([]any, len(indexes))
	for i, at := range indexes {
		args[i] = at
	}
	rows, err := r.q.QueryxContext(r.ctx, "SELECT idx, hash FROM log_hash WHERE idx IN "+placeholders(0, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("reading the tree: %w", err)
	}
	defer rows.Close()
	found := make(map[int64]tlog.Hash, len(indexes))
	for rows.Next() {
		var at int64
		var b sql.RawBytes
		if err := rows.Scan(&at, &b); err != nil {
			return nil, err
		}
		if len(b) != tlog.HashSize {
			return nil, record.NewProblem("log.hash_malformed", "", "restore the store from a backup", "hash %d of the tree is malformed", at)
		}
		found[at] = tlog.Hash(b)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		h, ok := found[at]
		if !ok {
			return nil, record.NewProblem("log.hash_missing", "", "restore the store from a backup", "hash %d of the tree is missing", at)
		}
		out[i] = h
	}
	return out, nil
}
