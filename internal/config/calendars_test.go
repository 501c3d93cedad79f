package config

import (
	"os"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/scheduler"
)

var everyDay = map[string]func(time.Time) (bool, error){"kz": func(time.Time) (bool, error) { return true, nil }}

func TestExampleCalendars(t *testing.T) {
	text, err := os.ReadFile("../../deploy/birgeoqy/calendars.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, err := ParseCalendars("calendars.yaml", text, everyDay)
	if err != nil {
		t.Fatal(err)
	}
	c := all["school"]
	if len(all) != 2 || all["enrolment"] == nil || c == nil || len(c.Open) != 4 || len(c.Quiet) != 1 || c.Working == nil {
		t.Fatalf("%+v", c)
	}
	for at, want := range map[string]string{
		"2026-10-25T21:59:00+05:00": "2026-10-25T21:59:00+05:00", "2026-10-25T22:00:00+05:00": "2026-11-02T06:00:00+05:00",
		"2026-12-05T12:00:00+05:00": "2026-12-07T06:00:00+05:00", "2026-11-24T05:00:00+05:00": "2026-11-24T06:00:00+05:00",
	} {
		from, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got, why := c.Opens(from); got.Format(time.RFC3339) != want {
			t.Errorf("%s opens %s (%s), want %s", at, got.Format(time.RFC3339), why, want)
		}
	}
}

func TestCalendarsRefuse(t *testing.T) {
	for code, text := range map[string]string{
		"calendar.zone":         "calendars: [{name: a, zone: Mars/Base}]",
		"calendar.working_days": "calendars: [{name: a, zone: UTC, working_days: de}]",
		"calendar.days":         "calendars: [{name: a, zone: UTC, closed: [{name: b, from: 2026-02-02, to: 2026-02-01}]}]",
		"calendar.quiet":        `calendars: [{name: a, zone: UTC, quiet: [{from: "10:00", to: "10:00"}]}]`,
		"calendar.twice":        "calendars: [{name: a, zone: UTC}, {name: a, zone: UTC}]",
		"yaml.unknown_key":      "calendars: [{name: a, zone: UTC, quite: []}]",
		"yaml.missing_key":      "calendars: [{name: a}]",
		"yaml.bad_value":        "calendars: [{name: a, zone: UTC, closed: [{name: b, from: 2026-02-30, to: 2026-03-01}]}]",
	} {
		if _, err := ParseCalendars("c.yaml", []byte(text), everyDay); record.CodeOf(err) != code || !strings.Contains(err.Error(), "c.yaml:1:") {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestJobs(t *testing.T) {
	calendars := map[string]*scheduler.Calendar{"school": {Name: "school", Zone: time.UTC}}
	c := &Connector{Name: "a", Schedule: &Schedule{Cron: "0 7 * * *", Zone: "Asia/Almaty", Calendar: "school", Closed: "defer", Overlap: "skip", Jitter: Duration(time.Minute), CatchUp: "all", Most: 3}}
	j, err := c.Job(calendars)
	if err != nil || j.Name != "a" || !j.Defer || j.Overlap != scheduler.SkipNew || j.Calendar != calendars["school"] || j.Jitter != time.Minute || j.CatchUp != (scheduler.CatchUp{Policy: "all", Max: 3, Window: 24 * time.Hour}) {
		t.Errorf("%+v, %v", j, err)
	}
	plain := &Connector{Name: "a", Schedule: &Schedule{Cron: "@daily", Zone: "UTC"}}
	if j, err := plain.Job(nil); err != nil || j.Overlap != scheduler.QueueOne || j.CatchUp.Policy != "latest" || j.Defer || j.Calendar != nil {
		t.Errorf("by default %+v, %v", j, err)
	}
	if j, err := (&Connector{Name: "a"}).Job(nil); j != nil || err != nil {
		t.Errorf("without a schedule %+v, %v", j, err)
	}
	for code, s := range map[string]*Schedule{
		"schedule.zone": {Cron: "@daily", Zone: "Mars"}, "schedule.expression": {Cron: "daily", Zone: "UTC"}, "schedule.calendar": {Cron: "@daily", Zone: "UTC", Calendar: "none"},
	} {
		if _, err := (&Connector{Name: "a", Schedule: s}).Job(calendars); record.CodeOf(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func FuzzParseCalendars(f *testing.F) {
	f.Add([]byte(`calendars: [{name: a, zone: UTC, open: [{name: b, from: 2026-02-02, to: 2026-03-01}], quiet: [{from: "22:00", to: "24:00"}]}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := ParseCalendars("c", b, everyDay)
		for _, c := range all {
			if err == nil {
				c.Opens(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
			}
		}
	})
}
