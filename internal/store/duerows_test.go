package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/due"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

func waitingRow(job string, at time.Time) scheduler.Due {
	return scheduler.Due{Job: job, At: at, Cause: scheduler.CauseSchedule, State: scheduler.StateWaiting, Actor: "schedule"}
}

// claim claims at a time; "" is nothing.
func (r *rig) claim(worker, only string, at time.Time) *scheduler.Due {
	r.Helper()
	d, err := r.s.Claim(r.Context(), worker, scheduler.Want{Job: only}, at, time.Minute)
	r.must(err)
	return d
}

func TestDueRows(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.s.SimulateTime()
		ctx := t.Context()
		if known, err := r.s.Standing(ctx, start, "a"); err != nil || !known.Last["a"].IsZero() || !known.Now.Equal(start) {
			t.Fatalf("a new job: %+v, %v", known, err)
		}
		rows := []scheduler.Due{waitingRow("a", start), waitingRow("a", start.Add(time.Hour)), waitingRow("b", start.Add(time.Minute)),
			{Job: "b", At: start.Add(-time.Hour), Cause: scheduler.CauseCatchUp, State: scheduler.StateMissed, Actor: "schedule", Reason: "late"}}
		for range 2 { // the second time nothing is entered or logged
			r.must(r.s.Enter(ctx, r.now, rows...))
		}
		if known, err := r.s.Standing(ctx, start, "a", "b"); err != nil || !known.Last["a"].Equal(start.Add(time.Hour)) || !known.Last["b"].Equal(start.Add(time.Minute)) {
			t.Errorf("standing %+v, %v", known, err)
		}
		entries, err := r.s.Entries(ctx, 0, 10)
		r.must(err)
		if len(entries) != 1 {
			t.Fatalf("%d log entries for one missed run", len(entries))
		}
		if e, err := transferlog.Decode(entries[0]); err != nil || e.(*transferlog.Act).Act != "run.missed" || e.(*transferlog.Act).Reason != "late" || e.(*transferlog.Act).Object != "b 2026-09-01T05:00:00Z" {
			t.Errorf("the entry of a missed run is %s, %v", entries[0], err)
		}

		if d := r.claim("w1", "", start.Add(-time.Second)); d != nil {
			t.Errorf("claimed %+v before it is due", d)
		}
		a := r.claim("w1", "", start.Add(2*time.Hour))
		if a == nil || a.Job != "a" || !a.At.Equal(start) || a.Attempt != 1 || a.State != scheduler.StateRunning {
			t.Fatalf("claimed %+v", a)
		}
		if d := r.claim("w2", "a", start.Add(2*time.Hour)); d != nil {
			t.Errorf("claimed %+v beside a running row of its job", d)
		}
		b := r.claim("w2", "", start.Add(2*time.Hour))
		if b == nil || b.Job != "b" {
			t.Fatalf("claimed %+v", b)
		}
		// The lease is kept, and the transfer remembered; then it lapses, and the row itself is taken over before another of its job.
		a.Transfer = "t1"
		r.must(r.s.Keep(ctx, "w1", a, scheduler.StateRunning, start.Add(2*time.Hour+30*time.Second)))
		a.Transfer = ""
		r.must(r.s.Keep(ctx, "w1", a, scheduler.StateRunning, start.Add(2*time.Hour+50*time.Second)))
		if d := r.claim("w3", "a", start.Add(2*time.Hour+90*time.Second)); d != nil {
			t.Errorf("a kept lease was taken: %+v", d)
		}
		if d, err := r.s.Claim(ctx, "w3", scheduler.Want{Lapsed: true}, start.Add(2*time.Hour+90*time.Second), time.Minute); d == nil || d.Job != "b" || err != nil {
			t.Errorf("the lapsed row is %+v, %v", d, err)
		}
		over := r.claim("w3", "a", start.Add(2*time.Hour+111*time.Second))
		if over == nil || !over.At.Equal(start) || over.Attempt != 2 || over.Transfer != "t1" {
			t.Fatalf("taken over: %+v", over)
		}
		for _, state := range []string{scheduler.StateRunning, scheduler.StateDone} {
			if err := r.s.Keep(ctx, "w1", a, state, start.Add(3*time.Hour)); !errors.Is(err, scheduler.ErrLost) {
				t.Errorf("the loser keeps its lease: %v", err)
			}
		}
		r.must(r.s.Keep(ctx, "w3", over, scheduler.StateLapsed, start.Add(2*time.Hour+112*time.Second)))
		if over = r.claim("w3", "a", start.Add(2*time.Hour+112*time.Second)); over == nil || !over.At.Equal(start) || over.Attempt != 3 || over.Transfer != "t1" {
			t.Fatalf("let go of and claimed again: %+v", over)
		}
		r.must(r.s.Keep(ctx, "w3", over, scheduler.StateDone, start.Add(3*time.Hour)))
		if err := r.s.Keep(ctx, "w3", over, scheduler.StateDone, start.Add(3*time.Hour)); !errors.Is(err, scheduler.ErrLost) {
			t.Errorf("a finished row is finished again: %v", err)
		}
		if next := r.claim("w1", "a", start.Add(3*time.Hour)); next == nil || !next.At.Equal(start.Add(time.Hour)) {
			t.Errorf("then %+v", next)
		}
		list, err := r.s.Dues(ctx, "b", 10)
		if err != nil || len(list) != 2 || list[1].State != scheduler.StateMissed {
			t.Errorf("rows of b: %v, %v", list, err)
		}
		r.check()
	})
}

