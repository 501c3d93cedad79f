package transferlog

import (
	"crypto/rand"
	"fmt"

	"birgeoqy.kz/almasu/internal/record"
)

// Set is a disclosure or refusal set at rest: 16 bytes of salt, the SHA-256 of the table of
// situations that its ids refer to, and the set's canonical bytes. What the log holds of it is
// [SetDigest] over the salt and all that follows it.
type Set []byte

const setHead = len(Salt{}) + len(record.Digest{})

// NewSet salts a set and encodes it: situations is the table that its ids refer to, encode appends its canonical bytes.
func NewSet(situations []byte, encode func([]byte) ([]byte, error)) (Set, error) {
	out := make([]byte, setHead, setHead+256)
	if _, err := rand.Read(out[:len(Salt{})]); err != nil {
		return nil, err
	}
	table := record.DigestOf(situations)
	copy(out[len(Salt{}):], table[:])
	return encode(out)
}

// Digest is what the log holds; the zero digest for no set.
func (s Set) Digest() record.Digest {
	if len(s) < setHead {
		return record.Digest{}
	}
	return SetDigest(Salt(s[:len(Salt{})]), s[len(Salt{}):])
}

// Situations is the digest of the table of situations.
func (s Set) Situations() (d record.Digest) {
	if len(s) >= setHead {
		copy(d[:], s[len(Salt{}):])
	}
	return d
}

// Encoded is the set's canonical bytes, for [ParseDisclosureSet] or [ParseRefusalSet].
func (s Set) Encoded() []byte {
	if len(s) < setHead {
		return nil
	}
	return s[setHead:]
}

// Disclosed parses a disclosure set.
func (s Set) Disclosed() (*DisclosureSet, error) {
	set, err := ParseDisclosureSet(s.Encoded())
	if err != nil {
		return nil, fmt.Errorf("reading a disclosure set: %w", err)
	}
	return set, nil
}
