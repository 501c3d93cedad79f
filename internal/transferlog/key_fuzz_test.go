package transferlog

import (
	"crypto/rand"
	"testing"
)

// FuzzKeys reads the log's keys, the public and the private one.
func FuzzKeys(f *testing.F) {
	secret, public, err := GenerateKey(rand.Reader, "birgeoqy.kz/almasu/log")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(secret)
	f.Add(public)
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := ParsePublicKey(text); err == nil {
			if again, err := ParsePublicKey(key.String()); err != nil || again.Origin() != key.Origin() || key.Origin() == "" {
				t.Fatalf("a key does not read again: %v", err)
			}
		}
		if log, err := New(text); err == nil && log.PublicKey().Origin() == "" {
			t.Fatal("a log without an origin")
		}
	})
}
