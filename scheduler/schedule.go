package scheduler

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones change; the program carries its own

	"github.com/robfig/cron/v3"

	"birgeoqy.kz/almasu/internal/record"
)

// reach is further than any zone has ever moved its clocks at once.
const reach = 26 * time.Hour

// Schedule is a cron expression in a zone. It is safe for concurrent use.
type Schedule struct {
	expr string
	zone *time.Location
	spec cron.Schedule
	// every is set for "@every": real time, no wall clock.
	every bool
}

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Parse reads a cron expression of five fields or a descriptor ("@daily", "@every 6h"), and an IANA zone. A zone inside the
// expression ("TZ=...") is refused: the zone has its own place. Codes: schedule.zone, schedule.expression.
func Parse(expr, zone string) (*Schedule, error) {
	var problems record.Problems
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		problems.Add("schedule.zone", "zone", `use an IANA name, e.g. "Asia/Almaty"`, "unknown time zone %q", zone)
	}
	s := &Schedule{expr: expr, zone: loc, every: strings.HasPrefix(expr, "@every")}
	if strings.Contains(expr, "TZ=") {
		problems.Add("schedule.expression", "cron", "put the zone into its own key", "a cron expression names no zone here")
	} else if s.spec, err = parser.Parse(expr); err != nil {
		problems.Add("schedule.expression", "cron", `five fields: minute hour day month weekday, e.g. "30 2 * * 1-5", or @daily`, "%v", err)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// Fire is one due time.
type Fire struct {
	At time.Time
	// Moved says that the wall-clock time did not exist and the fire stands at the end of the gap; Twice that it exists twice, and
	// this is the first.
	Moved, Twice bool
}

// Next returns the first fire after t; the zero Fire if there is none (a date that never comes).
func (s *Schedule) Next(t time.Time) Fire {
	if s.every {
		return Fire{At: s.spec.Next(t).In(s.zone)}
	}
	// Wall-clock times are computed as if they were UTC, where every one exists once.
	wall := asUTC(t.In(s.zone))
	if !s.steady(t) {
		wall = wall.Add(-reach)
	}
	for {
		wall = s.spec.Next(wall)
		if wall.IsZero() {
			return Fire{}
		}
		if f := place(s.zone, wall); f.At.After(t) {
			return f
		}
	}
}

// asUTC is the wall clock of t as a UTC time.
func asUTC(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// steady reports whether the zone's offset is the same all around t.
func (s *Schedule) steady(t time.Time) bool {
	start, end := t.In(s.zone).ZoneBounds()
	return (start.IsZero() || t.Sub(start) > reach) && (end.IsZero() || end.Sub(t) > reach)
}

// place finds the instant of a wall-clock time: the first of two, or the end of the gap that swallowed it.
func place(zone *time.Location, wall time.Time) Fire {
	var found []time.Time
	var gapEnd time.Time
	for at := wall.Add(-reach).In(zone); ; {
		start, end := at.ZoneBounds()
		_, offset := at.Zone()
		candidate := wall.Add(-time.Duration(offset) * time.Second)
		if (start.IsZero() || !candidate.Before(start)) && (end.IsZero() || candidate.Before(end)) {
			found = append(found, candidate.In(zone))
		}
		if end.IsZero() || end.After(wall.Add(reach)) {
			break
		}
		// The wall clock jumps from before the end of this period to the start of the next.
		before := end.UTC().Add(time.Duration(offset) * time.Second)
		_, next := end.In(zone).Zone()
		after := end.UTC().Add(time.Duration(next) * time.Second)
		if !wall.Before(before) && wall.Before(after) {
			gapEnd = end.In(zone)
		}
		at = end.In(zone)
	}
	switch {
	case len(found) > 0:
		return Fire{At: found[0], Twice: len(found) > 1}
	default:
		return Fire{At: gapEnd, Moved: true}
	}
}

// Zone is the schedule's zone.
func (s *Schedule) Zone() *time.Location { return s.zone }

// String returns the expression and the zone.
func (s *Schedule) String() string { return fmt.Sprintf("%s (%s)", s.expr, s.zone) }
