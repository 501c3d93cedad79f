// Package sets keeps sets of people at rest: who was in a message, who was refused in a part.
//
// # At rest
//
// A set is the 32 bytes of its digest, which the log's entries are about, and the set itself (transfer.Set), sealed under the key of its class and month
// (package period) with class and owner as purpose and name. The owner of a disclosure set is the message's id, that of a refusal set the transfer's id,
// a slash and the part's number. A row without a period holds a set in clear: it is older than periods.
//
// # Destroyed
//
// Without the key of its period a set is opened only if it was kept: a row of kept_set under another key. The digest stays, so that everything which
// refers to the set still verifies.
package sets

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/vault"
	"birgeoqy.kz/almasu/internal/vault/period"
)

// Shelf is the table of period keys, and implements [period.Shelf].
type Shelf struct {
	// DB writes, Read reads.
	DB, Read *sqlx.DB
}

// Key implements [period.Shelf].
func (s Shelf) Key(ctx context.Context, id string) ([]byte, error) {
	return key(ctx, s.Read, id)
}

func key(ctx context.Context, q sqlx.QueryerContext, id string) (sealed []byte, err error) {
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
func (s Shelf) KeepKey(ctx context.Context, id string, sealed []byte) ([]byte, error) {
	if _, err := s.DB.ExecContext(ctx, "INSERT INTO period_key (id, body) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", id, sealed); err != nil {
		return nil, err
	}
	return key(ctx, s.DB, id)
}

// Sealer seals the sets of one transaction under the keys of their period.
type Sealer struct {
	// Period is what the rows of the sets name.
	Period string
	keys   map[string]*vault.Vault
}

// NewSealer returns the keys that hold at a moment; they are durable before anything is sealed with them. Without a ring nothing is sealed.
func NewSealer(ctx context.Context, ring *period.Ring, at time.Time) (*Sealer, error) {
	if ring == nil {
		return nil, errors.New("the store was given no vault: sets of people are not stored in clear")
	}
	out := &Sealer{keys: map[string]*vault.Vault{}}
	for _, class := range []string{period.Disclosure, period.Refusal} {
		var err error
		if out.Period, out.keys[class], err = ring.Current(ctx, class, at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Seal returns a set as it is stored; no set stays none.
func (k *Sealer) Seal(class, owner string, set transfer.Set) ([]byte, error) {
	if len(set) == 0 {
		return set, nil
	}
	return Seal(k.keys[class], class, owner, set)
}

// Seal writes a set at rest under a key.
func Seal(v *vault.Vault, class, owner string, set transfer.Set) ([]byte, error) {
	d := set.Digest()
	return v.Seal(append(make([]byte, 0, len(set)+96), d[:]...), class, owner, set)
}

// Digest is the digest of a set at rest, also of one whose key was destroyed.
func Digest(in string, body []byte) (d record.Digest) {
	if in == "" {
		return transfer.Set(body).Digest()
	}
	copy(d[:], body)
	return d
}

// PartOwner is the owner of a part's refusal set.
func PartOwner(transfer string, number int64) string {
	return transfer + "/" + strconv.FormatInt(number, 10)
}

// Opener opens stored sets, each key once. It serves one goroutine.
type Opener struct {
	ctx  context.Context
	ring *period.Ring
	db   *sqlx.DB
	keys map[string]*vault.Vault // nil for a destroyed one
}

// NewOpener returns an opener; kept sets are read from db.
func NewOpener(ctx context.Context, ring *period.Ring, db *sqlx.DB) *Opener {
	return &Opener{ctx: ctx, ring: ring, db: db, keys: map[string]*vault.Vault{}}
}

// Open returns a set in clear. A set whose key was destroyed, and that was not kept, is [period.ErrDestroyed]. One that does not open, or is another
// than its digest says, is empty, which no set is: whoever parses it, or compares it with the log, sees that it was damaged.
func (o *Opener) Open(class, owner, in string, body []byte) (transfer.Set, error) {
	if in == "" || len(body) == 0 {
		return body, nil
	}
	set, err := o.unseal(period.ID(class, in), class, owner, body)
	if !errors.Is(err, period.ErrDestroyed) {
		return set, err
	}
	var id string
	var kept []byte
	switch found := o.db.QueryRowxContext(o.ctx, "SELECT key, body FROM kept_set WHERE class = $1 AND owner = $2", class, owner).Scan(&id, &kept); {
	case errors.Is(found, sql.ErrNoRows):
		return nil, err
	case found != nil:
		return nil, fmt.Errorf("reading a kept set: %w", found)
	}
	return o.unseal(id, class, owner, kept)
}

func (o *Opener) unseal(id, class, owner string, body []byte) (transfer.Set, error) {
	v, known := o.keys[id]
	if !known {
		if o.ring == nil {
			return nil, errors.New("the store was given no vault: sets of people are not read")
		}
		var err error
		if v, err = o.ring.Open(o.ctx, id); err != nil && !errors.Is(err, period.ErrDestroyed) {
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
	if err != nil || transfer.Set(set).Digest() != Digest(id, body) {
		return nil, nil
	}
	return set, nil
}
