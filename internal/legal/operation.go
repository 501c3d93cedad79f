package legal

import (
	"slices"
	"time"

	"birgeoqy.kz/almasu/internal/legal/calendar"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
)

// Operations is the closed list of what can be done to personal data (policy 1.1.3, rule OP-1). Every outbound act is a transfer,
// also a read by a state system.
func Operations() []string {
	return []string{
		"collect", "record", "systematise", "accumulate", "store", "clarify", "extract", "use", "transfer.distribute", "transfer.provide",
		"transfer.access", "depersonalise", "block", "unblock", "delete", "destroy",
	}
}

// MayDo says whether an operation may be done to the data of a person who is blocked (policy 6.2.4), or whose records are under the hold of a claim
// (8.1, 8.3), and if not, by which rule and why. An unknown operation is refused (OP-1). Whoever is blocked is kept, and the block itself is acted on: no
// transfer, no aggregate, no deletion (BLK-3). What is under a hold is not destroyed, deleted or depersonalised; the rest goes on (CLM-1).
func MayDo(operation string, blocked, held bool) (rule, why string, ok bool) {
	switch {
	case !slices.Contains(Operations(), operation):
		return rules.OP1.String(), string(rules.WhyOperationUnknown), false
	case blocked && !slices.Contains([]string{"store", "block", "unblock"}, operation):
		return rules.BLK3.String(), string(rules.WhyBlocked), false
	case held && slices.Contains([]string{"depersonalise", "delete", "destroy"}, operation):
		return rules.CLM1.String(), string(rules.WhyHeld), false
	}
	return "", "", true
}

// Requesters are who can have a person blocked (policy 6.2.4, rule BLK-1).
func Requesters() []string { return []string{"user", "legal_representative", "pd_authority"} }

// Outcome is how a check during a block ends (rule BLK-4).
type Outcome struct {
	// Code is wrong, unlawful or unconfirmed; Acts are what follows, in order.
	Code string
	Acts []string
}

// Outcomes lists how a check can end: wrong data are corrected and earlier recipients told, unlawful ones destroyed and recalled, and where nothing is
// confirmed the person is unblocked.
func Outcomes() []Outcome {
	return []Outcome{
		{"wrong", []string{"correct", "notify_recipients", "unblock"}},
		{"unlawful", []string{"destroy", "recall"}},
		{"unconfirmed", []string{"unblock"}},
	}
}

// Block is a request to block a person. It counts from the moment it is received, whenever it is handled.
type Block struct {
	Requester string
	Received  time.Time
}

// From returns the moment from which the block counts and the last day for handling it (BLK-1, 94-V art. 25(2)(8)). The error has the code
// legal.block_requester, or is the calendar's.
func (b Block) From(c *calendar.Calendar) (from, handleBy time.Time, err error) {
	if !slices.Contains(Requesters(), b.Requester) {
		return from, handleBy, record.NewProblem("legal.block_requester", "", "user, legal_representative or pd_authority", "nobody else can have a person blocked")
	}
	term, _ := calendar.TermOf("block")
	handleBy, err = c.Due(term, b.Received)
	return b.Received, handleBy, err
}
