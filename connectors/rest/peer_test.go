package rest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
	"birgeoqy.kz/almasu/internal/transferlog"
)

const (
	testSender    = "123456789012"
	testRecipient = "210987654321"
)

var testTime = time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)

// sender is the sending side: a log, a key, and messages.
type sender struct {
	t    testing.TB
	key  *signing.Key
	log  *transferlog.Log
	mu   sync.Mutex
	mem  transferlog.Memory
	next uint64
}

func newSender(t testing.TB) *sender {
	t.Helper()
	secret, _, err := transferlog.GenerateKey(rand.Reader, "birgeoqy.kz/almasu/log")
	if err != nil {
		t.Fatal(err)
	}
	log, err := transferlog.New(secret)
	if err != nil {
		t.Fatal(err)
	}
	return &sender{t: t, key: connectortest.NewKey(t), log: log}
}

// message seals a payload and commits its intent.
func (s *sender) message(payload []byte) (*signing.Envelope, *transferlog.Ticket) {
	return s.commit(payload, func(*signing.Header) {})
}

// void seals a void notice and commits its intent.
func (s *sender) void() (*signing.Envelope, *transferlog.Ticket) {
	return s.commit([]byte("{}"), func(h *signing.Header) { h.Operation, h.Fields, h.Records = signing.OperationVoid, nil, 0 })
}

func (s *sender) commit(payload []byte, change func(*signing.Header)) (*signing.Envelope, *transferlog.Ticket) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	d := func(text string) record.Digest { return record.DigestOf([]byte(text)) }
	h := signing.Header{
		Transfer: record.NewID(), Message: record.NewID(), Sequence: s.next, Sender: testSender, Recipient: testRecipient,
		Route: "r", Connector: "c", Purpose: "p", Path: signing.PathStatute, Operation: signing.OperationProvide, Clause: "5.3", Ground: "закон",
		Decision: d("d"), Register: d("r"), Policy: d("p"), Mapping: d("m"), Schema: d("s"), Fields: []string{"iin"}, Records: 2, Sealed: testTime,
	}
	change(&h)
	env, err := signing.Seal(h, signing.NewPayload(payload, "application/json"), s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := s.log.Commit(context.Background(), &s.mem, testTime, &transferlog.Intent{
		Transfer: h.Transfer, Message: h.Message, Sequence: h.Sequence, Recipient: h.Recipient, Path: h.Path,
		Envelope: env.Digest(), Payload: env.Header().Payload, Fields: h.Fields, Records: h.Records,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	c.Committed()
	return env, c.Tickets()[0]
}

// Consistency implements [Prover].
func (s *sender) Consistency(_ context.Context, from, to int64) (tlog.TreeProof, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to > int64(len(s.mem.Entries)) {
		return nil, connectors.ErrAhead
	}
	return transferlog.ProveConsistency(&s.mem, from, to)
}

// receiver is an honest receiving side; a test makes it misbehave by setting before.
type receiver struct {
	t      testing.TB
	key    *signing.Key
	logKey *transferlog.PublicKey
	verify *httpsig.Verifier
	sender *signing.Keyring
	server *httptest.Server
	// before sees every request first; it answers it if it returns true. n counts requests to this path from 1.
	before func(w http.ResponseWriter, r *http.Request, n int) bool

	mu       sync.Mutex
	requests map[string]int
	held     transferlog.Checkpoint
	accepted map[string]bool
	receipts map[string][]byte
	bodies   map[string][]byte
	conns    atomic.Int64
}

func newReceiver(t testing.TB, s *sender, secure bool) *receiver {
	t.Helper()
	rc := &receiver{
		t: t, key: connectortest.NewKey(t), logKey: s.log.PublicKey(), sender: connectortest.RingOf(t, s.key),
		requests: map[string]int{}, accepted: map[string]bool{}, receipts: map[string][]byte{}, bodies: map[string][]byte{},
	}
	rc.verify = &httpsig.Verifier{Ring: rc.sender, Window: 5 * time.Minute, Fresh: httpsig.NewNonces(10*time.Minute, 1<<20).Fresh}
	rc.server = httptest.NewUnstartedServer(rc)
	rc.server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			rc.conns.Add(1)
		}
	}
	rc.server.Config.ErrorLog = nil
	rc.server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if secure {
		rc.server.StartTLS()
	} else {
		rc.server.Start()
	}
	t.Cleanup(rc.server.Close)
	return rc
}

// config is what a connector to this receiver needs.
func (rc *receiver) config(s *sender) Config {
	c := Config{
		BaseURL: rc.server.URL, Recipient: testRecipient, Key: s.key, Peers: connectortest.RingOf(rc.t, rc.key), LogKey: s.log.PublicKey(),
		Prover: s, Now: func() time.Time { return testTime }, InsecureLoopback: rc.server.TLS == nil || rc.server.Certificate() == nil,
	}
	if cert := rc.server.Certificate(); cert != nil {
		c.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	}
	return c
}

