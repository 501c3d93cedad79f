package transferlog

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Tree computes tree hashes of a log that is read from its beginning, in memory of the order of the logarithm of its
// size. The zero Tree is the empty log.
type Tree struct {
	size int64
	// edge holds the hashes of the complete subtrees that size is the sum of, the largest first.
	edge []tlog.Hash
}

// Size returns the number of entries.
func (t *Tree) Size() int64 { return t.size }

// Append adds an entry, and returns the hashes to store for it: those at the indexes from
// tlog.StoredHashIndex(0, the entry's index). The slice is appended to dst.
func (t *Tree) Append(dst []tlog.Hash, entry []byte) []tlog.Hash {
	h := tlog.RecordHash(entry)
	dst = append(dst, h)
	for n := t.size; n&1 != 0; n >>= 1 {
		last := len(t.edge) - 1
		h = tlog.NodeHash(t.edge[last], h)
		t.edge = t.edge[:last]
		dst = append(dst, h)
	}
	t.edge = append(t.edge, h)
	t.size++
	return dst
}

// Root returns the tree hash of the entries so far.
func (t *Tree) Root() tlog.Hash {
	if t.size == 0 {
		return emptyRoot
	}
	h := t.edge[len(t.edge)-1]
	for i := len(t.edge) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.edge[i], h)
	}
	return h
}

// clone returns a copy that grows apart.
func (t *Tree) clone() *Tree {
	return &Tree{size: t.size, edge: append(make([]tlog.Hash, 0, 64), t.edge...)}
}

// edgeIndexes returns the storage indexes of the edge of a tree of n entries.
func edgeIndexes(n int64) []int64 {
	var at []int64
	for done := int64(0); done < n; {
		level := bits.Len64(uint64(n-done)) - 1
		at = append(at, tlog.StoredHashIndex(level, done>>level))
		done += 1 << level
	}
	return at
}

// readTree restores the tree of n entries from stored hashes, in one read.
func readTree(n int64, r tlog.HashReader) (*Tree, error) {
	if n == 0 {
		return &Tree{}, nil
	}
	at := edgeIndexes(n)
	edge, err := r.ReadHashes(at)
	if err != nil {
		return nil, fmt.Errorf("reading the edge of the log: %w", err)
	}
	if len(edge) != len(at) {
		return nil, fmt.Errorf("reading the edge of the log: %d hashes for %d indexes", len(edge), len(at))
	}
	return &Tree{size: n, edge: edge}, nil
}

// grown reads hashes of a tree that has just grown: from what was added, and from the edge before.
type grown struct {
	before *Tree
	added  []tlog.Hash
}

// ReadHashes implements tlog.HashReader for the hashes that proofs of the added entries need: the sibling of a node
// above an added entry is either added itself or was a complete subtree whose parent was not, that is, the edge.
func (g *grown) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	first := tlog.StoredHashCount(g.before.size)
	edge := edgeIndexes(g.before.size)
	out := make([]tlog.Hash, len(indexes))
next:
	for i, at := range indexes {
		if k := at - first; k >= 0 && k < int64(len(g.added)) {
			out[i] = g.added[k]
			continue
		}
		for j, e := range edge {
			if e == at {
				out[i] = g.before.edge[j]
				continue next
			}
		}
		return nil, fmt.Errorf("hash %d is not at hand", at)
	}
	return out, nil
}
