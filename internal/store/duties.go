package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Duty is something that is owed to a person or an authority by a day.
type Duty struct {
	ID string
	// Kind is a term's code; Subject lists the person's ordinals, with commas, or is empty; About names a transfer or a message, or is empty.
	Kind, Subject, About string
	// Opened is when the event happened that the term runs from, Due the first moment of its last day.
	Opened, Due time.Time
	// Closed and Outcome are zero while the duty is open.
	Closed  time.Time
	Outcome string
	// Note and Source say in words what it is about and where it comes from; no values of a profile.
	Note, Source string
}

// The errors of duties.
var (
	ErrNoDuty    = errors.New("there is no such duty")
	ErrDutyTaken = errors.New("there is such a duty already")
	ErrNotOpen   = errors.New("this duty is not open")
)

// OpenDuty enters a duty with its log entry, in one transaction; hold, if it is not nil, also puts a hold on a person's records. A duty that has
// its Outcome already is entered as closed. A second duty under one id is [ErrDutyTaken].
func (s *Store) OpenDuty(ctx context.Context, at time.Time, d Duty, hold *roster.Tag, entry *transferlog.Act) error {
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		var closed *int64
		if !d.Closed.IsZero() {
			us := record.Micros(d.Closed)
			closed = &us
		}
		res, err := tx.ExecContext(ctx, `INSERT INTO duty (id, kind, subject, about, opened, due, closed, outcome, note, source)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING`,
			d.ID, d.Kind, d.Subject, d.About, record.Micros(d.Opened), record.Micros(d.Due), closed, d.Outcome, d.Note, d.Source)
		if err != nil {
			return fmt.Errorf("entering a duty: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrDutyTaken, err)
		}
		if hold == nil {
			return nil
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO legal_hold (duty, tag, placed) VALUES ($1, $2, $3)", d.ID, hold[:], record.Micros(at)); err != nil {
			return fmt.Errorf("placing a hold: %w", err)
		}
		return nil
	}, entry)
	return err
}

// CloseDuty closes an open duty with its log entry, in one transaction; lift also lifts the holds that it placed. A duty that was closed before is
// [ErrNotOpen], an unknown one too.
func (s *Store) CloseDuty(ctx context.Context, at time.Time, id, outcome string, lift bool, entry *transferlog.Act) error {
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE duty SET closed = $1, outcome = $2 WHERE id = $3 AND closed IS NULL", record.Micros(at), outcome, id)
		if err != nil {
			return fmt.Errorf("closing a duty: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrNotOpen, err)
		}
		if !lift {
			return nil
		}
		if _, err := tx.ExecContext(ctx, "UPDATE legal_hold SET lifted = $1 WHERE duty = $2 AND lifted IS NULL", record.Micros(at), id); err != nil {
			return fmt.Errorf("lifting a hold: %w", err)
		}
		return nil
	}, entry)
	return err
}

const dutySQL = "SELECT id, kind, subject, about, opened, due, COALESCE(closed, 0), outcome, note, source FROM duty"

// Duties lists the duties that are open, or all, by the day that they are due.
func (s *Store) Duties(ctx context.Context, all bool) ([]Duty, error) {
	text := dutySQL
	if !all {
		text += " WHERE closed IS NULL"
	}
	rows, err := s.read.QueryxContext(ctx, text+" ORDER BY due, id")
	if err != nil {
		return nil, fmt.Errorf("listing duties: %w", err)
	}
	defer rows.Close()
	var out []Duty
	for rows.Next() {
		d, err := scanDuty(rows)
		if err != nil {
			return nil, fmt.Errorf("listing duties: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Duty returns one duty, or [ErrNoDuty].
func (s *Store) Duty(ctx context.Context, id string) (Duty, error) {
	d, err := scanDuty(s.read.QueryRowxContext(ctx, dutySQL+" WHERE id = $1", id))
	if errors.Is(err, sql.ErrNoRows) {
		return d, ErrNoDuty
	}
	if err != nil {
		return d, fmt.Errorf("reading a duty: %w", err)
	}
	return d, nil
}

func scanDuty(row interface{ Scan(...any) error }) (d Duty, err error) {
	var opened, due, closed int64
	err = row.Scan(&d.ID, &d.Kind, &d.Subject, &d.About, &opened, &due, &closed, &d.Outcome, &d.Note, &d.Source)
	d.Opened, d.Due, d.Closed = record.Instant(opened), record.Instant(due), record.Instant(closed)
	return d, err
}

// Held returns the people whose records are under a hold: nothing of theirs is deleted.
func (s *Store) Held(ctx context.Context) (map[roster.Tag]struct{}, error) {
	var tags [][]byte
	if err := s.read.SelectContext(ctx, &tags, "SELECT DISTINCT tag FROM legal_hold WHERE lifted IS NULL"); err != nil {
		return nil, fmt.Errorf("reading the holds: %w", err)
	}
	out := make(map[roster.Tag]struct{}, len(tags))
	for _, t := range tags {
		if len(t) != len(roster.Tag{}) {
			return nil, record.NewProblem("store.hold_malformed", "", "restore the store from a backup", "a stored hold is malformed")
		}
		out[roster.Tag(t)] = struct{}{}
	}
	return out, nil
}

// Kept says why nothing of a person's is destroyed now.
type Kept struct {
	// Blocked: a check is under way (policy 6.2.4). Held: a claim holds the records (8.1).
	Blocked, Held bool
}

// Kept returns everybody who is blocked by the service, or whose records are under a hold, as of one moment. What may be done to their data is for
// legal.MayDo to say.
func (s *Store) Kept(ctx context.Context) (map[roster.Tag]Kept, error) {
	var rows []struct {
		Tag  []byte `db:"tag"`
		Held bool   `db:"held"`
	}
	err := s.read.SelectContext(ctx, &rows, `SELECT tag, 1 = 0 AS held FROM block WHERE lifted IS NULL
		UNION ALL SELECT tag, 1 = 1 FROM legal_hold WHERE lifted IS NULL`)
	if err != nil {
		return nil, fmt.Errorf("reading blocks and holds: %w", err)
	}
	out := make(map[roster.Tag]Kept, len(rows))
	for _, r := range rows {
		if len(r.Tag) != len(roster.Tag{}) {
			return nil, record.NewProblem("store.hold_malformed", "", "restore the store from a backup", "a stored block or hold is malformed")
		}
		k := out[roster.Tag(r.Tag)]
		k.Blocked, k.Held = k.Blocked || !r.Held, k.Held || r.Held
		out[roster.Tag(r.Tag)] = k
	}
	return out, nil
}

// OpenBlock is a block that is not lifted: a check that is owed.
type OpenBlock struct {
	ID        string
	Requester string
	Received  time.Time
}

// OpenBlocks lists the blocks that are not lifted, by the time that they were received.
func (s *Store) OpenBlocks(ctx context.Context) ([]OpenBlock, error) {
	rows, err := s.read.QueryxContext(ctx, "SELECT id, requester, received FROM block WHERE lifted IS NULL ORDER BY received, id")
	if err != nil {
		return nil, fmt.Errorf("listing blocks: %w", err)
	}
	defer rows.Close()
	var out []OpenBlock
	for rows.Next() {
		var b OpenBlock
		var received int64
		if err := rows.Scan(&b.ID, &b.Requester, &received); err != nil {
			return nil, fmt.Errorf("listing blocks: %w", err)
		}
		b.Received = record.Instant(received)
		out = append(out, b)
	}
	return out, rows.Err()
}
