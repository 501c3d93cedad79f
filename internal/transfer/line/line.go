// Package line keeps whether anything can be sent to a recipient, for all connectors and runs of a process and, through [Lines], of the others.
//
// A line goes down after five attempts in a row, at whatever messages, that may succeed later; then one message at a time finds out whether it has come
// up. Any answer brings it up, and so does a message that could be put where the recipient takes it, although it has not been taken yet. An objection halts it: only the message that was objected to is tried, until the recipient takes it, or until somebody
// lifts the halt. Changes of state, and of the reason why it is down, are kept and logged once.
package line

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
)

// The line to a recipient goes down after downAfter attempts in a row, at whatever messages, that may succeed later. It is then tried with one message at
// a time, after pauses that double from firstDown up to lastDown, each shortened by up to half at random; a longer wish of the recipient counts.
const (
	downAfter = 5
	firstDown = time.Second
	lastDown  = 15 * time.Second
)

// State is whether anything can be sent to a recipient.
type State string

// The states of a line.
const (
	Up State = "up"
	// Down: the recipient does not answer, and is tried with one message now and then.
	Down State = "down"
	// Halted: the recipient has objected to something in a way that somebody must look at. Only the message that it objected to is tried.
	Halted State = "halted"
)

// Line is the way to one recipient, for all connectors that send to it.
type Line struct {
	Recipient string `json:"recipient"`
	State     State  `json:"state"`
	// Code is that of the last failure, Since when the line came into this state.
	Code  string    `json:"code,omitempty"`
	Since time.Time `json:"since"`
	// Connector and Message name what the recipient has objected to, if the line is halted.
	Connector string    `json:"connector,omitempty"`
	Message   record.ID `json:"message"`
}

// Lines keeps the states of lines, so that they hold for every connector and process, and after a crash.
type Lines interface {
	// Line returns the state of the line to a recipient, [Up] if nothing was ever set.
	Line(ctx context.Context, recipient string) (Line, error)
	// SetLine makes a state durable.
	SetLine(ctx context.Context, l Line) error
}

// Shared is a Line as this process knows it. It is shared by all runs to the recipient.
type Shared struct {
	mu sync.Mutex
	Line
	// failures counts attempts in a row that may succeed later. pause was the last one, retry is when it ends.
	failures int
	pause    time.Duration
	retry    time.Time
	// probe is closed when the attempt ends that finds out whether a line that is down has come up; nil if there is none.
	probe chan struct{}
}

// Way is a run's view of a line: once a message has used up the run's patience, the others are tried once each, until the recipient answers one.
type Way struct {
	*Shared
	Tired atomic.Bool
}

// Book has the lines of one process. It is safe for concurrent use.
type Book struct {
	Lines  Lines
	Now    func() time.Time
	Logger *slog.Logger

	mu    sync.Mutex
	lines map[string]*Shared // by recipient
}

// Way returns the way to a recipient, as other processes have left it.
func (e *Book) Way(ctx context.Context, recipient string) (*Way, error) {
	stored, err := e.Lines.Line(ctx, recipient)
	if err != nil {
		return nil, fmt.Errorf("reading the state of the line: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.lines[recipient]
	if l == nil {
		l = &Shared{Line: Line{Recipient: recipient, State: Up}}
		if e.lines == nil {
			e.lines = map[string]*Shared{}
		}
		e.lines[recipient] = l
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.State != stored.State || l.Message != stored.Message {
		l.Line, l.failures, l.pause, l.retry = stored, 0, 0, time.Time{}
	}
	return &Way{Shared: l}, nil
}

// Known is what is known of the line now.
func (l *Shared) Known() *Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	copied := l.Line
	return &copied
}

// Turn is whether a message may be tried now.
type Turn struct {
	// Halt is why it may not, nor any other.
	Halt *connectors.Failure
	// Pause is how long until it may be asked again, Probe what to wait for; zero if it may be tried.
	Pause time.Duration
	Probe <-chan struct{}
}

// Ask asks for a turn for a message. On a line that is down, the one who gets it is the probe.
func (l *Shared) Ask(message record.ID, now time.Time) Turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.State == Halted && message != l.Message:
		return Turn{Halt: l.objection()}
	case l.State != Down:
		return Turn{}
	case l.probe != nil:
		return Turn{Probe: l.probe}
	case now.Before(l.retry):
		return Turn{Pause: l.retry.Sub(now)}
	}
	l.probe = make(chan struct{})
	return Turn{}
}

