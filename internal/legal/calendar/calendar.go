// Package calendar counts working days of the five-day week in Kazakhstan, and the terms that law and policy set.
//
// The calendar is data: for each year the weekdays that are off and the weekend days that are worked, as YAML. One for 2022 to 2027 is
// embedded ([Kazakhstan]); [Parse] reads another. A day of a year that the calendar does not have is an error, never a guess.
//
// A term runs from the day of an event, which does not count. A term of n working days ends with the n-th working day after it; one of n calendar
// days with the n-th day after it. The last moment is the end of that day at +05:00.
package calendar

import (
	_ "embed" // the calendar of the Republic
	"strconv"
	"sync"
	"time"

	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/strict"
	"birgeoqy.kz/almasu/internal/record"
)

//go:embed kz.yaml
var kazakhstan []byte

type year struct {
	Year      int                `yaml:"year"`
	Confirmed bool               `yaml:"confirmed"`
	Off       []register.Instant `yaml:"off"`
	Worked    []register.Instant `yaml:"worked,optional"`
	Where     strict.Where       `yaml:"-"`
}

// day is a civil day, counted from 1 January 1970.
type day int

func dayOf(t time.Time) day {
	y, m, d := t.In(register.Zone).Date()
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// begin is the first moment of the day.
func (d day) begin() time.Time {
	y, m, dd := time.Unix(int64(d)*86400, 0).UTC().Date()
	return time.Date(y, m, dd, 0, 0, 0, 0, register.Zone)
}

func (d day) weekend() bool {
	w := time.Unix(int64(d)*86400, 0).UTC().Weekday()
	return w == time.Saturday || w == time.Sunday
}

// Calendar says which days are worked.
type Calendar struct {
	years map[int]bool // whether confirmed
	off   map[day]bool
	work  map[day]bool
}

// Kazakhstan is the embedded calendar.
var Kazakhstan = sync.OnceValue(func() *Calendar {
	c, err := Parse("kz.yaml", kazakhstan)
	if err != nil {
		panic("calendar: the embedded calendar is broken: " + err.Error())
	}
	return c
})

// Parse reads a calendar strictly; all problems are reported at once.
func Parse(name string, b []byte) (*Calendar, error) {
	var file struct {
		Years []year `yaml:"years"`
	}
	problems := strict.Decode(name, b, &file)
	c := &Calendar{years: make(map[int]bool), off: make(map[day]bool), work: make(map[day]bool)}
	for _, y := range file.Years {
		if _, twice := c.years[y.Year]; twice {
			problems.Add("calendar.year_twice", y.Where.Key("year"), "", "the year stands here for the second time")
		}
		c.years[y.Year] = y.Confirmed
		c.enter(&problems, &y, "off", y.Off, c.off, false)
		c.enter(&problems, &y, "worked", y.Worked, c.work, true)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Calendar) enter(problems *record.Problems, y *year, key string, list []register.Instant, into map[day]bool, weekend bool) {
	for i, at := range list {
		where := y.Where.Key(key + "[" + strconv.Itoa(i) + "]")
		d := dayOf(at.Time())
		switch {
		case at == 0:
			continue // reported by the decoder
		case at.Time().Year() != y.Year:
			problems.Add("calendar.other_year", where, "", "the day is of another year")
		case d.weekend() != weekend:
			problems.Add("calendar.weekday", where, "off lists weekdays, worked lists weekend days", "the day of the week does not fit")
		case into[d]:
			problems.Add("calendar.day_twice", where, "", "the day stands here for the second time")
		}
		into[d] = true
	}
}

// Working says whether the day of t is worked.
func (c *Calendar) Working(t time.Time) (bool, error) { return c.working(dayOf(t)) }

func (c *Calendar) working(d day) (bool, error) {
	y := d.begin().Year()
	if _, known := c.years[y]; !known {
		return false, record.NewProblem("calendar.unknown_year", "", "enter the year's days off when the decree is out", "the calendar does not have the year %d", y)
	}
	if d.weekend() {
		return c.work[d], nil
	}
	return !c.off[d], nil
}

// Confirmed says whether the year's days are entered from the decree, and not computed beforehand.
func (c *Calendar) Confirmed(year int) bool { return c.years[year] }

// AddWorkingDays returns the first moment of the n-th working day after the day of t.
func (c *Calendar) AddWorkingDays(t time.Time, n int) (time.Time, error) {
	d := dayOf(t)
	for n > 0 {
		d++
		working, err := c.working(d)
		if err != nil {
			return time.Time{}, err
		}
		if working {
			n--
		}
	}
	return d.begin(), nil
}
