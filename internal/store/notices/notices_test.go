package notices

import (
	"slices"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/pgtest/stores"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transfer/telling"
	"birgeoqy.kz/almasu/internal/transferlog"
)

var start = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

func onBoth(t *testing.T, f func(t *testing.T, s *store.Store)) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) { f(t, e.Open(e.Owner)) })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func owed(act notice.Act, letter bool) Notice {
	return Notice{Letter: letter, Subject: "4,9", Opened: start, Due: start.Add(24 * time.Hour),
		Transfer: transfer.Transfer{ID: record.NewID(), Connector: "c", Route: "r", Recipient: "010140000005", Trigger: transfer.RunNow, Due: start, Started: start, Actor: "clerk", Reason: "letter 5"},
		Notice: telling.Notice{Act: act, Rule: "BLK-4", Why: "unlawful", Records: []telling.Record{
			{Message: record.NewID(), Envelope: record.DigestOf([]byte("e")), Index: 7, Ordinal: 4, Key: []byte{0, 1}, Fields: []string{"phone"}}}}}
}

// TestEntered: what is entered reads back, its transfer is one that is not closed, a letter has none, and the log says both.
func TestEntered(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		a, b := owed(notice.Destroy, false), owed(notice.Correct, true)
		both := []Notice{a, b}
		must(t, Enter(ctx, s, start, both))
		must(t, Enter(ctx, s, start, nil))
		got, err := Of(ctx, s, a.Transfer.ID)
		must(t, err)
		if got == nil || got.Act != notice.Destroy || got.Letter || got.Subject != "4,9" || !got.Due.Equal(a.Due) || got.Outcome != "" || len(got.Records) != 1 {
			t.Fatalf("%+v", got)
		}
		if r := got.Records[0]; r.Message != a.Records[0].Message || r.Index != 7 || r.Ordinal != 4 || !slices.Equal(r.Key, []byte{0, 1}) || !slices.Equal(r.Fields, []string{"phone"}) {
			t.Errorf("%+v", r)
		}
		if none, err := Of(ctx, s, record.NewID()); err != nil || none != nil {
			t.Errorf("%+v %v", none, err)
		}
		all, err := All(ctx, s)
		must(t, err)
		if len(all) != 2 {
			t.Fatalf("%d notices", len(all))
		}
		unclosed, err := s.Unclosed(ctx, "c")
		must(t, err)
		if len(unclosed) != 1 || unclosed[0].ID != a.Transfer.ID || unclosed[0].Reason != "letter 5" {
			t.Errorf("%+v", unclosed)
		}
		entries, err := s.Entries(ctx, 0, 10)
		must(t, err)
		if len(entries) != 2 {
			t.Fatalf("%d entries", len(entries))
		}
		for i, way := range []string{"notice", "letter"} {
			e, err := transferlog.Decode(entries[i])
			must(t, err)
			if act, ok := e.(*transferlog.Act); !ok || act.Act != "notice.enter" || act.Object != string(both[i].Act)+" "+both[i].Transfer.ID.String()+" by "+way+" to 010140000005, 1 records, ordinals 4,9" {
				t.Errorf("%s", entries[i])
			}
		}
	})
}

// TestUnblock: the block is lifted and its consequences are entered together, or neither.
func TestUnblock(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		tag, n := roster.Tag{1}, owed(notice.Destroy, false)
		lift := func(list []Notice) error {
			return Unblock(ctx, s, start, tag, "unlawful", &transferlog.Block{Act: "unblock", Subject: 4, Reason: "unlawful"}, list)
		}
		if err := lift([]Notice{n}); err == nil {
			t.Error("nobody was blocked")
		}
		if all, err := All(ctx, s); err != nil || len(all) != 0 {
			t.Errorf("%d notices of a block that is not lifted, %v", len(all), err)
		}
		must(t, s.Block(ctx, start, store.Block{ID: record.NewID(), Tag: tag, Requester: "user", Reason: "r", Received: start}, &transferlog.Block{Act: "block", Subject: 4, Requester: "user", Reason: "r"}))
		if err := lift([]Notice{n, n}); err == nil {
			t.Error("one notice twice")
		}
		if _, blocked, err := s.Blocked(ctx); err != nil || len(blocked) != 1 {
			t.Errorf("%d blocked, %v: the block is lifted without its consequences", len(blocked), err)
		}
		must(t, lift([]Notice{n}))
		_, blocked, err := s.Blocked(ctx)
		must(t, err)
		if all, err := All(ctx, s); err != nil || len(all) != 1 || len(blocked) != 0 {
			t.Errorf("%d notices, %d blocked, %v", len(all), len(blocked), err)
		}
	})
}
