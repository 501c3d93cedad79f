package scheduler

import (
	"errors"
	"strconv"
	"strings"
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
	zones := zoneNames(t)
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
		want := oracle(s, loc, from, until, 30*time.Hour)
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

// oracle is independent of the schedule's parser and of its arithmetic. It begins to watch the clock before from, so that it knows what a jump leaves out.
func oracle(s *Schedule, loc *time.Location, from, until time.Time, lead time.Duration) []time.Time {
	matches := matcher(s.expr)
	begin := from.Add(-lead).Truncate(time.Minute)
	highest := asUTC(begin.In(loc)).Truncate(time.Minute)
	var out []time.Time
	for now := begin; !now.After(until); now = now.Add(time.Minute) {
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

// matcher reads five fields of stars, steps, lists and ranges of numbers, and reports whether a minute fits them.
func matcher(expr string) func(time.Time) bool {
	var sets [5][60]bool
	for i, field := range strings.Fields(expr) {
		for _, part := range strings.Split(field, ",") {
			spread, step, stepped := strings.Cut(part, "/")
			first, last := 0, 59
			if spread != "*" {
				low, high, ranged := strings.Cut(spread, "-")
				first, _ = strconv.Atoi(low)
				if last = first; ranged {
					last, _ = strconv.Atoi(high)
				}
			}
			by := 1
			if stepped {
				by, _ = strconv.Atoi(step)
			}
			for n := first; n <= last; n += by {
				sets[i][n] = true
			}
		}
	}
	return func(t time.Time) bool {
		return sets[0][t.Minute()] && sets[1][t.Hour()] && sets[2][t.Day()] && sets[3][int(t.Month())] && sets[4][int(t.Weekday())]
	}
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
