package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/scheduler"
)

// Enter implements [scheduler.Store].
func (s *Store) Enter(ctx context.Context, rows ...scheduler.Due) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		for _, d := range rows {
			_, err := tx.ExecContext(ctx, `INSERT INTO due (connector, due, cause, state, transfer, request, actor, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
				ON CONFLICT (connector, due) DO NOTHING`, d.Job, micros(d.At), d.Cause, d.State, d.Transfer, d.Request, d.Actor, d.Reason)
			if err != nil {
				return fmt.Errorf("entering a due time: %w", err)
			}
		}
		return nil
	})
}

// Last implements [scheduler.Store].
func (s *Store) Last(ctx context.Context, job string) (time.Time, error) {
	var us int64
	err := s.db.QueryRowxContext(ctx, "SELECT COALESCE(max(due), 0) FROM due WHERE connector = $1 AND cause IN ('schedule', 'catch_up')", job).Scan(&us)
	return instant(us), err
}

const dueColumns = "connector, due, cause, state, transfer, request, actor, reason, attempt"

func scanDue(row interface{ Scan(...any) error }) (*scheduler.Due, error) {
	var d scheduler.Due
	var us int64
	if err := row.Scan(&d.Job, &us, &d.Cause, &d.State, &d.Transfer, &d.Request, &d.Actor, &d.Reason, &d.Attempt); err != nil {
		return nil, err
	}
	d.At = instant(us)
	return &d, nil
}

// Claim implements [scheduler.Store].
func (s *Store) Claim(ctx context.Context, worker, only string, now time.Time, lease time.Duration) (*scheduler.Due, error) {
	var d *scheduler.Due
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		row := tx.QueryRowxContext(ctx, "SELECT "+dueColumns+` FROM due d WHERE due <= $1 AND (connector = $2 OR $2 = '')
			AND (state = 'waiting' OR state = 'running' AND lease_until < $1)
			AND NOT EXISTS (SELECT 1 FROM due o WHERE o.connector = d.connector AND o.due <> d.due AND o.state = 'running' AND o.lease_until >= $1)
			ORDER BY due, connector LIMIT 1`+s.skipLocked, micros(now), only)
		var err error
		d, err = scanDue(row)
		if errors.Is(err, sql.ErrNoRows) {
			d = nil
			return nil
		}
		if err != nil {
			return err
		}
		d.State, d.Attempt = scheduler.StateRunning, d.Attempt+1
		_, err = tx.ExecContext(ctx, "UPDATE due SET state = 'running', worker = $1, lease_until = $2, attempt = $3 WHERE connector = $4 AND due = $5",
			worker, micros(now.Add(lease)), int64(d.Attempt), d.Job, micros(d.At))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claiming a due run: %w", err)
	}
	return d, nil
}

// Keep implements [scheduler.Store].
func (s *Store) Keep(ctx context.Context, worker string, d *scheduler.Due, state string, until time.Time) error {
	res, err := s.db.ExecContext(ctx, `UPDATE due SET state = $1, lease_until = $2, transfer = $3
		WHERE connector = $4 AND due = $5 AND worker = $6 AND state = 'running' AND attempt = $7`,
		state, micros(until), d.Transfer, d.Job, micros(d.At), worker, int64(d.Attempt))
	if err != nil {
		return fmt.Errorf("keeping a lease: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(scheduler.ErrLost, err)
	}
	return nil
}

// Dues lists rows, newest first; of one job if job is not "".
func (s *Store) Dues(ctx context.Context, job string, limit int) ([]*scheduler.Due, error) {
	rows, err := s.db.QueryxContext(ctx, "SELECT "+dueColumns+" FROM due WHERE connector = $1 OR $1 = '' ORDER BY due DESC, connector LIMIT $2", job, limit)
	if err != nil {
		return nil, fmt.Errorf("listing due times: %w", err)
	}
	defer rows.Close()
	var out []*scheduler.Due
	for rows.Next() {
		d, err := scanDue(rows)
		if err != nil {
			return nil, fmt.Errorf("listing due times: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}
