package service

import (
	"context"
	"errors"
	"slices"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/peer"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/plan"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/fault"
	"birgeoqy.kz/almasu/internal/store/outcomes"
	"birgeoqy.kz/almasu/internal/transfer"
)

// PlanAnswer makes the plan of a request's answer as it would be now, whether the request is approved or not. The platform is open. An answer that the law
// refuses is a [*legal.Refusal].
func (v *Service) PlanAnswer(ctx context.Context, q *legal.Request, samples int) (*plan.Plan, error) {
	route := v.Register.Route(q.Route)
	if route == nil {
		return nil, exit.BadInput(record.NewProblem("request.route", "", "routes stand in the register's folder routes/", "the register has no route %q", q.Route))
	}
	conn, ok := v.Connections[route.Connector]
	if !ok {
		return nil, v.Unknown(route.Connector)
	}
	p, err := v.planOf(ctx, peer.At(conn, v.Later[conn.Name], v.Env.Now()))
	if err != nil {
		return nil, err
	}
	p.Order.Request = q
	return p.Maker.Make(ctx, p.Connection, p.Order, samples)
}

// PlanDigest is the digest of a plan as approvals name it.
func PlanDigest(p *plan.Plan) (record.Digest, error) { return record.ParseDigest("sha256:" + p.Digest) }

// unanswerable closes a transfer that would answer a request as not permitted, or as failed, before anything is read for it, and returns its report: where the request is
// closed, its approvals name no plan, or the answer would be another one now than the plan that was approved. It returns none if the answer may be made: also where it was
// begun already, and where the law refuses the run, which is the engine's to say.
func (v *Service) unanswerable(ctx context.Context, conn *transfer.Connection, o *transfer.Order) (*transfer.Report, error) {
	t := o.Transfer
	progress, err := v.Store.Begin(ctx, t)
	if err != nil || progress.Parts > 0 {
		return nil, err
	}
	stored, err := v.Store.GetRequest(ctx, t.Request)
	if err != nil {
		return nil, err
	}
	if !stored.Closed.IsZero() {
		return v.closeAnswer(ctx, t, transfer.NotPermitted, record.NewProblem("request.closed", "", "a new letter is a new request", "request %s is closed (BAS-3)", t.Request))
	}
	gate, err := v.Register.Gate(legal.Case{Route: conn.Route, Now: v.Env.Now(), Demo: v.Env.Demo, Request: o.Request, Channel: conn.Channel, PublishedText: o.PublishedText})
	if err != nil {
		return nil, nil // the engine closes it as not permitted
	}
	hint := "look at the plan and approve it: almasu plan --request " + t.Request
	if gate.Plan().IsZero() {
		return v.closeAnswer(ctx, t, transfer.NotPermitted, record.NewProblem("request.no_plan", "", hint, "the approvals of request %s name no plan of its answer (BAS-3)", t.Request))
	}
	p, err := v.PlanAnswer(ctx, o.Request, 0)
	if err != nil {
		return v.closeAnswer(ctx, t, transfer.Failed, err)
	}
	if now, err := PlanDigest(p); err != nil || now != gate.Plan() {
		return v.closeAnswer(ctx, t, transfer.NotPermitted, record.NewProblem("request.plan_moved", "", hint,
			"data, law or mapping have moved since the plan of request %s was approved: the answer would be another one now (BAS-3)", t.Request))
	}
	return nil, nil
}

