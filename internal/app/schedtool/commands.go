package schedtool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/due"
	"birgeoqy.kz/almasu/scheduler"
)

// Env is what the commands need of the program.
type Env struct {
	Stdout io.Writer
	JSON   *bool
	Now    func() time.Time
	// Result takes what --json prints; Environment marks an error of the environment; User is who runs the program.
	Result      func(any)
	Environment func(error) error
	User        string
	// Open opens the service's configuration and store.
	Open func(ctx context.Context) (*Service, error)
}

// Service is an open service.
type Service struct {
	File  *config.File
	Store *store.Store
	Close func()
}

// Commands are the commands for the root.
func Commands(env Env) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.scheduleCommand(), t.pauseCommand(), t.resumeCommand(), t.skipCommand()}
}

type tool struct{ Env }

func (t *tool) say(format string, args ...any) {
	if !*t.JSON {
		fmt.Fprintf(t.Stdout, format+"\n", args...)
	}
}

// oneConnector takes exactly one argument.
func oneConnector(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return record.NewProblem("usage.arguments", "", "see: "+cmd.CommandPath()+" --help", "expected one connector, got %d arguments", len(args))
}

// jobOf finds a connector's job.
func (s *Service) jobOf(name string) (*scheduler.Job, error) {
	jobs, err := Jobs(s.File)
	if err != nil {
		return nil, err
	}
	if _, ok := s.File.Find(name); !ok {
		return nil, record.NewProblem("usage.unknown_connector", "", fmt.Sprintf("configured are: %v", s.File.Names()), "there is no connector %q", name)
	}
	at := slices.IndexFunc(jobs, func(j scheduler.Job) bool { return j.Name == name })
	if at < 0 {
		return nil, record.NewProblem("usage.no_schedule", "", "give it a schedule in the configuration, or run it with: almasu run "+name+" --reason TEXT", "the connector %s has no schedule", name)
	}
	return &jobs[at], nil
}

// timeOf reads a time as people give it.
func timeOf(text string, zone *time.Location) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, form := range []string{"2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(form, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, record.NewProblem("usage.time", "", `e.g. "2026-11-24 07:00" in the schedule's zone, or 2026-11-24T02:00:00Z`, "%q is not a time", text)
}

// deed is one act of an administrator about a schedule.
type deed struct {
	reason, actor, at string
}

// flags adds the flags that every deed needs.
func (t *tool) flags(cmd *cobra.Command, d *deed) *cobra.Command {
	cmd.Flags().StringVar(&d.reason, "reason", "", "why")
	cmd.Flags().StringVar(&d.actor, "as", t.User, "who does it")
	return cmd
}

// change opens the service and lets f do a deed about a connector's schedule.
func (t *tool) change(cmd *cobra.Command, d *deed, name string, f func(s *Service, j *scheduler.Job) (done string, err error)) error {
	if strings.TrimSpace(d.reason) == "" {
		return record.NewProblem("usage.reason", "", `say why: --reason "the ministry's receiver is being moved"`, "this needs a reason, which goes into the log")
	}
	s, err := t.Open(cmd.Context())
	if err != nil {
		return err
	}
	defer s.Close()
	job, err := s.jobOf(name)
	if err != nil {
		return err
	}
	done, err := f(s, job)
	var known *record.Problem
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, due.ErrPaused):
		return record.NewProblem("schedule.paused", "", "see: almasu schedule "+name, "%s is paused already", name)
	case errors.Is(err, due.ErrNotPaused):
		return record.NewProblem("schedule.not_paused", "", "see: almasu schedule "+name, "%s is not paused", name)
	case errors.Is(err, due.ErrBegun):
		return record.NewProblem("schedule.begun", "", "see: almasu schedule "+name+" --history", "this run has begun, or is missed already")
	case errors.Is(err, due.ErrSkipped):
		return record.NewProblem("schedule.skipped", "", "see: almasu schedule "+name, "this time is skipped already")
	case err != nil:
		return t.Environment(err)
	}
	t.Result(map[string]string{"connector": name, "done": done})
	t.say("%s: %s", name, done)
	return nil
}

func (t *tool) pauseCommand() *cobra.Command {
	var d deed
	return t.flags(&cobra.Command{
		Use: "pause CONNECTOR --reason TEXT", Short: "Stop a connector's schedule until resume", Args: oneConnector,
		Long: `The schedule runs no more from now on: each due time is recorded as missed, with your name and reason, and so is what waits. A run that is
under way goes on, what waits in the outbox is delivered, and "almasu run" still works. Example:

  almasu pause oblast-consent --reason "the receiver is being moved, letter no. 12"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.change(cmd, &d, args[0], func(s *Service, j *scheduler.Job) (string, error) {
				return "paused; begin again with: almasu resume " + j.Name + " --reason TEXT", s.Store.Pause(cmd.Context(), t.Now(), j.Name, d.actor, d.reason)
			})
		},
	}, &d)
}

func (t *tool) resumeCommand() *cobra.Command {
	var d deed
	return t.flags(&cobra.Command{
		Use: "resume CONNECTOR --reason TEXT", Short: "Let a paused schedule run again", Args: oneConnector,
		Long: `Due times from now on run again; those of the pause stay missed. To make one good: almasu run. Example:

  almasu resume oblast-consent --reason "the receiver answers again"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.change(cmd, &d, args[0], func(s *Service, j *scheduler.Job) (string, error) {
				if err := s.Store.Resume(cmd.Context(), t.Now(), j.Name, d.actor, d.reason); err != nil {
					return "", err
				}
				next := j.Schedule.Next(t.Now())
				if next.At.IsZero() {
					return "resumed; nothing is due any more", nil
				}
				return "resumed; next due " + local(next.At), nil
			})
		},
	}, &d)
}

func (t *tool) skipCommand() *cobra.Command {
	var d deed
	cmd := t.flags(&cobra.Command{
		Use: "skip CONNECTOR --at TIME --reason TEXT", Short: "Leave out one coming due time", Args: oneConnector,
		Long: `The due time is recorded as missed when it comes, with your name and reason; the schedule goes on after it. Example:

  almasu skip oblast-consent --at "2026-11-24 07:00" --reason "the oblast asked for it, letter no. 13"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.change(cmd, &d, args[0], func(s *Service, j *scheduler.Job) (string, error) {
				at, err := timeOf(d.at, j.Schedule.Zone())
				if err != nil {
					return "", err
				}
				if next := j.Schedule.Next(at.Add(-time.Microsecond)); !next.At.Equal(at) {
					hint := "nothing is due any more"
					if !next.At.IsZero() {
						hint = "the next after it is " + local(next.At)
					}
					return "", record.NewProblem("schedule.not_due", "", hint, "nothing of %s is due at %s", j.Name, local(at.In(j.Schedule.Zone())))
				}
				return "will not run at " + local(at.In(j.Schedule.Zone())), s.Store.Skip(cmd.Context(), t.Now(), j.Name, at, d.actor, d.reason)
			})
		},
	}, &d)
	cmd.Flags().StringVar(&d.at, "at", "", "which due time")
	return cmd
}
