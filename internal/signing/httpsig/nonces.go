package httpsig

import (
	"sync"
	"time"
)

// Nonces remembers pairs of key id and nonce in memory, for at least Keep after it saw them. Its zero value remembers nothing and
// therefore calls nothing fresh; make one with [NewNonces]. It is safe for concurrent use.
type Nonces struct {
	mu      sync.Mutex
	keep    time.Duration
	limit   int
	turned  time.Time
	old, by map[string]struct{}
}

// NewNonces returns a memory that keeps what it saw for at least keep (two windows of the [Verifier]) and at most twice as long. It holds at most
// limit pairs in each half of that time; beyond that nothing is fresh any more until the half is over.
func NewNonces(keep time.Duration, limit int) *Nonces {
	return &Nonces{keep: keep, limit: limit, old: map[string]struct{}{}, by: map[string]struct{}{}}
}

// Fresh reports whether the pair was not seen before, and remembers it.
func (n *Nonces) Fresh(keyID, nonce string, at time.Time) bool {
	pair := keyID + "\x00" + nonce
	n.mu.Lock()
	defer n.mu.Unlock()
	if at.Sub(n.turned) >= n.keep {
		if at.Sub(n.turned) >= 2*n.keep {
			clear(n.by)
		}
		n.old, n.by, n.turned = n.by, map[string]struct{}{}, at
	}
	_, before := n.old[pair]
	_, now := n.by[pair]
	if before || now || len(n.by) >= n.limit {
		return false
	}
	n.by[pair] = struct{}{}
	return true
}
