package schedtool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/scheduler"
)

// ask is what the command schedule is asked for.
type ask struct {
	cron, zone, from string
	count            int
	history          bool
}

// outlook is a schedule with its coming due times.
type outlook struct {
	Connector string `json:"connector,omitempty"`
	Schedule  string `json:"schedule"`
	// Paused says by whom and why, empty if it is not.
	Paused string    `json:"paused,omitempty"`
	Times  []dueTime `json:"times"`
}

// dueTime is one coming due time. Gap says that its wall-clock time does not exist and it stands right after the gap, Repeat that it exists
// twice and this is the first. Starts is when the run may begin; without it, Missed says why it does not run.
type dueTime struct {
	Local    string     `json:"local"`
	UTC      time.Time  `json:"utc"`
	Gap      bool       `json:"gap,omitempty"`
	Repeat   bool       `json:"repeat,omitempty"`
	Starts   *time.Time `json:"starts,omitempty"`
	Deferred string     `json:"deferred,omitempty"`
	Missed   string     `json:"missed,omitempty"`
}

func (t *tool) scheduleCommand() *cobra.Command {
	var a ask
	cmd := &cobra.Command{
		Use: "schedule [CONNECTOR | --cron EXPR --zone ZONE]", Short: "Show the coming due times, and what becomes of each",
		Long: `Prints the coming due times of a connector, or of all, in local time and UTC. It marks a time that a change of the clocks leaves out (it runs
right after the gap) or repeats (it runs the first time), and says what calendars, pauses and skips make of it. With --history it prints what
became of past due times. With --cron nothing is opened:

  almasu schedule --cron "30 2 * * *" --zone Europe/Berlin --from 2027-03-27 --count 3`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.count < 1 || a.count > 10_000 {
				return record.NewProblem("usage.count", "", "", "--count must be between 1 and 10000")
			}
			if a.cron != "" || a.zone != "" {
				return t.showExpression(args, a)
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			s, err := t.Open(cmd.Context())
			if err != nil {
				return err
			}
			defer s.Close()
			if a.history {
				return t.showHistory(cmd.Context(), s, name, a.count)
			}
			return t.showConnectors(cmd.Context(), s, name, a)
		},
	}
	cmd.Flags().StringVar(&a.cron, "cron", "", "an expression: five fields, or a descriptor such as @daily")
	cmd.Flags().StringVar(&a.zone, "zone", "", "the expression's IANA zone")
	cmd.Flags().StringVar(&a.from, "from", "", "from when on (default now)")
	cmd.Flags().IntVar(&a.count, "count", 10, "how many")
	cmd.Flags().BoolVar(&a.history, "history", false, "what became of past due times")
	return cmd
}

func (t *tool) showExpression(args []string, a ask) error {
	if len(args) > 0 || a.history {
		return record.NewProblem("usage.arguments", "", "name a connector, or give --cron and --zone", "an expression stands for itself")
	}
	s, err := scheduler.Parse(a.cron, a.zone)
	if err != nil {
		return err
	}
	out, err := t.look(&scheduler.Job{Schedule: s}, nil, a)
	if err != nil {
		return err
	}
	t.Result(map[string]any{"schedules": []outlook{out}})
	t.print(out)
	return nil
}

func (t *tool) showConnectors(ctx context.Context, s *Service, name string, a ask) error {
	jobs, err := Jobs(s.File)
	if err != nil {
		return err
	}
	if name != "" {
		job, err := s.jobOf(name)
		if err != nil {
			return err
		}
		jobs = []scheduler.Job{*job}
	}
	list, err := s.Store.Exceptions(ctx, name)
	if err != nil {
		return t.Environment(err)
	}
	all := make([]outlook, 0, len(jobs))
	for i := range jobs {
		var own []scheduler.Exception
		for _, e := range list {
			if e.Job == jobs[i].Name {
				own = append(own, e.Exception)
			}
		}
		out, err := t.look(&jobs[i], own, a)
		if err != nil {
			return err
		}
		all = append(all, out)
	}
	t.Result(map[string]any{"schedules": all})
	for i, out := range all {
		if i > 0 {
			t.say("")
		}
		t.print(out)
	}
	if len(all) == 0 {
		t.say("no connector has a schedule")
	}
	return nil
}

