package service

import (
	"context"
	"slices"

	"birgeoqy.kz/almasu/internal/app/peer"
	"birgeoqy.kz/almasu/internal/app/planning"
	"birgeoqy.kz/almasu/internal/app/schedtool"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/plan"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// Plan is what a plan of a connector is made of now, on a request if request is not "": then connector may be "", and is that which answers it.
func (v *Service) Plan(ctx context.Context, connector, request string) (*planning.Prepared, error) {
	var q *legal.Request
	if request != "" {
		var err error
		if q, err = v.Request(ctx, request); err != nil {
			return nil, err
		}
		if rt := v.Register.Route(q.Route); rt != nil && connector == "" {
			connector = rt.Connector
		}
	}
	conn, ok := v.Connections[connector]
	if !ok {
		return nil, v.Unknown(connector)
	}
	p, err := v.planOf(ctx, peer.At(conn, v.Later[conn.Name], v.Env.Now()))
	if err == nil {
		p.Order.Request = q
	}
	return p, err
}

func (v *Service) planOf(_ context.Context, conn *transfer.Connection) (*planning.Prepared, error) {
	ros, err := v.Roster()
	if err != nil {
		return nil, err
	}
	p := &planning.Prepared{Connection: conn, Store: v.Store, Close: v.Close, Limits: v.keeper.Limits(conn.Name, v.Env.Now()), Maker: &plan.Maker{
		Register: v.Register, Blocks: v.Store, Roster: ros, Held: v.Store.Books(), Key: v.Pseudonym, Now: v.Env.Now, Demo: v.Env.Demo,
	}}
	p.Order.PublishedText, err = v.Published()
	return p, err
}

// newKeeper makes what stands before runs, by the limits of the configuration. Calendars are read if there are limits, which may name them.
func (v *Service) newKeeper(ps *record.Problems) *planning.Keeper {
	var calendars map[string]*scheduler.Calendar
	if slices.ContainsFunc(v.File.Connectors, func(c config.Connector) bool { return c.Hold != nil }) {
		var err error
		calendars, err = schedtool.Calendars(v.File)
		ps.Merge(err, "config.calendars", v.File.Calendars)
	}
	return &planning.Keeper{
		Store: v.Store, Register: v.Register, Worker: worker(), Now: v.Env.Now, Wait: Wait, Calendars: calendars, Prepare: v.planOf,
		Hold: func(connector string) *config.Hold {
			if c, ok := v.File.Find(connector); ok {
				return c.Hold
			}
			return nil
		},
	}
}
