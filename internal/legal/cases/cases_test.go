package cases_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/cases"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

func example(t testing.TB) fs.FS {
	return os.DirFS(filepath.Join("..", "..", "..", "deploy", "birgeoqy", "register"))
}

func TestExampleCases(t *testing.T) {
	rep, err := cases.Run(example(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rep.Results {
		if !r.Passed {
			t.Errorf("%s: %s: %s", r.Where, r.Name, r.Got)
		}
	}
	if len(rep.Results) < 25 || !rep.Passed() || len(rep.Untried) != 0 || len(rep.Rules) < 15 {
		t.Errorf("%d cases, untried %v, rules %v", len(rep.Results), rep.Untried, rep.Rules)
	}
}

// with is the example register with one file of cases.
func with(t testing.TB, text string) fs.FS {
	files := make(fstest.MapFS)
	err := fs.WalkDir(example(t), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(example(t), path)
		files[path] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	files["routes/oblast-consent.cases.yaml"] = &fstest.MapFile{Data: []byte(text)}
	return files
}

func TestCasesThatFail(t *testing.T) {
	for text, got := range map[string]string{
		`{cases: [{name: n, date: 2026-09-01, person: {age: 30, place: "610000000"}, consents: [{given_by: self}], fields: [iin]}]}`:  "sent: district, family_name, given_name, iin, phone, region, settlement",
		`{cases: [{name: n, date: 2026-09-01, person: {age: 30, place: "610000000"}, consents: [{given_by: self}], refused: CON-1}]}`: "sent: district, family_name, given_name, iin, phone, region, settlement",
		`{cases: [{name: n, date: 2026-09-01, person: {age: 30, place: "610000000"}, fields: [iin]}]}`:                                "refused by CON-1: consent_missing",
		`{cases: [{name: n, date: 2026-09-01, person: {age: 30, place: "610000000"}, refused: CON-1, why: blocked}]}`:                 "refused by CON-1: consent_missing",
		`{cases: [{name: n, date: 2026-09-01, run_refused: SEC-1}]}`:                                                                  "the run opens",
		`{cases: [{name: n, date: 2026-09-01, channel: epvo, run_refused: AGR-1}]}`:                                                   "the run is refused by SEC-1: channel_other",
		`{cases: [{name: n, date: 2026-09-01, denied: ["school: FLD-1"]}]}`:                                                           "school is denied by FLD-0",
	} {
		rep, err := cases.Run(with(t, text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, r := range rep.Results {
			if r.Route == "oblast-consent" && (r.Passed || r.Got != got) {
				t.Errorf("%s: passed %v, got %q, expected %q", text, r.Passed, r.Got, got)
			}
		}
	}
}

func TestBrokenCases(t *testing.T) {
	for text, code := range map[string]string{
		`{cases: [{name: n, date: 2026-09-01}]}`:                                                                 "cases.expectation",
		`{cases: [{name: n, date: 2026-09-01, refused: CON-1, run_refused: CON-1}]}`:                             "cases.expectation",
		`{cases: [{name: n, date: 2026-09-01, refused: CON-1}]}`:                                                 "cases.person",
		`{cases: [{name: n, date: 2026-09-01, run_refused: CON-77}]}`:                                            "cases.rule",
		`{cases: [{name: n, date: 2026-09-01, run_refused: SEC-1, why: because}]}`:                               "cases.reason",
		`{cases: [{name: n, date: 2026-09-01, denied: [iin]}]}`:                                                  "cases.denied",
		`{cases: [{name: n, date: 2026-09-01, person: {account: lost}, refused: CON-2}]}`:                        "cases.account",
		`{cases: [{name: n, date: 2026-09-01, person: {age: 200}, refused: CON-2}]}`:                             "cases.age",
		`{cases: [{name: n, date: 2026-09-01, person: {age: 20}, consents: [{lacks: [love]}], refused: CON-3}]}`: "cases.lacks",
		`{cases: [{name: n, date: 2026-09-01, refuse: CON-1}]}`:                                                  "yaml.unknown_key",
	} {
		if _, err := cases.Run(with(t, text)); record.CodeOf(err) != code {
			t.Errorf("%s: %v, expected %s", text, err, code)
		}
	}
}

// TestARehearsalSendsNothing: invented approvals open a gate in a demonstration or a rehearsal only.
func TestARehearsalSendsNothing(t *testing.T) {
	at := register.At(register.Instant(1).Time().AddDate(56, 0, 0))
	r, err := register.Rehearse(example(t), at)
	if err != nil {
		t.Fatal(err)
	}
	reg := &legal.Register{Register: r}
	_, err = reg.Gate(legal.Case{Route: "oblast-consent", Now: at.Time().AddDate(0, 1, 0), Channel: "rest"})
	if refusal, ok := err.(*legal.Refusal); !ok || refusal.Rule != "ADM-1" || !r.Rehearsed() {
		t.Errorf("a rehearsed register opens a gate: %v", err)
	}
	if plain, err := register.Load(example(t)); err != nil || plain.Digest() == r.Digest() || plain.Rehearsed() {
		t.Errorf("a rehearsal has the digest of the real register (%v)", err)
	}
}

func FuzzCases(f *testing.F) {
	f.Add(`{cases: [{name: n, date: 2026-09-01, person: {age: 30, place: "610000000"}, consents: [{given_by: self}], fields: [iin]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if rep, err := cases.Run(with(t, text)); (rep == nil) == (err == nil) {
			t.Error("neither a report nor an error")
		}
	})
}
