package scheduler

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func day(s string) time.Time {
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return at
}

// school is open on weekdays of a term, without a week of holidays, and not by night.
func school(t testing.TB) *Calendar {
	return &Calendar{
		Name: "school", Zone: mustParse(t, "0 0 * * *", "Asia/Almaty").Zone(),
		Open:   []Days{{"term", day("2026-09-01"), day("2026-12-30")}, {"term", day("2027-01-11"), day("2027-05-25")}},
		Closed: []Days{{"autumn holidays", day("2026-10-26"), day("2026-11-01")}},
		Working: func(d time.Time) (bool, error) {
			if d.Year() > 2027 {
				return false, errors.New("unknown year")
			}
			return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday, nil
		},
		Quiet: []Hours{{22 * time.Hour, 6 * time.Hour}},
	}
}

func TestCalendarOpens(t *testing.T) {
	for _, c := range []struct{ at, want, why string }{
		{"2026-11-23T07:00:00+05:00", "2026-11-23T07:00:00+05:00", ""},
		{"2026-11-23T05:59:00+05:00", "2026-11-23T06:00:00+05:00", "quiet hours 22:00-06:00"},
		{"2026-11-23T22:00:00+05:00", "2026-11-24T06:00:00+05:00", "quiet hours"},
		{"2026-11-21T12:00:00+05:00", "2026-11-23T06:00:00+05:00", "a day off"},
		{"2026-10-23T23:00:00+05:00", "2026-11-02T06:00:00+05:00", "quiet hours"},
		{"2026-10-26T12:00:00+05:00", "2026-11-02T06:00:00+05:00", "autumn holidays"},
		{"2026-12-31T12:00:00+05:00", "2027-01-11T06:00:00+05:00", "outside the days"},
		{"2027-06-01T12:00:00+05:00", "", "outside the days"},
	} {
		at := at(t, c.at)
		got, why := school(t).Opens(at)
		if c.want == "" && !got.IsZero() || c.want != "" && got.Format(time.RFC3339) != c.want || (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: %s (%s), want %s (%s)", c.at, got.Format(time.RFC3339), why, c.want, c.why)
		}
	}
	unknown := &Calendar{Name: "c", Zone: time.UTC, Working: func(time.Time) (bool, error) { return false, errors.New("no such year") }}
	if got, why := unknown.Opens(born); !got.IsZero() || !strings.Contains(why, "not known") {
		t.Errorf("an unknown year is %v, %s", got, why)
	}
	if got, why := (*Calendar)(nil).Opens(born); !got.Equal(born) || why != "" {
		t.Errorf("no calendar: %v, %s", got, why)
	}
}

// TestOpensIsTheFirst compares with a walk over the minutes, in zones whose clocks change.
func TestOpensIsTheFirst(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"Asia/Almaty", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}).Draw(rt, "zone"))
		if err != nil {
			rt.Fatal(err)
		}
		c := &Calendar{Name: "c", Zone: zone}
		for range rapid.IntRange(1, 3).Draw(rt, "quiet") {
			from := time.Duration(rapid.IntRange(0, 23*60+59).Draw(rt, "from")) * time.Minute
			c.Quiet = append(c.Quiet, Hours{from, time.Duration(rapid.IntRange(0, 24*60).Filter(func(n int) bool { return time.Duration(n)*time.Minute != from }).Draw(rt, "to")) * time.Minute})
		}
		from := time.Date(2026, time.Month(rapid.SampledFrom([]int{3, 4, 10, 11}).Draw(rt, "month")), rapid.IntRange(1, 31).Draw(rt, "day"), rapid.IntRange(0, 23).Draw(rt, "hour"), 7, 0, 0, time.UTC)
		if _, end := from.In(zone).ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(rt, "at the change") {
			from = end.Add(-time.Duration(rapid.IntRange(0, 180).Draw(rt, "minutes before")) * time.Minute)
		}
		got, why := c.Opens(from)
		walked := from
		for ; walked.Sub(from) < 50*time.Hour; walked = walked.Add(time.Minute).Truncate(time.Minute) {
			if reason, _ := c.closed(asUTC(walked.In(zone))); reason == "" {
				break
			}
		}
		if walked.Sub(from) >= 50*time.Hour {
			if !got.IsZero() {
				rt.Fatalf("never open, and it says %v", got)
			}
			return
		}
		if !got.Equal(walked) || (why == "") != got.Equal(from) {
			rt.Fatalf("%v: opens %v (%s), walked to %v", from.In(zone), got, why, walked)
		}
	})
}

