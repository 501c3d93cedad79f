package box

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// Intake is what one look into a folder of parcels has found.
type Intake struct {
	// Taken counts parcels that were answered with a receipt, of which Refused by a signed refusal. States counts introductions that were accepted.
	Taken   int `json:"taken"`
	Refused int `json:"refused"`
	States  int `json:"states"`
	// Waiting are files that could not be taken: they stay, and are tried again at the next look.
	Waiting []Waiting `json:"waiting"`
}

// Waiting is a file that could not be taken.
type Waiting struct {
	File string `json:"file"`
	Code string `json:"code"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// OfFolder reports whether an error is about the folder as a whole; see the package comment.
func OfFolder(err error) bool { return strings.HasPrefix(record.CodeOf(err), "folder.") }

// watch is what was said before.
type watch struct {
	log *slog.Logger
	// waits has the code of each file that waits, hindered that of what hinders the folder.
	waits    map[string]string
	hindered string
}

// Watch looks again and again until ctx ends. It says what a look has come to if that is anything, and logs what waits and what hinders it once, not at each look. A folder that
// cannot be used now, as when a disk is full or not mounted, does not end it; any other error does.
func Watch(ctx context.Context, log *slog.Logger, every time.Duration, look func(context.Context) (*Intake, error), say func(*Intake)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	w := &watch{log: log}
	for {
		found, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case OfFolder(err):
			w.hinder(err)
		case err != nil:
			return err
		case w.news(found):
			say(found)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// hinder takes note that the folder cannot be used.
func (w *watch) hinder(err error) {
	var p *record.Problem
	if errors.As(err, &p) && p.Code != w.hindered {
		w.hindered = p.Code
		w.log.Error("the folder cannot be used", "code", p.Code, "error", err.Error(), "hint", p.Hint)
	}
}

// news reports whether a look has come to anything that was not said before.
func (w *watch) news(found *Intake) bool {
	if w.hindered != "" {
		w.hindered = ""
		w.log.Info("the folder can be used again")
	}
	now := map[string]string{}
	for _, one := range found.Waiting {
		if now[one.File] = one.Code; w.waits[one.File] != one.Code {
			w.log.Warn("parcel waits", "file", one.File, "code", one.Code, "hint", one.Hint)
		}
	}
	was := w.waits
	w.waits = now
	return found.Taken+found.States > 0 || !maps.Equal(now, was)
}
