package holds_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/pgtest/stores"
	"birgeoqy.kz/almasu/internal/plan"
	"birgeoqy.kz/almasu/internal/plan/limits"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/due"
	"birgeoqy.kz/almasu/internal/store/holds"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

var start = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

// room is a store with its tester.
type room struct {
	*testing.T
	s   *store.Store
	now time.Time
}

func newRoom(t *testing.T, e *stores.Empty) *room {
	s := e.Open(e.Service)
	s.SimulateTime()
	return &room{T: t, s: s, now: start}
}

func (r *room) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// claimed enters a scheduled row, a minute after the one before, and claims it.
func (r *room) claimed(job string) *scheduler.Due {
	r.Helper()
	r.now = r.now.Add(time.Minute)
	r.must(r.s.Enter(r.Context(), r.now, scheduler.Due{Job: job, At: r.now, Cause: scheduler.CauseSchedule, State: scheduler.StateWaiting, Actor: "schedule", Overlap: scheduler.SkipNew}))
	d := r.claim(job)
	if d == nil {
		r.Fatal("nothing to claim")
	}
	return d
}

func (r *room) claim(job string) *scheduler.Due {
	r.Helper()
	d, err := r.s.Claim(r.Context(), "w", scheduler.Want{Job: job}, r.now, time.Minute)
	r.must(err)
	return d
}

// hold is what is found about a row.
func (r *room) hold(d *scheduler.Due) *holds.Hold {
	return &holds.Hold{ID: record.NewID().String(), Connector: d.Job, Due: d.At, Cause: d.Cause, Asked: d.Actor, Author: "author", Made: r.now, Expires: r.now.Add(72 * time.Hour),
		Plan: strings.Repeat("a", 64), Findings: []limits.Finding{{What: "changed", People: 60, Of: 100, Limit: config.Limit{Share: 100_000, Least: 5}}}}
}

// held puts a new row under a new hold.
func (r *room) held(job string) *holds.Hold {
	r.Helper()
	d := r.claimed(job)
	h := r.hold(d)
	r.must(holds.Enter(r.Context(), r.s, r.now, "w", d, h))
	return h
}

// acts counts the acts of the log.
func (r *room) acts() map[string]int {
	r.Helper()
	entries, err := r.s.Entries(r.Context(), 0, 10_000)
	r.must(err)
	out := map[string]int{}
	for _, b := range entries {
		e, err := transferlog.Decode(b)
		r.must(err)
		if a, ok := e.(*transferlog.Act); ok {
			out[a.Act]++
		}
	}
	return out
}

// states lists the states of a job's rows, oldest first.
func (r *room) states(job string) string {
	r.Helper()
	list, err := r.s.Dues(r.Context(), job, 100)
	r.must(err)
	var out []string
	for i := len(list) - 1; i >= 0; i-- {
		out = append(out, list[i].State)
	}
	return strings.Join(out, " ")
}

