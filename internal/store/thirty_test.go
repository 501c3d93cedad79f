package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/store/due"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

const (
	simJobs  = 50
	simPoll  = 10 * time.Minute
	simLease = 30 * time.Minute
	simSkew  = 5 * time.Minute
	simTick  = 10 * time.Minute // how often the database's clock is moved
)

// simulated is 30 days of many connectors in several processes on one PostgreSQL. Time is the bubble's: it moves only while everybody waits. The
// database has a clock of its own, a table; every process has one that is wrong.
type simulated struct {
	*rig
	begin  time.Time
	days   int
	offset time.Duration // from the bubble's time to the simulated
	random *rand.Rand
	admin  *sqlx.DB
	jobs   []scheduler.Job

	mu      sync.Mutex
	running map[string]context.Context // the run under way of each job
	lives   int
	kills   int
	acts    map[string]int
}

func (s *simulated) now() time.Time { return time.Now().Add(s.offset) }

// below is a random number, for any goroutine.
func (s *simulated) below(n int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.Int64N(n)
}

func (s *simulated) upTo(d time.Duration) time.Duration { return time.Duration(s.below(int64(d))) }

// sleep waits in simulated time.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *simulated) makeJobs() {
	zones := []string{"Asia/Almaty", "Europe/Berlin", "America/New_York", "Asia/Qyzylorda", "UTC"}
	policies := []string{"none", "latest", "all"}
	overlaps := []scheduler.Overlap{scheduler.QueueOne, scheduler.SkipNew, scheduler.CancelOld, ""}
	for i := range simJobs {
		cron := fmt.Sprintf("%d * * * *", i)
		if i >= 9 {
			cron = fmt.Sprintf("%d */4 * * *", i)
		}
		if i >= 30 {
			cron = fmt.Sprintf("%d 2 * * *", i)
		}
		zone := zones[i%len(zones)]
		schedule, err := scheduler.Parse(cron, zone)
		s.must(err)
		j := scheduler.Job{Name: fmt.Sprintf("c%02d", i), Schedule: schedule, Overlap: overlaps[i%len(overlaps)],
			CatchUp: scheduler.CatchUp{Policy: policies[i%len(policies)], Max: 3, Window: 12 * time.Hour}}
		if i%7 == 0 {
			j.Jitter = 20 * time.Minute
		}
		if i%6 == 0 {
			j.Defer = i%12 == 0
			j.Calendar = &scheduler.Calendar{Name: "nights", Zone: schedule.Zone(), Quiet: []scheduler.Hours{{From: 22 * time.Hour, To: 5 * time.Hour}}}
		}
		s.jobs = append(s.jobs, j)
	}
}

// life is one process, from its start until it is killed or ctx ends.
func (s *simulated) life(ctx context.Context, immortal bool) {
	s.mu.Lock()
	s.lives++
	name := "life" + strconv.Itoa(s.lives)
	s.mu.Unlock()
	skew := s.upTo(2*simSkew) - simSkew
	log, err := transferlog.New(s.secret)
	s.must(err)
	own, err := Open(Postgres, s.dsn+" application_name="+name, log)
	s.must(err)
	own.Rows.Clock = "(SELECT us FROM world)"
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	if !immortal {
		beside.Go(func() { s.killer(ctx, name, cancel) })
	}
	r := &scheduler.Runner{
		Store: own, Worker: name, Jobs: func() []scheduler.Job { return s.jobs }, Now: func() time.Time { return s.now().Add(skew) }, Wait: sleep,
		Lease: simLease, Parallel: 8, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Run: func(ctx context.Context, d *scheduler.Due) error { return s.run(ctx, own, d) },
	}
	_ = r.Loop(ctx, simPoll)
	cancel()
	beside.Wait()
	_ = own.Close()
}

// killer ends a process after some time, at a poll or between two: its connections are cut, and it does nothing more.
func (s *simulated) killer(ctx context.Context, name string, cancel func()) {
	after := s.upTo(30 * time.Hour)
	if s.below(2) == 0 {
		after = after.Truncate(simPoll) // in the middle of what it does when it wakes
	}
	if sleep(ctx, after) != nil {
		return
	}
	for range s.below(30) { // real time passes
		_, _ = s.admin.Exec("SELECT 1")
	}
	s.mu.Lock()
	s.kills++
	s.mu.Unlock()
	if s.below(2) == 0 {
		cancel()
	}
	_, _ = s.admin.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", name)
	cancel()
}

