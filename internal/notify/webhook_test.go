package notify

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
)

func sealingKey(t *testing.T) *signing.Key {
	t.Helper()
	k, err := signing.GenerateKey(signing.Ed25519, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestWebhookIsSigned: a receiver with our public key accepts the request, once, and reads the note.
func TestWebhookIsSigned(t *testing.T) {
	key := sealingKey(t)
	ring := signing.NewKeyring("351240000001")
	if err := ring.Add(key.Public(), time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	v := &httpsig.Verifier{Ring: ring, Window: time.Minute, Fresh: func(id, nonce string, _ time.Time) bool {
		again := seen[id+nonce]
		seen[id+nonce] = true
		return !again
	}}
	var got []byte
	var problem error
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, problem = v.Verify(r, now, func() (record.Digest, error) {
			var err error
			got, err = io.ReadAll(r.Body)
			return record.DigestOf(got), err
		})
		w.WriteHeader(http.StatusNoContent)
	}))
	defer s.Close()
	w := &Webhook{URL: s.URL + "/almasu", InsecureLoopback: true, Transport: http.DefaultTransport, Key: key, Now: func() time.Time { return now }}
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
	if err := w.Send(t.Context(), example()); err != nil || problem != nil {
		t.Fatal(err, problem)
	}
	var note struct {
		V            int
		ID           string
		Raised, Over []struct {
			Kind, Subject, Code string
			Until               *time.Time
			Text                map[string]string
		}
	}
	if err := json.Unmarshal(got, &note); err != nil {
		t.Fatal(err)
	}
	if note.V != 1 || note.ID != "0193a0b1" || len(note.Raised) != 2 || len(note.Over) != 1 || note.Raised[0].Code != "source.database" ||
		note.Raised[1].Until == nil || note.Over[0].Text["ru"] != "oblast: отправка получателю продолжена" {
		t.Errorf("%s", got)
	}
	if err := w.Send(t.Context(), example()); err != nil || problem != nil || len(seen) != 2 {
		t.Errorf("a second note needs a nonce of its own: %v %v", err, problem)
	}
}

func TestWebhookRefusals(t *testing.T) {
	answers := map[string]int{"/redirect": http.StatusFound, "/error": http.StatusInternalServerError, "/refused": http.StatusForbidden}
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(answers[r.URL.Path])
		_, _ = io.WriteString(w, "and here is what you said")
	}))
	defer s.Close()
	for path := range answers {
		w := &Webhook{URL: s.URL + path, InsecureLoopback: true, Transport: http.DefaultTransport, Key: sealingKey(t), Now: time.Now}
		if err := w.Send(t.Context(), example()); record.CodeOf(err) != "notify.webhook_refused" || strings.Contains(err.Error(), "what you said") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if asked != len(answers) {
		t.Errorf("%d requests: redirects are not followed", asked)
	}
	s.Close()
	w := &Webhook{URL: s.URL, InsecureLoopback: true, Transport: http.DefaultTransport, Key: sealingKey(t), Now: time.Now}
	if err := w.Send(t.Context(), example()); record.CodeOf(err) != "notify.webhook_connection" {
		t.Error(err)
	}
	for url, code := range map[string]string{
		"http://example.kz/a": "notify.insecure", "ftp://example.kz": "notify.insecure", "https://u:p@example.kz": "notify.webhook_url", "/a": "notify.webhook_url",
		"https://example.kz/a": "",
	} {
		if err := (&Webhook{URL: url, InsecureLoopback: true}).Check(); record.CodeOf(err) != code {
			t.Errorf("%s: %v", url, err)
		}
	}
}
