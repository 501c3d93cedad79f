package transfer_test

import (
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/lines"
	"birgeoqy.kz/almasu/internal/store/tally"
	"birgeoqy.kz/almasu/internal/transfer"
)

// other is a second connector to the same recipient, over the same engine.
func (r *rig) other() *transfer.Connection {
	c := *r.conn
	c.Name = "ministry-other"
	return &c
}

// runOther runs a transfer of a connection.
func (r *rig) runOther(c *transfer.Connection) *transfer.Report {
	r.Helper()
	o := r.order()
	o.Transfer.Connector = c.Name
	report, err := r.engine.Run(r.Context(), c, o)
	r.must(err)
	return report
}

func (r *rig) line() transfer.Line {
	r.Helper()
	l, err := lines.Book{Store: r.store}.Line(r.Context(), r.register.Recipient(r.register.Route(connector).Recipient).BIN)
	r.must(err)
	return l
}

// count counts lines of the log that hold all of the words.
func (r *rig) count(words ...string) (n int) {
	for line := range strings.Lines(r.logged.String()) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			n++
		}
	}
	return n
}

// TestLineGoesDown: a recipient that does not answer is asked rarely, by all connectors together; what changes is logged once, and everything arrives when
// it answers again. No more is read than the window holds.
func TestLineGoesDown(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.conn.Batch = 6
		batches := 0
		r.next = func(n int) error { batches = max(batches, n); return nil }
		r.peer.Usually(connectortest.ServerError)
		first := r.finish(r.order())
		attempts := len(r.peer.Arrived())
		if first.Code != "delivery.stalled" || attempts < 5 || attempts > 20 {
			r.Fatalf("%s %s after %d attempts", first.Status, first.Code, attempts)
		}
		if batches > 40 {
			r.Errorf("%d batches were read for a window of 16 messages", batches)
		}
		if l := r.line(); l.State != transfer.LineDown || l.Code != "delivery.server_error" || r.count("line is down") != 1 {
			r.Errorf("%+v\n%s", l, r.logged)
		}
		counted, err := tally.Read(r.Context(), r.store, r.clock.now())
		r.must(err)
		if len(counted.Waiting) != 1 || len(counted.Lines) != 1 || counted.OutboxBytes == 0 || counted.LogEntries == 0 {
			r.Fatalf("%+v", counted)
		}
		if w := counted.Waiting[0]; w.Recipient != r.line().Recipient || w.Connector != connector || w.Messages != 16 || w.People != first.Totals.Pending || w.Oldest.Before(began) || w.Oldest.After(r.clock.now()) {
			r.Errorf("%+v", w)
		}
		second := r.other()
		second.Batch = 150
		report := r.runOther(second)
		if more := len(r.peer.Arrived()) - attempts; more > 8 || report.Status != transfer.InProgress {
			r.Errorf("the other connector made %d attempts: %s", more, report.Status)
		}
		if r.count("line is down") != 1 || r.count("delivery attempt failed") > attempts {
			r.Errorf("what was known is logged again:\n%s", r.logged)
		}
		r.peer.Usually(connectortest.Honest)
		r.clock.add(time.Minute)
		r.must(r.engine.Resume(r.Context(), second))
		if l := r.line(); l.State != transfer.LineUp || r.count("line is up") != 1 {
			r.Errorf("%+v\n%s", l, r.logged)
		}
		again := r.finish(transfer.Order{Transfer: first.Transfer})
		if again.Totals.Read != people || again.Totals.Pending != 0 {
			r.Errorf("%s: %s", again.Status, again.Totals)
		}
	})
}

// TestLineIsKnownToTheNextProcess: a line that went down is down for a new process too, which tries one message first.
func TestLineIsKnownToTheNextProcess(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.peer.Usually(connectortest.CutBefore)
		report := r.finish(r.order())
		r.restart()
		r.conn.Patience = time.Second
		before := len(r.peer.Arrived())
		r.must(r.engine.Resume(r.Context(), r.conn))
		if n := len(r.peer.Arrived()) - before; n > 3 || r.count("line is") > 0 || r.line().State != transfer.LineDown {
			r.Errorf("%d attempts, line %s\n%s", n, r.line().State, r.logged)
		}
		r.restart()
		r.peer.Usually(connectortest.Honest)
		r.complete(r.finish(transfer.Order{Transfer: report.Transfer}))
		if r.line().State != transfer.LineUp {
			r.Errorf("%+v", r.line())
		}
	})
}

// TestHaltHoldsForTheRecipient: what a recipient has objected to through one connector stops the others too, also in another process, until it takes that
// message; nothing is read meanwhile.
func TestHaltHoldsForTheRecipient(t *testing.T) {
	for _, act := range []connectortest.Act{connectortest.Forked, connectortest.Distrusts} {
		t.Run(string(act), func(t *testing.T) {
			onBoth(t, func(r *rig) {
				r.conn.Senders = 1
				r.peer.Usually(act)
				first := r.finish(r.order())
				halted := r.line()
				if halted.State != transfer.LineHalted || halted.Code != first.Code || halted.Connector != connector || halted.Message.IsZero() {
					r.Fatalf("%+v", halted)
				}
				if r.count("line is halted", "level=ERROR") != 1 {
					r.Errorf("a halt is no alarm:\n%s", r.logged)
				}
				arrived := len(r.peer.Arrived())
				r.peer.Usually(connectortest.Honest)
				for range 2 {
					second := r.other()
					report := r.runOther(second)
					if report.Status != transfer.Failed || report.Code != halted.Code || report.Totals.Read != 0 || len(r.peer.Arrived()) != arrived {
						r.Errorf("%s %s: %s", report.Status, report.Code, report.Totals)
					}
					r.must(r.engine.Resume(r.Context(), second)) // what is known is no error
					r.restart()
				}
				r.peer.Play(act)
				r.must(r.engine.Resume(r.Context(), r.conn)) // still halted
				if n := len(r.peer.Arrived()) - arrived; n != 1 || r.line() != halted || r.count("level=ERROR") > 0 {
					r.Errorf("%d attempts, %+v\n%s", n, r.line(), r.logged)
				}
				again := r.finish(transfer.Order{Transfer: first.Transfer})
				r.complete(again)
				if r.line().State != transfer.LineUp {
					r.Errorf("%+v", r.line())
				}
				if report := r.runOther(r.other()); report.Status != transfer.Successful && report.Status != transfer.SentWithRejects {
					r.Errorf("%s %s", report.Status, report.Code)
				}
			})
		})
	}
}

// TestHaltOfAMessageThatIsGone: a halt whose message waits no longer is over, and one that was lifted too.
func TestHaltOfAMessageThatIsGone(t *testing.T) {
	r := newRig(t, store.SQLite)
	l := transfer.Line{Recipient: r.line().Recipient, State: transfer.LineHalted, Code: "log.inconsistent", Since: r.clock.now(), Connector: connector, Message: record.NewID()}
	r.must(lines.Book{Store: r.store}.SetLine(t.Context(), l))
	r.complete(r.finish(r.order()))
	l.Connector = "ministry-other"
	r.must(lines.Book{Store: r.store}.SetLine(t.Context(), l))
	if report := r.finish(r.order()); report.Code != "log.inconsistent" || report.Totals.Read != 0 {
		t.Errorf("%s %s", report.Status, report.Code)
	}
	r.must(lines.Book{Store: r.store}.SetLine(t.Context(), transfer.Line{Recipient: l.Recipient, State: transfer.LineUp, Since: r.clock.now()}))
	if report := r.finish(r.order()); report.Totals.Read != people {
		t.Errorf("%s %s", report.Status, report.Code)
	}
}
