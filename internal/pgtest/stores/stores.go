// Package stores makes stores of the service for tests: with their schema and nothing in them, of either kind, opened as their owner or as the service.
package stores

import (
	"crypto/rand"
	"path/filepath"
	"testing"

	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Empty is a store of its own, with a log that nobody has written to.
type Empty struct {
	Kind store.Kind
	// Owner and Service are the data source names of the schema's owner and of the role almasu_service. On SQLite they are one.
	Owner, Service string

	tb     testing.TB
	secret string // of the log
}

// New makes a store. It skips the test where PostgreSQL is asked for and is not installed (see package pgtest).
func New(tb testing.TB, kind store.Kind) *Empty {
	tb.Helper()
	secret, _, err := transferlog.GenerateKey(rand.Reader, "birgeoqy.kz/almasu/log")
	if err != nil {
		tb.Fatal(err)
	}
	e := &Empty{Kind: kind, tb: tb, secret: secret}
	e.Owner = filepath.Join(tb.TempDir(), "almasu.db")
	e.Service = e.Owner
	statements := []string{}
	if kind == store.Postgres {
		pg := pgtest.New(tb)
		e.Owner, e.Service = pg.DSN, pg.Cluster.DSNFor(pg.Name, "almasu_service")
		statements = []string{store.Roles, "ALTER ROLE almasu_service LOGIN"}
	}
	s := e.Open(e.Owner)
	_, err = s.Migrate(tb.Context())
	for _, one := range statements {
		if err == nil {
			_, err = s.DB().Exec(one)
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// OnBoth runs f on a store of each kind.
func OnBoth(t *testing.T, f func(t *testing.T, e *Empty)) {
	for _, kind := range []store.Kind{store.SQLite, store.Postgres} {
		t.Run(string(kind), func(t *testing.T) { f(t, New(t, kind)) })
	}
}

// Open opens the store once more, as another process would, until the test ends.
func (e *Empty) Open(dsn string) *store.Store {
	e.tb.Helper()
	log, err := transferlog.New(e.secret)
	if err != nil {
		e.tb.Fatal(err)
	}
	s, err := store.Open(e.Kind, dsn, log)
	if err != nil {
		e.tb.Fatal(err)
	}
	e.tb.Cleanup(func() { _ = s.Close() })
	return s
}
