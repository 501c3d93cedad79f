// Package people keeps the roster's sealed chunks (package roster) in the service's store, those of each period apart.
//
// Rows of the table roster_chunk have the period, the chunk's first and last key, how many entries it has, and the chunk, sealed under the key of the
// period. Ordinals are given out under a lock on roster_head, and go on from one period to the next: none is ever another person's. Each method is one
// transaction.
package people

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/store/binary"
	"birgeoqy.kz/almasu/internal/vault"
	"birgeoqy.kz/almasu/internal/vault/period"
)

// DB is the store's database: Write writes, Read reads, and ForUpdate ends a SELECT that locks its rows.
type DB struct {
	Write     *sqlx.DB
	Read      *binary.Kept
	ForUpdate string
}

// Chunks are the roster's chunks of one period, and implement [roster.Store].
type Chunks struct {
	DB
	// Period is in the form of package period; "" is that of a store older than periods.
	Period string
}

// Open opens the roster of the period that holds a moment, with those of former periods that were not destroyed. The ring has the keys of periods, the
// vault opens what is older than periods, and key is the pseudonym key.
func Open(ctx context.Context, db DB, ring *period.Ring, older *vault.Vault, at time.Time, key []byte) (*roster.Roster, error) {
	if ring == nil {
		return nil, errors.New("the store was given no vault: there is no roster")
	}
	current, v, err := ring.Current(ctx, period.Roster, at)
	if err != nil {
		return nil, err
	}
	var ids []string
	if err := db.Read.SelectContext(ctx, &ids, "SELECT DISTINCT period FROM roster_chunk WHERE period <> $1 ORDER BY period", current); err != nil {
		return nil, fmt.Errorf("reading the periods of the roster: %w", err)
	}
	var former []*roster.Roster
	for _, in := range ids {
		opens := older
		if in != "" {
			if opens, err = ring.Open(ctx, period.ID(period.Roster, in)); errors.Is(err, period.ErrDestroyed) {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		one, err := roster.New(Chunks{db, in}, opens, key)
		if err != nil {
			return nil, err
		}
		former = append(former, one)
	}
	return roster.New(Chunks{db, current}, v, key, former...)
}

const aroundSQL = `SELECT first_key, last_key, people, body FROM roster_chunk
	WHERE period = $3 AND first_key <= $2 AND first_key >= COALESCE((SELECT first_key FROM roster_chunk WHERE period = $3 AND first_key <= $1 ORDER BY first_key DESC LIMIT 1), $1)
	ORDER BY first_key`

// Around implements [roster.Store].
func (s Chunks) Around(ctx context.Context, first, last []byte, f func(roster.Chunk) error) error {
	return each(ctx, s.Read, f, aroundSQL, first, last, s.Period)
}

// each calls f with the chunks of a query, in the memory of the driver.
func each(ctx context.Context, db binary.Preparer, f func(roster.Chunk) error, query string, args ...any) error {
	rows, err := binary.Query(ctx, db, query, args...)
	if err != nil {
		return fmt.Errorf("reading the roster: %w", err)
	}
	defer rows.Close()
	var first, last, body sql.RawBytes
	var count int
	for rows.Next() {
		if err := rows.Scan(&first, &last, &count, &body); err != nil {
			return fmt.Errorf("reading the roster: %w", err)
		}
		if err := f(roster.Chunk{First: first, Last: last, Count: count, Body: body}); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the roster: %w", err)
	}
	return nil
}

// Change implements [roster.Store].
func (s Chunks) Change(ctx context.Context, first, last []byte, f func(uint32, []roster.Chunk) ([]roster.Chunk, uint32, error)) error {
	tx, err := s.Write.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := s.change(ctx, tx, first, last, f); err != nil {
		return err
	}
	return tx.Commit()
}

func (s Chunks) change(ctx context.Context, tx *sqlx.Tx, first, last []byte, f func(uint32, []roster.Chunk) ([]roster.Chunk, uint32, error)) error {
	var next int64
	if err := tx.QueryRowxContext(ctx, "SELECT next FROM roster_head WHERE id = 1"+s.ForUpdate).Scan(&next); err != nil {
		return fmt.Errorf("locking the roster: %w", err)
	}
	var around []roster.Chunk
	err := each(ctx, tx, func(c roster.Chunk) error {
		around = append(around, roster.Chunk{First: bytes.Clone(c.First), Last: bytes.Clone(c.Last), Count: c.Count, Body: bytes.Clone(c.Body)})
		return nil
	}, aroundSQL, first, last, s.Period)
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
}

// Each implements [roster.Store].
func (s Chunks) Each(ctx context.Context, f func(roster.Chunk) error) error {
	return each(ctx, s.Read, f, "SELECT first_key, last_key, people, body FROM roster_chunk WHERE period = $1 ORDER BY first_key", s.Period)
}
