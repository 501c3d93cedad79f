package due

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

// settleSQL lists scheduled rows that wait though their start has come, and that no hold was let go of, with what may keep them from running: an exception, a run of the job that is
// under way, and on-time rows of the job that wait before (first) and behind (last) it. 0 is none.
const settleSQL = "SELECT " + columns + `,
		COALESCE((SELECT max(CASE e.kind WHEN 'skip' THEN 'skipped' ELSE 'paused' END || ' by ' || e.actor || ': ' || e.reason) FROM exception e
			WHERE e.connector = d.connector AND e.since <= d.due AND (e.until IS NULL OR d.due < e.until)), ''),
		COALESCE((SELECT min(o.due) FROM due o WHERE o.connector = d.connector AND o.state = 'running' AND o.cause <> 'resume'), 0),
		COALESCE((SELECT min(o.due) FROM due o WHERE o.connector = d.connector AND o.state = 'waiting' AND o.cause = 'schedule' AND o.starts <= @now AND o.due < d.due), 0),
		COALESCE((SELECT max(o.due) FROM due o WHERE o.connector = d.connector AND o.state = 'waiting' AND o.cause = 'schedule' AND o.starts <= @now AND o.due > d.due), 0)
	FROM due d WHERE d.state = 'waiting' AND d.hold = '' AND d.cause IN ('schedule', 'catch_up') AND d.starts <= @now AND (d.connector = $1 OR $1 = '')
		AND (d.overlap <> '' AND EXISTS (SELECT 1 FROM due o WHERE o.connector = d.connector AND o.state = 'running')
			OR EXISTS (SELECT 1 FROM exception e WHERE e.connector = d.connector AND e.since <= d.due AND (e.until IS NULL OR d.due < e.until)))
	ORDER BY d.connector, d.due`

// hindered is a row that waits though its start has come.
type hindered struct {
	*scheduler.Due
	exception         string
	busy, first, last int64
}

// settle decides about the rows that waiting, which is settleSQL at some time, lists: those that do not run become missed, and a run that is to give way is flagged. It returns
// the log entries of what it did.
func settle(ctx context.Context, tx *sqlx.Tx, waiting, only string) (entries []transferlog.Entry, err error) {
	list, err := hinderedRows(ctx, tx, waiting, only)
	if err != nil {
		return nil, err
	}
	for _, h := range list {
		if reason := h.miss(); reason != "" {
			done, err := missed(ctx, tx, h.Due, scheduler.StateWaiting, reason)
			if err != nil {
				return nil, err
			}
			entries = append(entries, done...)
			continue
		}
		if h.Overlap != scheduler.CancelOld || h.busy == 0 || h.Cause != scheduler.CauseSchedule {
			continue
		}
		done, err := cancelOld(ctx, tx, h.Due)
		if err != nil {
			return nil, err
		}
		entries = append(entries, done...)
	}
	return entries, nil
}

func hinderedRows(ctx context.Context, q sqlx.QueryerContext, waiting, only string) (out []hindered, err error) {
	rows, err := q.QueryxContext(ctx, waiting, only)
	if err != nil {
		return nil, fmt.Errorf("looking at what waits: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var h hindered
		if h.Due, err = scan(rows, &h.exception, &h.busy, &h.first, &h.last); err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, rows.Err()
}

// miss says why a row does not run; "" if it does, now or when its turn comes.
func (h *hindered) miss() string {
	at := func(us int64) string { return record.Instant(us).Format(time.RFC3339) }
	switch {
	case h.exception != "":
		return h.exception
	case h.Cause != scheduler.CauseSchedule || h.busy == 0:
		return ""
	case h.Overlap == scheduler.SkipNew:
		return "overlap: the run due at " + at(h.busy) + " was under way"
	case h.Overlap == scheduler.QueueOne && h.first > 0:
		return "overlap: the run due at " + at(h.busy) + " was under way, and the one due at " + at(h.first) + " was waiting already"
	case h.Overlap == scheduler.CancelOld && h.last > 0:
		return "overlap: the run due at " + at(h.last) + " takes its place"
	}
	return ""
}

// missed makes a row of a state a missed one; nothing if it is in that state no more: another process has done so, or claimed it.
func missed(ctx context.Context, tx *sqlx.Tx, d *scheduler.Due, was, reason string) ([]transferlog.Entry, error) {
	res, err := tx.ExecContext(ctx, "UPDATE due SET state = 'missed', reason = $1 WHERE connector = $2 AND due = $3 AND state = $4", reason, d.Job, record.Micros(d.At), was)
	if err != nil {
		return nil, fmt.Errorf("missing a run: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return nil, err
	}
	return []transferlog.Entry{act("run.missed", d, reason)}, nil
}

// Withdraw makes a row that waits a missed one, and logs it. It is false for a row that does not wait: somebody has claimed or decided it.
func (s *Rows) Withdraw(ctx context.Context, now time.Time, d *scheduler.Due, reason string) (done bool, err error) {
	err = s.Logged(ctx, now, func(tx *sqlx.Tx) ([]transferlog.Entry, error) {
		entries, err := missed(ctx, tx, d, scheduler.StateWaiting, reason)
		done = len(entries) > 0
		return entries, err
	})
	return done && err == nil, err
}

// cancelOld flags the scheduled run of the job that is under way; its process ends it at its next sign of life.
func cancelOld(ctx context.Context, tx *sqlx.Tx, d *scheduler.Due) ([]transferlog.Entry, error) {
	old, err := scan(tx.QueryRowxContext(ctx, "SELECT "+columns+" FROM due WHERE connector = $1 AND state = 'running' AND cause IN ('schedule', 'catch_up') AND hold = '' AND cancel = 0", d.Job))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cancelling a run: %w", err)
	}
	res, err := tx.ExecContext(ctx, "UPDATE due SET cancel = 1 WHERE connector = $1 AND due = $2 AND state = 'running' AND cancel = 0", old.Job, record.Micros(old.At))
	if err != nil {
		return nil, fmt.Errorf("cancelling a run: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return nil, err
	}
	return []transferlog.Entry{act("run.cancelled", old, "overlap: the run due at "+d.At.Format(time.RFC3339)+" takes its place")}, nil
}
