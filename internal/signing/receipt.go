package signing

import (
	"bytes"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// ReceiptMediaType is the media type of a signed receipt.
const ReceiptMediaType = "application/vnd.almasu.receipt"

// MaxReceiptBytes bounds a signed receipt.
const MaxReceiptBytes = 4 << 20

const receiptDomain = "almasu-receipt/v1\n"

// The states of a receipt and of an outcome.
const (
	StatusAccepted = "accepted"
	StatusRefused  = "refused"
	StatusRejected = "rejected"
	StatusUpdated  = "updated"
)

// Receipt is what a recipient signs about one envelope.
type Receipt struct {
	// V is the version of the form: 1.
	V int
	// Message, Envelope (digest of the header), Sequence and Recipient (BIN) say which message this is about.
	Message   record.ID
	Envelope  record.Digest
	Sequence  uint64
	Recipient string
	// Receiver is the id of the key that signs the receipt; SignReceipt fills it.
	Receiver string
	// Received is when the message was stored, in UTC and whole microseconds.
	Received time.Time
	// Status is StatusAccepted, or StatusRefused for a message of which nothing was taken; then Code says why.
	Status, Code string
	// Records is the number of records in the message: Accepted as new, Updated, Rejected.
	Records, Accepted, Updated, Rejected int
	// Outcomes lists the updated and the rejected records of an accepted message, by ascending index.
	Outcomes []Outcome
	// CheckpointSize is the size of the sender's log that the recipient holds, LogIndex the index of the message's intent in it.
	CheckpointSize, LogIndex int64
}

// Outcome is what became of one record that was not plainly accepted.
type Outcome struct {
	// Index is the record's position in the message, from 0.
	Index int
	// Status is StatusUpdated or StatusRejected.
	Status string
	// Code and Text say why; they hold no value of the record.
	Code, Text string
}

// Subject is what a receipt must be about.
type Subject struct {
	Message   record.ID
	Envelope  record.Digest
	Sequence  uint64
	Recipient string
	Records   int
}

// Append writes the canonical form.
func (r *Receipt) Append(dst []byte) []byte {
	dst = appendNumber(dst, `{"v":`, uint64(r.V))
	dst = appendText(dst, `,"message":`, r.Message.String())
	dst = appendText(dst, `,"envelope":`, r.Envelope.String())
	dst = appendNumber(dst, `,"sequence":`, r.Sequence)
	dst = appendText(dst, `,"recipient":`, r.Recipient)
	dst = appendText(dst, `,"receiver":`, r.Receiver)
	dst = appendTime(dst, `,"received":`, r.Received)
	dst = appendText(dst, `,"status":`, r.Status)
	dst = appendText(dst, `,"code":`, r.Code)
	dst = appendNumber(dst, `,"records":`, uint64(r.Records))
	dst = appendNumber(dst, `,"accepted":`, uint64(r.Accepted))
	dst = appendNumber(dst, `,"updated":`, uint64(r.Updated))
	dst = appendNumber(dst, `,"rejected":`, uint64(r.Rejected))
	dst = append(dst, `,"outcomes":[`...)
	for i, o := range r.Outcomes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendNumber(dst, `{"index":`, uint64(o.Index))
		dst = appendText(dst, `,"status":`, o.Status)
		dst = appendText(dst, `,"code":`, o.Code)
		dst = appendText(dst, `,"text":`, o.Text)
		dst = append(dst, '}')
	}
	dst = appendNumber(dst, `],"checkpoint_size":`, uint64(r.CheckpointSize))
	dst = appendNumber(dst, `,"log_index":`, uint64(r.LogIndex))
	return append(dst, '}')
}

// parseReceipt reads the canonical form.
func parseReceipt(b []byte) (*Receipt, bool) {
	in := &canonicalReader{rest: b}
	r := &Receipt{}
	r.V = in.count(`{"v":`)
	r.Message = in.id(`,"message":`)
	r.Envelope = in.digest(`,"envelope":`)
	r.Sequence = in.number(`,"sequence":`)
	r.Recipient = in.text(`,"recipient":`)
	r.Receiver = in.text(`,"receiver":`)
	r.Received = in.time(`,"received":`)
	r.Status = in.text(`,"status":`)
	r.Code = in.text(`,"code":`)
	r.Records = in.count(`,"records":`)
	r.Accepted = in.count(`,"accepted":`)
	r.Updated = in.count(`,"updated":`)
	r.Rejected = in.count(`,"rejected":`)
	in.literal(`,"outcomes":[`)
	for !in.bad && !in.next(`]`) {
		if len(r.Outcomes) > 0 {
			in.literal(`,`)
		}
		o := Outcome{Index: in.count(`{"index":`)}
		o.Status = in.text(`,"status":`)
		o.Code = in.text(`,"code":`)
		o.Text = in.text(`,"text":`)
		in.literal(`}`)
		r.Outcomes = append(r.Outcomes, o)
	}
	r.CheckpointSize = int64(in.number(`,"checkpoint_size":`))
	r.LogIndex = int64(in.number(`,"log_index":`))
	in.literal(`}`)
	return r, in.done()
}

