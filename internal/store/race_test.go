package store

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// TestRecordRaces lets several processes record and settle at once, two for each recipient, while people are blocked and unblocked.
func TestRecordRaces(t *testing.T) {
	onBoth(t, func(r *rig) {
		const workers, groups = 4, 8
		var recorders, blockers sync.WaitGroup
		var moved atomic.Int64
		recorded := make(chan struct{}, workers*groups)
		blockers.Go(func() {
			s := r.another(r.dsn)
			for range recorded { // after each recording somebody is blocked and unblocked
				tag := roster.Tag(record.NewID())
				b := Block{ID: record.NewID(), Tag: tag, Requester: "user", Reason: "r", Received: start}
				if err := s.Block(t.Context(), start, b, &transferlog.Block{Act: "block", Subject: 1}); err != nil {
					t.Errorf("blocking: %v", err)
				}
				if err := s.Unblock(t.Context(), start, tag, "lawful", &transferlog.Block{Act: "unblock", Subject: 1}); err != nil {
					t.Errorf("unblocking: %v", err)
				}
			}
		})
		for i := range workers {
			one := *r
			one.s = r.another(r.dsn)
			recipient := []string{ministry, city}[i%2]
			tr := one.begin("c-"+recipient, recipient)
			recorders.Go(func() {
				var before []*transfer.Intent
				for n := 0; n < groups; {
					a, b := one.part(tr, 2*n+1, n*10, 4, 1), one.part(tr, 2*n+2, n*10+4, 3, 0)
					generation, _, err := one.s.Blocked(t.Context())
					if err != nil {
						t.Errorf("reading blocks: %v", err)
						return
					}
					w := transfer.Work{Transfer: tr.ID, Connector: tr.Connector, Recipient: recipient, Parts: []*transfer.Part{a, b}, Generation: generation}
					for _, m := range before {
						w.Settlements = append(w.Settlements, one.settle(m, transfer.Delivered, false))
					}
					err = one.s.Record(t.Context(), start, w)
					if errors.Is(err, transfer.ErrBlocksMoved) {
						moved.Add(1)
						continue
					}
					if err != nil {
						t.Errorf("recording: %v", err)
						return
					}
					before = []*transfer.Intent{a.Intent, b.Intent}
					recorded <- struct{}{}
					n++
				}
				if err := one.s.Finish(t.Context(), start, &transfer.Report{Transfer: tr}); err != nil {
					t.Errorf("closing: %v", err)
				}
			})
		}
		recorders.Wait()
		close(recorded)
		blockers.Wait()
		r.check()
		report := r.verified()
		if report.Kinds["intent"] != workers*groups*2 || report.Pending != workers*2 {
			t.Errorf("kinds %v, pending %d", report.Kinds, report.Pending)
		}
		t.Logf("%d recordings met a block", moved.Load())
	})
}
