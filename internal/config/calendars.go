package config

import (
	"fmt"
	"time"

	"birgeoqy.kz/almasu/internal/legal/strict"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/scheduler"
)

// Day is a civil day, written 2026-09-01: its midnight in UTC.
type Day time.Time

// UnmarshalText reads a day.
func (d *Day) UnmarshalText(b []byte) error {
	at, err := time.Parse(time.DateOnly, string(b))
	if err != nil {
		return fmt.Errorf("expected a day such as 2026-09-01")
	}
	*d = Day(at)
	return nil
}

// Clock is a time of the day, written 22:00, counted from midnight; 24:00 is the day's end.
type Clock time.Duration

// UnmarshalText reads a time of the day.
func (c *Clock) UnmarshalText(b []byte) error {
	at, err := time.Parse("15:04", string(b))
	switch {
	case string(b) == "24:00":
		*c = Clock(24 * time.Hour)
	case err != nil:
		return fmt.Errorf(`expected a time of the day such as "22:00"`)
	default:
		*c = Clock(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)
	}
	return nil
}

// Calendar says when runs may begin; what it does not mention is permitted.
type Calendar struct {
	// Name is what schedules call it; Zone is an IANA zone, where its days and hours are.
	Name string `yaml:"name"`
	Zone string `yaml:"zone"`
	// WorkingDays permits only working days: of the Republic of Kazakhstan, "kz". Optional.
	WorkingDays string `yaml:"working_days,optional"`
	// Open are the days within which runs may begin: the terms of the school year. Optional: all days.
	Open []Days `yaml:"open,optional"`
	// Closed are days on which none begins: school holidays. Optional.
	Closed []Days `yaml:"closed,optional"`
	// Quiet are hours of each day in which none begins. Optional.
	Quiet []Quiet      `yaml:"quiet,optional"`
	Where strict.Where `yaml:"-"`
}

// Days are whole days, both ends included.
type Days struct {
	// Name is what people call them; it stands in reasons.
	Name string `yaml:"name"`
	// From and To are the first and the last day.
	From  Day          `yaml:"from"`
	To    Day          `yaml:"to"`
	Where strict.Where `yaml:"-"`
}

// Quiet is a part of the day; over midnight if To is before From.
type Quiet struct {
	From  Clock        `yaml:"from"`
	To    Clock        `yaml:"to"`
	Where strict.Where `yaml:"-"`
}

// ParseCalendars reads a file of calendars; name is its path. working has, by name, what working_days may refer to. All problems are reported at once;
// codes: calendar.zone, calendar.working_days, calendar.days, calendar.quiet, calendar.twice, and those of the YAML.
func ParseCalendars(name string, text []byte, working map[string]func(time.Time) (bool, error)) (map[string]*scheduler.Calendar, error) {
	var file struct {
		Calendars []Calendar `yaml:"calendars"`
	}
	problems := strict.Decode(name, text, &file)
	out := map[string]*scheduler.Calendar{}
	for i := range file.Calendars {
		c := &file.Calendars[i]
		if out[c.Name] != nil {
			problems.Add("calendar.twice", c.Where.Key("name"), "", "the calendar %q stands here for the second time", c.Name)
		}
		out[c.Name] = c.build(&problems, working)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

func (c *Calendar) build(ps *record.Problems, working map[string]func(time.Time) (bool, error)) *scheduler.Calendar {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil || c.Zone == "" || c.Zone == "Local" {
		ps.Add("calendar.zone", c.Where.Key("zone"), `use an IANA name, e.g. "Asia/Almaty"`, "unknown time zone %q", c.Zone)
	}
	out := &scheduler.Calendar{Name: c.Name, Zone: zone}
	if c.WorkingDays != "" {
		if out.Working = working[c.WorkingDays]; out.Working == nil {
			ps.Add("calendar.working_days", c.Where.Key("working_days"), `"kz" is known`, "no working days are known under %q", c.WorkingDays)
		}
	}
	for _, list := range []struct {
		from []Days
		to   *[]scheduler.Days
	}{{c.Open, &out.Open}, {c.Closed, &out.Closed}} {
		for i := range list.from {
			d := &list.from[i]
			if time.Time(d.To).Before(time.Time(d.From)) {
				ps.Add("calendar.days", d.Where.Key("to"), "from is the first day, to the last", "%s: the last day is before the first", d.Name)
			}
			*list.to = append(*list.to, scheduler.Days{Name: d.Name, From: time.Time(d.From), To: time.Time(d.To)})
		}
	}
	for i := range c.Quiet {
		q := &c.Quiet[i]
		if q.From == q.To || q.From == Clock(24*time.Hour) {
			ps.Add("calendar.quiet", q.Where.Key("to"), `e.g. {from: "22:00", to: "06:00"}`, "quiet hours need a beginning and another end")
		}
		out.Quiet = append(out.Quiet, scheduler.Hours{From: time.Duration(q.From), To: time.Duration(q.To)})
	}
	return out
}

// Job is a connector's schedule as the scheduler takes it; nil if the connector has none. calendars are those of the file. Codes: schedule.zone,
// schedule.expression, schedule.calendar.
func (c *Connector) Job(calendars map[string]*scheduler.Calendar) (*scheduler.Job, error) {
	s := c.Schedule
	if s == nil {
		return nil, nil
	}
	var problems record.Problems
	schedule, err := scheduler.Parse(s.Cron, s.Zone)
	if list, ok := err.(record.Problems); ok {
		for _, p := range list {
			problems.Add(p.Code, s.Where.Key(p.Where), p.Hint, "%s", p.Message)
		}
	} else if err != nil {
		return nil, err
	}
	job := &scheduler.Job{
		Name: c.Name, Schedule: schedule, Overlap: scheduler.QueueOne, Defer: s.Closed == "defer", Jitter: s.Jitter.Or(0),
		CatchUp: scheduler.CatchUp{Policy: "latest", Max: s.Most, Window: s.Window.Or(24 * time.Hour)},
	}
	if s.CatchUp != "" {
		job.CatchUp.Policy = s.CatchUp
	}
	if s.Overlap != "" {
		job.Overlap = scheduler.Overlap(s.Overlap)
	}
	if s.Calendar != "" {
		if job.Calendar = calendars[s.Calendar]; job.Calendar == nil {
			problems.Add("schedule.calendar", s.Where.Key("calendar"), `calendars stand in the file that "calendars" names`, "there is no calendar %q", s.Calendar)
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return job, nil
}
