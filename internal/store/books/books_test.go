package books_test

import (
	"crypto/rand"
	"path/filepath"
	"testing"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/books"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
)

func open(t *testing.T, kind store.Kind) *store.Store {
	t.Helper()
	secret, _, err := transferlog.GenerateKey(rand.Reader, "almasu.example/books")
	must(t, err)
	log, err := transferlog.New(secret)
	must(t, err)
	dsn := filepath.Join(t.TempDir(), "almasu.db")
	if kind == store.Postgres {
		dsn = pgtest.New(t).DSN
	}
	s, err := store.Open(kind, dsn, log)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	_, err = s.Migrate(t.Context())
	must(t, err)
	line, err := vault.GenerateKey()
	must(t, err)
	v, err := vault.Parse([]byte(line))
	must(t, err)
	s.Protect(v)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestBooks: what is struck is held by nobody, what is spoilt is stale with one recipient, and a doubt makes stale what everybody holds; nothing else changes.
func TestBooks(t *testing.T) {
	for _, kind := range []store.Kind{store.SQLite, store.Postgres} {
		t.Run(string(kind), func(t *testing.T) {
			s := open(t, kind)
			db, d := s.Books(), delta.Digest{7}
			held := func(connector string) map[uint32]delta.Digest {
				out := map[uint32]delta.Digest{}
				must(t, db.Each(t.Context(), connector, "r", nil, func(e delta.Entry) bool { out[e.Ordinal] = e.Digest; return true }))
				return out
			}
			apply := func(list ...delta.Entry) {
				t.Helper()
				must(t, s.InTx(t.Context(), func(tx *sqlx.Tx) error {
					for _, connector := range []string{"a", "b"} {
						p := books.Pages{DB: tx, Connector: connector, Recipient: "r"}
						if err := delta.Apply(t.Context(), p, s.Vault(), delta.Name(connector, "r"), list); err != nil {
							return err
						}
					}
					return nil
				}))
			}
			recent := func() (pages int) {
				t.Helper()
				must(t, s.DB().Get(&pages, "SELECT count(*) FROM held WHERE length(recent) > 0"))
				return pages
			}
			apply(delta.Entry{Ordinal: 1, Digest: d}, delta.Entry{Ordinal: 2, Digest: d}, delta.Entry{Ordinal: 9001, Digest: delta.Digest{6}})
			if n := recent(); n != 0 {
				t.Errorf("%d new pages have recent digests", n)
			}
			apply(delta.Entry{Ordinal: 9000, Digest: d}, delta.Entry{Ordinal: 9001, Digest: d}, delta.Entry{Ordinal: 2, Digest: d})
			if n := recent(); n != 2 {
				t.Errorf("%d pages have recent digests, of two of which few have changed", n)
			}
			if n, err := db.Count(t.Context(), "a", "r"); n != 4 || err != nil {
				t.Errorf("%d people, %v", n, err)
			}
			must(t, s.InTx(t.Context(), func(tx *sqlx.Tx) error { return books.Strike(t.Context(), tx, s.Vault(), []uint32{2, 77, 9001}) }))
			if n := recent(); n != 0 {
				t.Errorf("%d pages have recent digests, though they were written whole", n)
			}
			apply(delta.Entry{Ordinal: 9000, Digest: d})
			must(t, db.Spoil(t.Context(), "b", "r"))
			if n := recent(); n != 2 {
				t.Errorf("%d pages have recent digests, one of which is stale", n)
			}
			for connector, want := range map[string]delta.Digest{"a": d, "b": delta.Stale} {
				if got := held(connector); len(got) != 2 || got[1] != want || got[9000] != want {
					t.Errorf("%s holds %v", connector, got)
				}
			}
			n := 0
			must(t, db.Each(t.Context(), "a", "r", nil, func(delta.Entry) bool { n++; return false }))
			if n != 1 {
				t.Errorf("%d people after it was to stop", n)
			}
			must(t, s.InTx(t.Context(), func(tx *sqlx.Tx) error { return books.Doubt(t.Context(), tx) }))
			if got := held("a"); len(got) != 2 || got[1] != delta.Stale {
				t.Errorf("in doubt, a holds %v", got)
			}
		})
	}
}
