package calendar

import (
	"slices"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// Event starts a term.
type Event struct {
	// Term is the term's code, Ref what the event is known by; it names nobody.
	Term string
	Ref  string
	// Received is when it happened; Done when the duty was fulfilled, zero while it is not.
	Received, Done time.Time
}

// Duty is what an event asks for.
type Duty struct {
	Event
	Term Term
	// Due is the first moment of the last day. Overdue says that the duty was not fulfilled by the end of that day.
	Due     time.Time
	Overdue bool
}

// Duties lists what is due and what was late, the earliest first: every event that is not done, and those that were done too late. All problems, unknown terms and
// years that the calendar does not have, are reported at once; a duty that cannot be dated is never left out in silence.
func (c *Calendar) Duties(events []Event, now time.Time) ([]Duty, error) {
	var out []Duty
	var problems record.Problems
	for _, e := range events {
		term, ok := TermOf(e.Term)
		if !ok {
			problems.Add("calendar.unknown_term", e.Ref, "", "no term is called %q", e.Term)
			continue
		}
		due, err := c.Due(term, e.Received)
		if err != nil {
			problems.Merge(err, "calendar.due", e.Ref)
			continue
		}
		until := now
		if !e.Done.IsZero() {
			until = e.Done
		}
		d := Duty{Event: e, Term: term, Due: due, Overdue: Overdue(due, until)}
		if e.Done.IsZero() || d.Overdue {
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b Duty) int { return a.Due.Compare(b.Due) })
	return out, problems.Err()
}
