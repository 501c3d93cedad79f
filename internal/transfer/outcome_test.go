package transfer_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

func TestEverybodyArrives(t *testing.T) {
	onBoth(t, func(r *rig) { r.complete(r.finish(r.order())) })
}

// TestOutcomes lets the receiver misbehave once and says how the message ends (I3); all others are delivered.
func TestOutcomes(t *testing.T) {
	for act, want := range map[connectortest.Act]struct{ outcome, code string }{
		connectortest.CutBefore:        {transferlog.Delivered, ""},
		connectortest.CutAfter:         {transferlog.Delivered, ""},
		connectortest.Silent:           {transferlog.Delivered, ""},
		connectortest.SilentAfter:      {transferlog.Delivered, ""},
		connectortest.Slow:             {transferlog.Delivered, ""},
		connectortest.ServerError:      {transferlog.Delivered, ""},
		connectortest.ServerErrorAfter: {transferlog.Delivered, ""},
		connectortest.Busy:             {transferlog.Delivered, ""},
		connectortest.Doubled:          {transferlog.Delivered, ""},
		connectortest.RejectsOne:       {transferlog.Delivered, ""},
		connectortest.Refuses:          {transferlog.Refused, "schema.document"},
		connectortest.Dismisses:        {transferlog.Refused, "delivery.refused"},
		connectortest.Forged:           {transferlog.Disputed, "receipt.unknown_key"},
		connectortest.OtherBytes:       {transferlog.Disputed, "receipt.other_envelope"},
		connectortest.Miscounted:       {transferlog.Disputed, "receipt.counts"},
		connectortest.Garbled:          {transferlog.Disputed, ""},
		connectortest.BadSum:           {transferlog.Disputed, "receipt.counts"},
		connectortest.BadPlace:         {transferlog.Disputed, "receipt.counts"},
		connectortest.Silence:          {transferlog.Disputed, "receipt.counts"},
		connectortest.Huge:             {transferlog.Disputed, "delivery.answer_too_large"},
		connectortest.Endless:          {transferlog.Disputed, "delivery.answer_too_large"},
		connectortest.NoReceipt:        {transferlog.Disputed, "delivery.unexpected_answer"},
		connectortest.Forked:           {"pending", ""},
		connectortest.Distrusts:        {"pending", ""},
	} {
		t.Run(string(act), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, store.SQLite)
			r.conn.Senders = 1 // the first message is the first to come
			r.peer.Play(act)
			report := r.finish(r.order())
			w := r.check()
			s := w.first()
			if s.Outcome != want.outcome || want.code != "" && s.Code != want.code {
				t.Fatalf("the message ends as %s (%s)", s.Outcome, s.Code)
			}
			r.status(report, act, want.outcome, s)
		})
	}
}

func (r *rig) status(report *transfer.Report, act connectortest.Act, outcome string, s *transferlog.Settlement) {
	r.Helper()
	totals := report.Totals
	switch {
	case !totals.Balanced() || totals.Pending > 0 && report.Status != transfer.Failed:
		r.Errorf("%s: %s", report.Status, totals)
	case outcome == "pending":
		if report.Status != transfer.Failed || report.Code == "" || !strings.Contains(r.logged.String(), "level=ERROR") {
			r.Errorf("a halt is no alarm: %s %s", report.Status, report.Code)
		}
		kept := len(r.peer.Kept())
		again := r.finish(transfer.Order{Transfer: report.Transfer})
		if len(r.peer.Kept()) < kept || again.Totals.Pending != 0 {
			r.Errorf("after the receiver has come round: %s", again.Totals)
		}
	case outcome != transferlog.Delivered:
		if report.Status != transfer.Failed || totals.Failed != 1 {
			r.Errorf("%s: %s", report.Status, totals)
		}
		if outcome == transferlog.Disputed && !slices.ContainsFunc(report.Reasons, func(why transfer.Reason) bool {
			return why.Kind == "disputed" && why.Rule == s.Code && why.People == totals.Pending
		}) {
			r.Errorf("the dispute has no reason: %+v", report.Reasons)
		}
		if outcome == transferlog.Refused && (len(report.Reasons) == 0 || totals.Rejected == 0) {
			r.Errorf("the refusal has no reason")
		}
	case act == connectortest.RejectsOne:
		if report.Status != transfer.SentWithRejects || totals.Rejected != 1 || s.Rejected != 1 {
			r.Errorf("%s: %s", report.Status, totals)
		}
	default:
		r.complete(report)
	}
}