func TestLifeOfAHold(t *testing.T) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		r := newRoom(t, e)
		ctx := t.Context()
		h := r.held("a")
		if open, err := holds.Of(ctx, r.s, "a"); err != nil || open == nil || open.ID != h.ID || open.Decision.Rows != 1 || open.Findings[0].Words().EN == "" || !open.Expires.Equal(h.Expires) {
			t.Fatalf("%+v, %v", open, err)
		}
		if d := r.claim("a"); d != nil {
			t.Errorf("a held row was claimed: %+v", d)
		}
		second := r.claimed("a")
		if err := holds.Enter(ctx, r.s, r.now, "w", second, r.hold(second)); err == nil {
			t.Error("a connector has two open holds")
		}
		lost := *second
		lost.Attempt++
		if err := holds.Join(ctx, r.s, "w", &lost, h); !errors.Is(err, scheduler.ErrLost) {
			t.Errorf("another's row: %v", err)
		}
		r.must(holds.Join(ctx, r.s, "w", second, h))
		// Digests survive the store; so does what is signed.
		before, err := h.Digest()
		r.must(err)
		stored, err := holds.Get(ctx, r.s, h.ID)
		r.must(err)
		if after, err := stored.Digest(); err != nil || after != before {
			t.Errorf("the digest is another one, %v", err)
		}

		// A pause that begins meanwhile, and a run under way, keep an approved run from nothing.
		r.must(r.s.Pause(ctx, r.now, "a", "x", "moved"))
		r.must(holds.Approve(ctx, r.s, r.now, stored, "second", "order", `{"x":1}`, "sig"))
		if got := r.states("a"); got != "waiting missed" {
			t.Errorf("after the approval: %s", got)
		}
		r.must(r.s.Resume(ctx, r.now, "a", "x", "there"))
		r.must(r.s.Enter(ctx, r.now, scheduler.Due{Job: "a", At: h.Due.Add(-time.Hour), Cause: scheduler.CauseAdHoc, State: scheduler.StateWaiting, Actor: "x"}))
		other := r.claim("a")
		if other == nil || other.Cause != scheduler.CauseAdHoc {
			t.Fatalf("claimed %+v", other)
		}
		if d := r.claim("a"); d != nil {
			t.Errorf("claimed beside another run: %+v", d)
		}
		r.must(r.s.Keep(ctx, "w", other, scheduler.StateDone, r.now))
		r.must(r.s.Pause(ctx, r.now.Add(time.Second), "a", "x", "again"))
		d := r.claim("a")
		if d == nil || d.Hold != h.ID || !d.At.Equal(h.Due) {
			t.Fatalf("claimed %+v", d)
		}
		d.Transfer = record.NewID().String()
		r.must(r.s.Keep(ctx, "w", d, scheduler.StateDone, r.now))
		for what, err := range map[string]error{
			"approved again": holds.Approve(ctx, r.s, r.now, stored, "third", "order", `{"x":2}`, "sig"), "discarded": holds.Discard(ctx, r.s, r.now, stored, "x", "y"),
			"joined": holds.Join(ctx, r.s, "w", second, stored),
		} {
			if !errors.Is(err, holds.ErrDecided) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if after, err := holds.Get(ctx, r.s, h.ID); err != nil || after.Decision.State != holds.Approved || after.Decision.Actor != "second" || after.Decision.Transfer != d.Transfer || after.Decision.Approval != `{"x":1}` {
			t.Errorf("%+v, %v", after, err)
		}
		if acts := r.acts(); acts["hold.open"] != 1 || acts["hold.approve"] != 1 || acts["run.missed"] != 1 || acts["hold.discard"] != 0 {
			t.Errorf("%v", acts)
		}
		if _, err := holds.Get(ctx, r.s, "none"); !errors.Is(err, holds.ErrNoHold) {
			t.Error(err)
		}
	})
}

func TestExpiry(t *testing.T) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		r := newRoom(t, e)
		a, b := r.held("a"), r.held("b")
		r.must(holds.Discard(t.Context(), r.s, r.now, b, "x", "wrong"))
		r.now = a.Expires.Add(-time.Microsecond)
		if ended, err := holds.Expire(t.Context(), r.s, r.now); err != nil || len(ended) != 0 {
			t.Errorf("too early: %d, %v", len(ended), err)
		}
		r.now = a.Expires
		if err := holds.Approve(t.Context(), r.s, r.now, a, "second", "order", "{}", "sig"); !errors.Is(err, holds.ErrDecided) {
			t.Errorf("approved at the end of its time: %v", err)
		}
		for want := 1; want >= 0; want-- {
			if ended, err := holds.Expire(t.Context(), r.s, r.now); err != nil || len(ended) != want {
				t.Errorf("%d expired, %v", len(ended), err)
			}
		}
		if r.states("a") != "missed" || r.states("b") != "missed" {
			t.Error(r.states("a"), r.states("b"))
		}
		if acts := r.acts(); acts["hold.expire"] != 1 || acts["hold.discard"] != 1 || acts["run.missed"] != 2 {
			t.Errorf("%v", acts)
		}
		if open, err := holds.List(t.Context(), r.s, false, 10); err != nil || len(open) != 0 {
			t.Errorf("%d open, %v", len(open), err)
		}
		if all, err := holds.List(t.Context(), r.s, true, 10); err != nil || len(all) != 2 {
			t.Errorf("%d in all, %v", len(all), err)
		}
	})
}

