package app

import (
	"context"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/results"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

func (s *session) runCommand() *cobra.Command {
	var reason, actor string
	cmd := &cobra.Command{
		Use:   "run CONNECTOR --reason TEXT",
		Short: "Run an approved route now",
		Long: `Runs the route of a connector now, as its schedule would: the same law, the same approvals, the same log. The reason and
your name go into the log. Exit code 0: everybody accounted for; 5: sent, and some records were rejected or withheld; 1: refused, failed, or messages still wait;
4: held, because its numbers reach a limit or a hold of the connector is open: nothing was sent (almasu holds).`,
		Args: lawtool.Exactly(1, "one connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return exit.BadInput(record.NewProblem("usage.reason", "", "say why: --reason \"the ministry asked for a repetition\"", "a run outside the schedule needs a reason"))
			}
			return s.runNow(cmd.Context(), scheduler.Due{Job: args[0], Cause: scheduler.CauseRunNow, Reason: reason, Actor: actor})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why now")
	cmd.Flags().StringVar(&actor, "as", service.Login(), "who runs it")
	return cmd
}

// runNow enters a due row and performs it under a lease, with progress.
func (s *session) runNow(ctx context.Context, d scheduler.Due) error {
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
	return s.answerRun(ctx, v, func() (*transfer.Report, error) { return v.RunDue(ctx, d) })
}

// answerRun runs with progress, and answers a command with what that has come to: the run's report, or the hold that it is under.
func (s *session) answerRun(ctx context.Context, v *service.Service, run func() (*transfer.Report, error)) error {
	progress := s.progress()
	v.Engine.Observe = progress.observe
	report, err := run()
	progress.done()
	if report == nil {
		return s.answerHeld(ctx, v, err)
	}
	s.result, s.code = report, exit.StatusOf(report.Status)
	if !s.json {
		results.Print(s.stdout, report, "en")
	}
	return err
}
