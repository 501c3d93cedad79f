package transferlog

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Tx is the log as one transaction of a store sees it. The transaction holds the lock on the log's head, so that nobody
// else appends until it ends; it is durable when the store says that it has committed.
type Tx interface {
	// Size returns the number of entries, those appended earlier in this transaction included.
	Size(ctx context.Context) (int64, error)
	// ReadHashes returns stored hashes by their indexes (tlog.HashReader).
	ReadHashes(indexes []int64) ([]tlog.Hash, error)
	// Append stores entries from index first, hashes from tlog.StoredHashIndex(0, first), and the signed checkpoint of the
	// grown log. The arguments may be kept, but not changed.
	Append(ctx context.Context, first int64, entries [][]byte, hashes []tlog.Hash, checkpoint []byte) error
}

// Headed is a [Tx] that also keeps the signed checkpoint of its newest state. [Log.Commit] then signs nothing that does not extend
// what was signed before, and need not read a hash where the state is the one that it left itself.
type Headed interface {
	// Head returns the signed checkpoint of the Size entries, empty for the empty log.
	Head(ctx context.Context) ([]byte, error)
}

// Log appends entries and signs checkpoints. It keeps the right edge of the tree as of the last commitment with its
// checkpoint, and uses it only for a store that is at this very checkpoint. It is safe for concurrent use.
type Log struct {
	signer note.Signer
	key    *PublicKey

	mu     sync.Mutex
	edge   *Tree  // of committed entries only
	signed []byte // the checkpoint of edge
}

// New returns the log whose secret key is given, in the form of [GenerateKey]; its origin is the key's name.
func New(secret string) (*Log, error) {
	secret = strings.TrimSpace(secret)
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, malformed("log.key_malformed", "not a log's secret key of the form PRIVATE+KEY+origin+hash+key")
	}
	parts := strings.SplitN(secret, "+", 5) // the last may hold a plus sign of its own; NewSigner has counted the others
	raw, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return nil, malformed("log.key_malformed", "a log's secret key holds an Ed25519 seed")
	}
	public := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	text, err := note.NewEd25519VerifierKey(signer.Name(), public)
	if err != nil {
		return nil, fmt.Errorf("deriving the public key: %w", err)
	}
	key, err := ParsePublicKey(text)
	if err != nil {
		return nil, err
	}
	return &Log{signer: signer, key: key, edge: &Tree{}}, nil
}

// Origin returns the log's name.
func (l *Log) Origin() string { return l.signer.Name() }

// PublicKey returns the key that verifies the log's checkpoints.
func (l *Log) PublicKey() *PublicKey { return l.key }

// Sign returns the signed form of a checkpoint of this log.
func (l *Log) Sign(size int64, root tlog.Hash) ([]byte, error) {
	c := Checkpoint{Origin: l.Origin(), Size: size, Root: root}
	signed, err := note.Sign(&note.Note{Text: c.text()}, l.signer)
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return signed, nil
}

// ErrNothing is returned by [Log.Commit] for no entries.
var ErrNothing = errors.New("there is nothing to commit to the log")

// Commit appends entries, all stamped with the time at, in tx, under one new signed checkpoint. What it returns
// becomes valid by [Commitment.Committed], which the store calls when tx has become durable; if tx fails, it is dropped.
// An entry that [Decode] would refuse is refused here, and nothing is appended.
func (l *Log) Commit(ctx context.Context, tx Tx, at time.Time, entries ...Entry) (*Commitment, error) {
	if len(entries) == 0 {
		return nil, ErrNothing
	}
	encoded := make([][]byte, len(entries))
	for i, e := range entries {
		e.stamp(at)
		if err := e.check(); err != nil {
			return nil, malformed("log.entry_malformed", "entry %d of kind %s: %v", i, e.Kind(), err)
		}
		if encoded[i] = Encode(e); len(encoded[i]) > MaxEntry {
			return nil, malformed("log.entry_malformed", "entry %d of kind %s is longer than %d bytes", i, e.Kind(), MaxEntry)
		}
	}
	first, err := tx.Size(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the size of the log: %w", err)
	}
	before, err := l.tree(ctx, first, tx)
	if err != nil {
		return nil, err
	}
	after := before.clone()
	hashes := make([]tlog.Hash, 0, 2*len(entries)+64)
	for _, b := range encoded {
		hashes = after.Append(hashes, b)
	}
	signed, err := l.Sign(after.size, after.Root())
	if err != nil {
		return nil, err
	}
	c := &Commitment{log: l, first: first, after: after, checkpoint: signed}
	if err := c.issue(&grown{before: before, added: hashes}, entries, encoded); err != nil {
		return nil, err
	}
	if err := tx.Append(ctx, first, encoded, hashes, signed); err != nil {
		return nil, fmt.Errorf("appending to the log: %w", err)
	}
	return c, nil
}

// tree returns the tree of the n entries that the store holds.
func (l *Log) tree(ctx context.Context, n int64, tx Tx) (*Tree, error) {
	headed, ok := tx.(Headed)
	if !ok {
		return readTree(n, tx)
	}
	signed, err := headed.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the head of the log: %w", err)
	}
	l.mu.Lock()
	edge, mine := l.edge, l.signed
	l.mu.Unlock()
	if edge.size == n && bytes.Equal(mine, signed) {
		return edge, nil
	}
	stored, err := readTree(n, tx)
	if err != nil {
		return nil, err
	}
	if n == 0 && len(signed) == 0 {
		return stored, nil
	}
	head, err := l.key.Open(signed)
	if err != nil || head.Size != n || head.Root != stored.Root() {
		return nil, malformed("log.store_damaged", "the stored hashes of the log are not those of its signed checkpoint: nothing is appended")
	}
	return stored, nil
}

// Commitment is what one [Log.Commit] appended.
type Commitment struct {
	log        *Log
	first      int64
	after      *Tree
	checkpoint []byte
	tickets    []*Ticket
	durable    atomic.Bool
}

// issue makes the ticket of each intent.
func (c *Commitment) issue(r tlog.HashReader, entries []Entry, encoded [][]byte) error {
	for i, e := range entries {
		intent, ok := e.(*Intent)
		if !ok {
			continue
		}
		index := c.first + int64(i)
		proof, err := tlog.ProveRecord(c.after.size, index, r)
		if err != nil {
			return fmt.Errorf("proving entry %d: %w", index, err)
		}
		c.tickets = append(c.tickets, &Ticket{
			durable: &c.durable, index: index, entry: encoded[i], proof: proof,
			checkpoint: c.checkpoint, envelope: intent.Envelope,
		})
	}
	return nil
}

// First returns the log index of the first entry; the others follow in the order of [Log.Commit]'s arguments.
func (c *Commitment) First() int64 { return c.first }

// Size returns the size of the grown log.
func (c *Commitment) Size() int64 { return c.after.size }

// Checkpoint returns the signed checkpoint of the grown log.
func (c *Commitment) Checkpoint() []byte { return c.checkpoint }

// Committed says that the transaction is durable: from now on the tickets admit. Called for a transaction that was
// rolled back it would break I2 and fork the log.
func (c *Commitment) Committed() {
	c.durable.Store(true)
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	if c.after.size > c.log.edge.size {
		c.log.edge, c.log.signed = c.after, c.checkpoint
	}
}

// Tickets returns a ticket for each [Intent] among the entries, in the order of their indexes.
func (c *Commitment) Tickets() []*Ticket { return c.tickets }
