package store

import (
	"crypto/rand"
	"testing"

	"birgeoqy.kz/almasu/internal/transfer"
)

// benchmarkRecord records groups of 16 parts with 50 kB each in the outbox, and settles the group before in the same transaction.
func benchmarkRecord(b *testing.B, r *rig) {
	tr := r.begin("pupils", ministry)
	body := make([]byte, 50<<10)
	_, _ = rand.Read(body)
	var before []*transfer.Part
	number := 0
	for b.Loop() {
		b.StopTimer()
		var parts []*transfer.Part
		for range 16 {
			number++
			p := r.part(tr, number, number*1000, 1000, 0)
			p.Intent.Outbox = body
			parts = append(parts, p)
		}
		w := r.work(tr, parts...)
		for _, p := range before {
			w.Settlements = append(w.Settlements, r.settle(p.Intent, transfer.Delivered, false))
		}
		at := r.tick()
		b.StartTimer()
		r.must(r.s.Record(b.Context(), at, w))
		before = parts
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/group")
}

func BenchmarkRecordSQLite(b *testing.B) { benchmarkRecord(b, newRig(b, SQLite)) }

// BenchmarkRecordPostgres measures an outbox whose file grows, and one whose space was used before.
func BenchmarkRecordPostgres(b *testing.B) {
	r := newRig(b, Postgres)
	b.Run("growing", func(b *testing.B) { benchmarkRecord(b, r) })
	r.pg.MustExec("DELETE FROM outbox")
	r.pg.MustExec("VACUUM outbox")
	b.Run("reused", func(b *testing.B) { benchmarkRecord(b, r) })
}
