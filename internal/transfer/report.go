package transfer

import (
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/transfer/account"
)

// What package account counts.
type (
	Totals = account.Totals
	Status = account.Status
	Reason = account.Reason
)

// The statuses.
const (
	Successful      = account.Successful
	SentWithRejects = account.SentWithRejects
	InProgress      = account.InProgress
	NotPermitted    = account.NotPermitted
	Failed          = account.Failed
)

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
	// Compared is "full" or "candidates" on a run that was to compare who may have changed; ComparedFully is the code that says why it compared everybody.
	Compared      string `json:"compared,omitempty"`
	ComparedFully string `json:"compared_fully,omitempty"`
	// Withdrawn counts people whom the recipient was sent earlier, and who are not sent any more: it is owed a notice about them, or a letter.
	Withdrawn int `json:"withdrawn,omitempty"`
}
