package connectortest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Window is how far beyond the lowest missing number a message may be.
const Window = 64

// Message is a message that a receiver has kept, or one that came.
type Message struct {
	Header signing.Header
	// Wire is the envelope as it came, Payload the document.
	Wire    string
	Payload []byte
	// Records counts the records that were taken; Rejects those that were not.
	Records, Rejects int
}

// Peer is a receiver of the signed HTTPS protocol. It is safe for concurrent use.
type Peer struct {
	t         testing.TB
	server    *httptest.Server
	key       *signing.Key
	recipient string
	senders   *signing.Keyring
	log       *transferlog.PublicKey
	now       func() time.Time
	verifier  *httpsig.Verifier

	mu      sync.Mutex
	script  []Act
	usual   Act
	notices bool // treated honestly
	passed  func(Message, Act)
	arrived []Message
	memory
}

// memory is what a restart may lose.
type memory struct {
	held     transferlog.Checkpoint
	accepted map[string]bool
	receipts map[record.ID][]byte
	holders  map[uint64]record.ID
	kept     map[record.ID]Message
}

func newMemory() memory {
	return memory{accepted: map[string]bool{}, receipts: map[record.ID][]byte{}, holders: map[uint64]record.ID{}, kept: map[record.ID]Message{}}
}

// NewPeer starts a receiver over TLS with fresh keys. It ends with the test.
func NewPeer(t testing.TB, recipient string, senders *signing.Keyring, log *transferlog.PublicKey, now func() time.Time) *Peer {
	t.Helper()
	p := &Peer{t: t, key: NewKey(t), recipient: recipient, senders: senders, log: log, now: now, usual: Honest, memory: newMemory()}
	p.verifier = &httpsig.Verifier{Ring: senders, Window: 5 * time.Minute, Fresh: httpsig.NewNonces(10*time.Minute, 1<<20).Fresh}
	p.server = httptest.NewUnstartedServer(p)
	p.server.Config.ErrorLog = quiet()
	p.server.StartTLS()
	t.Cleanup(p.server.Close)
	return p
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// URL is the base of the peer's addresses, CA the certificate that vouches for it, Key what verifies its receipts.
func (p *Peer) URL() string { return p.server.URL }

// CA is a PEM file with the peer's certificate.
func (p *Peer) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
}

// Keys is a ring with the key that signs the peer's receipts.
func (p *Peer) Keys() *signing.Keyring {
	ring := signing.NewKeyring(p.recipient)
	if err := ring.Add(p.key.Public(), time.Time{}, time.Time{}); err != nil {
		p.t.Fatal(err)
	}
	return ring
}

// Play sets how the next messages are treated, one act each; those after them are treated as usual.
func (p *Peer) Play(acts ...Act) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script = slices.Clone(acts)
}

// Usually sets how messages are treated that no script is for; [Honest] at first.
func (p *Peer) Usually(a Act) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.usual = a
}

// TakeNotices lets void notices be treated honestly, whatever the script is.
func (p *Peer) TakeNotices() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notices = true
}

// Watch calls f with each message that comes, before it is treated by the act. f may wait.
func (p *Peer) Watch(f func(Message, Act)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed = f
}

// Kept lists what was stored, by number; void notices too.
func (p *Peer) Kept() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Values(p.kept), func(a, b Message) int { return int(a.Header.Sequence) - int(b.Header.Sequence) })
}

// Arrived lists every request that brought a message with a good signature, in order.
func (p *Peer) Arrived() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.arrived)
}

// Restart closes all connections, as a restart does. Without its memory a receiver knows no message, number or checkpoint any more.
func (p *Peer) Restart(remembering bool) {
	p.server.CloseClientConnections()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !remembering {
		p.memory = newMemory()
	}
}

// answer is what is said to one request.
type answer struct {
	status  int
	receipt []byte
	body    map[string]any
	busy    bool
}

func refuse(status int, code string, held int64) answer {
	return answer{status: status, body: map[string]any{"code": code, "message": "m", "hint": "h", "held_size": held}}
}

func (a answer) write(w http.ResponseWriter) {
	if a.busy {
		w.Header().Set("Retry-After", "7")
	}
	if a.body != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_ = json.NewEncoder(w).Encode(a.body)
		return
	}
	w.Header().Set("Content-Type", signing.ReceiptMediaType)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.receipt)
}

