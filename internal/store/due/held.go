package due

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

// Hold puts a row that a worker runs under a hold, inside a transaction. It returns [scheduler.ErrLost] if the row is not the worker's any more.
func (s *Rows) Hold(ctx context.Context, tx *sqlx.Tx, worker string, d *scheduler.Due, hold string) error {
	res, err := tx.ExecContext(ctx, `UPDATE due SET state = 'held', hold = $1 WHERE connector = $2 AND due = $3 AND worker = $4 AND state = 'running' AND attempt = $5`,
		hold, d.Job, record.Micros(d.At), worker, int64(d.Attempt))
	if err != nil {
		return fmt.Errorf("holding a run: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(scheduler.ErrLost, err)
	}
	return nil
}

// Release lets the row at a due time of a hold wait again, inside a transaction: no pause, skip or overlap keeps it from running any more. The other rows of the
// hold are missed for a reason; their log entries are returned.
func (s *Rows) Release(ctx context.Context, tx *sqlx.Tx, hold string, at time.Time, reason string) ([]transferlog.Entry, error) {
	res, err := tx.ExecContext(ctx, "UPDATE due SET state = 'waiting', cancel = 0 WHERE hold = $1 AND due = $2 AND state = 'held'", hold, record.Micros(at))
	if err != nil {
		return nil, fmt.Errorf("letting go of a hold: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return nil, errors.Join(fmt.Errorf("the run of hold %s is not held", hold), err)
	}
	return s.MissHeld(ctx, tx, hold, reason)
}

// MissHeld makes the rows that are under a hold missed, inside a transaction, and returns their log entries.
func (s *Rows) MissHeld(ctx context.Context, tx *sqlx.Tx, hold, reason string) (entries []transferlog.Entry, err error) {
	list, err := rowsWhere(ctx, tx, "hold = $1 AND state = 'held'", hold)
	if err != nil {
		return nil, fmt.Errorf("looking for what is held: %w", err)
	}
	for _, d := range list {
		done, err := missed(ctx, tx, d, scheduler.StateHeld, reason)
		if err != nil {
			return nil, err
		}
		entries = append(entries, done...)
	}
	return entries, nil
}
