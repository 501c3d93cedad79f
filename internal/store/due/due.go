// Package due keeps the rows of the scheduler in SQL: which run is due when, who runs it under which lease, and what keeps a schedule from running.
//
// # Tables
//
// due has one row for each connector and due time (its key, in microseconds): cause, state, when the run may begin (starts), lease (worker,
// lease_until, term, attempt), the transfer it became, the hold that it was put under, and who asked why. A unique index permits one running row a connector. exception has
// pauses (open while until is null) and skipped times.
//
// # Who decides
//
// [Rows.Claim] decides about rows whose start has come before it hands out work: those inside an exception and those that
// [scheduler.Overlap] drops become missed. Each change of state is an UPDATE that names the state it leaves, so that of two processes one makes
// it. Everything missed, paused, resumed, skipped and cancelled is an act in the log, in the same transaction: run.missed, run.cancelled, with
// "CONNECTOR DUE" as the object, and schedule.paused, schedule.resumed, schedule.skipped.
//
// # Time
//
// Where the store has a clock (PostgreSQL), it decides what is due and when a lease ends; the times that callers give decide elsewhere.
//
// # Waking
//
// Whoever enters a row that waits notifies [Channel] with its transaction; [Listen] hears that. A notice may be lost with a connection, so that who
// listens polls too. Nobody is notified of a run that somebody asks for or lets go of a hold, nor of a delivery from the outbox: the process that enters it performs it, and others find it by
// polling if that does not.
package due

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

// Rows are the scheduler's rows in a database. It implements [scheduler.Store] and is safe for concurrent use.
type Rows struct {
	// DB writes, Read reads; they may be one.
	DB, Read *sqlx.DB
	// SkipLocked ends a SELECT that takes rows and passes over those that are locked.
	SkipLocked string
	// Clock is an expression for the database's time in microseconds; "" where callers' times count.
	Clock string
	// Notifies says that the database has NOTIFY.
	Notifies bool
	// InTx runs f in one transaction. Append adds entries to the log inside a transaction; what it returns is called when that is committed.
	InTx   func(ctx context.Context, f func(tx *sqlx.Tx) error) error
	Append func(ctx context.Context, tx *sqlx.Tx, at time.Time, entries ...transferlog.Entry) (committed func(), err error)
}

// SimulateTime lets the times that callers pass decide about leases on PostgreSQL too: for simulations, whose time is not
// real. It is called before the store is used.
func (s *Rows) SimulateTime() { s.Clock = "" }

// at is a statement, with the time that leases go by in the place of "@now": the database's, or the caller's.
func (s *Rows) at(now time.Time, statement string) string {
	clock := s.Clock
	if clock == "" {
		clock = strconv.FormatInt(record.Micros(now), 10)
	}
	return strings.ReplaceAll(statement, "@now", clock)
}

// Logged runs f in one transaction, with the log entries that f returns.
func (s *Rows) Logged(ctx context.Context, now time.Time, f func(tx *sqlx.Tx) ([]transferlog.Entry, error)) error {
	committed := func() {}
	err := s.InTx(ctx, func(tx *sqlx.Tx) error {
		entries, err := f(tx)
		if err != nil || len(entries) == 0 {
			return err
		}
		committed, err = s.Append(ctx, tx, now, entries...)
		return err
	})
	if err == nil {
		committed()
	}
	return err
}

// act is the log entry about a row.
func act(what string, d *scheduler.Due, reason string) *transferlog.Act {
	return &transferlog.Act{Actor: d.Actor, Act: what, Object: d.Job + " " + d.At.UTC().Format(time.RFC3339Nano), Reason: reason}
}

