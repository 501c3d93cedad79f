package authority

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
	"birgeoqy.kz/almasu/internal/transferlog"
)

const (
	platformBIN = "050540000007"
	ministryBIN = "010140000005"
)

const testSchema = `{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.kz/test.json","type":"object","additionalProperties":false,
"required":["header","pupils"],"properties":{"header":{"type":"object","additionalProperties":false,"required":["batch"],"properties":{"batch":{"type":"integer","minimum":1}}},
"pupils":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["iin","name"],"properties":{
"iin":{"type":"string","pattern":"^[0-9]{12}$"},"name":{"type":"string","minLength":1,"maxLength":40},"phone":{"type":"string","maxLength":20},
"address":{"type":"object","additionalProperties":false,"properties":{"city":{"type":"string","maxLength":40}}}}}}}}`

// clock is a clock that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a sender with its log, and the folder of an authority's configuration.
type world struct {
	t      testing.TB
	dir    string
	clock  *clock
	key    *signing.Key // the sender's
	log    *transferlog.Log
	secret string
	mu     sync.Mutex
	memory transferlog.Memory
	next   uint64
	schema record.Digest
	client *http.Client
	url    string
	server *Server
	stop   func()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (w *world) write(name string, b []byte) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), b, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), clock: &clock{at: time.Now().UTC().Truncate(time.Second)}}
	w.key = must(signing.GenerateKey(signing.Ed25519, nil))
	var public string
	var err error
	if w.secret, public, err = transferlog.GenerateKey(rand.Reader, "birgeoqy.kz/almasu/log"); err != nil {
		t.Fatal(err)
	}
	w.log = must(transferlog.New(w.secret))
	w.write("log.pub", []byte(public+"\n"))
	w.write("sender.pub", w.key.Public().PEM())
	receipt := must(signing.GenerateKey(signing.Ed25519, nil))
	w.write("receipt.key", must(receipt.PEM()))
	w.write("receipt.pub", receipt.Public().PEM())
	w.write("schema.json", []byte(testSchema))
	w.schema = record.DigestOf([]byte(testSchema))
	w.certificate()
	w.configure("")
	return w
}

