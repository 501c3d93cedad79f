package rest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/signing"
)

// TestEachForgeryHasItsOwnCode plays a forked log, a replayed message, and receipts that are another message's, another recipient's or under
// another recipient's key, over HTTPS: each is refused under a code of its own.
func TestEachForgeryHasItsOwnCode(t *testing.T) {
	s := newSender(t)
	rc, elsewhere := newReceiver(t, s, true), newReceiver(t, s, true)
	env, ticket := s.message(payload(10))
	second, ticket2 := s.message(payload(11))
	toOther, _ := s.commit(payload(12), func(h *signing.Header) { h.Recipient = "351240000099" })
	others := signing.NewKeyring("351240000099")
	if err := others.Add(elsewhere.key.Public(), time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	known := func(c *Config) { c.Peers.Beside(c.Peers, others) }
	seen := map[string]string{}
	own := func(what, code string) {
		t.Helper()
		if before, again := seen[code]; again || code == "" {
			t.Errorf("%s and %s have one code: %q", what, before, code)
		}
		seen[code] = what
	}

	ack := deliver(t, rc.connect(s, known), env, ticket)
	under := func(key *signing.Key) []byte { return (&receiver{t: t, key: key}).receipt(second, 1) }
	for _, one := range []struct {
		what, code string
		answer     []byte
	}{
		{"the receipt of another message", "receipt.other_envelope", ack},
		{"another recipient's receipt for its own message", "receipt.other_recipient", elsewhere.receipt(toOther, 0)},
		{"a receipt under the key of another recipient", "receipt.key_of_another", under(elsewhere.key)},
		{"a receipt under a key that nobody knows", "receipt.unknown_key", under(connectortest.NewKey(t))},
	} {
		rc.mu.Lock()
		rc.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if r.URL.Path == messagesPath {
				_, _ = w.Write(one.answer)
			}
			return r.URL.Path == messagesPath
		}
		rc.mu.Unlock()
		c := rc.connect(s, known)
		got, err := c.Deliver(t.Context(), second, ticket2)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.ReadReceipt(second, got)
		wantFailure(t, err, connectors.Disputed, one.code)
		own(one.what, one.code)
	}

	replayed := rc.replay(t, func() { deliver(t, rc.connect(s, known), second, ticket2) })
	if replayed != "signature.replay" {
		t.Errorf("a replayed message: %q", replayed)
	}
	own("a replayed message", replayed)

	rewritten := fork(s)
	var err error
	for range 4 {
		env, ticket := rewritten.message(payload(10))
		_, err = rc.connect(rewritten, known).Deliver(t.Context(), env, ticket)
	}
	own("a forked log", wantFailure(t, err, connectors.Halt, "log.inconsistent").Code)
}

// replay lets a delivery happen, sends the request that brought the message once more, byte for byte, and returns the code of the answer.
func (rc *receiver) replay(t *testing.T, deliver func()) string {
	t.Helper()
	var once sync.Once
	var header http.Header
	var body []byte
	rc.mu.Lock()
	rc.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Path == messagesPath {
			once.Do(func() {
				body, _ = io.ReadAll(r.Body)
				r.Body, header = io.NopCloser(bytes.NewReader(body)), r.Header.Clone()
			})
		}
		return false
	}
	rc.mu.Unlock()
	deliver()
	r, err := http.NewRequest(http.MethodPost, rc.server.URL+messagesPath, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	resp, err := rc.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Code string }
	if json.NewDecoder(resp.Body).Decode(&answer) != nil || !strings.HasPrefix(answer.Code, "signature.") {
		t.Errorf("a replayed request is answered with status %d", resp.StatusCode)
	}
	return answer.Code
}
