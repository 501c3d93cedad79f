package scheduler

import (
	"hash/fnv"
	"strconv"
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

// Overlap says what becomes of a due time that comes while another run of its job is under way.
type Overlap string

// The overlaps. The zero value lets every row wait its turn.
const (
	// QueueOne lets one wait; further ones are missed.
	QueueOne Overlap = "queue"
	// SkipNew makes it missed.
	SkipNew Overlap = "skip"
	// CancelOld cancels the scheduled run that is under way, and runs the newest; those between are missed.
	CancelOld Overlap = "cancel"
)

// Job is something that is due at times.
type Job struct {
	Name     string
	Schedule *Schedule
	CatchUp  CatchUp
	Overlap  Overlap
	// Calendar, if set, closes times. Defer lets a due time in a closed time begin when that ends, else it is missed.
	Calendar *Calendar
	Defer    bool
	// Jitter is the most by which a start is delayed.
	Jitter time.Duration
	// Since is when a job that was never entered begins, zero for now: a done row at that time marks it, and nothing before it is due.
	Since time.Time
}

// Exception keeps a job's due times from running: those from Since up to, and without, Until.
type Exception struct {
	// Kind is [KindPause] or [KindSkip].
	Kind  string
	Since time.Time
	// Until is zero while a pause lasts.
	Until time.Time
	// Actor did it, for Reason.
	Actor, Reason string
}

// The kinds of exceptions.
const (
	KindPause = "pause"
	KindSkip  = "skip"
)

// Covers reports whether a due time is inside.
func (e *Exception) Covers(at time.Time) bool {
	return !at.Before(e.Since) && (e.Until.IsZero() || at.Before(e.Until))
}

// String says it in words: the reason of a missed run.
func (e *Exception) String() string {
	verb := "paused"
	if e.Kind == KindSkip {
		verb = "skipped"
	}
	return verb + " by " + e.Actor + ": " + e.Reason
}

// Forecast is what becomes of a due time.
type Forecast struct {
	Fire
	// Start is when the run may begin; zero if it is missed.
	Start time.Time
	// Missed says why it does not run, Deferred why it begins later than it is due, jitter apart.
	Missed, Deferred string
	// ready is Start without jitter.
	ready time.Time
}

// Forecast says what becomes of a due time, if the service is there.
func (j *Job) Forecast(f Fire, exceptions []Exception) Forecast { return j.from(f, f.At, exceptions) }

// from is Forecast for a run that can begin at the instant can at the earliest.
func (j *Job) from(f Fire, can time.Time, exceptions []Exception) Forecast {
	out := Forecast{Fire: f}
	for i := range exceptions {
		if exceptions[i].Covers(f.At) {
			out.Missed = exceptions[i].String()
			return out
		}
	}
	opens, why := j.Calendar.Opens(f.At)
	if why != "" {
		next := j.Schedule.Next(f.At)
		switch {
		case !j.Defer:
			out.Missed = why
		case opens.IsZero():
			out.Missed = why + ", and it does not open within two years"
		case !next.At.IsZero() && !next.At.After(opens):
			out.Missed = why + "; a later due time makes it good when it opens"
		}
		if out.Missed != "" {
			return out
		}
		out.Deferred = why
	}
	if can.After(opens) { // a run that is owed begins in no closed time either
		later, why := j.Calendar.Opens(can)
		if later.IsZero() {
			out.Missed = why + ", and it does not open within two years"
			return out
		}
		if opens = can; why != "" {
			opens, out.Deferred = later, why
		}
	}
	out.ready, out.Start = opens, opens
	if delayed := opens.Add(j.delay(f.At)); delayed.After(opens) {
		if at, _ := j.Calendar.Opens(delayed); at.Equal(delayed) {
			out.Start = delayed
		}
	}
	return out
}

// delay is a job's jitter for a due time: a whole number of milliseconds below Jitter, the same in every process.
func (j *Job) delay(at time.Time) time.Duration {
	if j.Jitter < time.Millisecond {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(j.Name + " " + strconv.FormatInt(at.UnixMicro(), 10)))
	return time.Duration(h.Sum64()%uint64(j.Jitter/time.Millisecond)) * time.Millisecond
}

// notRunning begins the reason of a missed run.
const notRunning = "at that time no service ran that could reach its store"

// most is how many owed runs are made.
func (j *Job) most() int {
	if j.CatchUp.Max == 0 {
		return 10
	}
	return j.CatchUp.Max
}

// decide says of each due time whether it runs or is missed. final says that these are the newest there are; else there are more than are owed.
func (j *Job) decide(fires []Fire, now time.Time, exceptions []Exception, final bool) []Due {
	window := j.CatchUp.Window
	if window == 0 {
		window = 24 * time.Hour
	}
	rows := make([]Due, len(fires))
	owed, newer := 0, false // of those that are newer than the one looked at: how many run late, and whether any runs
	for i := len(fires) - 1; i >= 0; i-- {
		d := &rows[i]
		*d = Due{Job: j.Name, At: fires[i].At, Cause: CauseSchedule, State: StateWaiting, Actor: "schedule", Overlap: j.Overlap}
		f := j.Forecast(fires[i], exceptions)
		late := now.Sub(f.ready)
		if f.Missed == "" && late > grace {
			d.Cause = CauseCatchUp
			switch {
			case late > window:
				f.Missed = notRunning + ", and the catch-up window is over"
			case j.CatchUp.Policy == "all" && final && owed < j.most():
			case j.CatchUp.Policy == "all":
				f.Missed = notRunning + ", and more runs are owed than catch-up makes good"
			case j.CatchUp.Policy == "latest" && final && !newer:
			case j.CatchUp.Policy == "latest":
				f.Missed = notRunning + "; a later run makes it good"
			default:
				f.Missed = notRunning + ", and this connector does not catch up"
			}
			if f.Missed == "" {
				owed++
				f = j.from(fires[i], now, exceptions)
			}
		}
		if f.Missed != "" {
			d.State, d.Reason = StateMissed, f.Missed
			continue
		}
		newer = true
		d.Start, d.Reason = f.Start, f.Deferred
		if f.Deferred != "" {
			d.Reason = "deferred: " + f.Deferred
		}
	}
	return rows
}
