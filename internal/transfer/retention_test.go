package transfer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/store/retention"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// TestRetentionAndBooks: when a year is destroyed, the book has nothing of its ordinals but of those who are kept. The next run sends everybody who may be sent, as new, and withdraws nobody whom
// nobody can name any more; who is kept and gone is withdrawn by letter, for the place of their record is not known any more. Then the comparison goes on as ever.
func TestRetentionAndBooks(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.comparing()
		first, all := r.sent()
		gone, claimed, blocked, left := all[5], all[60], all[99], all[120]
		r.exec("DELETE FROM profiles WHERE iin = ?", left)
		if report, _ := r.sent(); report.Withdrawn != 1 || !slices.Equal(r.tell(), []string{left}) {
			r.Fatalf("%d withdrawn", report.Withdrawn)
		}
		rejected, _ := r.known(all[7])
		_, err := r.store.DB().Exec("INSERT INTO retry (id, origin, code, body, entered, actor, reason) VALUES ($1, $1, '', $2, 1, 'clerk', 'test')", first.ID.String(),
			fmt.Sprintf(`{"after":"QQ==","records":[{"message":%q,"index":0,"ordinal":%d,"key":"Qg=="}]}`, record.NewID(), rejected[0]))
		r.must(err)
		r.keys(1, 1)
		r.exec("DELETE FROM profiles WHERE iin IN (?, ?)", gone, claimed)
		r.block(blocked)
		ros, err := r.engine.Roster()
		r.must(err)
		tag, at := ros.TagOf([]byte(claimed)), r.clock.now()
		r.must(r.store.OpenDuty(r.Context(), at, store.Duty{ID: record.NewID().String(), Kind: "claim", Opened: at, Due: at}, &tag, &transferlog.Act{Actor: "clerk", Act: "duty.open"}))
		kept, _ := r.known(claimed, blocked)

		r.until(time.Date(2027, 6, 1, 6, 0, 0, 0, time.UTC))
		over := time.Date(2028, 1, 2, 6, 0, 0, 0, time.UTC) // the year is taken to be over, and the calendar of working days has the present one
		job := retention.Job{Store: r.store, Roster: r.engine.Roster, Now: over, Disclosures: 1, Refusals: 1, Pseudonyms: 1, Actor: "clerk", Reason: "test"}
		steps, err := job.Run(r.Context())
		r.must(err)
		done := map[string]retention.Step{}
		for _, s := range steps {
			done[s.Class+" "+s.Period] = s
		}
		if s := done["roster 2026"]; s.Sets < len(all) || s.Kept != 2 || done["disclosure 2026-11"].Kept != 2 {
			r.Errorf("what was destroyed: %+v", steps)
		}
		if held, _ := r.booked(); !slices.Equal(held, kept) {
			r.Errorf("the book has %d people of the destroyed year, not the %d who are kept", len(held), len(kept))
		}
		r.keys(0, 0)
		if _, ever := r.known(gone, left, all[7]); len(ever) > 0 {
			r.Error("people of the destroyed year are found")
		}

		report, got := r.sent()
		if report.Totals.Unchanged != 0 || len(got) < len(all)/2 || slices.Contains(got, blocked) || report.Withdrawn != 1 {
			r.Errorf("the first run: %d sent, %d withdrawn: %s %s %s", len(got), report.Withdrawn, report.Status, report.Message, report.Totals)
		}
		list, err := notices.All(r.Context(), r.store)
		r.must(err)
		list = slices.DeleteFunc(list, func(n notices.Notice) bool { return !n.Letter })
		if len(list) != 1 || len(list[0].Records) != 1 || list[0].Records[0].Index >= 0 || !slices.Contains(kept, list[0].Records[0].Ordinal) {
			r.Errorf("letters owed: %+v", list)
		}
		now, _ := r.known(append(slices.Clone(got), blocked)...)
		if held, stale := r.booked(); !slices.Equal(held, now) || stale != 1 {
			r.Errorf("the book has %d people, %d of them to be sent again; %d were sent, and one is blocked", len(held), stale, len(got))
		}
		if report, again := r.sent(); len(again) > 0 || report.Withdrawn != 0 || report.Totals.Unchanged != len(got) {
			r.Errorf("the second run: %d sent, %d withdrawn: %s", len(again), report.Withdrawn, report.Totals)
		}
		r.rename("Сейітов", got[0], got[1])
		r.exec("DELETE FROM profiles WHERE iin = ?", got[2])
		report, again := r.sent()
		if same(r, "who has changed", again, got[:2]); report.Withdrawn != 1 || len(r.tell()) != 2 || !slices.Contains(r.tell(), got[2]) {
			r.Errorf("%d withdrawn", report.Withdrawn)
		}
		r.unblock(blocked)
		_, again = r.sent()
		same(r, "the block has ended", again, []string{blocked})
	})
}

// keys demands that so many notices and retries name a key of an account.
func (r *rig) keys(inNotices, inRetries int) {
	r.Helper()
	list, err := notices.All(r.Context(), r.store)
	r.must(err)
	named, again := 0, 0
	for _, n := range list {
		for _, x := range n.Records {
			if len(x.Key)+len(x.Before) > 0 {
				named++
			}
		}
	}
	r.must(r.store.DB().Get(&again, "SELECT count(*) FROM retry WHERE body LIKE '%Qg==%' OR body LIKE '%QQ==%'"))
	if named != inNotices || again != inRetries {
		r.Errorf("%d records of notices and %d retries have keys of accounts", named, again)
	}
}
