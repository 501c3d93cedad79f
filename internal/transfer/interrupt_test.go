package transfer_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
)

// counter counts to n once.
func counter(n int64) func() bool {
	var c atomic.Int64
	return func() bool { return c.Add(1) == n }
}

// cuts are instants at which a process may end. Each sets a hook that ends it.
var cuts = map[string]func(r *rig, cut context.CancelFunc, n int64){
	"while reading": func(r *rig, cut context.CancelFunc, n int64) {
		r.next = func(batch int) error {
			if int64(batch) == n {
				cut()
			}
			return nil
		}
	},
	"before a record": func(r *rig, cut context.CancelFunc, n int64) {
		due := counter(n)
		r.before = func(transfer.Work) error {
			if due() {
				cut()
				return errCut
			}
			return nil
		}
	},
	"after a record": func(r *rig, cut context.CancelFunc, n int64) {
		due := counter(n)
		r.after = func(transfer.Work) error {
			if due() {
				cut()
				return errCut
			}
			return nil
		}
	},
	"before delivery": func(r *rig, cut context.CancelFunc, n int64) {
		due := counter(n)
		r.peer.Watch(func(connectortest.Message, connectortest.Act) {
			if due() {
				r.peer.Play(connectortest.CutBefore)
				cut()
			}
		})
	},
	"in the middle of a delivery": func(r *rig, cut context.CancelFunc, n int64) {
		due := counter(n)
		r.peer.Watch(func(connectortest.Message, connectortest.Act) {
			if due() {
				cut()
			}
		})
	},
	"after delivery, before settlement": func(r *rig, cut context.CancelFunc, n int64) {
		due := counter(n)
		r.before = func(w transfer.Work) error {
			if len(w.Settlements) > 0 && due() {
				cut()
				return errCut
			}
			return nil
		}
	},
	"after a settlement": func(r *rig, cut context.CancelFunc, n int64) {
		due := counter(n)
		r.after = func(w transfer.Work) error {
			if len(w.Settlements) > 0 && due() {
				cut()
				return errCut
			}
			return nil
		}
	},
}

// TestInterrupted ends the process at each instant, several times in one transfer, and goes on with the same transfer: nobody is lost, nobody
// is doubled.
func TestInterrupted(t *testing.T) {
	for name, hook := range cuts {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(r *rig) {
				o, cutAny := r.order(), false
				for n := int64(1); n <= 3; n++ {
					ctx, cancel := context.WithCancel(r.Context())
					hook(r, cancel, n)
					report, err := r.run(ctx, o)
					cutAny = cutAny || err != nil
					if err != nil && !errors.Is(err, context.Canceled) {
						r.Fatal(err)
					}
					if err == nil && report.Status == transfer.Successful && report.Totals.Read != people {
						r.Fatal("success without everybody")
					}
					cancel()
					r.peer.Watch(nil)
					r.restart()
					r.check()
				}
				if !cutAny {
					r.Fatal("nothing was interrupted")
				}
				r.complete(r.finish(o))
				again := r.finish(o) // a transfer that is at its end sends nothing
				r.complete(again)
			})
		})
	}
}

// TestReadThatFails: an error of the source in the middle is never the end of a successful transfer, and what was logged is delivered.
func TestReadThatFails(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.next = func(batch int) error {
			if batch == 6 {
				return record.NewProblem("source.row_malformed", "", "", "a row is malformed")
			}
			return nil
		}
		report := r.finish(r.order())
		if report.Status != transfer.Failed || report.Code != "source.row_malformed" || report.Totals.Read >= people {
			r.Fatalf("%s %s: %s", report.Status, report.Code, report.Totals)
		}
		r.restart()
		r.complete(r.finish(transfer.Order{Transfer: report.Transfer}))
	})
}

// TestHitches: databases that fail now and then cost time, and nobody.
func TestHitches(t *testing.T) {
	onBoth(t, func(r *rig) {
		var records, reads atomic.Int64
		r.before = func(transfer.Work) error {
			if records.Add(1)%3 == 0 {
				return errors.New("the database restarts")
			}
			return nil
		}
		r.after = func(transfer.Work) error {
			if records.Load()%4 == 0 {
				return errors.New("the connection broke while it committed")
			}
			return nil
		}
		r.next = func(int) error {
			if reads.Add(1)%25 == 0 {
				return record.NewProblem("source.database", "", "", "the platform's database restarts")
			}
			return nil
		}
		r.conn.Batch, r.conn.Patience = 5, time.Hour
		r.complete(r.finish(r.order()))
	})
}

// TestStoreGone: a store that fails lets nothing leave whose intent is not durable (I2), and the transfer goes on when it is back.
func TestStoreGone(t *testing.T) {
	onBoth(t, func(r *rig) {
		due := counter(2)
		r.before = func(transfer.Work) error {
			if due() {
				_ = r.store.Close()
			}
			return nil
		}
		o := r.order()
		if _, err := r.run(r.Context(), o); err == nil {
			r.Fatal("a transfer is closed in a store that is gone")
		}
		r.restart()
		r.check()
		r.complete(r.finish(o))
	})
}

