package lines_test

import (
	"errors"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/pgtest/stores"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/lines"
	"birgeoqy.kz/almasu/internal/transfer"
)

const ministry = "351240000020"

// TestBook keeps, replaces and lifts, on both stores; on PostgreSQL as the service's role, which may do just that.
func TestBook(t *testing.T) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		s := e.Open(e.Service)
		if _, err := s.DB().Exec("DELETE FROM line"); err == nil && e.Kind == store.Postgres {
			t.Error("the service deletes lines")
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
