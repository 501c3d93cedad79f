package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"birgeoqy.kz/almasu/internal/pause"
)

// CatchUp says what becomes of due times that passed while no service ran.
type CatchUp struct {
	// Policy is "none" (they are missed), "latest" (the newest runs, the others are missed) or "all" (they run, oldest first).
	Policy string
	// Max bounds how many run under "all"; 0 means 10. Window is how old one may be to run at all; 0 means 24 hours.
	Max    int
	Window time.Duration
}

// Job is something that is due at times.
type Job struct {
	Name     string
	Schedule *Schedule
	CatchUp  CatchUp
	// Since is when a job that was never entered begins, zero for now: a done row at that time marks it, and nothing before it is due.
	Since time.Time
}

// grace is how late a due time may be entered and still be on time.
const grace = 5 * time.Minute

// The causes of a row, and the states it can be in.
const (
	CauseSchedule = "schedule"
	CauseCatchUp  = "catch_up"
	CauseRunNow   = "run_now"
	CauseAdHoc    = "ad_hoc"
	CauseResume   = "resume"

	StateWaiting = "waiting"
	StateRunning = "running"
	StateDone    = "done"
	StateMissed  = "missed"
)

// Due is one row.
type Due struct {
	Job   string
	At    time.Time
	Cause string
	State string
	// Reason says why it was missed, or why it was asked for; Actor who asked.
	Reason, Actor string
	// Request names the ad-hoc request it answers; Transfer the transfer it became, set by the first run.
	Request, Transfer string
	// Attempt counts claims.
	Attempt int
}

// Store keeps rows. Every method is one transaction. A store that several processes share may go by a clock of its own instead of the times that
// Claim and Keep are given, so that the processes' clocks do not matter.
type Store interface {
	// Enter adds rows, in the state given, that are not there yet, and logs those of them that are missed, at the time now. A row of
	// [CauseRunNow] or [CauseAdHoc] is always added, one of [CauseResume] only while its job has no row that waits or runs.
	Enter(ctx context.Context, now time.Time, rows ...Due) error
	// Last returns the latest due time entered for a job by its schedule, zero if none.
	Last(ctx context.Context, job string) (time.Time, error)
	// Claim takes the earliest due row that runs under a lease that has lapsed, or waits while no other row of its job
	// runs (a lapsed one is taken up first); of one job only if only is not "". It returns nil if there is none.
	Claim(ctx context.Context, worker, only string, now time.Time, lease time.Duration) (*Due, error)
	// Keep begins the term of the lease again, from now, or finishes the row: state is [StateRunning] or [StateDone]. It
	// makes the row's Transfer durable, if it has one. It returns [ErrLost] if the row is not this worker's any more.
	Keep(ctx context.Context, worker string, d *Due, state string, now time.Time) error
}

// ErrLost is returned for a row whose lease another process has taken.
var ErrLost = errors.New("the lease was lost to another process")

// Runner enters due times and runs what is due.
type Runner struct {
	Store  Store
	Worker string
	Jobs   func() []Job
	// Run does the job; an error is logged, the row is done all the same: the job keeps its own account of failures. ctx ends when the lease is lost.
	Run func(ctx context.Context, d *Due) error
	Now func() time.Time
	// Wait returns after d, or with ctx's error.
	Wait func(ctx context.Context, d time.Duration) error
	// Only restricts claims to one job; "" claims for all.
	Only string
	// Lease is how long a claim lasts without a sign of life; Parallel how many jobs run at once.
	Lease    time.Duration
	Parallel int
	Logger   *slog.Logger
}

// Loop enters what is due and claims what it has room for, again after each pause, until ctx ends; then it waits for what is running.
// Due times are entered while jobs run, however long they take.
func (r *Runner) Loop(ctx context.Context, pause time.Duration) error {
	slots := make(chan struct{}, max(r.Parallel, 1))
	var running sync.WaitGroup
	defer running.Wait()
	for {
		if err := r.Enter(ctx); err != nil && ctx.Err() == nil {
			r.Logger.Error("entering due times failed", "error", err)
		}
		for r.start(ctx, slots, &running) {
		}
		if err := r.Wait(ctx, pause); err != nil {
			return nil
		}
	}
}

// start claims a row and runs it beside the caller, if there is room and a row.
func (r *Runner) start(ctx context.Context, slots chan struct{}, running *sync.WaitGroup) bool {
	select {
	case slots <- struct{}{}:
	default:
		return false
	}
	d, err := r.Store.Claim(ctx, r.Worker, r.Only, r.Now(), r.Lease)
	if err != nil && ctx.Err() == nil {
		r.Logger.Error("claiming a due run failed", "error", err)
	}
	if err != nil || d == nil {
		<-slots
		return false
	}
	running.Go(func() {
		defer func() { <-slots }()
		r.perform(ctx, d)
	})
	return true
}

