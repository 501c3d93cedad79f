package rest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// wantFailure checks kind and code, and that the error carries nothing of the payload.
func wantFailure(t testing.TB, err error, kind connectors.Kind, code string) *connectors.Failure {
	t.Helper()
	var f *connectors.Failure
	if !errors.As(err, &f) {
		t.Fatalf("not a failure: %v", err)
	}
	if f.Kind != kind || f.Code != code {
		t.Fatalf("got %v, expected %s %s", f, kind, code)
	}
	if strings.Contains(f.Error(), "xxxx") {
		t.Fatal("the error quotes the payload")
	}
	return f
}

func deliver(t testing.TB, c *Connector, env *signing.Envelope, ticket *transferlog.Ticket) []byte {
	t.Helper()
	ack, err := c.Deliver(t.Context(), env, ticket)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.ReadReceipt(env, ack)
	if err != nil {
		t.Fatal(err)
	}
	if r.Accepted != env.Header().Records {
		t.Fatalf("%+v", r)
	}
	return ack
}

func TestDeliver(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	c := rc.connect(s)
	var agents, nonces []string
	rc.before = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		agents = append(agents, r.UserAgent())
		nonces = append(nonces, r.Header.Get("Signature-Input"))
		if r.TLS.Version != tls.VersionTLS13 || r.ProtoMajor != 1 || r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("TLS %x, %s, %v", r.TLS.Version, r.Proto, r.Header)
		}
		return false
	}
	env, ticket := s.message(payload(250_000))
	first := deliver(t, c, env, ticket)
	if again := deliver(t, c, env, ticket); !bytes.Equal(first, again) {
		t.Fatal("the same message got another receipt")
	}
	if !bytes.Equal(rc.bodies[env.Header().Message.String()], env.Payload().Bytes()) {
		t.Fatal("the body is not the payload")
	}
	if rc.count(messagesPath) != 2 || rc.count(checkpointsPath) != 1 || rc.conns.Load() != 1 {
		t.Fatalf("%v, %d connections", rc.requests, rc.conns.Load())
	}
	slices.Sort(nonces)
	if len(slices.Compact(nonces)) != 3 || agents[0] != "almasu" {
		t.Fatal("a signature was used twice, or the product name is wrong: ", agents)
	}
	for range 3 {
		deliver2, ticket2 := s.message(payload(10))
		deliver(t, c, deliver2, ticket2)
	}
	if rc.held.Size != 4 || rc.count(checkpointsPath) != 4 {
		t.Fatalf("held %d after %d introductions", rc.held.Size, rc.count(checkpointsPath))
	}
}

// Without an envelope, a ticket for it, or the right recipient nothing leaves.
func TestNothingLeavesWithoutTicket(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	c := rc.connect(s)
	env, ticket := s.message(payload(10))
	_, other := s.message(payload(10))
	for code, try := range map[string]func() ([]byte, error){
		"delivery.no_envelope": func() ([]byte, error) { return c.Deliver(t.Context(), &signing.Envelope{}, ticket) },
		"delivery.no_ticket":   func() ([]byte, error) { return c.Deliver(t.Context(), env, other) },
		"delivery.wrong_recipient": func() ([]byte, error) {
			return rc.connect(s, func(c *Config) { c.Recipient = testSender }).Deliver(t.Context(), env, ticket)
		},
	} {
		_, err := try()
		wantFailure(t, err, connectors.Halt, code)
	}
	_, err := c.Deliver(t.Context(), nil, nil)
	wantFailure(t, err, connectors.Halt, "delivery.no_envelope")
	for _, zero := range []*transferlog.Ticket{nil, {}} {
		_, err = c.Deliver(t.Context(), env, zero)
		wantFailure(t, err, connectors.Halt, "delivery.no_ticket")
	}
	if rc.conns.Load() != 0 {
		t.Fatal("a connection was opened")
	}
}

