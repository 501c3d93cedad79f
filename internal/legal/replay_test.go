package legal_test

import (
	"bytes"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
)

func TestSituationsReplay(t *testing.T) {
	r := approved(t)
	g := open(t, r, consentCase())
	batch := crowd(t, g.Fields(), 1000)
	g.Project(batch, new(legal.Cleared))
	table := g.Situations()
	again, err := approved(t).Replay(consentCase(), table)
	if err != nil {
		t.Fatal(err)
	}
	out := new(legal.Cleared)
	g.Project(batch, out)
	for i := range out.Len() {
		a, b := g.Explain(out.Situation(i)), again.Explain(out.Situation(i))
		if a.Rule != b.Rule || names(a) != names(b) || len(a.Checks) != len(b.Checks) {
			t.Fatalf("situation %d is explained otherwise", out.Situation(i))
		}
	}
	if bytes.Contains(table, iinOf(t, years(9))) {
		t.Error("the table holds a number")
	}
}

func TestReplayRefusesWhatDiffers(t *testing.T) {
	r := approved(t)
	g := open(t, r, consentCase())
	g.Project(crowd(t, g.Fields(), 100), new(legal.Cleared))
	table := g.Situations()
	later := consentCase()
	later.Now = later.Now.Add(time.Hour)
	for name, c := range map[string]struct {
		c     legal.Case
		table []byte
	}{
		"another moment":   {later, table},
		"another mask":     {consentCase(), bytes.Replace(table, []byte(`"mask":"0"`), []byte(`"mask":"1"`), 1)},
		"another reason":   {consentCase(), bytes.Replace(table, []byte(`"rule":"CON-2"`), []byte(`"rule":"CON-1"`), 1)},
		"another consent":  {consentCase(), bytes.Replace(table, []byte(`"rural_support"`), []byte(`"P411"`), 1)},
		"an unknown flag":  {consentCase(), bytes.Replace(table, []byte(`"columns"`), []byte(`"colours"`), 1)},
		"an unknown key":   {consentCase(), bytes.Replace(table, []byte(`"consent_of"`), []byte(`"consent_by"`), 1)},
		"nothing":          {consentCase(), nil},
		"terms too many":   {consentCase(), bytes.Replace(table, []byte(`"self":[`), []byte(`"self":[9`), 1)},
		"another register": {consentCase(), bytes.Replace(table, []byte(`"register":"sha256:`), []byte(`"register":"sha256:0`), 1)},
	} {
		if _, err := r.Replay(c.c, c.table); record.CodeOf(err) != "legal.replay_differs" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSituationsAreStable(t *testing.T) {
	g := open(t, approved(t), consentCase())
	g.Project(crowd(t, g.Fields(), 100), new(legal.Cleared))
	first := g.Situations()
	g.Project(crowd(t, g.Fields(), 100), new(legal.Cleared))
	if &first[0] != &g.Situations()[0] {
		t.Error("the table is written again though nothing new was met")
	}
	if x := g.Explain(0); len(x.Checks) == 0 || x.Checks[0].Text().KK == "" || x.Checks[0].Text().RU == "" {
		t.Error("a situation is not explained")
	}
}

func FuzzReplay(f *testing.F) {
	r := approved(f)
	g, err := r.Gate(consentCase())
	if err != nil {
		f.Fatal(err)
	}
	g.Project(crowd(f, g.Fields(), 50), new(legal.Cleared))
	f.Add(g.Situations())
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := r.Replay(consentCase(), b); err != nil && record.CodeOf(err) == "" {
			t.Errorf("an error without a code: %v", err)
		}
	})
}