// TestLeftWaiting: a receiver that is down leaves messages pending, and no more than the window; the next run delivers them first.
func TestLeftWaiting(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.conn.Batch = 4
		r.peer.Usually(connectortest.ServerError)
		report := r.finish(r.order())
		if report.Status != transfer.Failed || report.Code != "delivery.stalled" || report.Totals.Pending == 0 || report.Totals.Read >= people || report.Totals.Messages > 32 {
			r.Fatalf("%s %s: %s", report.Status, report.Code, report.Totals)
		}
		attempts := len(r.peer.Arrived())
		if attempts > 4*report.Totals.Messages {
			r.Errorf("%d attempts at %d messages: the line was down", attempts, report.Totals.Messages)
		}
		r.restart()
		r.conn.Batch = 4
		r.peer.Usually(connectortest.Honest)
		r.complete(r.finish(transfer.Order{Transfer: report.Transfer}))
	})
}

// TestInProgress: a receiver that is down for a transfer smaller than the window leaves it in progress, and a later Resume ends it.
func TestInProgress(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.conn.Batch = 150
		r.peer.Usually(connectortest.ServerErrorAfter)
		o := r.order()
		report := r.finish(o)
		if report.Status != transfer.InProgress || report.Totals.Read != people {
			r.Fatalf("%s %s: %s", report.Status, report.Code, report.Totals)
		}
		r.restart()
		r.peer.Usually(connectortest.Honest)
		r.must(r.engine.Resume(r.Context(), r.conn))
		now, err := r.store.Transfer(r.Context(), o.Transfer.ID)
		r.must(err)
		r.complete(now)
	})
}

// TestAbandoned: a message that has waited too long is never sent again; a void notice takes its number, or brings its receipt.
func TestAbandoned(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.conn.Batch, r.conn.Senders = 100, 1
		r.peer.Usually(connectortest.ServerError)
		r.peer.Play(connectortest.ServerErrorAfter) // the first arrives all the same
		report := r.finish(r.order())
		n := report.Totals.Messages
		if n < 3 {
			r.Fatalf("%s", report.Totals)
		}
		r.clock.add(73 * time.Hour)
		r.must(r.engine.Resume(r.Context(), r.conn)) // the receiver is still down: the notices wait
		if w := r.check(); len(w.outcomes) != 0 {
			r.Fatalf("settled without the receiver's word:\n%s", describe(w))
		}
		r.restart()
		r.peer.Usually(connectortest.Honest)
		before := len(r.peer.Arrived())
		r.must(r.engine.Resume(r.Context(), r.conn))
		for _, m := range r.peer.Arrived()[before:] {
			if m.Header.Records > 0 {
				r.Error("people were sent after the deadline")
			}
		}
		w := r.check()
		if s := w.first(); s.Outcome != transferlog.Delivered {
			r.Errorf("the message that had arrived ends as %s", s.Outcome)
		}
		abandoned := 0
		for _, s := range w.outcomes {
			if s.Outcome == transferlog.Abandoned {
				abandoned++
			}
		}
		if abandoned != n-1 || len(w.outcomes) != len(w.intents) || !strings.Contains(r.logged.String(), "level=ERROR") {
			r.Errorf("%d of %d are abandoned\n%s", abandoned, n, describe(w))
		}
		if alarms := r.count("a message is abandoned", "level=ERROR", "delivery.deadline"); alarms != abandoned {
			r.Errorf("%d alarms for %d messages that were abandoned", alarms, abandoned)
		}
		r.finish(r.order())
	})
}
