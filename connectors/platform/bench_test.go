package platform

import (
	"context"
	"io"
	"runtime"
	"testing"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/synth"
)

var consentFields = []string{"family_name", "given_name", "iin", "phone", "region", "district", "settlement", "parent_phone"}

// large makes a PostgreSQL platform of n people.
func large(t testing.TB, n int) *Source {
	t.Helper()
	db := pgtest.New(t)
	o := options
	o.People = n
	if err := synth.Load(context.Background(), db.DB, o); err != nil {
		t.Fatal(err)
	}
	s := source(t, example(t, Postgres), db.DB)
	s.stretch = stretch
	return s
}

// drain reads everybody and returns how many there were.
func drain(t testing.TB, s *Source, b *record.Batch) int {
	t.Helper()
	stream, err := s.Open(context.Background(), connectors.Query{Fields: b.Fields()})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	people := 0
	for {
		err := stream.Next(context.Background(), b, 1000)
		if err == io.EOF {
			return people
		}
		if err != nil {
			t.Fatal(err)
		}
		people += b.Len()
	}
}

// Reading costs the one allocation a row that the driver makes, and memory that does not grow with the people.
func TestReadingAllocatesAlmostNothing(t *testing.T) {
	const n = 20_000
	s, b := large(t, n), record.NewBatch(consentFields, 1000)
	drain(t, s, b) // fills the buffers
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if people := drain(t, s, b); people != n {
		t.Fatalf("%d people", people)
	}
	runtime.ReadMemStats(&after)
	if perPerson := float64(after.Mallocs-before.Mallocs) / n; perPerson > 1.6 {
		t.Errorf("%.2f allocations a person", perPerson)
	}
	if perPerson := float64(after.TotalAlloc-before.TotalAlloc) / n; perPerson > 200 {
		t.Errorf("%.0f bytes allocated a person", perPerson)
	}
}

// BenchmarkStream reads 20,000 people of eight fields with their decision data and consents; the server is on the same machine.
func BenchmarkStream(b *testing.B) {
	const n = 20_000
	s, batch := large(b, n), record.NewBatch(consentFields, 1000)
	b.ReportAllocs()
	for b.Loop() {
		drain(b, s, batch)
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "people/s")
}
