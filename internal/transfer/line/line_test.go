package line

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
)

// noLines forgets, and counts.
type noLines struct{ set []Line }

func (n *noLines) Line(context.Context, string) (Line, error) { return Line{State: Up}, nil }

func (n *noLines) SetLine(_ context.Context, l Line) error { n.set = append(n.set, l); return nil }

// TestHaltIsLiftedByItsMessageAlone: messages that were on their way are answered after the halt, and what is not taken is answered too; neither brings the line up.
func TestHaltIsLiftedByItsMessageAlone(t *testing.T) {
	e := &Book{Now: time.Now, Lines: &noLines{}, Logger: slog.New(slog.DiscardHandler)}
	l := &Shared{Line: Line{State: Up}}
	mine, others := record.NewID(), record.NewID()
	_ = e.Halt(t.Context(), l, "a", mine, &connectors.Failure{Kind: connectors.Halt, Code: "x"})
	for what, answer := range map[string]func() error{
		"another message taken": func() error { return e.Answered(t.Context(), l, others, true) },
		"not taken":             func() error { return e.Answered(t.Context(), l, mine, false) },
		"no answer":             func() error { return e.Unanswered(t.Context(), l, &connectors.Failure{Code: "y"}) },
	} {
		if err := answer(); err != nil || l.State != Halted || l.Message != mine || l.Ask(others, time.Now()).Halt == nil {
			t.Errorf("%s: the line is %s, %v", what, l.State, err)
		}
	}
	if err := e.Answered(t.Context(), l, mine, true); err != nil || l.State != Up {
		t.Errorf("the message was taken, and the line is %s, %v", l.State, err)
	}
}

// TestTurns drives a line through random answers and checks it against its rules: it goes down after so many failures in a row and not before, then has one
// attempt at a time and pauses within bounds, and a halt is passed by its own message alone.
func TestTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
		kept := &noLines{}
		e := &Book{Now: func() time.Time { return now }, Lines: kept, Logger: slog.New(slog.DiscardHandler)}
		l := &Shared{Line: Line{State: Up}}
		mine, others := record.NewID(), record.NewID()
		inARow, probes := 0, 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			turn := l.Ask(mine, now)
			switch {
			case turn.Halt != nil:
				t.Fatal("its own message is halted")
			case turn.Pause > 0:
				if l.State != Down || turn.Pause > lastDown && turn.Pause > 40*time.Second {
					t.Fatalf("%s: a pause of %s", l.State, turn.Pause)
				}
				now = now.Add(turn.Pause)
				continue
			case turn.Probe != nil:
				t.Fatal("a probe was left behind")
			}
			if l.State == Down {
				probes++
				if second := l.Ask(others, now); second.Probe == nil {
					t.Fatal("two probes at once")
				}
			}
			before := l.State
			switch rapid.IntRange(0, 5).Draw(t, "answer") {
			case 0:
				_ = e.Answered(t.Context(), l, mine, true)
				if inARow = 0; l.State != Up {
					t.Fatalf("%s after an answer", l.State)
				}
			case 1:
				_ = e.Halt(t.Context(), l, "a", mine, &connectors.Failure{Kind: connectors.Halt, Code: "x"})
				inARow = 0
				if l.State != Halted || l.Ask(others, now).Halt == nil {
					t.Fatal("a halt does not hold")
				}
			case 2:
				l.Unused()
			default:
				wish := time.Duration(rapid.IntRange(0, 40).Draw(t, "wish")) * time.Second
				_ = e.Unanswered(t.Context(), l, &connectors.Failure{Code: rapid.SampledFrom([]string{"y", "z"}).Draw(t, "code"), RetryAfter: wish})
				inARow++
				down := l.State == Down
				if before == Up && down != (inARow >= downAfter) {
					t.Fatalf("%d in a row, %s", inARow, l.State)
				}
				if down && (l.retry.Sub(now) < firstDown/2 || l.retry.Sub(now) > max(lastDown, wish) || l.retry.Sub(now) < wish) {
					t.Fatalf("tried again after %s", l.retry.Sub(now))
				}
			}
			if l.probe != nil {
				t.Fatal("a probe was left behind")
			}
		}
		for i := 1; i < len(kept.set); i++ {
			if was, is := kept.set[i-1], kept.set[i]; is.State == was.State && (is.State != Down || is.Code == was.Code || is.Since != was.Since) {
				t.Fatalf("%s was kept twice: no change of state or reason", is.State)
			}
		}
		if n := len(kept.set); l.State == Down && (n == 0 || kept.set[n-1].Code != l.Code) {
			t.Fatalf("the reason that is kept is not the one that is known: %s", l.Code)
		}
	})
}
