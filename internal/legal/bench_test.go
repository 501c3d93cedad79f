package legal_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
)

// crowd fills a batch with people of every age, with and without consents whose lists differ.
func crowd(t testing.TB, fields []string, n int) *record.Batch {
	t.Helper()
	lists := [][]string{
		{"family_name", "given_name", "iin", "phone", "region", "district", "settlement", "parent_phone"},
		{"family_name", "given_name", "iin"}, {"family_name", "given_name", "region", "district", "settlement"}, {"iin", "phone"}, {"email"},
	}
	var own, parents []*record.Terms
	for _, list := range lists {
		a, b := everything(), byParent()
		a.Fields, b.Fields = list, list
		own, parents = append(own, a), append(parents, b)
	}
	visit := everything()
	visit.Method = "page_visit"
	b := record.NewBatch(fields, n)
	values := make([][]byte, len(fields))
	for i := range values {
		values[i] = []byte("a value")
	}
	var numbers [][]byte
	for age := 8; age < 40; age++ {
		numbers = append(numbers, iinOf(t, years(age)))
	}
	states := []record.AccountState{record.AccountActive, record.AccountActive, record.AccountActive, record.AccountActive, record.AccountClosed}
	for i := range n {
		p := pupil(t, 30)
		p.Key, p.IIN, p.Account = fmt.Appendf(nil, "%08d", i), numbers[(i*7)%len(numbers)], states[i%len(states)]
		if i%17 == 0 {
			p.Place = []byte("750000000")
		}
		b.Add(p, values)
		b.AddConsent(given(parents[i%3]))
		b.AddConsent(given(own[i%len(own)]))
		if i%11 == 0 {
			b.AddConsent(given(visit))
		}
		if i%13 == 0 {
			c := given(own[0])
			c.Withdrawn, c.Given = record.Micros(now), c.Given+1
			b.AddConsent(c)
		}
	}
	return b
}

func BenchmarkProject(b *testing.B) {
	g := open(b, approved(b), consentCase())
	batch := crowd(b, g.Fields(), 1000)
	out := new(legal.Cleared)
	g.Project(batch, out)
	b.ReportAllocs()
	for b.Loop() {
		g.Project(batch, out)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
	b.ReportMetric(float64(out.Len()), "cleared")
}

// TestProjectIsCheap holds the hot path: no allocation a person, and, with a wide margin for a busy machine, its time.
func TestProjectIsCheap(t *testing.T) {
	g := open(t, approved(t), consentCase())
	batch := crowd(t, g.Fields(), 1000)
	out := new(legal.Cleared)
	g.Project(batch, out)
	if out.Len() < 100 || len(out.Refused()) < 100 || out.Len()+len(out.Refused()) != 1000 {
		t.Fatalf("%d cleared, %d refused", out.Len(), len(out.Refused()))
	}
	if n := testing.AllocsPerRun(20, func() { g.Project(batch, out) }); n > 0 {
		t.Errorf("%v allocations for a batch", n)
	}
	best := time.Hour
	for range 20 {
		begin := time.Now()
		g.Project(batch, out)
		best = min(best, time.Since(begin))
	}
	if best > 2*time.Millisecond {
		t.Errorf("1,000 people took %v", best)
	}
}

func TestProjectIsSafeForConcurrentUse(t *testing.T) {
	g := open(t, approved(t), consentCase())
	batch := crowd(t, g.Fields(), 200)
	want := new(legal.Cleared)
	g.Project(batch, want)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			out := new(legal.Cleared)
			for range 20 {
				g.Project(batch, out)
				if out.Len() != want.Len() || len(g.Situations()) == 0 || !g.Explain(out.Situation(0)).Allowed {
					t.Error("another answer")
				}
			}
		})
	}
	group.Wait()
}
