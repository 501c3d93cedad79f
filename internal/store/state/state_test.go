package state_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/pgtest/stores"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/marks"
	"birgeoqy.kz/almasu/internal/store/state"
	"birgeoqy.kz/almasu/internal/transfer/candidates"
	"birgeoqy.kz/almasu/scheduler"
)

var now = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

// world is a store with what a connector a has come to with a recipient r.
type world struct {
	*testing.T
	owner, s *store.Store
}

func onBoth(t *testing.T, f func(w *world)) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		w := &world{t, e.Open(e.Owner), e.Open(e.Service)}
		_, err := marks.Rows{DB: w.s.DB()}.Forget(t.Context(), "a", "r")
		w.must(err)
		w.must(marks.Rows{DB: w.s.DB()}.Keep(t.Context(), "a", "r", candidates.Mark{Version: 1, Horizon: "pg:1:2:", Scope: candidates.Scope{"mapping x"}, Full: now}))
		w.page(0, 0, "one sealed page of sixteen bytes and more")
		f(w)
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) exec(text string, args ...any) {
	w.Helper()
	_, err := w.owner.DB().Exec(text, args...)
	w.must(err)
}

func (w *world) page(number, stale int, body string) {
	w.exec("INSERT INTO held (connector, recipient, page, stale, body) VALUES ('a', 'r', $1, $2, $3)", number, stale, []byte(body))
}

func (w *world) read() *state.State {
	w.Helper()
	st, err := state.Read(w.Context(), w.s, "a", "r")
	w.must(err)
	return st
}

func (w *world) forget(what string, seen record.Digest) error {
	return state.Forget(w.Context(), w.s, now, state.Wish{Connector: "a", Recipient: "r", What: what, Seen: seen, Actor: "clerk", Reason: "letter no. 16"})
}

// acts returns the acts of the log.
func (w *world) acts() string {
	var list [][]byte
	w.must(w.s.Reader().Select(&list, "SELECT body FROM log_entry ORDER BY idx"))
	return string(bytes.Join(list, []byte("\n")))
}

// TestDigestMoves: whatever the next run goes on from moves the digest; what moves by itself, or is another connector's, does not.
func TestDigestMoves(t *testing.T) {
	onBoth(t, func(w *world) {
		if w.s.Kind() == store.Postgres {
			w.owner.SimulateTime()
		}
		before := w.read()
		if again := w.read(); again.Digest() != before.Digest() {
			t.Fatal("two readings of one state differ")
		}
		row := scheduler.Due{Job: "a", At: now, Cause: scheduler.CauseRunNow, State: scheduler.StateWaiting, Actor: "clerk", Reason: "x"}
		other := row
		other.Job = "b"
		var claimed *scheduler.Due
		for _, step := range []struct {
			what  string
			moves bool
			do    func()
		}{
			{"a number of another connector", false, func() { w.exec("INSERT INTO sequence (recipient, next) VALUES ('r', 7)") }},
			{"a mark of another connector", false, func() {
				_, err := marks.Rows{DB: w.s.DB()}.Forget(t.Context(), "b", "r")
				w.must(err)
			}},
			{"a row of another connector", false, func() { w.must(w.owner.Enter(t.Context(), now, other)) }},
			{"a due time", true, func() { w.must(w.owner.Enter(t.Context(), now, row)) }},
			{"a claim", true, func() {
				var err error
				claimed, err = w.owner.Claim(t.Context(), "w", scheduler.Want{Job: "a"}, now, time.Minute)
				w.must(err)
			}},
			{"a lease", false, func() {
				w.must(w.owner.Keep(t.Context(), "w", claimed, scheduler.StateRunning, now.Add(20*time.Second)))
			}},
			{"the end of a run", true, func() { w.must(w.owner.Keep(t.Context(), "w", claimed, scheduler.StateDone, now)) }},
			{"a pause", true, func() { w.must(w.s.Pause(t.Context(), now, "a", "clerk", "x")) }},
			{"a skip", true, func() { w.must(w.s.Skip(t.Context(), now, "a", now.AddDate(0, 0, 1), "clerk", "x")) }},
			{"a page sealed anew", true, func() { w.exec("UPDATE held SET body = $1", []byte("one sealed page of sixteen bytes and MORE")) }},
			{"recent digests", true, func() { w.exec("UPDATE held SET recent = $1", []byte("one sealed list of sixteen bytes and more")) }},
			{"others", true, func() { w.exec("UPDATE held SET recent = $1", []byte("one sealed list of sixteen bytes and MORE")) }},
			{"another page", true, func() { w.page(3, 0, "another") }},
			{"a stale page", true, func() { w.exec("UPDATE held SET stale = 1 WHERE page = 3") }},
			{"a horizon", true, func() { w.exec("UPDATE mark SET horizon = 'pg:2:3:' WHERE connector = 'a'") }},
			{"a refresh", true, func() {
				w.exec("INSERT INTO refresh (id, connector, recipient, since, until, actor, reason, entered) VALUES ('f', 'a', 'r', 0, 0, 'clerk', 'x', 1)")
			}},
			{"a hold", true, func() {
				w.exec("INSERT INTO hold (id, connector, due, body, made, expires, state) VALUES ('h', 'a', 1, '{}', 1, 2, 'open')")
			}},
			{"a transfer", true, func() {
				w.exec("INSERT INTO transfer (id, connector, route, recipient, cause, due, started, actor, reason, request) VALUES ('0123456789abcdef0123456789abcdef', 'a', 'a', 'r', 'run_now', 1, 1, 'clerk', '', '')")
			}},
		} {
			step.do()
			after := w.read()
			if moved := after.Digest() != before.Digest(); moved != step.moves {
				b, _ := json.Marshal(after)
				t.Errorf("%s: moved %v, want %v: %s", step.what, moved, step.moves, b)
			}
			before = after
		}
		if len(before.Open) != 1 || len(before.Exceptions) != 2 || len(before.Refreshes) != 1 || before.Hold != "h" || before.LastNumber != 6 || before.Book.Pages != 2 || before.Book.Stale != 1 || len(before.Due) != 0 {
			t.Errorf("%+v", before)
		}
	})
}

