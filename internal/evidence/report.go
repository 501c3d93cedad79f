package evidence

import (
	"birgeoqy.kz/almasu/internal/record"
)

// maxFindings bounds the findings that a report lists; it counts all.
const maxFindings = 200

// Finding is one claim of the log that does not hold.
type Finding struct {
	// Code is stable, e.g. "log.sequence_gap".
	Code string `json:"code"`
	// Line is the line of the file from 1, Entry the index of the entry, -1 if it is about none.
	Line  int64 `json:"line"`
	Entry int64 `json:"entry"`
	// Message says in English what was expected and found.
	Message string `json:"message"`
}

// Recipient sums up what the log says was sent to one recipient.
type Recipient struct {
	BIN string `json:"bin"`
	// Last is the last sequence number; Delivered counts messages, Records the records accepted or updated in them.
	Last      uint64 `json:"last_sequence"`
	Delivered int64  `json:"delivered"`
	Records   int64  `json:"records"`
	// Pending counts messages without a settlement.
	Pending int64 `json:"pending"`
	// Notices counts the notices about records that were sent before, also those that are pending.
	Notices int64 `json:"notices"`
}

// Report is the result of [Verify].
type Report struct {
	// Origin and LogKey name the log; KeyGiven says that the key came from the auditor and not from the file itself.
	Origin   string `json:"origin"`
	LogKey   string `json:"log_key"`
	KeyGiven bool   `json:"key_given"`
	// Made is when the export says it was made.
	Made string `json:"made"`
	// Root is the recomputed tree hash over all entries, in base64.
	Root        string `json:"root"`
	Entries     int64  `json:"entries"`
	Checkpoints int64  `json:"checkpoints"`
	// Receipts counts the receipts that verified.
	Receipts int64 `json:"receipts"`
	// Held counts the held checkpoints that are states of this log.
	Held int `json:"held"`
	// Kinds counts entries by kind, Outcomes settlements by outcome.
	Kinds    map[string]int64 `json:"kinds"`
	Outcomes map[string]int64 `json:"outcomes"`
	// Pending counts intents without a settlement, Unfilled cancelled messages whose number no void notice has taken.
	Pending  int64 `json:"pending"`
	Unfilled int64 `json:"unfilled"`
	// Recipients is ordered by BIN.
	Recipients []Recipient `json:"recipients"`
	// Findings lists the first findings, Total counts all.
	Findings []Finding `json:"findings"`
	Total    int64     `json:"findings_total"`
}

// OK reports whether there is no finding.
func (r *Report) OK() bool { return r.Total == 0 }

// Codes returns the codes of the listed findings, each once, in order of appearance.
func (r *Report) Codes() []string {
	var codes []string
	seen := map[string]bool{}
	for _, f := range r.Findings {
		if !seen[f.Code] {
			seen[f.Code] = true
			codes = append(codes, f.Code)
		}
	}
	return codes
}

// Err returns the findings as record.Problems, or nil if there is none.
func (r *Report) Err() error {
	var ps record.Problems
	for _, f := range r.Findings {
		ps.Add(f.Code, place(f), "", "%s", f.Message)
	}
	if more := r.Total - int64(len(r.Findings)); more > 0 {
		ps.Add("export.more_findings", "", "", "and %d more findings", more)
	}
	return ps.Err()
}
