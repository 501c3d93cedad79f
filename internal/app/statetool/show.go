package statetool

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"birgeoqy.kz/almasu/internal/app/schedtool"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/lines"
	"birgeoqy.kz/almasu/internal/store/state"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// view is a state, and what is shown beside it that is no part of its digest.
type view struct {
	*state.State
	Digest record.Digest `json:"digest"`
	// Compare is what the configuration says; People counts whom the recipient holds; LastNumber is that of the state.
	Compare    string `json:"compare"`
	People     int    `json:"people"`
	LastNumber int64  `json:"last_number"`
	// Line is the line to the recipient. Next is the next due time of the schedule, zero without one.
	Line     transfer.LineState `json:"line"`
	Schedule string             `json:"schedule,omitempty"`
	Next     time.Time          `json:"next,omitzero"`
}

func (t *tool) look(ctx context.Context, s *Service, c *config.Connector) (*view, error) {
	recipient := s.Recipient(c.Name)
	st, err := state.Read(ctx, s.Store, c.Name, recipient)
	if err != nil {
		return nil, err
	}
	v := &view{State: st, Digest: st.Digest(), Compare: cmp.Or(c.Compare, config.CompareFull), LastNumber: st.LastNumber}
	book := s.Store.Books()
	if v.People, err = book.Count(ctx, c.Name, recipient); err != nil {
		return nil, err
	}
	line, err := (lines.Book{Store: s.Store}).Line(ctx, recipient)
	if err != nil {
		return nil, err
	}
	v.Line = line.State
	jobs, err := schedtool.Jobs(s.File)
	if err != nil {
		return nil, err
	}
	for i := range jobs {
		if jobs[i].Name == c.Name {
			v.Schedule, v.Next = jobs[i].Schedule.String(), jobs[i].Schedule.Next(t.Now()).At.UTC()
		}
	}
	return v, nil
}

// show prints a state for people, with the command for each thing that is open.
func (t *tool) show(v *view) {
	t.Say("%s to %s", v.Connector, v.Recipient)
	t.line("state", "%s", v.Digest)
	t.transfers(v)
	t.waiting(v)
	t.comparing(v)
	t.schedule(v)
	if v.Mark.Horizon != "" && v.Compare == config.CompareCandidates {
		t.line("to change", "almasu state forget %s --mark --dry-run", v.Connector)
	}
	if !v.Empty(state.ForgetBook) && v.Compare != config.CompareNone {
		t.line("to change", "almasu state forget %s --book --dry-run", v.Connector)
	}
}

func (t *tool) line(label, format string, args ...any) {
	t.Say("  %-11s %s", label, fmt.Sprintf(format, args...))
}

func (t *tool) transfers(v *view) {
	if l := v.Last; l == nil {
		t.line("last", "no transfer was closed yet")
	} else {
		text := l.Status
		if l.Code != "" {
			text += " [" + l.Code + "]"
		}
		if l.Compared != "" {
			text += ", compared " + l.Compared
		}
		if l.Notice != "" {
			text += ", a notice: " + l.Notice
		}
		t.line("last", "%s, closed %s: %s (almasu transfers %s)", l.ID[:8], moment(l.Finished), text, l.ID)
	}
	for _, o := range v.Open {
		t.line("open", "transfer %s, begun %s (almasu transfers watch; almasu serve goes on with it)", o.ID, moment(o.Started))
	}
}

func (t *tool) waiting(v *view) {
	if len(v.Waiting) == 0 {
		t.line("waits", "no message")
	} else {
		people := 0
		for _, m := range v.Waiting {
			people += m.People
		}
		first, last := v.Waiting[0], v.Waiting[len(v.Waiting)-1]
		t.line("waits", "%d messages with %d people, numbers %d to %d, since %s (almasu recipients)", len(v.Waiting), people, first.Number, last.Number, moment(first.Logged))
	}
	t.line("numbers", "%d is the last to this recipient, over all connectors", v.LastNumber)
	more := ""
	if v.Line != transfer.LineUp {
		more = " (almasu recipients)"
	}
	t.line("line", "%s%s", v.Line, more)
}

func (t *tool) comparing(v *view) {
	t.line("compares", "%s", v.Compare)
	if v.Compare == config.CompareCandidates {
		if v.Mark.Horizon == "" {
			t.line("mark", "none: the next run reads everybody")
		} else {
			t.line("mark", "%s; the last comparison of everybody began %s", v.Mark.Horizon, moment(v.Mark.Everybody))
		}
	}
	text := fmt.Sprintf("%d people whom the recipient holds, on %d pages", v.People, v.Book.Pages)
	if v.Book.Stale > 0 {
		text += fmt.Sprintf("; %d are stale: who is on them is sent again", v.Book.Stale)
	}
	t.line("book", "%s", text)
	for _, r := range v.Refreshes {
		what := "everybody (almasu run --full)"
		if !r.Since.IsZero() {
			what = "who was sent from " + moment(r.Since) + " to " + moment(r.Until) + " (almasu backfill)"
		}
		t.line("again", "%s, entered %s by %s: %s; no run has completed it", what, moment(r.Entered), r.Actor, r.Reason)
	}
}

func (t *tool) schedule(v *view) {
	switch {
	case v.Schedule == "":
		t.line("schedule", "none: it runs when somebody asks for it")
	case v.Next.IsZero():
		t.line("schedule", "%s; nothing is due any more", v.Schedule)
	default:
		t.line("schedule", "%s; next due %s (almasu schedule %s)", v.Schedule, moment(v.Next), v.Connector)
	}
	for _, e := range v.Exceptions {
		if e.Kind == scheduler.KindPause {
			t.line("paused", "since %s by %s: %s (almasu resume %s)", moment(e.Since), e.Actor, e.Reason, v.Connector)
		} else {
			t.line("skipped", "%s by %s: %s", moment(e.Since), e.Actor, e.Reason)
		}
	}
	for _, d := range v.Due {
		t.line("due", "%s, %s, %s, by %s", moment(d.At), d.Cause, d.State, d.Actor)
	}
	if v.Hold == "" {
		t.line("hold", "none")
	} else {
		t.line("hold", "%s waits for a decision (almasu holds %s)", v.Hold, v.Hold)
	}
}

// moment is a time for people, in the register's zone.
func moment(t time.Time) string { return t.In(register.Zone).Format("2006-01-02 15:04:05 -07:00") }
