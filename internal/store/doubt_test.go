package store

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

// TestNothingIsLoggedInDoubt: a store that may be older than what its recipients know logs nothing, whoever asks: it would fork its log. What only waits is entered.
func TestNothingIsLoggedInDoubt(t *testing.T) {
	onBoth(t, func(r *rig) {
		ctx := t.Context()
		r.s.SimulateTime()
		begun := r.begin("pupils", ministry)
		waits := waitingRow("a", start)
		r.must(r.s.Enter(ctx, r.now, waits))
		_, err := r.s.Append(ctx, r.tick(), &transferlog.Act{Actor: "a", Act: "test"})
		r.must(err)
		size := func() (n int) {
			t.Helper()
			r.must(r.s.DB().Get(&n, "SELECT count(*) FROM log_entry"))
			return n
		}
		before := size()
		r.must(r.s.InTx(ctx, func(tx *sqlx.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE log_head SET restored = restored + 1 WHERE id = 1")
			return err
		}))
		missed := scheduler.Due{Job: "a", At: start.Add(time.Hour), Cause: scheduler.CauseSchedule, State: scheduler.StateMissed, Reason: "test", Actor: "schedule"}
		claimed := r.claim("w", "", start)
		if claimed == nil {
			t.Fatal("nothing to claim")
		}
		claimed.Reason = "it could not begin"
		for what, do := range map[string]func() error{
			"a missed run":    func() error { return r.s.Enter(ctx, r.now, missed) },
			"a run that ends": func() error { return r.s.Keep(ctx, "w", claimed, scheduler.StateMissed, start) },
			"a pause":         func() error { return r.s.Pause(ctx, r.now, "b", "a", "test") },
			"a skip":          func() error { return r.s.Skip(ctx, r.now, "b", start.Add(48*time.Hour), "a", "test") },
			"a part":          func() error { return r.s.Record(ctx, r.now, r.work(begun, r.part(begun, 1, 0, 3, 0))) },
			"a report":        func() error { return r.s.Finish(ctx, r.now, &transfer.Report{Transfer: begun}) },
			"an act":          func() error { _, err := r.s.Append(ctx, r.now, &transferlog.Act{Actor: "a", Act: "test"}); return err },
		} {
			if err := do(); record.CodeOf(err) != "restore.not_compared" {
				t.Errorf("%s: %v", what, err)
			}
		}
		r.must(r.s.Enter(ctx, r.now, waitingRow("c", start)))
		if after := size(); after != before {
			t.Errorf("the log has grown from %d to %d entries", before, after)
		}
		if got := r.states("a"); !slices.Equal(got, []string{start.Format("15:04") + " running"}) {
			t.Errorf("the rows are %v", got)
		}
	})
}

// TestWithdraw takes a row back that waits, with an entry of the log, and leaves one that another process has claimed.
func TestWithdraw(t *testing.T) {
	onBoth(t, func(r *rig) {
		ctx := t.Context()
		r.s.SimulateTime()
		rows := []scheduler.Due{{Job: "a", At: start, Cause: scheduler.CauseRunNow, State: scheduler.StateWaiting, Actor: "clerk"}, {Job: "a", At: start, Cause: scheduler.CauseRunNow, State: scheduler.StateWaiting, Actor: "clerk"}}
		r.must(r.s.Enter(ctx, r.now, rows...))
		if !rows[0].At.Equal(start) || !rows[1].At.After(start) {
			t.Fatalf("the rows stand at %v and %v", rows[0].At, rows[1].At)
		}
		if d := r.claim("w", "", start.Add(time.Second)); d == nil || !d.At.Equal(start) {
			t.Fatalf("claimed %+v", d)
		}
		for i, want := range []bool{false, true} {
			done, err := r.s.Withdraw(ctx, r.tick(), &rows[i], "another run was under way")
			if err != nil || done != want {
				t.Errorf("row %d: withdrawn %v, %v", i, done, err)
			}
		}
		if done, err := r.s.Withdraw(ctx, r.tick(), &rows[1], "again"); done || err != nil {
			t.Errorf("withdrawn twice: %v, %v", done, err)
		}
		acts := r.acts()
		if len(acts) != 1 || !strings.HasPrefix(acts[0], "run.missed a ") || !strings.HasSuffix(acts[0], ": another run was under way") {
			t.Errorf("the log says %v", acts)
		}
		if err := r.s.Keep(ctx, "w", &rows[1], scheduler.StateDone, r.tick()); !errors.Is(err, scheduler.ErrLost) {
			t.Errorf("a row that was withdrawn is kept: %v", err)
		}
	})
}
