package period

import (
	"context"
	"errors"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/vault"
)

// shelf keeps keys in memory; an empty one was destroyed.
type shelf map[string][]byte

func (s shelf) Key(_ context.Context, id string) ([]byte, error) {
	b, ok := s[id]
	if ok && len(b) == 0 {
		return nil, ErrDestroyed
	}
	return b, nil
}

func (s shelf) KeepKey(ctx context.Context, id string, sealed []byte) ([]byte, error) {
	if _, ok := s[id]; !ok {
		s[id] = sealed
	}
	return s.Key(ctx, id)
}

func newVault(t *testing.T) *vault.Vault {
	t.Helper()
	line, err := vault.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Parse([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPeriods(t *testing.T) {
	at := time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)
	for class, want := range map[string]string{Disclosure: "2026-12", Refusal: "2026-12", Roster: "2026"} {
		p := Of(class, at.In(time.FixedZone("", 5*3600))) // already 2027 there
		end, ok := End(p)
		if p != want || !ok || !end.Equal(at.Add(time.Second)) {
			t.Errorf("%s: %s ends %s, %v", class, p, end, ok)
		}
	}
	for _, bad := range []string{"", "2026-13", "26", "2026-1", "2026-01-01"} {
		if _, ok := End(bad); ok {
			t.Errorf("%q is taken for a period", bad)
		}
	}
}

// TestKeysAreMadeOnce: every ring of a shelf gets the same key; one that was destroyed does not come back.
func TestKeysAreMadeOnce(t *testing.T) {
	ctx, at, v, s := t.Context(), time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), newVault(t), shelf{}
	one, other := NewRing(v, s), NewRing(v, s)
	in, a, err := one.Current(ctx, Disclosure, at)
	if err != nil || in != "2026-09" {
		t.Fatal(in, err)
	}
	sealed, err := a.Seal(nil, Disclosure, "m1", []byte("people"))
	if err != nil {
		t.Fatal(err)
	}
	_, b, err := other.Current(ctx, Disclosure, at)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := b.Open(Disclosure, "m1", sealed); err != nil || string(plain) != "people" {
		t.Fatalf("another ring does not open it: %v", err)
	}
	if _, c, err := other.Current(ctx, Disclosure, at.AddDate(0, 1, 0)); err != nil {
		t.Fatal(err)
	} else if _, err := c.Open(Disclosure, "m1", sealed); !errors.Is(err, vault.ErrOpen) {
		t.Fatalf("the next month's key opens it: %v", err)
	}
	if _, err := NewRing(newVault(t), s).Open(ctx, ID(Disclosure, in)); !errors.Is(err, vault.ErrOpen) {
		t.Errorf("another vault opens the key: %v", err)
	}
	if _, err := one.Open(ctx, ID(Refusal, in)); err == nil || errors.Is(err, ErrDestroyed) {
		t.Errorf("a key that never was: %v", err)
	}
	s[ID(Disclosure, in)] = nil
	for name, f := range map[string]func() error{
		"opened": func() error { _, err := one.Open(ctx, ID(Disclosure, in)); return err },
		"made":   func() error { _, err := one.Make(ctx, ID(Disclosure, in)); return err },
		"used":   func() error { _, _, err := NewRing(v, s).Current(ctx, Disclosure, at); return err },
	} {
		if err := f(); !errors.Is(err, ErrDestroyed) {
			t.Errorf("a destroyed key is %s: %v", name, err)
		}
	}
}
