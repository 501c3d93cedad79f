package planning

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/calendar"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/plan"
	"birgeoqy.kz/almasu/internal/plan/limits"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/holds"
	"birgeoqy.kz/almasu/internal/store/outcomes"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// Keeper stands before a run: what it does not admit reads nobody for a message and sends nothing. It is safe for concurrent use.
type Keeper struct {
	Store    *store.Store
	Register *legal.Register
	// Worker is this process in leases.
	Worker string
	Now    func() time.Time
	Wait   func(ctx context.Context, d time.Duration) error
	// Hold returns the limits of a connector, nil if nothing holds it; Calendars are those that they name.
	Hold      func(connector string) *config.Hold
	Calendars map[string]*scheduler.Calendar
	// Prepare gives what a plan of a connection is made of; Close is not called.
	Prepare func(ctx context.Context, c *transfer.Connection) (*Prepared, error)
}

// Admit decides whether a due run that has not begun may begin: nil lets it. A [*scheduler.Held] says that it is held now, a [*scheduler.Missed] that it does not run;
// any other error that it could not be judged. Answers to approved requests are admitted, and so is what resumes earlier runs.
//
//   - While a hold of the connector is open, every further run is put under it.
//   - A connector with limits is planned, and the run is held if a limit is reached.
//   - A run whose hold was approved is planned once more, and admitted if the plan is the one that was approved and the approval verifies.
func (k *Keeper) Admit(ctx context.Context, c *transfer.Connection, d *scheduler.Due) error {
	if d.Cause == scheduler.CauseAdHoc || d.Request != "" {
		return nil
	}
	err := k.admit(ctx, c, d)
	var held *scheduler.Held
	if err != nil && !errors.As(err, &held) && errors.Is(context.Cause(ctx), scheduler.ErrCancelled) {
		return &scheduler.Missed{Reason: "overlap: " + scheduler.ErrCancelled.Error(), Err: err}
	}
	return err
}

func (k *Keeper) admit(ctx context.Context, c *transfer.Connection, d *scheduler.Due) error {
	if d.Hold != "" {
		return k.approved(ctx, c, d)
	}
	if _, err := holds.Expire(ctx, k.Store, k.Now()); err != nil {
		return err
	}
	for {
		open, err := holds.Of(ctx, k.Store, d.Job)
		if err != nil {
			return err
		}
		if open == nil {
			return k.judge(ctx, c, d)
		}
		err = holds.Join(ctx, k.Store, k.Worker, d, open)
		if err == nil {
			return &scheduler.Held{Hold: open.ID}
		}
		if !errors.Is(err, holds.ErrDecided) {
			return err
		}
	}
}

// Limits are the limits of a connector at a time; none if it has none.
func (k *Keeper) Limits(connector string, now time.Time) config.Limits {
	hold := k.Hold(connector)
	if hold == nil {
		return config.Limits{}
	}
	return hold.At(now, k.Calendars)
}

// judge plans a run and holds it if it reaches a limit.
func (k *Keeper) judge(ctx context.Context, c *transfer.Connection, d *scheduler.Due) error {
	hold := k.Hold(d.Job)
	if hold == nil {
		return nil
	}
	made, err := k.plan(ctx, c, holds.ToJudge, d.Actor)
	if made == nil || err != nil {
		return err
	}
	before, err := Before(ctx, k.Store, d.Job)
	if err != nil {
		return err
	}
	now := k.Now()
	found := limits.Judge(k.Limits(d.Job, now), Numbers(made), before)
	pause.At("judged")
	if len(found) == 0 {
		return nil
	}
	h := &holds.Hold{
		ID: record.NewID().String(), Connector: d.Job, Due: d.At, Cause: d.Cause, Asked: d.Actor, Why: d.Reason, Author: k.Register.Route(c.Route).Author,
		Made: now.UTC().Truncate(time.Microsecond), Expires: Expires(now, hold.WorkingDays()), Plan: made.Digest, Numbers: Numbers(made), Before: before, Findings: found,
	}
	if err := holds.Enter(ctx, k.Store, now, k.Worker, d, h); err != nil {
		return err
	}
	pause.At("held")
	return &scheduler.Held{Hold: h.ID}
}

