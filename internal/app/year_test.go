package app

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/plan"
	"birgeoqy.kz/almasu/internal/transfer"
)

// TestPlanOfANewYear: the first run of a year sends everybody again, under new ordinals, and withdraws who is gone, and nobody else; its plan says just that.
func TestPlanOfANewYear(t *testing.T) {
	w := &setup.Example{Dir: t.TempDir(), Now: time.Date(2026, 12, 31, 23, 58, 0, 0, time.UTC), People: 120, Batch: 40, Compare: "full"}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	k := &tellers{T: t, w: w}
	oblastOnly(t, w, w.Now.Add(-time.Hour))
	k.almasu(0, "", "migrate")
	var planned struct{ Result plan.Plan }
	var done struct{ Result transfer.Report }
	ask := func(into any, args ...string) {
		t.Helper()
		if err := json.Unmarshal([]byte(k.almasu(-1, "", append(args, "oblast-consent", "--reason", "test", "--json")...)), into); err != nil {
			t.Fatal(err)
		}
	}
	ask(&done, "run")
	all := done.Result.Totals.Accepted
	db, err := sqlx.Open("sqlite", "file:"+w.Path("platform.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.MustExec("DELETE FROM profiles WHERE id % 10 = 0")
	ask(&planned, "plan")
	before := *planned.Result.Compared
	w.Now = w.Now.Add(3 * time.Minute)
	ask(&planned, "plan")
	c := planned.Result.Compared
	if c.Has != all || c.New != 0 || c.Changed != before.Unchanged || c.Withdrawn != before.Withdrawn || before.Withdrawn == 0 {
		t.Errorf("the old year's plan: %+v; the new year's: %+v", before, *c)
	}
	ask(&done, "run")
	if r := done.Result; r.Totals.Accepted != planned.Result.Send || r.Withdrawn != c.Withdrawn {
		t.Errorf("planned: %+v; the run: %s, %d withdrawn", *c, r.Totals, r.Withdrawn)
	}
	ask(&planned, "plan")
	if c := planned.Result.Compared; c.Has != all-before.Withdrawn || c.Unchanged != c.Has || c.Withdrawn+c.New+c.Changed != 0 {
		t.Errorf("a plan after the first run: %+v", *c)
	}
}
