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
			b.ID.String(), b.Tag[:], b.Requester, b.Reason, record.Micros(b.Received))
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
	return s.UnblockWith(ctx, at, tag, outcome, func(*sqlx.Tx) error { return nil }, entry)
}

// UnblockWith is [Store.Unblock] together with what follows from the outcome: f, and further entries.
func (s *Store) UnblockWith(ctx context.Context, at time.Time, tag roster.Tag, outcome string, f func(*sqlx.Tx) error, entries ...transferlog.Entry) error {
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE block SET lifted = $1, outcome = $2 WHERE tag = $3 AND lifted IS NULL", record.Micros(at), outcome, tag[:])
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrNotBlocked, err)
		}
		if _, err = tx.ExecContext(ctx, "UPDATE log_head SET blocks = blocks + 1 WHERE id = 1"); err != nil {
			return err
		}
		return f(tx)
	}, entries...)
	return err
}
