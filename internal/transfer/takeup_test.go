package transfer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// TestBlockedBeforeGoingOn: a transfer is interrupted with messages waiting, somebody in one of them is blocked, and the transfer goes on: the
// replacement is a part of the same transfer, and the read continues after the last key.
func TestBlockedBeforeGoingOn(t *testing.T) {
	onBoth(t, func(r *rig) {
		o := r.order()
		r.conn.Senders = 1
		r.peer.Usually(connectortest.ServerError)
		ctx, cancel := context.WithCancel(r.Context())
		r.waits = func(context.Context, time.Duration) error { cancel(); return nil }
		if _, err := r.run(ctx, o); !errors.Is(err, context.Canceled) {
			r.Fatal(err)
		}
		who := iins(r, r.peer.Arrived()[0].Payload)[0]
		r.restart()
		r.block(who)
		r.peer.Usually(connectortest.Honest)
		r.complete(r.finish(o), who)
	})
}

// TestHaltHolds: nothing new is read or sent before the receiver takes what it has objected to.
func TestHaltHolds(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.conn.Senders = 1
		r.peer.Usually(connectortest.Forked)
		first := r.finish(r.order())
		arrived := r.peer.Arrived()
		for range 3 {
			r.restart()
			report := r.finish(r.order())
			if report.Status != transfer.Failed || report.Code != "log.inconsistent" || report.Totals.Read != 0 {
				r.Fatalf("%s %s: %s", report.Status, report.Code, report.Totals)
			}
		}
		for _, m := range r.peer.Arrived()[len(arrived):] {
			if m.Header.Message != arrived[0].Header.Message {
				r.Error("something else was sent after a halt")
			}
		}
		r.peer.Usually(connectortest.Honest)
		r.complete(r.finish(transfer.Order{Transfer: first.Transfer}))
	})
}

// TestDismissedNumbersAreFilled: a receiver that refuses messages without a receipt keeps no gap, however many there are (I10).
func TestDismissedNumbersAreFilled(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.conn.Batch = 3 // more messages than the receiver's window has numbers
		r.peer.Usually(connectortest.Dismisses)
		r.peer.TakeNotices()
		report := r.finish(r.order())
		w := r.check()
		refused := 0
		for _, s := range w.outcomes {
			if s.Outcome == transferlog.Refused {
				refused++
			}
		}
		if refused < connectortest.Window || len(w.outcomes) != len(w.intents) || len(r.peer.Kept()) != refused {
			r.Errorf("%d refused, %d of %d intents settled, %d numbers filled", refused, len(w.outcomes), len(w.intents), len(r.peer.Kept()))
		}
		if t := report.Totals; report.Status != transfer.Failed || t.Read != people || !t.Balanced() || t.Rejected == 0 || t.Pending != 0 {
			r.Errorf("%s %s: %s", report.Status, report.Code, t)
		}
	})
}

// TestDamagedWhileWaiting: a payload that does not open any more can be sent by nobody. Its number is filled, and its people are sent anew, once; if the
// recipient had the message already, its receipt settles it. A void notice that does not open is made again as it was.
func TestDamagedWhileWaiting(t *testing.T) {
	for name, c := range map[string]struct {
		behaves connectortest.Act
		voids   bool // the void notices are logged already, and are damaged too
		ends    string
	}{
		"not arrived":           {connectortest.ServerError, false, transferlog.Cancelled},
		"arrived, not answered": {connectortest.CutAfter, false, transferlog.Delivered},
		"twice":                 {connectortest.ServerError, true, transferlog.Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(r *rig) {
				o := r.order()
				r.conn.Senders = 1
				r.peer.TakeNotices()
				r.peer.Usually(c.behaves)
				interrupt := func() {
					ctx, cancel := context.WithCancel(r.Context())
					r.waits = func(context.Context, time.Duration) error { cancel(); return nil }
					if _, err := r.run(ctx, o); !errors.Is(err, context.Canceled) {
						r.Fatal(err)
					}
					r.restart()
				}
				damage := func() {
					body, err := r.vault.Seal(nil, "outbox", "of another row", []byte("x"))
					r.must(err)
					_, err = r.store.DB().Exec("UPDATE outbox SET body = $1", body)
					r.must(err)
				}
				interrupt()
				damage()
				if c.voids {
					interrupt()
					damage()
				}
				r.peer.Usually(connectortest.Honest)
				r.complete(r.finish(o))
				ended := 0
				for _, s := range r.check().outcomes {
					if s.Outcome == c.ends && (s.Code == "outbox.damaged" || s.Code == "void.begun" || c.ends == transferlog.Delivered) {
						ended++
					}
				}
				if ended == 0 {
					t.Errorf("no message ended as %s", c.ends)
				}
			})
		})
	}
}
