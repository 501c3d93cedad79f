// Package marks keeps what comparisons can go on from (package candidates) in the service's store, in the table mark: a row for each connector and
// recipient that were ever compared. A mark that is forgotten keeps its row, without a horizon and with its version counted up. Each function is one statement; what forgets because of
// something else that is written does so in that transaction.
package marks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer/candidates"
)

// Rows are the marks in a store's database. They implement [candidates.Marks].
type Rows struct{ DB *sqlx.DB }

var _ candidates.Marks = Rows{}

// Mark implements [candidates.Marks].
func (r Rows) Mark(ctx context.Context, connector, recipient string) (candidates.Mark, error) {
	return Of(ctx, r.DB, connector, recipient)
}

// Of reads the mark of a connector and a recipient, the zero Mark if there is none.
func Of(ctx context.Context, q sqlx.QueryerContext, connector, recipient string) (candidates.Mark, error) {
	var m candidates.Mark
	var scope string
	var began int64
	err := q.QueryRowxContext(ctx, "SELECT version, horizon, scope, began FROM mark WHERE connector = $1 AND recipient = $2", connector, recipient).
		Scan(&m.Version, &m.Horizon, &scope, &began)
	if errors.Is(err, sql.ErrNoRows) {
		return candidates.Mark{}, nil
	}
	if err != nil {
		return candidates.Mark{}, fmt.Errorf("reading the mark of a comparison: %w", err)
	}
	if scope != "" {
		m.Scope = strings.Split(scope, "\n")
	}
	m.Full = record.Instant(began)
	return m, nil
}

// Lock keeps everybody else from changing a mark for the rest of a transaction.
func Lock(ctx context.Context, tx sqlx.ExecerContext, connector, recipient string) error {
	if _, err := tx.ExecContext(ctx, "UPDATE mark SET version = version WHERE connector = $1 AND recipient = $2", connector, recipient); err != nil {
		return fmt.Errorf("locking the mark of a comparison: %w", err)
	}
	return nil
}

// Forget implements [candidates.Marks].
func (r Rows) Forget(ctx context.Context, connector, recipient string) (candidates.Mark, error) {
	var m candidates.Mark
	err := r.DB.QueryRowxContext(ctx, `INSERT INTO mark (connector, recipient, version, horizon, scope, began) VALUES ($1, $2, 1, '', '', 0)
		ON CONFLICT (connector, recipient) DO UPDATE SET version = mark.version + 1, horizon = '', scope = '', began = 0 RETURNING version`, connector, recipient).Scan(&m.Version)
	if err != nil {
		return candidates.Mark{}, fmt.Errorf("forgetting the mark of a comparison: %w", err)
	}
	return m, nil
}

// Keep implements [candidates.Marks].
func (r Rows) Keep(ctx context.Context, connector, recipient string, m candidates.Mark) error {
	_, err := r.DB.ExecContext(ctx, "UPDATE mark SET horizon = $1, scope = $2, began = $3 WHERE connector = $4 AND recipient = $5 AND version = $6",
		m.Horizon, strings.Join(m.Scope, "\n"), record.Micros(m.Full), connector, recipient, m.Version)
	if err != nil {
		return fmt.Errorf("keeping the mark of a comparison: %w", err)
	}
	return nil
}

const forget = "UPDATE mark SET version = version + 1, horizon = '', scope = '', began = 0"

// Forget forgets the mark of a connector and a recipient, if there is one, inside a transaction.
func Forget(ctx context.Context, tx sqlx.ExecerContext, connector, recipient string) error {
	if _, err := tx.ExecContext(ctx, forget+" WHERE connector = $1 AND recipient = $2", connector, recipient); err != nil {
		return fmt.Errorf("forgetting the mark of a comparison: %w", err)
	}
	return nil
}

// ForgetAll forgets all marks, inside a transaction.
func ForgetAll(ctx context.Context, tx sqlx.ExecerContext) error {
	if _, err := tx.ExecContext(ctx, forget); err != nil {
		return fmt.Errorf("forgetting the marks of comparisons: %w", err)
	}
	return nil
}