func TestReceiptsThatProveNothing(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	c := rc.connect(s)
	env, ticket := s.message(payload(10))
	other, otherTicket := s.message(payload(11))
	ack := deliver(t, c, env, ticket)
	deliver(t, c, other, otherTicket)
	stranger := rc.connect(s, func(c *Config) { c.Peers = connectortest.RingOf(t, connectortest.NewKey(t)) })
	tampered := bytes.Replace(ack, []byte(`"accepted":2`), []byte(`"accepted":1`), 1)
	for name, try := range map[string]struct {
		c    *Connector
		env  *signing.Envelope
		ack  []byte
		code string
	}{
		"garbage":      {c, env, []byte("<html>"), "receipt.malformed"},
		"empty":        {c, env, nil, "receipt.malformed"},
		"tampered":     {c, env, tampered, "receipt.bad_signature"},
		"other":        {c, other, ack, "receipt.other_envelope"},
		"no envelope":  {c, nil, ack, "receipt.other_envelope"},
		"unknown key":  {stranger, env, ack, "receipt.unknown_key"},
		"two receipts": {c, env, append(bytes.Clone(ack), ack...), "receipt.malformed"},
	} {
		_, err := try.c.ReadReceipt(try.env, try.ack)
		if err == nil {
			t.Fatalf("%s: accepted", name)
		}
		wantFailure(t, err, connectors.Disputed, try.code)
	}
}

// A refusal that is signed is the acknowledgement; a signature that proves nothing changes nothing.
func TestSignedRefusal(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	c := rc.connect(s)
	env, ticket := s.message(payload(10))
	other, otherTicket := s.message(payload(10))
	acceptance := deliver(t, c, other, otherTicket)
	subject := env.Subject()
	refused, err := signing.SignReceipt(signing.Receipt{
		Message: subject.Message, Envelope: subject.Envelope, Sequence: subject.Sequence, Recipient: subject.Recipient, Received: testTime,
		Status: signing.StatusRefused, Code: "schema.document", Records: subject.Records, Rejected: subject.Records,
	}, rc.key)
	if err != nil {
		t.Fatal(err)
	}
	answered := func(code string, receipt []byte) {
		rc.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if r.URL.Path == messagesPath {
				w.WriteHeader(http.StatusConflict)
				_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "receipt": receipt})
			}
			return r.URL.Path == messagesPath
		}
	}
	answered("schema.document", refused)
	ack, err := c.Deliver(t.Context(), env, ticket)
	if err != nil || !bytes.Equal(ack, refused) {
		t.Fatal(err)
	}
	if r, err := c.ReadReceipt(env, ack); err != nil || r.Status != signing.StatusRefused {
		t.Fatal(r, err)
	}
	answered("schema.document", acceptance)
	_, err = c.Deliver(t.Context(), env, ticket)
	wantFailure(t, err, connectors.Refused, "delivery.refused")
	answered("sequence.duplicate_other_message", acceptance)
	_, err = c.Deliver(t.Context(), env, ticket)
	wantFailure(t, err, connectors.Halt, "delivery.sequence_reused")
	notice, noticeTicket := s.void()
	ack, err = c.Deliver(t.Context(), notice, noticeTicket)
	if err != nil || !bytes.Equal(ack, acceptance) {
		t.Fatal(err)
	}
}

func TestSealKeepsTheDocument(t *testing.T) {
	b, kind, err := new(Connector).Seal([]byte("doc"), "application/json")
	if err != nil || string(b) != "doc" || kind != "application/json" {
		t.Fatal(b, kind, err)
	}
}

