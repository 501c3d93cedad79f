package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

// Enter implements [scheduler.Store]. The log entry of a missed run is an act, "run.missed", by the row's actor.
func (s *Store) Enter(ctx context.Context, now time.Time, rows ...scheduler.Due) error {
	var c *transferlog.Commitment
	err := s.InTx(ctx, func(tx *sqlx.Tx) error {
		var missed []transferlog.Entry
		for _, d := range rows {
			fresh, err := enter(ctx, tx, d)
			if err != nil {
				return err
			}
			if fresh && d.State == scheduler.StateMissed {
				missed = append(missed, &transferlog.Act{Actor: d.Actor, Act: "run.missed", Object: d.Job + " " + d.At.UTC().Format(time.RFC3339Nano), Reason: d.Reason})
			}
		}
		if len(missed) == 0 {
			return nil
		}
		l, err := s.lockLog(ctx, tx)
		if err != nil {
			return err
		}
		c, err = s.log.Commit(ctx, l, now, missed...)
		return err
	})
	if err != nil {
		return fmt.Errorf("entering due times: %w", err)
	}
	if c != nil {
		c.Committed()
	}
	return nil
}

const (
	enterSQL = `INSERT INTO due (connector, due, cause, state, transfer, request, actor, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (connector, due) DO NOTHING`
	openSQL = "SELECT count(*) FROM due WHERE connector = $1 AND state IN ('waiting', 'running')"
)

// enter enters a row and reports whether it was not there. A row that somebody asked for is not the one that is there: it takes the next microsecond.
func enter(ctx context.Context, tx *sqlx.Tx, d scheduler.Due) (bool, error) {
	if d.Cause == scheduler.CauseResume {
		var open int
		if err := tx.GetContext(ctx, &open, openSQL, d.Job); err != nil || open > 0 {
			return false, err
		}
	}
	for at := micros(d.At); ; at++ {
		res, err := tx.ExecContext(ctx, enterSQL, d.Job, at, d.Cause, d.State, d.Transfer, d.Request, d.Actor, d.Reason)
		if err != nil {
			return false, err
		}
		n, err := res.RowsAffected()
		if err != nil || n == 1 || d.Cause == scheduler.CauseSchedule || d.Cause == scheduler.CauseCatchUp {
			return n == 1, err
		}
	}
}

// Last implements [scheduler.Store].
func (s *Store) Last(ctx context.Context, job string) (time.Time, error) {
	var us int64
	err := s.read.QueryRowxContext(ctx, "SELECT COALESCE(max(due), 0) FROM due WHERE connector = $1 AND cause IN ('schedule', 'catch_up')", job).Scan(&us)
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
	for {
		d, err := s.claim(ctx, worker, only, now, lease)
		if isUnique(err) {
			continue // another process has just claimed another row of this connector, and is seen now
		}
		if err != nil {
			return nil, fmt.Errorf("claiming a due run: %w", err)
		}
		return d, nil
	}
}

func (s *Store) claim(ctx context.Context, worker, only string, now time.Time, lease time.Duration) (*scheduler.Due, error) {
	var d *scheduler.Due
	err := s.InTx(ctx, func(tx *sqlx.Tx) error {
		us, err := s.time(ctx, tx, now)
		if err != nil {
			return err
		}
		row := tx.QueryRowxContext(ctx, "SELECT "+dueColumns+` FROM due d WHERE due <= $1 AND (connector = $2 OR $2 = '')
			AND (state = 'running' AND lease_until < $1
				OR state = 'waiting' AND NOT EXISTS (SELECT 1 FROM due o WHERE o.connector = d.connector AND o.state = 'running'))
			ORDER BY due, connector LIMIT 1`+s.skipLocked, us, only)
		d, err = scanDue(row)
		if errors.Is(err, sql.ErrNoRows) {
			d = nil
			return nil
		}
		if err != nil {
			return err
		}
		d.State, d.Attempt = scheduler.StateRunning, d.Attempt+1
		_, err = tx.ExecContext(ctx, "UPDATE due SET state = 'running', worker = $1, lease_until = $2, term = $3, attempt = $4 WHERE connector = $5 AND due = $6",
			worker, us+lease.Microseconds(), lease.Microseconds(), int64(d.Attempt), d.Job, micros(d.At))
		return err
	})
	return d, err
}

// time is the time that leases go by, in microseconds: the database's, or the caller's.
func (s *Store) time(ctx context.Context, q sqlx.QueryerContext, now time.Time) (us int64, err error) {
	if s.clock == "" {
		return micros(now), nil
	}
	return us, sqlx.GetContext(ctx, q, &us, "SELECT "+s.clock)
}

// isUnique reports whether PostgreSQL has refused a second row of a unique key.
func isUnique(err error) bool {
	var refused *pq.Error
	return errors.As(err, &refused) && refused.Code == "23505"
}

// Keep implements [scheduler.Store].
func (s *Store) Keep(ctx context.Context, worker string, d *scheduler.Due, state string, now time.Time) error {
	us, err := s.time(ctx, s.db, now)
	if err != nil {
		return fmt.Errorf("keeping a lease: %w", err)
	}
	res, err := s.db.ExecContext(ctx, `UPDATE due SET state = $1, lease_until = $2 + term, transfer = CASE WHEN $3 = '' THEN transfer ELSE $3 END
		WHERE connector = $4 AND due = $5 AND worker = $6 AND state = 'running' AND attempt = $7`,
		state, us, d.Transfer, d.Job, micros(d.At), worker, int64(d.Attempt))
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
	rows, err := s.read.QueryxContext(ctx, "SELECT "+dueColumns+" FROM due WHERE connector = $1 OR $1 = '' ORDER BY due DESC, connector LIMIT $2", job, limit)
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
