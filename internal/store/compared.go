package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
)

// insistCompared refuses what concerns a recipient with whom this store was not compared since it may have become older, and for the recipient "" every
// entry of the log before all were: an older copy that goes on is a forked log.
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
		return record.NewProblem("restore.not_compared", "", "run: almasu reconcile; it compares with each recipient and says what to do",
			"this store may be older than what its recipients know of it: nothing is sent or logged before they were compared")
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
