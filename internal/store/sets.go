package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/vault"
	"birgeoqy.kz/almasu/internal/vault/period"
)

// Key implements [period.Shelf].
func (s *Store) Key(ctx context.Context, id string) ([]byte, error) {
	return periodKey(ctx, s.read, id)
}

func periodKey(ctx context.Context, q sqlx.QueryerContext, id string) (sealed []byte, err error) {
	err = q.QueryRowxContext(ctx, "SELECT body FROM period_key WHERE id = $1", id).Scan(&sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err == nil && len(sealed) == 0:
		return nil, period.ErrDestroyed
	}
	return sealed, err
}

// KeepKey implements [period.Shelf].
func (s *Store) KeepKey(ctx context.Context, id string, sealed []byte) ([]byte, error) {
	if _, err := s.db.ExecContext(ctx, "INSERT INTO period_key (id, body) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", id, sealed); err != nil {
		return nil, err
	}
	return periodKey(ctx, s.db, id)
}

// sealer seals the sets of one transaction under the keys of their period.
type sealer struct {
	period              string
	disclosure, refusal *vault.Vault
}

// sealer returns the keys that hold now; they are durable before anything is sealed with them.
func (s *Store) sealer(ctx context.Context, at time.Time) (*sealer, error) {
	if s.periods == nil {
		return nil, errors.New("the store was given no vault: sets of people are not stored in clear")
	}
	out := &sealer{}
	var err error
	if out.period, out.disclosure, err = s.periods.Current(ctx, period.Disclosure, at); err == nil {
		_, out.refusal, err = s.periods.Current(ctx, period.Refusal, at)
	}
	return out, err
}

func (k *sealer) seal(v *vault.Vault, class, owner string, set transfer.Set) ([]byte, error) {
	if len(set) == 0 {
		return set, nil
	}
	return sealSet(v, class, owner, set)
}

// sealSet writes a set at rest: its digest, which the log's entries are about, and the set sealed under the key of its period.
func sealSet(v *vault.Vault, class, owner string, set transfer.Set) ([]byte, error) {
	d := set.Digest()
	return v.Seal(append(make([]byte, 0, len(set)+96), d[:]...), class, owner, set)
}

// digestOf is the digest of a set at rest, also of one whose key was destroyed.
func digestOf(in string, body []byte) (d record.Digest) {
	if in == "" {
		return transfer.Set(body).Digest()
	}
	copy(d[:], body)
	return d
}

// PartOwner names a part of a transfer as the owner of its refusal set; a message's id names it as that of its disclosure set.
func PartOwner(transfer string, number int64) string {
	return transfer + "/" + strconv.FormatInt(number, 10)
}

// opener opens stored sets, each key once.
type opener struct {
	s    *Store
	ctx  context.Context
	keys map[string]*vault.Vault // nil for a destroyed one
}

func (s *Store) opener(ctx context.Context) *opener {
	return &opener{s: s, ctx: ctx, keys: map[string]*vault.Vault{}}
}

// open returns a set in clear. A set whose key was destroyed, and that was not kept, is [period.ErrDestroyed]. One that does not open, or is another
// than its digest says, is empty, which no set is: whoever parses it, or compares it with the log, sees that it was damaged.
func (o *opener) open(class, owner, in string, body []byte) (transfer.Set, error) {
	if in == "" || len(body) == 0 {
		return body, nil
	}
	set, err := o.unseal(period.ID(class, in), class, owner, body)
	if !errors.Is(err, period.ErrDestroyed) {
		return set, err
	}
	var id string
	var kept []byte
	switch found := o.s.read.QueryRowxContext(o.ctx, "SELECT key, body FROM kept_set WHERE class = $1 AND owner = $2", class, owner).Scan(&id, &kept); {
	case errors.Is(found, sql.ErrNoRows):
		return nil, err
	case found != nil:
		return nil, fmt.Errorf("reading a kept set: %w", found)
	}
	return o.unseal(id, class, owner, kept)
}

func (o *opener) unseal(id, class, owner string, body []byte) (transfer.Set, error) {
	v, known := o.keys[id]
	if !known {
		if o.s.periods == nil {
			return nil, errors.New("the store was given no vault: sets of people are not read")
		}
		var err error
		if v, err = o.s.periods.Open(o.ctx, id); err != nil && !errors.Is(err, period.ErrDestroyed) {
			return nil, err
		}
		o.keys[id] = v
	}
	if v == nil {
		return nil, period.ErrDestroyed
	}
	if len(body) < len(record.Digest{}) {
		return nil, nil
	}
	set, err := v.Open(class, owner, body[len(record.Digest{}):])
	if err != nil || transfer.Set(set).Digest() != digestOf(id, body) {
		return nil, nil
	}
	return set, nil
}

// OpenRoster opens the roster of the period that holds a moment, with those of former periods that were not destroyed; key is the pseudonym key.
func (s *Store) OpenRoster(ctx context.Context, at time.Time, key []byte) (*roster.Roster, error) {
	if s.periods == nil {
		return nil, errors.New("the store was given no vault: there is no roster")
	}
	current, v, err := s.periods.Current(ctx, period.Roster, at)
	if err != nil {
		return nil, err
	}
	var ids []string
	if err := s.read.SelectContext(ctx, &ids, "SELECT DISTINCT period FROM roster_chunk WHERE period <> $1 ORDER BY period", current); err != nil {
		return nil, fmt.Errorf("reading the periods of the roster: %w", err)
	}
	var former []*roster.Roster
	for _, in := range ids {
		opens := s.vault // of stores older than periods
		if in != "" {
			if opens, err = s.periods.Open(ctx, period.ID(period.Roster, in)); errors.Is(err, period.ErrDestroyed) {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		one, err := roster.New(Roster{s, in}, opens, key)
		if err != nil {
			return nil, err
		}
		former = append(former, one)
	}
	return roster.New(Roster{s, current}, v, key, former...)
}
