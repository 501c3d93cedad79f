package transferlog

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// Version is the value of "v" in every entry.
const Version = 1

// MaxEntry is the greatest length of an entry in bytes.
const MaxEntry = 1<<16 - 1

// Entry is one leaf of the log: [*Intent], [*Settlement], [*Refusals], [*Run], [*Act], [*RegisterChange] or [*Block].
type Entry interface {
	// Kind is the value of "kind".
	Kind() string
	// When is the value of "at".
	When() time.Time

	code(*coder)
	check() error
	stamp(time.Time)
}

// Stamp is the time of an entry; [Log.Commit] sets it.
type Stamp struct {
	// At is when the entry was written, in UTC to the microsecond.
	At time.Time
}

// When returns the time of the entry.
func (s *Stamp) When() time.Time { return s.At }

func (s *Stamp) stamp(t time.Time) { s.At = t.UTC().Truncate(time.Microsecond) }

// Intent says that a message is about to leave. It is durable before the first byte of the message leaves (I2).
type Intent struct {
	Stamp
	Transfer, Message record.ID
	// Sequence is the message's number for its recipient, from 1.
	Sequence uint64
	// Connector and Route are ids of the configuration; Recipient is a BIN.
	Connector, Route, Recipient string
	// Purpose is a code of the register, Path "consent" or "statute", Clause "5.2" or "5.3"; a void notice, and a notice without values, may leave
	// them empty.
	Purpose, Path, Clause string
	// Ground and Procedure are citations of acts.
	Ground, Procedure string
	// Request is the digest of the written request, zero for a scheduled route.
	Request record.Digest
	// The digests of what the decision was made under (I9).
	Decision, Register, Policy, Mapping, Schema record.Digest
	// Envelope is the digest of the envelope's header, which pins the payload; Payload is the digest of the bytes that travel.
	Envelope, Payload record.Digest
	// Fields are the ids of the fields that the message may hold, in the order of the disclosure set's masks.
	Fields []string
	// Records is the number of records in the message.
	Records int
	// Disclosure is the digest of the disclosure set.
	Disclosure record.Digest
	// Voids is the message whose number this one fills with a void notice; zero for an ordinary message.
	Voids record.ID
	// Actor is who or what caused the transfer; Snapshot names the read of the platform.
	Actor, Snapshot string
	// Notice is "correct", "withdraw" or "destroy" in a notice to an earlier recipient, and About the messages whose records it is about, each
	// once; the keys stand in the entry of a notice only.
	Notice string
	About  []record.ID
}

// Kind returns "intent".
func (*Intent) Kind() string { return "intent" }

func (e *Intent) code(c *coder) {
	c.id("transfer", &e.Transfer)
	c.id("message", &e.Message)
	c.sequence("sequence", &e.Sequence)
	c.text("connector", &e.Connector)
	c.text("route", &e.Route)
	c.text("recipient", &e.Recipient)
	c.text("purpose", &e.Purpose)
	c.text("path", &e.Path)
	c.text("clause", &e.Clause)
	c.text("ground", &e.Ground)
	c.text("procedure", &e.Procedure)
	c.digest("request", &e.Request)
	c.digest("decision", &e.Decision)
	c.digest("register", &e.Register)
	c.digest("policy", &e.Policy)
	c.digest("mapping", &e.Mapping)
	c.digest("schema", &e.Schema)
	c.digest("envelope", &e.Envelope)
	c.digest("payload", &e.Payload)
	c.texts("fields", &e.Fields)
	c.count("records", &e.Records)
	c.digest("disclosure", &e.Disclosure)
	c.id("voids", &e.Voids)
	c.text("actor", &e.Actor)
	c.text("snapshot", &e.Snapshot)
	if c.reading && c.peek(',') || !c.reading && (e.Notice != "" || len(e.About) > 0) {
		c.text("notice", &e.Notice)
		list(c, "about", &e.About, (*coder).idValue)
	}
}

func (e *Intent) check() error {
	switch {
	case e.Transfer.IsZero() || e.Message.IsZero():
		return errors.New("an intent names a transfer and a message")
	case e.Sequence == 0 || e.Sequence > math.MaxInt64:
		return errors.New("an intent has a sequence number from 1")
	case e.Recipient == "":
		return errors.New("an intent names a recipient")
	case e.Path != "consent" && e.Path != "statute" && (e.Path != "" || e.Voids.IsZero() && e.Notice == ""):
		return errors.New(`the path of an intent is "consent" or "statute", or "" in a notice`)
	case e.Envelope.IsZero() || e.Payload.IsZero():
		return errors.New("an intent pins an envelope and a payload")
	case e.Records < 0:
		return errors.New("the number of records is not negative")
	case len(e.Fields) > MaxFields:
		return fmt.Errorf("a message holds at most %d fields", MaxFields)
	}
	return e.checkNotice()
}

