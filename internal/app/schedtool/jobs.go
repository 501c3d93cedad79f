package schedtool

import (
	"os"
	"time"

	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/legal/calendar"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/scheduler"
)

// Calendars are the configured calendars by name, which the limits that hold runs may name too; none if there is no file of them.
func Calendars(file *config.File) (map[string]*scheduler.Calendar, error) {
	var calendars map[string]*scheduler.Calendar
	if file.Calendars != "" {
		path := file.Path(file.Calendars)
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, record.NewProblem("config.calendars_missing", path, "check the path in the configuration", "the calendars cannot be read: %v", record.WithoutPath(err))
		}
		if calendars, err = config.ParseCalendars(path, text, map[string]func(time.Time) (bool, error){"kz": calendar.Kazakhstan().Working}); err != nil {
			return nil, err
		}
	}
	var problems record.Problems
	for i := range file.Connectors {
		if h := file.Connectors[i].Hold; h != nil {
			problems.Merge(h.Check(calendars), "config.hold_calendar", h.Where.String())
		}
	}
	return calendars, problems.Err()
}

// Jobs are the configured schedules, with the calendars that they name. All problems are reported at once.
func Jobs(file *config.File) ([]scheduler.Job, error) {
	calendars, err := Calendars(file)
	if err != nil {
		return nil, err
	}
	var problems record.Problems
	var jobs []scheduler.Job
	for i := range file.Connectors {
		job, err := file.Connectors[i].Job(calendars)
		if err != nil {
			problems.Merge(err, "config.schedule", file.Connectors[i].Where.Key("schedule"))
		} else if job != nil {
			jobs = append(jobs, *job)
		}
	}
	return jobs, problems.Err()
}
