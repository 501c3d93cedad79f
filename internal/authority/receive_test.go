package authority

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
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

func TestDeliver(t *testing.T) {
	w := newWorld(t)
	w.start()
	m := w.message(3)
	w.refused(w.post(m), 409, "log.checkpoint_unknown")
	got := w.deliver(m)
	if got.Accepted != 3 || got.Rejected != 0 || got.CheckpointSize != 1 || got.LogIndex != 0 || got.Sequence != 1 {
		t.Fatalf("%+v", got)
	}
	first := w.post(m)
	for range 5 {
		w.deliver(w.message(2))
	}
	if again := w.post(m); again.status != 200 || !bytes.Equal(again.body, first.body) {
		t.Error("another receipt for the same message")
	}
	w.stop()
	w.start()
	if again := w.post(m); again.status != 200 || !bytes.Equal(again.body, first.body) {
		t.Error("another receipt for the same message after a restart")
	}
	w.sound()
}

func TestRecordsAreRejectedAlone(t *testing.T) {
	w := newWorld(t)
	w.start()
	doc := document(5, map[int]string{
		1: `{"iin":"12","name":"Айгүл"}`,
		2: `{"iin":"000000000000","name":"Айгүл"}`, // that of record 0
		4: `{"iin":"000000000009","name":"Айгүл","birth":"2010"}`,
	})
	env := w.seal(doc, 5, nil)
	got := w.deliver(sent{env, w.commit(intentOf(env))[0]})
	want := []signing.Outcome{
		{Index: 1, Status: "rejected", Code: "schema.pattern", Text: "/iin"}, {Index: 2, Status: "rejected", Code: "record.duplicate", Text: "/iin is that of record 0"},
		{Index: 4, Status: "rejected", Code: "schema.additional_properties"},
	}
	if got.Status != signing.StatusAccepted || got.Accepted != 2 || got.Rejected != 3 || len(got.Outcomes) != 3 {
		t.Fatalf("%+v", got)
	}
	for i, o := range got.Outcomes {
		if o != want[i] {
			t.Errorf("outcome %+v, want %+v", o, want[i])
		}
	}
	w.sound()
}

// TestRefusedDocuments take their number, with a signed refusal, so that no gap is left.
func TestRefusedDocuments(t *testing.T) {
	w := newWorld(t)
	w.start()
	for _, c := range []struct {
		code   string
		status int
		doc    []byte
		n      int
		change func(*signing.Header)
	}{
		{"schema.malformed", 422, []byte(`{"header":`), 1, nil},
		{"schema.required", 422, []byte(`{"header":{},"pupils":[]}`), 0, nil},
		{"message.records", 422, document(2, nil), 3, nil},
		{"schema.not_agreed", 422, document(2, nil), 2, func(h *signing.Header) { h.Schema = record.DigestOf([]byte("x")) }},
		{"message.void", 422, make([]byte, maxVoid+1), 0, func(h *signing.Header) { h.Operation, h.Fields = signing.OperationVoid, nil }},
	} {
		env := w.seal(c.doc, c.n, c.change)
		m := sent{env, w.commit(intentOf(env))[0]}
		w.advance(m, w.held())
		r := w.post(m)
		w.refused(r, c.status, c.code)
		receipt, err := signing.OpenReceipt(r.Receipt, w.ring(), w.clock.now(), env)
		if err != nil || receipt.Status != signing.StatusRefused || receipt.Code != c.code {
			t.Errorf("%s: %+v %v", c.code, receipt, err)
		}
		again := w.post(m)
		w.refused(again, c.status, c.code)
		if !bytes.Equal(again.Receipt, r.Receipt) {
			t.Errorf("%s: another receipt", c.code)
		}
	}
	env := w.seal(nil, 0, func(h *signing.Header) {
		h.Operation, h.Fields, h.Path, h.Clause, h.Ground, h.Purpose = signing.OperationVoid, nil, "", "", "", ""
	})
	in := intentOf(env)
	in.Voids = record.NewID()
	if got := w.deliver(sent{env, w.commit(in)[0]}); got.Records != 0 || got.Status != signing.StatusAccepted {
		t.Errorf("a void notice: %+v", got)
	}
	if n := w.server.senders[platformBIN].progress.Lowest; n != 7 {
		t.Errorf("the lowest missing number is %d", n)
	}
	w.sound()
}

