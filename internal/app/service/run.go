package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/peer"
	"birgeoqy.kz/almasu/internal/app/schedtool"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/fault"
	"birgeoqy.kz/almasu/internal/store/outcomes"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// Wait returns after d, or with ctx's error.
func Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// worker names this process in leases.
func worker() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "/" + strconv.Itoa(os.Getpid())
}

// Runner is the scheduler over this service's connectors. Jobs that were never entered begin now.
func (v *Service) Runner(report func(*transfer.Report)) (*scheduler.Runner, error) {
	jobs, err := schedtool.Jobs(v.File)
	if err != nil {
		return nil, exit.BadInput(err)
	}
	return &scheduler.Runner{
		Store: v.Store, Worker: worker(), Jobs: func() []scheduler.Job { return jobs }, Now: v.Env.Now, Wait: Wait,
		Lease: v.File.Serve.Lease.Or(time.Minute), Parallel: max(v.File.Serve.Parallel, 2), Logger: v.Env.Logger,
		Run: func(ctx context.Context, d *scheduler.Due) error {
			r, err := v.Perform(ctx, d)
			if r != nil && report != nil {
				report(r)
			}
			return err
		},
	}, nil
}

// Perform runs the transfer of a due row. One that is cancelled in favour of a later due time is closed as failed; what it has logged is delivered by the next.
func (v *Service) Perform(ctx context.Context, d *scheduler.Due) (*transfer.Report, error) {
	r, err := v.performRow(ctx, d)
	if err == nil || d.Transfer == "" || !errors.Is(context.Cause(ctx), scheduler.ErrCancelled) {
		return r, err
	}
	ctx = context.WithoutCancel(ctx)
	id, err := record.ParseID(d.Transfer)
	if err != nil {
		return nil, err
	}
	r, err = v.Store.Transfer(ctx, id)
	if errors.Is(err, store.ErrNoTransfer) {
		return nil, nil // it was named, and not begun
	}
	if err != nil || !r.Finished.IsZero() {
		return r, err
	}
	r.Status, r.Code, r.Message, r.Finished = transfer.Failed, "transfer.cancelled", scheduler.ErrCancelled.Error(), v.Env.Now()
	return r, v.Store.Finish(ctx, v.Env.Now(), r)
}

// performRow runs the transfer of a due row. The row names its transfer, and the transfer is durable, before anything is read, so that whoever takes the
// row up goes on with it. Transfers that an earlier run could not close, because its store failed, are gone on with first: their row is done.
func (v *Service) performRow(ctx context.Context, d *scheduler.Due) (*transfer.Report, error) {
	conn, ok := v.Connections[d.Job]
	if !ok {
		return nil, &scheduler.Missed{Reason: "the connector is not configured any more"}
	}
	if err := v.Admit(ctx, d.Job); err != nil {
		return nil, notBegun(err)
	}
	conn = peer.At(conn, v.Later[conn.Name], v.Env.Now())
	if d.Cause == scheduler.CauseResume {
		closed, err := v.closeOthers(ctx, conn, record.ID{})
		if err != nil || closed > 0 { // a run has delivered what waits
			return nil, err
		}
		return nil, v.Engine.Resume(ctx, conn)
	}
	started, taken := v.Env.Now(), d.Transfer != ""
	if d.Transfer == "" {
		if err := v.keeper.Admit(ctx, conn, d); err != nil {
			return nil, notBegun(err)
		}
		d.Transfer = record.NewID().String()
		if err := v.Store.Keep(ctx, worker(), d, scheduler.StateRunning, v.Env.Now()); err != nil {
			return nil, notBegun(err)
		}
	}
	id, err := record.ParseID(d.Transfer)
	if err != nil {
		return nil, err
	}
	if taken {
		switch known, err := v.Store.Transfer(ctx, id); {
		case err == nil:
			started = known.Started
		case !errors.Is(err, store.ErrNoTransfer): // else it was named, and not begun
			return nil, notBegun(err)
		}
	}
	t := transfer.Transfer{
		ID: id, Connector: conn.Name, Route: conn.Route, Recipient: v.Recipient(conn), Trigger: transfer.Trigger(d.Cause), Due: d.At, Started: started,
		Actor: d.Actor, Reason: d.Reason, Request: d.Request,
	}
	pause.At("due.named")
	if _, err := v.Store.Begin(ctx, t); err != nil {
		return nil, notBegun(err)
	}
	pause.At("begun")
	if _, err := v.closeOthers(ctx, conn, id); err != nil {
		v.Env.Logger.Error("a transfer is still not closed", "connector", conn.Name, "error", err)
	}
	report, err := v.goOn(ctx, conn, t)
	if err == nil && report.Withdrawn > 0 { // the recipient is told at once, if it answers
		if _, err := v.closeOthers(ctx, conn, id); err != nil {
			v.Env.Logger.Error("a notice is still not delivered", "connector", conn.Name, "error", err)
		}
	}
	return report, err
}

