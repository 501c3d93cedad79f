package inbox

import (
	"fmt"
	"io"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// Key is a public key as people compare it.
type Key struct {
	// Use says whose it is and what for.
	Use string `json:"use"`
	// ID is the key's id, for a log its name; a log's key has neither algorithm nor fingerprint, and is short enough to be compared whole.
	ID          string `json:"id"`
	Algorithm   string `json:"algorithm,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	// Public is the key: PEM, or the line of a log's key.
	Public string `json:"public"`
	// NotBefore and NotAfter are the period in which signatures count, RFC 3339; empty for an open side.
	NotBefore string `json:"not_before,omitempty"`
	NotAfter  string `json:"not_after,omitempty"`
}

// Keys lists the public half of the key that signs receipts, and the keys of each sender; missing are senders whose keys cannot be read, as before they have been handed over.
func Keys(c *Config) (keys []Key, missing record.Problems, err error) {
	b, err := Secret(c.ReceiptKey)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key that signs receipts: %w", err)
	}
	own, err := signing.ParseKey(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.ReceiptKey, err)
	}
	keys = []Key{describe("receipts", own.Public())}
	for _, one := range c.Senders {
		sd, err := LoadSender(one)
		if err != nil {
			missing.Merge(err, "config.file", "sender "+one.BIN)
			continue
		}
		keys = append(keys, Key{Use: "log of sender " + sd.BIN, ID: sd.LogKey.Origin(), Public: sd.LogKey.String()})
		for _, held := range sd.Ring.Keys() {
			k := describe("messages of sender "+sd.BIN, held.Key)
			k.NotBefore, k.NotAfter = stamp(held.NotBefore), stamp(held.NotAfter)
			keys = append(keys, k)
		}
	}
	return keys, missing, nil
}

func describe(use string, k *signing.PublicKey) Key {
	return Key{Use: use, ID: k.ID(), Algorithm: string(k.Alg()), Fingerprint: k.Fingerprint(), Public: string(k.PEM())}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// WriteKeys prints keys for people, and what is missing.
func WriteKeys(w io.Writer, keys []Key, missing record.Problems) {
	for _, k := range keys {
		fmt.Fprintf(w, "%s: %s", k.Use, k.ID)
		if k.Fingerprint != "" {
			fmt.Fprintf(w, " %s %s", k.Algorithm, k.Fingerprint)
		}
		fmt.Fprintf(w, "\n%s\n", k.Public)
	}
	for _, p := range missing {
		fmt.Fprintf(w, "not here yet: %s\n", p)
	}
}