// TestFoundIsNotChanged: the service's role cannot change what was found, nor decide again past this package; a stored body that was changed is refused.
func TestFoundIsNotChanged(t *testing.T) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		r := newRoom(t, e)
		h := r.held("a")
		if _, err := r.s.DB().Exec("UPDATE hold SET body = '{}' WHERE id = $1", h.ID); err == nil {
			t.Error("what was found was changed")
		}
		if _, err := r.s.DB().Exec("DELETE FROM hold WHERE id = $1", h.ID); err == nil {
			t.Error("a hold was deleted")
		}
		if _, err := r.s.DB().Exec("UPDATE hold SET state = 'approved', ended = 1, actor = 'x' WHERE id = $1", h.ID); err == nil {
			t.Error("approved without an approval")
		}
		owner := e.Open(e.Owner)
		if e.Kind == store.SQLite {
			_, err := owner.DB().Exec("DROP TRIGGER hold_decided_once")
			r.must(err)
			_, err = owner.DB().Exec("INSERT INTO hold (id, connector, due, body, made, expires, state) VALUES ($1, 'a', 1, '{}', 1, 9, 'expired')", "x")
			if err == nil {
				t.Error("a decided hold without an end was entered")
			}
			_, err = owner.DB().Exec("INSERT INTO hold (id, connector, due, body, made, expires, state) VALUES ($1, 'z', 1, $2, 1, 9, 'open')", h.ID+"x", `{"id":"other"}`)
			r.must(err)
		} else {
			_, err := owner.DB().Exec("UPDATE hold SET body = replace(body, $1, 'other') WHERE id = $1", h.ID)
			r.must(err)
		}
		if _, err := holds.List(t.Context(), r.s, false, 10); record.CodeOf(err) != "hold.altered" {
			t.Errorf("a changed hold is listed: %v", err)
		}
	})
}

// TestDecidedOnce: of many who decide at the same moment, each by a connection of their own, one does.
func TestDecidedOnce(t *testing.T) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		r := newRoom(t, e)
		for round := range 5 {
			h := r.held("a")
			var mu sync.Mutex
			done := 0
			var all sync.WaitGroup
			for i := range 6 {
				s := e.Open(e.Service)
				s.SimulateTime()
				all.Go(func() {
					var err error
					ended := 1
					switch i % 3 {
					case 0:
						err = holds.Approve(t.Context(), s, r.now, h, fmt.Sprint("admin-", i), "order", "{}", "sig")
					case 1:
						err = holds.Discard(t.Context(), s, r.now, h, "x", "wrong")
					default:
						var list []*holds.Hold
						list, err = holds.Expire(t.Context(), s, h.Expires)
						ended = len(list)
					}
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						done += ended
					} else if !errors.Is(err, holds.ErrDecided) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if done != 1 {
				t.Errorf("round %d: decided %d times", round, done)
			}
			for d := r.claim("a"); d != nil; d = r.claim("a") {
				r.must(r.s.Keep(t.Context(), "w", d, scheduler.StateDone, r.now))
			}
		}
		if acts := r.acts(); acts["hold.open"] != 5 || acts["hold.approve"]+acts["hold.discard"]+acts["hold.expire"] != 5 {
			t.Errorf("%v", acts)
		}
	})
}

