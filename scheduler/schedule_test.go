package scheduler

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/record"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustParse(t testing.TB, expr, zone string) *Schedule {
	t.Helper()
	s, err := Parse(expr, zone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNext(t *testing.T) {
	for _, c := range []struct{ name, expr, zone, after, want, mark string }{
		{"plain", "30 2 * * *", "Asia/Almaty", "2026-11-22T00:00:00+05:00", "2026-11-22T02:30:00+05:00", ""},
		{"gap runs right after", "30 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00", "moved"},
		{"the day after the gap", "30 2 * * *", "Europe/Berlin", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00", ""},
		{"repeat runs the first time", "30 2 * * *", "Europe/Berlin", "2026-10-25T00:00:00+02:00", "2026-10-25T02:30:00+02:00", "twice"},
		{"and not again", "30 2 * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00", ""},
		{"asked inside the repeat", "30 2 * * *", "Europe/Berlin", "2026-10-25T02:10:00+01:00", "2026-10-26T02:30:00+01:00", ""},
		{"Kazakhstan's one zone of 2024", "30 23 * * *", "Asia/Almaty", "2024-02-29T12:00:00+06:00", "2024-02-29T23:30:00+06:00", "twice"},
		{"a day that Samoa left out", "0 12 * * *", "Pacific/Apia", "2011-12-29T13:00:00-10:00", "2011-12-31T00:00:00+14:00", "moved"},
		{"every", "@every 6h", "Asia/Almaty", "2026-11-22T01:00:00+05:00", "2026-11-22T07:00:00+05:00", ""},
	} {
		f := mustParse(t, c.expr, c.zone).Next(at(t, c.after))
		mark := ""
		if f.Moved {
			mark = "moved"
		} else if f.Twice {
			mark = "twice"
		}
		if !f.At.Equal(at(t, c.want)) || mark != c.mark {
			t.Errorf("%s: %v %s, want %s %s", c.name, f.At, mark, c.want, c.mark)
		}
	}
	if f := mustParse(t, "0 0 30 2 *", "Asia/Almaty").Next(at(t, "2026-01-01T00:00:00Z")); !f.At.IsZero() {
		t.Errorf("30 February came on %v", f.At)
	}
}

// TestAgainstOracle walks real minutes and compares: a wall-clock minute fires when the clock first shows it, and the minutes that
// a jump leaves out fire together at the jump.
func TestAgainstOracle(t *testing.T) {
	zones := []string{"Asia/Almaty", "Asia/Qyzylorda", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Sao_Paulo", "Asia/Tehran", "Pacific/Apia", "Antarctica/Troll"}
	rapid.Check(t, func(rt *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(rt, "zone")
		expr := rapid.SampledFrom([]string{"30 2 * * *", "*/17 * * * *", "0 0 * * *", "59 1-3 * * *", "15 3 * * 0", "5 0,1,2,3,23 * * *"}).Draw(rt, "expr")
		s, err := Parse(expr, zone)
		if err != nil {
			rt.Fatal(err)
		}
		loc, _ := time.LoadLocation(zone)
		from := time.Date(rapid.IntRange(2000, 2035).Draw(rt, "year"), time.Month(rapid.IntRange(1, 12).Draw(rt, "month")), rapid.IntRange(1, 28).Draw(rt, "day"), 0, 0, 0, 0, time.UTC)
		if _, end := from.In(loc).ZoneBounds(); !end.IsZero() && end.Year() < 2036 && rapid.Bool().Draw(rt, "at the transition") {
			from = end.Add(-5 * time.Hour)
		}
		until := from.Add(60 * time.Hour)
		want := oracle(s, loc, from, until)
		var got []time.Time
		for f := s.Next(from); !f.At.IsZero() && !f.At.After(until); f = s.Next(f.At) {
			got = append(got, f.At)
		}
		if len(got) != len(want) {
			rt.Fatalf("%s from %v: %d fires, oracle %d\n%v\n%v", s, from, len(got), len(want), got, want)
		}
		for i := range got {
			if !got[i].Equal(want[i]) {
				rt.Fatalf("%s: fire %d is %v, oracle says %v", s, i, got[i], want[i])
			}
		}
	})
}

func oracle(s *Schedule, loc *time.Location, from, until time.Time) []time.Time {
	matches := func(wall time.Time) bool { return s.spec.Next(wall.Add(-time.Second)).Equal(wall) }
	highest := asUTC(from.Add(-30 * time.Hour).In(loc)).Truncate(time.Minute)
	var out []time.Time
	for now := from.Add(-30 * time.Hour).Truncate(time.Minute); !now.After(until); now = now.Add(time.Minute) {
		wall, fired := asUTC(now.In(loc)), false
		for ; highest.Before(wall) || highest.Equal(wall); highest = highest.Add(time.Minute) {
			fired = fired || matches(highest)
		}
		if fired && now.After(from) {
			out = append(out, now)
		}
	}
	return out
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ expr, zone, code string }{
		{"30 2 * * *", "Mars/Base", "schedule.zone"}, {"30 2 * * *", "", "schedule.zone"}, {"30 2 * * *", "Local", "schedule.zone"},
		{"61 2 * * *", "Asia/Almaty", "schedule.expression"}, {"", "Asia/Almaty", "schedule.expression"},
		{"TZ=UTC 0 0 * * *", "Asia/Almaty", "schedule.expression"}, {"* * * * * *", "Asia/Almaty", "schedule.expression"},
	} {
		_, err := Parse(c.expr, c.zone)
		var ps record.Problems
		if !errors.As(err, &ps) || ps[0].Code != c.code || ps[0].Hint == "" {
			t.Errorf("%q in %q: %v", c.expr, c.zone, err)
		}
	}
}