// run is a transfer: it takes its time, and its effect is there once, however often it is taken up. No two runs of a job are under way.
func (s *simulated) run(ctx context.Context, own *Store, d *scheduler.Due) error {
	s.mu.Lock()
	if other := s.running[d.Job]; other != nil && other.Err() == nil {
		s.Errorf("two runs of %s are under way, the one due at %v in its attempt %d", d.Job, d.At, d.Attempt)
	}
	s.running[d.Job] = ctx
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.running[d.Job] == ctx {
			delete(s.running, d.Job)
		}
	}()
	if d.At.After(s.now()) {
		s.Errorf("%s ran before %v", d.Job, d.At)
	}
	takes := s.upTo(4 * time.Minute)
	if s.below(20) == 0 {
		takes = s.upTo(3 * time.Hour)
	}
	if err := sleep(ctx, takes); err != nil {
		return err
	}
	_, err := own.DB().ExecContext(ctx, "INSERT INTO effect (connector, due) VALUES ($1, $2) ON CONFLICT DO NOTHING", d.Job, d.At.UnixMicro())
	return err
}

// administrator pauses, resumes and skips.
func (s *simulated) administrator(ctx context.Context, own *Store) {
	for sleep(ctx, s.upTo(10*time.Hour)) == nil {
		job := &s.jobs[s.below(simJobs)]
		var err error
		what := "skip"
		switch s.below(3) {
		case 0:
			what, err = "pause", own.Pause(ctx, s.now(), job.Name, "admin", "simulated")
		case 1:
			what, err = "skip", own.Skip(ctx, s.now(), job.Name, job.Schedule.Next(s.now()).At, "admin", "simulated")
		}
		list, listErr := own.Exceptions(ctx, "")
		for _, e := range list { // a pause lasts until the next act
			if e.Until.IsZero() && e.Job != job.Name {
				what, err = "resume", errors.Join(err, own.Resume(ctx, s.now(), e.Job, "admin", "simulated"))
			}
		}
		if err = errors.Join(err, listErr); err != nil && ctx.Err() == nil && !errors.Is(err, due.ErrPaused) && !errors.Is(err, due.ErrBegun) && !errors.Is(err, due.ErrSkipped) {
			s.Errorf("%s: %v", what, err)
		}
		s.acts[what]++
	}
}

// TestThirtyDays holds that every due time is a run or a recorded miss, and none twice. ALMASU_SIM_DAYS is how many days (default 4).
func TestThirtyDays(t *testing.T) {
	days := 4
	if text := os.Getenv("ALMASU_SIM_DAYS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatal("ALMASU_SIM_DAYS is not a number of days")
		}
		days = n
	}
	r := newRig(t, Postgres)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	// The server does not crash here, only its clients.
	r.pg.MustExec("ALTER DATABASE " + r.pg.Name + " SET synchronous_commit = off")
	r.pg.MustExec("CREATE TABLE world (us bigint NOT NULL); CREATE TABLE effect (connector text, due bigint, PRIMARY KEY (connector, due))")
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{rig: r, begin: time.Date(2026, 10, 10, 0, 0, 0, 0, time.UTC), days: days, random: rand.New(rand.NewPCG(seed, 1)), running: map[string]context.Context{}, acts: map[string]int{}}
		s.offset = time.Until(s.begin)
		s.makeJobs()
		s.simulate()
	})
	s := &simulated{rig: r, begin: time.Date(2026, 10, 10, 0, 0, 0, 0, time.UTC), days: days}
	s.makeJobs()
	s.judge()
	t.Logf("took %v", time.Since(began).Round(time.Second))
}

