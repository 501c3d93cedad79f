package outbox

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/klauspost/compress/s2"
)

// pieceSize is how much of a payload is packed, and unpacked, at once.
const pieceSize = 128 << 10

// pages is memory for pieces that are being packed or read.
var pages = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// content is a payload's blocks, each of which unpacks alone.
type content [][]byte

// split finds the blocks of a compressed payload, which must unpack to size bytes. It keeps a reference to compressed.
func split(compressed []byte, size int64) (content, error) {
	var c content
	if len(compressed) == 0 || compressed[0] != 0 {
		c = content{compressed}
	} else {
		for rest := compressed[1:]; len(rest) > 0; {
			n, width := binary.Uvarint(rest)
			if width <= 0 || n == 0 || n > uint64(len(rest)-width) {
				return nil, errForm
			}
			c, rest = append(c, rest[width:][:n]), rest[width:][n:]
		}
	}
	for _, block := range c {
		n, err := s2.DecodedLen(block)
		if err != nil {
			return nil, errForm
		}
		size -= int64(n)
	}
	if size != 0 {
		return nil, errForm
	}
	return c, nil
}

var errForm = errors.New("the payload is not compressed as it should be")

// Open implements [signing.Content].
func (c content) Open() io.ReadCloser { return &reader{blocks: c} }

// reader unpacks one block after another, the first when it is first read. It has memory only from then on until its end, or until it is closed.
type reader struct {
	mu     sync.Mutex
	blocks content
	page   *[pieceSize]byte
	piece  []byte // what is unpacked and not read yet
	closed bool
}

// Read implements [io.Reader].
func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0, fs.ErrClosed
	}
	for len(r.piece) == 0 {
		if len(r.blocks) == 0 {
			r.release()
			return 0, io.EOF
		}
		if r.page == nil {
			r.page = pages.Get().(*[pieceSize]byte)
		}
		var err error
		if r.piece, err = s2.Decode(r.page[:], r.blocks[0]); err != nil { // a longer block comes in memory of its own
			return 0, errForm
		}
		r.blocks = r.blocks[1:]
	}
	n := copy(p, r.piece)
	r.piece = r.piece[n:]
	return n, nil
}

// Close implements [io.Closer]. It waits for a Read that is under way.
func (r *reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.release()
	return nil
}

// release gives the memory back.
func (r *reader) release() {
	if r.page != nil {
		pages.Put(r.page)
	}
	r.page, r.piece = nil, nil
}
