package signing

import (
	"fmt"
	"io"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// Listed is a public key as people compare it, and as --json shows it.
type Listed struct {
	// Use says whose it is and what for.
	Use string `json:"use"`
	// ID is the key's id, for a log its name. A log's key, and a key that documents are encrypted to, have neither algorithm nor fingerprint: they are short enough to be compared whole.
	ID          string `json:"id"`
	Algorithm   string `json:"algorithm,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	// Public is the key: PEM, or a line.
	Public string `json:"public"`
	// NotBefore and NotAfter are the period in which signatures count, RFC 3339; empty for an open side.
	NotBefore string `json:"not_before,omitempty"`
	NotAfter  string `json:"not_after,omitempty"`
}

// Listing describes a key that is held for a period; zero times are open sides.
func (h HeldKey) Listing(use string) Listed {
	return Listed{Use: use, ID: h.Key.ID(), Algorithm: string(h.Key.Alg()), Fingerprint: h.Key.Fingerprint(), Public: string(h.Key.PEM()),
		NotBefore: stamp(h.NotBefore), NotAfter: stamp(h.NotAfter)}
}

// Listing describes every key of the ring, in its order.
func (r *Keyring) Listing(use string) []Listed {
	var all []Listed
	for _, held := range r.Keys() {
		all = append(all, held.Listing(use))
	}
	return all
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// WriteListing prints keys for people, and what is missing.
func WriteListing(w io.Writer, keys []Listed, missing record.Problems) {
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
