package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// GiveUp is how long a channel is tried with a note.
const GiveUp = 24 * time.Hour

// A channel that failed is tried again after firstPause, doubling up to lastPause; claimed is how long a process keeps a note that it sends.
const (
	firstPause = 30 * time.Second
	lastPause  = time.Hour
	claimed    = 2 * time.Minute
)

// Sending is a note that one channel has not taken yet.
type Sending struct {
	Note    Note
	Channel string
	// Tries counts claims, this one included.
	Tries int
}

// Book keeps conditions and notes. Every method is one transaction.
type Book interface {
	// Standing lists the conditions that stand.
	Standing(ctx context.Context) ([]Condition, error)
	// Keep adds the note's raised conditions to those that stand and takes away those that are over, and enters the note for each channel. It keeps
	// nothing, and returns false, if one of the raised stands already or one of those over does not: another process was first.
	Keep(ctx context.Context, n Note, channels []string) (bool, error)
	// Claim returns a sending that is due now for one of the channels, and makes it due again at until; nil if there is none.
	Claim(ctx context.Context, channels []string, now, until time.Time) (*Sending, error)
	// Settle ends a sending (zero again) or makes it due at again.
	Settle(ctx context.Context, s *Sending, again time.Time) error
}

// Channel tells people.
type Channel interface {
	// Name tells channels apart; it stands in the store, so it does not change.
	Name() string
	// Send returns once the other side has taken the note.
	Send(ctx context.Context, n *Note) error
}

// Desk keeps what has changed and tells it. It is safe for concurrent use.
type Desk struct {
	Book     Book
	Channels []Channel
	Logger   *slog.Logger
}

func (d *Desk) names() []string {
	out := make([]string, len(d.Channels))
	for i, c := range d.Channels {
		out[i] = c.Name()
	}
	return out
}

// See compares the conditions of now with those that stand, and keeps the difference as a note. It returns nil if nothing has changed. A condition
// that cannot be told (see the package comment) is an error, and the others are kept.
func (d *Desk) See(ctx context.Context, at time.Time, now []Condition) (*Note, error) {
	var told []Condition
	var unsayable error
	for _, c := range now {
		if c.sayable() {
			told = append(told, c)
		} else {
			unsayable = errors.Join(unsayable, record.NewProblem("notify.unsayable", string(c.Kind), "", "a condition has a kind, subject or code that a note cannot hold"))
		}
	}
	standing, err := d.Book.Standing(ctx)
	if err != nil {
		return nil, errors.Join(unsayable, fmt.Errorf("reading what stands: %w", err))
	}
	n := Note{ID: record.NewID().String(), At: at.UTC().Truncate(time.Microsecond)}
	if n.Raised, n.Over = compare(standing, told); len(n.Raised)+len(n.Over) == 0 {
		return nil, unsayable
	}
	kept, err := d.Book.Keep(ctx, n, d.names())
	if err != nil {
		return nil, errors.Join(unsayable, fmt.Errorf("keeping a note: %w", err))
	}
	if !kept {
		return nil, unsayable // the next look sees what the other process has kept
	}
	return &n, unsayable
}

// Tell sends what is due until nothing is, and returns how many sendings were taken. What a channel does not take is logged and due again later.
func (d *Desk) Tell(ctx context.Context, now func() time.Time) (taken int, err error) {
	channels := map[string]Channel{}
	for _, c := range d.Channels {
		channels[c.Name()] = c
	}
	if len(channels) == 0 {
		return 0, nil
	}
	for ctx.Err() == nil {
		at := now()
		s, err := d.Book.Claim(ctx, d.names(), at, at.Add(claimed))
		if err != nil {
			return taken, fmt.Errorf("looking for notes to send: %w", err)
		}
		if s == nil {
			return taken, nil
		}
		bounded, cancel := context.WithTimeout(ctx, claimed/2)
		failure := channels[s.Channel].Send(bounded, &s.Note)
		cancel()
		var again time.Time
		switch {
		case failure == nil:
			taken++
			d.Logger.Info("people were told", "note", s.Note.ID, "channel", s.Channel, "raised", len(s.Note.Raised), "over", len(s.Note.Over))
		case now().Sub(s.Note.At) > GiveUp:
			d.Logger.Error("a note was given up", "note", s.Note.ID, "channel", s.Channel, "tries", s.Tries, "code", record.CodeOf(failure))
		default:
			again = now().Add(min(firstPause<<min(s.Tries-1, 16), lastPause))
			d.Logger.Warn("a note was not taken", "note", s.Note.ID, "channel", s.Channel, "tries", s.Tries, "code", record.CodeOf(failure))
		}
		if err := d.Book.Settle(ctx, s, again); err != nil {
			return taken, fmt.Errorf("keeping what became of a note: %w", err)
		}
	}
	return taken, ctx.Err()
}
