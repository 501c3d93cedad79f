package store

import (
	"context"
	"fmt"
	"time"
)

// HasWaiting reports whether a connector has messages without a settlement.
func (s *Store) HasWaiting(ctx context.Context, connector string) (bool, error) {
	var n int
	err := s.read.QueryRowxContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM message m JOIN outbox o ON o.message = m.id WHERE m.connector = $1 LIMIT 1) w", connector).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("looking at the outbox: %w", err)
	}
	return n > 0, nil
}

// Clock returns the database's time, to the second.
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	text := "SELECT CAST(extract(epoch FROM now()) AS bigint)"
	if s.kind == SQLite {
		text = "SELECT CAST(strftime('%s', 'now') AS INTEGER)"
	}
	var seconds int64
	if err := s.db.QueryRowxContext(ctx, text).Scan(&seconds); err != nil {
		return time.Time{}, fmt.Errorf("asking the database for the time: %w", err)
	}
	return time.Unix(seconds, 0), nil
}
