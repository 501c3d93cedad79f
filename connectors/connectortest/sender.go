package connectortest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// The two sides of the suite, by BIN, and its clock.
const (
	SenderBIN    = "123456789012"
	RecipientBIN = "210987654321"
)

// At is the time of everything in the suite.
var At = time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)

// Sender is a sending side in memory: a key, a log, and messages with their tickets. It is safe for concurrent use.
type Sender struct {
	Key *signing.Key
	Log *transferlog.Log

	t      testing.TB
	mu     sync.Mutex
	memory transferlog.Memory
	next   uint64
	lent   map[record.ID]*lent // by message
}

// lent is a payload that counts its readers which are not closed.
type lent struct {
	signing.Payload
	readers atomic.Int64
}

// Open implements [signing.Content].
func (l *lent) Open() io.ReadCloser {
	l.readers.Add(1)
	return &reader{l.Payload.Open(), sync.OnceFunc(func() { l.readers.Add(-1) })}
}

type reader struct {
	io.ReadCloser
	closed func()
}

func (r *reader) Close() error {
	defer r.closed()
	return r.ReadCloser.Close()
}

// Readers is how many readers of an envelope's payload are open.
func (s *Sender) Readers(env *signing.Envelope) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lent[env.Header().Message].readers.Load()
}

// NewSender makes a sender with fresh keys.
func NewSender(t testing.TB) *Sender {
	t.Helper()
	secret, _, err := transferlog.GenerateKey(rand.Reader, "birgeoqy.kz/almasu/log")
	if err != nil {
		t.Fatal(err)
	}
	log, err := transferlog.New(secret)
	if err != nil {
		t.Fatal(err)
	}
	return &Sender{Key: NewKey(t), Log: log, t: t, lent: map[record.ID]*lent{}}
}

// NewKey makes a signing key.
func NewKey(t testing.TB) *signing.Key {
	t.Helper()
	k, err := signing.GenerateKey(signing.Ed25519, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// RingOf is a keyring with one key, valid at all times.
func RingOf(t testing.TB, k *signing.Key) *signing.Keyring {
	t.Helper()
	ring := signing.NewKeyring("holder")
	if err := ring.Add(k.Public(), time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	return ring
}

// Message seals a document of n records under the next number and commits its intent.
func (s *Sender) Message(n int) (*signing.Envelope, *transferlog.Ticket) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return s.commit([]byte(fmt.Sprintf(`{"number":%d}`, s.next)), s.next, record.ID{}, n)
}

// Document seals a document under the next number and commits its intent.
func (s *Sender) Document(payload []byte) (*signing.Envelope, *transferlog.Ticket) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return s.commit(payload, s.next, record.ID{}, 1)
}

// Void makes a void notice for a message.
func (s *Sender) Void(env *signing.Envelope) (*signing.Envelope, *transferlog.Ticket) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	h := env.Header()
	return s.commit([]byte(`{"void":"`+h.Message.String()+`"}`), h.Sequence, h.Message, 0)
}

func (s *Sender) commit(payload []byte, sequence uint64, voids record.ID, records int) (*signing.Envelope, *transferlog.Ticket) {
	s.t.Helper()
	d := func(text string) record.Digest { return record.DigestOf([]byte(text)) }
	h := signing.Header{
		Transfer: record.NewID(), Message: record.NewID(), Sequence: sequence, Sender: SenderBIN, Recipient: RecipientBIN,
		Route: "r", Connector: "c", Purpose: "p", Path: signing.PathStatute, Operation: signing.OperationProvide, Clause: "5.3", Ground: "заң",
		Decision: d("d"), Register: d("r"), Policy: d("p"), Mapping: d("m"), Schema: d("s"), Fields: []string{"iin"}, Records: records, Sealed: At,
	}
	if !voids.IsZero() {
		h.Operation, h.Fields = signing.OperationVoid, nil
	}
	p := &lent{Payload: signing.NewPayload(payload, "application/json")}
	s.lent[h.Message] = p
	env, err := signing.Seal(h, signing.ProvenPayload(p, p.Size(), p.Digest(), p.MediaType()), s.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := s.Log.Commit(context.Background(), &s.memory, At, &transferlog.Intent{
		Transfer: h.Transfer, Message: h.Message, Sequence: h.Sequence, Recipient: h.Recipient, Path: h.Path, Voids: voids,
		Envelope: env.Digest(), Payload: env.Header().Payload, Fields: h.Fields, Records: h.Records,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	c.Committed()
	return env, c.Tickets()[0]
}

// Consistency implements [connectors.Prover]: it proves that the log of size to begins with that of size from.
func (s *Sender) Consistency(_ context.Context, from, to int64) (tlog.TreeProof, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to > int64(len(s.memory.Entries)) {
		return nil, connectors.ErrAhead
	}
	return transferlog.ProveConsistency(&s.memory, from, to)
}