// TestRandomHoldings: whatever happens in which order, every due time is a run, a recorded miss or under an open hold; a row runs past a hold only if that was approved.
func TestRandomHoldings(t *testing.T) {
	e := stores.New(t, store.SQLite)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		r := newRoom(t, e)
		n++
		job := fmt.Sprint("job-", n)
		r.now = start.Add(time.Duration(n) * 1000 * time.Hour)
		ran := map[int64]bool{}
		for range rapid.IntRange(5, 25).Draw(rt, "acts") {
			open, err := holds.Of(t.Context(), r.s, job)
			r.must(err)
			switch what := rapid.SampledFrom([]string{"run", "run", "run", "approve", "discard", "later", "pause", "resume"}).Draw(rt, "act"); what {
			case "run":
				r.now = r.now.Add(time.Minute)
				r.must(r.s.Enter(t.Context(), r.now, scheduler.Due{Job: job, At: r.now, Cause: scheduler.CauseSchedule, State: scheduler.StateWaiting, Actor: "schedule", Overlap: scheduler.QueueOne}))
				for d := r.claim(job); d != nil; d = r.claim(job) {
					open, err := holds.Of(t.Context(), r.s, job)
					r.must(err)
					switch {
					case d.Hold != "":
						h, err := holds.Get(t.Context(), r.s, d.Hold)
						r.must(err)
						if h.Decision.State != holds.Approved || !h.Due.Equal(d.At) {
							rt.Fatalf("a row runs past a hold that is %s", h.Decision.State)
						}
						ran[d.At.UnixMicro()] = true
						r.must(r.s.Keep(t.Context(), "w", d, scheduler.StateDone, r.now))
					case open != nil:
						r.must(holds.Join(t.Context(), r.s, "w", d, open))
					case rapid.Bool().Draw(rt, "unusual"):
						r.must(holds.Enter(t.Context(), r.s, r.now, "w", d, r.hold(d)))
					default:
						ran[d.At.UnixMicro()] = true
						r.must(r.s.Keep(t.Context(), "w", d, scheduler.StateDone, r.now))
					}
				}
			case "approve":
				if open != nil && r.now.Before(open.Expires) {
					r.must(holds.Approve(t.Context(), r.s, r.now, open, "second", "order", "{}", "sig"))
				}
			case "discard":
				if open != nil {
					r.must(holds.Discard(t.Context(), r.s, r.now, open, "x", "wrong"))
				}
			case "later":
				r.now = r.now.Add(40 * time.Hour)
				_, err := holds.Expire(t.Context(), r.s, r.now)
				r.must(err)
			case "pause":
				r.now = r.now.Add(time.Second)
				if err := r.s.Pause(t.Context(), r.now, job, "x", "y"); !errors.Is(err, due.ErrPaused) {
					r.must(err)
				}
			case "resume":
				r.now = r.now.Add(time.Second)
				if err := r.s.Resume(t.Context(), r.now, job, "x", "y"); !errors.Is(err, due.ErrNotPaused) {
					r.must(err)
				}
			}
			open, err = holds.Of(t.Context(), r.s, job)
			r.must(err)
			list, err := r.s.Dues(t.Context(), job, 1000)
			r.must(err)
			for _, d := range list {
				if d.State == scheduler.StateHeld && (open == nil || d.Hold != open.ID) {
					rt.Fatal("a row is under a hold that is not open")
				}
				if d.State == scheduler.StateDone != ran[d.At.UnixMicro()] {
					rt.Fatalf("a row is %s", d.State)
				}
				if d.State == scheduler.StateMissed && d.Reason == "" {
					rt.Fatal("a miss without its reason")
				}
			}
		}
	})
}

func TestPlansAreKeptBare(t *testing.T) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		r := newRoom(t, e)
		for i, purpose := range []string{holds.ToLook, holds.ToJudge, holds.ToSend, holds.ToApprove} {
			p := &plan.Plan{Connector: "a", At: start.Add(time.Duration(i) * time.Hour), Read: 10 + i, Digest: strings.Repeat(fmt.Sprint(i), 64), Compared: &plan.Comparison{New: i},
				Sample: []map[string]string{{"family_name": "Xxxxx"}}}
			r.must(holds.Keep(t.Context(), r.s, p, purpose, "clerk"))
			if p.Sample == nil {
				t.Error("the plan itself lost its sample")
			}
		}
		r.must(holds.Keep(t.Context(), r.s, &plan.Plan{Connector: "b", At: start, Digest: strings.Repeat("f", 64)}, holds.ToLook, "clerk"))
		list, err := holds.Plans(t.Context(), r.s, "a", 3)
		if err != nil || len(list) != 3 || list[0].Purpose != holds.ToApprove || list[0].Plan.Read != 13 || list[0].Plan.Compared.New != 3 || list[0].Plan.Sample != nil || list[0].Actor != "clerk" {
			t.Errorf("%+v, %v", list, err)
		}
		if all, err := holds.Plans(t.Context(), r.s, "", 10); err != nil || len(all) != 5 {
			t.Errorf("%d plans, %v", len(all), err)
		}
		if err := holds.Keep(t.Context(), r.s, &plan.Plan{Connector: "b", At: start, Digest: "short"}, holds.ToLook, "clerk"); err == nil {
			t.Error("a plan without its digest was kept")
		}
	})
}
