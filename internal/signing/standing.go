package signing

import (
	"bytes"
	"encoding/json"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// standingDomain is what the signature over a standing is made under, besides the line.
const standingDomain = "almasu-status/v1\n"

// StandingMediaType is the media type of a signed standing.
const StandingMediaType = "application/vnd.almasu.status"

// MaxStandingBytes bounds a signed standing.
const MaxStandingBytes = 8 << 20

// Standing is what a recipient holds of a sender, signed by its receipt key: one line of JSON as [SignLine] writes it, under "almasu-status/v1\n".
type Standing struct {
	V         int    `json:"v"`
	Recipient string `json:"recipient"`
	Sender    string `json:"sender"`
	// At is the recipient's time, RFC 3339 in UTC with six digits of a second.
	At string `json:"at"`
	// Last is the greatest number received; Missing are the numbers below it that were not.
	Last    uint64   `json:"last_sequence"`
	Missing []uint64 `json:"missing"`
	// HeldSize is the size of the sender's log that is held, 0 if none is; HeldRoot its root in base64.
	HeldSize int64  `json:"held_size"`
	HeldRoot string `json:"held_root"`
	// Checkpoint is the sender's own signed checkpoint of that state, the proof of it.
	Checkpoint []byte `json:"checkpoint,omitempty"`
	// Messages are those received with numbers from the one that was asked for, in order, as many as fit into one answer.
	Messages []Held `json:"messages,omitempty"`
}

// Held is a message that a recipient has.
type Held struct {
	Sequence uint64    `json:"sequence"`
	Message  record.ID `json:"message"`
	// Envelope is the digest of the envelope, Receipt the receipt that was given for it.
	Envelope record.Digest `json:"envelope"`
	Receipt  []byte        `json:"receipt"`
}

// SignStanding sets V and At, and signs.
func SignStanding(s Standing, at time.Time, k *Key) ([]byte, error) {
	s.V, s.At = 1, at.UTC().Format("2006-01-02T15:04:05.000000Z")
	line, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return SignLine(standingDomain, line, k)
}

// OpenStanding verifies a standing that the recipient with this BIN signed about the sender within five minutes of the given time. Codes: those of
// [OpenLine]; standing.malformed, standing.other for one about somebody else, standing.time.
func OpenStanding(b []byte, ring *Keyring, at time.Time, recipient, sender string) (*Standing, error) {
	line, _, err := OpenLine(standingDomain, b, ring, at)
	if err != nil {
		return nil, err
	}
	s := &Standing{}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	made, timeErr := time.Time{}, d.Decode(s)
	if timeErr == nil {
		made, timeErr = time.Parse("2006-01-02T15:04:05.000000Z", s.At)
	}
	switch {
	case timeErr != nil || s.V != 1 || d.More() || s.HeldSize < 0 || s.Last >= 1<<63:
		return nil, record.NewProblem("standing.malformed", "", "", "the recipient's statement of what it holds is malformed")
	case s.Recipient != recipient || s.Sender != sender:
		return nil, record.NewProblem("standing.other", "", "compare the BINs on both sides", "the statement is of another recipient, or about another sender")
	case made.Sub(at).Abs() > 5*time.Minute:
		return nil, record.NewProblem("standing.time", "", "compare both clocks with a time server", "the statement was not made now")
	}
	return s, nil
}
