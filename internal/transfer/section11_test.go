package transfer_test

import (
	"bytes"
	"testing"

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// The tests that the note on the law asks for by number, as far as the engine runs them.

// kinds lists what the log holds, in order: "intent", "void", "block", and the outcomes of settlements.
func (r *rig) kinds() []string {
	r.Helper()
	entries, err := r.store.Entries(r.Context(), 0, 1000)
	r.must(err)
	var list []string
	for _, b := range entries {
		e, err := transferlog.Decode(b)
		r.must(err)
		switch e := e.(type) {
		case *transferlog.Block:
			list = append(list, e.Act)
		case *transferlog.Settlement:
			list = append(list, string(e.Outcome))
		case *transferlog.Intent:
			if e.Voids.IsZero() {
				list = append(list, "intent")
			} else {
				list = append(list, "void")
			}
		}
	}
	return list
}

// inOrder finds the words in a list, in this order.
func inOrder(list []string, words ...string) bool {
	for _, have := range list {
		if len(words) > 0 && have == words[0] {
			words = words[1:]
		}
	}
	return len(words) == 0
}

func TestLaw05ABlockBetweenSelectionAndSendingCancelsTheMessage(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.conn.Batch = people
		r.peer.Usually(connectortest.ServerError)
		o := r.order()
		r.finish(o)
		who := iins(r, r.peer.Arrived()[0].Payload)[0]
		r.restart()
		r.block(who)
		r.peer.Usually(connectortest.Honest)
		r.must(r.engine.Resume(r.Context(), r.conn))
		r.check()
		if list := r.kinds(); !inOrder(list, "intent", "block", "void", "cancelled", "delivered") || len(r.peer.Kept()) != 2 {
			r.Errorf("the log holds %v", list)
		}
		for _, m := range r.peer.Kept() {
			if bytes.Contains(m.Payload, []byte(who)) {
				r.Error("the blocked person has arrived")
			}
		}
	})
}

func TestLaw11WithoutTheLogNothingIsSent(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.conn.Patience = 0
		r.before = func(w transfer.Work) error {
			_ = r.store.Close() // the log cannot be written any more, from the first intent on
			return nil
		}
		if _, err := r.run(r.Context(), r.order()); err == nil {
			r.Error("the run says that it is closed")
		}
		if n := len(r.peer.Arrived()); n != 0 {
			r.Errorf("%d messages left without a log entry", n)
		}
	})
}

func TestLaw12ALostReceiptLeavesTheStateOpenAndTheSameMessageIsRepeated(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.conn.Batch = people
		r.peer.Usually(connectortest.ServerErrorAfter)
		o := r.order()
		report := r.finish(o)
		if report.Status != transfer.InProgress || report.Totals.Pending == 0 || report.Totals.Accepted != 0 {
			r.Fatalf("%s: %s; nobody knows yet", report.Status, report.Totals)
		}
		r.restart()
		r.peer.Usually(connectortest.Honest)
		r.must(r.engine.Resume(r.Context(), r.conn))
		r.check()
		arrived, kept := r.peer.Arrived(), r.peer.Kept()
		if len(arrived) < 2 || len(kept) != 1 {
			r.Fatalf("%d attempts, %d messages kept", len(arrived), len(kept))
		}
		for _, m := range arrived {
			if m.Header.Message != kept[0].Header.Message || m.Wire != arrived[0].Wire {
				r.Error("the repetition is another message")
			}
		}
		now, err := r.store.Transfer(r.Context(), o.Transfer.ID)
		r.must(err)
		r.complete(now)
	})
}
