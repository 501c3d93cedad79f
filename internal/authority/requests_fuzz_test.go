package authority

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
)

// FuzzRequests sends requests that a known key has signed, whatever they hold: each is answered with a receipt, or refused with a code, and none is
// the service's own failure.
func FuzzRequests(f *testing.F) {
	w := newWorld(f)
	s, err := Open(context.Background(), w.config(), w.clock.now, slog.New(slog.NewJSONHandler(io.Discard, nil)))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	handler := s.Handler()
	m := w.message(2)
	r := w.request(m)
	seed := func(path string, body []byte) {
		f.Add(path, r.Header.Get(httpsig.FieldEnvelope), r.Header.Get(httpsig.FieldTicket), r.Header.Get(httpsig.FieldCheckpoint), r.Header.Get(httpsig.FieldSequence), body)
	}
	seed("/v1/messages", m.env.Payload().Bytes())
	update, err := json.Marshal(updateBody{Checkpoint: m.ticket.Checkpoint()})
	if err != nil {
		f.Fatal(err)
	}
	seed("/v1/checkpoints", update)
	seed("/v1/status", nil)
	f.Fuzz(func(t *testing.T, path, envelope, ticket, checkpoint, sequence string, body []byte) {
		method := http.MethodPost
		if path == "/v1/status" {
			method = http.MethodGet
		}
		if path != "/v1/messages" && path != "/v1/checkpoints" && path != "/v1/status" {
			path = "/v1/messages"
		}
		in := httptest.NewRequest(method, "https://127.0.0.1"+path, bytes.NewReader(body))
		in.Header = r.Header.Clone()
		for name, value := range map[string]string{httpsig.FieldEnvelope: envelope, httpsig.FieldTicket: ticket, httpsig.FieldCheckpoint: checkpoint, httpsig.FieldSequence: sequence} {
			in.Header.Set(name, value)
		}
		p := httpsig.Params{Created: w.clock.now(), Lifetime: time.Minute, Nonce: httpsig.NewNonce()}
		if httpsig.Sign(in, record.DigestOf(body), w.key, p) != nil {
			return // a field that cannot be signed
		}
		out := httptest.NewRecorder()
		handler.ServeHTTP(out, in)
		var refused refusalBody
		if out.Code != http.StatusOK && (json.Unmarshal(out.Body.Bytes(), &refused) != nil || refused.Code == "" || out.Code >= 500) {
			t.Fatalf("status %d: %s", out.Code, out.Body)
		}
	})
}