// TestVoidCrosses sends a message and the void notice for it in both orders: the first takes the number.
func TestVoidCrosses(t *testing.T) {
	w := newWorld(t)
	w.start()
	pair := func() (original, void sent) {
		original = w.message(2)
		w.next--
		env := w.seal([]byte(`{"void":"x"}`), 0, func(h *signing.Header) { h.Operation, h.Fields = signing.OperationVoid, nil })
		in := intentOf(env)
		in.Voids = original.env.Header().Message
		return original, sent{env, w.commit(in)[0]}
	}
	original, void := pair()
	w.deliver(original)
	w.advance(void, w.held())
	r := w.post(void)
	w.refused(r, 409, "sequence.duplicate_other_message")
	if got, err := signing.OpenReceipt(r.Receipt, w.ring(), w.clock.now(), original.env); err != nil || got.Accepted != 2 {
		t.Errorf("the void notice is not told what came before it: %v", err)
	}
	original, void = pair()
	w.deliver(void)
	w.advance(original, w.held())
	r = w.post(original)
	w.refused(r, 409, "sequence.duplicate_other_message")
	if len(r.Receipt) != 0 {
		t.Error("a receipt for a message that was voided")
	}
	if s := must(inbox.Status(context.Background(), w.config(), w.clock.now()))[0]; len(s.Alarms) != 0 || s.Records != 2 || s.Last != 2 {
		t.Errorf("%+v", s)
	}
	w.sound()
}

func TestSequence(t *testing.T) {
	w := newWorld(t)
	w.start()
	var all []sent
	for range 70 {
		all = append(all, w.message(1))
	}
	last := all[69]
	if r := w.advance(last, 0); r.status != 200 {
		t.Fatalf("%s", r.body)
	}
	for i := len(all) - 1; i >= 0; i-- { // tickets against the last state, as a sender renews them
		proof := must(tlog.ProveRecord(70, int64(i), &w.memory))
		all[i].ticket = must(transferlog.Restore(w.log.PublicKey(), int64(i), all[i].ticket.EntryBytes(), proof, last.ticket.Checkpoint()))
	}
	w.refused(w.post(all[64]), 409, "sequence.too_far")
	for _, i := range []int{63, 5, 1, 2} {
		w.receipt(all[i], w.post(all[i]))
	}
	s := must(inbox.Status(context.Background(), w.config(), w.clock.now().Add(time.Hour)))[0]
	if len(s.Gaps) != 60 || s.Gaps[0].Sequence != 1 || !s.Gaps[0].Overdue || s.Last != 64 || s.Messages != 4 || s.HeldSize != 70 {
		t.Errorf("%d gaps, %+v", len(s.Gaps), s)
	}
	w.receipt(all[0], w.post(all[0]))
	w.receipt(all[64], w.post(all[64]))
	w.next = 1
	other := w.message(1)
	w.advance(other, w.held())
	w.refused(w.post(other), 409, "sequence.duplicate_other_message")
	s = must(inbox.Status(context.Background(), w.config(), w.clock.now()))[0]
	if len(s.Alarms) != 1 || s.Alarms[0].Code != "sequence.duplicate_other_message" || s.Gaps[0].Sequence != 4 || s.Gaps[0].Overdue {
		t.Errorf("%+v", s)
	}
	w.sound()
}

// TestOrder delivers messages of several commits in the wrong order: an older state is introduced by a proof to the newer.
func TestOrder(t *testing.T) {
	w := newWorld(t)
	w.start()
	a, b, c := w.message(1), w.message(2), w.message(3)
	w.deliver(c)
	r := w.post(a)
	w.refused(r, 409, "log.checkpoint_unknown")
	if *r.HeldSize != 3 || r.HeldRoot == "" {
		t.Errorf("%s", r.body)
	}
	r = w.advance(a, 2)
	w.refused(r, 409, "log.checkpoint_base")
	w.deliver(a)
	w.deliver(b)
	if r := w.advance(c, 0); r.status != 200 {
		t.Errorf("a known state again: %s", r.body)
	}
	w.sound()
}

