package transfer

import (
	"crypto/rand"
	"fmt"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Set is a disclosure or refusal set at rest: 16 bytes of salt, the SHA-256 of the table of
// situations that its ids refer to, and the set's canonical bytes. What the log holds of it is
// [transferlog.SetDigest] over the salt and all that follows it.
type Set []byte

const setHead = len(transferlog.Salt{}) + len(record.Digest{})

// newSet salts and encodes a set.
func newSet(situations []byte, encode func([]byte) ([]byte, error)) (Set, error) {
	out := make([]byte, setHead, setHead+256)
	if _, err := rand.Read(out[:len(transferlog.Salt{})]); err != nil {
		return nil, err
	}
	table := record.DigestOf(situations)
	copy(out[len(transferlog.Salt{}):], table[:])
	return encode(out)
}

// Digest is what the log holds; the zero digest for no set.
func (s Set) Digest() record.Digest {
	if len(s) < setHead {
		return record.Digest{}
	}
	return transferlog.SetDigest(transferlog.Salt(s[:len(transferlog.Salt{})]), s[len(transferlog.Salt{}):])
}

// Situations is the digest of the table of situations.
func (s Set) Situations() (d record.Digest) {
	if len(s) >= setHead {
		copy(d[:], s[len(transferlog.Salt{}):])
	}
	return d
}

// Encoded is the set's canonical bytes, for [transferlog.ParseDisclosureSet] or [transferlog.ParseRefusalSet].
func (s Set) Encoded() []byte {
	if len(s) < setHead {
		return nil
	}
	return s[setHead:]
}

// Disclosed parses a disclosure set.
func (s Set) Disclosed() (*transferlog.DisclosureSet, error) {
	set, err := transferlog.ParseDisclosureSet(s.Encoded())
	if err != nil {
		return nil, fmt.Errorf("reading a disclosure set: %w", err)
	}
	return set, nil
}