func (s *simulated) simulate() {
	var err error
	s.admin, err = sqlx.Open("postgres", s.dsn+" application_name=world")
	s.must(err)
	defer s.admin.Close()
	s.admin.MustExec("INSERT INTO world VALUES ($1)", s.now().UnixMicro())
	log, err := transferlog.New(s.secret)
	s.must(err)
	own, err := Open(Postgres, s.dsn, log)
	s.must(err)
	defer own.Close()
	own.Rows.Clock = "(SELECT us FROM world)"
	all, stop := context.WithCancel(context.Background())
	var world sync.WaitGroup
	world.Go(func() {
		for sleep(all, simTick) == nil {
			_, _ = s.admin.Exec("UPDATE world SET us = $1", s.now().UnixMicro())
		}
	})
	end := time.Duration(s.days) * 24 * time.Hour
	during, over := context.WithCancel(all)
	var lives sync.WaitGroup
	lives.Go(func() { s.administrator(during, own) })
	for i := range 5 { // two to five are there, but for an outage of all in the middle
		lives.Go(func() {
			for during.Err() == nil {
				period, quit := context.WithTimeout(during, end/2-time.Since(s.begin.Add(-s.offset)))
				if time.Since(s.begin.Add(-s.offset)) > end/2 {
					quit()
					period, quit = context.WithCancel(during)
				}
				s.life(period, i < 2)
				if period.Err() != nil && during.Err() == nil {
					_ = sleep(during, 30*time.Hour+s.upTo(time.Hour))
				}
				quit()
				if i >= 2 {
					_ = sleep(during, s.upTo(36*time.Hour))
				}
			}
		})
	}
	_ = sleep(all, end)
	over()
	lives.Wait()
	// One that lives on finishes what is left.
	last, done := context.WithCancel(all)
	lives.Go(func() { s.life(last, true) })
	_ = sleep(all, 12*time.Hour)
	done()
	lives.Wait()
	stop()
	world.Wait()
	s.Logf("%d processes, %d of them killed; acts %v", s.lives, s.kills, s.acts)
}

// judge compares rows, effects and the log with the schedules.
func (s *simulated) judge() {
	until := s.begin.Add(time.Duration(s.days) * 24 * time.Hour)
	var effects []struct {
		Connector string
		Due       int64
	}
	s.must(s.pg.Select(&effects, "SELECT connector, due FROM effect"))
	effect := map[string]bool{}
	for _, e := range effects {
		effect[e.Connector+" "+time.UnixMicro(e.Due).UTC().String()] = true
	}
	logged := map[string]string{}
	for from := int64(0); ; from += 1000 {
		entries, err := s.s.Entries(s.Context(), from, 1000)
		s.must(err)
		for _, b := range entries {
			e, err := transferlog.Decode(b)
			s.must(err)
			if a, ok := e.(*transferlog.Act); ok && (a.Act == "run.missed" || a.Act == "run.cancelled") {
				if logged[a.Object] != "" && a.Act == "run.missed" {
					s.Errorf("%s is logged twice as missed", a.Object)
				}
				logged[a.Object] = a.Act + ": " + a.Reason
			}
		}
		if len(entries) < 1000 {
			break
		}
	}
	total, count, why := 0, map[string]int{}, map[string]int{}
	for i := range s.jobs {
		j := &s.jobs[i]
		list, err := s.s.Dues(s.Context(), j.Name, 1_000_000)
		s.must(err)
		rows := map[string]*scheduler.Due{}
		begin := time.Time{}
		for _, d := range list {
			rows[d.At.UTC().String()] = d
			if d.Reason == "the schedule begins" {
				begin = d.At
			}
		}
		at := begin
		for {
			f := j.Schedule.Next(at)
			if at = f.At; at.After(until) {
				break
			}
			total++
			d := rows[at.UTC().String()]
			delete(rows, at.UTC().String())
			if d == nil {
				s.Errorf("%s, due %v, has no row", j.Name, at)
				continue
			}
			key := j.Name + " " + at.UTC().String()
			entry := logged[j.Name+" "+at.UTC().Format(time.RFC3339Nano)]
			count[d.Cause+" "+d.State]++
			switch {
			case d.State == scheduler.StateMissed:
				reason, _, _ := strings.Cut(d.Reason, ":")
				why[strings.TrimRight(reason, " 0123456789TZ-")]++
				if d.Reason == "" || effect[key] || entry != "run.missed: "+d.Reason {
					s.Errorf("%s is missed (%q), has an effect: %v, is logged as %q", key, d.Reason, effect[key], entry)
				}
			case d.State != scheduler.StateDone:
				s.Errorf("%s is %s at the end", key, d.State)
			case !effect[key] && !strings.HasPrefix(entry, "run.cancelled: "):
				s.Errorf("%s is done and has no effect, logged as %q", key, entry)
			}
		}
		for _, d := range rows {
			if d.At.Before(until) && d.Reason != "the schedule begins" {
				s.Errorf("%s has a row at %v, when nothing is due", j.Name, d.At)
			}
		}
	}
	s.Logf("%d due times: %v\nmissed: %v", total, count, why)
	if s.days >= 30 && total < 10_000 {
		s.Errorf("only %d due times", total)
	}
	s.check()
}