// TestDiskFull: the database may not grow any more.
func TestDiskFull(t *testing.T) {
	r := newRig(t, store.SQLite)
	var pages int
	r.must(r.store.DB().Get(&pages, "PRAGMA page_count"))
	r.store.DB().MustExec("PRAGMA max_page_count = " + strconv.Itoa(pages+12))
	o := r.order()
	report, err := r.run(t.Context(), o)
	if err == nil && report.Status != transfer.Failed {
		t.Fatalf("%s: %s", report.Status, report.Totals)
	}
	r.check()
	r.restart()
	r.complete(r.finish(o))
}

// TestNothingRunsOn: after a run, finished or interrupted, no goroutine of it is left.
func TestNothingRunsOn(t *testing.T) {
	r := newRig(t, store.SQLite)
	settle := func() int {
		n := runtime.NumGoroutine()
		for range 1000 {
			runtime.Gosched()
			n = min(n, runtime.NumGoroutine())
		}
		return n
	}
	run := func(cut int64) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if cut > 0 {
			cuts["while reading"](r, cancel, cut)
			cuts["before a record"](r, cancel, cut)
		}
		_, _ = r.run(ctx, r.order())
		r.next, r.before = nil, nil
	}
	run(0)
	before := settle()
	for cut := range int64(12) {
		run(cut)
	}
	r.peer.Restart(true)
	after := settle()
	for i := 0; after > before+5 && i < 200; i++ { // connections of the database and of HTTP come and go
		r.must(r.store.DB().Ping())
		after = settle()
	}
	if after > before+5 {
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines before, %d after\n%s", before, after, buf[:runtime.Stack(buf, true)])
	}
}

// TestBlockedBetween: somebody is blocked after the projection and before the intent; nothing is recorded with them (I5).
func TestBlockedBetween(t *testing.T) {
	who := everybody(t)[7]
	onBoth(t, func(r *rig) {
		due := counter(1)
		r.before = func(w transfer.Work) error {
			if len(w.Parts) > 0 && due() {
				r.block(who)
			}
			return nil
		}
		report := r.finish(r.order())
		r.complete(report, who)
		if report.Totals.Refused < 1 || !slices.ContainsFunc(report.Reasons, func(x transfer.Reason) bool { return x.Kind == "refused" && x.People > 0 }) {
			r.Errorf("%v", report.Reasons)
		}
	})
}

// TestBlockedWhileWaiting: a message that waits holds somebody who is blocked now. It is voided and the others go under a new number; if it
// has arrived, its receipt settles it.
func TestBlockedWhileWaiting(t *testing.T) {
	for name, c := range map[string]struct {
		act     connectortest.Act
		arrived bool
	}{"not arrived": {connectortest.ServerError, false}, "arrived": {connectortest.ServerErrorAfter, true}} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(r *rig) {
				r.conn.Batch, r.conn.Senders = 150, 1
				r.peer.Usually(c.act)
				o := r.order()
				report := r.finish(o)
				if report.Status != transfer.InProgress {
					r.Fatalf("%s %s", report.Status, report.Code)
				}
				refused := report.Totals.Refused
				who := iins(r, r.peer.Arrived()[0].Payload)[3]
				r.restart()
				r.block(who)
				// The process ends once more, when the void notice is logged and not delivered.
				r.endsAtVoid()
				r.check()
				r.restart()
				r.peer.Usually(connectortest.Honest)
				r.must(r.engine.Resume(r.Context(), r.conn))
				now, err := r.store.Transfer(r.Context(), o.Transfer.ID)
				r.must(err)
				if c.arrived {
					r.complete(now)
					return
				}
				r.complete(now, who)
				if now.Totals.Refused != refused+1 {
					r.Errorf("the blocked person is not counted as refused: %s", now.Totals)
				}
			})
		})
	}
}

// TestBlockedBetweenAttempts: somebody is blocked while the run waits to try again; the run itself sees to it.
func TestBlockedBetweenAttempts(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.conn.Senders = 1
		r.peer.Play(connectortest.ServerError)
		var who string
		var once sync.Once
		r.waits = func(context.Context, time.Duration) error {
			once.Do(func() {
				who = iins(r, r.peer.Arrived()[0].Payload)[0]
				r.block(who)
			})
			return nil
		}
		report := r.finish(r.order())
		r.complete(report, who)
	})
}

// TestLawWithdrawn: the register does not permit the route any more while messages wait. They are voided, and nobody else is read.
func TestLawWithdrawn(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.conn.Batch = 100
		r.peer.Usually(connectortest.ServerError)
		o := r.order()
		report := r.finish(o)
		pending := report.Totals.Pending
		if pending == 0 {
			r.Fatalf("%s", report.Totals)
		}
		r.restart()
		r.peer.Usually(connectortest.Honest)
		r.engine.Demo = false // the example's act counts in a demonstration only
		before := len(r.peer.Arrived())
		now := r.finish(o)
		for _, m := range r.peer.Arrived()[before:] {
			if m.Header.Records > 0 {
				r.Error("people were sent without a ground")
			}
		}
		if now.Status != transfer.NotPermitted || now.Totals.Pending != 0 || now.Totals.Accepted != 0 || now.Totals.Refused < pending || !now.Totals.Balanced() {
			r.Errorf("%s: %s", now.Status, now.Totals)
		}
		if w := r.check(); len(w.people) != 0 {
			r.Errorf("%d people have arrived", len(w.people))
		}
	})
}