// TestAskedRows enters rows that somebody asked for: each is one of its own. A resumption is entered only while nothing is open.
func TestAskedRows(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.s.SimulateTime()
		asked := scheduler.Due{Job: "a", At: start, Cause: scheduler.CauseRunNow, State: scheduler.StateWaiting, Actor: "x", Reason: "y"}
		again := asked
		again.Cause = scheduler.CauseResume
		r.must(r.s.Enter(t.Context(), r.now, again, again))
		r.must(r.s.Enter(t.Context(), r.now, waitingRow("a", start), asked, asked, again))
		list, err := r.s.Dues(t.Context(), "a", 10)
		if err != nil || len(list) != 3 {
			t.Fatalf("%d rows, %v", len(list), err)
		}
		for range 3 {
			d := r.claim("w", "", start.Add(time.Minute))
			if d == nil {
				t.Fatal("a row is missing")
			}
			r.must(r.s.Keep(t.Context(), "w", d, scheduler.StateDone, start))
		}
		r.must(r.s.Enter(t.Context(), r.now, again))
		if d := r.claim("w", "", start.Add(time.Minute)); d == nil || d.Cause != scheduler.CauseResume {
			t.Errorf("resumed by %+v", d)
		}
	})
}

// TestClaimsAreExclusive lets four processes claim 200 due rows of 20 connectors: each row runs once, and at no time two of a connector.
func TestClaimsAreExclusive(t *testing.T) {
	onBoth(t, func(r *rig) {
		var rows []scheduler.Due
		for i := range 200 {
			rows = append(rows, waitingRow(fmt.Sprintf("c%02d", i%20), start.Add(time.Duration(i)*time.Second)))
		}
		r.must(r.s.Enter(t.Context(), r.now, rows...))
		var mu sync.Mutex
		ran, running := map[string]int{}, map[string]bool{}
		begin := func(d *scheduler.Due) {
			mu.Lock()
			defer mu.Unlock()
			if running[d.Job] {
				t.Errorf("two rows of %s run", d.Job)
			}
			running[d.Job] = true
			ran[d.Job+d.At.String()]++
		}
		end := func(d *scheduler.Due) {
			mu.Lock()
			defer mu.Unlock()
			running[d.Job] = false
		}
		now := time.Now().Add(time.Hour)
		var wg sync.WaitGroup
		for i := range 4 {
			s, worker := r.another(r.dsn), fmt.Sprintf("w%d", i)
			wg.Go(func() {
				for {
					d, err := s.Claim(t.Context(), worker, scheduler.Want{}, now, time.Hour)
					if err != nil || t.Failed() {
						t.Errorf("claiming: %v", err)
						return
					}
					if d == nil {
						mu.Lock()
						done := len(ran) == len(rows)
						mu.Unlock()
						if done {
							return
						}
						continue
					}
					begin(d)
					end(d)
					if err := s.Keep(t.Context(), worker, d, scheduler.StateDone, now); err != nil {
						t.Errorf("finishing: %v", err)
					}
				}
			})
		}
		wg.Wait()
		for row, n := range ran {
			if n != 1 {
				t.Errorf("%s ran %d times", row, n)
			}
		}
		r.check()
	})
}

