package limits

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/config"
)

func limit(percent, least int) *config.Limit {
	return &config.Limit{Share: config.Share(percent * 10_000), Least: least}
}

// whats are the findings' names.
func whats(list []Finding) string {
	var out []string
	for _, f := range list {
		out = append(out, f.What)
	}
	return strings.Join(out, " ")
}

func TestJudge(t *testing.T) {
	before := Before{Transfer: "t", Read: 1000, Sent: 500, Refused: 450, Answered: "t", Received: 500, Rejected: 20}
	compared := func(fresh, changed, withdrawn int) Numbers {
		return Numbers{Read: 1000, Send: fresh + changed, Refused: 450, Compared: true, New: fresh, Changed: changed, Unchanged: 500 - changed, Withdrawn: withdrawn, Has: 500}
	}
	for _, c := range []struct {
		name   string
		limits config.Limits
		now    Numbers
		before Before
		want   string
	}{
		{"no limit holds nothing", config.Limits{}, compared(500, 500, 500), before, ""},
		{"changed: share reached, least not", config.Limits{Changed: limit(10, 60)}, compared(0, 55, 0), before, ""},
		{"changed: least reached, share not", config.Limits{Changed: limit(12, 50)}, compared(0, 55, 0), before, ""},
		{"changed: both reached exactly", config.Limits{Changed: limit(11, 55)}, compared(0, 55, 0), before, "changed"},
		{"changed: new people count", config.Limits{Changed: limit(10, 50)}, compared(30, 20, 0), before, "changed"},
		{"changed: a share alone", config.Limits{Changed: limit(10, 0)}, compared(50, 0, 0), before, "changed"},
		{"changed: a least alone", config.Limits{Changed: limit(0, 50)}, compared(49, 0, 0), before, ""},
		{"changed: nobody reaches no limit", config.Limits{Changed: limit(0, 1)}, compared(0, 0, 0), before, ""},
		{"changed: the recipient has nothing yet", config.Limits{Changed: limit(1, 1)}, Numbers{Read: 1000, Send: 500, Compared: true, New: 500}, Before{}, ""},
		{"withdrawn", config.Limits{Withdrawn: limit(10, 50)}, compared(0, 0, 50), before, "withdrawn"},
		{"withdrawn: one fewer", config.Limits{Withdrawn: limit(10, 50)}, compared(0, 0, 49), before, ""},
		{"not compared: fewer are sent", config.Limits{Changed: limit(10, 50), Withdrawn: limit(10, 50)}, Numbers{Read: 1000, Send: 450, Refused: 450}, before, "withdrawn"},
		{"not compared: more are sent", config.Limits{Changed: limit(10, 50), Withdrawn: limit(10, 50)}, Numbers{Read: 1000, Send: 550, Refused: 450}, before, "changed"},
		{"not compared, and no run before", config.Limits{Changed: limit(1, 1), Withdrawn: limit(1, 1), Refused: limit(1, 1), Rejected: limit(1, 1)}, Numbers{Read: 1000, Send: 5, Refused: 995}, Before{}, ""},
		{"refused: as many as before", config.Limits{Refused: limit(10, 50)}, compared(0, 0, 0), before, ""},
		{"refused: more than before", config.Limits{Refused: limit(10, 50)}, Numbers{Read: 1000, Send: 400, Refused: 550, Compared: true, Has: 500}, before, "refused"},
		{"refused: fewer than before", config.Limits{Refused: limit(0, 1)}, Numbers{Read: 1000, Send: 900, Refused: 100, Compared: true, Has: 500}, before, ""},
		{"rejected before", config.Limits{Rejected: limit(4, 20)}, compared(0, 0, 0), before, "rejected"},
		{"rejected before, too few", config.Limits{Rejected: limit(4, 21)}, compared(0, 0, 0), before, ""},
		{"all at once, in order", config.Limits{Changed: limit(10, 1), Withdrawn: limit(10, 1), Refused: limit(10, 1), Rejected: limit(1, 1)},
			Numbers{Read: 1000, Send: 60, Refused: 700, Compared: true, Changed: 60, Withdrawn: 60, Has: 500}, before, "changed withdrawn refused rejected"},
	} {
		if got := whats(Judge(c.limits, c.now, c.before)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestJudgeIsMonotone: more of what a limit counts never lets a run go that was held.
func TestJudgeIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string) int { return rapid.IntRange(0, 2000).Draw(t, name) }
		l := config.Limits{}
		for _, to := range []**config.Limit{&l.Changed, &l.Withdrawn, &l.Refused, &l.Rejected} {
			*to = limit(rapid.IntRange(0, 100).Draw(t, "share"), rapid.IntRange(1, 300).Draw(t, "least"))
		}
		now := Numbers{Read: n("read"), Send: n("send"), Refused: n("refused"), Compared: rapid.Bool().Draw(t, "compared"), New: n("new"), Changed: n("changed"), Withdrawn: n("withdrawn"), Has: n("has")}
		before := Before{Transfer: "t", Read: n("read before"), Sent: n("sent"), Refused: n("refused before"), Answered: "t", Received: n("received"), Rejected: n("rejected")}
		first := Judge(l, now, before)
		more, rejected := now, before
		more.New, more.Withdrawn, more.Refused = now.New+n("more"), now.Withdrawn+n("more"), now.Refused+n("more")
		rejected.Rejected += n("more")
		then := whats(Judge(l, more, rejected))
		for _, f := range first {
			if !slices.Contains(strings.Fields(then), f.What) {
				t.Fatalf("%s held with %d of %d, and not with more", f.What, f.People, f.Of)
			}
		}
	})
}

// TestWords: each finding says its two figures and its limit in three languages, and nothing is left to fill in.
func TestWords(t *testing.T) {
	for what := range phrases {
		f := Finding{What: what, People: 4711, Of: 90210, Limit: *limit(10, 50), Calendar: "enrolment"}
		w := f.Words()
		for _, text := range []string{w.KK, w.RU, w.EN} {
			for _, part := range []string{strconv.Itoa(f.People), strconv.Itoa(f.Of), "10%", "50", "enrolment"} {
				if !strings.Contains(text, part) {
					t.Errorf("%s does not say %s: %s", what, part, text)
				}
			}
			if strings.Contains(text, "%!") {
				t.Error(text)
			}
		}
		if w.KK == w.RU || f.Code() != "hold."+what {
			t.Errorf("%s: %+v %s", what, w, f.Code())
		}
	}
}
