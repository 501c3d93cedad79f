package notify

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Kind is what a condition is about.
type Kind string

// The kinds. Those before Certificate are about what the service did, the others about what is about to end or is due.
const (
	Failed      Kind = "failed"      // a connector's last run failed or was not permitted
	Held        Kind = "held"        // a run waits for a person's decision
	Missed      Kind = "missed"      // a due time passed without a run
	Waiting     Kind = "waiting"     // messages wait for a recipient
	Doubt       Kind = "doubt"       // the store may be older than what its recipients know, and nothing is sent
	Halted      Kind = "halted"      // nothing is sent to a recipient until a person has looked
	Certificate Kind = "certificate" // a key or certificate ends soon or has ended
	Agreement   Kind = "agreement"   // an agreement with a recipient ends soon or has ended
	Ground      Kind = "ground"      // a ground or act ends soon or has ended
	Policy      Kind = "policy"      // a version of the policy ends soon or has ended
	Duty        Kind = "duty"        // a duty by law is due
)

// Condition is one thing that is wrong now.
type Condition struct {
	Kind Kind `json:"kind"`
	// Subject names a connector, recipient, key or article of the register.
	Subject string `json:"subject"`
	// Code is the stable code of what happened, empty if the kind says it all.
	Code string `json:"code,omitempty"`
	// Until is when something ends or is due; nil if the kind has no date.
	Until *time.Time `json:"until,omitempty"`
}

// key tells conditions apart: a condition whose code or date changes is the same one.
func (c Condition) key() string { return string(c.Kind) + " " + c.Subject }

const maxWord = 96

// sayable reports whether a condition can be told: a known kind, and words without free text.
func (c Condition) sayable() bool {
	_, known := words[c.Kind]
	return known && c.Subject != "" && plain(c.Subject) && plain(c.Code)
}

func plain(s string) bool {
	return len(s) <= maxWord && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/") == ""
}

// Note is what is told at once.
type Note struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	// Raised are the conditions that are new, Over those that are no more.
	Raised []Condition `json:"raised,omitempty"`
	Over   []Condition `json:"over,omitempty"`
}

// compare returns what of now is not standing, and what of standing is not now any more, in a fixed order.
func compare(standing, now []Condition) (raised, over []Condition) {
	missing := func(from, in []Condition) (out []Condition) {
		have := make(map[string]bool, len(in))
		for _, c := range in {
			have[c.key()] = true
		}
		for _, c := range from {
			if !have[c.key()] {
				have[c.key()] = true
				out = append(out, c)
			}
		}
		slices.SortFunc(out, func(a, b Condition) int { return cmp.Compare(a.key(), b.key()) })
		return out
	}
	return missing(now, standing), missing(standing, now)
}

// Test returns a note without conditions, by which a channel is tried.
func Test(id string, at time.Time) *Note {
	return &Note{ID: id, At: at.UTC().Truncate(time.Microsecond)}
}
