package signing

import (
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// The operations that a message can be.
const (
	// OperationProvide hands over data.
	OperationProvide = "transfer.provide"
	// OperationVoid fills the sequence number of a message that was cancelled before it left. It carries no records.
	OperationVoid = "transfer.void"
	// OperationNotice tells what has become of records that were handed over before. Its fields are those whose new values it gives, and it
	// says under which decision only if it gives any.
	OperationNotice = "transfer.notice"
)

// The two paths of policy section 5.
const (
	PathConsent = "consent"
	PathStatute = "statute"
)

// Limits of a header.
const (
	MaxHeaderBytes = 16 << 10
	maxText        = 2000
	maxFields      = 64
	maxRecords     = 10_000_000
	maxTime        = 9999 // year
)

// Header is what an envelope says of its message. Every digest pins the bytes the message was decided under (invariant I9).
type Header struct {
	// V is the version of the form: 1.
	V int
	// Transfer is the run, Message this message of it, Sequence its number in the row of messages to this recipient, from 1 (invariant I10).
	Transfer, Message record.ID
	Sequence          uint64
	// Sender and Recipient are BINs, 12 digits.
	Sender, Recipient string
	// Route and Connector are their names in configuration; Purpose is the purpose's code.
	Route, Connector, Purpose string
	// Path is PathConsent or PathStatute, Operation an Operation constant, Clause the policy's clause ("5.2", "5.3").
	Path, Operation, Clause string
	// Ground cites the act and article.
	Ground string
	// Decision, Register, Policy, Mapping and Schema are what the message was decided under and written with.
	Decision, Register, Policy, Mapping, Schema record.Digest
	// Fields are the ids of the profile fields in the message, at most 64.
	Fields []string
	// Records is the number of people in the message.
	Records int
	// MediaType, Payload and PayloadBytes describe the payload; Seal fills them.
	MediaType    string
	Payload      record.Digest
	PayloadBytes int64
	// Sealed is when the envelope was made, in UTC and whole microseconds.
	Sealed time.Time
}

// GroundDigest is the digest of the citation, by which HTTP fields name it; zero if there is none.
func (h *Header) GroundDigest() record.Digest {
	if h.Ground == "" {
		return record.Digest{}
	}
	return record.DigestOf([]byte(h.Ground))
}

// Append writes the canonical form.
func (h *Header) Append(dst []byte) []byte {
	dst = appendNumber(dst, `{"v":`, uint64(h.V))
	dst = appendText(dst, `,"transfer":`, h.Transfer.String())
	dst = appendText(dst, `,"message":`, h.Message.String())
	dst = appendNumber(dst, `,"sequence":`, h.Sequence)
	dst = appendText(dst, `,"sender":`, h.Sender)
	dst = appendText(dst, `,"recipient":`, h.Recipient)
	dst = appendText(dst, `,"route":`, h.Route)
	dst = appendText(dst, `,"connector":`, h.Connector)
	dst = appendText(dst, `,"purpose":`, h.Purpose)
	dst = appendText(dst, `,"path":`, h.Path)
	dst = appendText(dst, `,"operation":`, h.Operation)
	dst = appendText(dst, `,"clause":`, h.Clause)
	dst = appendText(dst, `,"ground":`, h.Ground)
	dst = appendText(dst, `,"decision":`, h.Decision.String())
	dst = appendText(dst, `,"register":`, h.Register.String())
	dst = appendText(dst, `,"policy":`, h.Policy.String())
	dst = appendText(dst, `,"mapping":`, h.Mapping.String())
	dst = appendText(dst, `,"schema":`, h.Schema.String())
	dst = append(dst, `,"fields":[`...)
	for i, f := range h.Fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, f)
	}
	dst = appendNumber(dst, `],"records":`, uint64(h.Records))
	dst = appendText(dst, `,"media_type":`, h.MediaType)
	dst = appendText(dst, `,"payload":`, h.Payload.String())
	dst = appendNumber(dst, `,"payload_bytes":`, uint64(h.PayloadBytes))
	dst = appendTime(dst, `,"sealed":`, h.Sealed)
	return append(dst, '}')
}