// approved looks at a run that a person has let go.
func (k *Keeper) approved(ctx context.Context, c *transfer.Connection, d *scheduler.Due) error {
	not := func(code, why string) error {
		return &scheduler.Missed{Reason: "held under " + d.Hold + ": " + why, Err: record.NewProblem(code, d.Job, again(d.Job), "hold %s: %s; nothing was sent", d.Hold, why)}
	}
	h, err := holds.Get(ctx, k.Store, d.Hold)
	if err != nil {
		return err
	}
	if !h.Due.Equal(d.At) || !k.signed(h) {
		return not("hold.not_approved", "there is no approval of this run that verifies")
	}
	made, err := k.plan(ctx, c, holds.ToSend, d.Actor)
	if made == nil || err != nil {
		return err
	}
	if made.Digest != h.Plan {
		return not("hold.moved", "data, law or mapping have moved since it was approved")
	}
	pause.At("approved")
	return nil
}

// again says how to come to another decision.
func again(connector string) string {
	return "run it again: almasu run " + connector + " --reason TEXT; it is planned and judged anew"
}

// signed reports whether a hold has an approval that verifies.
func (k *Keeper) signed(h *holds.Hold) bool {
	var a register.Approval
	digest, err := h.Digest()
	if h.Decision.State != holds.Approved || err != nil || json.Unmarshal([]byte(h.Decision.Approval), &a) != nil {
		return false
	}
	by := k.Register.Approvers([]register.Approval{a}, holds.Kind, h.ID, digest, h.Author, register.At(k.Now()))
	return len(slices.DeleteFunc(by, func(who string) bool { return who == h.Asked })) > 0
}

// plan makes a plan and keeps it; nil if the law refuses the run, which then says so itself. A database that is away is waited for, as the run would.
func (k *Keeper) plan(ctx context.Context, c *transfer.Connection, purpose, actor string) (*plan.Plan, error) {
	started, pause := k.Now(), time.Second
	for {
		made, err := k.once(ctx, c)
		var refusal *legal.Refusal
		switch {
		case err == nil:
			return made, holds.Keep(ctx, k.Store, made, purpose, actor)
		case errors.As(err, &refusal):
			return nil, nil
		case errors.Is(err, plan.ErrCounts) || !transfer.Mends(err) || ctx.Err() != nil || k.Now().Add(pause).Sub(started) > c.Patience:
			return nil, err
		}
		if k.Wait(ctx, pause) != nil {
			return nil, err
		}
		pause = min(2*pause, 30*time.Second)
	}
}

func (k *Keeper) once(ctx context.Context, c *transfer.Connection) (*plan.Plan, error) {
	p, err := k.Prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	return p.Maker.Make(ctx, p.Connection, p.Order, 0)
}

// Numbers are what limits look at in a plan.
func Numbers(p *plan.Plan) limits.Numbers {
	n := limits.Numbers{Read: p.Read, Send: p.Send, Refused: p.Refused}
	if c := p.Compared; c != nil {
		n.Compared, n.New, n.Changed, n.Unchanged, n.Withdrawn, n.Has = true, c.New, c.Changed, c.Unchanged, c.Withdrawn, c.Has
	}
	return n
}

// lately is how many of a connector's newest transfers are looked at for the run before: more than there are runs of candidates in a day, every two minutes.
const lately = 1000

// Before is what a connector's earlier runs say. Notices, answers to requests and what was sent again of another run are no runs of it; one that read candidates
// only says nothing of how many are read or refused.
func Before(ctx context.Context, s *store.Store, connector string) (b limits.Before, err error) {
	reports, err := s.Transfers(ctx, connector, lately)
	if err != nil {
		return b, err
	}
	for _, r := range reports {
		if r.Finished.IsZero() || r.Notice != "" || r.Request != "" {
			continue
		}
		if retry, err := outcomes.Of(ctx, s, r.ID); err != nil {
			return b, err
		} else if retry != nil {
			continue
		}
		t := &r.Totals
		complete := r.Compared != config.CompareCandidates && (r.Status == transfer.Successful || r.Status == transfer.SentWithRejects || r.Status == transfer.InProgress)
		if b.Transfer == "" && complete {
			b.Transfer, b.Read, b.Refused, b.Sent = r.ID.String(), t.Read, t.Refused, t.Read-t.Refused-t.Withheld
		}
		if b.Answered == "" && t.Received > 0 {
			b.Answered, b.Received, b.Rejected = r.ID.String(), t.Received, t.Rejected
		}
		if b.Transfer != "" && b.Answered != "" {
			break
		}
	}
	return b, nil
}

// Expires is the end of the last of so many working days after the day of now. In a year whose working days are not known every day counts, which is sooner.
func Expires(now time.Time, days int) time.Time {
	last, err := calendar.Kazakhstan().AddWorkingDays(now, days)
	if err != nil {
		y, m, d := now.In(register.Zone).Date()
		last = time.Date(y, m, d+days, 0, 0, 0, 0, register.Zone)
	}
	return last.AddDate(0, 0, 1).UTC()
}