// Once enters what is due and runs rows one after another until none is left. It returns how many ran.
func (r *Runner) Once(ctx context.Context) (int, error) {
	if err := r.Enter(ctx); err != nil {
		return 0, err
	}
	for n := 0; ; n++ {
		d, err := r.Store.Claim(ctx, r.Worker, r.Only, r.Now(), r.Lease)
		if err != nil || d == nil {
			return n, err
		}
		r.perform(ctx, d)
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
	}
}

// perform runs one row under its lease.
func (r *Runner) perform(ctx context.Context, d *Due) {
	pause.At("due.claimed")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	beat := make(chan struct{})
	kept := *d // the job may set the row's Transfer meanwhile
	go func() {
		defer close(beat)
		r.keep(ctx, &kept)
		cancel()
	}()
	err := r.Run(ctx, d)
	interrupted := ctx.Err() != nil
	cancel()
	<-beat
	if err != nil {
		r.Logger.Error("job failed", "job", d.Job, "due", d.At, "error", err)
	}
	if interrupted {
		return // the row stays: whoever claims it next goes on
	}
	pause.At("due.performed")
	// The row is finished even when the service is stopping at this moment.
	if err := r.Store.Keep(context.WithoutCancel(ctx), r.Worker, d, StateDone, r.Now()); err != nil {
		r.Logger.Error("finishing a due run failed", "job", d.Job, "due", d.At, "error", err)
	}
	pause.At("due.done")
}

// keep renews a lease until ctx ends, or the lease is lost: taken by another process, or not renewed in time because the store does not answer.
func (r *Runner) keep(ctx context.Context, d *Due) {
	for renewed := r.Now(); r.Wait(ctx, r.Lease/3) == nil; {
		asked := r.Now()
		err := r.Store.Keep(ctx, r.Worker, d, StateRunning, asked)
		switch {
		case err == nil:
			renewed = asked
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrLost) || r.Now().Sub(renewed) >= r.Lease*2/3:
			r.Logger.Error("lease lost", "job", d.Job, "due", d.At, "error", err)
			return
		}
	}
}

// Enter makes rows of every due time up to now that has none yet.
func (r *Runner) Enter(ctx context.Context) error {
	now := r.Now()
	for _, j := range r.Jobs() {
		if err := r.enterJob(ctx, &j, now); err != nil {
			return fmt.Errorf("entering due times of %s: %w", j.Name, err)
		}
	}
	return nil
}

func (r *Runner) enterJob(ctx context.Context, j *Job, now time.Time) error {
	last, err := r.Store.Last(ctx, j.Name)
	if err != nil {
		return err
	}
	if last.IsZero() {
		if last = j.Since; last.IsZero() {
			last = now
		}
		begin := Due{Job: j.Name, At: last, Cause: CauseSchedule, State: StateDone, Actor: "schedule", Reason: "the schedule begins"}
		if err := r.Store.Enter(ctx, now, begin); err != nil {
			return err
		}
	}
	for {
		fires, more := dueBetween(j.Schedule, last, now)
		if len(fires) == 0 {
			return nil
		}
		if err := r.Store.Enter(ctx, now, j.decide(fires, now, !more)...); err != nil {
			return err
		}
		if last = fires[len(fires)-1]; !more {
			return nil
		}
	}
}

// page is how many due times are entered at once.
const page = 500

// dueBetween lists due times after from up to now, at most a page of them.
func dueBetween(s *Schedule, from, now time.Time) (fires []time.Time, more bool) {
	for len(fires) < page {
		f := s.Next(from)
		if f.At.IsZero() || f.At.After(now) {
			return fires, false
		}
		fires, from = append(fires, f.At), f.At
	}
	return fires, true
}

// notRunning begins the reason of a missed run.
const notRunning = "at that time no service ran that could reach its store"

// decide says of each due time whether it runs or is missed. final says that these are the newest there are.
func (j *Job) decide(fires []time.Time, now time.Time, final bool) []Due {
	window, most := j.CatchUp.Window, j.CatchUp.Max
	if window == 0 {
		window = 24 * time.Hour
	}
	if most == 0 {
		most = 10
	}
	rows := make([]Due, len(fires))
	for i, at := range fires {
		d := Due{Job: j.Name, At: at, Cause: CauseSchedule, State: StateWaiting, Actor: "schedule"}
		late, newest := now.Sub(at), final && i == len(fires)-1
		if late > grace {
			d.Cause = CauseCatchUp
			switch {
			case late > window:
				d.State, d.Reason = StateMissed, notRunning+", and the catch-up window is over"
			case j.CatchUp.Policy == "all" && final && i >= len(fires)-most:
			case j.CatchUp.Policy == "all":
				d.State, d.Reason = StateMissed, notRunning+", and more runs are owed than catch-up makes good"
			case j.CatchUp.Policy == "latest" && newest:
			case j.CatchUp.Policy == "latest":
				d.State, d.Reason = StateMissed, notRunning+"; a later run makes it good"
			default:
				d.State, d.Reason = StateMissed, notRunning+", and this connector does not catch up"
			}
		}
		rows[i] = d
	}
	return rows
}
