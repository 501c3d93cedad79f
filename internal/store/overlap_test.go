package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/store/due"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

// acts lists the acts in the log: what, about what, why.
func (r *rig) acts() (out []string) {
	r.Helper()
	entries, err := r.s.Entries(r.Context(), 0, 1000)
	r.must(err)
	for _, b := range entries {
		e, err := transferlog.Decode(b)
		r.must(err)
		if a, ok := e.(*transferlog.Act); ok {
			out = append(out, a.Act+" "+a.Object+": "+a.Reason)
		}
	}
	return out
}

// states lists the rows of a job, oldest first.
func (r *rig) states(job string) (out []string) {
	r.Helper()
	list, err := r.s.Dues(r.Context(), job, 100)
	r.must(err)
	for _, d := range slices.Backward(list) {
		out = append(out, d.At.Format("15:04")+" "+d.State)
	}
	return out
}

// TestOverlap lets further due times come while a run is under way.
func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		overlap scheduler.Overlap
		during  []string // while the run of 6:00 is under way
		after   []string // when that and what followed it has ended
		reasons []string
	}{
		{"", []string{"06:00 running", "07:00 waiting", "08:00 waiting", "09:00 waiting"}, []string{"06:00 done", "07:00 done", "08:00 done", "09:00 done"}, nil},
		{scheduler.QueueOne, []string{"06:00 running", "07:00 waiting", "08:00 missed", "09:00 missed"}, []string{"06:00 done", "07:00 done", "08:00 missed", "09:00 missed"},
			[]string{"run.missed a 2026-09-01T08:00:00Z: overlap: the run due at 2026-09-01T06:00:00Z was under way, and the one due at 2026-09-01T07:00:00Z was waiting already"}},
		{scheduler.SkipNew, []string{"06:00 running", "07:00 missed", "08:00 missed", "09:00 missed"}, []string{"06:00 done", "07:00 missed", "08:00 missed", "09:00 missed"},
			[]string{"run.missed a 2026-09-01T07:00:00Z: overlap: the run due at 2026-09-01T06:00:00Z was under way"}},
		{scheduler.CancelOld, []string{"06:00 running", "07:00 missed", "08:00 missed", "09:00 waiting"}, []string{"06:00 done", "07:00 missed", "08:00 missed", "09:00 done"},
			[]string{"run.cancelled a 2026-09-01T06:00:00Z: overlap: the run due at 2026-09-01T09:00:00Z takes its place", "run.missed a 2026-09-01T08:00:00Z: overlap: the run due at 2026-09-01T09:00:00Z takes its place"}},
	} {
		t.Run("overlap "+string(c.overlap), func(t *testing.T) {
			onBoth(t, func(r *rig) {
				r.s.SimulateTime()
				var rows []scheduler.Due
				for i := range 4 {
					d := waitingRow("a", start.Add(time.Duration(i)*time.Hour))
					d.Overlap = c.overlap
					rows = append(rows, d)
				}
				r.must(r.s.Enter(t.Context(), r.now, rows[0]))
				first := r.claim("w", "", start)
				if first == nil {
					t.Fatal("nothing to claim")
				}
				r.must(r.s.Enter(t.Context(), r.now, rows[1:]...))
				now := start.Add(4 * time.Hour)
				r.must(r.s.Keep(t.Context(), "w", first, scheduler.StateRunning, now))
				if d := r.claim("w2", "", now); d != nil {
					t.Fatalf("claimed %+v beside a running row", d)
				}
				if got := r.states("a"); !slices.Equal(got, c.during) {
					t.Fatalf("%v, want %v", got, c.during)
				}
				err := r.s.Keep(t.Context(), "w", first, scheduler.StateRunning, now)
				if errors.Is(err, scheduler.ErrCancelled) != (c.overlap == scheduler.CancelOld) {
					t.Errorf("the run under way is told %v", err)
				}
				for d := first; d != nil; d = r.claim("w2", "", now) {
					worker := "w2"
					if d == first {
						worker = "w"
					}
					r.must(r.s.Keep(t.Context(), worker, d, scheduler.StateDone, now))
				}
				if got := r.states("a"); !slices.Equal(got, c.after) {
					t.Errorf("%v, want %v", got, c.after)
				}
				for _, want := range c.reasons {
					if got := r.acts(); !slices.Contains(got, want) {
						t.Errorf("the log has %q, and not %q", got, want)
					}
				}
				r.check()
			})
		})
	}
}

