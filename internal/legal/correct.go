package legal

import (
	"slices"
	"time"

	"birgeoqy.kz/almasu/internal/legal/rules"
)

// Sent is an earlier transfer in which a person was.
type Sent struct {
	// Transfer names it; Route and Fields are what went.
	Transfer string
	Route    string
	Fields   []string
	At       time.Time
}

// Correction is what follows for an earlier transfer when a person's data have changed (UPD-2). It is linked to that transfer.
type Correction struct {
	Transfer string
	Route    string
	// Fields are the changed fields that went and may still go. If there are none it is a notice without values, and Rule and Why say what has lapsed.
	Fields    []string
	Notice    bool
	Rule, Why string
}

// Corrections says what follows from a change of fields for each transfer that sent one of them within its route's window: a correction under the
// same basis, examined again now, or a notice without values where the basis is gone. Whether the person may still be sent is for [Gate.Project] to say.
// caseOf makes the case of a route at this moment.
func (r *Register) Corrections(changed []string, sent []Sent, now time.Time, caseOf func(route string) Case) []Correction {
	var out []Correction
	for _, s := range sent {
		touched := slices.DeleteFunc(slices.Clone(s.Fields), func(f string) bool { return !slices.Contains(changed, f) })
		if len(touched) == 0 {
			continue
		}
		c := Correction{Transfer: s.Transfer, Route: s.Route, Notice: true}
		rt := r.Route(s.Route)
		switch {
		case rt == nil:
			c.Rule, c.Why = rules.GATE1.String(), string(rules.WhyUnknownRoute)
		case now.After(s.At.AddDate(0, 0, rt.CorrectionDays)):
			continue
		default:
			g, err := r.Gate(caseOf(s.Route))
			if refusal, ok := err.(*Refusal); ok {
				c.Rule, c.Why = refusal.Rule, refusal.Why
				break
			}
			c.Fields = slices.DeleteFunc(touched, func(f string) bool { return !slices.Contains(g.Fields(), f) })
			if c.Notice = len(c.Fields) == 0; c.Notice {
				c.Rule, c.Why = rules.UPD2.String(), string(rules.WhyNothingPermitted)
			}
		}
		out = append(out, c)
	}
	return out
}
