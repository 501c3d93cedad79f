package kill

import (
	"encoding/json"
	"testing"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/scheduler"
)

// The points around a hold: a run that has been judged, and one that has just been held; an approval that is durable, and a run that is let go of and has not begun.
var (
	holding   = []string{"judged", "held"}
	releasing = []string{"hold.approved", "approved", "due.named", "begun", "intent.committed", "answered"}
)

// TestKilledAroundAHold kills almasu between a plan and its hold, and between the approval and the end of what it lets go: nothing is sent before the approval, whatever is
// killed, and after it everybody once.
func TestKilledAroundAHold(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn func() string) {
		w := newWorld(t, tagged, dsn(), pointPeople, pointBatch)
		w.edit("almasu.yaml", "    mapping: mapping/"+connector+".yaml\n", "    mapping: mapping/"+connector+".yaml\n    hold: {changed: {least: 3}, withdrawn: {least: 3}, refused: {least: 3}}\n")
		for i, point := range releasing {
			fewer := i%2 == 0
			w.withdraw(fewer)
			sent := len(w.received())
			for _, before := range holding {
				l := w.next(before)
				if w.toPoint(l) {
					w.kills[before]++
				}
				w.die(l)
				w.events(nil)
			}
			for lives := 0; w.holds() == ""; lives++ {
				if lives > 10 {
					t.Fatal("nothing is held")
				}
				l := w.next("")
				w.toPoint(l)
				w.die(l)
			}
			if n := len(w.received()); n != sent || w.open() {
				t.Fatalf("%d transfers after %d, before anybody has approved", n, sent)
			}
			l := w.begin("almasu", point, w.args("holds", "approve", w.holds(), "--as", "admin-third", "--key", w.Path("keys", "admin-third.pem"), "--reason", "kill test")...)
			if w.toPoint(l) {
				w.kills[point]++
			}
			w.die(l)
			w.events(nil)
			for lives := 0; w.open(); lives++ {
				if lives > 20 {
					t.Fatalf("no end\n%s", l.said())
				}
				l = w.next("")
				w.toPoint(l)
				w.die(l)
			}
			received := w.received()
			if len(received) != sent+1 {
				t.Errorf("killed at %s: %d transfers after %d", point, len(received), sent)
			}
			w.last()
		}
		for _, point := range append(holding, releasing...) {
			if w.kills[point] == 0 {
				t.Errorf("nobody was killed at %s", point)
			}
		}
		t.Logf("killed: %v", w.kills)
	})
}

// withdraw takes every second consent away, or gives all back.
func (w *world) withdraw(away bool) {
	w.Helper()
	db, err := sqlx.Open("sqlite", "file:"+w.Path("platform.db")+"?_pragma=busy_timeout(10000)")
	w.must(err)
	defer db.Close()
	if away {
		db.MustExec("UPDATE consents SET withdrawn_at = '2026-11-01T00:00:00Z' WHERE withdrawn_at IS NULL AND user_id % 2 = 0")
		return
	}
	db.MustExec("UPDATE consents SET withdrawn_at = NULL WHERE withdrawn_at = '2026-11-01T00:00:00Z'")
}

// holds is the open hold, "" if there is none.
func (w *world) holds() string {
	w.Helper()
	var answer struct {
		Result struct{ Holds []struct{ ID string } }
	}
	w.must(json.Unmarshal(w.almasu("holds", "--json"), &answer))
	if len(answer.Result.Holds) == 0 {
		return ""
	}
	return answer.Result.Holds[0].ID
}

// last insists that the newest transfer has brought everybody whom it logged exactly once, and that no due time is left over.
func (w *world) last() {
	w.Helper()
	w.look(func(s *store.Store) {
		list, err := s.Transfers(w.Context(), connector, 1)
		w.must(err)
		r := list[0]
		people := w.received()[r.ID]
		if !r.Totals.Balanced() || r.Totals.Pending != 0 || len(people) != r.Totals.Accepted || r.Totals.Accepted == 0 {
			w.Errorf("transfer %s: %s; %d people have arrived", r.ID, r.Totals, len(people))
		}
		for _, n := range people {
			if n != 1 {
				w.Errorf("somebody has arrived %d times", n)
			}
		}
		dues, err := s.Dues(w.Context(), connector, 100)
		w.must(err)
		for _, d := range dues {
			if d.State != scheduler.StateDone && d.State != scheduler.StateMissed {
				w.Errorf("a due time is %s", d.State)
			}
		}
	})
}
