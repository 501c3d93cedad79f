package connectortest

import (
	"maps"
	"slices"

	"birgeoqy.kz/almasu/connectors"
)

// Act is how a receiver treats one request that brings a message.
type Act string

// The acts. "Kept" says whether the message is stored, and its receipt made, before the receiver misbehaves.
const (
	// Honest: checked, kept, receipt.
	Honest Act = "honest"
	// CutBefore closes the connection before the message is looked at; CutAfter keeps it and closes the connection without an answer.
	CutBefore Act = "cut before"
	CutAfter  Act = "cut after"
	// Silent never answers and does not keep; SilentAfter keeps and never answers; Slow keeps and sends the beginning of the receipt only.
	Silent      Act = "silent"
	SilentAfter Act = "silent after"
	Slow        Act = "slow"
	// ServerError answers 500, ServerErrorAfter keeps and answers 500; Busy answers that the sender may come again in [RetryAfter].
	ServerError      Act = "server error"
	ServerErrorAfter Act = "server error after"
	Busy             Act = "busy"
	// Forged keeps and answers with a receipt that a stranger's key has signed; OtherBytes with a good receipt for other bytes; Miscounted with a receipt
	// that counts other records than the message has; Garbled with a receipt of which one bit is wrong.
	Forged     Act = "forged receipt"
	OtherBytes Act = "receipt for other bytes"
	Miscounted Act = "miscounted receipt"
	Garbled    Act = "garbled receipt"
	// BadSum keeps and answers with a receipt whose accepted and rejected records are not as many as it has; BadPlace with the outcome of a record that the message does
	// not have; Silence with fewer outcomes than it counts rejected records.
	BadSum   Act = "receipt whose counts do not add up"
	BadPlace Act = "receipt with an outcome of no record"
	Silence  Act = "receipt that keeps outcomes to itself"
	// Huge keeps and answers with more than a receipt may have, saying so; Endless does not stop answering.
	Huge    Act = "huge answer"
	Endless Act = "endless answer"
	// NoReceipt keeps and answers that all is well, without a receipt.
	NoReceipt Act = "no receipt"
	// Doubled handles the request twice, as a network may that repeats it, and gives the second answer.
	Doubled Act = "doubled"
	// RejectsOne keeps the message and rejects its first record; Refuses finally refuses it with a signed receipt; Dismisses refuses it without one.
	RejectsOne Act = "rejects one record"
	Refuses    Act = "refuses"
	Dismisses  Act = "dismisses"
	// Forked says that the sender's log is another one than it was; Distrusts that the sender's key is unknown.
	Forked    Act = "forked log"
	Distrusts Act = "unknown key"
)

// RetryAfter is what Busy asks for, in seconds.
const RetryAfter = 7

// verdict is what a connector must make of an act.
type verdict struct {
	// receipt says that the delivery ends with a good receipt; else kind is the kind of its failure.
	receipt bool
	kind    connectors.Kind
	// kept says that the message has arrived all the same.
	kept bool
	// final says that the receiver has settled the message for good: it is not delivered again.
	final bool
}

var verdicts = map[Act]verdict{
	Honest:           {receipt: true, kept: true},
	CutBefore:        {kind: connectors.Transient},
	CutAfter:         {kind: connectors.Transient, kept: true},
	Silent:           {kind: connectors.Transient},
	SilentAfter:      {kind: connectors.Transient, kept: true},
	Slow:             {kind: connectors.Transient, kept: true},
	ServerError:      {kind: connectors.Transient},
	ServerErrorAfter: {kind: connectors.Transient, kept: true},
	Busy:             {kind: connectors.Transient},
	Forged:           {kind: connectors.Disputed, kept: true},
	OtherBytes:       {kind: connectors.Disputed, kept: true},
	Miscounted:       {kind: connectors.Disputed, kept: true},
	Garbled:          {kind: connectors.Disputed, kept: true},
	BadSum:           {kind: connectors.Disputed, kept: true},
	BadPlace:         {kind: connectors.Disputed, kept: true},
	Silence:          {kind: connectors.Disputed, kept: true},
	Huge:             {kind: connectors.Disputed, kept: true},
	Endless:          {kind: connectors.Disputed, kept: true},
	NoReceipt:        {kind: connectors.Disputed, kept: true},
	Doubled:          {receipt: true, kept: true},
	RejectsOne:       {receipt: true, kept: true},
	Refuses:          {receipt: true, final: true},
	Dismisses:        {kind: connectors.Refused},
	Forked:           {kind: connectors.Halt},
	Distrusts:        {kind: connectors.Halt},
}

// Acts lists every act.
func Acts() []Act { return slices.Sorted(maps.Keys(verdicts)) }