// notBegun says what becomes of a row whose transfer could not begin, so that no due time passes unseen: with a fault of a database it stays; otherwise it is
// missed, or stays while the store is in doubt and may log nothing.
func notBegun(err error) error {
	var held *scheduler.Held
	var missed *scheduler.Missed
	if errors.As(err, &held) || errors.As(err, &missed) {
		return err // that is decided
	}
	if record.CodeOf(err) == "" || fault.Known(fault.Wrap(err)) {
		return fmt.Errorf("%w: %w", scheduler.ErrNotBegun, err)
	}
	return &scheduler.Missed{Reason: err.Error(), Err: err}
}

// closeOthers goes on with the connector's transfers that are not closed, but for one, until one fails.
func (v *Service) closeOthers(ctx context.Context, conn *transfer.Connection, but record.ID) (closed int, err error) {
	unclosed, err := v.Store.Unclosed(ctx, conn.Name)
	if err != nil {
		return 0, err
	}
	for _, t := range unclosed {
		if t.ID == but {
			continue
		}
		r, err := v.goOn(ctx, conn, t)
		if err != nil {
			return closed, fmt.Errorf("going on with transfer %s: %w", t.ID, err)
		}
		v.Env.Logger.Info("transfer closed", "transfer", t.ID.String(), "connector", conn.Name, "status", string(r.Status), "code", r.Code, "totals", r.Totals.String())
		closed++
	}
	return closed, nil
}

// goOn takes a transfer along the road, from where it is.
func (v *Service) goOn(ctx context.Context, conn *transfer.Connection, t transfer.Transfer) (*transfer.Report, error) {
	published, err := v.Published()
	if err != nil {
		return nil, err
	}
	order := transfer.Order{PublishedText: published, Transfer: t}
	if order.Notice, err = v.notice(ctx, t.ID); err != nil {
		return nil, err
	}
	retry, err := outcomes.Of(ctx, v.Store, t.ID)
	if err != nil {
		return nil, err
	}
	if t.Request != "" {
		if order.Request, err = v.Request(ctx, t.Request); err != nil {
			return nil, err
		}
		var r *transfer.Report
		if retry == nil {
			r, err = v.unanswerable(ctx, conn, &order)
		} else {
			r, err = v.retryAnswer(ctx, retry, t)
		}
		if r != nil || err != nil {
			return r, err
		}
	}
	if retry != nil {
		order.Source = retry.Source(conn.Source)
	}
	return v.Engine.Run(ctx, conn, order)
}

