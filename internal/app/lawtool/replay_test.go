package lawtool

import (
	"os"
	"slices"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

var began = time.Date(2026, 11, 23, 7, 0, 0, 123456000, zone)

// rehearsed is the example's register as if it were approved.
func rehearsed(t testing.TB) *legal.Register {
	t.Helper()
	r, err := register.Rehearse(os.DirFS("../../../deploy/birgeoqy/register"), register.At(began.AddDate(-1, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	return &legal.Register{Register: r}
}

func caseAt(at time.Time) legal.Case {
	return legal.Case{Route: "ministry-statute", Now: at, Demo: true, Channel: "rest"}
}

func opened(t testing.TB, c legal.Case) *legal.Gate {
	t.Helper()
	g, err := rehearsed(t).Gate(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestDisclosedIsWhatWasDecided compares sets with decisions that differ from them in one thing each.
func TestDisclosedIsWhatWasDecided(t *testing.T) {
	g := opened(t, caseAt(began))
	b := record.NewBatch(g.Fields(), 2)
	for i, account := range []record.AccountState{record.AccountActive, record.AccountErased} {
		b.Add(record.Person{Key: []byte{byte(i)}, Account: account, Ordinal: uint32(i + 1)}, make([][]byte, len(g.Fields())))
	}
	var out legal.Cleared
	g.Project(b, &out)
	if out.Len() != 1 || len(out.Refused()) != 1 {
		t.Fatalf("%d cleared, %d refused", out.Len(), len(out.Refused()))
	}
	allowed, refused, mask := out.Situation(0), out.Refused()[0].Situation, out.Mask(0)
	header := func(n int) *signing.Header { return &signing.Header{Fields: g.Fields(), Records: n} }
	type add struct {
		situation uint16
		mask      uint64
	}
	for name, x := range map[string]struct {
		adds []add
		h    *signing.Header
		code string
	}{
		"as decided":                  {[]add{{allowed, mask}, {allowed, mask}}, header(2), ""},
		"one field is mapped nowhere": {[]add{{allowed, mask &^ 1}, {allowed, mask &^ 1}}, header(2), ""},
		"one person more":             {[]add{{allowed, mask}}, header(2), "replay.people_differ"},
		"somebody refused":            {[]add{{allowed, mask}, {refused, mask}}, header(2), "replay.decision_differs"},
		"a field more":                {[]add{{allowed, mask | 1<<40}}, header(1), "replay.decision_differs"},
		"a field less for one":        {[]add{{allowed, mask}, {allowed, mask &^ 1}}, header(2), "replay.decision_differs"},
		"an unknown situation":        {[]add{{999, mask}}, header(1), "replay.decision_differs"},
		"other fields":                {[]add{{allowed, mask}}, &signing.Header{Fields: slices.Clone(g.Fields()[1:]), Records: 1}, "replay.fields_differ"},
	} {
		var set transferlog.DisclosureSet
		for i, a := range x.adds {
			set.Add(a.situation, a.mask, uint32(i+1))
		}
		if _, err := (&replayRun{}).disclosed(g, x.h, &set); record.CodeOf(err) != x.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}
