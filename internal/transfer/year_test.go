package transfer_test

import (
	"slices"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/leaving"
	"birgeoqy.kz/almasu/internal/store/refresh"
	reads "birgeoqy.kz/almasu/internal/transfer/candidates"
)

// until lets time pass.
func (r *rig) until(at time.Time) {
	r.Helper()
	if !at.After(r.clock.now()) {
		r.Fatal("time does not go back")
	}
	r.clock.add(at.Sub(r.clock.now()))
}

// booked lists the ordinals of whom the recipient holds something, ascending, and counts those of them who are to be sent again.
func (r *rig) booked() (ordinals []uint32, stale int) {
	r.Helper()
	recipient := r.register.Recipient(r.register.Route(connector).Recipient).BIN
	r.must(leaving.New(r.store, r.engine.Roster).Each(r.Context(), connector, recipient, nil, func(e delta.Entry) bool {
		ordinals = append(ordinals, e.Ordinal)
		if e.Digest == delta.Stale {
			stale++
		}
		return true
	}))
	return ordinals, stale
}

// known lists the ordinals of the present year of people, and those of any year.
func (r *rig) known(iins ...string) (now, ever []uint32) {
	r.Helper()
	ros, err := r.engine.Roster()
	r.must(err)
	for _, iin := range iins {
		all, err := ros.Find(r.Context(), []byte(iin))
		r.must(err)
		if len(all) > 0 {
			now, ever = append(now, all[len(all)-1]), append(ever, all...)
		}
	}
	slices.Sort(now)
	slices.Sort(ever)
	return now, ever
}

// TestFirstRunOfAYear: people have new ordinals, so everybody is sent once more, and the book is of these ordinals then; who is gone since the last run of the old year is withdrawn at
// once by the record that they had, and who may not be sent any more by the run that follows, which compares everybody. Nobody is withdrawn twice, or for having another ordinal.
func TestFirstRunOfAYear(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.comparing()
		r.until(time.Date(2026, 12, 30, 6, 0, 0, 0, time.UTC))
		_, all := r.sent()
		if _, got := r.sent(); len(got) > 0 {
			r.Fatalf("%d people were sent again in the old year", len(got))
		}
		gone, closed, blocked := all[5], all[60], all[99]
		r.exec("DELETE FROM profiles WHERE iin = ?", gone)
		r.closeAccount(closed)
		r.block(blocked)
		r.until(time.Date(2027, 1, 1, 3, 0, 0, 0, time.UTC))
		rest := slices.DeleteFunc(slices.Clone(all), func(iin string) bool { return iin == gone || iin == closed || iin == blocked })

		report, got := r.sent()
		same(r, "the first run of the year", got, slices.Clone(rest))
		if named := r.tell(); report.Withdrawn != 1 || !slices.Equal(named, []string{gone}) {
			r.Errorf("the first run: %d withdrawn, %d named", report.Withdrawn, len(named))
		}
		report, got = r.sent()
		same(r, "the second", got, nil)
		want := []string{gone, closed}
		slices.Sort(want)
		if named := r.tell(); report.Withdrawn != 1 || !slices.Equal(named, want) {
			r.Errorf("the second run: %d withdrawn, %d named in all", report.Withdrawn, len(named))
		}
		now, _ := r.known(append(rest, blocked)...)
		if held, stale := r.booked(); !slices.Equal(held, now) || stale != 1 {
			r.Errorf("the book has %d people, %d stale; %d are sent, and one is blocked", len(held), stale, len(rest))
		}
		r.unblock(blocked)
		report, got = r.sent()
		if same(r, "the block has ended", got, []string{blocked}); report.Withdrawn != 0 {
			r.Errorf("%d withdrawn when a block has ended", report.Withdrawn)
		}
		if report, got = r.sent(); len(got) > 0 || report.Withdrawn > 0 || len(r.tell()) != 2 {
			r.Errorf("then %d are sent and %d withdrawn", len(got), report.Withdrawn)
		}
	})
}

// TestBackfillOfLastYear: who was sent last year is sent again under the ordinals of this year, each once.
func TestBackfillOfLastYear(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.comparing()
		r.until(time.Date(2026, 12, 30, 6, 0, 0, 0, time.UTC))
		_, all := r.sent()
		r.until(time.Date(2026, 12, 31, 6, 0, 0, 0, time.UTC))
		r.rename("Сейітов", all[:9]...)
		r.sent()
		r.until(time.Date(2027, 1, 3, 6, 0, 0, 0, time.UTC))
		_, got := r.sent()
		same(r, "the first run of the year", got, slices.Clone(all))
		ros, err := r.engine.Roster()
		r.must(err)
		w := refresh.Wish{Connector: connector, Recipient: r.register.Recipient(r.register.Route(connector).Recipient).BIN, Since: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
			Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Actor: "tester", Reason: "letter no. 1"}
		wish, err := refresh.Enter(r.Context(), r.store, ros, r.clock.now(), w)
		r.must(err)
		if wish.Again || wish.People != 9 {
			r.Errorf("%d people are to be sent again", wish.People)
		}
		_, got = r.sent()
		same(r, "the backfill", got, slices.Clone(all[:9]))
		if _, got = r.sent(); len(got) > 0 {
			r.Errorf("%d people were sent a third time", len(got))
		}
		if _, err = refresh.Enter(r.Context(), r.store, ros, r.clock.now(), w); record.CodeOf(err) != "refresh.done" {
			r.Errorf("the same once more: %v", err)
		}
		w.Reason = "letter no. 2"
		if wish, err = refresh.Enter(r.Context(), r.store, ros, r.clock.now(), w); err != nil || wish.Again || wish.People != 9 {
			r.Errorf("for another reason: %+v, %v", wish, err)
		}
	})
}

// TestFirstCandidatesOfAYear: where candidates are compared, the first run of the year does not let the second read fewer than everybody while the book says that somebody is to be sent again.
func TestFirstCandidatesOfAYear(t *testing.T) {
	r := newRig(t, store.SQLite)
	r.candidates()
	r.until(time.Date(2026, 12, 30, 6, 0, 0, 0, time.UTC))
	_, all := r.sent()
	r.exec("UPDATE accounts SET state = 'erased', state_since = '2026-11-01T00:00:00Z' WHERE user_id = (SELECT id FROM profiles WHERE iin = $1)", all[7])
	r.until(time.Date(2027, 1, 1, 3, 0, 0, 0, time.UTC))
	report, got := r.sent()
	r.mode("the first of the year", reads.Day, report)
	same(r, "the first of the year", got, append(slices.Clone(all[:7]), all[8:]...))
	report = r.compared("the second", reads.First, people)
	if named := r.tell(); report.Withdrawn != 1 || !slices.Equal(named, all[7:8]) {
		t.Errorf("the second: %d withdrawn, %d named", report.Withdrawn, len(named))
	}
	r.compared("the third", "", 0)
}
