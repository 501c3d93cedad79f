package scheduler

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// shelf is a Store in memory.
type shelf struct {
	mu   sync.Mutex
	rows []*row
	fail error // of Keep
	// exceptions are every job's.
	exceptions []Exception
}

type row struct {
	Due
	worker string
	until  time.Time
	term   time.Duration
	at     time.Time // when it was entered
}

func (s *shelf) Enter(_ context.Context, now time.Time, rows ...Due) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range rows {
		if !slices.ContainsFunc(s.rows, func(r *row) bool { return r.Job == d.Job && r.At.Equal(d.At) }) {
			s.rows = append(s.rows, &row{Due: d, at: now})
		}
	}
	slices.SortFunc(s.rows, func(a, b *row) int { return a.At.Compare(b.At) })
	return nil
}

func (s *shelf) Standing(_ context.Context, now time.Time, jobs ...string) (*Standing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &Standing{Now: now, Last: map[string]time.Time{}, Exceptions: map[string][]Exception{}}
	for _, r := range s.rows {
		if slices.Contains(jobs, r.Job) && (r.Cause == CauseSchedule || r.Cause == CauseCatchUp) {
			out.Last[r.Job] = r.At
		}
	}
	for _, job := range jobs {
		out.Exceptions[job] = s.exceptions
	}
	return out, nil
}

func (s *shelf) Claim(_ context.Context, worker string, want Want, now time.Time, lease time.Duration) (*Due, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	busy := map[string]bool{}
	for _, r := range s.rows {
		busy[r.Job] = busy[r.Job] || r.State == StateRunning
	}
	for _, r := range s.rows {
		lapsed := r.State == StateRunning && r.until.Before(now)
		if r.At.After(now) || r.Start.After(now) || want.Job != "" && want.Job != r.Job || want.Lapsed && !lapsed || !lapsed && (r.State != StateWaiting || busy[r.Job]) {
			continue
		}
		r.State, r.worker, r.until, r.term = StateRunning, worker, now.Add(lease), lease
		r.Attempt++
		d := r.Due
		return &d, nil
	}
	return nil, nil
}

func (s *shelf) Keep(_ context.Context, worker string, d *Due, state string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	for _, r := range s.rows {
		if r.Job == d.Job && r.At.Equal(d.At) && r.worker == worker && r.State == StateRunning && r.Attempt == d.Attempt {
			r.State, r.until = state, now.Add(r.term)
			if state == StateLapsed {
				r.State, r.until = StateRunning, now.Add(-1)
			}
			if state == StateMissed {
				r.Reason = d.Reason
			}
			if state == StateRunning && r.Cancelled {
				return ErrCancelled
			}
			return nil
		}
	}
	return ErrLost
}

// states lists the rows but the first of all, which marks the beginning.
func (s *shelf) states() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows[1:] {
		out = append(out, r.Cause+" "+r.State)
	}
	return out
}

// untilDone is a Wait that only ends with its context.
func untilDone(ctx context.Context, _ time.Duration) error {
	<-ctx.Done()
	return ctx.Err()
}