// TestOneConnectorRunsOnce races claims for the two rows of one connector, again and again.
func TestOneConnectorRunsOnce(t *testing.T) {
	r := newRig(t, Postgres)
	workers := []*Store{r.another(r.dsn), r.another(r.dsn), r.another(r.dsn), r.another(r.dsn)}
	for round := range 25 {
		job := fmt.Sprintf("c%d", round)
		r.must(r.s.Enter(t.Context(), r.now, waitingRow(job, start), waitingRow(job, start.Add(time.Second)), waitingRow(job, start.Add(2*time.Second))))
		var wg sync.WaitGroup
		claimed := make([]*scheduler.Due, len(workers))
		for i, s := range workers {
			wg.Go(func() {
				var err error
				if claimed[i], err = s.Claim(t.Context(), fmt.Sprint(i), scheduler.Want{}, start, time.Hour); err != nil {
					t.Errorf("claiming: %v", err)
				}
			})
		}
		wg.Wait()
		n := 0
		for _, d := range claimed {
			if d != nil {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("round %d: %d rows of one connector run", round, n)
		}
		r.check()
	}
}

// TestLeasesByTheDatabase claims with clocks that are hours off: on PostgreSQL they do not matter.
func TestLeasesByTheDatabase(t *testing.T) {
	r := newRig(t, Postgres)
	now := time.Now()
	r.must(r.s.Enter(t.Context(), now, waitingRow("past", now.Add(-time.Minute)), waitingRow("future", now.Add(time.Hour))))
	d := r.claim("slow", "", now.Add(-5*time.Hour))
	if d == nil || d.Job != "past" {
		t.Fatalf("a slow clock claims %+v", d)
	}
	if other := r.claim("fast", "", now.Add(5*time.Hour)); other != nil {
		t.Fatalf("a fast clock claims %+v", other)
	}
	r.must(r.s.Keep(t.Context(), "slow", d, scheduler.StateRunning, now.Add(-5*time.Hour)))
	if other := r.claim("fast", "", now.Add(5*time.Hour)); other != nil {
		t.Fatalf("a fast clock takes over %+v", other)
	}
}

func TestUnclosed(t *testing.T) {
	onBoth(t, func(r *rig) {
		first, second := r.begin("a", "000000000001"), r.begin("a", "000000000001")
		r.begin("b", "000000000001")
		list := func() (ids []record.ID) {
			open, err := r.s.Unclosed(t.Context(), "a")
			r.must(err)
			for _, o := range open {
				if o.Connector != "a" || o.Actor != first.Actor || o.Due.IsZero() != first.Due.IsZero() {
					t.Errorf("not the transfer that was begun: %+v", o)
				}
				ids = append(ids, o.ID)
			}
			return ids
		}
		if got := list(); !slices.Equal(got, []record.ID{first.ID, second.ID}) {
			t.Errorf("unclosed are %v", got)
		}
		r.must(r.s.Finish(t.Context(), r.tick(), &transfer.Report{Transfer: first}))
		if got := list(); !slices.Equal(got, []record.ID{second.ID}) {
			t.Errorf("after one is closed, unclosed are %v", got)
		}
	})
}

// TestRequestIsAnsweredOnce: however many enter a request's row at once, one is there; another only after that is done and has sent nothing.
func TestRequestIsAnsweredOnce(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.s.SimulateTime()
		row := func(n int) scheduler.Due {
			return scheduler.Due{Job: "pupils", At: start.Add(time.Duration(n) * time.Second), Cause: scheduler.CauseAdHoc, State: scheduler.StateWaiting, Actor: "a", Request: "q"}
		}
		rows := func(want int) {
			t.Helper()
			var all int
			r.must(r.s.Read.Get(&all, "SELECT count(*) FROM due WHERE request = 'q'"))
			if all != want {
				t.Fatalf("%d rows, want %d", all, want)
			}
		}
		var entering sync.WaitGroup
		for i := range 8 {
			entering.Go(func() {
				if err := r.s.Enter(t.Context(), start, row(i)); err != nil {
					t.Error(err)
				}
			})
		}
		entering.Wait()
		rows(1)
		answered := func(want bool) {
			t.Helper()
			if got, err := r.s.Answered(t.Context(), "q"); err != nil || got != want {
				t.Errorf("answered: %v, %v", got, err)
			}
		}
		tr := r.begin("pupils", "123456789012")
		for _, sends := range []bool{false, true} {
			d := r.claim("w", "", start.Add(time.Hour))
			if d == nil {
				t.Fatal("no row waits")
			}
			r.must(r.s.Enter(t.Context(), start, row(20)))
			answered(false)
			if sends {
				d.Transfer = tr.ID.String()
				r.must(r.s.Record(t.Context(), r.tick(), r.work(tr, r.part(tr, 1, 0, 3, 1))))
			}
			r.must(r.s.Keep(t.Context(), "w", d, scheduler.StateDone, start.Add(time.Hour)))
			answered(sends)
			r.must(r.s.Enter(t.Context(), start, row(30)))
			rows(2)
		}
		r.must(r.s.Enter(t.Context(), start, scheduler.Due{Job: "pupils", At: start.Add(time.Minute), Cause: scheduler.CauseAdHoc, State: scheduler.StateWaiting, Actor: "a", Request: "other"}))
		if d := r.claim("w", "", start.Add(2*time.Hour)); d == nil || d.Request != "other" {
			t.Errorf("claimed %+v", d)
		}
	})
}

