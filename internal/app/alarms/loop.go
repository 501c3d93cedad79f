package alarms

import (
	"context"
	"log/slog"
	"time"

	"birgeoqy.kz/almasu/internal/notify"
)

// Interval is how often the service is looked at.
const Interval = time.Minute

// Loop looks and tells until ctx ends, at each turn at which this process serves. What fails is logged, and tried again at the next turn.
func Loop(ctx context.Context, w *Watch, d *notify.Desk, serves func() bool, now func() time.Time, wait func(context.Context, time.Duration) error, log *slog.Logger) {
	for again := true; again; again = wait(ctx, Interval) == nil {
		if serves() {
			Turn(ctx, w, d, now, log)
		}
	}
}

// Turn looks once and tells what is due.
func Turn(ctx context.Context, w *Watch, d *notify.Desk, now func() time.Time, log *slog.Logger) {
	found, err := w.Conditions(ctx, now())
	if err == nil {
		var n *notify.Note
		if n, err = d.See(ctx, now(), found); n != nil {
			for _, c := range n.Raised {
				log.Warn("condition", "kind", string(c.Kind), "subject", c.Subject, "code", c.Code)
			}
			for _, c := range n.Over {
				log.Info("condition is over", "kind", string(c.Kind), "subject", c.Subject)
			}
		}
	}
	if err != nil && ctx.Err() == nil {
		log.Error("looking for what is wrong failed", "error", err)
	}
	if _, err := d.Tell(ctx, now); err != nil && ctx.Err() == nil {
		log.Error("telling what has changed failed", "error", err)
	}
}