// ServeHTTP implements [http.Handler].
func (p *Peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(p.t.Context(), cancel)() // a silent act ends with the test at the latest
	var body []byte
	_, err := p.verifier.Verify(r, p.now(), func() (d record.Digest, err error) {
		body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
		return record.DigestOf(body), err
	})
	switch {
	case err != nil:
		refuse(http.StatusUnauthorized, record.CodeOf(err), 0).write(w)
	case r.URL.Path == "/v1/checkpoints":
		p.checkpoint(body).write(w)
	case r.URL.Path == "/v1/messages":
		p.message(ctx, w, r.Header, body)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (p *Peer) checkpoint(body []byte) answer {
	var form struct {
		Checkpoint []byte   `json:"checkpoint"`
		From       int64    `json:"from"`
		Proof      [][]byte `json:"proof"`
	}
	if err := json.Unmarshal(body, &form); err != nil {
		return refuse(http.StatusBadRequest, "request.malformed", 0)
	}
	at, err := p.log.Open(form.Checkpoint)
	if err != nil {
		return refuse(http.StatusBadRequest, record.CodeOf(err), 0)
	}
	proof := make(tlog.TreeProof, len(form.Proof))
	for i := range proof {
		if len(form.Proof[i]) != len(proof[i]) {
			return refuse(http.StatusBadRequest, "request.malformed", 0)
		}
		proof[i] = tlog.Hash(form.Proof[i])
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if form.From != p.held.Size {
		return refuse(http.StatusConflict, "log.checkpoint_base", p.held.Size)
	}
	switch {
	case p.held.Size == 0:
	case at.Size < p.held.Size:
		err = transferlog.CheckExtension(at, p.held, proof)
	default:
		err = transferlog.CheckExtension(p.held, at, proof)
	}
	if err != nil {
		return refuse(http.StatusConflict, "log.inconsistent", p.held.Size)
	}
	if at.Size > p.held.Size {
		p.held = at
	}
	p.accepted[string(form.Checkpoint)] = true
	return answer{status: http.StatusOK, body: map[string]any{"size": at.Size, "root": at.Root.String()}}
}

// message looks at the envelope, notes that it came, and plays the act that is due.
func (p *Peer) message(ctx context.Context, w http.ResponseWriter, fields http.Header, body []byte) {
	wire := fields.Get(httpsig.FieldEnvelope)
	env, err := signing.OpenWire(wire, signing.NewPayload(body, fields.Get("Content-Type")), p.senders, p.now())
	if err == nil {
		err = httpsig.CheckEnvelope(fields, env)
	}
	if err != nil {
		refuse(http.StatusBadRequest, record.CodeOf(err), 0).write(w)
		return
	}
	m := Message{Header: env.Header(), Wire: wire, Payload: body}
	p.mu.Lock()
	act := p.usual
	if p.notices && m.Header.Operation == signing.OperationVoid {
		act = Honest
	} else if len(p.script) > 0 {
		act, p.script = p.script[0], p.script[1:]
	}
	p.arrived = append(p.arrived, m)
	passed := p.passed
	p.mu.Unlock()
	if passed != nil {
		passed(m, act)
	}
	p.play(ctx, w, act, func(reject bool) answer {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.take(env, m, fields, reject)
	}, env)
}

// take checks number, checkpoint and ticket, and keeps the message.
func (p *Peer) take(env *signing.Envelope, m Message, fields http.Header, reject bool) answer {
	h := &m.Header
	if h.Recipient != p.recipient {
		return refuse(http.StatusForbidden, "message.wrong_recipient", 0)
	}
	if known := p.receipts[h.Message]; known != nil {
		return answer{status: http.StatusOK, receipt: known}
	}
	if holder, taken := p.holders[h.Sequence]; taken {
		a := refuse(http.StatusConflict, "sequence.duplicate_other_message", 0)
		if h.Operation == signing.OperationVoid {
			a.body["receipt"] = p.receipts[holder]
		}
		return a
	}
	lowest := uint64(1)
	for p.holders[lowest] != (record.ID{}) {
		lowest++
	}
	if h.Sequence >= lowest+Window {
		return refuse(http.StatusConflict, "sequence.too_far", 0)
	}
	note, err := base64.StdEncoding.DecodeString(fields.Get(httpsig.FieldCheckpoint))
	if err != nil || !p.accepted[string(note)] {
		return refuse(http.StatusConflict, "log.checkpoint_unknown", p.held.Size)
	}
	at, err := p.log.Open(note)
	if err != nil {
		return refuse(http.StatusBadRequest, record.CodeOf(err), 0)
	}
	intent, index, err := transferlog.CheckWire(fields.Get(httpsig.FieldTicket), at)
	if err != nil || intent.Envelope != env.Digest() || intent.Sequence != h.Sequence {
		return refuse(http.StatusUnprocessableEntity, "log.ticket", 0)
	}
	receipt := signing.Receipt{Status: signing.StatusAccepted, Accepted: h.Records, LogIndex: index}
	m.Records = h.Records
	if reject && h.Records > 0 {
		receipt.Accepted, receipt.Rejected = h.Records-1, 1
		receipt.Outcomes = []signing.Outcome{{Status: signing.StatusRejected, Code: "schema.pattern"}}
		m.Records, m.Rejects = receipt.Accepted, 1
	}
	signed := p.sign(env, receipt, p.key)
	p.receipts[h.Message], p.holders[h.Sequence], p.kept[h.Message] = signed, h.Message, m
	return answer{status: http.StatusOK, receipt: signed}
}

// refuseSigned refuses a message for good: it takes its number, and nothing of it is kept.
func (p *Peer) refuseSigned(env *signing.Envelope) answer {
	h := env.Header()
	if p.receipts[h.Message] == nil {
		p.receipts[h.Message] = p.sign(env, signing.Receipt{Status: signing.StatusRefused, Code: "schema.document", Rejected: h.Records}, p.key)
		p.holders[h.Sequence] = h.Message
	}
	a := refuse(http.StatusUnprocessableEntity, "schema.document", 0)
	a.body["receipt"] = p.receipts[h.Message]
	return a
}

// sign fills what every receipt says about its envelope.
func (p *Peer) sign(env *signing.Envelope, r signing.Receipt, k *signing.Key) []byte {
	s := env.Subject()
	r.Message, r.Envelope, r.Sequence, r.Recipient, r.Records = s.Message, s.Envelope, s.Sequence, s.Recipient, s.Records
	r.Received, r.CheckpointSize = p.now(), p.held.Size
	b, err := signing.SignReceipt(r, k)
	if err != nil {
		p.t.Error(err)
	}
	return b
}
