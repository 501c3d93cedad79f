package alarms

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/app/casework"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/notify"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/holds"
	"birgeoqy.kz/almasu/internal/store/retention"
	"birgeoqy.kz/almasu/internal/store/standing"
	"birgeoqy.kz/almasu/internal/store/tally"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// Patient is how long a message may wait before it is a condition.
const Patient = 30 * time.Minute

// Watch is what is looked at.
type Watch struct {
	Store    *store.Store
	Register *legal.Register
	// Keys are the service's own sealing keys, with their periods.
	Keys []signing.HeldKey
	// Routes has the route of each configured connector.
	Routes map[string]string
	// Retention says how long what names people is kept.
	Retention config.Retention
	// Ahead is how long before something ends it becomes a condition.
	Ahead time.Duration
}

// Conditions returns everything that is wrong now.
func (w *Watch) Conditions(ctx context.Context, now time.Time) ([]notify.Condition, error) {
	var out []notify.Condition
	for _, look := range []func(context.Context, time.Time) ([]notify.Condition, error){w.runs, w.held, w.waits, w.duties} {
		found, err := look(ctx, now)
		if err != nil {
			return nil, fmt.Errorf("looking for what is wrong: %w", err)
		}
		out = append(out, found...)
	}
	return append(append(out, w.keys(now)...), w.law(now)...), nil
}

// runs looks at the newest transfers and due times. That a notice or a retry has arrived does not say that runs do.
func (w *Watch) runs(ctx context.Context, now time.Time) (out []notify.Condition, err error) {
	for connector := range w.Routes {
		for _, runs := range []bool{true, false} {
			r, err := w.Store.LastClosed(ctx, connector, runs)
			if errors.Is(err, store.ErrNoTransfer) {
				break
			}
			if err != nil {
				return nil, err
			}
			if r.Status == transfer.Failed || r.Status == transfer.NotPermitted {
				out = append(out, notify.Condition{Kind: notify.Failed, Subject: connector, Code: r.Code})
				break
			}
		}
		d, err := w.Store.Last(ctx, connector, now)
		if err != nil {
			return nil, err
		}
		if d != nil && d.State == scheduler.StateMissed {
			code := ""
			if d.Hold != "" {
				code = NotSent
			}
			out = append(out, notify.Condition{Kind: notify.Missed, Subject: connector, Code: code, Until: &d.At})
		}
	}
	return out, nil
}

// NotSent is the code of a missed run that was held: nobody has approved it.
const NotSent = "hold.not_sent"

// held looks at the runs that wait for a decision. The code is that of the first limit that was reached, the date the end of the time for deciding.
func (w *Watch) held(ctx context.Context, now time.Time) (out []notify.Condition, err error) {
	if _, err := holds.Expire(ctx, w.Store, now); err != nil {
		return nil, err
	}
	list, err := holds.List(ctx, w.Store, false, 1000)
	for _, h := range list {
		out = append(out, notify.Condition{Kind: notify.Held, Subject: h.Connector, Code: h.Findings[0].Code(), Until: &h.Expires})
	}
	return out, err
}

// waits looks at what lies in the outbox and at the lines.
func (w *Watch) waits(ctx context.Context, now time.Time) (out []notify.Condition, err error) {
	t, err := tally.Read(ctx, w.Store, now)
	if err != nil {
		return nil, err
	}
	for _, m := range t.Waiting {
		if now.Sub(m.Oldest) > Patient {
			out = append(out, notify.Condition{Kind: notify.Waiting, Subject: m.Connector})
		}
	}
	doubt, err := standing.InDoubt(ctx, w.Store)
	if err != nil {
		return nil, err
	}
	if doubt {
		out = append(out, notify.Condition{Kind: notify.Doubt, Subject: "store", Code: "restore.not_compared"})
	}
	for _, l := range t.Lines {
		if l.State == transfer.LineHalted {
			out = append(out, notify.Condition{Kind: notify.Halted, Subject: l.Recipient, Code: l.Code})
		}
	}
	return out, nil
}

// duties looks at what is due until the end of today.
func (w *Watch) duties(ctx context.Context, now time.Time) (out []notify.Condition, err error) {
	open, err := casework.Open(ctx, w.Store, w.Register)
	if err != nil {
		return nil, err
	}
	job := retention.Job{Store: w.Store, Now: now}
	job.Disclosures, job.Refusals, job.Pseudonyms = w.Retention.Years()
	since, err := job.Overdue(ctx)
	if err != nil {
		return nil, err
	}
	if !since.IsZero() {
		out = append(out, notify.Condition{Kind: notify.Duty, Subject: "retention", Code: "retention.overdue", Until: &since})
	}
	for _, d := range open {
		if !d.Due.After(now) { // Due is the first moment of the last day
			until := d.Due
			out = append(out, notify.Condition{Kind: notify.Duty, Subject: strings.ReplaceAll(d.ID, " ", "-"), Code: d.Kind, Until: &until})
		}
	}
	return out, nil
}

// keys looks at the sealing keys: the one that is good for longest counts.
func (w *Watch) keys(now time.Time) []notify.Condition {
	var last *signing.HeldKey
	for i := range w.Keys {
		k := &w.Keys[i]
		if k.NotAfter.IsZero() || k.NotAfter.After(now.Add(w.Ahead)) {
			return nil
		}
		if last == nil || k.NotAfter.After(last.NotAfter) {
			last = k
		}
	}
	if last == nil {
		return nil
	}
	return []notify.Condition{{Kind: notify.Certificate, Subject: last.Key.ID(), Until: &last.NotAfter}}
}

// law looks at the dates of what the configured routes stand on.
func (w *Watch) law(now time.Time) (out []notify.Condition) {
	ends := func(kind notify.Kind, subject string, until register.Instant) {
		if at := until.Time(); until != 0 && !at.After(now.Add(w.Ahead)) {
			out = append(out, notify.Condition{Kind: kind, Subject: subject, Until: &at})
		}
	}
	at := register.At(now)
	for connector, id := range w.Routes {
		rt := w.Register.Route(id)
		if rt == nil {
			continue
		}
		if r := w.Register.Recipient(rt.Recipient); r != nil && r.Agreement != nil {
			ends(notify.Agreement, connector+":"+r.BIN, r.Agreement.Until)
		}
		for _, c := range []*register.Citation{&rt.Ground, &rt.Procedure, rt.Competence, rt.FreeItem} {
			if c == nil {
				continue
			}
			subject := connector + ":" + c.Act + "/" + c.Article
			act, article := w.Register.Resolve(*c, at)
			if act == nil || article == nil {
				out = append(out, notify.Condition{Kind: notify.Ground, Subject: subject})
				continue
			}
			if _, follows := w.Register.Resolve(*c, register.At(now.Add(w.Ahead))); follows == nil {
				ends(notify.Ground, subject, earlier(act.Until, article.Until))
			}
		}
	}
	if p := w.Register.PolicyAt(at); p == nil {
		out = append(out, notify.Condition{Kind: notify.Policy, Subject: "none"})
	} else if w.Register.PolicyAt(register.At(now.Add(w.Ahead))) == nil {
		ends(notify.Policy, p.ID, p.Until)
	}
	return out
}

// earlier is the earlier of two ends, where 0 is open.
func earlier(a, b register.Instant) register.Instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
