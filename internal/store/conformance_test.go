package store

import (
	"errors"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
)

func TestRecordAndFinish(t *testing.T) {
	onBoth(t, func(r *rig) {
		ctx := t.Context()
		if _, err := r.s.Checkpoint(ctx); !errors.Is(err, ErrEmptyLog) {
			t.Fatalf("checkpoint of the empty log: %v", err)
		}
		r.check()
		tr := r.begin("pupils", ministry)
		a, b, c := r.part(tr, 1, 0, 3, 1), r.part(tr, 2, 3, 4, 0), r.part(tr, 3, 7, 2, 2)
		r.must(r.s.Record(ctx, r.tick(), r.work(tr, a, b, c)))
		r.check()
		if a.Intent.Ticket.Index() != 0 || b.Intent.Envelope.Header().Sequence != 2 || !b.Intent.Ticket.Admits(b.Intent.Envelope.Digest()) {
			t.Fatal("tickets and numbers are not in order")
		}
		p, err := r.s.Begin(ctx, tr)
		if err != nil || p.Parts != 3 || string(p.LastKey) != string(key(8)) {
			t.Fatalf("progress %+v, %v", p, err)
		}
		w := r.work(tr)
		w.Settlements = []*transfer.Settlement{r.settle(b.Intent, transfer.Delivered, true)}
		r.must(r.s.Record(ctx, r.tick(), w))
		r.check()
		waiting, err := r.s.Waiting(ctx, "pupils")
		if err != nil || len(waiting) != 1 || waiting[0].Message != a.Intent.Message || !waiting[0].Ticket.Admits(a.Intent.Envelope.Digest()) ||
			waiting[0].Transfer != tr || string(waiting[0].LastKey) != string(key(2)) {
			t.Fatalf("waiting %+v, %v", waiting, err)
		}
		if err := r.s.Record(ctx, r.tick(), w); err == nil {
			t.Fatal("a second settlement was recorded")
		}
		r.check()

		report := &transfer.Report{Transfer: tr, Fields: []string{"name"}}
		r.must(r.s.Finish(ctx, r.tick(), report))
		want := transfer.Totals{Read: 9, Accepted: 3, Refused: 3, Rejected: 1, Pending: 2, Received: 4, Messages: 2, Delivered: 1}
		if report.Totals != want || report.Status != transfer.InProgress || report.FirstSequence != 1 || report.LastSequence != 2 {
			t.Fatalf("report %+v", report)
		}
		r.check()
		r.verified()
		again := &transfer.Report{Transfer: tr, Fields: []string{"name"}}
		r.must(r.s.Finish(ctx, r.tick(), again))
		if again.LogIndex != report.LogIndex {
			t.Error("closing twice has logged twice")
		}

		w.Settlements = []*transfer.Settlement{r.settle(a.Intent, transfer.Delivered, false)}
		r.must(r.s.Record(ctx, r.tick(), w))
		r.check()
		got, err := r.s.Transfer(ctx, tr.ID)
		if err != nil || got.Status != transfer.SentWithRejects || got.Totals.Pending != 0 || got.Totals.Accepted != 5 {
			t.Fatalf("transfer %+v, %v", got, err)
		}
		list, err := r.s.Transfers(ctx, "pupils", 10)
		if err != nil || len(list) != 1 || list[0].Totals != got.Totals {
			t.Fatalf("transfers %v, %v", list, err)
		}
		extra := r.part(tr, 0, 20, 2, 1)
		r.must(r.s.Record(ctx, r.tick(), r.work(tr, extra, r.part(tr, 0, 22, 1, 1))))
		r.must(r.s.Finish(ctx, r.tick(), again))
		if again.LogIndex == report.LogIndex || again.Totals.Refused != 5 {
			t.Errorf("a transfer that went on was closed as %+v", again)
		}
		r.check()
		r.verified()
		if _, err := r.s.Transfer(ctx, record.NewID()); !errors.Is(err, ErrNoTransfer) {
			t.Errorf("unknown transfer: %v", err)
		}
		if err := r.s.Finish(ctx, r.tick(), &transfer.Report{Transfer: transfer.Transfer{ID: record.NewID()}}); !errors.Is(err, ErrNoTransfer) {
			t.Errorf("closing an unknown transfer: %v", err)
		}
	})
}

// TestLastClosed: that a notice or a retry was closed later does not hide what became of the last run.
func TestLastClosed(t *testing.T) {
	onBoth(t, func(r *rig) {
		ctx := t.Context()
		if _, err := r.s.LastClosed(ctx, "pupils", true); !errors.Is(err, ErrNoTransfer) {
			t.Fatal(err)
		}
		closed := func(connector string) transfer.Transfer {
			tr := r.begin(connector, ministry)
			r.must(r.s.Finish(ctx, r.tick(), &transfer.Report{Transfer: tr}))
			return tr
		}
		run := closed("pupils")
		notice, retry := closed("pupils"), closed("pupils")
		r.begin("pupils", ministry)
		closed("others")
		_, err := r.s.db.ExecContext(ctx, `INSERT INTO notice (id, connector, route, recipient, act, letter, subject, body, opened, due, actor, reason)
			VALUES ($1, 'pupils', 'r', $2, 'correct', 0, '1', '{}', 1, 1, 'a', 'r')`, notice.ID.String(), ministry)
		r.must(err)
		_, err = r.s.db.ExecContext(ctx, "INSERT INTO retry (id, origin, code, body, entered, actor, reason) VALUES ($1, $2, '', '{}', 1, 'a', 'r')", retry.ID.String(), run.ID.String())
		r.must(err)
		for runs, want := range map[bool]transfer.Transfer{true: run, false: retry} {
			if last, err := r.s.LastClosed(ctx, "pupils", runs); err != nil || last.ID != want.ID {
				t.Errorf("runs %v: %v, %v", runs, last, err)
			}
		}
	})
}
