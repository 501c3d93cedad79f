// Package account counts what has become of the people of a transfer, and says from the counts alone what it has come to (I8).
package account

import "fmt"

// Totals counts a transfer's people. Read is the sum of the others but Received (I8).
type Totals struct {
	Read      int `json:"read"`
	Accepted  int `json:"accepted"`
	Unchanged int `json:"unchanged"`
	Refused   int `json:"refused"`
	Withheld  int `json:"withheld"`
	Rejected  int `json:"rejected"`
	Pending   int `json:"pending"`
	// Received is how many records the recipient's receipts count.
	Received int `json:"received"`
	// Messages counts messages; Delivered and Failed how they ended (cancelled ones are neither).
	Messages  int `json:"messages"`
	Delivered int `json:"messages_delivered"`
	Failed    int `json:"messages_failed"`
}

// Balanced reports whether the identity of I8 holds and the receipts count what was accepted and rejected.
func (t Totals) Balanced() bool {
	return t.Read == t.Accepted+t.Unchanged+t.Refused+t.Withheld+t.Rejected+t.Pending && t.Received == t.Accepted+t.Rejected
}

// String is the reconciliation line of I8.
func (t Totals) String() string {
	sign := "="
	if !t.Balanced() {
		sign = "≠"
	}
	return fmt.Sprintf("read %d %s accepted %d + unchanged %d + refused %d + withheld %d + rejected %d + pending %d; receiver counts %d",
		t.Read, sign, t.Accepted, t.Unchanged, t.Refused, t.Withheld, t.Rejected, t.Pending, t.Received)
}

// Status is what a run has come to, in words for people.
type Status string

// The statuses.
const (
	// Successful: everybody is accounted for and nothing is open.
	Successful Status = "successful"
	// SentWithRejects: the recipient has rejected records, or data was withheld.
	SentWithRejects Status = "sent_with_rejects"
	// InProgress: messages wait for a receipt and will be tried again.
	InProgress Status = "in_progress"
	// NotPermitted: the law refused the run as a whole; nothing was read.
	NotPermitted Status = "not_permitted"
	// Failed: the read did not complete, the identity does not hold, or a message ended without being delivered.
	Failed Status = "failed"
)

// Status computes the status from the totals.
func (t Totals) Status() Status {
	switch {
	case !t.Balanced() || t.Failed > 0:
		return Failed
	case t.Pending > 0:
		return InProgress
	case t.Rejected > 0 || t.Withheld > 0:
		return SentWithRejects
	}
	return Successful
}

// Reason counts the people who were not sent, or whose record was rejected, for one reason.
type Reason struct {
	// Kind is "refused" (by law), "withheld" (for the data), "rejected" (by the recipient), "disputed" (its answer proves nothing), "abandoned" (not delivered in time), or
	// "counted": on a route of statistics, those whom the table counts.
	Kind string `json:"kind"`
	// Rule is the rule's id, or the code where there is no rule; Why says it in a word.
	Rule   string `json:"rule"`
	Why    string `json:"why,omitempty"`
	People int    `json:"people"`
}

// Tally counts people by reason, in order of first appearance. The zero Tally is empty; Reasons that are there from the beginning stay as they are.
type Tally struct {
	Reasons []Reason
	index   map[Reason]int
}

// Add counts one person for a reason, whose People is 0.
func (t *Tally) Add(r Reason) {
	if t.index == nil {
		t.index = map[Reason]int{}
	}
	i, ok := t.index[r]
	if !ok {
		i = len(t.Reasons)
		t.index[r], t.Reasons = i, append(t.Reasons, r)
	}
	t.Reasons[i].People++
}
