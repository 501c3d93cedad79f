package box

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestWatch: news are said and logged once, a folder that cannot be used does not end the watch, and another error does.
func TestWatch(t *testing.T) {
	var logged bytes.Buffer
	waiting := &Intake{Waiting: []Waiting{{File: "a.zip", Code: "parcel.malformed", Hint: "remove it"}}}
	missing, other := broken("in", fs.ErrNotExist), errors.New("the store has failed")
	looks := []struct {
		found *Intake
		err   error
	}{{&Intake{}, nil}, {&Intake{Taken: 1}, nil}, {waiting, nil}, {waiting, nil}, {nil, missing}, {nil, missing}, {waiting, nil}, {&Intake{}, nil}, {nil, other}}
	next, said := 0, []int{}
	err := Watch(t.Context(), slog.New(slog.NewTextHandler(&logged, nil)), time.Millisecond, func(context.Context) (*Intake, error) {
		next++
		return looks[next-1].found, looks[next-1].err
	}, func(*Intake) { said = append(said, next-1) })
	if !errors.Is(err, other) || next != len(looks) {
		t.Errorf("it ends after %d looks with %v", next, err)
	}
	if len(said) != 3 || said[0] != 1 || said[1] != 2 || said[2] != 7 { // what was taken, what waits, and that nothing waits any more
		t.Errorf("said at looks %v", said)
	}
	for _, line := range []string{"parcel waits", "the folder cannot be used", "the folder can be used again"} {
		if strings.Count(logged.String(), line) != 1 {
			t.Errorf("%q is not logged once:\n%s", line, logged.String())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := Watch(ctx, slog.New(slog.DiscardHandler), time.Hour, func(context.Context) (*Intake, error) { cancel(); return nil, other }, nil); err != nil {
		t.Errorf("told to end: %v", err)
	}
}