// TestPauseAndSkip keeps due times from running, and logs each act and each miss.
func TestPauseAndSkip(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.s.SimulateTime()
		ctx := t.Context()
		at := func(h int) time.Time { return start.Add(time.Duration(h) * time.Hour) }
		late := waitingRow("a", at(0))
		late.Start = at(5) // deferred
		r.must(r.s.Enter(ctx, at(0), late))
		if d := r.claim("w", "", at(1)); d != nil {
			t.Fatalf("claimed %+v before its start", d)
		}
		r.must(r.s.Pause(ctx, at(1), "a", "clerk", "a move"))
		if err := r.s.Pause(ctx, at(1), "a", "clerk", "again"); !errors.Is(err, due.ErrPaused) {
			t.Errorf("paused twice: %v", err)
		}
		asked := waitingRow("a", at(2))
		asked.Cause = scheduler.CauseRunNow
		r.must(r.s.Enter(ctx, at(2), waitingRow("a", at(1).Add(time.Minute)), asked, waitingRow("b", at(2))))
		if d := r.claim("w", "a", at(3)); d == nil || d.Cause != scheduler.CauseRunNow {
			t.Fatalf("while paused %+v runs", d)
		}
		if known, err := r.s.Standing(ctx, at(3), "a", "b"); err != nil || len(known.Exceptions["a"]) != 1 || len(known.Exceptions["b"]) != 0 || !known.Exceptions["a"][0].Covers(at(9)) {
			t.Errorf("standing %+v, %v", known, err)
		}
		r.must(r.s.Resume(ctx, at(4), "a", "clerk", "it is there"))
		if err := r.s.Resume(ctx, at(4), "a", "clerk", "again"); !errors.Is(err, due.ErrNotPaused) {
			t.Errorf("resumed twice: %v", err)
		}
		// A skipped time may have a row already, or not.
		r.must(r.s.Enter(ctx, at(5), waitingRow("b", at(5))))
		for _, job := range []string{"a", "b"} {
			r.must(r.s.Skip(ctx, at(4), job, at(5), "clerk", "letter 13"))
			if err := r.s.Skip(ctx, at(4), job, at(5), "clerk", "letter 13"); !errors.Is(err, due.ErrSkipped) {
				t.Errorf("skipped twice: %v", err)
			}
		}
		if err := r.s.Skip(ctx, at(4), "a", at(2), "clerk", "too late"); !errors.Is(err, due.ErrBegun) {
			t.Errorf("skipping what runs: %v", err)
		}
		r.must(r.s.Enter(ctx, at(5), waitingRow("a", at(5)), waitingRow("a", at(6))))
		_ = r.claim("w", "", at(7))
		if got := r.states("a"); !slices.Equal(got, []string{"06:00 missed", "07:01 missed", "08:00 running", "11:00 missed", "12:00 waiting"}) {
			t.Errorf("rows of a: %v", got)
		}
		if got := r.states("b"); !slices.Equal(got, []string{"08:00 waiting", "11:00 missed"}) {
			t.Errorf("rows of b: %v", got)
		}
		want := []string{
			"schedule.paused a: a move", "run.missed a 2026-09-01T06:00:00Z: paused by clerk: a move", "run.missed a 2026-09-01T07:01:00Z: paused by clerk: a move",
			"schedule.resumed a: it is there", "schedule.skipped a 2026-09-01T11:00:00Z: letter 13", "schedule.skipped b 2026-09-01T11:00:00Z: letter 13",
			"run.missed b 2026-09-01T11:00:00Z: skipped by clerk: letter 13", "run.missed a 2026-09-01T11:00:00Z: skipped by clerk: letter 13",
		}
		if got := r.acts(); !slices.Equal(got, want) {
			t.Errorf("the log has\n%s", strings.Join(got, "\n"))
		}
		r.check()
	})
}

// TestKeepMissed ends a row that could not be run.
func TestKeepMissed(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.s.SimulateTime()
		r.must(r.s.Enter(t.Context(), r.now, waitingRow("a", start)))
		d := r.claim("w", "", start)
		d.Reason = "no such connector"
		if err := r.s.Keep(t.Context(), "other", d, scheduler.StateMissed, start); !errors.Is(err, scheduler.ErrLost) {
			t.Errorf("another ends it: %v", err)
		}
		r.must(r.s.Keep(t.Context(), "w", d, scheduler.StateMissed, start))
		if got := r.acts(); !slices.Equal(got, []string{"run.missed a 2026-09-01T06:00:00Z: no such connector"}) {
			t.Errorf("the log has %q", got)
		}
	})
}

// TestListen hears of rows that another process enters, also after the connection was cut.
func TestListen(t *testing.T) {
	r := newRig(t, Postgres)
	other := r.another(r.dsn)
	ctx, cancel := context.WithCancel(t.Context())
	heard, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- r.s.Listen(ctx, func() {
			select {
			case heard <- struct{}{}:
			default:
			}
		}, func(err error) { t.Log(err) })
	}()
	enter := func(n int) {
		r.must(other.Enter(t.Context(), r.now, waitingRow("a", start.Add(time.Duration(n)*time.Second))))
	}
	const listening = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN%'"
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 0; n < 3; n++ {
		for there := 0; there == 0; <-tick.C {
			r.must(r.pg.Get(&there, listening))
		}
		select {
		case <-heard: // of the connection's return
		default:
		}
		enter(n)
		<-heard
		// Cut. It comes back, and says so, because something may have been missed.
		r.pg.MustExec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN%'")
		<-heard
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
