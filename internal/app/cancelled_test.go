package app

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// TestCancelledRun lets a due time come while the run before it has logged messages and not come further: that run is cancelled and closed as failed,
// and the new one delivers what was logged and sends everybody.
func TestCancelledRun(t *testing.T) {
	w := deployment(t, "")
	oblastOnly(t, w, w.Now.Add(time.Hour))
	migrate(t, w)
	began := time.Now()
	s := &session{stdout: io.Discard, stderr: io.Discard, config: w.Path("almasu.yaml"), json: true, now: func() time.Time { return w.Now.Add(time.Since(began)) }}
	v := opened(t, s)
	var reports []*transfer.Report
	runner, err := v.Runner(func(r *transfer.Report) { reports = append(reports, r) })
	if err != nil {
		t.Fatal(err)
	}
	const job = "oblast-consent"
	runner.Jobs, runner.Only, runner.Lease = func() []scheduler.Job { return nil }, job, 300*time.Millisecond
	enter := func() {
		row := scheduler.Due{Job: job, At: s.now().Truncate(time.Microsecond), Cause: scheduler.CauseSchedule, State: scheduler.StateWaiting, Actor: "schedule", Overlap: scheduler.CancelOld}
		if err := v.Store.Enter(t.Context(), s.now(), row); err != nil {
			t.Error(err)
		}
	}
	performs := runner.Run
	var first context.Context
	runner.Run = func(ctx context.Context, d *scheduler.Due) error {
		if first == nil {
			first = ctx
		}
		return performs(ctx, d)
	}
	var once sync.Once
	v.Engine.Observe = func(e transfer.Event) {
		if e.Logged == 0 || first.Err() != nil {
			return
		}
		once.Do(func() { // the new due time comes, and some process looks for work
			enter()
			if d, err := v.Store.Claim(t.Context(), "another", scheduler.Want{}, s.now(), time.Minute); d != nil || err != nil {
				t.Errorf("claimed %+v, %v", d, err)
			}
			<-first.Done()
		})
	}
	enter()
	if n, err := runner.Once(t.Context()); n != 2 || err != nil || len(reports) != 2 {
		t.Fatalf("%d runs, %d reports, %v", n, len(reports), err)
	}
	if r := reports[0]; r.Status != transfer.Failed || r.Code != "transfer.cancelled" || r.Totals.Messages == 0 {
		t.Errorf("the cancelled run: %s %s, %s", r.Status, r.Code, r.Totals)
	}
	if r := reports[1]; r.Status != transfer.SentWithRejects || r.Totals.Accepted < demo.Least || !r.Totals.Balanced() {
		t.Errorf("the run in its place: %s, %s", r.Status, r.Totals)
	}
	if waiting, err := v.Store.HasWaiting(t.Context(), job); waiting || err != nil {
		t.Errorf("messages still wait: %v, %v", waiting, err)
	}
	if report, err := v.VerifyLog(t.Context(), nil); err != nil || !report.OK() {
		t.Errorf("the log: %v, %v", report, err)
	}
	rows, err := v.Store.Dues(t.Context(), job, 10)
	if err != nil || len(rows) != 2 || rows[0].State != scheduler.StateDone || rows[1].State != scheduler.StateDone || !rows[1].Cancelled {
		t.Errorf("rows %v, %v", rows, err)
	}
}
