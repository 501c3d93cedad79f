package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/results"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/refresh"
	"birgeoqy.kz/almasu/internal/store/tally"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

func (s *session) runCommand() *cobra.Command {
	var reason, actor string
	var full bool
	cmd := &cobra.Command{
		Use:   "run CONNECTOR [--full] --reason TEXT",
		Short: "Run an approved route now",
		Long: `Runs the route of a connector now, as its schedule would: the same law, the same approvals, the same log. The reason and
your name go into the log. Exit code 0: everybody accounted for; 5: sent, and some records were rejected or withheld; 1: refused, failed, or messages still wait;
4: held, because its numbers reach a limit or a hold of the connector is open: nothing was sent (almasu holds).

With --full everybody is sent whom the recipient holds already, too. If that is interrupted, give the same command again, or let almasu serve go on: who has arrived
meanwhile is not sent a second time. Once everybody was sent, the same command with the same reason is refused, so that nobody is sent twice by mistake.`,
		Example: `  almasu run oblast-consent --reason "the ministry asked for a repetition"
  almasu run oblast-consent --full --reason "the oblast has lost its copy, letter no. 15"`,
		Args: lawtool.Exactly(1, "one connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return exit.BadInput(record.NewProblem("usage.reason", "", "say why: --reason \"the ministry asked for a repetition\"", "a run outside the schedule needs a reason"))
			}
			d := scheduler.Due{Job: args[0], Cause: scheduler.CauseRunNow, Reason: reason, Actor: actor}
			if full {
				return s.runAgain(cmd.Context(), d, refresh.Wish{})
			}
			return s.runNow(cmd.Context(), d)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why now")
	cmd.Flags().BoolVar(&full, "full", false, "send everybody again whom the recipient holds")
	cmd.Flags().StringVar(&actor, "as", service.Login(), "who runs it")
	return cmd
}

// runAgain makes stale what a wish names, or goes on with it, and runs the connector.
func (s *session) runAgain(ctx context.Context, d scheduler.Due, w refresh.Wish) error {
	return s.runWith(ctx, d, func(v *service.Service) error {
		conn := v.Connections[d.Job]
		if !conn.Compare {
			return exit.BadInput(record.NewProblem("usage.not_compared", "", "an ordinary run sends everybody", "the connector %s says compare: none", d.Job))
		}
		w.Connector, w.Recipient, w.Actor, w.Reason = d.Job, v.Recipient(conn), d.Actor, d.Reason
		ros, err := v.Roster()
		if err != nil {
			return exit.Environment(err)
		}
		r, err := refresh.Enter(ctx, v.Store, ros, s.now(), w)
		switch {
		case record.CodeOf(err) == "refresh.done":
			return exit.BadInput(err)
		case err != nil:
			return exit.Environment(err)
		case r.Again:
			s.say("This was begun before and is gone on with: who has arrived since is not sent again.")
		case r.People >= 0:
			s.say("%d people are to be sent again, by this run or, if it is interrupted, by the next.", r.People)
		}
		return nil
	})
}

// runNow enters a due row and performs it under a lease, with progress.
func (s *session) runNow(ctx context.Context, d scheduler.Due) error {
	return s.runWith(ctx, d, func(*service.Service) error { return nil })
}

// runWith does something before a run.
func (s *session) runWith(ctx context.Context, d scheduler.Due, before func(*service.Service) error) error {
	v, err := s.open(ctx, service.Parts{Platform: true, Store: true})
	if err != nil {
		return err
	}
	defer v.Close()
	if _, ok := v.Connections[d.Job]; !ok {
		return v.Unknown(d.Job)
	}
	if err := v.Admit(ctx, d.Job); err != nil {
		return err
	}
	if err := v.NoteRegister(ctx, d.Actor); err != nil {
		return exit.Environment(err)
	}
	if err := before(v); err != nil {
		return err
	}
	return s.answerRun(ctx, v, func() (*transfer.Report, error) { return v.RunDue(ctx, d) })
}

// answerRun runs with progress, and answers a command with what that has come to: the run's report, or the hold that it is under.
func (s *session) answerRun(ctx context.Context, v *service.Service, run func() (*transfer.Report, error)) error {
	progress := s.progress()
	v.Engine.Observe = progress.observe
	v.GoneOn = func(r *transfer.Report) {
		s.say("Transfer %s was begun or due before, and was gone on with first (%s): %s", r.ID, r.Status, r.Totals)
	}
	report, err := run()
	progress.done()
	if report == nil {
		return s.answerHeld(ctx, v, err)
	}
	if err != nil { // it may not be closed: then nobody has counted what it has come to
		s.say("What transfer %s has come to: almasu transfers", report.ID)
		return err
	}
	s.result, s.code = report, exit.StatusOf(report.Status)
	if !s.json {
		results.Print(s.stdout, report, "en")
	}
	if report.Status == transfer.InProgress {
		return nil
	}
	return s.answerWaiting(ctx, v, report)
}

// outcome is a run's report, and what waits of its connector besides.
type outcome struct {
	*transfer.Report
	Waiting *tally.Waiting `json:"waiting,omitempty"`
}

// answerWaiting tells that other messages of the connector, of earlier runs or with notices, are not receipted yet: the recipient has not got what the report says is unchanged.
func (s *session) answerWaiting(ctx context.Context, v *service.Service, report *transfer.Report) error {
	counted, err := tally.Read(ctx, v.Store, s.now())
	if err != nil {
		return exit.Environment(err)
	}
	i := slices.IndexFunc(counted.Waiting, func(w tally.Waiting) bool { return w.Connector == report.Connector })
	if i < 0 {
		return nil
	}
	w, why := counted.Waiting[i], ""
	for _, l := range counted.Lines {
		if l.Recipient == w.Recipient && l.State != transfer.LineUp {
			why = fmt.Sprintf(" The line is %s [%s].", l.State, l.Code)
		}
	}
	s.result, s.code = outcome{report, &w}, exit.NotWell
	s.say("Of this connector %d messages with %d people still wait for a receipt, the oldest since %s.%s See: almasu recipients", w.Messages, w.People, moment(w.Oldest), why)
	return nil
}
