package parcel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// The two folders, and what the name of a file that is not complete ends in.
const (
	In      = "in"
	Out     = "out"
	Partial = ".part"
)

const (
	parcelSuffix     = ".zip"
	receiptSuffix    = ".receipt"
	answerSuffix     = ".answer"
	statusSuffix     = ".status"
	checkpointSuffix = ".checkpoint"
)

// Name is the name of a message's parcel, ReceiptName that of its receipt, AnswerName that of an answer which is none.
func Name(message record.ID) string { return message.String() + parcelSuffix }

// ReceiptName is the name of a message's receipt.
func ReceiptName(message record.ID) string { return message.String() + receiptSuffix }

// AnswerName is the name of an answer that is no receipt.
func AnswerName(message record.ID) string { return message.String() + answerSuffix }

// StatusName is the name of the file that says how far a sender, by BIN, has come.
func StatusName(sender string) string { return sender + statusSuffix }

// CheckpointName is the name of the introduction of the state of size to, proven from the state of size from.
func CheckpointName(sender string, from, to int64) string {
	return fmt.Sprintf("%s-%d-%d%s", sender, from, to, checkpointSuffix)
}

// MessageOf reads the name of a parcel; ok is false for any other name.
func MessageOf(name string) (message record.ID, ok bool) {
	text, ok := strings.CutSuffix(name, parcelSuffix)
	if !ok {
		return message, false
	}
	message, err := record.ParseID(text)
	return message, err == nil && Name(message) == name
}

// IntroductionOf reads the name of an introduction; ok is false for any other name.
func IntroductionOf(name string) (sender string, from, to int64, ok bool) {
	text, ok := strings.CutSuffix(name, checkpointSuffix)
	parts := strings.Split(text, "-")
	if !ok || len(parts) != 3 {
		return "", 0, 0, false
	}
	from, err := strconv.ParseInt(parts[1], 10, 64)
	to, err2 := strconv.ParseInt(parts[2], 10, 64)
	return parts[0], from, to, err == nil && err2 == nil && from >= 0 && to > 0 && CheckpointName(parts[0], from, to) == name
}

// answerDomain is what the signature of an answer is made under, besides the line.
const answerDomain = "almasu-answer/v1\n"

// StatusDomain is that of a status line.
const StatusDomain = "almasu-status/v1\n"

// MaxAnswerBytes bounds an answer and a status.
const MaxAnswerBytes = 256 << 10

// Answer says why there is no receipt.
type Answer struct {
	V int `json:"v"`
	// Message is the id of the message that is answered, Envelope the digest of its envelope; that is empty if the envelope could not be verified.
	Message  string `json:"message"`
	Envelope string `json:"envelope,omitempty"`
	// At is when it was answered, RFC 3339 in UTC.
	At string `json:"at"`
	// Code is the stable code; Text and Hint are for people and name no value.
	Code string `json:"code"`
	Text string `json:"text,omitempty"`
	Hint string `json:"hint,omitempty"`
	// HeldSize is the size of the sender's log that is held, where the answer is about the log.
	HeldSize *int64 `json:"held_size,omitempty"`
	// RetryAfter asks to wait so many seconds.
	RetryAfter int `json:"retry_after,omitempty"`
	// Receipt is the signed receipt of the message that has the number, for a void notice that came too late.
	Receipt []byte `json:"receipt,omitempty"`
}

// Sign makes the bytes of the file. V is set to 1.
func (a Answer) Sign(k *signing.Key) ([]byte, error) {
	a.V = 1
	line, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("writing an answer: %w", err)
	}
	return signing.SignLine(answerDomain, line, k)
}

// OpenAnswer verifies an answer by a key whose period in the ring holds the given time, and that it is about this message. Codes: those of
// signing.OpenLine, parcel.malformed.
func OpenAnswer(b []byte, ring *signing.Keyring, at time.Time, message record.ID) (*Answer, error) {
	line, _, err := signing.OpenLine(answerDomain, b, ring, at)
	if err != nil {
		return nil, err
	}
	a := &Answer{}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if d.Decode(a) != nil || d.More() || a.V != 1 || a.Message != message.String() || a.RetryAfter < 0 || a.HeldSize != nil && *a.HeldSize < 0 ||
		len(a.Code) > 64 || strings.Trim(a.Code, "abcdefghijklmnopqrstuvwxyz0123456789_.") != "" {
		return nil, malformed("the answer is not one to this message")
	}
	return a, nil
}

// HeldSize verifies a status line and returns the size of the sender's log that the recipient holds.
func HeldSize(b []byte, ring *signing.Keyring, at time.Time, sender string) (int64, error) {
	line, _, err := signing.OpenLine(StatusDomain, b, ring, at)
	if err != nil {
		return 0, err
	}
	var s struct {
		Sender string `json:"sender"`
		Held   int64  `json:"held_size"`
	}
	if json.Unmarshal(line, &s) != nil || s.Sender != sender || s.Held < 0 {
		return 0, malformed("the status is not one of this sender")
	}
	return s.Held, nil
}