// TestDishonestSender plays a sender whose keys are right and whose claims are not.
func TestDishonestSender(t *testing.T) {
	w := newWorld(t)
	w.start()
	good := w.message(1)
	w.deliver(good)
	w.deliver(w.message(1))
	alarms := 0
	alarm := func(code string) {
		t.Helper()
		s := must(inbox.Status(context.Background(), w.config(), w.clock.now()))[0]
		if alarms++; len(s.Alarms) != alarms || s.Alarms[alarms-1].Code != code {
			t.Errorf("%s: alarms %+v", code, s.Alarms)
		}
	}
	// A log rewritten from its first entry on, and signed again.
	var forged transferlog.Memory
	fresh := must(transferlog.New(w.secret))
	fork := func(entries ...transferlog.Entry) *transferlog.Commitment {
		c := must(fresh.Commit(context.Background(), &forged, w.clock.now(), entries...))
		c.Committed()
		return c
	}
	act := &transferlog.Act{Actor: "a", Act: "run_now"}
	fork(act)
	same := fork(act).Checkpoint()
	w.refused(must(w.introduce(same, 2, nil)), 409, "log.inconsistent")
	alarm("log.inconsistent")
	env := w.seal(document(1, nil), 1, nil)
	longer := fork(intentOf(env))
	w.refused(must(w.introduce(longer.Checkpoint(), 2, must(transferlog.ProveConsistency(&forged, 2, 3)))), 409, "log.inconsistent")
	alarm("log.inconsistent")
	shorter := sent{env, longer.Tickets()[0]}
	w.refused(w.post(shorter), 409, "log.checkpoint_unknown")
	// A ticket against a state that is held, of an entry that is not in it.
	honest := w.commit(intentOf(env))
	m := sent{env, honest[0]}
	w.advance(m, 2)
	r := w.request(m)
	r.Header.Set(httpsig.FieldTicket, good.ticket.Wire())
	w.refused(must(w.do(r, w.key, env.Payload().Bytes(), "")), 422, "log.ticket_not_in_log")
	other := intentOf(env)
	other.Records = 7
	in := sent{env, w.commit(other)[0]}
	w.advance(in, 3)
	w.refused(w.post(in), 422, "log.ticket_other_message")
	r = w.request(m)
	r.Header.Set(httpsig.FieldTicket, "0.e30.")
	w.refused(must(w.do(r, w.key, env.Payload().Bytes(), "")), 400, "log.entry_malformed")
	// A message whose state has another root than the one accepted for its size.
	clash := sent{env, longer.Tickets()[0]}
	w.refused(w.post(clash), 409, "log.inconsistent")
	alarm("log.inconsistent")
	w.receipt(m, w.post(m))
	// The same message id, sealed over other bytes.
	h := good.env.Header()
	w.next = 0
	again := w.seal(document(2, nil), 2, func(n *signing.Header) { n.Message, n.Transfer = h.Message, h.Transfer })
	w.refused(w.post(sent{again, good.ticket}), 409, "message.other_envelope")
	alarm("message.other_envelope")
	// And under a new number, with an honest intent.
	w.next = 9
	again = w.seal(document(2, nil), 2, func(n *signing.Header) { n.Message, n.Transfer, n.Sequence = h.Message, h.Transfer, 4 })
	renamed := sent{again, w.commit(intentOf(again))[0]}
	w.advance(renamed, w.held())
	w.refused(w.post(renamed), 409, "message.other_envelope")
	alarm("message.other_envelope")
	w.sound()
}

// badRequest is a request that is refused before anything of it is stored.
type badRequest struct {
	name   string
	status int
	code   string
	send   func() (*reply, error)
}

// badSignatures are requests around the message m whose signature does not stand for them.
func (w *world) badSignatures(m sent) []badRequest {
	body := m.env.Payload().Bytes()
	stranger := must(signing.GenerateKey(signing.Ed25519, nil))
	return []badRequest{
		{"unsigned", 401, "signature.missing", func() (*reply, error) { return w.send(w.request(m)) }},
		{"by a stranger", 401, "signing.unknown_key", func() (*reply, error) { return w.do(w.request(m), stranger, body, "") }},
		{"other bytes", 401, "signature.digest", func() (*reply, error) {
			r := w.request(m)
			other := bytes.Replace(body, []byte("Айгүл"), []byte("Айгул"), 1)
			r.Body, r.ContentLength = http.NoBody, int64(len(other))
			r = must(http.NewRequest(r.Method, r.URL.String(), bytes.NewReader(other)))
			r.Header = w.request(m).Header
			return w.do(r, w.key, body, "")
		}},
		{"a field changed after signing", 401, "signature.bad", func() (*reply, error) {
			r := w.request(m)
			must("", httpsig.Sign(r, record.DigestOf(body), w.key, httpsig.Params{Created: w.clock.now(), Lifetime: time.Minute, Nonce: httpsig.NewNonce()}))
			r.Header.Set(httpsig.FieldSequence, "2")
			return w.send(r)
		}},
		{"expired", 401, "signature.expired", func() (*reply, error) {
			r := w.request(m)
			must("", httpsig.Sign(r, record.DigestOf(body), w.key, httpsig.Params{Created: w.clock.now().Add(-2 * time.Minute), Lifetime: time.Minute, Nonce: httpsig.NewNonce()}))
			return w.send(r)
		}},
		{"from the future", 401, "signature.created", func() (*reply, error) {
			r := w.request(m)
			must("", httpsig.Sign(r, record.DigestOf(body), w.key, httpsig.Params{Created: w.clock.now().Add(time.Hour), Lifetime: time.Minute, Nonce: httpsig.NewNonce()}))
			return w.send(r)
		}},
	}
}