func TestManySenders(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	const senders, each = 6, 30
	c := rc.connect(s, func(c *Config) { c.Connections = senders })
	type job struct {
		env    *signing.Envelope
		ticket *transferlog.Ticket
	}
	jobs := make(chan job, senders*each)
	for range cap(jobs) {
		env, ticket := s.message(payload(1000))
		jobs <- job{env, ticket}
	}
	close(jobs)
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for j := range jobs {
				ack, err := c.Deliver(t.Context(), j.env, j.ticket)
				if err == nil {
					_, err = c.ReadReceipt(j.env, ack)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(rc.receipts) != senders*each || rc.held.Size != senders*each {
		t.Fatalf("%d receipts, %d entries held", len(rc.receipts), rc.held.Size)
	}
	if n := rc.conns.Load(); n > 2*senders {
		t.Fatalf("%d connections for %d senders", n, senders)
	}
}

func TestServerIdentity(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	rc.server.Config.ErrorLog = quiet
	env, ticket := s.message(payload(10))
	for name, c := range map[string]struct {
		change func(*Config)
		code   string
	}{
		"authority":               {func(*Config) {}, ""},
		"pin":                     {func(c *Config) { c.CA, c.Pins = nil, []string{rc.pin()} }, ""},
		"authority and pin":       {func(c *Config) { c.Pins = []string{record.DigestOf(nil).String(), rc.pin()} }, ""},
		"unknown authority":       {func(c *Config) { c.CA = nil }, "delivery.tls"},
		"other pin":               {func(c *Config) { c.CA, c.Pins = nil, []string{record.DigestOf(nil).String()} }, "delivery.tls"},
		"authority, other pin":    {func(c *Config) { c.Pins = []string{record.DigestOf(nil).String()} }, "delivery.tls"},
		"other name":              {func(c *Config) { c.BaseURL = strings.Replace(c.BaseURL, "127.0.0.1", "127.0.0.2", 1) }, "delivery.connection"},
		"nobody listens":          {func(c *Config) { c.BaseURL = "https://127.0.0.1:1" }, "delivery.connection"},
		"certificate not yet due": {func(c *Config) { c.Now = func() time.Time { return time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC) } }, "delivery.tls"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rc.connect(s, c.change).Deliver(t.Context(), env, ticket)
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if name == "other name" && errors.As(err, new(*connectors.Failure)) { // where the loopback network is one host, its certificate does not fit
				return
			}
			wantFailure(t, err, connectors.Transient, c.code)
		})
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	rc.server.Config.ErrorLog = quiet
	old := httptest.NewUnstartedServer(rc)
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS12}
	old.Config.ErrorLog = quiet
	old.StartTLS()
	defer old.Close()
	env, ticket := s.message(payload(10))
	_, err := rc.connect(s, func(c *Config) { c.BaseURL = old.URL }).Deliver(t.Context(), env, ticket)
	wantFailure(t, err, connectors.Transient, "delivery.tls")
}

func TestMutualTLS(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	certPEM, keyPEM, cert := clientCertificate(t)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	strict := httptest.NewUnstartedServer(rc)
	strict.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	strict.Config.ErrorLog = quiet
	strict.StartTLS()
	defer strict.Close()
	env, ticket := s.message(payload(10))
	_, err := rc.connect(s, func(c *Config) { c.BaseURL = strict.URL }).Deliver(t.Context(), env, ticket)
	var failure *connectors.Failure // the server may have closed the connection before its alert is read
	if !errors.As(err, &failure) || failure.Kind != connectors.Transient || failure.Code != "delivery.tls" && failure.Code != "delivery.connection" {
		t.Errorf("without a certificate: %v", err)
	}
	deliver(t, rc.connect(s, func(c *Config) { c.BaseURL, c.ClientCertificate, c.ClientKey = strict.URL, certPEM, keyPEM }), env, ticket)
}

func clientCertificate(t *testing.T) (certPEM, keyPEM []byte, cert *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "almasu"}, NotBefore: testTime.Add(-time.Hour), NotAfter: testTime.AddDate(50, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), cert
}

func TestCancel(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	ctx, cancel := context.WithCancel(t.Context())
	rc.before = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
		return true
	}
	env, ticket := s.message(payload(10))
	_, err := rc.connect(s).Deliver(ctx, env, ticket)
	wantFailure(t, err, connectors.Transient, "delivery.cancelled")
}

