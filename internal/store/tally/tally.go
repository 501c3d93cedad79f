// Package tally counts what lies in the service's store, for whoever watches it: what waits for whom and since when, how long the log is, which
// runs are due, running, missed or held. It reads one state, in one transaction that only reads, with queries whose cost does not grow with the
// number of people: [Read] takes a few milliseconds. Names in it are connectors, routes' recipients and states: closed sets of the deployment, never a
// value of a profile.
package tally

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/lines"
	"birgeoqy.kz/almasu/internal/transfer"
)

// Tally is what was counted.
type Tally struct {
	// Waiting has an element for each recipient and connector with messages that are logged and not settled.
	Waiting []Waiting
	// Lines are the lines that were ever down or halted.
	Lines []transfer.Line
	// LogEntries is how many entries the log has.
	LogEntries int64
	// Jobs has an element for each connector that ever had a row of the schedule.
	Jobs []Job
	// Held has an element for each connector with a hold that a person can still decide.
	Held []Held
	// OutboxBytes is how much sealed payload waits.
	OutboxBytes int64
}

// Waiting is what waits for a recipient from one connector; void notices are not counted.
type Waiting struct {
	Recipient string    `json:"recipient"`
	Connector string    `json:"connector"`
	Messages  int       `json:"messages"`
	People    int       `json:"people"`
	Oldest    time.Time `json:"oldest"`
}

// Job counts a connector's rows.
type Job struct {
	Connector string
	// Due counts rows whose time has come and that nobody has claimed, Running those that are claimed, Missed those that did not run.
	Due, Running, Missed int
	// Oldest is when the earliest of the rows that are due was due, Lease when the lease of a running row ends; zero if there is none.
	Oldest, Lease time.Time
}

// Held is a connector's open hold.
type Held struct {
	Connector string
	// Since is when it was made, Expires until when it can be approved; Runs counts the due times under it.
	Since, Expires time.Time
	Runs           int
}

// Read counts, as of now.
func Read(ctx context.Context, s *store.Store, now time.Time) (*Tally, error) {
	t := &Tally{}
	var err error
	if t.Lines, err = (lines.Book{Store: s}).All(ctx); err != nil {
		return nil, err
	}
	tx, err := s.DB().BeginTxx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("beginning to count: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	if err := t.readWaiting(ctx, tx); err != nil {
		return nil, fmt.Errorf("counting what waits: %w", err)
	}
	if err := tx.GetContext(ctx, &t.LogEntries, "SELECT size FROM log_head WHERE id = 1"); err != nil {
		return nil, fmt.Errorf("reading the log's size: %w", err)
	}
	if err := tx.GetContext(ctx, &t.OutboxBytes, "SELECT COALESCE(sum(length(body)), 0) FROM outbox"); err != nil {
		return nil, fmt.Errorf("measuring the outbox: %w", err)
	}
	if err := t.readJobs(ctx, tx, now); err != nil {
		return nil, fmt.Errorf("counting runs: %w", err)
	}
	if err := t.readHeld(ctx, tx, now); err != nil {
		return nil, fmt.Errorf("counting holds: %w", err)
	}
	return t, nil
}

func (t *Tally) readWaiting(ctx context.Context, tx *sqlx.Tx) error {
	rows, err := tx.QueryxContext(ctx, `SELECT m.recipient, m.connector, count(*), COALESCE(sum(m.records), 0), min(m.logged) FROM message m JOIN outbox o ON o.message = m.id
		WHERE m.voids = '' GROUP BY m.recipient, m.connector ORDER BY m.recipient, m.connector`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var w Waiting
		var oldest int64
		if err := rows.Scan(&w.Recipient, &w.Connector, &w.Messages, &w.People, &oldest); err != nil {
			return err
		}
		w.Oldest = record.Instant(oldest)
		t.Waiting = append(t.Waiting, w)
	}
	return rows.Err()
}

func (t *Tally) readJobs(ctx context.Context, tx *sqlx.Tx, now time.Time) error {
	rows, err := tx.QueryxContext(ctx, `SELECT connector, count(CASE WHEN state = 'waiting' AND due <= $1 THEN 1 END), count(CASE WHEN state = 'running' THEN 1 END),
		count(CASE WHEN state = 'missed' THEN 1 END), COALESCE(min(CASE WHEN state = 'waiting' AND due <= $1 THEN due END), 0),
		COALESCE(max(CASE WHEN state = 'running' THEN lease_until END), 0) FROM due GROUP BY connector ORDER BY connector`, now.UnixMicro())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var j Job
		var oldest, lease int64
		if err := rows.Scan(&j.Connector, &j.Due, &j.Running, &j.Missed, &oldest, &lease); err != nil {
			return err
		}
		j.Oldest, j.Lease = record.Instant(oldest), record.Instant(lease)
		t.Jobs = append(t.Jobs, j)
	}
	return rows.Err()
}

func (t *Tally) readHeld(ctx context.Context, tx *sqlx.Tx, now time.Time) error {
	rows, err := tx.QueryxContext(ctx, `SELECT h.connector, h.made, h.expires, (SELECT count(*) FROM due d WHERE d.hold = h.id) FROM hold h
		WHERE h.state = 'open' AND h.expires > $1 ORDER BY h.connector`, now.UnixMicro())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var h Held
		var since, expires int64
		if err := rows.Scan(&h.Connector, &since, &expires, &h.Runs); err != nil {
			return err
		}
		h.Since, h.Expires = record.Instant(since), record.Instant(expires)
		t.Held = append(t.Held, h)
	}
	return rows.Err()
}