// badContents are signed requests around the message m that say something wrong.
func (w *world) badContents(m sent) []badRequest {
	body := m.env.Payload().Bytes()
	wrong := func(change func(*signing.Header)) sent {
		n := w.next
		env := w.seal(document(1, nil), 1, change)
		w.next = n
		return sent{env, m.ticket}
	}
	return []badRequest{
		{"another sequence in the field", 400, "envelope.other_fields", func() (*reply, error) {
			r := w.request(m)
			r.Header.Set(httpsig.FieldSequence, "2")
			return w.do(r, w.key, body, "")
		}},
		{"no envelope", 400, "envelope.malformed", func() (*reply, error) {
			r := w.request(m)
			r.Header.Del(httpsig.FieldEnvelope)
			return w.do(r, w.key, body, "")
		}},
		{"a header that breaks its rules", 400, "envelope.header", func() (*reply, error) {
			r := w.request(m)
			header, rest, _ := strings.Cut(r.Header.Get(httpsig.FieldEnvelope), ".")
			text := must(base64.RawURLEncoding.DecodeString(header))
			text = bytes.Replace(text, []byte(platformBIN), []byte(platformBIN[:9]), 1)
			r.Header.Set(httpsig.FieldEnvelope, base64.RawURLEncoding.EncodeToString(text)+"."+rest)
			return w.do(r, w.key, body, "")
		}},
		{"for another recipient", 403, "message.wrong_recipient", func() (*reply, error) {
			return w.post(wrong(func(h *signing.Header) { h.Recipient = platformBIN })), nil
		}},
		{"of another sender", 403, "message.wrong_sender", func() (*reply, error) {
			return w.post(wrong(func(h *signing.Header) { h.Sender = ministryBIN })), nil
		}},
		{"a checkpoint that is none", 400, "log.checkpoint_malformed", func() (*reply, error) {
			r := w.request(m)
			r.Header.Set(httpsig.FieldCheckpoint, base64.StdEncoding.EncodeToString([]byte("x")))
			return w.do(r, w.key, body, "")
		}},
		{"too large", 413, "request.too_large", func() (*reply, error) {
			r := must(http.NewRequest(http.MethodPost, w.url+"/v1/messages", strings.NewReader(strings.Repeat("x", 100001))))
			return w.send(r)
		}},
		{"without a length", 411, "request.length", func() (*reply, error) {
			r := must(http.NewRequest(http.MethodPost, w.url+"/v1/messages", struct{ *strings.Reader }{strings.NewReader("x")}))
			r.ContentLength = -1
			return w.send(r)
		}},
		{"another method", 405, "request.method", func() (*reply, error) {
			return w.send(must(http.NewRequest(http.MethodPut, w.url+"/v1/messages", nil)))
		}},
		{"another path", 404, "request.not_found", func() (*reply, error) { return w.send(must(http.NewRequest(http.MethodGet, w.url+"/", nil))) }},
		{"no JSON", 400, "request.malformed", func() (*reply, error) {
			r := must(http.NewRequest(http.MethodPost, w.url+"/v1/checkpoints", strings.NewReader("{}x")))
			return w.do(r, w.key, []byte("{}x"), "")
		}},
	}
}

