package rules

import "slices"

// Reason is a stable code that says how a rule was broken, or why a field does not leave.
type Reason string

// Text says the reason in three languages.
func (r Reason) Text() Text { return reasons[r] }

// Reasons lists every reason, in alphabetical order.
func Reasons() []Reason {
	list := make([]Reason, 0, len(reasons))
	for r := range reasons {
		list = append(list, r)
	}
	slices.Sort(list)
	return list
}
