package transfer

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

func (n *noLines) Line(context.Context, string) (Line, error) { return Line{State: LineUp}, nil }

func (n *noLines) SetLine(_ context.Context, l Line) error { n.set = append(n.set, l); return nil }

// TestTurns drives a line through random answers and checks it against its rules: it goes down after so many failures in a row and not before, then has one
// attempt at a time and pauses within bounds, and a halt is passed by its own message alone.
func TestTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
		kept := &noLines{}
		e := &Engine{Now: func() time.Time { return now }, Lines: kept, Logger: slog.New(slog.DiscardHandler)}
		l := &line{Line: Line{State: LineUp}}
		c := &Connection{Name: "a"}
		mine, others := &message{voids: record.NewID()}, &message{voids: record.NewID()}
		inARow, probes := 0, 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			turn := l.ask(mine, now)
			switch {
			case turn.halt != nil:
				t.Fatal("its own message is halted")
			case turn.pause > 0:
				if l.State != LineDown || turn.pause > lastDown && turn.pause > 40*time.Second {
					t.Fatalf("%s: a pause of %s", l.State, turn.pause)
				}
				now = now.Add(turn.pause)
				continue
			case turn.probe != nil:
				t.Fatal("a probe was left behind")
			}
			if l.State == LineDown {
				probes++
				if second := l.ask(others, now); second.probe == nil {
					t.Fatal("two probes at once")
				}
			}
			before := l.State
			switch rapid.IntRange(0, 5).Draw(t, "answer") {
			case 0:
				_ = e.answered(t.Context(), l, mine, true)
				if inARow = 0; l.State != LineUp {
					t.Fatalf("%s after an answer", l.State)
				}
			case 1:
				_ = e.halt(t.Context(), c, l, mine, &connectors.Failure{Kind: connectors.Halt, Code: "x"})
				inARow = 0
				if l.State != LineHalted || l.ask(others, now).halt == nil {
					t.Fatal("a halt does not hold")
				}
			case 2:
				l.unused()
			default:
				wish := time.Duration(rapid.IntRange(0, 40).Draw(t, "wish")) * time.Second
				_ = e.unanswered(t.Context(), l, &connectors.Failure{Code: "y", RetryAfter: wish})
				inARow++
				down := l.State == LineDown
				if before == LineUp && down != (inARow >= downAfter) {
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
			if kept.set[i].State == kept.set[i-1].State {
				t.Fatalf("%s was kept twice: no change of state", kept.set[i].State)
			}
		}
	})
}