func TestRequests(t *testing.T) {
	w := newWorld(t)
	w.configure("limits: {body_bytes: 100000}\n")
	w.start()
	m := w.message(1)
	w.advance(m, 0)
	for _, c := range append(w.badSignatures(m), w.badContents(m)...) {
		r, err := c.send()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if r.status != c.status || r.Code != c.code {
			t.Errorf("%s: %d %s (%s)", c.name, r.status, r.Code, r.Message)
		}
	}
	body, nonce := m.env.Payload().Bytes(), httpsig.NewNonce()
	if r := must(w.do(w.request(m), w.key, body, nonce)); r.status != 200 {
		t.Fatalf("%s", r.body)
	}
	w.refused(must(w.do(w.request(m), w.key, body, nonce)), 401, "signature.replay")
	w.stop()
	w.start()
	w.refused(must(w.do(w.request(m), w.key, body, nonce)), 401, "signature.replay")
	w.sound()
}

func TestStatusRequest(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.deliver(w.message(1))
	r := must(w.do(must(http.NewRequest(http.MethodGet, w.url+"/v1/status", nil)), w.key, nil, ""))
	ask := func(query string) *signing.Standing {
		r := must(w.do(must(http.NewRequest(http.MethodGet, w.url+"/v1/status"+query, nil)), w.key, nil, ""))
		if r.status != 200 {
			t.Fatalf("%s: %d %s", query, r.status, r.body)
		}
		return must(signing.OpenStanding(r.body, w.ring(), w.clock.now(), ministryBIN, platformBIN))
	}
	if s := ask(""); s.Last != 1 || len(s.Missing) != 0 || s.HeldSize != 1 || len(s.Checkpoint) == 0 || len(s.Messages) != 0 {
		t.Fatalf("%+v", s)
	}
	w.deliver(w.message(1))
	s := ask("?from=2")
	if len(s.Messages) != 1 || s.Messages[0].Sequence != 2 || len(s.Messages[0].Receipt) == 0 || s.Messages[0].Envelope.IsZero() {
		t.Fatalf("%+v", s)
	}
	if s := ask("?from=3"); s.Last != 2 || len(s.Messages) != 0 {
		t.Fatalf("%+v", s)
	}
	w.refused(must(w.do(must(http.NewRequest(http.MethodGet, w.url+"/v1/status?from=x", nil)), w.key, nil, "")), 400, "request.malformed")
	if _, err := signing.OpenStanding(r.body, w.ring(), w.clock.now(), ministryBIN, "000000000000"); record.CodeOf(err) != "standing.other" {
		t.Errorf("about another sender: %v", err)
	}
	if _, err := signing.OpenStanding(r.body, w.ring(), w.clock.now().Add(time.Hour), ministryBIN, platformBIN); record.CodeOf(err) != "standing.time" {
		t.Errorf("an hour later: %v", err)
	}
}

// TestConcurrent sends many messages at once, each several times: one receipt for each message, whoever asks.
func TestConcurrent(t *testing.T) {
	w := newWorld(t)
	w.configure("limits: {in_flight: 4}\n")
	w.start()
	envs := make([]*signing.Envelope, 40)
	entries := make([]transferlog.Entry, len(envs))
	for i := range envs {
		envs[i] = w.seal(document(10, nil), 10, nil)
		entries[i] = intentOf(envs[i])
	}
	tickets := w.commit(entries...)
	w.advance(sent{envs[0], tickets[0]}, 0)
	receipts := make([][3][]byte, len(envs))
	var group sync.WaitGroup
	for i := range envs {
		for k := range 3 {
			group.Go(func() {
				r, err := w.do(w.request(sent{envs[i], tickets[i]}), w.key, envs[i].Payload().Bytes(), "")
				if err != nil || r.status != 200 {
					t.Errorf("message %d: %v %+v", i, err, r)
					return
				}
				receipts[i][k] = r.body
			})
		}
	}
	group.Wait()
	for i := range envs {
		if !bytes.Equal(receipts[i][0], receipts[i][1]) || !bytes.Equal(receipts[i][0], receipts[i][2]) {
			t.Errorf("message %d has several receipts", i)
		}
	}
	s := must(inbox.Status(context.Background(), w.config(), w.clock.now()))[0]
	if s.Messages != 40 || s.Records != 400 || len(s.Gaps) != 0 || len(s.Alarms) != 0 {
		t.Errorf("%+v", s)
	}
	w.sound()
}

