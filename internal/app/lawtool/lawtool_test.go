package lawtool

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

func TestPlacesAreOrdered(t *testing.T) {
	want := []string{"a.yaml:2:1", "a.yaml:10:1", "a.yaml:10:3", "b.yaml", "b.yaml:1:1"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, comparePlaces)
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestDeploymentsAreFound(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"one/almasu.yaml", "two/register/operator.yaml", "two/testdata/x/almasu.yaml", ".git/almasu.yaml", "three/deep/testdata/almasu.yaml", "_old/almasu.yaml"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "two", "almasu.yaml")
	tool := &tool{Env{Config: &config, Environment: func(err error) error { return err }}}
	for paths, want := range map[string]string{
		"...":                    "one/register two/register",
		"two":                    "two/register",
		"two/register":           "two/register",
		"one/almasu.yaml":        "one/register",
		"one two two/register":   "one/register two/register",
		"":                       "two/register",
		"three":                  "usage.path",
		"three/deep/testdata":    "three/deep/testdata/register",
		"three/... two/register": "usage.path",
	} {
		var args []string
		for word := range strings.FieldsSeq(paths) {
			args = append(args, filepath.Join(dir, word))
		}
		list, err := tool.deployments(args)
		got := record.CodeOf(err)
		if err == nil {
			var words []string
			for _, d := range list {
				rel, err := filepath.Rel(dir, d.register)
				if err != nil {
					t.Fatal(err)
				}
				words = append(words, rel)
			}
			got = strings.Join(words, " ")
		}
		if got != want {
			t.Errorf("%q: %s, want %s", paths, got, want)
		}
	}
}

// TestRunsAhead: a schedule is followed, a route without one is looked at every month, an ad-hoc route now.
func TestRunsAhead(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, zone)
	l := linter{deployment: at("../../../deploy/birgeoqy"), now: now, reg: rehearsed(t)}
	if l.deployment == nil || l.file == nil {
		t.Fatalf("the example has no configuration: %+v", l.deployment)
	}
	runs := l.runs()
	if got := runs["ministry-request"]; len(got) != 1 || !got[0].Equal(now) {
		t.Errorf("ad hoc: %v", got)
	}
	if got := runs["ministry-statute"]; len(got) != horizonMonths+1 || got[12].Format(time.DateOnly) != "2027-11-01" {
		t.Errorf("without a schedule: %v", got)
	}
	got := runs["oblast-consent"]
	if len(got) < 250 || got[0].In(zone).Format(time.DateTime) != "2026-11-24 07:00:00" || got[len(got)-1].After(now.AddDate(1, 0, 0)) {
		t.Errorf("by schedule: %d runs", len(got))
	}
}

func TestLanguages(t *testing.T) {
	cmd := &cobra.Command{}
	for _, l := range []Language{"kk", "ru", "en"} {
		if err := l.Check(cmd); err != nil {
			t.Error(err)
		}
		for key, text := range decideWords {
			if l.Of(text) == "" {
				t.Errorf("%s has no words for %s", l, key)
			}
		}
	}
	if Language("de").Check(cmd) == nil {
		t.Error("an unknown language is taken")
	}
	if l := Language("kk"); l.Field(rehearsed(t), "iin") != "iin (ЖСН)" || l.Field(rehearsed(t), "grade") != "grade" {
		t.Error("fields have other names")
	}
}

func TestMoments(t *testing.T) {
	e := &Env{Now: func() time.Time { return began }}
	for text, want := range map[string]time.Time{
		"": began, "2026-09-01": time.Date(2026, 9, 1, 0, 0, 0, 0, register.Zone), "2026-09-01T09:00:00Z": time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC),
	} {
		if got, err := e.Moment(&cobra.Command{}, "at", text); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := e.Moment(&cobra.Command{}, "at", "yesterday"); record.CodeOf(err) != "usage.time" {
		t.Errorf("%v", err)
	}
}

func TestUntriedRules(t *testing.T) {
	got := untried(map[string]int{"TERR-1": 1})
	for name, want := range map[string]bool{"TERR-1": false, "BLK-1": true, "CLM-1": false} {
		if slices.Contains(got, name) != want {
			t.Errorf("%s is untried: %v", name, !want)
		}
	}
}

// TestSyntheticPersonIsJudged gives a decision about a person that differs in one thing from one who may be sent.
func TestSyntheticPersonIsJudged(t *testing.T) {
	reg := rehearsed(t)
	const good = `{iin: "850101100012", place: "615230100", account: active, consents: [{given: 2025-09-01, evidence: true, given_by: self, method: one_time_code,
		policy_version: v1, operator_bin: "351240000010", subject_named: true, until_purpose: true, third_parties: yes, cross_border: no, publication: no,
		fields: [family_name, iin], purposes: [rural_support], recipients: [turkistan-oblast]}]}`
	for change, want := range map[string]string{
		"":                                      "",
		"615230100 -> 750000000":                "TERR-1",
		"account: active -> account: disagreed": "CON-2",
		"account: active -> account: erased":    "CON-2",
		"account: active, -> account: active, blocked: true,": "BLK-1",
		"evidence: true, -> ":                        "CON-1",
		"one_time_code -> page_visit":                "CON-1",
		"cross_border: no, -> ":                      "CON-3",
		"[rural_support] -> [P411]":                  "EXC-2",
		"given_by: self -> given_by: representative": "CON-1",
		`iin: "850101100012",  -> `:                  "MIN-3",
	} {
		from, to, _ := strings.Cut(change, " -> ")
		p, err := parsePerson("p.yaml", []byte(strings.ReplaceAll(good, from, to)))
		if change == "" {
			p, err = parsePerson("p.yaml", []byte(good))
		}
		if err != nil {
			t.Fatalf("%s: %v", change, err)
		}
		g, err := reg.Gate(legal.Case{Route: "oblast-consent", Now: began, Demo: true, Channel: "rest"})
		if err != nil {
			t.Fatal(err)
		}
		b := record.NewBatch(g.Fields(), 1)
		p.add(b)
		d := judge(g, &decision{}, b, "en")[0]
		if d.Rule != want || d.Allowed != (want == "") || d.Allowed && !slices.Equal(d.Fields, []string{"family_name", "iin"}) {
			t.Errorf("%s: %s %s, fields %v", change, d.Rule, d.Why, d.Fields)
		}
		if len(d.Checks) == 0 {
			t.Errorf("%s: no rule was evaluated", change)
		}
	}
}

func FuzzPerson(f *testing.F) {
	f.Add([]byte(`{iin: "850101100012", account: active, consents: [{given: 2025-09-01, given_by: self, method: x, cross_border: no}]}`))
	f.Add([]byte(`{account: lost, consents: [{given_by: nobody}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePerson("p.yaml", b)
		if (p == nil) == (err == nil) {
			t.Fatal("neither a person nor an error")
		}
		if p != nil {
			p.add(record.NewBatch([]string{"iin"}, 1))
		}
	})
}