func TestForecast(t *testing.T) {
	pause := Exception{Kind: KindPause, Since: at(t, "2026-11-24T00:00:00Z"), Until: at(t, "2026-11-26T00:00:00Z"), Actor: "clerk", Reason: "a move"}
	skip := Exception{Kind: KindSkip, Since: at(t, "2026-11-27T02:00:00Z"), Until: at(t, "2026-11-27T02:00:00.000001Z"), Actor: "clerk", Reason: "letter 13"}
	for _, c := range []struct {
		name, cron, due string
		defers          bool
		start, missed   string
	}{
		{"open", "0 7 * * *", "2026-11-23T02:00:00Z", false, "2026-11-23T02:00:00Z", ""},
		{"paused", "0 7 * * *", "2026-11-25T02:00:00Z", true, "", "paused by clerk: a move"},
		{"skipped", "0 7 * * *", "2026-11-27T02:00:00Z", true, "", "skipped by clerk: letter 13"},
		{"closed", "0 7 * * *", "2026-11-28T02:00:00Z", false, "", "calendar school: a day off"},
		{"deferred, and made good by the next", "0 7 * * *", "2026-11-28T02:00:00Z", true, "", "a later due time makes it good"},
		{"the last is deferred", "0 7 * * *", "2026-11-29T02:00:00Z", true, "2026-11-30T01:00:00Z", ""},
		{"at the very moment of opening", "0 6 * * *", "2026-11-29T01:00:00Z", true, "", "a later due time makes it good"},
		{"never open again", "0 7 * * *", "2027-06-01T02:00:00Z", true, "", "does not open within two years"},
	} {
		j := &Job{Name: "a", Schedule: mustParse(t, c.cron, "Asia/Almaty"), Calendar: school(t), Defer: c.defers}
		f := j.Schedule.Next(at(t, c.due).Add(-time.Second))
		got := j.Forecast(f, []Exception{pause, skip})
		if !strings.Contains(got.Missed, c.missed) || (c.missed == "") != (got.Missed == "") || c.start != "" && !got.Start.Equal(at(t, c.start)) || !got.At.Equal(at(t, c.due)) {
			t.Errorf("%s: due %v, starts %v, missed %q", c.name, got.At, got.Start, got.Missed)
		}
		if (got.Deferred != "") != (c.missed == "" && c.start != c.due) {
			t.Errorf("%s: deferred %q", c.name, got.Deferred)
		}
	}
}

// TestJitter spreads starts, the same in each process, and not into closed times.
func TestJitter(t *testing.T) {
	spread := map[time.Duration]bool{}
	for i := range 200 {
		j := &Job{Name: fmt.Sprintf("c%d", i), Schedule: mustParse(t, "0 7 * * *", "Asia/Almaty"), Jitter: time.Hour}
		f := j.Forecast(j.Schedule.Next(born), nil)
		again := (&Job{Name: j.Name, Schedule: mustParse(t, "0 7 * * *", "Asia/Almaty"), Jitter: time.Hour}).Forecast(f.Fire, nil)
		delay := f.Start.Sub(f.At)
		if delay < 0 || delay >= time.Hour || !again.Start.Equal(f.Start) {
			t.Fatalf("delayed by %v, and by %v", delay, again.Start.Sub(f.At))
		}
		spread[delay/(10*time.Minute)] = true
		// One hour of quiet, from a second after the due time: only an undelayed start is open.
		j.Calendar = &Calendar{Name: "c", Zone: j.Schedule.Zone(), Quiet: []Hours{{7*time.Hour + time.Second, 8 * time.Hour}}}
		if f := j.Forecast(f.Fire, nil); f.Start.Sub(f.At) >= time.Second || f.Missed != "" {
			t.Fatalf("jitter moves the start to %v, %s", f.Start, f.Missed)
		}
	}
	if len(spread) != 6 {
		t.Errorf("the starts fall into %d of 6 parts of the hour", len(spread))
	}
}

// TestDecideInClosedTimes begins owed runs when the calendar opens.
func TestDecideInClosedTimes(t *testing.T) {
	j := &Job{Name: "a", Schedule: mustParse(t, "0 7 * * *", "Asia/Almaty"), Calendar: school(t), CatchUp: CatchUp{Policy: "latest", Window: 100 * time.Hour}}
	now := at(t, "2026-11-28T20:00:00+05:00") // Saturday; nothing has run since Wednesday
	fires, _ := dueBetween(j.Schedule, at(t, "2026-11-25T12:00:00+05:00"), now, 100)
	rows := j.decide(fires, now, nil, true)
	if len(rows) != 3 || rows[0].State != StateMissed || rows[1].State != StateWaiting || rows[2].State != StateMissed {
		t.Fatalf("%+v", rows)
	}
	if !strings.Contains(rows[0].Reason, "a later run makes it good") || !strings.Contains(rows[2].Reason, "a day off") {
		t.Errorf("reasons %q, %q", rows[0].Reason, rows[2].Reason)
	}
	if !rows[1].Start.Equal(at(t, "2026-11-30T06:00:00+05:00")) || rows[1].Cause != CauseCatchUp || !strings.HasPrefix(rows[1].Reason, "deferred: ") {
		t.Errorf("the owed run: %+v", rows[1])
	}
}

// TestDecideManyPages owes exactly as many as catch-up makes good, however many were missed.
func TestDecideManyPages(t *testing.T) {
	for _, minutes := range []int{5, 499, 505, 515, 1200} {
		s, now := &shelf{}, born
		r := runner(s, &now, Job{Name: "a", Schedule: mustParse(t, "* * * * *", "UTC"), Since: born, CatchUp: CatchUp{Policy: "all", Max: 8, Window: 100 * time.Hour}})
		if err := r.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = born.Add(time.Duration(minutes+6) * time.Minute) // six are on time
		if err := r.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		for _, state := range s.states() {
			count[state]++
		}
		if want := min(minutes, 8); count["catch_up waiting"] != want || count["schedule waiting"] != 6 || count["catch_up missed"] != minutes-want {
			t.Errorf("%d minutes: %v", minutes, count)
		}
	}
}