// look lists the coming due times of a job.
func (t *tool) look(j *scheduler.Job, exceptions []scheduler.Exception, a ask) (outlook, error) {
	out := outlook{Connector: j.Name, Schedule: j.Schedule.String(), Times: []dueTime{}}
	at := t.Now()
	if a.from != "" {
		from, err := timeOf(a.from, j.Schedule.Zone())
		if err != nil {
			return out, err
		}
		at = from.Add(-time.Microsecond) // a due time at that instant counts
	}
	for i := range exceptions {
		if exceptions[i].Kind == scheduler.KindPause && exceptions[i].Until.IsZero() {
			out.Paused = exceptions[i].String()
		}
	}
	for range a.count {
		f := j.Schedule.Next(at)
		if f.At.IsZero() {
			break
		}
		at = f.At
		what := j.Forecast(f, exceptions)
		row := dueTime{Local: local(f.At), UTC: f.At.UTC(), Gap: f.Moved, Repeat: f.Twice, Deferred: what.Deferred, Missed: what.Missed}
		if !what.Start.IsZero() {
			starts := what.Start.UTC()
			row.Starts = &starts
		}
		out.Times = append(out.Times, row)
	}
	return out, nil
}

// local is a time for people, in its own zone.
func local(t time.Time) string {
	form := "Mon 2006-01-02 15:04 -0700"
	if t.Second() != 0 {
		form = "Mon 2006-01-02 15:04:05 -0700"
	}
	return t.Format(form)
}

func (t *tool) print(out outlook) {
	title := out.Schedule
	if out.Connector != "" {
		title = out.Connector + ": " + title
	}
	t.say("%s", title)
	if out.Paused != "" {
		t.say("  %s", out.Paused)
	}
	if len(out.Times) == 0 {
		t.say("  nothing is due any more")
	}
	for _, d := range out.Times {
		t.say("  %-30s %s%s", d.Local, d.UTC.Format(time.RFC3339), d.words())
	}
}

// words say what is special about a due time.
func (d *dueTime) words() string {
	var notes []string
	if d.Gap {
		notes = append(notes, "gap: the clocks pass over its time; it runs right after")
	}
	if d.Repeat {
		notes = append(notes, "repeat: the clocks show its time twice; it runs the first time")
	}
	switch {
	case d.Missed != "":
		notes = append(notes, "does not run: "+d.Missed)
	case d.Deferred != "":
		notes = append(notes, "deferred to "+d.Starts.Format(time.RFC3339)+": "+d.Deferred)
	case d.Starts.After(d.UTC):
		notes = append(notes, "begins "+d.Starts.Sub(d.UTC).String()+" later (jitter)")
	}
	if len(notes) == 0 {
		return ""
	}
	return "  " + strings.Join(notes, "; ")
}

// past is one row of the history.
type past struct {
	Connector string    `json:"connector"`
	Due       time.Time `json:"due"`
	Cause     string    `json:"cause"`
	State     string    `json:"state"`
	Transfer  string    `json:"transfer,omitempty"`
	// Status is the transfer's; empty if there is none, or it is not closed.
	Status  string `json:"status,omitempty"`
	Actor   string `json:"actor"`
	Reason  string `json:"reason,omitempty"`
	Attempt int    `json:"attempt"`
	// Hold is the hold that it is or was under.
	Hold string `json:"hold,omitempty"`
}

func (t *tool) showHistory(ctx context.Context, s *Service, name string, count int) error {
	if name != "" {
		if _, ok := s.File.Find(name); !ok {
			return record.NewProblem("usage.unknown_connector", "", fmt.Sprintf("configured are: %v", s.File.Names()), "there is no connector %q", name)
		}
	}
	rows, err := s.Store.Dues(ctx, name, count)
	if err != nil {
		return t.Environment(err)
	}
	list := make([]past, 0, len(rows))
	for _, d := range rows {
		p := past{Connector: d.Job, Due: d.At, Cause: d.Cause, State: d.State, Transfer: d.Transfer, Actor: d.Actor, Reason: d.Reason, Attempt: d.Attempt, Hold: d.Hold}
		if id, err := record.ParseID(d.Transfer); err == nil && !id.IsZero() {
			r, err := s.Store.Transfer(ctx, id)
			if err != nil && !errors.Is(err, store.ErrNoTransfer) {
				return t.Environment(err)
			}
			if err == nil {
				p.Status = string(r.Status)
			}
		}
		list = append(list, p)
	}
	t.Result(map[string]any{"history": list})
	for _, p := range list {
		line := fmt.Sprintf("%s  %s  %s %s", p.Due.Format(time.RFC3339), p.Connector, p.Cause, p.State)
		if p.Transfer != "" {
			line += "  " + p.Transfer + " " + p.Status
		}
		if p.Hold != "" {
			line += "  hold " + p.Hold
		}
		if p.Reason != "" {
			line += "  " + p.Reason
		}
		t.say("%s", line)
	}
	if len(list) == 0 {
		t.say("nothing was due yet")
	}
	return nil
}