// TestForget: only the state that was looked at is changed, in the part that is named, with an act in the log; what is refused changes nothing and leaves none.
func TestForget(t *testing.T) {
	onBoth(t, func(w *world) {
		seen := w.read().Digest()
		w.page(1, 0, "something has happened since")
		if err := w.forget(state.ForgetMark, seen); !errors.Is(err, state.ErrMoved) {
			t.Errorf("another state: %v", err)
		}
		if st := w.read(); st.Mark.Horizon == "" || w.acts() != "" {
			t.Errorf("a refused wish has changed something: %+v", st.Mark)
		}
		seen = w.read().Digest()
		w.must(w.forget(state.ForgetMark, seen))
		st := w.read()
		if st.Mark.Horizon != "" || st.Mark.Version != 2 || st.Book.Stale != 0 || st.Book.Pages != 2 {
			t.Errorf("%+v %+v", st.Mark, st.Book)
		}
		if acts := w.acts(); strings.Count(acts, "state.forget") != 1 || !strings.Contains(acts, seen.String()) || !strings.Contains(acts, "mark of a to r") || !strings.Contains(acts, "letter no. 16") {
			t.Errorf("the log has %s", acts)
		}
		if err := w.forget(state.ForgetMark, st.Digest()); !errors.Is(err, state.ErrNothing) {
			t.Errorf("nothing to forget: %v", err)
		}
		w.must(marks.Rows{DB: w.s.DB()}.Keep(t.Context(), "a", "r", candidates.Mark{Version: 2, Horizon: "h", Full: now}))
		w.must(w.forget(state.ForgetBook, w.read().Digest()))
		if st = w.read(); st.Book.Stale != 2 || st.Mark.Horizon != "" {
			t.Errorf("%+v %+v", st.Book, st.Mark)
		}
		if err := w.forget(state.ForgetBook, st.Digest()); !errors.Is(err, state.ErrNothing) {
			t.Errorf("nothing to forget: %v", err)
		}
	})
}

// TestForgottenOnce: of several people who have looked at one state, one changes it.
func TestForgottenOnce(t *testing.T) {
	onBoth(t, func(w *world) {
		seen := w.read().Digest()
		var all sync.WaitGroup
		answers := make([]error, 6)
		for i := range answers {
			all.Go(func() { answers[i] = w.forget([]string{state.ForgetMark, state.ForgetBook}[i%2], seen) })
		}
		all.Wait()
		granted := 0
		for _, err := range answers {
			if err == nil {
				granted++
			} else if !errors.Is(err, state.ErrMoved) {
				t.Error(err)
			}
		}
		if granted != 1 || strings.Count(w.acts(), "state.forget") != 1 {
			t.Errorf("%d are granted: %s", granted, w.acts())
		}
	})
}