// TestOneNumberTwiceAtOnce: two messages under one number, and one under the next, are all found good before any of them is written. One takes the number, the other is
// told so, and the third is not hindered: what is taken is decided by what the transaction sees.
func TestOneNumberTwiceAtOnce(t *testing.T) {
	w := newWorld(t)
	w.start()
	var envs []*signing.Envelope
	var entries []transferlog.Entry
	for i := range 3 {
		envs = append(envs, w.seal(document(1+i, nil), 1+i, nil))
		entries = append(entries, intentOf(envs[i]))
		if i == 0 {
			w.next--
		}
	}
	tickets := w.commit(entries...)
	w.advance(sent{envs[0], tickets[0]}, 0)
	busy, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = w.server.group.submit(t.Context(), func(context.Context, *group) error { close(busy); <-release; return nil })
	})
	<-busy
	replies := make([]*reply, len(envs))
	for i, env := range envs {
		all.Go(func() {
			var err error
			if replies[i], err = w.do(w.request(sent{env, tickets[i]}), w.key, env.Payload().Bytes(), ""); err != nil {
				t.Error(err)
			}
		})
	}
	for late := time.Now().Add(30 * time.Second); len(w.server.group.queue) < len(envs); runtime.Gosched() {
		if time.Now().After(late) {
			t.Error("they do not come to the writer")
			break
		}
	}
	close(release)
	all.Wait()
	if t.Failed() {
		return
	}
	taken := 0
	for _, r := range replies[:2] {
		if r.status == 200 {
			taken++
			continue
		}
		w.refused(r, 409, codeTaken)
	}
	if taken != 1 || replies[2].status != 200 {
		t.Errorf("%d messages took one number; the next: %d %s", taken, replies[2].status, replies[2].body)
	}
	w.sound()
}

// TestBehindProxy signs for the public address while the request arrives by another.
func TestBehindProxy(t *testing.T) {
	w := newWorld(t)
	w.configure("public_url: https://receive.example.kz/in\n")
	w.start()
	send := func(public string) *reply {
		r := must(http.NewRequest(http.MethodGet, public+"/v1/status", nil))
		must(0, httpsig.Sign(r, record.DigestOf(nil), w.key, httpsig.Params{Created: w.clock.now(), Lifetime: time.Minute, Nonce: httpsig.NewNonce()}))
		actual := must(http.NewRequest(http.MethodGet, w.url+"/v1/status", nil))
		actual.Header = r.Header
		return must(w.send(actual))
	}
	if r := send("https://receive.example.kz/in"); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.refused(send("https://other.example.kz/in"), 401, "signature.bad")
}

// TestMutualTLS demands a client certificate of the configured authority.
func TestMutualTLS(t *testing.T) {
	w := newWorld(t)
	config := strings.Replace(string(must(os.ReadFile(filepath.Join(w.dir, "authority.yaml")))), "key: tls.key}", "key: tls.key, client_ca: tls.crt}", 1)
	w.write("authority.yaml", []byte(config))
	w.start()
	if _, err := w.client.Get(w.url + "/v1/status"); err == nil {
		t.Error("a client without a certificate gets through")
	}
	transport := w.client.Transport.(*http.Transport)
	transport.TLSClientConfig.Certificates = []tls.Certificate{must(tls.LoadX509KeyPair(filepath.Join(w.dir, "tls.crt"), filepath.Join(w.dir, "tls.key")))}
	w.deliver(w.message(1))
}

// TestRotation replaces the key that signs receipts, and lets the sender's key end: what was received before still verifies.
func TestRotation(t *testing.T) {
	w := newWorld(t)
	w.start()
	old := w.message(1)
	w.deliver(old)
	first := w.post(old)
	w.stop()
	fresh := must(signing.GenerateKey(signing.ECDSAP256SHA256, nil))
	w.write("receipt.key", must(fresh.PEM()))
	w.write("receipt.pub", fresh.Public().PEM())
	w.start()
	w.deliver(w.message(1))
	if again := w.post(old); !bytes.Equal(again.body, first.body) {
		t.Error("a new key changes an old receipt")
	}
	w.sound()
	w.stop()
	w.clock.add(time.Hour)
	path := filepath.Join(w.dir, "authority.yaml")
	ended := w.clock.now().Add(-time.Minute).Format(time.RFC3339)
	w.write("authority.yaml", []byte(strings.Replace(string(must(os.ReadFile(path))), "{file: sender.pub}", `{file: sender.pub, not_after: "`+ended+`"}`, 1)))
	w.start()
	w.refused(w.post(w.message(1)), 401, "signing.key_expired")
	w.sound()
}
