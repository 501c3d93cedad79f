package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
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
	// Since is when the job came into being: nothing before it is due.
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

// Store keeps rows. Every method is one transaction.
type Store interface {
	// Enter adds rows, in the state given, that are not there yet.
	Enter(ctx context.Context, rows ...Due) error
	// Last returns the latest due time entered for a job by its schedule, zero if none.
	Last(ctx context.Context, job string) (time.Time, error)
	// Claim takes the earliest row that is waiting, or running under a lease that has lapsed, is due, and whose job has no
	// other row running under a live lease; of one job only if only is not "". It returns nil if there is none.
	Claim(ctx context.Context, worker, only string, now time.Time, lease time.Duration) (*Due, error)
	// Keep extends the lease, or finishes the row: state is [StateRunning] or [StateDone]. It returns [ErrLost] if the row is not this worker's any more.
	Keep(ctx context.Context, worker string, d *Due, state string, until time.Time) error
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
	// Missed is told of every row entered as missed.
	Missed func(ctx context.Context, d Due) error
	Now    func() time.Time
	// Wait returns after d, or with ctx's error.
	Wait func(ctx context.Context, d time.Duration) error
	// Only restricts claims to one job; "" claims for all.
	Only string
	// Lease is how long a claim lasts without a sign of life; Parallel how many jobs run at once.
	Lease    time.Duration
	Parallel int
	Logger   *slog.Logger
}

// Loop ticks until ctx ends, then waits for what is running.
func (r *Runner) Loop(ctx context.Context, pause time.Duration) error {
	slots := make(chan struct{}, max(r.Parallel, 1))
	var running sync.WaitGroup
	defer running.Wait()
	for {
		if err := r.Enter(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			r.Logger.Error("entering due times failed", "error", err)
		}
		for claimed := true; claimed; {
			slots <- struct{}{}
			d, err := r.Store.Claim(ctx, r.Worker, r.Only, r.Now(), r.Lease)
			claimed = err == nil && d != nil
			if err != nil && ctx.Err() == nil {
				r.Logger.Error("claiming a due run failed", "error", err)
			}
			if !claimed {
				<-slots
				continue
			}
			running.Add(1)
			go func() {
				defer func() { <-slots; running.Done() }()
				r.perform(ctx, d)
			}()
		}
		if err := r.Wait(ctx, pause); err != nil {
			return nil
		}
	}
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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	beat := make(chan struct{})
	go func() {
		defer close(beat)
		for r.Wait(ctx, r.Lease/3) == nil {
			if err := r.Store.Keep(ctx, r.Worker, d, StateRunning, r.Now().Add(r.Lease)); errors.Is(err, ErrLost) {
				r.Logger.Error("lease lost", "job", d.Job, "due", d.At)
				cancel()
				return
			}
		}
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
	// The row is finished even when the service is stopping at this moment.
	if err := r.Store.Keep(context.WithoutCancel(ctx), r.Worker, d, StateDone, r.Now()); err != nil {
		r.Logger.Error("finishing a due run failed", "job", d.Job, "due", d.At, "error", err)
	}
}

// Enter makes rows of every due time up to now that has none yet.
func (r *Runner) Enter(ctx context.Context) error {
	now := r.Now()
	for _, j := range r.Jobs() {
		last, err := r.Store.Last(ctx, j.Name)
		if err != nil {
			return fmt.Errorf("reading the last due time of %s: %w", j.Name, err)
		}
		if last.Before(j.Since) {
			last = j.Since
		}
		for {
			fires, more := dueBetween(j.Schedule, last, now)
			if len(fires) == 0 {
				break
			}
			rows := j.decide(fires, now, !more)
			if err := r.Store.Enter(ctx, rows...); err != nil {
				return fmt.Errorf("entering due times of %s: %w", j.Name, err)
			}
			if err := r.tellMissed(ctx, rows); err != nil {
				return err
			}
			if last = fires[len(fires)-1]; !more {
				break
			}
		}
	}
	return nil
}

func (r *Runner) tellMissed(ctx context.Context, rows []Due) error {
	if r.Missed == nil {
		return nil
	}
	for _, d := range rows {
		if d.State == StateMissed {
			if err := r.Missed(ctx, d); err != nil {
				return fmt.Errorf("recording a missed run of %s: %w", d.Job, err)
			}
		}
	}
	return nil
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
				d.State, d.Reason = StateMissed, "no service ran, and the catch-up window is over"
			case j.CatchUp.Policy == "all" && final && i >= len(fires)-most:
			case j.CatchUp.Policy == "all":
				d.State, d.Reason = StateMissed, "no service ran, and more runs are owed than catch-up makes good"
			case j.CatchUp.Policy == "latest" && newest:
			case j.CatchUp.Policy == "latest":
				d.State, d.Reason = StateMissed, "no service ran; a later run makes it good"
			default:
				d.State, d.Reason = StateMissed, "no service ran, and this connector does not catch up"
			}
		}
		rows[i] = d
	}
	return rows
}
