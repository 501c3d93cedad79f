package app

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/planning"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/holds"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// planCommands are the commands that look at a transfer before it is made.
func (s *session) planCommands(env lawtool.Env) []*cobra.Command {
	return planning.Commands(planning.Env{Env: env, Stderr: s.stderr, Prepare: s.preparePlan,
		Run: func(ctx context.Context, connector, request, reason, actor string) error {
			d := scheduler.Due{Job: connector, Cause: scheduler.CauseRunNow, Reason: reason, Actor: actor, Request: request}
			if request != "" {
				d.Cause = scheduler.CauseAdHoc
			}
			return s.runNow(ctx, d)
		}, Go: s.runApproved, Sign: s.signHold})
}

// preparePlan opens the service for a plan.
func (s *session) preparePlan(ctx context.Context, connector, request string) (*planning.Prepared, error) {
	v, err := s.open(ctx, service.Parts{Platform: true, Store: true})
	if err != nil {
		return nil, err
	}
	p, err := v.Plan(ctx, connector, request)
	if err != nil {
		v.Close()
	}
	return p, err
}

// answerHeld answers a command with the hold that a run was put under, if that is what err says.
func (s *session) answerHeld(ctx context.Context, v *service.Service, err error) error {
	var under *scheduler.Held
	if !errors.As(err, &under) {
		return err
	}
	h, err := holds.Get(ctx, v.Store, under.Hold)
	if err != nil {
		return exit.Environment(err)
	}
	s.code = exit.Waiting
	return planning.ShowHold(s.lawEnv(), h)
}

// runApproved performs what waits of a connector, and answers as the command run does. Another process may be first: then it is the one that sends.
func (s *session) runApproved(ctx context.Context, connector string) error {
	v, err := s.open(ctx, service.Parts{Platform: true, Store: true})
	if err != nil {
		return err
	}
	defer v.Close()
	if err := v.Admit(ctx, connector); err != nil {
		return err
	}
	if err := v.NoteRegister(ctx, service.Login()); err != nil {
		return exit.Environment(err)
	}
	taken := false
	err = s.answerRun(ctx, v, func() (*transfer.Report, error) {
		report, err := v.RunWaiting(ctx, connector)
		taken = report == nil && errors.Is(err, service.ErrTaken)
		return report, err
	})
	if taken {
		s.say("Another process sends it; see: almasu transfers")
		return nil
	}
	return err
}

// signHold makes an administrator's approval of a hold.
func (s *session) signHold(ctx context.Context, kind, name, author string, digest record.Digest, who, keyFile string) (a register.Approval, err error) {
	v, err := s.open(ctx, service.Parts{Store: true})
	if err != nil {
		return a, err
	}
	defer v.Close()
	key, err := readAdminKey(keyFile)
	if err != nil {
		return a, err
	}
	return v.SignApproval(kind, name, author, digest, who, key)
}