// SignReceipt sets V to 1, Receiver to the key's id and Received to UTC in whole microseconds, and signs. A receipt that
// [OpenReceipt] would refuse is not signed: receipt.malformed, receipt.counts.
func SignReceipt(r Receipt, k *Key) ([]byte, error) {
	if k == nil {
		return nil, record.NewProblem("signing.no_key", "", "", "there is no key to sign with")
	}
	r.V, r.Receiver, r.Received = 1, k.ID(), r.Received.UTC().Truncate(time.Microsecond)
	if err := r.check(); err != nil {
		return nil, err
	}
	line := r.Append(make([]byte, 0, 768+48*len(r.Outcomes)))
	if len(line) > MaxReceiptBytes-2*maxSignature {
		return nil, malformedReceipt("the receipt is too long")
	}
	return SignLine(receiptDomain, line, k)
}

// OpenReceipt verifies that b is a receipt for this envelope, signed by a key whose period in the ring holds the given time.
// Codes: receipt.malformed, receipt.unknown_key, receipt.key_of_another (the key is another recipient's), receipt.key_expired,
// receipt.key_not_yet_valid, receipt.bad_signature, receipt.other_recipient (another recipient's receipt), receipt.other_envelope (this recipient's, for
// another message), receipt.counts.
func OpenReceipt(b []byte, ring *Keyring, at time.Time, env *Envelope) (*Receipt, error) {
	if env == nil || env.digest.IsZero() { // its payload need not be at hand: the digest pins it
		return nil, record.NewProblem("receipt.other_envelope", "", "", "there is no envelope that this receipt could be for")
	}
	return OpenReceiptFor(b, ring, at, env.Subject())
}

// OpenReceiptFor is [OpenReceipt] for those who know the envelope by the log only.
func OpenReceiptFor(b []byte, ring *Keyring, at time.Time, subject Subject) (*Receipt, error) {
	if len(b) > MaxReceiptBytes {
		return nil, malformedReceipt("the receipt is too long")
	}
	line, keyID, err := OpenLine(receiptDomain, b, ring, at)
	if err != nil {
		return nil, receiptProblem(err, b, subject)
	}
	r, ok := parseReceipt(line)
	if !ok {
		return nil, malformedReceipt("the receipt is not in the canonical form")
	}
	if r.Receiver != keyID {
		return nil, malformedReceipt("the receipt names another key than the one that signed it")
	}
	if !subject.Envelope.IsZero() && r.Recipient != subject.Recipient {
		return nil, otherRecipient()
	}
	if subject.Envelope.IsZero() || r.Envelope != subject.Envelope || r.Message != subject.Message || r.Sequence != subject.Sequence || r.Recipient != subject.Recipient {
		return nil, record.NewProblem("receipt.other_envelope", "", "keep both: a signed receipt for another message is evidence", "the receipt is for another envelope")
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.Records != subject.Records {
		return nil, countProblem("the receipt counts another number of records than the envelope")
	}
	return r, nil
}

// ReadReceipt reads the bytes of a receipt that [OpenReceipt] accepted before they were stored. It verifies no signature; receipt.malformed is what does not
// read as a receipt.
func ReadReceipt(b []byte) (*Receipt, error) {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	r, ok := parseReceipt(line)
	if !ok {
		return nil, malformedReceipt("the receipt is not in the canonical form")
	}
	return r, r.check()
}

func otherRecipient() error {
	return record.NewProblem("receipt.other_recipient", "", "keep it: a recipient has answered with a receipt that another recipient made", "the receipt is another recipient's")
}

// claimsAnother reports whether a receipt that could not be verified says itself that it is another recipient's.
func claimsAnother(b []byte, subject Subject) bool {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	r, ok := parseReceipt(line)
	return ok && r.Recipient != subject.Recipient
}

// receiptProblem gives a failure of the line the receipt's own code.
func receiptProblem(err error, b []byte, subject Subject) error {
	switch record.CodeOf(err) {
	case "signing.unknown_key", "signing.key_of_another":
		if claimsAnother(b, subject) {
			return otherRecipient()
		}
		if record.CodeOf(err) == "signing.key_of_another" {
			return record.NewProblem("receipt.key_of_another", "", "keep it: the receipt is signed in the name of one recipient with the key of another", "the receipt is signed by another recipient's key")
		}
		return record.NewProblem("receipt.unknown_key", "", "provision the recipient's new public key by file and compare its fingerprint", "the receipt is signed by a key that is not provisioned")
	case "signing.key_expired":
		return record.NewProblem("receipt.key_expired", "", "ask the recipient for the key that replaced it", "the receipt is signed by a key whose period is over")
	case "signing.key_not_yet_valid":
		return record.NewProblem("receipt.key_not_yet_valid", "", "check both clocks and the key's not_before", "the receipt is signed by a key whose period has not begun")
	case "signing.bad_signature":
		return record.NewProblem("receipt.bad_signature", "", "", "the signature of the receipt does not verify")
	}
	return malformedReceipt("expected a line of JSON and a line with key id and signature")
}

func malformedReceipt(message string) error {
	return record.NewProblem("receipt.malformed", "", "", "%s", message)
}

func countProblem(message string) error {
	return record.NewProblem("receipt.counts", "", "compare the recipient's own count", "%s", message)
}
