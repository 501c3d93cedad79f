package transfer

import (
	"fmt"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
)

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

// Report is the whole account of a run; it holds no value of anybody.
type Report struct {
	Transfer
	Finished time.Time `json:"finished"`
	Status   Status    `json:"status"`
	// Notice is the act of a transfer that tells an earlier recipient what has become of its records: "correct", "withdraw" or "destroy".
	Notice string `json:"notice,omitempty"`
	// Code and Message say why a run was not permitted or has failed, in the words of the error; Checks, on a refused run, every rule evaluated.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	Totals  Totals `json:"totals"`
	// Basis, Purpose and Fields are what was sent and why; Denied what was asked and not sent; Reasons who was not sent.
	Basis   legal.Basis    `json:"basis"`
	Purpose string         `json:"purpose"`
	Fields  []string       `json:"fields"`
	Denied  []legal.Denied `json:"denied,omitempty"`
	Reasons []Reason       `json:"reasons,omitempty"`
	// FirstSequence to LastSequence are the numbers of its messages, 0 if none.
	FirstSequence uint64 `json:"first_sequence"`
	LastSequence  uint64 `json:"last_sequence"`
	// LogIndex is the place of the run's closing entry.
	LogIndex int64  `json:"log_index"`
	Snapshot string `json:"snapshot,omitempty"`
}
