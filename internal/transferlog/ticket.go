package transferlog

import (
	"encoding/base64"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/record"
)

// Ticket is the permission to deliver one envelope: the proof that its intent is in the log, durably (I2). It comes
// from a [Commitment] or from [Restore]; the zero and the nil Ticket admit nothing.
type Ticket struct {
	durable    *atomic.Bool
	index      int64
	entry      []byte
	proof      tlog.RecordProof
	checkpoint []byte
	envelope   record.Digest
}

// Admits reports whether the ticket is for the envelope with this digest, and its intent durable.
func (t *Ticket) Admits(envelope record.Digest) bool {
	return t != nil && t.durable != nil && t.durable.Load() && !envelope.IsZero() && t.envelope == envelope
}

// Index returns the log index of the intent.
func (t *Ticket) Index() int64 { return t.index }

// EntryBytes returns the intent's canonical bytes; the caller does not change them.
func (t *Ticket) EntryBytes() []byte { return t.entry }

// Proof returns the proof that the intent is in the log of the ticket's checkpoint.
func (t *Ticket) Proof() tlog.RecordProof { return t.proof }

// Checkpoint returns the signed checkpoint that the proof is against; the caller does not change it.
func (t *Ticket) Checkpoint() []byte { return t.checkpoint }

// Restore makes the ticket of an intent that is in the log already, from what the store holds: its index and bytes, a
// signed checkpoint, and a proof against it. It verifies all of them. The caller knows them to be durable, and has looked
// again at blocks and citations.
func Restore(key *PublicKey, index int64, entry []byte, proof tlog.RecordProof, checkpoint []byte) (*Ticket, error) {
	at, err := key.Open(checkpoint)
	if err != nil {
		return nil, err
	}
	intent, err := checkIntent(index, entry, proof, at)
	if err != nil {
		return nil, err
	}
	t := &Ticket{durable: new(atomic.Bool), index: index, entry: entry, proof: proof, checkpoint: checkpoint, envelope: intent.Envelope}
	t.durable.Store(true)
	return t, nil
}

// checkIntent verifies that entry is an intent and stands at index in the log of a checkpoint.
func checkIntent(index int64, entry []byte, proof tlog.RecordProof, at Checkpoint) (*Intent, error) {
	e, err := Decode(entry)
	if err != nil {
		return nil, err
	}
	intent, ok := e.(*Intent)
	if !ok {
		return nil, malformed("log.ticket_not_intent", "a ticket is for an intent, not for an entry of kind %s", e.Kind())
	}
	if tlog.CheckRecord(proof, at.Size, at.Root, index, tlog.RecordHash(entry)) != nil {
		return nil, malformed("log.ticket_not_in_log", "the proof does not show that the intent is entry %d of the log of %d entries", index, at.Size)
	}
	return intent, nil
}

// MaxWire is the greatest length of a ticket's wire form that [CheckWire] reads.
const MaxWire = 128 << 10

// Wire returns the ticket for a recipient, without its checkpoint, which travels apart: the index in decimal, the entry
// and the hashes of the proof one after another, both in unpadded base64url, joined by full stops.
func (t *Ticket) Wire() string {
	hashes := make([]byte, 0, len(t.proof)*tlog.HashSize)
	for _, h := range t.proof {
		hashes = append(hashes, h[:]...)
	}
	return strconv.FormatInt(t.index, 10) + "." + base64.RawURLEncoding.EncodeToString(t.entry) + "." + base64.RawURLEncoding.EncodeToString(hashes)
}

// CheckWire is the recipient's check of [Ticket.Wire] against a checkpoint that it has accepted. It returns the intent and
// its index, and leaves it to the caller to compare the intent with the message. Codes: log.ticket_malformed,
// log.entry_malformed, log.ticket_not_intent, log.ticket_not_in_log.
func CheckWire(wire string, at Checkpoint) (*Intent, int64, error) {
	bad := malformed("log.ticket_malformed", "a ticket is an index, an entry and a proof, joined by full stops")
	parts := strings.Split(wire, ".")
	if len(wire) > MaxWire || len(parts) != 3 || strings.ContainsAny(wire, "\r\n") { // base64 would skip line ends
		return nil, 0, bad
	}
	index, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || strconv.FormatInt(index, 10) != parts[0] {
		return nil, 0, bad
	}
	strict := base64.RawURLEncoding.Strict()
	entry, err := strict.DecodeString(parts[1])
	if err != nil {
		return nil, 0, bad
	}
	hashes, err := strict.DecodeString(parts[2])
	if err != nil || len(hashes)%tlog.HashSize != 0 {
		return nil, 0, bad
	}
	proof := make(tlog.RecordProof, len(hashes)/tlog.HashSize)
	for i := range proof {
		proof[i] = tlog.Hash(hashes[i*tlog.HashSize:])
	}
	intent, err := checkIntent(index, entry, proof, at)
	if err != nil {
		return nil, 0, err
	}
	return intent, index, nil
}
