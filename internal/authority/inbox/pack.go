package inbox

import (
	"errors"

	"github.com/klauspost/compress/s2"
)

// maxDocument bounds what a stored document may unpack to.
const maxDocument = 1 << 30

// Pack compresses a document by S2 into dst's memory, for [Message]. It is never empty.
func Pack(dst, document []byte) []byte { return s2.Encode(dst[:cap(dst)], document) }

// unpack restores a document.
func unpack(packed []byte) ([]byte, error) {
	if n, err := s2.DecodedLen(packed); err != nil || n > maxDocument {
		return nil, errors.Join(errors.New("a stored document is damaged"), err)
	}
	return s2.Decode(nil, packed)
}
