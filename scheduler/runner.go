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

// grace is how late a due time may be entered and still be on time.
const grace = 5 * time.Minute

// Runner enters due times and runs what is due.
type Runner struct {
	Store  Store
	Worker string
	Jobs   func() []Job
	// Run does the job; an error is logged, the row is done all the same, unless it is a [*Missed], a [*Held] or [ErrNotBegun]: the job keeps its own account of failures. ctx ends
	// when the lease is lost, or, with the cause [ErrCancelled], when a later due time takes the run's place; then the row is done when Run returns.
	Run func(ctx context.Context, d *Due) error
	Now func() time.Time
	// Wait returns after d, or with ctx's error.
	Wait func(ctx context.Context, d time.Duration) error
	// Held, if set, is asked before each look of [Runner.Loop]: while it is true nothing is entered and nothing claimed.
	Held func(ctx context.Context) bool
	// Wake, if set, ends a pause of the loop early: something may be due.
	Wake <-chan struct{}
	// Only restricts claims to one job; "" claims for all.
	Only string
	// Lease is how long a claim lasts without a sign of life; Parallel how many jobs run at once. One more runs if its process has died: the others may
	// be waiting for what it has left undone.
	Lease    time.Duration
	Parallel int
	Logger   *slog.Logger
}

// Loop enters what is due and claims what it has room for, again after each pause, when it is woken and when a run ends, until ctx ends; then it waits
// for what is running. Due times are entered while jobs run, however long they take.
func (r *Runner) Loop(ctx context.Context, pause time.Duration) error {
	slots, spare, freed := make(chan struct{}, max(r.Parallel, 1)), make(chan struct{}, 1), make(chan struct{}, 1)
	var running sync.WaitGroup
	defer running.Wait()
	for {
		if r.Held == nil || !r.Held(ctx) {
			if err := r.Enter(ctx); err != nil && ctx.Err() == nil {
				r.Logger.Error("entering due times failed", "error", err)
			}
			for r.start(ctx, Want{Job: r.Only}, slots, freed, &running) {
			}
			for r.start(ctx, Want{Job: r.Only, Lapsed: true}, spare, freed, &running) {
			}
		}
		if err := r.rest(ctx, pause, freed); err != nil {
			return nil
		}
	}
}

// rest waits for the end of the pause, or until there may be something to do.
func (r *Runner) rest(ctx context.Context, pause time.Duration, freed <-chan struct{}) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	waited := make(chan error, 1)
	go func() { waited <- r.Wait(inner, pause) }()
	select {
	case err := <-waited:
		return err
	case <-r.Wake:
	case <-freed:
	}
	stop()
	<-waited
	return ctx.Err()
}

// start claims a row and runs it beside the caller, if there is room and a row.
func (r *Runner) start(ctx context.Context, want Want, slots, freed chan struct{}, running *sync.WaitGroup) bool {
	select {
	case slots <- struct{}{}:
	default:
		return false
	}
	d, err := r.Store.Claim(ctx, r.Worker, want, r.Now(), r.Lease)
	if err != nil && ctx.Err() == nil {
		r.Logger.Error("claiming a due run failed", "error", err)
	}
	if err != nil || d == nil {
		<-slots
		return false
	}
	running.Go(func() {
		r.perform(ctx, d)
		<-slots
		select {
		case freed <- struct{}{}:
		default:
		}
	})
	return true
}

