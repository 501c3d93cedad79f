package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/transferlog"
)

const aroundSQL = `SELECT first_key, last_key, people, body FROM roster_chunk
	WHERE period = $3 AND first_key <= $2 AND first_key >= COALESCE((SELECT first_key FROM roster_chunk WHERE period = $3 AND first_key <= $1 ORDER BY first_key DESC LIMIT 1), $1)
	ORDER BY first_key`

// Roster is the roster's chunks of one period; the period "" is that of stores older than periods.
type Roster struct {
	*Store
	Period string
}

// Around implements [roster.Store].
func (s Roster) Around(ctx context.Context, first, last []byte) ([]roster.Chunk, error) {
	return chunks(ctx, s.read, aroundSQL, first, last, s.Period)
}

func chunks(ctx context.Context, q sqlx.QueryerContext, query string, args ...any) ([]roster.Chunk, error) {
	rows, err := q.QueryxContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the roster: %w", err)
	}
	defer rows.Close()
	var out []roster.Chunk
	for rows.Next() {
		var c roster.Chunk
		if err := rows.Scan(&c.First, &c.Last, &c.Count, &c.Body); err != nil {
			return nil, fmt.Errorf("reading the roster: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// Change implements [roster.Store].
func (s Roster) Change(ctx context.Context, first, last []byte, f func(uint32, []roster.Chunk) ([]roster.Chunk, uint32, error)) error {
	return s.InTx(ctx, func(tx *sqlx.Tx) error {
		var next int64
		if err := tx.QueryRowxContext(ctx, "SELECT next FROM roster_head WHERE id = 1"+s.forUpdate).Scan(&next); err != nil {
			return fmt.Errorf("locking the roster: %w", err)
		}
		around, err := chunks(ctx, tx, aroundSQL, first, last, s.Period)
		if err != nil {
			return err
		}
		put, free, err := f(uint32(next), around)
		if err != nil {
			return err
		}
		for _, c := range put {
			if c.Count == 0 {
				_, err = tx.ExecContext(ctx, "DELETE FROM roster_chunk WHERE period = $2 AND first_key = $1", c.First, s.Period)
			} else {
				_, err = tx.ExecContext(ctx, `INSERT INTO roster_chunk (first_key, last_key, people, body, period) VALUES ($1, $2, $3, $4, $5)
					ON CONFLICT (period, first_key) DO UPDATE SET last_key = $2, people = $3, body = $4`, c.First, c.Last, int64(c.Count), c.Body, s.Period)
			}
			if err != nil {
				return fmt.Errorf("writing the roster: %w", err)
			}
		}
		_, err = tx.ExecContext(ctx, "UPDATE roster_head SET next = $1 WHERE id = 1", int64(free))
		return err
	})
}

// Each implements [roster.Store]. It reads the chunks page by page, each after the last one's first key.
func (s Roster) Each(ctx context.Context, f func(roster.Chunk) error) error {
	after := []byte{}
	for {
		page, err := chunks(ctx, s.read, "SELECT first_key, last_key, people, body FROM roster_chunk WHERE period = $2 AND first_key > $1 ORDER BY first_key LIMIT 16", after, s.Period)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, c := range page {
			if err := f(c); err != nil {
				return err
			}
		}
		after = page[len(page)-1].First
	}
}

// Blocked implements [transfer.Blocks].
func (s *Store) Blocked(ctx context.Context) (int64, map[roster.Tag]struct{}, error) {
	var generation int64
	var tags [][]byte
	err := s.Look(ctx, func(tx *sqlx.Tx) error {
		if err := tx.GetContext(ctx, &generation, "SELECT blocks FROM log_head WHERE id = 1"); err != nil {
			return err
		}
		return tx.SelectContext(ctx, &tags, "SELECT tag FROM block WHERE lifted IS NULL")
	})
	if err != nil {
		return 0, nil, fmt.Errorf("reading the blocks: %w", err)
	}
	out := make(map[roster.Tag]struct{}, len(tags))
	for _, t := range tags {
		if len(t) != len(roster.Tag{}) {
			return 0, nil, record.NewProblem("store.block_malformed", "", "restore the store from a backup", "a stored block is malformed")
		}
		out[roster.Tag(t)] = struct{}{}
	}
	return generation, out, nil
}

// Block is a block to be entered (policy 6.2.4).
type Block struct {
	ID        record.ID
	Tag       roster.Tag
	Requester string
	Reason    string
	// Received is when the request was received: the block counts from then.
	Received time.Time
}

// Block enters a block, with its log entry, in one transaction.
func (s *Store) Block(ctx context.Context, at time.Time, b Block, entry *transferlog.Block) error {
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO block (id, tag, requester, reason, received) VALUES ($1, $2, $3, $4, $5)",
			b.ID.String(), b.Tag[:], b.Requester, b.Reason, micros(b.Received))
		if err == nil {
			_, err = tx.ExecContext(ctx, "UPDATE log_head SET blocks = blocks + 1 WHERE id = 1")
		}
		return err
	}, entry)
	return err
}

// ErrNotBlocked is returned by [Store.Unblock] for a person who is not blocked.
var ErrNotBlocked = errors.New("this person is not blocked")

// Unblock lifts a person's blocks with an outcome, with its log entry, in one transaction.
func (s *Store) Unblock(ctx context.Context, at time.Time, tag roster.Tag, outcome string, entry *transferlog.Block) error {
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE block SET lifted = $1, outcome = $2 WHERE tag = $3 AND lifted IS NULL", micros(at), outcome, tag[:])
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrNotBlocked, err)
		}
		_, err = tx.ExecContext(ctx, "UPDATE log_head SET blocks = blocks + 1 WHERE id = 1")
		return err
	}, entry)
	return err
}
