package service

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

// parseRequest restores a request from its file and its approvals.
func (v *Service) parseRequest(r *store.Request) (*legal.Request, error) {
	q, err := legal.ParseRequest(r.ID, []byte(r.Body))
	if err != nil {
		return nil, err
	}
	q.Approvals = nil
	for _, a := range r.Approvals {
		var one register.Approval
		if err := json.Unmarshal([]byte(a.Body), &one); err != nil {
			return nil, fmt.Errorf("reading an approval: %w", err)
		}
		q.Approvals, q.Plans = append(q.Approvals, one), append(q.Plans, a.Plan)
	}
	if q.Digest() != r.Digest {
		return nil, record.NewProblem("request.changed", r.ID, "restore the store from a backup", "the stored request is not the one that was entered")
	}
	return q, nil
}

// EnterRequest checks a request and stores it.
func (v *Service) EnterRequest(ctx context.Context, name string, body []byte) (*legal.Request, error) {
	q, err := legal.ParseRequest(name, body)
	if err != nil {
		return nil, exit.BadInput(err)
	}
	var problems record.Problems
	route := v.Register.Route(q.Route)
	if route == nil {
		problems.Add("request.route", name, "routes stand in the register's folder routes/", "the register has no route %q", q.Route)
	}
	if now := register.At(v.Env.Now()); now >= q.Expires {
		problems.Add("request.expired", name, "a new letter is a new request", "the request has expired and may not be answered (BAS-3)")
	}
	if v.Register.Administrator(q.Initiator) == nil {
		problems.Add("request.initiator", name, "administrators stand in the register", "%q is not an administrator", q.Initiator)
	}
	if err := problems.Err(); err != nil {
		return nil, exit.BadInput(err)
	}
	err = v.Store.PutRequest(ctx, v.Env.Now(), store.Request{ID: q.ID, Connector: route.Connector, Body: string(body), Digest: q.Digest(), Initiator: q.Initiator},
		&transferlog.Act{Actor: q.Initiator, Act: "request", Object: q.ID, Digest: q.Digest(), Reason: q.Number})
	if errors.Is(err, store.ErrEntered) {
		return nil, exit.BadInput(record.NewProblem("request.exists", name, "a request that was entered does not change; another one has another id", "request %q has been entered already", q.ID))
	}
	if err != nil {
		return nil, exit.Environment(err)
	}
	return q, nil
}

// SignApproval makes a person's approval, and refuses one that the register would not count.
func (v *Service) SignApproval(kind, name, author string, digest record.Digest, who string, key ed25519.PrivateKey) (register.Approval, error) {
	a := register.SignApproval(key, kind, name, digest, who, register.Instant(v.Env.Now().UnixMicro()))
	admin := v.Register.Administrator(who)
	switch {
	case admin == nil:
		return a, exit.BadInput(record.NewProblem("approve.unknown", "", "administrators stand in the register", "%q is not an administrator", who))
	case who == author:
		return a, exit.BadInput(record.NewProblem("approve.own", "", "two others approve it (ADM-1)", "%s drew it up and cannot approve it", who))
	case !a.Verify(admin):
		return a, exit.BadInput(record.NewProblem("approve.other_key", "", "use the key whose public half stands in the register", "this is not %s's key", who))
	}
	return a, nil
}

// ApproveRequest stores an approval of a request with the plan of its answer; with the second one the answer falls due. The platform is open: the plan is that of now.
func (v *Service) ApproveRequest(ctx context.Context, id string, planned record.Digest, who string, key ed25519.PrivateKey) (ready bool, err error) {
	q, err := v.Request(ctx, id)
	if err != nil {
		return false, err
	}
	if err := v.approvable(ctx, q, planned); err != nil {
		return false, err
	}
	a, err := v.SignApproval(register.ApproveRequest, q.ID, q.Initiator, q.PlanDigest(planned), who, key)
	if err != nil {
		return false, err
	}
	p, err := v.PlanAnswer(ctx, q, 0)
	if err != nil {
		return false, err
	}
	if now, err := PlanDigest(p); err != nil || now != planned {
		return false, exit.BadInput(record.NewProblem("approve.plan_moved", "", "look again: almasu plan --request "+id, "the answer to request %s would be another one now than the plan %.19s...", id, planned))
	}
	body, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	now := v.Env.Now()
	err = v.Store.PutApproval(ctx, now, id, store.Approval{Approver: who, Plan: planned, Body: string(body), At: now}, &transferlog.Act{
		Actor: who, Act: "approve_request", Object: id + " plan " + planned.String(), Digest: a.Digest, Signature: base64.StdEncoding.EncodeToString(a.Signature)})
	if errors.Is(err, store.ErrTwice) {
		return false, exit.BadInput(record.NewProblem("approve.twice", "", "another administrator approves it", "%s has approved this request with this plan already", who))
	}
	if err != nil {
		return false, exit.Environment(err)
	}
	if q, err = v.Request(ctx, id); err != nil {
		return false, err
	}
	if len(v.Register.ApproversOf(q, planned, register.At(v.Env.Now()))) < 2 {
		return false, nil
	}
	err = v.Store.Enter(ctx, v.Env.Now(), scheduler.Due{Job: v.Register.Route(q.Route).Connector, At: now, Cause: scheduler.CauseAdHoc, State: scheduler.StateWaiting,
		Actor: q.Initiator, Reason: q.Number, Request: q.ID})
	return err == nil, err
}

// Request reads an ad-hoc request with its approvals from the store.
func (v *Service) Request(ctx context.Context, id string) (*legal.Request, error) {
	stored, err := v.Store.GetRequest(ctx, id)
	if errors.Is(err, store.ErrNoRequest) {
		return nil, exit.BadInput(record.NewProblem("request.unknown", "", "enter it with: almasu request FILE", "there is no request %q", id))
	}
	if err != nil {
		return nil, err
	}
	return v.parseRequest(stored)
}
