package inbox

import (
	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/transferlog"
)

// Progress is how far one sender has come: which numbers were received, and which state of its log is held. It is not
// safe for concurrent use.
type Progress struct {
	// Lowest is the lowest number that is missing, Last the greatest received.
	Lowest, Last uint64
	// Held is the greatest state of the sender's log that was accepted; its size is 0 if none was.
	Held transferlog.Checkpoint

	above map[uint64]bool // received beyond Lowest
	// roots caches accepted checkpoints by size.
	roots map[int64]tlog.Hash
}

// maxRoots bounds the cache of checkpoints; the store knows them all.
const maxRoots = 4096

// newProgress is that of a sender of whom nothing is known.
func newProgress(origin string) *Progress {
	empty, _ := tlog.TreeHash(0, nil)
	return &Progress{Lowest: 1, above: map[uint64]bool{}, Held: transferlog.Checkpoint{Origin: origin, Root: empty}, roots: map[int64]tlog.Hash{}}
}

// Has reports whether a number was received.
func (p *Progress) Has(sequence uint64) bool { return sequence < p.Lowest || p.above[sequence] }

// Receive notes a number.
func (p *Progress) Receive(sequence uint64) {
	p.Last = max(p.Last, sequence)
	p.above[sequence] = true
	for p.above[p.Lowest] {
		delete(p.above, p.Lowest)
		p.Lowest++
	}
}

// Missing returns the missing numbers below the last one.
func (p *Progress) Missing() []uint64 {
	out := []uint64{}
	for n := p.Lowest; n < p.Last; n++ {
		if !p.above[n] {
			out = append(out, n)
		}
	}
	return out
}

// Accept notes a state of the log, greater or smaller than Held.
func (p *Progress) Accept(c transferlog.Checkpoint) {
	if c.Size > p.Held.Size {
		p.Held = c
	}
	if len(p.roots) >= maxRoots {
		clear(p.roots)
	}
	p.roots[c.Size] = c.Root
}

// Root returns the root of an accepted state of this size, if it is at hand; the store knows them all.
func (p *Progress) Root(size int64) (tlog.Hash, bool) {
	root, ok := p.roots[size]
	return root, ok
}
