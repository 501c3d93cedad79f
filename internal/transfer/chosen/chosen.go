// Package chosen reads some accounts of a source, and nobody else: those of a transfer that sends again what a recipient has rejected.
//
// A [Source] reads its accounts in one snapshot of the source behind it, in key order, and drops everybody else as they are read. Bounds of a query narrow it further. An
// account that the platform does not have any more is not read, and that is no error. There is no horizon. A read that does not complete is the error of the source behind.
package chosen

import (
	"bytes"
	"context"
	"errors"
	"io"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
)

// Source reads those accounts of another source whose key is one of Keys, which are in ascending order. After is a key below the first, nil if none is known. The zero
// Keys read nobody.
type Source struct {
	Of    connectors.Source
	Keys  [][]byte
	After []byte
}

// Open implements [connectors.Source].
func (s *Source) Open(ctx context.Context, q connectors.Query) (connectors.Stream, error) {
	if len(s.Keys) == 0 {
		return &stream{}, nil
	}
	if bytes.Compare(q.After, s.After) < 0 {
		q.After = s.After
	}
	if last := s.Keys[len(s.Keys)-1]; q.Through == nil || bytes.Compare(last, q.Through) < 0 {
		q.Through = last
	}
	in, err := s.Of.Open(ctx, q)
	if err != nil {
		return nil, err
	}
	return &stream{in: in, keys: s.Keys, fields: q.Fields}, nil
}

// stream gives the chosen people of another stream; one without another gives nobody.
type stream struct {
	in     connectors.Stream
	keys   [][]byte // that were not met yet
	fields []string
	page   *record.Batch
	at     int // in page
	ended  bool
}

// Next implements [connectors.Stream].
func (s *stream) Next(ctx context.Context, b *record.Batch, n int) error {
	b.Reset()
	for s.in != nil && b.Len() < n {
		if s.page == nil {
			s.page = record.NewBatch(s.fields, n)
		}
		if s.at == s.page.Len() {
			if s.ended {
				break
			}
			err := s.in.Next(ctx, s.page, n)
			if s.at = 0; errors.Is(err, io.EOF) {
				s.ended = true
				break
			}
			if err != nil {
				b.Reset()
				return err
			}
		}
		for ; s.at < s.page.Len() && b.Len() < n; s.at++ {
			if s.wanted(s.page.Person(s.at).Key) {
				b.AddFrom(s.page, s.at)
			}
		}
	}
	if b.Len() == 0 {
		return io.EOF
	}
	return nil
}

// wanted reports whether a key, above all those asked for before, is one of the chosen.
func (s *stream) wanted(key []byte) bool {
	for len(s.keys) > 0 && bytes.Compare(s.keys[0], key) < 0 {
		s.keys = s.keys[1:]
	}
	return len(s.keys) > 0 && bytes.Equal(s.keys[0], key)
}

// Snapshot implements [connectors.Stream].
func (s *stream) Snapshot() string {
	if s.in == nil {
		return ""
	}
	return s.in.Snapshot()
}

// Horizon implements [connectors.Stream]: there is none, since others may have changed, too.
func (s *stream) Horizon() string { return "" }

// Close implements [connectors.Stream].
func (s *stream) Close() error {
	if s.in == nil {
		return nil
	}
	return s.in.Close()
}
