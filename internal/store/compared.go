package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// insistCompared refuses what concerns a recipient with whom this store was not compared since it may have become older.
func insistCompared(ctx context.Context, q sqlx.QueryerContext, restored int64, recipient string) error {
	if restored == 0 {
		return nil
	}
	var under int64
	err := q.QueryRowxContext(ctx, "SELECT restored FROM compared WHERE recipient = $1", recipient).Scan(&under)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("reading what was compared: %w", err)
	}
	if under != restored {
		return record.NewProblem("restore.not_compared", "recipient "+recipient, "run: almasu reconcile; it compares with each recipient and says what to do",
			"this store may be older than what the recipient knows of it: nothing is sent before the two were compared")
	}
	return nil
}

// Compared returns a problem with the code restore.not_compared if the store may be older than what a recipient knows, and the two were not compared since.
func (s *Store) Compared(ctx context.Context, recipient string) error {
	restored, err := s.Restored(ctx)
	if err != nil {
		return err
	}
	return insistCompared(ctx, s.read, restored, recipient)
}

// Restored returns how often the store may have become older than what recipients know: by being restored, or because a recipient said so.
func (s *Store) Restored(ctx context.Context) (n int64, err error) {
	if err = s.read.QueryRowxContext(ctx, "SELECT restored FROM log_head WHERE id = 1").Scan(&n); err != nil {
		return 0, fmt.Errorf("reading the head of the log: %w", err)
	}
	return n, nil
}

// Doubt notes that the store may be older than what recipients know: from now on nothing is sent to anybody before a comparison. The log is not
// touched, because nobody knows yet whether it may grow.
func (s *Store) Doubt(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, "UPDATE log_head SET restored = restored + 1 WHERE id = 1"); err != nil {
		return fmt.Errorf("noting that the store may be old: %w", err)
	}
	return nil
}

// Confirm notes that the store was compared with a recipient under the given count of [Store.Restored] and is not older, with its log entry.
func (s *Store) Confirm(ctx context.Context, at time.Time, recipient string, restored int64, entry *transferlog.Act) error {
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO compared (recipient, restored, at) VALUES ($1, $2, $3)
			ON CONFLICT (recipient) DO UPDATE SET restored = $2, at = $3`, recipient, restored, micros(at))
		return err
	}, entry)
	return err
}

// Next returns the next sequence number of a recipient.
func (s *Store) Next(ctx context.Context, recipient string) (uint64, error) {
	var next int64
	err := s.read.QueryRowxContext(ctx, "SELECT next FROM sequence WHERE recipient = $1", recipient).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return 1, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading a sequence number: %w", err)
	}
	return uint64(next), nil
}
