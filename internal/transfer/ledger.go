package transfer

import (
	"context"
	"errors"
	"time"

	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transfer/comparing"
	"birgeoqy.kz/almasu/internal/transfer/line"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// ErrBlocksMoved is returned by [Ledger.Record] when somebody was blocked or unblocked after
// the parts were projected. Nothing was recorded; the people are to be projected again.
var ErrBlocksMoved = errors.New("blocks have changed since the people were projected")

// Ledger is the durable side of the engine. Every method is one transaction: after a crash at any instant the ledger holds
// all of a call or nothing of it.
type Ledger interface {
	// Begin makes the transfer's row, or finds it again after an interruption.
	Begin(ctx context.Context, t Transfer) (Progress, error)
	// Record makes parts, the intents of their messages and settlements durable and appends the log entries of both. It takes the next sequence
	// numbers of the recipient, calls each intent's Seal with its number, and sets Envelope and Ticket. Parts are recorded only if the
	// generation of blocks is still Work.Generation, else [ErrBlocksMoved] (I5). A second settlement of a message is an error (I3).
	Record(ctx context.Context, at time.Time, w Work) error
	// Waiting lists the connector's messages that have no settlement, in sequence order.
	Waiting(ctx context.Context, connector string) ([]*Waiting, error)
	// Finish appends the closing log entries and stores the report with the totals, which it computes from parts and settlements. It sets
	// the report's Totals, Status, sequence numbers and LogIndex.
	Finish(ctx context.Context, at time.Time, r *Report) error
}

// Blocks is the service's register of blocked people (policy 6.2.4).
type Blocks interface {
	// Blocked returns the tags of everybody blocked now, and a generation that changes with every block and unblock.
	Blocked(ctx context.Context) (generation int64, tags map[roster.Tag]struct{}, err error)
}

// Held keeps what recipients hold of each person, by connector (package delta). What a message changes, the ledger changes when it settles it.
type Held interface {
	// Book opens what a recipient holds over a connector, with what waits for it.
	Book(ctx context.Context, connector, recipient string) (*delta.Book, error)
	// Spoil makes all of it stale: everybody is to be sent again.
	Spoil(ctx context.Context, connector, recipient string) error
	// Leave enters notices of withdrawal, or letters, to the recipient about those of whom it holds something and who are not sent any more, and writes in the same
	// transactions that it holds nothing of them. It returns how many they are. t has read. If blocks have changed since, the error is [ErrBlocksMoved].
	Leave(ctx context.Context, at time.Time, t Transfer, l comparing.Leaving) (people int, err error)
}

// What package line keeps.
type (
	Line      = line.Line
	LineState = line.State
	Lines     = line.Lines
)

// The states of a line.
const (
	LineUp     = line.Up
	LineDown   = line.Down
	LineHalted = line.Halted
)

// Trigger says why a transfer runs.
type Trigger string

// The triggers.
const (
	Schedule Trigger = "schedule"
	CatchUp  Trigger = "catch_up"
	RunNow   Trigger = "run_now"
	AdHoc    Trigger = "ad_hoc"
)

// Transfer is one run of one connector.
type Transfer struct {
	ID        record.ID `json:"id"`
	Connector string    `json:"connector"`
	Route     string    `json:"route"`
	Recipient string    `json:"recipient"`
	Trigger   Trigger   `json:"trigger"`
	Due       time.Time `json:"due"`
	Started   time.Time `json:"started"`
	Actor     string    `json:"actor"`
	Reason    string    `json:"reason,omitempty"`
	// Request names the written request that an ad-hoc transfer answers.
	Request string `json:"request,omitempty"`
}

// Progress is how far a transfer has come in durable parts: how many, and the last one's last key (nil if none).
type Progress struct {
	Parts   int
	LastKey []byte
}

// Work is what one transaction records.
type Work struct {
	Transfer  record.ID
	Connector string
	Recipient string
	Parts     []*Part
	// Generation is the generation of blocks that the parts were projected under.
	Generation  int64
	Settlements []*Settlement
	// Void is a void notice to be logged under the number of the message it voids.
	Void *Intent
}

// Part is a run of people, decided: Read = Unchanged + Refused + Withheld + the intent's records. On a route of statistics it is the table: its rows, and the people left out.
type Part struct {
	// Number counts a transfer's parts from 1; 0 asks the ledger for the next.
	Number int
	// AfterKey and LastKey bound the keys read: above the one, up to the other.
	AfterKey, LastKey       []byte
	Read, Refused, Withheld int
	// Unchanged counts those of whom the recipient holds just what would be sent.
	Unchanged int
	// Reasons count people by rule or code.
	Reasons []Reason
	// Refusal says who was refused, in which situation; zero if nobody.
	Refusal Set
	// Situations is the table of situations that this part's sets refer to, if it has grown since the part before; else nil.
	Situations []byte
	// Decision is, with the first part after the gate was opened, what the decision's digest is the SHA-256 of; else nil. The ledger keeps it
	// beside the situations, so that the decision can be made again.
	Decision []byte
	// Intent is nil if there is nobody to send.
	Intent     *Intent
	generation int64
}

// Set is a disclosure or refusal set at rest.
type Set = transferlog.Set

// Intent is a message about to be logged.
type Intent struct {
	Message record.ID
	Records int
	// Disclosure says who is inside, with which fields and in which situation.
	Disclosure Set
	// Outbox is the payload, compressed and sealed at rest.
	Outbox []byte
	// Held is what the message makes of what the recipient holds, once it is accepted (delta.SealList); nil if that is not kept.
	Held []byte
	// Seal makes the envelope under a sequence number, and the log entry of its intent. It does no I/O.
	Seal func(sequence uint64) (*signing.Envelope, *transferlog.Intent, error)
	// Voids names the waiting message whose number this one takes; zero for an ordinary message.
	Voids         record.ID
	VoidsSequence uint64

	// Envelope and Ticket are set by Record.
	Envelope *signing.Envelope
	Ticket   *transferlog.Ticket
}

// Waiting is a message whose intent is durable and whose settlement is not.
type Waiting struct {
	Transfer Transfer
	Message  record.ID
	Part     int
	Sequence uint64
	Records  int
	Logged   time.Time
	// AfterKey and LastKey bound the keys of the people inside.
	AfterKey, LastKey []byte
	// Header, KeyID, Signature and Outbox are the envelope at rest.
	Header, Signature, Outbox []byte
	KeyID                     string
	Disclosure                Set
	// Ticket is for the latest checkpoint.
	Ticket *transferlog.Ticket
	Voids  record.ID
}

// Settlement is the one end of a message.
type Settlement struct {
	Transfer, Message record.ID
	Sequence          uint64
	// Intent is the log index of the message's intent.
	Intent  int64
	Outcome Outcome
	// Code says why, empty if delivered.
	Code string
	// Receipt is the recipient's signed bytes, empty if there are none.
	Receipt                              []byte
	Records, Accepted, Updated, Rejected int
	// Rejects are the places of the rejected records in the message, ascending.
	Rejects  []int
	Reasons  []Reason
	Attempts int
}

// Outcome is how a message ends (I3).
type Outcome string

// The outcomes.
const (
	Delivered Outcome = transferlog.Delivered
	Refused   Outcome = transferlog.Refused
	Disputed  Outcome = transferlog.Disputed
	Cancelled Outcome = transferlog.Cancelled
	Abandoned Outcome = transferlog.Abandoned
)
