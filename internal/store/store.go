// Package store keeps the service's durable state in SQL: the log, transfers with their parts, messages and
// settlements, the outbox, the roster, blocks, requests, and due runs. PostgreSQL is for production, SQLite is
// embedded; one conformance suite holds both to the same behaviour.
//
// # What is evidence
//
// log_entry, log_hash, log_checkpoint, situations, part, message, settlement, notice and retry are only inserted into. On PostgreSQL the
// service's role has no UPDATE or DELETE on them ([Roles]); on SQLite triggers refuse. The state rules are constraints:
// one settlement a message (I3), one message a sequence number (I10), a delivery has a receipt, one run a connector.
//
// # Order
//
// Whoever appends to the log locks log_head, and holds it to the end of the transaction. Sequence numbers are taken under that
// lock, so log order and sequence order agree, and blocks are entered under it, so that no intent is written while somebody is being
// blocked (I5). No other lock is waited for while it is held. Times are integers: Unix microseconds.
//
// # Transactions
//
// Every method is one transaction. If the connection breaks while it commits, the caller sees an error and the outcome is
// open: all of it or nothing. Reads of several rows that belong together are one snapshot.
//
// # Leases
//
// On PostgreSQL the database's clock decides what is due and when a lease ends, so that the clocks of the processes do not
// matter; on SQLite, and after [due.Rows.SimulateTime], the times that callers pass decide.
//
// # SQL
//
// One text serves both stores, with $1 placeholders; what differs is in [dialect]. SQLite has one connection that writes, and others that
// read beside it.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"golang.org/x/mod/sumdb/tlog"
	_ "modernc.org/sqlite" // the SQLite driver

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/binary"
	"birgeoqy.kz/almasu/internal/store/books"
	"birgeoqy.kz/almasu/internal/store/due"
	"birgeoqy.kz/almasu/internal/store/fault"
	"birgeoqy.kz/almasu/internal/store/people"
	"birgeoqy.kz/almasu/internal/store/sets"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
	"birgeoqy.kz/almasu/internal/vault/period"
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
	// snapshot makes a transaction that reads one state.
	snapshot sql.TxOptions
}

var dialects = map[Kind]dialect{
	Postgres: {
		forUpdate: " FOR UPDATE",
		snapshot:  sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	},
	SQLite: {snapshot: sql.TxOptions{ReadOnly: true}},
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	// Rows are due runs, pauses and skips.
	*due.Rows
	dsn  string
	db   *sqlx.DB
	read *sqlx.DB     // db itself on PostgreSQL
	kept *binary.Kept // read, with what it prepares
	kind Kind
	dialect
	log *transferlog.Log
	// periods is nil until [Store.Protect]: then no set of people is stored.
	periods *period.Ring
	vault   *vault.Vault
}