func (e *Intent) checkNotice() error {
	switch {
	case e.Notice == "" && len(e.About) == 0:
		return nil
	case e.Notice != "correct" && e.Notice != "withdraw" && e.Notice != "destroy":
		return errors.New("a notice corrects, withdraws or destroys")
	case len(e.About) == 0 || !e.Voids.IsZero() || e.Records == 0:
		return errors.New("a notice is about messages, holds records and voids nothing")
	}
	for i, id := range e.About {
		if id.IsZero() || slices.Contains(e.About[:i], id) {
			return errors.New("a notice names each message that it is about once")
		}
	}
	return nil
}

// The outcomes of a settlement.
const (
	Delivered = "delivered"
	Refused   = "refused"
	Disputed  = "disputed"
	Cancelled = "cancelled"
	Abandoned = "abandoned"
)

// Settlement says how an intent ended; there is exactly one for each (I3).
type Settlement struct {
	Stamp
	// Intent is the log index of the intent; the next four repeat what it says.
	Intent            int64
	Transfer, Message record.ID
	Sequence          uint64
	Recipient         string
	// Outcome is [Delivered], [Refused], [Disputed], [Cancelled] or [Abandoned]; Code says why, if it was not delivered.
	Outcome, Code string
	// Receipt is the SHA-256 of the receipt's bytes; zero if there is none. A delivery has one.
	Receipt record.Digest
	// Accepted, Updated and Rejected count records, by the receipt.
	Accepted, Updated, Rejected int
	// Attempts counts the deliveries tried.
	Attempts int
}

// Kind returns "settlement".
func (*Settlement) Kind() string { return "settlement" }

func (e *Settlement) code(c *coder) {
	c.number("intent", &e.Intent)
	c.id("transfer", &e.Transfer)
	c.id("message", &e.Message)
	c.sequence("sequence", &e.Sequence)
	c.text("recipient", &e.Recipient)
	c.text("outcome", &e.Outcome)
	c.text("code", &e.Code)
	c.digest("receipt", &e.Receipt)
	c.count("accepted", &e.Accepted)
	c.count("updated", &e.Updated)
	c.count("rejected", &e.Rejected)
	c.count("attempts", &e.Attempts)
}

func (e *Settlement) check() error {
	switch e.Outcome {
	case Delivered:
		if e.Receipt.IsZero() {
			return errors.New("a delivery is proven by a receipt")
		}
	case Refused, Disputed, Cancelled, Abandoned:
		if e.Code == "" {
			return errors.New("a settlement that is not a delivery has a code")
		}
	default:
		return errors.New("unknown outcome of a settlement")
	}
	if e.Intent < 0 || e.Message.IsZero() {
		return errors.New("a settlement names an intent and a message")
	}
	return notNegative(e.Accepted, e.Updated, e.Rejected, e.Attempts)
}

func notNegative(counts ...int) error {
	for _, n := range counts {
		if n < 0 {
			return errors.New("a count is not negative")
		}
	}
	return nil
}

// RefusalCount says how many people one rule refused.
type RefusalCount struct {
	// Rule is the rule's id, Code the stable code of the refusal.
	Rule, Code string
	People     int
}

// Refusals sums up whom a transfer did not send, and by which rules (I7).
type Refusals struct {
	Stamp
	Transfer         record.ID
	Connector, Route string
	Counts           []RefusalCount
	// Set is the digest of the refusal set; zero if nobody was refused.
	Set record.Digest
}

// Kind returns "refusals".
func (*Refusals) Kind() string { return "refusals" }

func (e *Refusals) code(c *coder) {
	c.id("transfer", &e.Transfer)
	c.text("connector", &e.Connector)
	c.text("route", &e.Route)
	list(c, "counts", &e.Counts, func(c *coder, n *RefusalCount) {
		c.object(func() {
			c.text("rule", &n.Rule)
			c.text("code", &n.Code)
			c.count("people", &n.People)
		})
	})
	c.digest("set", &e.Set)
}

func (e *Refusals) check() error {
	for _, n := range e.Counts {
		if n.Rule == "" || n.People < 0 {
			return errors.New("a count of refusals names its rule and is not negative")
		}
	}
	return nil
}
