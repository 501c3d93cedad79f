package legal_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
)

func statisticsCase() legal.Case {
	return legal.Case{Route: "ministry-statistics", Now: now, Demo: true, Channel: "rest"}
}

// crowdIn is a batch without values of n people in each place; the first of each place is blocked.
func crowdIn(t *testing.T, places map[string]int) *record.Batch {
	b := record.NewBatch(nil, 10)
	var sorted []string
	for p := range places {
		sorted = append(sorted, p)
	}
	slices.Sort(sorted)
	for _, place := range sorted {
		for i := range places[place] {
			p := pupil(t, 11)
			p.Key, p.Place, p.Blocked = fmt.Appendf(nil, "%06d", b.Len()), []byte(place), i == 0
			b.Add(p, nil)
		}
	}
	return b
}

func published(d *legal.Depersonalised) map[string]string {
	out := make(map[string]string)
	for i := range d.Len() {
		group, _ := d.Value(i, 0)
		people, shown := d.Value(i, 1)
		hidden, _ := d.Value(i, 2)
		if shown == (string(hidden) == "true") {
			out["contradiction"] = string(group)
		}
		out[string(group)] = string(people)
	}
	return out
}

func count(t *testing.T, g *legal.Gate, b *record.Batch) *legal.Depersonalised {
	t.Helper()
	tally, err := g.Tally()
	if err != nil {
		t.Fatal(err)
	}

	tally.Count(b, func(int, uint16, bool) {})
	return tally.Publish()
}

func TestStatisticsGetCountsAndNothingOfAnybody(t *testing.T) {
	r := approved(t)
	g := open(t, r, statisticsCase())
	if !g.Counts() || len(g.Fields()) != 0 || !slices.Equal(g.Columns(), legal.Columns) {
		t.Fatalf("counts %v, reads %v, sends %v", g.Counts(), g.Fields(), g.Columns())
	}
	b := crowdIn(t, map[string]int{"615230100": 15, "615235100": 17, "612010000": 41, "750000000": 4, "": 13, "Abay street 5": 9, "999999999": 30})
	out := new(legal.Cleared)
	if g.Project(b, out); out.Len() != 0 || len(out.Refused()) != b.Len() {
		t.Errorf("%d people are cleared", out.Len())
	}
	tally, err := g.Tally()
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	situations := make([]uint16, b.Len())
	were := make([]bool, b.Len())
	tally.Count(b, func(row int, situation uint16, in bool) { situations[row], were[row] = situation, in })
	for row, in := range were {
		x := g.Explain(situations[row])
		if in == b.Person(row).Blocked || in != x.Allowed || !in && x.Rule != "BLK-1" {
			t.Errorf("row %d is counted: %v, by %s", row, in, x.Rule)
		}
		if in {
			counted++
		}
	}
	// Of 129 people 7 are blocked. 3 live in one place, which is hidden, and the least of the others with it. What is typed is no group.
	want := map[string]string{"615200000": "", "612000000": "40", "750000000": "", "unknown": "49", "total": "122"}
	got := published(tally.Publish())
	if counted != 122 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%d counted, published %v", counted, got)
	}
	if _, err := r.Replay(statisticsCase(), g.Situations()); err != nil {
		t.Error(err)
	}
	if _, err := open(t, r, statuteCase()).Tally(); record.CodeOf(err) != "legal.no_aggregate" {
		t.Errorf("another route counts: %v", err)
	}
}

func TestStatisticsOfALocalBodyAreOfItsTerritory(t *testing.T) {
	r := approved(t, edit(t, "routes/ministry-statistics.yaml", "recipient: enlightenment-ministry", "recipient: turkistan-oblast"),
		edit(t, "routes/ministry-statistics.yaml", "by: district", "by: region"), edit(t, "acts.yaml", "names: [district]", "names: [region]"))
	d := count(t, open(t, r, statisticsCase()), crowdIn(t, map[string]int{"615230100": 15, "612010000": 41, "750000000": 44, "": 13}))
	if got := fmt.Sprint(published(d)); got != "map[610000000:54 total:54]" {
		t.Errorf("published %v", got)
	}
}

func TestStatisticsOfFewPeopleTellNothing(t *testing.T) {
	d := count(t, open(t, approved(t), statisticsCase()), crowdIn(t, map[string]int{"615230100": 4, "612010000": 3}))
	if got := fmt.Sprint(published(d)); got != "map[612000000: 615200000: total:]" {
		t.Errorf("published %v", got)
	}
}

func TestMappingOfStatisticsMayNameCountsOnly(t *testing.T) {
	may := approved(t).Permitted("ministry-statistics")
	for _, f := range append(slices.Clone(profile), "ip", "birth_date") {
		if rule, ok := may(f); ok || rule != "PUR-2" {
			t.Errorf("%s: %v by %s", f, ok, rule)
		}
	}
	for _, f := range legal.Columns {
		if _, ok := may(f); !ok {
			t.Errorf("%s may not be named", f)
		}
		if _, ok := approved(t).Permitted("ministry-statute")(f); ok {
			t.Errorf("%s may be named on another route", f)
		}
	}
}

func TestStatisticsStandOnALaw(t *testing.T) {
	r := approved(t, func(files fstest.MapFS) {
		text := strings.Replace(string(files["acts.yaml"].Data), "      - id: 9(3)\n", "      - id: 9(3)\n        until: 2026-08-01\n", 1)
		files["acts.yaml"] = &fstest.MapFile{Data: []byte(text)}
	})
	refusedBy(t, r, statisticsCase(), "BAS-2", "no_free_item")
	narrowed := approved(t, edit(t, "routes/ministry-statistics.yaml", "marking: ordinary", "marking: ordinary\nwithheld: []"), edit(t, "acts.yaml", "names: [district]", "names: [region]"))
	refusal := refusedBy(t, narrowed, statisticsCase(), "PD-1", "nothing_permitted")
	if len(refusal.Checks) == 0 {
		t.Error("nothing is explained")
	}
}