// Objected returns why nothing else may be sent over the line, nil if it is not halted.
func (l *Line) Objected() *connectors.Failure {
	if l.State != Halted {
		return nil
	}
	return l.objection()
}

func (l *Line) objection() *connectors.Failure {
	return &connectors.Failure{Kind: connectors.Halt, Code: l.Code, Hint: "see: almasu recipients",
		Err: fmt.Errorf("the line to recipient %s is halted since %s, by message %s of connector %s", l.Recipient, l.Since.UTC().Format(time.RFC3339), l.Message, l.Connector)}
}

// probed ends a probe, whatever it came to.
func (l *Shared) probed() {
	if l.probe != nil {
		close(l.probe)
		l.probe = nil
	}
}

// Unused gives a turn back of which nothing is known.
func (l *Shared) Unused() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.probed()
}

// Answered takes note that the recipient has answered a message. taken says that it has nothing more to object to it.
func (e *Book) Answered(ctx context.Context, l *Shared, message record.ID, taken bool) error {
	l.mu.Lock()
	l.failures, l.pause = 0, 0
	l.probed()
	if l.State == Up || l.State == Halted && !(taken && message == l.Message) {
		l.mu.Unlock()
		return nil
	}
	was := l.Line
	l.Line = Line{Recipient: was.Recipient, State: Up, Since: e.Now()}
	l.mu.Unlock()
	return e.changed(ctx, l, slog.LevelInfo, "after", string(was.State), "lasted", e.Now().Sub(was.Since).Round(time.Second).String())
}

// Unanswered takes note of an attempt that may succeed later.
func (e *Book) Unanswered(ctx context.Context, l *Shared, f *connectors.Failure) error {
	now := e.Now()
	l.mu.Lock()
	l.failures++
	l.probed()
	if l.State == Halted || l.State == Up && (l.failures < downAfter || f.Code == "delivery.window") { // who misses an earlier number has answered
		l.mu.Unlock()
		return nil
	}
	l.pause = min(max(2*l.pause, firstDown), lastDown)
	l.retry = now.Add(max(l.pause/2+rand.N(l.pause/2+1), f.RetryAfter))
	if l.State == Down && l.Code == f.Code {
		l.mu.Unlock()
		return nil
	}
	if l.State == Down { // for another reason now
		l.Code = f.Code
	} else {
		l.Line = Line{Recipient: l.Recipient, State: Down, Code: f.Code, Since: now}
	}
	failures := l.failures
	l.mu.Unlock()
	return e.changed(ctx, l, slog.LevelWarn, "failures", failures, "hint", f.Hint)
}

// Halt takes note that the recipient has objected to a connector's message: nothing else is sent to it, by any connector, until it takes this one or somebody
// lifts the halt. It returns the failure.
func (e *Book) Halt(ctx context.Context, l *Shared, connector string, message record.ID, f *connectors.Failure) error {
	l.mu.Lock()
	l.failures = 0
	l.probed()
	known := l.State == Halted && l.Code == f.Code
	if l.State != Halted { // the first objection is the one to be looked at
		l.Line = Line{Recipient: l.Recipient, State: Halted, Code: f.Code, Since: e.Now(), Connector: connector, Message: message}
	}
	l.mu.Unlock()
	if known {
		return f
	}
	if err := e.changed(ctx, l, slog.LevelError, "connector", connector, "message", message.String(), "remote", f.Remote, "hint", f.Hint); err != nil {
		return errors.Join(f, err)
	}
	return f
}

// changed makes a line's state durable and logs it. It does so although the run is ending.
func (e *Book) changed(ctx context.Context, l *Shared, level slog.Level, more ...any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	now := l.Known()
	e.Logger.Log(ctx, level, "line is "+string(now.State), append([]any{"recipient", now.Recipient, "code", now.Code}, more...)...)
	if err := e.Lines.SetLine(ctx, *now); err != nil {
		return fmt.Errorf("keeping the state of the line: %w", err)
	}
	return nil
}