// TestLastDueTime: what a schedule has come to is not hidden by deliveries from the outbox, nor by a run that was refused to somebody who asked for it.
func TestLastDueTime(t *testing.T) {
	onBoth(t, func(r *rig) {
		expect := func(after time.Duration, want string) {
			t.Helper()
			got := ""
			d, err := r.s.Last(t.Context(), "a", start.Add(after))
			if r.must(err); d != nil {
				got = d.Cause + " " + d.State
			}
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		enter := func(job, cause, state string, after time.Duration) {
			t.Helper()
			r.must(r.s.Enter(t.Context(), r.now, scheduler.Due{Job: job, At: start.Add(after), Cause: cause, State: state, Actor: "x", Reason: "y"}))
		}
		expect(time.Hour, "")
		enter("a", scheduler.CauseSchedule, scheduler.StateDone, 0)
		enter("a", scheduler.CauseSchedule, scheduler.StateMissed, time.Minute)
		enter("b", scheduler.CauseSchedule, scheduler.StateDone, 2*time.Minute)
		for i := range 30 {
			enter("a", scheduler.CauseResume, scheduler.StateDone, 3*time.Minute+time.Duration(i)*time.Second)
		}
		expect(0, "schedule done")
		expect(time.Hour, "schedule missed")
		enter("a", scheduler.CauseRunNow, scheduler.StateDone, 4*time.Minute)
		enter("a", scheduler.CauseRunNow, scheduler.StateMissed, 5*time.Minute)
		enter("a", scheduler.CauseSchedule, scheduler.StateWaiting, 6*time.Minute)
		expect(time.Hour, "run_now done")
		enter("a", scheduler.CauseCatchUp, scheduler.StateMissed, 7*time.Minute)
		expect(time.Hour, "catch_up missed")
	})
}

// TestWhoAsksTellsNobody: other processes are woken for what is due, and not for a run that the process which was asked for it performs.
func TestWhoAsksTellsNobody(t *testing.T) {
	r := newRig(t, Postgres)
	l := pq.NewListener(r.dsn, time.Second, time.Minute, nil)
	defer l.Close()
	r.must(l.Listen(due.Channel))
	for i, cause := range []string{scheduler.CauseRunNow, scheduler.CauseSchedule, scheduler.CauseAdHoc, scheduler.CauseRunNow, scheduler.CauseResume} {
		d := waitingRow(string(rune('a'+i)), start.Add(time.Duration(i)*time.Hour))
		d.Cause = cause
		r.must(r.s.Enter(t.Context(), r.now, d))
	}
	r.pg.MustExec("SELECT pg_notify($1, 'end')", due.Channel)
	woken := 0
	for n := <-l.Notify; n == nil || n.Extra != "end"; n = <-l.Notify {
		woken++
	}
	if woken != 2 {
		t.Errorf("others were woken %d times, for two rows", woken)
	}
}
