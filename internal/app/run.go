package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/app/peer"
	"birgeoqy.kz/almasu/internal/app/schedtool"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// Consistency implements [connectors.Prover].
func (p prover) Consistency(ctx context.Context, from, to int64) (tlog.TreeProof, error) {
	checkpoint, err := p.store.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	at, err := p.key.Open(checkpoint)
	if err != nil {
		return nil, err
	}
	if to > at.Size {
		return nil, connectors.ErrAhead
	}
	return p.store.Consistency(ctx, from, to)
}

// worker names this process in leases.
func worker() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "/" + strconv.Itoa(os.Getpid())
}

// runner is the scheduler over this service's connectors. Jobs that were never entered begin now.
func (v *service) runner(report func(*transfer.Report)) (*scheduler.Runner, error) {
	jobs, err := schedtool.Jobs(v.file)
	if err != nil {
		return nil, badInput(err)
	}
	return &scheduler.Runner{
		Store: v.store, Worker: worker(), Jobs: func() []scheduler.Job { return jobs }, Now: v.session.now, Wait: wait,
		Lease: v.file.Serve.Lease.Or(time.Minute), Parallel: max(v.file.Serve.Parallel, 2), Logger: v.session.logger(),
		Run: func(ctx context.Context, d *scheduler.Due) error {
			r, err := v.perform(ctx, d)
			if r != nil && report != nil {
				report(r)
			}
			return err
		},
	}, nil
}

// perform runs the transfer of a due row. One that is cancelled in favour of a later due time is closed as failed; what it has logged is delivered by the next.
func (v *service) perform(ctx context.Context, d *scheduler.Due) (*transfer.Report, error) {
	r, err := v.performRow(ctx, d)
	if err == nil || d.Transfer == "" || !errors.Is(context.Cause(ctx), scheduler.ErrCancelled) {
		return r, err
	}
	ctx = context.WithoutCancel(ctx)
	id, err := record.ParseID(d.Transfer)
	if err != nil {
		return nil, err
	}
	r, err = v.store.Transfer(ctx, id)
	if errors.Is(err, store.ErrNoTransfer) {
		return nil, nil // it was named, and not begun
	}
	if err != nil || !r.Finished.IsZero() {
		return r, err
	}
	r.Status, r.Code, r.Message, r.Finished = transfer.Failed, "transfer.cancelled", scheduler.ErrCancelled.Error(), v.session.now()
	return r, v.store.Finish(ctx, v.session.now(), r)
}

// performRow runs the transfer of a due row. The row names its transfer, and the transfer is durable, before anything is read, so that whoever takes the
// row up goes on with it. Transfers that an earlier run could not close, because its store failed, are gone on with first: their row is done.
func (v *service) performRow(ctx context.Context, d *scheduler.Due) (*transfer.Report, error) {
	conn, ok := v.connections[d.Job]
	if !ok {
		return nil, &scheduler.Missed{Reason: "the connector is not configured any more"}
	}
	if err := v.admit(ctx, d.Job); err != nil {
		return nil, err
	}
	conn = peer.At(conn, v.later[conn.Name], v.session.now())
	if d.Cause == scheduler.CauseResume {
		closed, err := v.closeOthers(ctx, conn, record.ID{})
		if err != nil || closed > 0 { // a run has delivered what waits
			return nil, err
		}
		return nil, v.engine.Resume(ctx, conn)
	}
	if d.Transfer == "" {
		d.Transfer = record.NewID().String()
		if err := v.store.Keep(ctx, worker(), d, scheduler.StateRunning, v.session.now()); err != nil {
			return nil, err
		}
	}
	id, err := record.ParseID(d.Transfer)
	if err != nil {
		return nil, err
	}
	t := transfer.Transfer{
		ID: id, Connector: conn.Name, Route: conn.Route, Recipient: v.recipient(conn), Trigger: transfer.Trigger(d.Cause), Due: d.At, Started: v.session.now(),
		Actor: d.Actor, Reason: d.Reason, Request: d.Request,
	}
	pause.At("due.named")
	if _, err := v.store.Begin(ctx, t); err != nil {
		return nil, err
	}
	pause.At("begun")
	if _, err := v.closeOthers(ctx, conn, id); err != nil {
		v.session.logger().Error("a transfer is still not closed", "connector", conn.Name, "error", err)
	}
	return v.goOn(ctx, conn, t)
}

// closeOthers goes on with the connector's transfers that are not closed, but for one, until one fails.
func (v *service) closeOthers(ctx context.Context, conn *transfer.Connection, but record.ID) (closed int, err error) {
	unclosed, err := v.store.Unclosed(ctx, conn.Name)
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
		v.session.logger().Info("transfer closed", "transfer", t.ID.String(), "connector", conn.Name, "status", string(r.Status), "code", r.Code, "totals", r.Totals.String())
		closed++
	}
	return closed, nil
}

// goOn takes a transfer along the road, from where it is.
func (v *service) goOn(ctx context.Context, conn *transfer.Connection, t transfer.Transfer) (*transfer.Report, error) {
	published, err := v.published()
	if err != nil {
		return nil, err
	}
	order := transfer.Order{PublishedText: published, Transfer: t}
	if order.Notice, err = v.notice(ctx, t.ID); err != nil {
		return nil, err
	}
	if t.Request != "" {
		if order.Request, err = v.request(ctx, t.Request); err != nil {
			return nil, err
		}
	}
	return v.engine.Run(ctx, conn, order)
}

