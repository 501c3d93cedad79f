// Package connectors is the contract between the engine and the systems at both ends of a
// transfer: a [Source] of people, and a [Connector] that seals, delivers and reads receipts.
// One folder below holds one system. A connector decides nothing about law: it receives
// documents that are already lawful, and may not import legal, mapping or transfer.
//
// # Duties of a connector
//
//   - Seal does no I/O and is a pure function of its arguments.
//   - Deliver sends exactly the envelope's payload, under the envelope's message id, also on
//     the hundredth attempt; only transport signatures are made anew.
//   - Deliver refuses a zero [signing.Envelope] and a [transferlog.Ticket] that is not for this envelope,
//     before the first byte leaves.
//   - Deliver reads at most a stated number of bytes of an answer and follows no redirect to another host.
//   - ReadReceipt verifies the counterparty's signature over this envelope's digest; a receipt for
//     other bytes is [Disputed], never ignored.
//   - Errors are [*Failure]s; any other error counts as Transient.
//
// All methods are safe for concurrent use.
package connectors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Query says what a source may read.
type Query struct {
	// Fields are the permitted profile fields, by field id: the only values that are read besides decision columns.
	Fields []string
	// After and Through restrict the read to keys above After and not above Through, in the form of [record.Person.Key];
	// nil means no bound. An interrupted transfer goes on from the last key it has recorded. A source that is given a bound
	// it cannot read refuses the query: a bound is never ignored.
	After, Through []byte
	// Since restricts the read to people of whom anything may have changed after an earlier snapshot: it is what that stream's Horizon said; empty is
	// everybody. Whoever has no row any more is not found. If the source cannot tell, because it has no such horizon or is not the one that gave it, Open fails with [ErrHorizon].
	Since string
	// Updated has [record.Person.Updated] read.
	Updated bool
	// Wide lets the source read over more than one connection: for a reader that waits for the source, as one that compares does. One that writes documents has less to wait for
	// than that costs.
	Wide bool
}

// ErrHorizon is in the error of a [Source] that cannot tell what has changed since [Query].Since: read everybody.
var ErrHorizon = errors.New("the source cannot tell what has changed since that horizon")

// Source reads people from a platform.
type Source interface {
	// Open begins one consistent snapshot. Fields that the configuration does not map to a column are an error.
	Open(ctx context.Context, q Query) (Stream, error)
}

// Stream is one snapshot, read once, in strictly ascending key order.
type Stream interface {
	// Next empties b, whose field columns are the query's, and fills it with at most n people. It returns io.EOF, and an empty
	// batch, after the last person, and only when the read is complete: an error is never mistaken for the end.
	Next(ctx context.Context, b *record.Batch, n int) error
	// Snapshot names the snapshot, for the log.
	Snapshot() string
	// Horizon is what a later query gives as Since to read what may have changed after this snapshot; empty if the source has none. It says nothing
	// of a read that did not come to its end.
	Horizon() string
	// Close releases the snapshot. It is safe after an error.
	Close() error
}

// Connector moves sealed documents to one recipient and brings back receipts.
type Connector interface {
	// Seal turns a document into the payload that travels, which may share the document's memory. It keeps no reference to either. No I/O.
	Seal(document []byte, mediaType string) (payload []byte, payloadType string, err error)
	// Deliver makes one attempt and returns the acknowledgement's bytes. The readers of the payload that it has opened are closed when it returns: the payload's
	// memory is used for other messages.
	Deliver(ctx context.Context, env *signing.Envelope, ticket *transferlog.Ticket) ([]byte, error)
	// ReadReceipt verifies an acknowledgement against the envelope it must be for.
	ReadReceipt(env *signing.Envelope, acknowledgement []byte) (*signing.Receipt, error)
}

// Asker is a [Connector] that can ask its recipient. Whatever is put around a connector remains one if the connector is.
type Asker interface {
	// Standing returns what the recipient says that it holds of a sender, with its messages from a number on.
	Standing(ctx context.Context, sender string, from uint64) (*signing.Standing, error)
}

// Prover makes proofs of the sender's own log, which a connector carries to the recipient.
type Prover interface {
	// Consistency returns the RFC 6962 consistency proof that the log of size to begins with the log of size from, 0 < from < to. A size
	// beyond the log's is [ErrAhead]. It is safe for concurrent use and does not change the log.
	Consistency(ctx context.Context, from, to int64) (tlog.TreeProof, error)
}

// ErrAhead is returned by a [Prover] whose log is shorter than the proof that it is asked for.
var ErrAhead = errors.New("the log is shorter than the size that is asked for")

// Kind says what the engine does about a failed delivery.
type Kind uint8

// The kinds of failure. The zero value is Transient: try the same envelope again.
const (
	// Transient: the same envelope is sent again under the same message id.
	Transient Kind = iota
	// Refused: the recipient has finally refused this message; it is settled as refused.
	Refused
	// Disputed: the recipient answered, but the answer proves nothing or something else; it is settled as disputed.
	Disputed
	// Halt: nothing more may be sent to this recipient, by any connector, until it takes this message or a person has looked (a fork of the log is suspected, keys do not match).
	Halt
)

var kinds = [...]string{"transient", "refused", "disputed", "halt"}

// String returns the lower-case name of the kind.
func (k Kind) String() string { return kinds[k] }

// Failure is why a delivery did not end in a receipt.
type Failure struct {
	Kind Kind
	// Code is the stable code, e.g. "delivery.timeout"; the recipient's own code goes into Remote.
	Code, Remote string
	// RetryAfter is the recipient's wish, 0 if it stated none.
	RetryAfter time.Duration
	// Placed says that the message lies where the recipient takes it, and that only its answer is missing: the way there is in order.
	Placed bool
	// Hint says what the operator can do; it may be empty.
	Hint string
	Err  error
}

// Error says kind, code and cause.
func (f *Failure) Error() string {
	s := fmt.Sprintf("%s delivery failure [%s]", f.Kind, f.Code)
	if f.Remote != "" {
		s += fmt.Sprintf(", the recipient says %q", f.Remote)
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// ProblemCode returns the stable code.
func (f *Failure) ProblemCode() string { return f.Code }