func (rc *receiver) connect(s *sender, change ...func(*Config)) *Connector {
	rc.t.Helper()
	conf := rc.config(s)
	for _, f := range change {
		f(&conf)
	}
	c, err := New(conf)
	if err != nil {
		rc.t.Fatal(err)
	}
	rc.t.Cleanup(c.Close)
	return c
}

func refuse(w http.ResponseWriter, status int, code string, held int64) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": "m", "hint": "h", "held_size": held})
}

// ServeHTTP implements [http.Handler].
func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(rc.t.Context(), cancel)() // a server does not notice that a client left whose body it does not read
	r = r.WithContext(ctx)
	rc.mu.Lock()
	rc.requests[r.URL.Path]++
	n, before := rc.requests[r.URL.Path], rc.before
	rc.mu.Unlock()
	if before != nil && before(w, r, n) {
		return
	}
	var body []byte
	_, err := rc.verify.Verify(r, testTime, func() (d record.Digest, err error) {
		body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
		return record.DigestOf(body), err
	})
	if err != nil {
		refuse(w, http.StatusUnauthorized, record.CodeOf(err), 0)
		return
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if r.URL.Path == checkpointsPath {
		rc.checkpoint(w, body)
		return
	}
	rc.message(w, r, body)
}

func (rc *receiver) checkpoint(w http.ResponseWriter, body []byte) {
	var form struct {
		Checkpoint []byte   `json:"checkpoint"`
		From       int64    `json:"from"`
		Proof      [][]byte `json:"proof"`
	}
	if err := json.Unmarshal(body, &form); err != nil {
		refuse(w, http.StatusBadRequest, "malformed", 0)
		return
	}
	at, err := rc.logKey.Open(form.Checkpoint)
	if err != nil {
		refuse(w, http.StatusBadRequest, record.CodeOf(err), 0)
		return
	}
	if form.From != rc.held.Size {
		refuse(w, http.StatusConflict, "log.checkpoint_base", rc.held.Size)
		return
	}
	proof := make(tlog.TreeProof, len(form.Proof))
	for i := range proof {
		proof[i] = tlog.Hash(form.Proof[i])
	}
	switch {
	case rc.held.Size == 0:
	case at.Size < rc.held.Size:
		err = transferlog.CheckExtension(at, rc.held, proof)
	default:
		err = transferlog.CheckExtension(rc.held, at, proof)
	}
	if err != nil {
		refuse(w, http.StatusConflict, "log.inconsistent", rc.held.Size)
		return
	}
	if at.Size > rc.held.Size {
		rc.held = at
	}
	rc.accepted[string(form.Checkpoint)] = true
	_, _ = fmt.Fprintf(w, `{"size":%d,"root":%q}`, at.Size, at.Root)
}

func (rc *receiver) message(w http.ResponseWriter, r *http.Request, body []byte) {
	env, err := signing.OpenWire(r.Header.Get(httpsig.FieldEnvelope), signing.NewPayload(body, r.Header.Get("Content-Type")), rc.sender, testTime)
	if err == nil {
		err = httpsig.CheckEnvelope(r.Header, env)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, record.CodeOf(err), 0)
		return
	}
	h := env.Header()
	if known := rc.receipts[h.Message.String()]; known != nil {
		_, _ = w.Write(known)
		return
	}
	note, err := base64.StdEncoding.DecodeString(r.Header.Get(httpsig.FieldCheckpoint))
	if err != nil || !rc.accepted[string(note)] {
		refuse(w, http.StatusConflict, "log.checkpoint_unknown", rc.held.Size)
		return
	}
	at, _ := rc.logKey.Open(note)
	intent, index, err := transferlog.CheckWire(r.Header.Get(httpsig.FieldTicket), at)
	if err != nil || intent.Envelope != env.Digest() || intent.Sequence != h.Sequence {
		refuse(w, http.StatusUnprocessableEntity, "log.ticket", 0)
		return
	}
	receipt := rc.receipt(env, index)
	rc.receipts[h.Message.String()], rc.bodies[h.Message.String()] = receipt, body
	w.Header().Set("Content-Type", signing.ReceiptMediaType)
	_, _ = w.Write(receipt)
}

func (rc *receiver) receipt(env *signing.Envelope, index int64) []byte {
	s := env.Subject()
	b, err := signing.SignReceipt(signing.Receipt{
		Message: s.Message, Envelope: s.Envelope, Sequence: s.Sequence, Recipient: s.Recipient, Received: testTime,
		Status: signing.StatusAccepted, Records: s.Records, Accepted: s.Records, CheckpointSize: rc.held.Size, LogIndex: index,
	}, rc.key)
	if err != nil {
		rc.t.Error(err)
	}
	return b
}

// loseMemory is a restart without what was kept.
func (rc *receiver) loseMemory() {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.held = transferlog.Checkpoint{}
	clear(rc.accepted)
}

func (rc *receiver) count(path string) int {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return rc.requests[path]
}

// pin is the fingerprint of the server's key.
func (rc *receiver) pin() string {
	return record.Digest(sha256.Sum256(rc.server.Certificate().RawSubjectPublicKeyInfo)).String()
}

func payload(n int) []byte { return bytes.Repeat([]byte("x"), n) }
