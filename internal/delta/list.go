package delta

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/vault"
)

// ErrMalformed is returned for bytes that are not what they should be.
var ErrMalformed = errors.New("what a recipient holds is malformed")

const (
	purpose     = "held"
	listVersion = 1
)

// Entry is what a person's record makes of the book.
type Entry struct {
	Ordinal uint32
	Digest  Digest
}

// Encode appends a list to dst.
func Encode(dst []byte, list []Entry) []byte {
	dst = binary.AppendUvarint(append(dst, listVersion), uint64(len(list)))
	last := int64(0)
	for _, e := range list {
		dst = append(binary.AppendVarint(dst, int64(e.Ordinal)-last), e.Digest[:]...)
		last = int64(e.Ordinal)
	}
	return dst
}

// Decode reads the bytes of [Encode], to their end.
func Decode(b []byte) ([]Entry, error) {
	if len(b) == 0 || b[0] != listVersion {
		return nil, ErrMalformed
	}
	n, size := binary.Uvarint(b[1:])
	if size <= 0 || n > uint64(len(b)) {
		return nil, ErrMalformed
	}
	b = b[1+size:]
	list := make([]Entry, 0, n)
	last := int64(0)
	for range n {
		step, size := binary.Varint(b)
		if size <= 0 || len(b)-size < len(Digest{}) || step > math.MaxUint32 || step < -math.MaxUint32 || last+step < 1 || last+step > math.MaxUint32 {
			return nil, ErrMalformed
		}
		last += step
		list = append(list, Entry{Ordinal: uint32(last), Digest: Digest(b[size : size+len(Digest{})])})
		b = b[size+len(Digest{}):]
	}
	if len(b) > 0 {
		return nil, ErrMalformed
	}
	return list, nil
}

// SealList returns the list of a message at rest, nil for an empty one.
func SealList(v *vault.Vault, message record.ID, list []Entry) ([]byte, error) {
	if len(list) == 0 {
		return nil, nil
	}
	return v.Seal(nil, purpose, message.String(), Encode(make([]byte, 0, 16+len(list)*20), list))
}

// OpenList restores a list. If it is marked as stale, so is every digest in it.
func OpenList(v *vault.Vault, message record.ID, sealed []byte, stale bool) ([]Entry, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	b, err := v.Open(purpose, message.String(), sealed)
	if err != nil {
		return nil, fmt.Errorf("the list of message %s: %w", message, err)
	}
	list, err := Decode(b)
	for i := range list {
		if stale && list[i].Digest != Zero {
			list[i].Digest = Stale
		}
	}
	return list, err
}
