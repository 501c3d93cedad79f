package marks_test

import (
	"reflect"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/pgtest/stores"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/marks"
	"birgeoqy.kz/almasu/internal/transfer/candidates"
)

// TestRows keeps and forgets, on both stores; on PostgreSQL as the service's role, which may do just that.
func TestRows(t *testing.T) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		s := e.Open(e.Service)
		if _, err := s.DB().Exec("DELETE FROM mark"); err == nil && e.Kind == store.Postgres {
			t.Error("the service deletes marks, and their versions with them")
		}
		ctx, rows := t.Context(), marks.Rows{DB: s.DB()}
		expect := func(what, connector string, want candidates.Mark) {
			t.Helper()
			got, err := rows.Mark(ctx, connector, "r")
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, %v, want %+v", what, got, err, want)
			}
		}
		expect("nothing", "a", candidates.Mark{})
		must(rows.Keep(ctx, "a", "r", candidates.Mark{Horizon: "h"}))
		expect("kept without a row, whose version nobody could have counted up", "a", candidates.Mark{})
		first, err := rows.Forget(ctx, "a", "r")
		must(err)
		expect("forgotten", "a", first)
		kept := candidates.Mark{Version: 1, Horizon: "pg1:5:a:b:c:d", Scope: candidates.Scope{"register x", "blocks 7"}, Full: time.UnixMicro(1_790_000_000_000_001).UTC()}
		must(rows.Keep(ctx, "a", "r", kept))
		expect("kept", "a", kept)
		expect("of another connector", "b", candidates.Mark{})
		must(marks.Forget(ctx, s.DB(), "a", "r"))
		must(marks.Forget(ctx, s.DB(), "b", "r"))
		expect("forgotten by somebody else", "a", candidates.Mark{Version: 2})
		expect("nothing to forget", "b", candidates.Mark{})
		must(rows.Keep(ctx, "a", "r", kept))
		expect("kept under an older version", "a", candidates.Mark{Version: 2})
		for _, c := range []string{"a", "b"} {
			m, err := rows.Forget(ctx, c, "r")
			must(err)
			must(rows.Keep(ctx, c, "r", candidates.Mark{Version: m.Version, Horizon: "h"}))
		}
		must(marks.ForgetAll(ctx, s.DB()))
		expect("all forgotten", "a", candidates.Mark{Version: 4})
		expect("all forgotten", "b", candidates.Mark{Version: 2})
	})
}
