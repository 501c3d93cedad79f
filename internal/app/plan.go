package app

import (
	"context"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/planning"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/plan"
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
		}})
}

// preparePlan opens the service for a plan.
func (s *session) preparePlan(ctx context.Context, connector, request string) (p *planning.Prepared, err error) {
	v, err := s.open(ctx, service.Parts{Platform: true, Store: true})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			v.Close()
		}
	}()
	conn, ok := v.Connections[connector]
	if !ok {
		return nil, v.Unknown(connector)
	}
	ros, err := v.Roster()
	if err != nil {
		return nil, err
	}
	p = &planning.Prepared{Connection: conn, Store: v.Store, Close: v.Close, Order: transfer.Order{}, Maker: &plan.Maker{
		Register: v.Register, Blocks: v.Store, TagOf: ros.TagOf, Key: v.Pseudonym, Now: s.now, Demo: s.demo,
	}}
	if p.Order.PublishedText, err = v.Published(); err != nil {
		return nil, err
	}
	if request != "" {
		p.Order.Request, err = v.Request(ctx, request)
	}
	return p, err
}
