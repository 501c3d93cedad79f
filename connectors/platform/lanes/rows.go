package lanes

import (
	"cmp"
	"context"
	"database/sql"

	"github.com/jmoiron/sqlx"
)

// Rows are the rows of a query of one column of bytes.
type Rows struct {
	rows     *sql.Rows
	prepared *sql.Stmt // nil if it outlives the rows
	raw      sql.RawBytes
}

// Query starts a query in a statement of its own, of which the driver asks for bytea in binary.
func Query(ctx context.Context, tx *sqlx.Tx, text string, args ...any) (*Rows, error) {
	prepared, err := tx.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := prepared.QueryContext(ctx, args...)
	if err != nil {
		return nil, err // the end of the transaction closes the statement
	}
	return &Rows{rows: rows, prepared: prepared}, nil
}

// Row returns the next row, nil after the last one. It is valid until the next call.
func (r *Rows) Row() ([]byte, error) {
	if !r.rows.Next() {
		return nil, r.rows.Err()
	}
	err := r.rows.Scan(&r.raw)
	return r.raw, err
}

// Close ends the query.
func (r *Rows) Close() error {
	err := r.rows.Close()
	if r.prepared != nil {
		err = cmp.Or(err, r.prepared.Close())
	}
	return err
}
