package store

import (
	"context"
	"fmt"
	"time"

	"birgeoqy.kz/almasu/internal/transfer"
)

// Unclosed lists a connector's transfers that have no report yet, oldest first. While no row of the connector runs, nobody is at work on them:
// their run ended with an error before it could close them.
func (s *Store) Unclosed(ctx context.Context, connector string) ([]transfer.Transfer, error) {
	rows, err := s.read.QueryxContext(ctx, "SELECT "+transferColumns+" FROM transfer t WHERE t.connector = $1 AND t.finished IS NULL ORDER BY t.started, t.id", connector)
	if err != nil {
		return nil, fmt.Errorf("listing unclosed transfers: %w", err)
	}
	defer rows.Close()
	var out []transfer.Transfer
	for rows.Next() {
		var row transferRow
		if err := rows.Scan(row.targets()...); err != nil {
			return nil, fmt.Errorf("listing unclosed transfers: %w", err)
		}
		t, err := row.transfer()
		if err != nil {
			return nil, fmt.Errorf("listing unclosed transfers: %w", err)
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

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
