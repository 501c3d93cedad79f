package transferlog

import (
	"errors"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// DeniedField is a field that the recipient asks for and does not get.
type DeniedField struct {
	// Field is as the recipient names it; Rule is the id of the rule that denies it.
	Field, Rule string
}

// Run sums up a transfer. Its counts of people obey I8: Read = Accepted + Unchanged + Refused + Withheld + Rejected + Pending.
type Run struct {
	Stamp
	Transfer         record.ID
	Connector, Route string
	Recipient        string
	// Due is when the schedule wanted it; zero for other triggers.
	Due time.Time
	// Trigger is "schedule", "run_now", "ad_hoc" or "catch_up".
	Trigger string
	// Refused counts people refused by law, Withheld those held back by data or a hold, Rejected those the recipient rejected.
	Read, Accepted, Unchanged, Refused, Withheld, Rejected, Pending int
	// Receiver is the number of records that the recipient's receipts say it took.
	Receiver int
	// Status is computed from the counts, never assigned: "done", "failed", "refused", "pending", ...
	Status string
	// Fields are the ids of the fields sent, Denied those that were asked for and not sent.
	Fields []string
	Denied []DeniedField
	// First and Last are the sequence numbers used; both 0 if nothing was sent.
	First, Last uint64
}

// Kind returns "run".
func (*Run) Kind() string { return "run" }

func (e *Run) code(c *coder) {
	c.id("transfer", &e.Transfer)
	c.text("connector", &e.Connector)
	c.text("route", &e.Route)
	c.text("recipient", &e.Recipient)
	c.when("due", &e.Due)
	c.text("trigger", &e.Trigger)
	c.count("read", &e.Read)
	c.count("accepted", &e.Accepted)
	c.count("unchanged", &e.Unchanged)
	c.count("refused", &e.Refused)
	c.count("withheld", &e.Withheld)
	c.count("rejected", &e.Rejected)
	c.count("pending", &e.Pending)
	c.count("receiver", &e.Receiver)
	c.text("status", &e.Status)
	c.texts("fields", &e.Fields)
	list(c, "denied", &e.Denied, func(c *coder, d *DeniedField) {
		c.object(func() {
			c.text("field", &d.Field)
			c.text("rule", &d.Rule)
		})
	})
	c.sequence("first", &e.First)
	c.sequence("last", &e.Last)
}

func (e *Run) check() error {
	if e.Transfer.IsZero() || e.Status == "" {
		return errors.New("a run names its transfer and its status")
	}
	if e.First > e.Last {
		return errors.New("the first sequence number of a run is not above its last")
	}
	return notNegative(e.Read, e.Accepted, e.Unchanged, e.Refused, e.Withheld, e.Rejected, e.Pending, e.Receiver)
}

// Balanced reports whether the identity I8 holds, receiver's count included.
func (e *Run) Balanced() bool {
	return e.Read == e.Accepted+e.Unchanged+e.Refused+e.Withheld+e.Rejected+e.Pending && e.Receiver == e.Accepted
}

// Act is what a person did as an administrator.
type Act struct {
	Stamp
	// Actor is who; Act is what: "approve_route", "request", "approve_request", "run_now", "keys.rotate", ...
	Actor, Act string
	// Object names what was acted on and Digest pins it.
	Object string
	Digest record.Digest
	// Reason is the actor's; Signature is over Digest, where one was given.
	Reason, Signature string
}

// Kind returns "act".
func (*Act) Kind() string { return "act" }

func (e *Act) code(c *coder) {
	c.text("actor", &e.Actor)
	c.text("act", &e.Act)
	c.text("object", &e.Object)
	c.digest("digest", &e.Digest)
	c.text("reason", &e.Reason)
	c.text("signature", &e.Signature)
}

func (e *Act) check() error {
	if e.Actor == "" || e.Act == "" {
		return errors.New("an act names its actor and what was done")
	}
	return nil
}

// RegisterChange says that another register is in force from here on.
type RegisterChange struct {
	Stamp
	// Old is zero for the first register.
	Old, New record.Digest
	// Actors are the people who put it in force.
	Actors []string
}

// Kind returns "register_change".
func (*RegisterChange) Kind() string { return "register_change" }

func (e *RegisterChange) code(c *coder) {
	c.digest("old", &e.Old)
	c.digest("new", &e.New)
	c.texts("actors", &e.Actors)
}

func (e *RegisterChange) check() error {
	if e.New.IsZero() {
		return errors.New("a change of the register pins the new one")
	}
	return nil
}

// Block says that a person was blocked or unblocked (policy 6.2.4).
type Block struct {
	Stamp
	// Act is "block" or "unblock".
	Act string
	// Subject is the person's ordinal inside the service, 0 for somebody whom no transfer has met.
	Subject uint64
	// Requester is the kind of requester; Received when the demand arrived; Reason a code.
	Requester string
	Received  time.Time
	Reason    string
}

// Kind returns "block".
func (*Block) Kind() string { return "block" }

func (e *Block) code(c *coder) {
	c.text("act", &e.Act)
	c.sequence("subject", &e.Subject)
	c.text("requester", &e.Requester)
	c.when("received", &e.Received)
	c.text("reason", &e.Reason)
}

func (e *Block) check() error {
	if e.Act != "block" && e.Act != "unblock" {
		return errors.New(`a block entry's act is "block" or "unblock"`)
	}
	return nil
}