func runner(s *shelf, now *time.Time, jobs ...Job) *Runner {
	return &Runner{
		Store: s, Worker: "w", Jobs: func() []Job { return jobs }, Now: func() time.Time { return *now }, Wait: untilDone,
		Run: func(context.Context, *Due) error { return nil }, Lease: time.Minute, Parallel: 1, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

var born = time.Date(2026, 9, 1, 6, 30, 0, 0, time.UTC)

func TestCatchUp(t *testing.T) {
	const run, miss, onTime = "catch_up waiting", "catch_up missed", "schedule waiting"
	for _, c := range []struct {
		name    string
		catchUp CatchUp
		after   time.Duration // how long nothing ran
		want    []string
	}{
		{"nothing is due yet", CatchUp{Policy: "all"}, 20 * time.Minute, nil},
		{"on time", CatchUp{Policy: "none"}, 31 * time.Minute, []string{onTime}},
		{"none", CatchUp{Policy: "none"}, 4 * time.Hour, []string{miss, miss, miss, miss}},
		{"no policy is none", CatchUp{}, 2 * time.Hour, []string{miss, miss}},
		{"latest", CatchUp{Policy: "latest"}, 4 * time.Hour, []string{miss, miss, miss, run}},
		{"latest, the last on time", CatchUp{Policy: "latest"}, 3*time.Hour + 31*time.Minute, []string{miss, miss, miss, onTime}},
		{"all", CatchUp{Policy: "all"}, 3 * time.Hour, []string{run, run, run}},
		{"at most two", CatchUp{Policy: "all", Max: 2}, 4 * time.Hour, []string{miss, miss, run, run}},
		{"the window is over", CatchUp{Policy: "all", Window: 2 * time.Hour}, 4 * time.Hour, []string{miss, miss, run, run}},
	} {
		s, now := &shelf{}, born
		r := runner(s, &now, Job{Name: "a", Schedule: mustParse(t, "0 * * * *", "Asia/Almaty"), CatchUp: c.catchUp, Since: born})
		if err := r.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = born.Add(c.after)
		// Another process begins; it believes that the job is new.
		r = runner(s, &now, Job{Name: "a", Schedule: r.Jobs()[0].Schedule, CatchUp: c.catchUp, Since: now})
		for range 2 {
			if err := r.Enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.states(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestOnceRunsWhatIsDue(t *testing.T) {
	s, now := &shelf{}, born
	job := Job{Name: "a", Schedule: mustParse(t, "*/10 * * * *", "UTC"), CatchUp: CatchUp{Policy: "all"}, Since: born}
	r := runner(s, &now, job)
	var ran []string
	r.Run = func(_ context.Context, d *Due) error {
		ran = append(ran, d.Job+" "+d.At.Format("15:04"))
		d.Transfer = "t" // the caller's own copy
		return errors.New("it failed, and says so itself")
	}
	if n, err := r.Once(t.Context()); n != 0 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	now = born.Add(31 * time.Minute)
	if n, err := r.Once(t.Context()); n != 3 || err != nil || strings.Join(ran, ",") != "a 06:40,a 06:50,a 07:00" {
		t.Errorf("%d rows ran, %v, %v", n, ran, err)
	}
	if got := s.states(); !slices.Equal(got, []string{"catch_up done", "catch_up done", "schedule done"}) {
		t.Errorf("rows %v", got)
	}
}

// TestLostLease ends the job's context and leaves the row to whoever has it now.
func TestLostLease(t *testing.T) {
	for name, fail := range map[string]error{"taken by another": ErrLost, "the store does not answer": errors.New("connection refused")} {
		t.Run(name, func(t *testing.T) {
			s, now := &shelf{}, born
			r := runner(s, &now, Job{Name: "a", Schedule: mustParse(t, "31 6 * * *", "UTC"), Since: born})
			_ = r.Enter(t.Context())
			now = born.Add(time.Minute)
			_ = r.Enter(t.Context())
			var clock sync.Mutex
			r.Now = func() time.Time { clock.Lock(); defer clock.Unlock(); return now }
			r.Wait = func(ctx context.Context, d time.Duration) error { // time flies
				clock.Lock()
				defer clock.Unlock()
				now = now.Add(d)
				return ctx.Err()
			}
			beats := 0
			r.Run = func(ctx context.Context, _ *Due) error {
				s.mu.Lock()
				s.fail = fail
				s.mu.Unlock()
				<-ctx.Done()
				beats++
				return ctx.Err()
			}
			d, err := s.Claim(t.Context(), "w", Want{}, now, r.Lease)
			if err != nil || d == nil {
				t.Fatalf("claimed %v, %v", d, err)
			}
			r.perform(t.Context(), d)
			if beats != 1 {
				t.Fatalf("ran %d times", beats)
			}
			if got := s.states(); !slices.Equal(got, []string{"schedule running"}) {
				t.Errorf("rows %v", got)
			}
		})
	}
}

// TestInterrupted ends the process while a job runs, and at the end of one: the row is claimed again at once.
func TestInterrupted(t *testing.T) {
	for name, result := range map[string]error{"under way": context.Canceled, "at its end": nil, "not begun": ErrNotBegun, "missed": &Missed{Reason: "r"}} {
		t.Run(name, func(t *testing.T) {
			s, now := &shelf{}, born
			r := runner(s, &now, Job{Name: "a", Schedule: mustParse(t, "31 6 * * *", "UTC"), Since: born})
			_ = r.Enter(t.Context())
			now = born.Add(time.Minute)
			ctx, interrupt := context.WithCancel(t.Context())
			r.Run = func(context.Context, *Due) error { interrupt(); return result }
			if _, err := r.Once(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("the runner ends with %v", err)
			}
			if d, err := s.Claim(t.Context(), "w2", Want{}, now, r.Lease); err != nil || d == nil || d.Attempt != 2 {
				t.Errorf("claimed %+v, %v; rows %v", d, err, s.states())
			}
		})
	}
}

// TestLoopEntersWhileJobsRun lets a job take hours: what falls due meanwhile is entered on time, and runs after it.
func TestLoopEntersWhileJobsRun(t *testing.T) {
	s, now := &shelf{}, born
	var mu sync.Mutex
	r := runner(s, &now, Job{Name: "a", Schedule: mustParse(t, "0 * * * *", "UTC"), Since: born})
	r.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	r.Lease = 1000 * time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ticks, release := make(chan time.Duration), make(chan struct{})
	r.Wait = func(ctx context.Context, d time.Duration) error {
		if d != time.Second {
			return untilDone(ctx, d) // the lease's heartbeat
		}
		select {
		case d := <-ticks: // time passes between two turns of the loop
			mu.Lock()
			defer mu.Unlock()
			now = now.Add(d)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	ran := make(chan time.Time, 10)
	r.Run = func(_ context.Context, d *Due) error { ran <- d.At; <-release; return nil }
	ended := make(chan error)
	go func() { ended <- r.Loop(ctx, time.Second) }()
	ticks <- 30 * time.Minute // 7:00 falls due
	first := <-ran
	for range 3 {
		ticks <- time.Hour
	}
	ticks <- 0
	if got := s.states(); !slices.Equal(got, []string{"schedule running", "schedule waiting", "schedule waiting", "schedule waiting"}) {
		t.Fatalf("rows %v", got)
	}
	close(release)
	for n := 1; n < 4; {
		select {
		case at := <-ran:
			if want := first.Add(time.Duration(n) * time.Hour); !at.Equal(want) {
				t.Errorf("%v ran, want %v", at, want)
			}
			n++
		case ticks <- 0:
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestEveryFireIsARow lets services come and go at random, with clocks up to five minutes off and kills in the middle of a
// job: in the end every due time since the beginning is one row, done or missed with a reason.
func TestEveryFireIsARow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, now := &shelf{}, born
		schedule := mustParse(t, rapid.SampledFrom([]string{"0 * * * *", "*/15 * * * *", "30 2 * * *", "@every 50m"}).Draw(rt, "cron"),
			rapid.SampledFrom([]string{"Asia/Almaty", "Europe/Berlin", "UTC"}).Draw(rt, "zone"))
		job := Job{Name: "a", Schedule: schedule, Since: born, CatchUp: CatchUp{
			Policy: rapid.SampledFrom([]string{"none", "latest", "all"}).Draw(rt, "policy"), Max: rapid.IntRange(0, 5).Draw(rt, "max"),
		}}
		attempts := map[time.Time]int{}
		kill := false
		for i := range rapid.IntRange(2, 12).Draw(rt, "lives") {
			r := runner(s, &now, job)
			r.Worker = "w" + string(rune('a'+i))
			ctx, cancel := context.WithCancel(context.Background())
			r.Run = func(ctx context.Context, d *Due) error {
				attempts[d.At]++
				if kill {
					cancel()
				}
				return nil
			}
			for range rapid.IntRange(1, 6).Draw(rt, "ticks") {
				kill = rapid.IntRange(0, 5).Draw(rt, "kill") == 0
				if _, err := r.Once(ctx); err != nil {
					break
				}
				now = now.Add(time.Duration(rapid.IntRange(1, 90).Draw(rt, "minutes")) * time.Minute)
			}
			cancel()
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(rt, "hours down")) * time.Hour)
		}
		kill = false
		last := runner(s, &now, job)
		last.Run = func(_ context.Context, d *Due) error { attempts[d.At]++; return nil }
		for range 2 {
			if _, err := last.Once(context.Background()); err != nil {
				rt.Fatal(err)
			}
			now = now.Add(2 * time.Minute) // leases lapse
		}
		at := born
		for _, one := range s.rows[1:] {
			f := schedule.Next(at)
			if !one.At.Equal(f.At) {
				rt.Fatalf("a row at %v, the schedule says %v", one.At, f.At)
			}
			at = f.At
			if one.State == StateMissed && (one.Reason == "" || attempts[one.At] > 0) || one.State != StateMissed && (one.State != StateDone || attempts[one.At] == 0) {
				rt.Fatalf("the row at %v is %s after %d attempts", one.At, one.State, attempts[one.At])
			}
			if one.Attempt != attempts[one.At] {
				rt.Fatalf("the row at %v counts %d attempts of %d", one.At, one.Attempt, attempts[one.At])
			}
		}
		if f := schedule.Next(at); !f.At.After(now.Add(-2 * time.Minute)) {
			rt.Fatalf("%v has no row", f.At)
		}
	})
}

// TestCancelled ends the run in favour of a later due time, keeps the lease until it has tidied up, and finishes the row.
func TestCancelled(t *testing.T) {
	for _, early := range []bool{false, true} { // flagged while it runs, or before it was taken up again
		s, now := &shelf{}, born
		r := runner(s, &now)
		r.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() } // heartbeats without a pause
		d := Due{Job: "a", At: born, Cause: CauseSchedule, State: StateWaiting, Cancelled: early}
		_ = s.Enter(t.Context(), now, Due{Job: "first", At: born.Add(-time.Hour), State: StateDone}, d)
		r.Run = func(ctx context.Context, _ *Due) error {
			s.mu.Lock()
			s.rows[1].Cancelled = true
			s.mu.Unlock()
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), ErrCancelled) {
				t.Errorf("it ends with %v", context.Cause(ctx))
			}
			return ctx.Err()
		}
		if n, err := r.Once(t.Context()); n != 1 || err != nil {
			t.Fatalf("%d rows ran, %v", n, err)
		}
		if s.rows[1].State != StateDone {
			t.Errorf("the row is %s", s.rows[1].State)
		}
	}
}

// TestRunThatIsMissed makes a row missed that could not be run at all.
func TestRunThatIsMissed(t *testing.T) {
	s, now := &shelf{}, born
	r := runner(s, &now)
	r.Run = func(context.Context, *Due) error { return &Missed{Reason: "no such connector"} }
	_ = s.Enter(t.Context(), now, Due{Job: "a", At: born, Cause: CauseSchedule, State: StateWaiting})
	if n, err := r.Once(t.Context()); n != 1 || err != nil || s.rows[0].State != StateMissed || s.rows[0].Reason != "no such connector" {
		t.Errorf("%d, %v: %+v", n, err, s.rows[0])
	}
}

// TestRowsThatCannotBegin stay: nothing has begun, or the store does not let them be missed. Whoever claims them when the lease has lapsed runs them.
func TestRowsThatCannotBegin(t *testing.T) {
	for name, c := range map[string]struct{ err, keep error }{
		"not begun":             {err: errors.Join(ErrNotBegun, io.ErrUnexpectedEOF)},
		"missed, and not noted": {err: &Missed{Reason: "in doubt", Err: io.ErrUnexpectedEOF}, keep: io.ErrShortWrite},
	} {
		s, now := &shelf{}, born
		r := runner(s, &now)
		s.fail = c.keep
		r.Run = func(context.Context, *Due) error { return c.err }
		_ = s.Enter(t.Context(), now, Due{Job: "a", At: born, Cause: CauseSchedule, State: StateWaiting})
		if n, err := r.Once(t.Context()); n != 1 || err != nil || s.rows[0].State != StateRunning {
			t.Errorf("%s: %d, %v: the row is %s", name, n, err, s.rows[0].State)
		}
		s.fail, r.Run = nil, func(context.Context, *Due) error { return nil }
		now = now.Add(r.Lease + time.Second)
		if n, err := r.Once(t.Context()); n != 1 || err != nil || s.rows[0].State != StateDone {
			t.Errorf("%s: later %d, %v: the row is %s", name, n, err, s.rows[0].State)
		}
		if !errors.Is(c.err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: the reason is lost", name)
		}
	}
}

// TestHeld enters and claims nothing while it is held.
func TestHeld(t *testing.T) {
	s, now := &shelf{}, born
	r := runner(s, &now, Job{Name: "b", Schedule: mustParse(t, "* * * * *", "UTC")})
	_ = s.Enter(t.Context(), now, Due{Job: "a", At: born, Cause: CauseSchedule, State: StateWaiting})
	wake, asked, ran := make(chan struct{}), 0, make(chan string, 8)
	r.Wake = wake
	r.Run = func(_ context.Context, d *Due) error { ran <- d.Job; return nil }
	r.Held = func(context.Context) bool {
		asked++
		return asked <= 3
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Loop(ctx, time.Hour) }()
	for range 3 {
		s.mu.Lock()
		if len(s.rows) != 1 || s.rows[0].State != StateWaiting {
			t.Errorf("held, and there is %+v", s.rows[0])
		}
		s.mu.Unlock()
		wake <- struct{}{}
	}
	if job := <-ran; job != "a" {
		t.Errorf("%s ran", job)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(s.rows) < 2 {
		t.Error("nothing was entered afterwards")
	}
}

// TestWake ends a pause of the loop early.
func TestWake(t *testing.T) {
	s, now := &shelf{}, born
	r := runner(s, &now)
	wake, ran := make(chan struct{}), make(chan string)
	r.Wake = wake
	r.Run = func(_ context.Context, d *Due) error { ran <- d.Job; return nil }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Loop(ctx, time.Hour) }()
	for _, job := range []string{"a", "b", "c"} {
		_ = s.Enter(t.Context(), now, Due{Job: job, At: born, Cause: CauseRunNow, State: StateWaiting})
		for done := false; !done; {
			select {
			case wake <- struct{}{}:
			case got := <-ran:
				if done = true; got != job {
					t.Errorf("%s ran, not %s", got, job)
				}
			}
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestSpareSlot takes up what a dead process has left while every slot is taken: those who run may be waiting for it.
func TestSpareSlot(t *testing.T) {
	s, now := &shelf{}, born
	r := runner(s, &now)
	wake := make(chan struct{})
	r.Wake = wake
	left, waiting := Due{Job: "left", At: born, State: StateWaiting}, Due{Job: "waiting", At: born, State: StateWaiting}
	_ = s.Enter(t.Context(), now, left)
	if d, err := s.Claim(t.Context(), "dead", Want{}, now, time.Minute); d == nil || err != nil {
		t.Fatal("nothing to claim")
	}
	done := make(chan struct{})
	ran := make(chan string, 2)
	r.Run = func(_ context.Context, d *Due) error {
		ran <- d.Job
		if d.Job == "waiting" {
			<-done // until the other has run
		} else {
			close(done)
		}
		return nil
	}
	_ = s.Enter(t.Context(), now, waiting)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var clock sync.Mutex
	r.Now = func() time.Time { clock.Lock(); defer clock.Unlock(); return now }
	go func() { _ = r.Loop(ctx, time.Hour) }()
	if first := <-ran; first != "waiting" {
		t.Fatalf("%s ran first", first)
	}
	clock.Lock()
	now = now.Add(2 * time.Minute) // the lease of the dead lapses
	clock.Unlock()
	for second := ""; second == ""; {
		select {
		case second = <-ran:
			if second != "left" {
				t.Errorf("%s ran", second)
			}
		case wake <- struct{}{}:
		}
	}
	<-done
}
