package tell

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transfer/telling"
)

var verbs = regexp.MustCompile(`%[a-z]`)

func TestEveryTextIsInThreeLanguages(t *testing.T) {
	for key, texts := range letterWords {
		want := verbs.FindAllString(texts["en"], -1)
		for _, l := range []lawtool.Language{"kk", "ru", "en"} {
			if texts[l] == "" || !slices.Equal(verbs.FindAllString(texts[l], -1), want) {
				t.Errorf("%s in %s: %q", key, l, texts[l])
			}
		}
	}
	for _, act := range notice.Acts() {
		if letterWords[string(act)] == nil || notices.Term(act) == "" {
			t.Errorf("no words or no term for %s", act)
		}
	}
}

func example(t *testing.T) *lawtool.Service {
	reg, err := legal.Load(os.DirFS("../../../deploy/birgeoqy/register"))
	if err != nil {
		t.Fatal(err)
	}
	return &lawtool.Service{Register: reg, Channel: func(connector string) string {
		if connector == "oblast-consent" || connector == "ministry-statute" {
			return "rest"
		}
		return ""
	}}
}

// TestLetterNamesNobody: a letter has the place of each record, and nothing of the person.
func TestLetterNamesNobody(t *testing.T) {
	v := example(t)
	n := &notices.Notice{Opened: time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC), Due: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Subject: "77",
		Transfer: transfer.Transfer{ID: record.NewID(), Recipient: "351240000040", Reason: "letter 5"},
		Notice: telling.Notice{Act: notice.Correct, Rule: "UPD-2", Records: []telling.Record{
			{Message: record.NewID(), Index: 7, Ordinal: 77, Key: []byte("key"), Fields: []string{"phone"}}, {Message: record.NewID(), Index: -1, Fields: []string{"phone"}}}}}
	for _, lang := range []lawtool.Language{"kk", "ru", "en"} {
		text := letter(v, n, lang)
		for _, want := range []string{n.Records[0].Message.String(), n.Records[1].Message.String(), n.Transfer.ID.String(), "351240000040", "phone", "8", "2026-11-23"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s in\n%s", lang, want, text)
			}
		}
		if strings.Contains(text, "key") || strings.Count(text, "phone (") != 1 || strings.Contains(text, "%!") {
			t.Errorf("%s:\n%s", lang, text)
		}
	}
}

// TestClause: a letter is owed wherever a notice might go astray.
func TestClause(t *testing.T) {
	p := &planner{v: example(t)}
	good := delivery{connector: "oblast-consent", route: "oblast-consent", recipient: "351240000040"}
	if p.clause(&good) == "" {
		t.Fatal("the agreement of the example takes notices")
	}
	for name, change := range map[string]func(*delivery){
		"a route that is gone":                   func(d *delivery) { d.route = "x" },
		"a connector that is not configured":     func(d *delivery) { d.connector = "x" },
		"a connector that leads elsewhere now":   func(d *delivery) { d.recipient = "351240000010" },
		"a route of another connector":           func(d *delivery) { d.route = "ministry-statute" },
		"another connector to another recipient": func(d *delivery) { d.connector, d.route = "ministry-statute", "ministry-statute" },
	} {
		d := good
		change(&d)
		if c := p.clause(&d); c != "" {
			t.Errorf("%s: %s", name, c)
		}
	}
}

// TestGrouping: one notice for each recipient, connector and reason, none longer than the format lets it be.
func TestGrouping(t *testing.T) {
	g := grouping{p: &planner{v: example(t), lang: "en"}}
	for i := range 2*notice.Most + 50 {
		d := delivery{connector: "oblast-consent", route: "oblast-consent", recipient: "351240000040"}
		d.Message, d.Index = record.NewID(), i
		if i%7 == 0 {
			d.Index = -1
		}
		g.of(&d, notice.Destroy, "BLK-4", "unlawful")
	}
	records := map[string]int{}
	for _, o := range g.list {
		records[o.Way] += len(o.records)
		if len(o.records) > notice.Most || len(o.records) != len(o.Records) {
			t.Errorf("%d records in one notice", len(o.records))
		}
	}
	if records["letter"] != 36 || records["notice"] != 2*notice.Most+50-36 || len(g.list) != 4 {
		t.Errorf("%v in %d", records, len(g.list))
	}
	if err := date(g.list, time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)); err != nil || g.list[0].Due != "2026-11-23" {
		t.Errorf("%s %v", g.list[0].Due, err)
	}
}
