package calendar_test

import (
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/legal/calendar"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
)

func on(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(time.DateOnly, s, register.Zone)
	if err != nil {
		t.Fatal(err)
	}
	return at.Add(15 * time.Hour)
}

// TestKnownDays holds days as the press of each year announced them.
func TestKnownDays(t *testing.T) {
	c := calendar.Kazakhstan()
	for s, want := range map[string]bool{
		"2022-03-05": true, "2022-03-07": false, "2022-05-10": false, "2022-08-27": true, "2022-08-29": false, "2022-10-22": true, "2022-10-24": false, "2022-12-19": false,
		"2023-07-01": true, "2023-07-07": false, "2023-08-30": false, "2023-08-31": true, "2023-06-28": false, "2024-05-04": true, "2024-05-08": false, "2024-12-16": false,
		"2025-01-03": false, "2025-01-05": true, "2025-09-01": false, "2025-12-17": true, "2026-01-05": true, "2026-03-09": false, "2026-03-24": false, "2026-03-25": false,
		"2026-03-26": true, "2026-05-11": false, "2026-05-27": false, "2026-08-31": true, "2026-10-26": false, "2027-03-15": false, "2027-03-16": true,
	} {
		if got, err := c.Working(on(t, s)); err != nil || got != want {
			t.Errorf("%s: working %v, expected %v (%v)", s, got, want, err)
		}
	}
	if !c.Confirmed(2026) || c.Confirmed(2027) {
		t.Error("2026 is confirmed and 2027 is not")
	}
}

func TestTerms(t *testing.T) {
	c := calendar.Kazakhstan()
	for _, x := range []struct{ term, from, due string }{
		{"claim", "2025-01-31", "2025-03-02"}, {"claim", "2024-01-31", "2024-03-01"}, {"information", "2026-03-20", "2026-03-30"},
		{"breach", "2026-09-04", "2026-09-07"}, {"breach", "2024-12-31", "2025-01-05"}, {"block", "2026-09-01", "2026-09-02"},
		{"notify_subject", "2026-09-01", "2026-09-15"}, {"stop", "2026-12-20", "2027-01-13"},
	} {
		term, ok := calendar.TermOf(x.term)
		if !ok {
			t.Fatalf("no term %s", x.term)
		}
		due, err := c.Due(term, on(t, x.from))
		if err != nil || due.Format(time.DateOnly) != x.due {
			t.Errorf("%s from %s is due %s, expected %s (%v)", x.term, x.from, due.Format(time.DateOnly), x.due, err)
		}
		if calendar.Overdue(due, due.Add(24*time.Hour-1)) || !calendar.Overdue(due, due.Add(24*time.Hour)) {
			t.Errorf("%s is overdue at the wrong moment", x.term)
		}
	}
	for _, term := range calendar.Terms() {
		if _, ok := rules.Named(term.Rule); !ok || term.KK == "" || term.RU == "" || term.EN == "" || term.Source == "" {
			t.Errorf("the term %s is incomplete", term.Code)
		}
	}
	if _, ok := calendar.TermOf("none"); ok {
		t.Error("an unknown term is found")
	}
}

func TestUnknownYearIsAnError(t *testing.T) {
	term, _ := calendar.TermOf("information")
	if _, err := calendar.Kazakhstan().Due(term, on(t, "2027-12-30")); record.CodeOf(err) != "calendar.unknown_year" {
		t.Errorf("error %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for code, src := range map[string]string{
		"calendar.year_twice": "years: [{year: 2026, confirmed: true, off: []}, {year: 2026, confirmed: true, off: []}]",
		"calendar.other_year": "years: [{year: 2026, confirmed: true, off: [2027-03-08]}]",
		"calendar.weekday":    "years: [{year: 2026, confirmed: true, off: [2026-03-08]}]",
		"calendar.day_twice":  "years: [{year: 2026, confirmed: true, off: [2026-03-09, 2026-03-09]}]",
		"yaml.bad_value":      "years: [{year: 2026, confirmed: true, off: [9 March]}]",
		"yaml.missing_key":    "years: [{year: 2026, off: []}]",
	} {
		if _, err := calendar.Parse("c", []byte(src)); record.CodeOf(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("years: [{year: 2026, confirmed: true, off: [2026-03-09]}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := calendar.Parse("c", b); (c == nil) == (err == nil) {
			t.Error("neither a calendar nor an error")
		}
	})
}
