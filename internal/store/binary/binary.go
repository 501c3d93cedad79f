// Package binary reads byte columns of the store as bytes. PostgreSQL sends bytea as hexadecimal text, twice as long and decoded by the driver into a copy of its own, unless
// the statement is a prepared one, of which the driver asks for it in binary.
package binary

import (
	"context"

	"github.com/jmoiron/sqlx"
)

// Preparer is an [sqlx.DB] or an [sqlx.Tx].
type Preparer interface {
	PreparexContext(ctx context.Context, query string) (*sqlx.Stmt, error)
}

// Rows are the rows of a statement that is closed with them.
type Rows struct {
	*sqlx.Rows
	statement *sqlx.Stmt
}

// Query runs a query in a prepared statement. The caller closes the rows.
func Query(ctx context.Context, db Preparer, query string, args ...any) (*Rows, error) {
	statement, err := db.PreparexContext(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := statement.QueryxContext(ctx, args...)
	if err != nil {
		_ = statement.Close()
		return nil, err
	}
	return &Rows{rows, statement}, nil
}

// Close ends the rows and the statement.
func (r *Rows) Close() error {
	err := r.Rows.Close()
	if e := r.statement.Close(); err == nil {
		err = e
	}
	return err
}
