package delta

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/bits"

	"birgeoqy.kz/almasu/internal/record"
)

// Digest says what a recipient holds of a person.
type Digest [16]byte

var (
	// Zero says that the recipient holds nothing of the person.
	Zero = Digest{}
	// Stale says that it holds something, which is to be sent again.
	Stale = Digest{15: 1}
)

// Cleared is what may leave of people: the fields by their bits in a mask, and the values.
type Cleared interface {
	Mask(i int) uint64
	Value(i, field int) (v []byte, ok bool)
}

// Scope is the digest of what makes a record of values, for all people alike: the mapping's digest, the names of the columns that it reads, in order, and
// whatever else the mapping writes into records (more).
func Scope(table record.Digest, columns []string, more []byte) record.Digest {
	b := append([]byte("almasu-delta/v1\n"), table[:]...)
	b = binary.AppendUvarint(b, uint64(len(columns)))
	for _, c := range columns {
		b = append(binary.AppendUvarint(b, uint64(len(c))), c...)
	}
	return record.DigestOf(append(b, more...))
}

// Hasher makes digests. It serves one goroutine.
type Hasher struct {
	buffer []byte
	start  int
	reads  uint64
}

// NewHasher returns the hasher of a scope. reads has a bit for each column that the mapping reads; the secret has at least 16 bytes.
func NewHasher(secret []byte, scope record.Digest, reads uint64) (*Hasher, error) {
	if len(secret) < 16 {
		return nil, errors.New("digests of what recipients hold need a secret")
	}
	key := sha256.Sum256(append([]byte("almasu-delta-key/v1\n"), secret...))
	b := append(append(make([]byte, 0, 512), key[:]...), scope[:]...)
	return &Hasher{buffer: b, start: len(b), reads: reads}, nil
}

// Of returns the digest of the i-th of the cleared. It allocates nothing.
func (h *Hasher) Of(c Cleared, i int) Digest {
	mask := c.Mask(i) & h.reads
	b := binary.BigEndian.AppendUint64(h.buffer[:h.start], mask)
	for rest := mask; rest != 0; rest &= rest - 1 {
		v, ok := c.Value(i, bits.TrailingZeros64(rest))
		if !ok {
			b = append(b, 0)
			continue
		}
		b = append(binary.AppendUvarint(b, uint64(len(v))+1), v...)
	}
	h.buffer = b
	sum := sha256.Sum256(b)
	d := Digest(sum[:16])
	if d == Zero || d == Stale {
		d[0] = 1
	}
	return d
}
