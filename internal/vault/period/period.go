// Package period gives what is recorded about people a key for each class and period, so that destroying the key destroys what was recorded,
// wherever copies of it lie, while everything that does not name people stays.
//
// # Classes and periods
//
// A class is what kind of record a key opens. Sets of people ([Disclosure], [Refusal]) have a key for each month, "2006-01" in UTC; the roster, which says
// which ordinal is whose pseudonym ([Roster]), has one for each year, "2006". The id of a key is class, a slash and the period.
//
// # Form
//
// A key is a line of a vault's key file (package vault) of its own, sealed by the service's vault under the purpose "period" and the
// key's id. A key is made once, when something is first recorded in its period. It is destroyed by emptying its row; the row stays, so that a
// period that is over never gets a second key.
//
// # Failure
//
// [ErrDestroyed] for a key that was destroyed; [vault.ErrOpen] for one that the vault does not open; an error for one that never was.
package period

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"birgeoqy.kz/almasu/internal/vault"
)

// The classes.
const (
	// Disclosure: who was in a message.
	Disclosure = "disclosure"
	// Refusal: who was refused in a part of a transfer.
	Refusal = "refusal"
	// Roster: which ordinals a person has.
	Roster = "roster"
)

const purpose = "period"

// ErrDestroyed is returned for a key that was destroyed.
var ErrDestroyed = errors.New("the key of this period was destroyed")

// Shelf keeps sealed keys by their id.
type Shelf interface {
	// Key returns a sealed key: nil if there never was one, [ErrDestroyed] if it was destroyed.
	Key(ctx context.Context, id string) ([]byte, error)
	// KeepKey makes a sealed key durable unless there is one under this id; it returns the one that there is, or [ErrDestroyed].
	KeepKey(ctx context.Context, id string, sealed []byte) ([]byte, error)
}

// Ring makes and opens the keys of a shelf. It is safe for concurrent use.
type Ring struct {
	vault *vault.Vault
	shelf Shelf

	mu      sync.Mutex
	current map[string]*vault.Vault // by id; at most one for each class
}

// NewRing returns the ring of a shelf whose keys the vault seals.
func NewRing(v *vault.Vault, s Shelf) *Ring {
	return &Ring{vault: v, shelf: s, current: map[string]*vault.Vault{}}
}

// ID is the id of a key.
func ID(class, period string) string { return class + "/" + period }

// Of returns the period of a class that holds a moment.
func Of(class string, at time.Time) string {
	if class == Roster {
		return at.UTC().Format("2006")
	}
	return at.UTC().Format("2006-01")
}

// End returns the first moment after a period in the form of [Of], with or without a number; ok is false for other texts.
func End(period string) (end time.Time, ok bool) {
	period, _, _ = strings.Cut(period, "+")
	if t, err := time.Parse("2006-01", period); err == nil {
		return t.AddDate(0, 1, 0), true
	}
	if t, err := time.Parse("2006", period); err == nil {
		return t.AddDate(1, 0, 0), true
	}
	return time.Time{}, false
}

// Again is the period under which what outlives the given one is sealed.
func Again(period string) string {
	base, text, _ := strings.Cut(period, "+")
	n, _ := strconv.Atoi(text) // 0 for a first time
	return base + "+" + strconv.Itoa(n+1)
}

// Current returns the period of a class that holds the moment, with its key, which is durable on return.
func (r *Ring) Current(ctx context.Context, class string, at time.Time) (string, *vault.Vault, error) {
	p := Of(class, at)
	id := ID(class, p)
	r.mu.Lock()
	defer r.mu.Unlock()
	if v := r.current[id]; v != nil {
		return p, v, nil
	}
	v, err := r.Make(ctx, id)
	if err != nil {
		return "", nil, err
	}
	for old := range r.current {
		if strings.HasPrefix(old, class+"/") {
			delete(r.current, old)
		}
	}
	r.current[id] = v
	return p, v, nil
}

// Make returns the key of an id, which is made if there is none.
func (r *Ring) Make(ctx context.Context, id string) (*vault.Vault, error) {
	there, err := r.shelf.Key(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("the key of the period %s: %w", id, err)
	}
	if there == nil {
		line, err := vault.GenerateKey()
		if err != nil {
			return nil, err
		}
		sealed, err := r.vault.Seal(nil, purpose, id, []byte(line))
		if err != nil {
			return nil, err
		}
		if there, err = r.shelf.KeepKey(ctx, id, sealed); err != nil {
			return nil, fmt.Errorf("the key of the period %s: %w", id, err)
		}
	}
	return r.unseal(id, there)
}

// Open returns the key of an id.
func (r *Ring) Open(ctx context.Context, id string) (*vault.Vault, error) {
	sealed, err := r.shelf.Key(ctx, id)
	if err == nil && sealed == nil {
		err = errors.New("there is none")
	}
	if err != nil {
		return nil, fmt.Errorf("the key of the period %s: %w", id, err)
	}
	return r.unseal(id, sealed)
}

func (r *Ring) unseal(id string, sealed []byte) (*vault.Vault, error) {
	line, err := r.vault.Open(purpose, id, sealed)
	if err != nil {
		return nil, fmt.Errorf("the key of the period %s: %w", id, err)
	}
	return vault.Parse(line)
}
