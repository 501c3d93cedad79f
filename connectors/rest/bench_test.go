package rest

import (
	"io"
	"net/http"
	"testing"
)

// BenchmarkDeliver posts messages of 250 kB over TLS to a server in the same process that reads and drops them: the client's cost and the
// server's share of TLS.
func BenchmarkDeliver(b *testing.B) {
	s := newSender(b)
	rc := newReceiver(b, s, true)
	c := rc.connect(s)
	env, ticket := s.message(payload(250_000))
	ack := deliver(b, c, env, ticket)
	rc.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(ack)
		return true
	}
	b.SetBytes(250_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Deliver(b.Context(), env, ticket); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadReceipt(b *testing.B) {
	s := newSender(b)
	rc := newReceiver(b, s, true)
	c := rc.connect(s)
	env, ticket := s.message(payload(10))
	ack := deliver(b, c, env, ticket)
	for b.Loop() {
		if _, err := c.ReadReceipt(env, ack); err != nil {
			b.Fatal(err)
		}
	}
}