// certificate makes a server certificate for loopback, and a client that trusts it.
func (w *world) certificate() {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: w.clock.now().Add(-time.Hour), NotAfter: w.clock.now().Add(1000 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	w.write("tls.crt", certificate)
	w.write("tls.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))}))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	w.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: 16}}
}

func (w *world) configure(more string) {
	w.write("authority.yaml", []byte(fmt.Sprintf(`listen: 127.0.0.1:0
tls: {certificate: tls.crt, key: tls.key}
data: data
bin: "%s"
names: {kk: Министрлік, ru: Министерство}
receipt_key: receipt.key
senders:
  - bin: "%s"
    name: platform
    log_key: log.pub
    keys: [{file: sender.pub}]
schemas: [{file: schema.json, digest: "%s"}]
unique: [iin]
%s`, ministryBIN, platformBIN, w.schema, more)))
}

func (w *world) config() *inbox.Config {
	w.t.Helper()
	c, err := inbox.LoadConfig(filepath.Join(w.dir, "authority.yaml"))
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// start serves in this process.
func (w *world) start() {
	w.t.Helper()
	s, err := Open(context.Background(), w.config(), w.clock.now, slog.New(slog.NewJSONHandler(io.Discard, nil)))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- s.Serve(ctx, func(url string) { ready <- url }) }()
	select {
	case w.url = <-ready:
	case err := <-ended:
		w.t.Fatal(err)
	}
	w.server = s
	var once sync.Once
	w.stop = func() {
		once.Do(func() {
			w.client.CloseIdleConnections()
			cancel()
			if err := <-ended; err != nil {
				w.t.Error(err)
			}
			if err := s.Close(); err != nil {
				w.t.Error(err)
			}
		})
	}
	w.t.Cleanup(w.stop)
}

// sent is a message with what the log says of it.
type sent struct {
	env    *signing.Envelope
	ticket *transferlog.Ticket
}

// document is a document of n good records, which bad may spoil.
func document(n int, bad map[int]string) []byte {
	var b strings.Builder
	b.WriteString(`{"header":{"batch":1},"pupils":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		one, ok := bad[i]
		if !ok {
			one = fmt.Sprintf(`{"iin":"%012d","name":"Айгүл","phone":"+7701%07d","address":{"city":"Абай"}}`, i, i)
		}
		b.WriteString(one)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// seal makes the next message; change may alter its header.
func (w *world) seal(doc []byte, records int, change func(*signing.Header)) *signing.Envelope {
	w.t.Helper()
	return w.sealAs(doc, "application/json", records, change)
}

// sealAs is seal for a document of any media type.
func (w *world) sealAs(doc []byte, mediaType string, records int, change func(*signing.Header)) *signing.Envelope {
	w.t.Helper()
	w.next++
	d := func(s string) record.Digest { return record.DigestOf([]byte(s)) }
	h := signing.Header{
		Transfer: record.NewID(), Message: record.NewID(), Sequence: w.next, Sender: platformBIN, Recipient: ministryBIN,
		Route: "ministry/pupils", Connector: "ministry", Purpose: "4.1.2", Path: signing.PathStatute, Operation: signing.OperationProvide,
		Clause: "5.3", Ground: "заң", Decision: d("d"), Register: d("r"), Policy: d("p"), Mapping: d("m"), Schema: w.schema,
		Fields: []string{"iin"}, Records: records, Sealed: w.clock.now(),
	}
	if change != nil {
		change(&h)
	}
	env, err := signing.Seal(h, signing.NewPayload(doc, mediaType), w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	return env
}

// intentOf is the honest intent of an envelope.
func intentOf(env *signing.Envelope) *transferlog.Intent {
	h := env.Header()
	return &transferlog.Intent{
		Transfer: h.Transfer, Message: h.Message, Sequence: h.Sequence, Connector: h.Connector, Route: h.Route, Recipient: h.Recipient,
		Purpose: h.Purpose, Path: h.Path, Clause: h.Clause, Ground: h.Ground, Decision: h.Decision, Register: h.Register, Policy: h.Policy,
		Mapping: h.Mapping, Schema: h.Schema, Envelope: env.Digest(), Payload: h.Payload, Fields: h.Fields, Records: h.Records, Actor: "schedule",
	}
}

func (w *world) commit(entries ...transferlog.Entry) []*transferlog.Ticket {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	c, err := w.log.Commit(context.Background(), &w.memory, w.clock.now(), entries...)
	if err != nil {
		w.t.Fatal(err)
	}
	c.Committed()
	return c.Tickets()
}

// message seals and logs a message of n good records.
func (w *world) message(n int) sent {
	w.t.Helper()
	env := w.seal(document(n, nil), n, nil)
	return sent{env, w.commit(intentOf(env))[0]}
}

// reply is an HTTP answer.
type reply struct {
	status int
	kind   string
	body   []byte
	refusalBody
}

func (w *world) do(r *http.Request, key *signing.Key, content []byte, nonce string) (*reply, error) {
	if nonce == "" {
		nonce = httpsig.NewNonce()
	}
	p := httpsig.Params{Created: w.clock.now(), Lifetime: time.Minute, Nonce: nonce}
	if err := httpsig.Sign(r, record.DigestOf(content), key, p); err != nil {
		return nil, err
	}
	return w.send(r)
}

func (w *world) send(r *http.Request) (*reply, error) {
	resp, err := w.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out := &reply{status: resp.StatusCode, kind: resp.Header.Get("Content-Type")}
	if out.body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	if out.status != http.StatusOK && json.Unmarshal(out.body, &out.refusalBody) != nil {
		return nil, fmt.Errorf("status %d without a code: %q", out.status, out.body)
	}
	return out, nil
}

// request is an unsigned request for a message.
func (w *world) request(m sent) *http.Request {
	r := must(http.NewRequest(http.MethodPost, w.url+"/v1/messages", bytes.NewReader(m.env.Payload().Bytes())))
	httpsig.SetEnvelope(r.Header, m.env)
	r.Header.Set(httpsig.FieldTicket, m.ticket.Wire())
	r.Header.Set(httpsig.FieldCheckpoint, base64.StdEncoding.EncodeToString(m.ticket.Checkpoint()))
	return r
}

func (w *world) post(m sent) *reply {
	w.t.Helper()
	out, err := w.do(w.request(m), w.key, m.env.Payload().Bytes(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) introduce(signed []byte, from int64, proof []tlog.Hash) (*reply, error) {
	body := must(json.Marshal(updateBody{Checkpoint: signed, From: from, Proof: proof}))
	r := must(http.NewRequest(http.MethodPost, w.url+"/v1/checkpoints", bytes.NewReader(body)))
	r.Header.Set("Content-Type", "application/json")
	return w.do(r, w.key, body, "")
}

// advance introduces the checkpoint of a message, from the given size held.
func (w *world) advance(m sent, held int64) *reply {
	w.t.Helper()
	state, err := w.log.PublicKey().Open(m.ticket.Checkpoint())
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.introduce(m.ticket.Checkpoint(), held, w.prove(held, state.Size))
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) prove(a, b int64) tlog.TreeProof {
	w.mu.Lock()
	defer w.mu.Unlock()
	return must(transferlog.ProveConsistency(&w.memory, min(a, b), max(a, b)))
}

// deliver is what an honest sender does: introduce, post, read the receipt.
func (w *world) deliver(m sent) *signing.Receipt {
	w.t.Helper()
	if r := w.advance(m, w.held()); r.status != http.StatusOK {
		w.t.Fatalf("introducing: %d %s", r.status, r.body)
	}
	return w.receipt(m, w.post(m))
}

func (w *world) held() int64 {
	sd := w.server.senders[platformBIN]
	sd.mu.Lock()
	defer sd.mu.Unlock()
	return sd.progress.Held.Size
}

func (w *world) ring() *signing.Keyring {
	ring := signing.NewKeyring(ministryBIN)
	key := must(signing.ParsePublicKey(must(os.ReadFile(filepath.Join(w.dir, "receipt.pub")))))
	if err := ring.Add(key, time.Time{}, time.Time{}); err != nil {
		w.t.Fatal(err)
	}
	return ring
}

func (w *world) receipt(m sent, r *reply) *signing.Receipt {
	w.t.Helper()
	if r.status != http.StatusOK || r.kind != signing.ReceiptMediaType {
		w.t.Fatalf("status %d %s: %s", r.status, r.kind, r.body)
	}
	receipt, err := signing.OpenReceipt(r.body, w.ring(), w.clock.now(), m.env)
	if err != nil {
		w.t.Fatal(err)
	}
	return receipt
}

// refused insists on a refusal's status and code.
func (w *world) refused(r *reply, status int, code string) {
	w.t.Helper()
	if r.status != status || r.Code != code {
		w.t.Errorf("status %d, code %q (%s), want %d %q", r.status, r.Code, r.body, status, code)
	}
}

// sound verifies everything that is stored.
func (w *world) sound() {
	w.t.Helper()
	c, err := inbox.Verify(context.Background(), w.config(), nil, "")
	if err != nil {
		w.t.Fatal(err)
	}
	if err := c.Findings.Err(); err != nil {
		w.t.Fatal(err)
	}
}

// interrupt is what an operator sends to end the program.
var interrupt = os.Interrupt

func (w *world) inclusion(size, index int64) tlog.RecordProof {
	return must(tlog.ProveRecord(size, index, &w.memory))
}