// Once enters what is due and runs rows one after another until none is left. It returns how many ran.
func (r *Runner) Once(ctx context.Context) (int, error) {
	if err := r.Enter(ctx); err != nil {
		return 0, err
	}
	for n := 0; ; n++ {
		d, err := r.Store.Claim(ctx, r.Worker, Want{Job: r.Only}, r.Now(), r.Lease)
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
	beating, stop := context.WithCancel(ctx)
	defer stop()
	working, end := context.WithCancelCause(ctx)
	defer end(nil)
	beat := make(chan struct{})
	kept := *d // the job may set the row's Transfer meanwhile
	if d.Cancelled {
		end(ErrCancelled)
	}
	go func() {
		defer close(beat)
		r.keep(beating, &kept, end)
	}()
	err := r.Run(working, d)
	cause := context.Cause(working)
	stop()
	<-beat
	var held *Held
	if errors.As(err, &held) {
		r.Logger.Warn("run held", "job", d.Job, "due", d.At, "hold", held.Hold)
		return
	}
	if cause != nil && !errors.Is(cause, ErrCancelled) && !errors.Is(cause, ErrLost) { // this process is told to end
		r.Logger.Info("run interrupted", "job", d.Job, "due", d.At)
		r.finish(ctx, d, StateLapsed)
		return
	}
	if err != nil {
		r.Logger.Error("job failed", "job", d.Job, "due", d.At, "error", err)
	}
	if errors.Is(cause, ErrLost) || errors.Is(err, ErrNotBegun) {
		return // the row stays: whoever claims it next goes on
	}
	pause.At("due.performed")
	state := StateDone
	var missed *Missed
	if errors.As(err, &missed) {
		state, d.Reason = StateMissed, missed.Reason
	}
	r.finish(ctx, d, state)
	pause.At("due.done")
}

// finish says what has become of a row, even when the process is told to end at this moment.
func (r *Runner) finish(ctx context.Context, d *Due, state string) {
	if err := r.Store.Keep(context.WithoutCancel(ctx), r.Worker, d, state, r.Now()); err != nil {
		r.Logger.Error("finishing a due run failed", "job", d.Job, "due", d.At, "error", err)
	}
}

// keep renews a lease until ctx ends, and ends the work if the lease is lost: taken by another process, or not renewed in time because the
// store does not answer. The work of a cancelled row is ended too, and its lease is kept while it tidies up.
func (r *Runner) keep(ctx context.Context, d *Due, end context.CancelCauseFunc) {
	for renewed := r.Now(); r.Wait(ctx, r.Lease/3) == nil; {
		asked := r.Now()
		err := r.Store.Keep(ctx, r.Worker, d, StateRunning, asked)
		switch {
		case errors.Is(err, ErrCancelled):
			end(ErrCancelled)
			renewed = asked
		case err == nil:
			renewed = asked
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrLost) || r.Now().Sub(renewed) >= r.Lease*2/3:
			r.Logger.Error("lease lost", "job", d.Job, "due", d.At, "error", err)
			end(ErrLost)
			return
		}
	}
}

// Enter makes rows of every due time up to now, by the store's time, that has none yet.
func (r *Runner) Enter(ctx context.Context) error {
	jobs := r.Jobs()
	if len(jobs) == 0 {
		return nil
	}
	names := make([]string, len(jobs))
	for i := range jobs {
		names[i] = jobs[i].Name
	}
	known, err := r.Store.Standing(ctx, r.Now(), names...)
	if err != nil {
		return err
	}
	var failed error
	for i := range jobs {
		if err := r.enterJob(ctx, &jobs[i], known); err != nil {
			failed = errors.Join(failed, fmt.Errorf("entering due times of %s: %w", jobs[i].Name, err))
		}
	}
	return failed
}

// page is how many due times are entered at once.
const page = 500

func (r *Runner) enterJob(ctx context.Context, j *Job, known *Standing) error {
	now, last := known.Now, known.Last[j.Name]
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
		// A page, and behind it as many more as could be owed.
		fires, more := dueBetween(j.Schedule, last, now, page+j.most())
		if len(fires) == 0 {
			return nil
		}
		rows := j.decide(fires, now, known.Exceptions[j.Name], !more)
		if more {
			rows = rows[:page]
		}
		if err := r.Store.Enter(ctx, now, rows...); err != nil {
			return err
		}
		if last = rows[len(rows)-1].At; !more {
			return nil
		}
	}
}

// dueBetween lists due times after from up to now, at most limit of those that are late.
func dueBetween(s *Schedule, from, now time.Time, limit int) (fires []Fire, more bool) {
	for {
		f := s.Next(from)
		if f.At.IsZero() || f.At.After(now) {
			return fires, false
		}
		if len(fires) >= limit && now.Sub(f.At) > grace {
			return fires, true
		}
		fires, from = append(fires, f), f.At
	}
}