// Enter implements [scheduler.Store].
func (s *Rows) Enter(ctx context.Context, now time.Time, rows ...scheduler.Due) error {
	err := s.Logged(ctx, now, func(tx *sqlx.Tx) (missed []transferlog.Entry, err error) {
		waiting := false
		for i := range rows {
			d := &rows[i]
			fresh, err := s.enter(ctx, tx, d)
			if err != nil {
				return nil, err
			}
			waiting = waiting || fresh && d.State == scheduler.StateWaiting && d.Cause != scheduler.CauseRunNow && d.Cause != scheduler.CauseResume
			if fresh && d.State == scheduler.StateMissed {
				missed = append(missed, act("run.missed", d, d.Reason))
			}
		}
		if waiting && s.Notifies {
			_, err = tx.ExecContext(ctx, "SELECT pg_notify('"+Channel+"', '')")
		}
		return missed, err
	})
	if err != nil {
		return fmt.Errorf("entering due times: %w", err)
	}
	return nil
}

const (
	enterSQL = `INSERT INTO due (connector, due, starts, cause, state, transfer, request, actor, reason, overlap) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (connector, due) DO NOTHING`
	openSQL = "SELECT count(*) FROM due WHERE connector = $1 AND state IN ('waiting', 'running')"
	// sentSQL counts the rows of a request that have sent something, begunSQL those that wait or run too.
	sentSQL  = "SELECT count(*) FROM due d WHERE d.request = $1 AND EXISTS (SELECT 1 FROM message m WHERE m.transfer = d.transfer)"
	begunSQL = `SELECT count(*) FROM due d WHERE d.request = $1 AND (d.state IN ('waiting', 'running')
		OR EXISTS (SELECT 1 FROM message m WHERE m.transfer = d.transfer))`
)

// Answered reports whether something has been sent on a request.
func (s *Rows) Answered(ctx context.Context, request string) (bool, error) {
	var rows int
	if err := s.Read.GetContext(ctx, &rows, sentSQL, request); err != nil {
		return false, fmt.Errorf("looking for a request's answer: %w", err)
	}
	return rows > 0, nil
}

// enter enters a row and reports whether it was not there. A row that somebody asked for is not the one that is there: it takes the next microsecond. One that
// answers a request is there if another of the request waits, runs or has sent something; whoever enters one waits for others who do.
func (s *Rows) enter(ctx context.Context, tx *sqlx.Tx, d *scheduler.Due) (bool, error) {
	if d.Cause == scheduler.CauseResume {
		var open int
		if err := tx.GetContext(ctx, &open, openSQL, d.Job); err != nil || open > 0 {
			return false, err
		}
	}
	if d.Request != "" {
		if s.Notifies {
			if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext($1))", "almasu request "+d.Request); err != nil {
				return false, err
			}
		}
		var rows int
		if err := tx.GetContext(ctx, &rows, begunSQL, d.Request); err != nil || rows > 0 {
			return false, err
		}
	}
	for at := record.Micros(d.At); ; at++ {
		starts := max(at, record.Micros(d.Start))
		res, err := tx.ExecContext(ctx, enterSQL, d.Job, at, starts, d.Cause, d.State, d.Transfer, d.Request, d.Actor, d.Reason, string(d.Overlap))
		if err != nil {
			return false, err
		}
		n, err := res.RowsAffected()
		if n == 1 {
			d.At = record.Instant(at)
		}
		if err != nil || n == 1 || d.Cause == scheduler.CauseSchedule || d.Cause == scheduler.CauseCatchUp {
			return n == 1, err
		}
	}
}

