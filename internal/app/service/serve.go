package service

import (
	"context"
	"slices"
	"sync"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/app/alarms"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/keeping"
	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store/fault"
	"birgeoqy.kz/almasu/internal/store/standing"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// Keeping is the service as its store is kept: with everybody to compare it with.
func (v *Service) Keeping() *keeping.Service {
	out := &keeping.Service{
		Store: v.Store, Roster: v.Roster, Retention: v.File.Retention, Close: v.Close,
		Verify: func(ctx context.Context) (*evidence.Report, error) { return v.VerifyLog(ctx, nil) },
	}
	for _, name := range v.File.Names() {
		c := v.Connections[name]
		one := keeping.Recipient{BIN: v.Recipient(c)}
		if asked, ok := c.Connector.(connectors.Asker); ok {
			one.Ask = func(ctx context.Context, from uint64) (*signing.Standing, error) {
				return asked.Standing(ctx, c.Sender, from)
			}
		}
		at := slices.IndexFunc(out.Recipients, func(r keeping.Recipient) bool { return r.BIN == one.BIN })
		switch {
		case at < 0:
			out.Recipients = append(out.Recipients, one)
		case out.Recipients[at].Ask == nil:
			out.Recipients[at] = one
		}
	}
	return out
}

// Admit compares the store with a connector's recipient, or with all of them for "", before anything is logged.
func (v *Service) Admit(ctx context.Context, connector string) error {
	bin := ""
	if c := v.Connections[connector]; c != nil {
		bin = v.Recipient(c)
	}
	err := v.Keeping().Admit(ctx, v.Env.Now(), bin)
	if record.CodeOf(err) != "" && !fault.Known(err) {
		return exit.Failed(err)
	}
	return err
}

// heldBack says whether the store is in doubt. While it is, it is compared with its recipients again after each pause, and the service goes on by itself
// once none is ahead.
func (v *Service) heldBack(pause time.Duration) func(ctx context.Context) bool {
	next, told := v.Env.Now().Add(pause), ""
	return func(ctx context.Context) bool {
		doubt, err := standing.InDoubt(ctx, v.Store)
		if err != nil || !doubt { // a store that does not answer is met by whoever asks it next
			return false
		}
		if v.Env.Now().Before(next) {
			return true
		}
		err = v.Admit(ctx, "")
		next = v.Env.Now().Add(pause)
		if err != nil {
			if err.Error() != told && ctx.Err() == nil {
				v.Env.Logger.Error("nothing is logged or sent", "code", record.CodeOf(err), "error", err)
			}
			told = err.Error()
			return true
		}
		v.Env.Logger.Info("the store was compared with its recipients and goes on")
		return false
	}
}

// startAdmitted compares the store with its recipients, and takes part in serving it. A store in doubt is served too, for what may be seen of it; its runs wait
// until the comparison is made.
func (v *Service) startAdmitted(ctx context.Context, p *part) error {
	err := v.Admit(ctx, "")
	if record.CodeOf(err) != "" && !fault.Known(err) {
		v.Env.Logger.Error("nothing is logged or sent", "code", record.CodeOf(err), "error", err)
		return nil
	}
	if err == nil {
		_, err = p.renew(ctx)
	}
	if err != nil {
		return exit.Environment(err)
	}
	return nil
}

// Serve runs schedules and resumes what waits, until ctx ends; while another process serves by another deployment it waits.
func (v *Service) Serve(ctx context.Context) error {
	poll := v.File.Serve.Poll.Or(5 * time.Second)
	us, err := v.newPart(poll)
	if err != nil {
		return exit.BadInput(err)
	}
	defer us.leave(ctx)
	if err := v.startAdmitted(ctx, us); err != nil {
		return err
	}
	log := v.Env.Logger
	monitoring, pages, closed, err := v.measure(us.serves.Load)
	if err != nil {
		return err
	}
	runner, err := v.Runner(func(r *transfer.Report) {
		closed(r)
		log.Info("transfer closed", "transfer", r.ID.String(), "connector", r.Connector, "status", string(r.Status), "code", r.Code, "totals", r.Totals.String())
	})
	if err != nil {
		return err
	}
	for _, a := range v.AskRoutes() {
		log.Info("route", "connector", a.Connector, "permitted", a.Permitted, "rule", a.Rule)
	}
	log.Info("serving", "worker", worker(), "connectors", v.File.Names())
	wake := make(chan struct{}, 1)
	doubted := v.heldBack(6 * poll)
	runner.Wake, runner.Held = wake, func(ctx context.Context) bool { return doubted(ctx) || us.waits(ctx) }
	var beside sync.WaitGroup
	beside.Go(func() { v.resumeLoop(ctx, 6*poll, us.serves.Load) })
	beside.Go(func() { v.listen(ctx, wake) })
	beside.Go(func() { v.answer(ctx, monitoring, pages) })
	watch, desk := v.Watching()
	beside.Go(func() { alarms.Loop(ctx, watch, desk, us.serves.Load, v.Env.Now, Wait, log) })
	err = runner.Loop(ctx, poll)
	beside.Wait()
	log.Info("stopped")
	return err
}

// listen wakes the scheduler when another process enters a row. Whatever is not heard, polling finds.
func (v *Service) listen(ctx context.Context, wake chan<- struct{}) {
	note := func(err error) {
		v.Env.Logger.Warn("due runs of other processes are found by polling only", "error", err)
	}
	err := v.Store.Listen(ctx, func() {
		select {
		case wake <- struct{}{}:
		default: // it is awake
		}
	}, note)
	if err != nil {
		note(err)
	}
}

// resumeLoop takes up what waits in the outbox, and transfers that are not closed, while no run of the connector does so: at the start, and again
// after each pause, if this process serves then. A run of the connector holds the same lease.
func (v *Service) resumeLoop(ctx context.Context, pause time.Duration, serves func() bool) {
	for again := true; again; again = Wait(ctx, pause) == nil {
		if !serves() {
			continue
		}
		for _, name := range v.File.Names() {
			waiting, err := v.leftOpen(ctx, name)
			if err == nil && waiting {
				err = v.Store.Enter(ctx, v.Env.Now(), scheduler.Due{Job: name, At: v.Env.Now().Truncate(time.Microsecond), Cause: scheduler.CauseResume, State: scheduler.StateWaiting, Actor: "service"})
			}
			if err != nil && ctx.Err() == nil {
				v.Env.Logger.Error("looking at what is open failed", "connector", name, "error", err)
			}
		}
	}
}

// leftOpen reports whether a connector has messages without a settlement, or a transfer without a report.
func (v *Service) leftOpen(ctx context.Context, connector string) (bool, error) {
	waiting, err := v.Store.HasWaiting(ctx, connector)
	if err != nil || waiting {
		return waiting, err
	}
	unclosed, err := v.Store.Unclosed(ctx, connector)
	return len(unclosed) > 0, err
}