// Login is the name of the account that runs the program.
func Login() string {
	for _, name := range []string{"USER", "LOGNAME"} {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// errInterrupted answers a run that was told to end before it was at its end. Its transfer, if it has begun, is not closed, and has no report yet.
var errInterrupted = record.NewProblem("run.interrupted", "", "run the connector again, or let almasu serve go on: what was logged is delivered first, and nobody is sent twice. How far it is: almasu transfers",
	"the run was interrupted before its end; what the recipient has taken stays with it")

// errLost ends a run whose lease was not renewed in time.
var errLost = record.NewProblem("transfer.lease_lost", "", "see that the store's database answers (almasu doctor); almasu serve goes on by itself, or run again: what waits goes first",
	"the run has lost its lease: the store did not answer for too long, or another process has taken the run up")

// The answers to a run that does not begin: because another of its connector is under way: it is withdrawn, so that nobody is sent later whom nobody expects
// to be; or, [ErrTaken], another process, which serves, has taken it.
var (
	errBusy = record.NewProblem("run.busy", "", "see: almasu transfers watch; ask again when that has ended. If its process was killed, that is when its lease ends (serve.lease, a minute if not configured)",
		"another transfer of this connector is under way: nothing was begun")
	ErrTaken = record.NewProblem("run.taken", "", "see: almasu transfers watch", "another process that serves this connector has taken the run, or has it waiting")
)

// RunDue enters one row and performs it, unless another run of the connector is under way. A run that could not be closed has an error beside its report.
func (v *Service) RunDue(ctx context.Context, d scheduler.Due) (*transfer.Report, error) {
	d.At, d.State = v.Env.Now().Truncate(time.Microsecond), scheduler.StateWaiting
	if d.Request != "" {
		if answered, err := v.Store.Answered(ctx, d.Request); err != nil {
			return nil, exit.Environment(err)
		} else if answered {
			return nil, exit.BadInput(record.NewProblem("request.answered", "", "see: almasu transfers", "request %s has been answered; a request is answered once", d.Request))
		}
	}
	return v.perform(ctx, d.Job, d)
}

// RunWaiting performs what waits of a connector, as [Service.RunDue] does.
func (v *Service) RunWaiting(ctx context.Context, connector string) (*transfer.Report, error) {
	return v.perform(ctx, connector)
}

// perform enters a row, if one is given, and performs what waits of the connector.
func (v *Service) perform(ctx context.Context, connector string, row ...scheduler.Due) (*transfer.Report, error) {
	var report *transfer.Report
	runner, err := v.Runner(func(r *transfer.Report) { report = r })
	if err != nil {
		return nil, err
	}
	var failure error
	perform := runner.Run
	runner.Run = func(ctx context.Context, d *scheduler.Due) error {
		if report != nil && v.GoneOn != nil {
			v.GoneOn(report)
		}
		report, failure = nil, nil
		err := perform(ctx, d)
		if failure = err; errors.Is(context.Cause(ctx), scheduler.ErrLost) {
			failure = exit.Environment(errLost)
		}
		return err
	}
	runner.Only = connector
	runner.Jobs = func() []scheduler.Job { return nil }
	if err := v.Store.Enter(ctx, v.Env.Now(), row...); err != nil {
		return nil, exit.Environment(err)
	}
	if _, err := runner.Once(ctx); err != nil && failure == nil && (report == nil || ctx.Err() == nil) {
		failure = err
	}
	if failure != nil && ctx.Err() != nil {
		return report, exit.Failed(errInterrupted)
	}
	if report == nil && failure == nil {
		for i := range row {
			withdrawn, err := v.Store.Withdraw(ctx, v.Env.Now(), &row[i], "another run was under way when "+row[i].Actor+" asked for this one")
			if err != nil {
				return nil, exit.Environment(err)
			}
			if withdrawn {
				return nil, exit.Held(errBusy)
			}
		}
		return nil, exit.Held(ErrTaken)
	}
	return report, failure
}

// DeliverNow goes on with what a connector has left open, under its lease; a row that another process works on is left to it.
func (v *Service) DeliverNow(ctx context.Context, connector string) error {
	if err := v.NoteRegister(ctx, Login()); err != nil {
		return exit.Environment(err)
	}
	runner, err := v.Runner(nil)
	if err != nil {
		return err
	}
	runner.Only, runner.Jobs = connector, func() []scheduler.Job { return nil }
	d := scheduler.Due{Job: connector, At: v.Env.Now().Truncate(time.Microsecond), Cause: scheduler.CauseResume, State: scheduler.StateWaiting, Actor: Login()}
	if err := runner.Store.Enter(ctx, v.Env.Now(), d); err != nil {
		return exit.Environment(err)
	}
	_, err = runner.Once(ctx)
	return err
}