// ParseHeader reads the canonical form and checks it. It verifies no signature. Codes: envelope.malformed, envelope.header.
func ParseHeader(b []byte) (Header, error) {
	r := &canonicalReader{rest: b}
	if len(b) > MaxHeaderBytes {
		r.fail()
	}
	var h Header
	h.V = r.count(`{"v":`)
	h.Transfer = r.id(`,"transfer":`)
	h.Message = r.id(`,"message":`)
	h.Sequence = r.number(`,"sequence":`)
	h.Sender = r.text(`,"sender":`)
	h.Recipient = r.text(`,"recipient":`)
	h.Route = r.text(`,"route":`)
	h.Connector = r.text(`,"connector":`)
	h.Purpose = r.text(`,"purpose":`)
	h.Path = r.text(`,"path":`)
	h.Operation = r.text(`,"operation":`)
	h.Clause = r.text(`,"clause":`)
	h.Ground = r.text(`,"ground":`)
	h.Decision = r.digest(`,"decision":`)
	h.Register = r.digest(`,"register":`)
	h.Policy = r.digest(`,"policy":`)
	h.Mapping = r.digest(`,"mapping":`)
	h.Schema = r.digest(`,"schema":`)
	r.literal(`,"fields":[`)
	for !r.bad && !r.next(`]`) {
		if len(h.Fields) > 0 {
			r.literal(`,`)
		}
		h.Fields = append(h.Fields, r.string())
	}
	h.Records = r.count(`,"records":`)
	h.MediaType = r.text(`,"media_type":`)
	h.Payload = r.digest(`,"payload":`)
	h.PayloadBytes = int64(r.number(`,"payload_bytes":`))
	h.Sealed = r.time(`,"sealed":`)
	r.literal(`}`)
	if !r.done() {
		return Header{}, record.NewProblem("envelope.malformed", "header", "", "the header is not in the canonical form")
	}
	if err := h.check(); err != nil {
		return Header{}, err
	}
	return h, nil
}

// check reports everything that is wrong with the header, in its order.
func (h *Header) check() error {
	var ps record.Problems
	want := func(ok bool, name, expected string) {
		if !ok {
			ps.Add("envelope.header", name, "", "expected %s", expected)
		}
	}
	want(h.V == 1, "v", "1")
	want(!h.Transfer.IsZero(), "transfer", "an id")
	want(!h.Message.IsZero(), "message", "an id")
	want(h.Sequence >= 1 && h.Sequence <= maxNumber, "sequence", "a number from 1")
	want(isBIN(h.Sender), "sender", "a BIN of 12 digits")
	want(isBIN(h.Recipient), "recipient", "a BIN of 12 digits")
	notice := h.Operation == OperationNotice
	provide := h.Operation != OperationVoid && !notice
	want(h.Operation == OperationProvide || notice || h.Operation == OperationVoid, "operation", "transfer.provide, transfer.notice or transfer.void")
	gives := provide || notice && len(h.Fields) > 0
	for _, f := range [...]struct{ name, value string }{
		{"route", h.Route}, {"connector", h.Connector}, {"purpose", h.Purpose}, {"clause", h.Clause}, {"ground", h.Ground},
	} {
		want(plain(f.value, maxText) || !gives && f.value == "", f.name, "a text without control characters")
	}
	want(h.Path == PathConsent || h.Path == PathStatute || !gives && h.Path == "", "path", "consent or statute")
	for _, f := range [...]struct {
		name  string
		value record.Digest
	}{{"decision", h.Decision}, {"register", h.Register}, {"policy", h.Policy}, {"mapping", h.Mapping}, {"schema", h.Schema}} {
		want(!gives || !f.value.IsZero(), f.name, "a digest")
	}
	want(!notice || !h.Schema.IsZero() && !h.Register.IsZero(), "schema", "a digest, as of the register, in a notice")
	h.checkContent(want, provide, notice)
	return ps.Err()
}

func (h *Header) checkContent(want func(ok bool, name, expected string), provide, notice bool) {
	fieldsOK := len(h.Fields) <= maxFields && ((len(h.Fields) > 0) == provide || notice)
	for _, f := range h.Fields {
		fieldsOK = fieldsOK && plain(f, maxText)
	}
	want(fieldsOK, "fields", "1 to 64 field ids, and none in a void notice")
	want(h.Records >= 0 && h.Records <= maxRecords && (provide || (h.Records > 0) == notice), "records", "a number of people, 0 in a void notice, 1 or more in a notice")
	want(plain(h.MediaType, maxText), "media_type", "a media type")
	want(!h.Payload.IsZero(), "payload", "a digest")
	want(h.PayloadBytes >= 0 && h.PayloadBytes <= maxNumber, "payload_bytes", "a size")
	want(h.Sealed.Year() >= 2000 && h.Sealed.Year() <= maxTime && h.Sealed.Nanosecond()%1000 == 0, "sealed", "a time in whole microseconds")
}

func isBIN(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