// Open opens a database. For SQLite dsn is a file path, for PostgreSQL a lib/pq connection string or URL.
// The log signs what is appended. The schema must be there: see [Store.Migrate].
func Open(kind Kind, dsn string, log *transferlog.Log) (*Store, error) {
	s := &Store{kind: kind, dialect: dialects[kind], log: log}
	var err error
	switch kind {
	case SQLite:
		if s.db, err = sqlx.Open("sqlite", sqliteDSN(dsn, "immediate")); err == nil {
			s.db.SetMaxOpenConns(1)
			s.read, err = sqlx.Open("sqlite", sqliteDSN(dsn, "deferred", "query_only(ON)"))
		}
		if err == nil {
			s.read.SetMaxOpenConns(4)
		}
	case Postgres:
		var full string
		if full, err = withBinaryParameters(dsn); err == nil {
			s.db, err = sqlx.Open("postgres", full)
		}
		if err == nil {
			s.db.SetMaxOpenConns(12)
			s.db.SetMaxIdleConns(6)
			s.read, s.dsn = s.db, full
		}
	default:
		return nil, record.NewProblem("store.kind", "", `kind is "postgres" or "sqlite"`, "unknown kind of store %q", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	s.kept = binary.Keep(s.read)
	s.Rows = &due.Rows{DB: s.db, Read: s.read, InTx: s.InTx, Append: s.appendIn}
	if kind == Postgres {
		s.Rows.SkipLocked, s.Rows.Notifies = " FOR UPDATE SKIP LOCKED", true
		s.Rows.Clock = "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint"
	}
	return s, nil
}

// sqliteDSN has recursive triggers on, so that INSERT OR REPLACE is refused on evidence as DELETE is.
func sqliteDSN(path, txlock string, more ...string) string {
	pragmas := append([]string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "recursive_triggers(ON)"}, more...)
	q := url.Values{"_txlock": {txlock}, "_pragma": pragmas}
	return record.FileURI(path) + "?" + q.Encode()
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
func (s *Store) Close() error {
	if s.read == s.db {
		return s.db.Close()
	}
	return errors.Join(s.read.Close(), s.db.Close())
}

// PublicKey verifies the checkpoints of the log that this store appends to.
func (s *Store) PublicKey() *transferlog.PublicKey { return s.log.PublicKey() }

// Protect gives the store the vault that seals the keys of periods. It is called before the store is used; without it no set of people is stored or read.
func (s *Store) Protect(v *vault.Vault) {
	s.vault, s.periods = v, period.NewRing(v, sets.Shelf{DB: s.db, Read: s.read})
}

// Periods are the keys of periods, nil before [Store.Protect].
func (s *Store) Periods() *period.Ring { return s.periods }

// Vault is what the store was protected with, nil before.
func (s *Store) Vault() *vault.Vault { return s.vault }

// Reader is the open database for reading; on SQLite it refuses to write.
func (s *Store) Reader() *sqlx.DB { return s.read }

// People is where the roster's chunks are.
func (s *Store) People() people.DB {
	return people.DB{Write: s.db, Read: s.kept, ForUpdate: s.forUpdate}
}

// Books are what recipients hold; without [Store.Protect] nobody reads them.
func (s *Store) Books() books.DB { return books.DB{Write: s.db, Read: s.kept, Vault: s.vault} }

// Kind returns which database this is.
func (s *Store) Kind() Kind { return s.kind }

// Listen calls wake whenever another process enters a due run, until ctx ends; on SQLite it only waits for that. See [due.Listen].
func (s *Store) Listen(ctx context.Context, wake func(), note func(error)) error {
	if s.kind != Postgres {
		<-ctx.Done()
		return nil
	}
	return due.Listen(ctx, s.dsn, wake, note)
}

// DB is the open database, for checks of roles and tests.
func (s *Store) DB() *sqlx.DB { return s.db }

// Migrate brings the schema up to date and returns the names of the migrations applied. Several processes may call it at once.
func (s *Store) Migrate(ctx context.Context) ([]string, error) {
	p, err := s.provider()
	if err != nil {
		return nil, err
	}
	before, err := p.GetDBVersion(ctx)
	if err != nil {
		before = -1 // another process may be making the table of versions
	}
	var names []string
	for {
		done, err := p.Up(ctx)
		var partial *goose.PartialError
		if errors.As(err, &partial) {
			done = partial.Applied
		}
		for _, d := range done {
			names = append(names, d.Source.Path)
		}
		if err == nil {
			return names, nil
		}
		// On SQLite nothing locks other processes out: whoever lost a race, and sees that the other got further, tries again.
		now, versionErr := p.GetDBVersion(ctx)
		if s.kind != SQLite || versionErr != nil || now <= before {
			return nil, fmt.Errorf("migrating the store: %w", err)
		}
		before = now
	}
}

// ErrSchema is returned by [Store.Check] if the schema is not this program's.
var ErrSchema error = fault.Problem(fault.Schema)

// Check reports whether the database answers and its schema is up to date. An error of the database is a [fault.Fault].
func (s *Store) Check(ctx context.Context) error {
	if err := s.db.PingContext(ctx); err != nil {
		return fmt.Errorf("reaching the store: %w", fault.Wrap(err))
	}
	p, err := s.provider()
	if err != nil {
		return err
	}
	// goose would make its table where it is missing; a service's role may not, and a check changes nothing.
	var version int64
	if err := s.db.QueryRowxContext(ctx, "SELECT COALESCE(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&version); err != nil {
		if err = fault.Wrap(err); record.CodeOf(err) == "" || record.CodeOf(err) == fault.Schema { // SQLite has no result code for a missing table
			return errors.Join(ErrSchema, err)
		}
		return err
	}
	sources := p.ListSources()
	if version != sources[len(sources)-1].Version {
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
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // asks every second for five minutes
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, s.db.DB, folder, goose.WithSessionLocker(locker))
}

// InTx runs f in one transaction. An error of the database is a [fault.Fault].
func (s *Store) InTx(ctx context.Context, f func(tx *sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", fault.Wrap(err))
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // the first error is the one that matters
		return fault.Wrap(err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing: %w", fault.Wrap(err))
	}
	return nil
}

// Look runs f in one transaction that only reads, and reads one state. An error of the database is a [fault.Fault].
func (s *Store) Look(ctx context.Context, f func(tx *sqlx.Tx) error) error {
	tx, err := s.read.BeginTxx(ctx, &s.snapshot)
	if err != nil {
		return fmt.Errorf("beginning to read: %w", fault.Wrap(err))
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	return fault.Wrap(f(tx))
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
		placeholders(&b, len(args), len(row))
		args = append(args, row...)
	}
	_, err := tx.ExecContext(ctx, b.String(), args...)
	if err != nil {
		return fmt.Errorf("inserting into %s: %w", into[:strings.IndexByte(into, ' ')], err)
	}
	return nil
}

// placeholders writes "($after+1,...,$after+n)".
func placeholders(b *strings.Builder, after, n int) {
	var digits [20]byte
	open := byte('(')
	for i := range n {
		b.WriteByte(open)
		b.WriteByte('$')
		b.Write(strconv.AppendInt(digits[:0], int64(after+i+1), 10))
		open = ','
	}
	b.WriteByte(')')
}

// listed is "($1,...,$n)".
func listed(n int) string {
	var b strings.Builder
	placeholders(&b, 0, n)
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
	rows, err := r.q.QueryxContext(r.ctx, "SELECT idx, hash FROM log_hash WHERE idx IN "+listed(len(args)), args...)
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
