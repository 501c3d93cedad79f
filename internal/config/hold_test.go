package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/scheduler"
)

// holding is a configuration with a connector that has these lines under hold.
func holding(hold string) string {
	return `register: r
platform: {dsn_file: d, relations: p}
store: {kind: sqlite, path: s}
keys: {log: l, seal: s, vault: v, pseudonym: p}
schemas: s
connectors:
  - name: a
    route: a
    mapping: a
    hold: ` + hold + `
    parcel: {folder: f, receipt_keys: [k]}
`
}

func TestHold(t *testing.T) {
	f, err := Parse("c.yaml", []byte(holding(`{changed: {share: 12.5%, least: 50}, rejected: {least: 3}, expires: 5, during: [{calendar: enrolment, changed: {share: 60%}, refused: {least: 9}}]}`)))
	if err != nil {
		t.Fatal(err)
	}
	h := f.Connectors[0].Hold
	day := func(d int) time.Time { return time.Date(2026, 9, d, 0, 0, 0, 0, time.UTC) }
	calendars := map[string]*scheduler.Calendar{"enrolment": {Name: "enrolment", Zone: time.UTC, Open: []scheduler.Days{{Name: "week of enrolment", From: day(1), To: day(7)}}}}
	if err := h.Check(calendars); err != nil || h.WorkingDays() != 5 {
		t.Errorf("%v, %d working days", err, h.WorkingDays())
	}
	if err := h.Check(nil); record.CodeOf(err) != "config.hold_calendar" || !strings.Contains(err.Error(), "c.yaml:10:") {
		t.Errorf("no calendar: %v", err)
	}
	for at, want := range map[time.Time]string{
		day(7).Add(23 * time.Hour): "60% - 9 people 3 people enrolment", day(8): "12.5% and 50 people - - 3 people ",
	} {
		l := h.At(at, calendars)
		var words []string
		for _, one := range []*Limit{l.Changed, l.Withdrawn, l.Refused, l.Rejected} {
			if one == nil {
				words = append(words, "-")
			} else {
				words = append(words, one.String())
			}
		}
		if got := strings.Join(append(words, l.Calendar), " "); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
	if (&Hold{}).WorkingDays() != 3 {
		t.Error("the default term")
	}
}

func TestHoldRefuses(t *testing.T) {
	for hold, codes := range map[string][]string{
		"{}":                                 {"config.hold"},
		"{expires: 3}":                       {"config.hold"},
		"{changed: {}}":                      {"config.hold"},
		"{changed: {share: 10}}":             {"yaml.bad_value"},
		"{changed: {share: 0%}}":             {"yaml.bad_value"},
		"{changed: {share: 100.1%}}":         {"yaml.bad_value"},
		"{changed: {share: -1%}}":            {"yaml.bad_value"},
		"{changed: {share: 1e1%}}":           {"yaml.bad_value"},
		"{changed: {share: 1/2%}}":           {"yaml.bad_value"},
		"{changed: {share: 0.00001%}}":       {"yaml.bad_value"},
		"{changed: {least: -5}}":             {"config.range"},
		"{unchanged: {least: 5}}":            {"yaml.unknown_key"},
		"{changed: {least: 5}, expires: 61}": {"config.range"},
		"{changed: {least: 5}, during: [{calendar: x}], expires: -1}": {"config.hold", "config.range"},
		"{during: [{changed: {least: 5}}]}":                           {"yaml.missing_key"},
	} {
		_, err := Parse("c.yaml", []byte(holding(hold)))
		var got []string
		if ps, ok := err.(record.Problems); ok {
			for _, p := range ps {
				got = append(got, p.Code)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, codes) {
			t.Errorf("%s: %v, %v", hold, got, err)
		}
	}
}

func TestShare(t *testing.T) {
	for text, want := range map[string]string{"10%": "10%", "0.5%": "0.5%", "100%": "100%", "0.0001%": "0.0001%", "07.50%": "7.5%"} {
		var s Share
		if err := s.UnmarshalText([]byte(text)); err != nil || s.String() != want {
			t.Errorf("%s is %s, %v", text, s, err)
		}
	}
	half := &Limit{Share: 500_000}
	if !half.Reached(1, 2) || half.Reached(1, 3) || half.Reached(0, 0) || (*Limit)(nil).Reached(5, 5) || !(&Limit{Share: 1}).Reached(2_000_000_000, 2_000_000_000) {
		t.Error("shares are not compared as they should")
	}
}