// RetryAnswer says whether rejected records of an answer to a request may be sent again without a new approval (BAS-3): nil if they may. The request must be neither closed nor
// expired, and approved as ever, which is the gate's to judge; and what is sent must be part of what was approved: to the same people, on the same ground, for the same purpose, by the same table and
// schema, and no field more. The people are those of the records. Their data are as they are now: that they were corrected is why they are sent again.
func (v *Service) RetryAnswer(ctx context.Context, of *transfer.Report) error {
	stored, err := v.Store.GetRequest(ctx, of.Request)
	if err != nil {
		return err
	}
	if !stored.Closed.IsZero() {
		return exit.BadInput(record.NewProblem("request.closed", "", "a new letter is a new request", "request %s is closed (BAS-3)", of.Request))
	}
	q, err := v.Request(ctx, of.Request)
	if err != nil {
		return err
	}
	conn, ok := v.Connections[of.Connector]
	if !ok {
		return v.Unknown(of.Connector)
	}
	published, err := v.Published()
	if err != nil {
		return err
	}
	conn = peer.At(conn, v.Later[conn.Name], v.Env.Now())
	gate, err := v.Register.Gate(legal.Case{Route: conn.Route, Now: v.Env.Now(), Demo: v.Env.Demo, Request: q, Channel: conn.Channel, PublishedText: published})
	if err != nil {
		return err
	}
	mapping, schema, err := outcomes.Written(ctx, v.Store, of.ID)
	if err != nil {
		return err
	}
	other := ""
	switch {
	case gate.Plan().IsZero():
		other = "approval, which names no plan"
	case mapping != conn.Table.Digest():
		other = "mapping"
	case schema != conn.Schema.Digest():
		other = "schema"
	case gate.Purpose() != of.Purpose:
		other = "purpose"
	case gate.Basis() != of.Basis:
		other = "ground"
	case slices.ContainsFunc(gate.Fields(), func(f string) bool { return !slices.Contains(of.Fields, f) }):
		other = "set of fields, with more of them"
	default:
		return nil
	}
	return exit.BadInput(record.NewProblem("retry.not_approved", "", "ask the state body for a new letter: it is a new request, with a plan of its own",
		"sent again, it would not be a part of what was approved for request %s: there is another %s (BAS-3)", of.Request, other))
}

// retryAnswer is RetryAnswer for a transfer that was entered: one that may not be made is closed as not permitted before anything is read, and its report returned.
func (v *Service) retryAnswer(ctx context.Context, retry *outcomes.Retry, t transfer.Transfer) (*transfer.Report, error) {
	progress, err := v.Store.Begin(ctx, t)
	if err != nil || progress.Parts > 0 {
		return nil, err
	}
	of, err := v.Store.Transfer(ctx, retry.Of)
	if err != nil {
		return nil, err
	}
	err = v.RetryAnswer(ctx, of)
	var refusal *legal.Refusal
	if err == nil || errors.As(err, &refusal) { // the engine closes what the law refuses
		return nil, nil
	}
	if record.CodeOf(err) == "" || fault.Known(fault.Wrap(err)) {
		return nil, err
	}
	return v.closeAnswer(ctx, t, transfer.NotPermitted, err)
}

// closeAnswer closes a transfer that has read nothing.
func (v *Service) closeAnswer(ctx context.Context, t transfer.Transfer, status transfer.Status, why error) (*transfer.Report, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r := &transfer.Report{Transfer: t, Status: status, Code: record.CodeOf(why), Message: why.Error(), Finished: v.Env.Now()}
	if r.Code == "" {
		r.Code = "transfer.failed"
	}
	return r, v.Store.Finish(ctx, v.Env.Now(), r)
}

// approvable refuses what needs no approval, or cannot be approved any more.
func (v *Service) approvable(ctx context.Context, q *legal.Request, planned record.Digest) error {
	now := register.At(v.Env.Now())
	stored, err := v.Store.GetRequest(ctx, q.ID)
	if err != nil {
		return exit.Environment(err)
	}
	answered, err := v.Store.Answered(ctx, q.ID)
	if err != nil {
		return exit.Environment(err)
	}
	var problem *record.Problem
	switch {
	case now >= q.Expires:
		problem = record.NewProblem("approve.expired", "", "a new letter is a new request", "request %s has expired and may not be answered (BAS-3)", q.ID)
	case !stored.Closed.IsZero():
		problem = record.NewProblem("approve.closed", "", "see: almasu requests show "+q.ID, "request %s is closed", q.ID)
	case answered:
		problem = record.NewProblem("approve.answered", "", "see: almasu requests show "+q.ID, "request %s has been answered; a request is answered once", q.ID)
	case len(v.Register.ApproversOf(q, planned, now)) >= 2:
		problem = record.NewProblem("approve.enough", "", "see: almasu requests show "+q.ID, "two administrators have approved request %s with this plan already", q.ID)
	default:
		return nil
	}
	return exit.BadInput(problem)
}