func TestConfigReportsEverything(t *testing.T) {
	_, err := New(Config{Pins: []string{"x"}, ClientKey: []byte("k"), ConnectTimeout: -1})
	problems := record.Problems(nil)
	if !errors.As(err, &problems) || len(problems) != 8 {
		t.Fatalf("%v", err)
	}
	s := newSender(t)
	rc := newReceiver(t, s, true)
	for name, c := range map[string]struct {
		change func(*Config)
		code   string
	}{
		"no scheme":        {func(c *Config) { c.BaseURL = "example.kz" }, "rest.base_url"},
		"other scheme":     {func(c *Config) { c.BaseURL = "ftp://example.kz" }, "rest.base_url"},
		"user":             {func(c *Config) { c.BaseURL = "https://u:p@example.kz" }, "rest.base_url"},
		"query":            {func(c *Config) { c.BaseURL = "https://example.kz?x=1" }, "rest.base_url"},
		"slash":            {func(c *Config) { c.BaseURL = "https://example.kz/" }, "rest.base_url"},
		"plain":            {func(c *Config) { c.BaseURL = "http://127.0.0.1" }, "rest.plain_http"},
		"plain, elsewhere": {func(c *Config) { c.BaseURL, c.InsecureLoopback = "http://example.kz", true }, "rest.plain_http"},
		"plain, localhost": {func(c *Config) { c.BaseURL, c.InsecureLoopback = "http://localhost", true }, "rest.plain_http"},
		"authorities":      {func(c *Config) { c.CA = []byte("x") }, "rest.ca"},
		"client pair":      {func(c *Config) { c.ClientCertificate, c.ClientKey = []byte("x"), []byte("y") }, "rest.client_certificate"},
		"half a pair":      {func(c *Config) { c.ClientCertificate = []byte("x") }, "rest.client_certificate"},
		"recipient":        {func(c *Config) { c.Recipient = "12345678901x" }, "rest.recipient"},
		"no peers":         {func(c *Config) { c.Peers = signing.NewKeyring("x") }, "rest.peers"},
		"no clock":         {func(c *Config) { c.Now = nil }, "rest.incomplete"},
		"no log key":       {func(c *Config) { c.LogKey = nil }, "rest.incomplete"},
	} {
		conf := rc.config(s)
		c.change(&conf)
		if _, err := New(conf); record.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlainLoopback(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, false)
	env, ticket := s.message(payload(10))
	deliver(t, rc.connect(s), env, ticket)
}

// The digest that is signed is the envelope's, so another body cannot be sent under it.
func TestSignerUsesTheEnvelopesDigest(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	env, ticket := s.message(payload(10))
	c := rc.connect(s)
	deliver(t, c, env, ticket)
	forged := message(env, ticket)
	other := signing.NewPayload(payload(11), "application/json")
	forged.payload = signing.ProvenPayload(other, other.Size(), env.Payload().Digest(), other.MediaType())
	a, err := c.post(t.Context(), messagesPath, 1000, forged)
	if err != nil || a.status != http.StatusUnauthorized || a.refusal().Code != "signature.digest" {
		t.Fatal(a, err)
	}
	unsigned := message(env, ticket)
	unsigned.payload = signing.ProvenPayload(other, other.Size(), record.Digest{}, other.MediaType())
	_, err = c.post(t.Context(), messagesPath, 1000, unsigned)
	wantFailure(t, err, connectors.Transient, "signature.params")
}

// lent is a payload that is read slowly, and counts its readers which are not closed.
type lent struct {
	signing.Payload
	readers atomic.Int64
}

func (l *lent) Open() io.ReadCloser {
	l.readers.Add(1)
	return &lentReader{l.Payload.Open(), l}
}

type lentReader struct {
	io.ReadCloser
	of *lent
}

func (r *lentReader) Close() error {
	runtime.Gosched()
	r.of.readers.Add(-1)
	return r.ReadCloser.Close()
}

// A recipient that answers without reading leaves the transport in the middle of the body, whose memory is used for other messages when Deliver has returned.
func TestNobodyReadsOnAfterTheAnswer(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	rc.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Path == messagesPath {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return r.URL.Path == messagesPath
	}
	c := rc.connect(s)
	env, ticket := s.message(payload(4 << 20))
	p := &lent{Payload: env.Payload()}
	env, err := env.Carrying(signing.ProvenPayload(p, p.Size(), p.Digest(), p.MediaType()))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := c.Deliver(t.Context(), env, ticket); err == nil {
			t.Fatal("there is a receipt")
		}
		if n := p.readers.Load(); n != 0 {
			t.Fatalf("%d readers of the payload are open", n)
		}
	}
}
