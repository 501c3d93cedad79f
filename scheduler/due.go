package scheduler

import (
	"context"
	"errors"
	"time"
)

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
	StateHeld    = "held"
)

// StateLapsed is no state of a row: a runner that is told to end says with it ([Store.Keep]) that it has let go of a running row, whose lease then ends at once.
const StateLapsed = "lapsed"

// Due is one row.
type Due struct {
	Job string
	At  time.Time
	// Start is when it may begin, At if it is zero.
	Start time.Time
	Cause string
	State string
	// Reason says why it was missed or deferred, or why it was asked for; Actor who asked.
	Reason, Actor string
	// Request names the ad-hoc request it answers; Transfer the transfer it became, set by the first run.
	Request, Transfer string
	Overlap           Overlap
	// Hold names the hold that the row is, or was, under: a person decides whether it runs. One that was let go of is as one that somebody asked for.
	Hold string
	// Cancelled says that a later due time takes the place of this run.
	Cancelled bool
	// Attempt counts claims.
	Attempt int
}

// Standing is what a store knows of jobs.
type Standing struct {
	// Now is the store's time.
	Now time.Time
	// Last is the latest due time entered for a job by its schedule; a job that was never entered has none.
	Last map[string]time.Time
	// Exceptions are a job's pauses and skips that cover anything after its Last.
	Exceptions map[string][]Exception
}

// Store keeps rows. What a method changes it changes in one transaction; Claim decides in one and claims in another. A store that several processes share may go by a clock of its own instead of the times that
// are given, so that the processes' clocks do not matter.
type Store interface {
	// Standing returns what is known of jobs. What others do after that, Enter and Claim see.
	Standing(ctx context.Context, now time.Time, jobs ...string) (*Standing, error)
	// Enter adds rows, in the state given, that are not there yet, and logs those of them that are missed, at the time now. A row of
	// [CauseRunNow] or [CauseAdHoc] is always added, at its time or soon after (At is set to it), one of [CauseResume] only while its job has no row that waits or runs. A row with a
	// Request is added only while no row with that request waits, runs, or has sent a message: a request is answered once.
	Enter(ctx context.Context, now time.Time, rows ...Due) error
	// Claim first makes rows missed, and logs it, that an exception covers or that [Overlap] drops, and flags those that it cancels; of
	// scheduled rows whose start has come. Then it takes the earliest row whose start has come that runs under a lease that has lapsed, or waits
	// while no other row of its job runs; lapsed ones before those that wait. It returns nil if there is none.
	Claim(ctx context.Context, worker string, want Want, now time.Time, lease time.Duration) (*Due, error)
	// Keep begins the term of the lease again, from now, or ends the row: state is [StateRunning], [StateDone] or [StateMissed], which is
	// logged with the row's Reason. With [StateLapsed] the row goes on running, and whoever claims next has it. It makes the row's Transfer durable, if it has one. It returns [ErrLost] if the row is not this worker's any
	// more, and [ErrCancelled], having renewed the lease, for a row that goes on running and was cancelled.
	Keep(ctx context.Context, worker string, d *Due, state string, now time.Time) error
}

// Want restricts what is claimed.
type Want struct {
	// Job is the only job to claim for, "" for all.
	Job string
	// Lapsed says that only rows whose lease has lapsed are claimed.
	Lapsed bool
}

var (
	// ErrLost is returned for a row whose lease another process has taken.
	ErrLost = errors.New("the lease was lost to another process")
	// ErrCancelled is the cause with which the context of a run ends whose place a later due time takes.
	ErrCancelled = errors.New("a later due time takes the place of this run")
)

// ErrNotBegun is returned by [Runner.Run] for a row that has come to nothing and is not to be given up: it stays, and is claimed again when its lease has lapsed.
var ErrNotBegun = errors.New("the run has not begun, and is taken up again")

// Missed is returned by [Runner.Run] for a row that could not be run at all: it becomes missed, for this reason. A row that cannot be made so, because the
// store refuses, stays, and is claimed again when its lease has lapsed.
type Missed struct {
	Reason string
	// Err is why, nil if the reason says it all.
	Err error
}

// Error returns the reason.
func (m *Missed) Error() string { return m.Reason }

// Unwrap returns why.
func (m *Missed) Unwrap() error { return m.Err }

// Held is returned by [Runner.Run] for a row that the job has put into [StateHeld] itself, together with its account of why: the runner leaves it alone.
type Held struct{ Hold string }

// Error says so.
func (h *Held) Error() string { return "held for a person's decision: hold " + h.Hold }
