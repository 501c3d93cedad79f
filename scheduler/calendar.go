package scheduler

import (
	"fmt"
	"time"
)

// Calendar says when runs may begin. The zero Calendar permits everything. It is safe for concurrent use.
type Calendar struct {
	Name string
	// Zone is where its days and hours are.
	Zone *time.Location
	// Open are the days within which runs may begin, such as the terms of a school year; none means all days.
	Open []Days
	// Closed are days on which no run begins, such as school holidays.
	Closed []Days
	// Working, if set, says whether a day, given as noon in UTC, is worked. A day that it does not know is closed.
	Working func(day time.Time) (bool, error)
	// Quiet are hours of each day in which no run begins.
	Quiet []Hours
}

// Days are whole days from From to To, both included. A day is its midnight in UTC.
type Days struct {
	Name     string
	From, To time.Time
}

// Hours are a part of each day, counted from midnight by the wall clock: from From, up to To, over midnight if To is not after From.
type Hours struct{ From, To time.Duration }

// The calendar looks this far ahead for a permitted instant.
const horizon = 2 * 366 * 24 * time.Hour

const wholeDay = 24 * time.Hour

// Opens returns the first instant at or after t at which a run may begin, and why t itself is not one: "" if it is. The instant is zero
// if there is none within two years.
func (c *Calendar) Opens(t time.Time) (at time.Time, why string) {
	if c == nil || c.Zone == nil {
		return t, ""
	}
	for at = t; at.Sub(t) < horizon; {
		wall := asUTC(at.In(c.Zone))
		reason, until := c.closed(wall)
		if reason == "" {
			return at, why
		}
		if why == "" {
			why = "calendar " + c.Name + ": " + reason
		}
		if until.IsZero() {
			break
		}
		next := at.Add(until.Sub(wall))
		if _, change := at.In(c.Zone).ZoneBounds(); !change.IsZero() && change.Before(next) {
			next = change // from then on the wall clock shows other times
		}
		at = next
	}
	return time.Time{}, why
}

// closed says why no run may begin at a wall-clock time, and until when that holds at least; zero for ever.
func (c *Calendar) closed(wall time.Time) (why string, until time.Time) {
	day := wall.Truncate(wholeDay)
	if len(c.Open) > 0 {
		open := false
		for _, d := range c.Open {
			open = open || d.has(day)
			if d.From.After(day) && (until.IsZero() || d.From.Before(until)) {
				until = d.From
			}
		}
		if !open {
			return "outside the days that it opens", until
		}
	}
	for _, d := range c.Closed {
		if d.has(day) {
			return d.Name, d.To.Add(wholeDay)
		}
	}
	if c.Working != nil {
		worked, err := c.Working(day.Add(wholeDay / 2))
		if err != nil {
			return fmt.Sprintf("whether %s is a working day is not known", day.Format(time.DateOnly)), day.Add(wholeDay)
		}
		if !worked {
			return "a day off", day.Add(wholeDay)
		}
	}
	for _, q := range c.Quiet {
		if end, ok := q.around(wall.Sub(day)); ok {
			return "quiet hours " + q.String(), day.Add(end)
		}
	}
	return "", time.Time{}
}

func (d *Days) has(day time.Time) bool { return !day.Before(d.From) && !day.After(d.To) }

// around reports whether a time of the day is quiet, and when that ends, counted from the day's midnight.
func (q *Hours) around(at time.Duration) (end time.Duration, ok bool) {
	switch {
	case q.From < q.To:
		return q.To, q.From <= at && at < q.To
	case at < q.To:
		return q.To, true
	}
	return q.To + wholeDay, at >= q.From
}

// String is e.g. "22:00-06:00".
func (q *Hours) String() string {
	clock := func(d time.Duration) string { return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60) }
	return clock(q.From) + "-" + clock(q.To)
}
