package lines_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/lines"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

const ministry = "351240000020"

// TestBook keeps, replaces and lifts, on both stores; on PostgreSQL as the service's role, which may do just that.
func TestBook(t *testing.T) {
	for _, kind := range []store.Kind{store.SQLite, store.Postgres} {
		t.Run(string(kind), func(t *testing.T) {
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			secret, _, err := note.GenerateKey(nil, "birgeoqy.kz/almasu/log")
			must(err)
			log, err := transferlog.New(secret)
			must(err)
			dsn := filepath.Join(t.TempDir(), "almasu.db")
			var pg *pgtest.Database
			if kind == store.Postgres {
				pg = pgtest.New(t)
				dsn = pg.DSN
			}
			s, err := store.Open(kind, dsn, log)
			must(err)
			defer s.Close()
			_, err = s.Migrate(t.Context())
			must(err)
			if kind == store.Postgres {
				_, err = s.DB().Exec(store.Roles)
				must(err)
				_, err = s.DB().Exec("ALTER ROLE almasu_service LOGIN")
				must(err)
				as, err := store.Open(kind, pg.Cluster.DSNFor(pg.Name, "almasu_service"), log)
				must(err)
				defer as.Close()
				if _, err := as.DB().Exec("DELETE FROM line"); err == nil {
					t.Error("the service deletes lines")
				}
				s = as
			}
			book, at := lines.Book{Store: s}, time.UnixMicro(1_790_000_000_000_000).UTC()
			if l, err := book.Line(t.Context(), ministry); err != nil || l != (transfer.Line{Recipient: ministry, State: transfer.LineUp}) {
				t.Errorf("%+v %v", l, err)
			}
			for _, l := range []transfer.Line{
				{Recipient: ministry, State: transfer.LineDown, Code: "delivery.timeout", Since: at},
				{Recipient: ministry, State: transfer.LineHalted, Code: "log.inconsistent", Since: at, Connector: "pupils", Message: record.NewID()},
			} {
				if l.State == transfer.LineHalted {
					if err := book.Lift(t.Context(), at, ministry); !errors.Is(err, lines.ErrNotHalted) {
						t.Errorf("lifted what is not halted: %v", err)
					}
				}
				must(book.SetLine(t.Context(), l))
				if got, err := book.Line(t.Context(), ministry); err != nil || got != l {
					t.Errorf("%+v was kept as %+v, %v", l, got, err)
				}
			}
			if err := book.SetLine(t.Context(), transfer.Line{Recipient: ministry, State: transfer.LineHalted, Since: at}); err == nil {
				t.Error("a halt by no message was kept")
			}
			must(book.Lift(t.Context(), at.Add(time.Hour), ministry))
			all, err := book.All(t.Context())
			if want := (transfer.Line{Recipient: ministry, State: transfer.LineUp, Since: at.Add(time.Hour)}); err != nil || len(all) != 1 || all[0] != want {
				t.Errorf("%+v %v", all, err)
			}
		})
	}
}
