package transferlog

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Memory is a [Tx], and [Headed], whose log is kept in memory: for tools that rebuild a log from a file, and for tests. Its zero value is
// the empty log. It is not safe for concurrent use.
type Memory struct {
	// Entries are the entries in order, Hashes the stored hashes by index, Checkpoints the signed checkpoints in order.
	Entries     [][]byte
	Hashes      []tlog.Hash
	Checkpoints [][]byte
}

// Size implements [Tx].
func (m *Memory) Size(context.Context) (int64, error) { return int64(len(m.Entries)), nil }

// Head implements [Headed].
func (m *Memory) Head(context.Context) ([]byte, error) {
	if len(m.Checkpoints) == 0 {
		return nil, nil
	}
	return m.Checkpoints[len(m.Checkpoints)-1], nil
}

// ReadHashes implements [Tx].
func (m *Memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(m.Hashes)) {
			return nil, fmt.Errorf("hash %d is not stored", at)
		}
		out[i] = m.Hashes[at]
	}
	return out, nil
}

// Append implements [Tx].
func (m *Memory) Append(_ context.Context, first int64, entries [][]byte, hashes []tlog.Hash, checkpoint []byte) error {
	if first != int64(len(m.Entries)) {
		return fmt.Errorf("the log has %d entries, not %d", len(m.Entries), first)
	}
	m.Entries = append(m.Entries, entries...)
	m.Hashes = append(m.Hashes, hashes...)
	m.Checkpoints = append(m.Checkpoints, checkpoint)
	return nil
}
