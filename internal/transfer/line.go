package transfer

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

// LineState is whether anything can be sent to a recipient.
type LineState string

// The states of a line.
const (
	LineUp LineState = "up"
	// LineDown: the recipient does not answer, and is tried with one message now and then.
	LineDown LineState = "down"
	// LineHalted: the recipient has objected to something in a way that somebody must look at. Only the message that it objected to is tried.
	LineHalted LineState = "halted"
)

// Line is the way to one recipient, for all connectors that send to it.
type Line struct {
	Recipient string    `json:"recipient"`
	State     LineState `json:"state"`
	// Code is that of the last failure, Since when the line came into this state.
	Code  string    `json:"code,omitempty"`
	Since time.Time `json:"since"`
	// Connector and Message name what the recipient has objected to, if the line is halted.
	Connector string    `json:"connector,omitempty"`
	Message   record.ID `json:"message"`
}

// Lines keeps the states of lines, so that they hold for every connector and process, and after a crash.
type Lines interface {
	// Line returns the state of the line to a recipient, [LineUp] if nothing was ever set.
	Line(ctx context.Context, recipient string) (Line, error)
	// SetLine makes a state durable.
	SetLine(ctx context.Context, l Line) error
}

// line is a Line as this process knows it. It is shared by all runs to the recipient.
type line struct {
	mu sync.Mutex
	Line
	// failures counts attempts in a row that may succeed later. pause was the last one, retry is when it ends.
	failures int
	pause    time.Duration
	retry    time.Time
	// probe is closed when the attempt ends that finds out whether a line that is down has come up; nil if there is none.
	probe chan struct{}
}

// way is a run's view of a line: once a message has used up the run's patience, the others are tried once each, until the recipient answers one.
type way struct {
	*line
	tired atomic.Bool
}

// way returns the way to the connection's recipient, as other processes have left it.
func (e *Engine) way(ctx context.Context, c *Connection) (*way, error) {
	recipient := c.Name
	register := e.Register()
	if route := register.Route(c.Route); route != nil {
		recipient = register.Recipient(route.Recipient).BIN
	}
	stored, err := e.Lines.Line(ctx, recipient)
	if err != nil {
		return nil, fmt.Errorf("reading the state of the line: %w", err)
	}
	e.linesMu.Lock()
	defer e.linesMu.Unlock()
	l := e.lines[recipient]
	if l == nil {
		l = &line{Line: Line{Recipient: recipient, State: LineUp}}
		if e.lines == nil {
			e.lines = map[string]*line{}
		}
		e.lines[recipient] = l
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.State != stored.State || l.Message != stored.Message {
		l.Line, l.failures, l.pause, l.retry = stored, 0, 0, time.Time{}
	}
	return &way{line: l}, nil
}

// known is what is known of the line now.
func (l *line) known() *Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	copied := l.Line
	return &copied
}

// turn is whether a message may be tried now.
type turn struct {
	// halt is why it may not, nor any other.
	halt *connectors.Failure
	// pause is how long until it may be asked again, probe what to wait for; zero if it may be tried.
	pause time.Duration
	probe <-chan struct{}
}

// ask asks for a turn. On a line that is down, the one who gets it is the probe.
func (l *line) ask(m *message, now time.Time) turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.State == LineHalted && m.id() != l.Message:
		return turn{halt: l.objection()}
	case l.State != LineDown:
		return turn{}
	case l.probe != nil:
		return turn{probe: l.probe}
	case now.Before(l.retry):
		return turn{pause: l.retry.Sub(now)}
	}
	l.probe = make(chan struct{})
	return turn{}
}

// halted returns why nothing else may be sent over the line, nil if it is not halted.
func (l *Line) halted() *connectors.Failure {
	if l.State != LineHalted {
		return nil
	}
	return l.objection()
}

func (l *Line) objection() *connectors.Failure {
	return &connectors.Failure{Kind: connectors.Halt, Code: l.Code, Hint: "see: almasu recipients",
		Err: fmt.Errorf("the line to recipient %s is halted since %s, by message %s of connector %s", l.Recipient, l.Since.UTC().Format(time.RFC3339), l.Message, l.Connector)}
}

// probed ends a probe, whatever it came to.
func (l *line) probed() {
	if l.probe != nil {
		close(l.probe)
		l.probe = nil
	}
}

// unused gives a turn back of which nothing is known.
func (l *line) unused() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.probed()
}

// answered takes note that the recipient has answered a message. taken says that it has nothing more to object to it.
func (e *Engine) answered(ctx context.Context, l *line, m *message, taken bool) error {
	l.mu.Lock()
	l.failures, l.pause = 0, 0
	l.probed()
	if l.State == LineUp || l.State == LineHalted && !(taken && m.id() == l.Message) {
		l.mu.Unlock()
		return nil
	}
	was := l.Line
	l.Line = Line{Recipient: was.Recipient, State: LineUp, Since: e.Now()}
	l.mu.Unlock()
	return e.changed(ctx, l, slog.LevelInfo, "after", string(was.State), "lasted", e.Now().Sub(was.Since).Round(time.Second).String())
}

// unanswered takes note of an attempt that may succeed later.
func (e *Engine) unanswered(ctx context.Context, l *line, f *connectors.Failure) error {
	now := e.Now()
	l.mu.Lock()
	l.failures++
	l.probed()
	if l.State == LineHalted || l.State == LineUp && (l.failures < downAfter || f.Code == "delivery.window") { // who misses an earlier number has answered
		l.mu.Unlock()
		return nil
	}
	l.pause = min(max(2*l.pause, firstDown), lastDown)
	l.retry = now.Add(max(l.pause/2+rand.N(l.pause/2+1), f.RetryAfter))
	if l.State == LineDown {
		l.Code = f.Code
		l.mu.Unlock()
		return nil
	}
	l.Line = Line{Recipient: l.Recipient, State: LineDown, Code: f.Code, Since: now}
	l.mu.Unlock()
	return e.changed(ctx, l, slog.LevelWarn, "failures", downAfter)
}

// halt takes note that the recipient has objected to a message: nothing else is sent to it, by any connector, until it takes this one or somebody
// lifts the halt. It returns the failure.
func (e *Engine) halt(ctx context.Context, c *Connection, l *line, m *message, f *connectors.Failure) error {
	l.mu.Lock()
	l.failures = 0
	l.probed()
	known := l.State == LineHalted && l.Code == f.Code
	if l.State != LineHalted { // the first objection is the one to be looked at
		l.Line = Line{Recipient: l.Recipient, State: LineHalted, Code: f.Code, Since: e.Now(), Connector: c.Name, Message: m.id()}
	}
	l.mu.Unlock()
	if known {
		return f
	}
	if err := e.changed(ctx, l, slog.LevelError, "connector", c.Name, "message", m.id().String(), "remote", f.Remote, "hint", f.Hint); err != nil {
		return errors.Join(f, err)
	}
	return f
}

// changed makes a line's state durable and logs it. It does so although the run is ending.
func (e *Engine) changed(ctx context.Context, l *line, level slog.Level, more ...any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	now := l.known()
	e.Logger.Log(ctx, level, "line is "+string(now.State), append([]any{"recipient", now.Recipient, "code", now.Code}, more...)...)
	if err := e.Lines.SetLine(ctx, *now); err != nil {
		return fmt.Errorf("keeping the state of the line: %w", err)
	}
	return nil
}