// recipient is the BIN of a connection's recipient.
func (v *service) recipient(c *transfer.Connection) string {
	return v.register.Recipient(v.register.Route(c.Route).Recipient).BIN
}

func (s *session) runCommand() *cobra.Command {
	var reason, actor string
	cmd := &cobra.Command{
		Use:   "run CONNECTOR --reason TEXT",
		Short: "Run an approved route now",
		Long: `Runs the route of a connector now, as its schedule would: the same law, the same approvals, the same log. The reason and
your name go into the log. Exit code 0: everybody accounted for; 5: sent, and some records were rejected or withheld; 1: refused, failed, or messages still wait.`,
		Args: exactly(1, "one connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return badInput(record.NewProblem("usage.reason", "", "say why: --reason \"the ministry asked for a repetition\"", "a run outside the schedule needs a reason"))
			}
			return s.runNow(cmd.Context(), scheduler.Due{Job: args[0], Cause: scheduler.CauseRunNow, Reason: reason, Actor: actor})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why now")
	cmd.Flags().StringVar(&actor, "as", login(), "who runs it")
	return cmd
}

// login is the name of the account that runs the program.
func login() string {
	for _, name := range []string{"USER", "LOGNAME"} {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// runNow enters a due row and performs it under a lease, with progress.
func (s *session) runNow(ctx context.Context, d scheduler.Due) error {
	v, err := s.open(ctx, parts{platform: true, store: true})
	if err != nil {
		return err
	}
	defer v.Close()
	if _, ok := v.connections[d.Job]; !ok {
		return unknownConnector(v, d.Job)
	}
	if err := v.admit(ctx, d.Job); err != nil {
		return err
	}
	if err := v.noteRegister(ctx, d.Actor); err != nil {
		return environment(err)
	}
	report, err := v.runDue(ctx, d)
	if report == nil {
		return err
	}
	s.result, s.code = report, exitOf(report.Status)
	if !s.json {
		printReport(s.stdout, report)
	}
	return err
}

func unknownConnector(v *service, name string) error {
	return badInput(record.NewProblem("usage.unknown_connector", "", fmt.Sprintf("configured are: %v", v.file.Names()), "there is no connector %q", name))
}

// errLost ends a run whose lease was not renewed in time.
var errLost = record.NewProblem("transfer.lease_lost", "", "see that the store's database answers (almasu doctor); almasu serve goes on by itself, or run again: what waits goes first",
	"the run has lost its lease: the store did not answer for too long, or another process has taken the run up")

var errBusy = errors.New("another transfer of this connector is running; see: almasu transfers")

// runDue enters one row and performs it, unless another run of the connector is under way. A run that could not be closed has an error beside its report.
func (v *service) runDue(ctx context.Context, d scheduler.Due) (*transfer.Report, error) {
	d.At, d.State = v.session.now().Truncate(time.Microsecond), scheduler.StateWaiting
	var report *transfer.Report
	runner, err := v.runner(func(r *transfer.Report) { report = r })
	if err != nil {
		return nil, err
	}
	var failure error
	perform := runner.Run
	runner.Run = func(ctx context.Context, d *scheduler.Due) error {
		report, failure = nil, nil
		err := perform(ctx, d)
		if failure = err; errors.Is(context.Cause(ctx), scheduler.ErrLost) {
			failure = environment(errLost)
		}
		return err
	}
	runner.Only = d.Job
	runner.Jobs = func() []scheduler.Job { return nil }
	if d.Request != "" {
		if answered, err := v.store.Answered(ctx, d.Request); err != nil {
			return nil, environment(err)
		} else if answered {
			return nil, badInput(record.NewProblem("request.answered", "", "see: almasu transfers", "request %s has been answered; a request is answered once", d.Request))
		}
	}
	progress := v.session.progress()
	v.engine.Observe = progress.observe
	defer progress.done()
	if err := v.store.Enter(ctx, v.session.now(), d); err != nil {
		return nil, environment(err)
	}
	if _, err := runner.Once(ctx); err != nil && failure == nil {
		failure = err
	}
	if report == nil && failure == nil {
		return nil, held(errBusy)
	}
	return report, failure
}

// deliverNow goes on with what a connector has left open, under its lease; a row that another process works on is left to it.
func (v *service) deliverNow(ctx context.Context, connector string) error {
	if err := v.noteRegister(ctx, login()); err != nil {
		return environment(err)
	}
	runner, err := v.runner(nil)
	if err != nil {
		return err
	}
	runner.Only, runner.Jobs = connector, func() []scheduler.Job { return nil }
	d := scheduler.Due{Job: connector, At: v.session.now().Truncate(time.Microsecond), Cause: scheduler.CauseResume, State: scheduler.StateWaiting, Actor: login()}
	if err := runner.Store.Enter(ctx, v.session.now(), d); err != nil {
		return environment(err)
	}
	_, err = runner.Once(ctx)
	return err
}

// request reads an ad-hoc request with its approvals from the store.
func (v *service) request(ctx context.Context, id string) (*legal.Request, error) {
	stored, err := v.store.GetRequest(ctx, id)
	if errors.Is(err, store.ErrNoRequest) {
		return nil, badInput(record.NewProblem("request.unknown", "", "enter it with: almasu request FILE", "there is no request %q", id))
	}
	if err != nil {
		return nil, err
	}
	return v.parseRequest(stored)
}