// Standing implements [scheduler.Store].
func (s *Rows) Standing(ctx context.Context, now time.Time, jobs ...string) (*scheduler.Standing, error) {
	out := &scheduler.Standing{Last: map[string]time.Time{}, Exceptions: map[string][]scheduler.Exception{}}
	if len(jobs) == 0 {
		return out, nil
	}
	var names strings.Builder
	args := make([]any, len(jobs))
	for i, job := range jobs {
		args[i] = job
		if i > 0 {
			names.WriteString(" UNION ALL ")
		}
		names.WriteString("SELECT CAST($" + strconv.Itoa(i+1) + " AS text) AS name")
	}
	// The time is that of this statement: what others do after it, Enter and Claim see.
	rows, err := s.Read.QueryxContext(ctx, s.at(now, `SELECT j.name, COALESCE((SELECT max(d.due) FROM due d WHERE d.connector = j.name AND d.cause IN ('schedule', 'catch_up')), 0), @now
		FROM (`+names.String()+") j"), args...)
	if err != nil {
		return nil, fmt.Errorf("reading the latest due times: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var job string
		var last, clock int64
		if err := rows.Scan(&job, &last, &clock); err != nil {
			return nil, fmt.Errorf("reading the latest due times: %w", err)
		}
		out.Last[job], out.Now = record.Instant(last), record.Instant(clock)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the latest due times: %w", err)
	}
	list, err := s.Exceptions(ctx, "")
	for _, e := range list {
		if last, asked := out.Last[e.Job]; asked && (e.Until.IsZero() || e.Until.After(last)) {
			out.Exceptions[e.Job] = append(out.Exceptions[e.Job], e.Exception)
		}
	}
	return out, err
}

const columns = "connector, due, starts, cause, state, transfer, request, actor, reason, overlap, cancel, attempt, hold"

func scan(row interface{ Scan(...any) error }, more ...any) (*scheduler.Due, error) {
	var d scheduler.Due
	var at, starts, cancel int64
	if err := row.Scan(append([]any{&d.Job, &at, &starts, &d.Cause, &d.State, &d.Transfer, &d.Request, &d.Actor, &d.Reason, &d.Overlap, &cancel, &d.Attempt, &d.Hold}, more...)...); err != nil {
		return nil, err
	}
	d.At, d.Start, d.Cancelled = record.Instant(at), record.Instant(starts), cancel == 1
	return &d, nil
}

// Claim implements [scheduler.Store]. It writes, and waits for other writers, only if there is something to decide or to claim.
func (s *Rows) Claim(ctx context.Context, worker string, want scheduler.Want, now time.Time, lease time.Duration) (*scheduler.Due, error) {
	d, err := s.claim(ctx, worker, want, now, lease)
	if err != nil {
		return nil, fmt.Errorf("claiming a due run: %w", err)
	}
	return d, nil
}

func (s *Rows) claim(ctx context.Context, worker string, want scheduler.Want, now time.Time, lease time.Duration) (*scheduler.Due, error) {
	only, waiting := want.Job, s.at(now, settleSQL)
	if list, err := hinderedRows(ctx, s.Read, waiting, only); err != nil {
		return nil, err
	} else if len(list) > 0 {
		err := s.Logged(ctx, now, func(tx *sqlx.Tx) ([]transferlog.Entry, error) { return settle(ctx, tx, waiting, only) })
		if err != nil {
			return nil, err
		}
	}
	for {
		_, err := scan(s.Read.QueryRowxContext(ctx, s.at(now, claimSQL(want)), only))
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		d, err := s.take(ctx, worker, want, now, lease)
		if !isUnique(err) { // else another process has just claimed another row of this connector, and is seen now
			return d, err
		}
	}
}

// claimSQL selects the row to claim: a lapsed one ("running") before those that wait.
func claimSQL(want scheduler.Want) string {
	waiting := "OR state = 'waiting' AND NOT EXISTS (SELECT 1 FROM due o WHERE o.connector = d.connector AND o.state = 'running')"
	if want.Lapsed {
		waiting = ""
	}
	return "SELECT " + columns + " FROM due d WHERE starts <= @now AND (connector = $1 OR $1 = '') AND (state = 'running' AND lease_until < @now " + waiting +
		") ORDER BY state, due, connector LIMIT 1"
}

// take claims a row, nil if there is none.
func (s *Rows) take(ctx context.Context, worker string, want scheduler.Want, now time.Time, lease time.Duration) (d *scheduler.Due, err error) {
	err = s.InTx(ctx, func(tx *sqlx.Tx) error {
		d, err = scan(tx.QueryRowxContext(ctx, s.at(now, claimSQL(want))+s.SkipLocked, want.Job))
		if errors.Is(err, sql.ErrNoRows) {
			d = nil
			return nil
		}
		if err != nil {
			return err
		}
		d.State, d.Attempt = scheduler.StateRunning, d.Attempt+1
		_, err = tx.ExecContext(ctx, s.at(now, "UPDATE due SET state = 'running', worker = $1, lease_until = @now + $2, term = $2, attempt = $3 WHERE connector = $4 AND due = $5"),
			worker, lease.Microseconds(), int64(d.Attempt), d.Job, record.Micros(d.At))
		return err
	})
	return d, err
}

// isUnique reports whether PostgreSQL has refused a second row of a unique key.
func isUnique(err error) bool {
	var refused *pq.Error
	return errors.As(err, &refused) && refused.Code == "23505"
}

// Keep implements [scheduler.Store].
func (s *Rows) Keep(ctx context.Context, worker string, d *scheduler.Due, state string, now time.Time) error {
	keep := func(q sqlx.ExecerContext) error {
		res, err := q.ExecContext(ctx, s.at(now, `UPDATE due SET state = CASE WHEN $1 = 'lapsed' THEN 'running' ELSE $1 END,
			lease_until = @now + CASE WHEN $1 = 'lapsed' THEN -1 ELSE term END, transfer = CASE WHEN $2 = '' THEN transfer ELSE $2 END,
			reason = CASE WHEN $1 = 'missed' THEN $3 ELSE reason END
			WHERE connector = $4 AND due = $5 AND worker = $6 AND state = 'running' AND attempt = $7`),
			state, d.Transfer, d.Reason, d.Job, record.Micros(d.At), worker, int64(d.Attempt))
		if err != nil {
			return fmt.Errorf("keeping a lease: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(scheduler.ErrLost, err)
		}
		return nil
	}
	if state == scheduler.StateMissed {
		return s.Logged(ctx, now, func(tx *sqlx.Tx) ([]transferlog.Entry, error) {
			return []transferlog.Entry{act("run.missed", d, d.Reason)}, keep(tx)
		})
	}
	if err := keep(s.DB); err != nil || state != scheduler.StateRunning {
		return err
	}
	var cancel int64
	if err := s.DB.GetContext(ctx, &cancel, "SELECT cancel FROM due WHERE connector = $1 AND due = $2", d.Job, record.Micros(d.At)); err != nil {
		return fmt.Errorf("keeping a lease: %w", err)
	}
	if cancel == 1 {
		return scheduler.ErrCancelled
	}
	return nil
}

// Dues lists rows, newest first; of one job if job is not "".
func (s *Rows) Dues(ctx context.Context, job string, limit int) ([]*scheduler.Due, error) {
	rows, err := s.Read.QueryxContext(ctx, "SELECT "+columns+" FROM due WHERE connector = $1 OR $1 = '' ORDER BY due DESC, connector LIMIT $2", job, limit)
	if err != nil {
		return nil, fmt.Errorf("listing due times: %w", err)
	}
	defer rows.Close()
	var out []*scheduler.Due
	for rows.Next() {
		d, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("listing due times: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Last returns the newest row of a job until a time that has run, or was missed although a schedule or a hold had it; nil without one. What is delivered
// from the outbox in between, or was refused to somebody who asked for it, says nothing of the schedule.
func (s *Rows) Last(ctx context.Context, job string, until time.Time) (*scheduler.Due, error) {
	d, err := scan(s.Read.QueryRowxContext(ctx, "SELECT "+columns+` FROM due WHERE connector = $1 AND due <= $2
		AND (state = 'done' AND cause <> 'resume' OR state = 'missed' AND (cause IN ('schedule', 'catch_up') OR hold <> '')) ORDER BY due DESC LIMIT 1`, job, record.Micros(until)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the last due time: %w", err)
	}
	return d, nil
}
