// Package binary reads byte columns of the store as bytes. PostgreSQL sends bytea as hexadecimal text, twice as long and decoded by the driver into a copy of its own, unless
// the statement is a prepared one, of which the driver asks for it in binary. What is asked again and again stays prepared ([Kept]): to prepare a small query costs the server more
// than to run it, and two more messages.
package binary

import (
	"cmp"
	"context"
	"sync"

	"github.com/jmoiron/sqlx"
)

// Preparer is a [Kept] or an [sqlx.Tx].
type Preparer interface {
	PreparexContext(ctx context.Context, query string) (*sqlx.Stmt, error)
}

// Kept is an open database that prepares each query once, on every connection that runs it, and keeps it until the database is closed: the queries are few and constant. It is safe for
// concurrent use.
type Kept struct {
	*sqlx.DB
	mu    sync.Mutex
	known map[string]*sqlx.Stmt
}

// Keep returns a database that keeps what it prepares.
func Keep(db *sqlx.DB) *Kept { return &Kept{DB: db, known: map[string]*sqlx.Stmt{}} }

// PreparexContext implements [Preparer]. The statement is everybody's, and not to be closed.
func (k *Kept) PreparexContext(ctx context.Context, query string) (*sqlx.Stmt, error) {
	k.mu.Lock()
	known := k.known[query]
	k.mu.Unlock()
	if known != nil {
		return known, nil
	}
	fresh, err := k.DB.PreparexContext(ctx, query) // not under the lock: a context ends only its own waiting
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if known = k.known[query]; known != nil { // somebody else was faster
		return known, fresh.Close()
	}
	k.known[query] = fresh
	return fresh, nil
}

// Rows are the rows of a prepared statement.
type Rows struct {
	*sqlx.Rows
	statement *sqlx.Stmt // closed with the rows; nil if it is kept
}

// Query runs a query in a prepared statement, which lasts as long as its rows if the database does not keep it. The caller closes the rows.
func Query(ctx context.Context, db Preparer, query string, args ...any) (*Rows, error) {
	statement, err := db.PreparexContext(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := statement.QueryxContext(ctx, args...)
	if _, kept := db.(*Kept); kept {
		statement = nil
	}
	r := &Rows{rows, statement}
	if err != nil {
		_ = r.closeStatement()
		return nil, err
	}
	return r, nil
}

// Close ends the rows.
func (r *Rows) Close() error { return cmp.Or(r.Rows.Close(), r.closeStatement()) }

func (r *Rows) closeStatement() error {
	if r.statement == nil {
		return nil
	}
	return r.statement.Close()
}
