package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/sets"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/vault/period"
)

// ErrNoSituations is returned for a digest under which nothing is stored.
var ErrNoSituations = errors.New("there is no table of situations with this digest")

// Situations returns the stored table of situations with this SHA-256.
func (s *Store) Situations(ctx context.Context, digest record.Digest) ([]byte, error) {
	var body []byte
	err := s.read.QueryRowxContext(ctx, "SELECT body FROM situations WHERE digest = $1", digest.String()).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoSituations
	}
	if err != nil {
		return nil, fmt.Errorf("reading a table of situations: %w", err)
	}
	return body, nil
}

// RefusalSets calls f with the refusal set of each part of a transfer that refused somebody, in order of the parts. A set whose
// period was destroyed is passed over.
func (s *Store) RefusalSets(ctx context.Context, id record.ID, f func(part int, set transfer.Set) error) error {
	rows, err := s.read.QueryxContext(ctx, "SELECT number, refusal, period FROM part WHERE transfer = $1 AND refused > 0 ORDER BY number", id.String())
	if err != nil {
		return fmt.Errorf("reading the refusals: %w", err)
	}
	defer rows.Close()
	opener := sets.NewOpener(ctx, s.periods, s.read)
	for rows.Next() {
		var number int
		var in string
		var body []byte
		if err := rows.Scan(&number, &body, &in); err != nil {
			return fmt.Errorf("reading the refusals: %w", err)
		}
		set, err := opener.Open(period.Refusal, sets.PartOwner(id.String(), int64(number)), in, body)
		if errors.Is(err, period.ErrDestroyed) {
			continue
		}
		if err != nil {
			return err
		}
		if err := f(number, set); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Settled is how a message ended.
type Settled struct {
	// Outcome is delivered, refused, disputed, cancelled or abandoned, and empty while the message is pending; Code says why it was not delivered.
	Outcome, Code string
	// Receipt is the SHA-256 of the receipt, zero if there is none; Entry the place of the settlement in the log.
	Receipt record.Digest
	Entry   int64
	At      time.Time
}

// Settled returns how a message ended, with an empty outcome if it is pending.
func (s *Store) Settled(ctx context.Context, message record.ID) (Settled, error) {
	var out Settled
	var receipt []byte
	var at int64
	err := s.read.QueryRowxContext(ctx, "SELECT outcome, code, receipt, entry, settled FROM settlement WHERE message = $1", message.String()).
		Scan(&out.Outcome, &out.Code, &receipt, &out.Entry, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return Settled{}, nil
	}
	if err != nil {
		return Settled{}, fmt.Errorf("reading a settlement: %w", err)
	}
	if len(receipt) > 0 {
		out.Receipt = record.DigestOf(receipt)
	}
	out.At = record.Instant(at)
	return out, nil
}
