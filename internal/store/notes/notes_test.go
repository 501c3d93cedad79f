package notes_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/notify"
	"birgeoqy.kz/almasu/internal/pgtest/stores"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/notes"
)

var start = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

// channel takes notes, or fails while broken.
type channel struct {
	name   string
	mu     sync.Mutex
	broken bool
	taken  []notify.Note
}

func (c *channel) Name() string { return c.name }

func (c *channel) Send(_ context.Context, n *notify.Note) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken {
		return errors.New("broken")
	}
	c.taken = append(c.taken, *n)
	return nil
}

func desk(s *store.Store, log *strings.Builder, channels ...notify.Channel) *notify.Desk {
	return &notify.Desk{Book: notes.Book{Store: s}, Channels: channels, Logger: slog.New(slog.NewTextHandler(log, nil))}
}

func TestChangesAreToldOnceAndRecoveriesToo(t *testing.T) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		mail, hook := &channel{name: "mail"}, &channel{name: "webhook"}
		d := desk(e.Open(e.Service), &strings.Builder{}, mail, hook)
		ends := start.Add(72 * time.Hour)
		failed := notify.Condition{Kind: notify.Failed, Subject: "ministry", Code: "source.database"}
		agreement := notify.Condition{Kind: notify.Agreement, Subject: "351240000020", Until: &ends}
		other := failed
		other.Code = "delivery.stalled"
		for i, step := range []struct {
			now          []notify.Condition
			raised, over []notify.Condition
		}{
			{nil, nil, nil},
			{[]notify.Condition{failed, agreement, failed}, []notify.Condition{agreement, failed}, nil},
			{[]notify.Condition{failed, agreement}, nil, nil},
			{[]notify.Condition{other, agreement}, nil, nil}, // still failing, for another reason
			{[]notify.Condition{agreement}, nil, []notify.Condition{failed}},
			{[]notify.Condition{failed}, []notify.Condition{failed}, []notify.Condition{agreement}},
			{nil, nil, []notify.Condition{failed}},
		} {
			at := start.Add(time.Duration(i) * time.Minute)
			n, err := d.See(t.Context(), at, step.now)
			if err != nil {
				t.Fatal(err)
			}
			told := len(step.raised)+len(step.over) > 0
			if (n != nil) != told || told && (!reflect.DeepEqual(n.Raised, step.raised) || !reflect.DeepEqual(n.Over, step.over)) {
				t.Fatalf("step %d: %+v", i, n)
			}
			taken, err := d.Tell(t.Context(), func() time.Time { return at })
			if want := map[bool]int{true: 2}[told]; err != nil || taken != want {
				t.Fatalf("step %d: %d taken, %v", i, taken, err)
			}
			if told && (!reflect.DeepEqual(mail.taken[len(mail.taken)-1], *n) || !reflect.DeepEqual(hook.taken[len(hook.taken)-1], *n)) {
				t.Fatalf("step %d: something else was told", i)
			}
		}
	})
}

func TestBrokenChannelIsTriedAgainAndGivenUp(t *testing.T) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		var log strings.Builder
		mail, hook := &channel{name: "mail", broken: true}, &channel{name: "webhook"}
		d := desk(e.Open(e.Service), &log, mail, hook)
		if _, err := d.See(t.Context(), start, []notify.Condition{{Kind: notify.Halted, Subject: "oblast"}}); err != nil {
			t.Fatal(err)
		}
		now := start
		for now.Sub(start) <= notify.GiveUp+2*time.Hour {
			if _, err := d.Tell(t.Context(), func() time.Time { return now }); err != nil {
				t.Fatal(err)
			}
			now = now.Add(10 * time.Minute)
		}
		tries := strings.Count(log.String(), "was not taken")
		if len(hook.taken) != 1 || tries < 20 || tries > 40 || strings.Count(log.String(), "given up") != 1 {
			t.Fatalf("%d, %d tries\n%s", len(hook.taken), tries, log.String())
		}
		mail.broken = false
		if _, err := d.See(t.Context(), now, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Tell(t.Context(), func() time.Time { return now }); err != nil || len(mail.taken) != 1 || len(mail.taken[0].Over) != 1 {
			t.Fatalf("%v %+v", err, mail.taken)
		}
	})
}

// TestManyProcesses lets several watch the same service: each change is told once.
func TestManyProcesses(t *testing.T) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		mail := &channel{name: "mail"}
		const processes, rounds = 4, 12
		var desks []*notify.Desk
		for range processes {
			desks = append(desks, desk(e.Open(e.Service), &strings.Builder{}, mail))
		}
		for round := range rounds {
			at := start.Add(time.Duration(round) * time.Minute)
			var now []notify.Condition
			if round%2 == 0 {
				now = []notify.Condition{{Kind: notify.Missed, Subject: fmt.Sprintf("c%d", round)}, {Kind: notify.Waiting, Subject: "b"}}
			}
			var wg sync.WaitGroup
			errs := make([]error, processes)
			for i, d := range desks {
				wg.Go(func() {
					_, err := d.See(t.Context(), at, now)
					_, again := d.Tell(t.Context(), func() time.Time { return at })
					errs[i] = errors.Join(err, again)
				})
			}
			wg.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if len(mail.taken) != round+1 {
				t.Fatalf("%d notes after %d changes", len(mail.taken), round+1)
			}
		}
	})
}

func TestWhatCannotBeSaidIsAnError(t *testing.T) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		d := desk(e.Open(e.Service), &strings.Builder{})
		n, err := d.See(t.Context(), start, []notify.Condition{
			{Kind: notify.Failed, Subject: "free text"}, {Kind: "odd", Subject: "a"}, {Kind: notify.Failed, Subject: "a", Code: "b c"}, {Kind: notify.Failed},
			{Kind: notify.Failed, Subject: strings.Repeat("a", 97)}, {Kind: notify.Failed, Subject: "Ж"}, {Kind: notify.Duty, Subject: "good"},
		})
		if err == nil || n == nil || len(n.Raised) != 1 || n.Raised[0].Subject != "good" || strings.Contains(err.Error(), "free text") {
			t.Fatalf("%+v %v", n, err)
		}
	})
}
