package rules

// Reason is a stable code that says how a rule was broken, or why a field does not leave.
type Reason string

// Text says the reason in three languages.
func (r Reason) Text() Text { return Text{} }

// Reasons lists every reason.
func Reasons() []Reason { return nil }
