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

// Exception is a job's pause, or a time that is skipped.
type Exception struct {
	Job string
	scheduler.Exception
}

// The errors of pauses and skips.
var (
	ErrPaused    = errors.New("the schedule is paused already")
	ErrNotPaused = errors.New("the schedule is not paused")
	ErrBegun     = errors.New("this due time has begun, or is missed already")
	ErrSkipped   = errors.New("this due time is skipped already")
)

// Pause keeps a job's schedule from running from now on, until [Rows.Resume]; what waits becomes missed. A run that is under way goes on, and what
// somebody asks for runs. It returns [ErrPaused] if it is paused.
func (s *Rows) Pause(ctx context.Context, now time.Time, job, actor, reason string) error {
	return s.Logged(ctx, now, func(tx *sqlx.Tx) ([]transferlog.Entry, error) {
		var open int
		if err := tx.GetContext(ctx, &open, "SELECT count(*) FROM exception WHERE connector = $1 AND until IS NULL", job); err != nil {
			return nil, fmt.Errorf("pausing %s: %w", job, err)
		}
		if open > 0 {
			return nil, ErrPaused
		}
		_, err := tx.ExecContext(ctx, s.at(now, "INSERT INTO exception (connector, kind, since, actor, reason) VALUES ($1, 'pause', @now, $2, $3)"), job, actor, reason)
		if isUnique(err) {
			return nil, ErrPaused
		}
		if err != nil {
			return nil, fmt.Errorf("pausing %s: %w", job, err)
		}
		entries := []transferlog.Entry{&transferlog.Act{Actor: actor, Act: "schedule.paused", Object: job, Reason: reason}}
		waiting, err := rowsWhere(ctx, tx, "connector = $1 AND state = 'waiting' AND cause IN ('schedule', 'catch_up') AND hold = ''", job)
		if err != nil {
			return nil, fmt.Errorf("pausing %s: %w", job, err)
		}
		why := (&scheduler.Exception{Kind: scheduler.KindPause, Actor: actor, Reason: reason}).String()
		for _, d := range waiting {
			done, err := missed(ctx, tx, d, scheduler.StateWaiting, why)
			if err != nil {
				return nil, err
			}
			entries = append(entries, done...)
		}
		return entries, nil
	})
}

// rowsWhere lists the rows of which a condition holds, the earliest first.
func rowsWhere(ctx context.Context, tx *sqlx.Tx, condition string, args ...any) (out []*scheduler.Due, err error) {
	rows, err := tx.QueryxContext(ctx, "SELECT "+columns+" FROM due WHERE "+condition+" ORDER BY due", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		d, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Resume ends a pause: due times from now on run again. It returns [ErrNotPaused] if there is none.
func (s *Rows) Resume(ctx context.Context, now time.Time, job, actor, reason string) error {
	return s.Logged(ctx, now, func(tx *sqlx.Tx) ([]transferlog.Entry, error) {
		// A pause that ends where it begins covers nothing.
		res, err := tx.ExecContext(ctx, s.at(now, "UPDATE exception SET until = CASE WHEN since > @now THEN since ELSE @now END WHERE connector = $1 AND until IS NULL"), job)
		if err != nil {
			return nil, fmt.Errorf("resuming %s: %w", job, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return nil, errors.Join(ErrNotPaused, err)
		}
		return []transferlog.Entry{&transferlog.Act{Actor: actor, Act: "schedule.resumed", Object: job, Reason: reason}}, nil
	})
}

// Skip makes one due time missed, whether its row is there already or not. It returns [ErrBegun] if it has begun or is missed, [ErrSkipped] if it
// is skipped already. That at is a due time of the schedule is for the caller to know.
func (s *Rows) Skip(ctx context.Context, now time.Time, job string, at time.Time, actor, reason string) error {
	e := scheduler.Exception{Kind: scheduler.KindSkip, Actor: actor, Reason: reason}
	return s.Logged(ctx, now, func(tx *sqlx.Tx) ([]transferlog.Entry, error) {
		res, err := tx.ExecContext(ctx, "INSERT INTO exception (connector, kind, since, until, actor, reason) VALUES ($1, 'skip', $2, $3, $4, $5) ON CONFLICT (connector, kind, since) DO NOTHING",
			job, record.Micros(at), record.Micros(at)+1, actor, reason)
		if err != nil {
			return nil, fmt.Errorf("skipping a run of %s: %w", job, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return nil, errors.Join(ErrSkipped, err)
		}
		d := &scheduler.Due{Job: job, At: at, Actor: actor}
		entries := []transferlog.Entry{act("schedule.skipped", d, reason)}
		var there int
		if err := tx.GetContext(ctx, &there, "SELECT count(*) FROM due WHERE connector = $1 AND due = $2", job, record.Micros(at)); err != nil {
			return nil, fmt.Errorf("skipping a run of %s: %w", job, err)
		}
		if there == 0 {
			return entries, nil
		}
		done, err := missed(ctx, tx, d, scheduler.StateWaiting, e.String())
		if err == nil && len(done) == 0 {
			err = ErrBegun
		}
		return append(entries, done...), err
	})
}

// Exceptions lists pauses and skips in the order of their beginnings; of one job if job is not "".
func (s *Rows) Exceptions(ctx context.Context, job string) ([]Exception, error) {
	rows, err := s.Read.QueryxContext(ctx, "SELECT connector, kind, since, COALESCE(until, 0), actor, reason FROM exception WHERE connector = $1 OR $1 = '' ORDER BY since, connector, kind", job)
	if err != nil {
		return nil, fmt.Errorf("listing pauses: %w", err)
	}
	defer rows.Close()
	var out []Exception
	for rows.Next() {
		var e Exception
		var since, until int64
		if err := rows.Scan(&e.Job, &e.Kind, &since, &until, &e.Actor, &e.Reason); err != nil {
			return nil, fmt.Errorf("listing pauses: %w", err)
		}
		e.Since, e.Until = record.Instant(since), record.Instant(until)
		out = append(out, e)
	}
	return out, rows.Err()
}
