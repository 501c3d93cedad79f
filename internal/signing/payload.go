package signing

import (
	"bytes"
	"errors"
	"io"

	"birgeoqy.kz/almasu/internal/record"
)

// Content is bytes that need be in memory only while somebody reads them. It is safe for concurrent use.
type Content interface {
	// Open returns a reader of all the bytes, from the first. It can be called again, also while an earlier reader is open. Whoever opens it closes it, also while
	// a Read is under way: when Close has returned, no Read looks at memory that is used for anything else.
	Open() io.ReadCloser
}

// Payload is the bytes that travel, with their size and their digest, computed once. The zero Payload is not valid.
type Payload struct {
	content   Content
	size      int64
	digest    record.Digest
	mediaType string
}

// NewPayload hashes b. The caller does not change b afterwards.
func NewPayload(b []byte, mediaType string) Payload {
	return ProvenPayload(inMemory(b), int64(len(b)), record.DigestOf(b), mediaType)
}

// ProvenPayload does not hash what the content holds: whoever calls it knows that it has this size, in bytes, and this SHA-256, as from an authenticated sealing
// at rest that binds the digest.
func ProvenPayload(c Content, size int64, digest record.Digest, mediaType string) Payload {
	return Payload{content: c, size: size, digest: digest, mediaType: mediaType}
}

// Bare returns the payload's description without its bytes: enough to seal, not to deliver.
func (p Payload) Bare() Payload {
	p.content = nil
	return p
}

// Open returns a reader of the bytes, as [Content] does; that of a bare payload fails.
func (p Payload) Open() io.ReadCloser {
	if p.content == nil {
		return absent{}
	}
	return p.content.Open()
}

// Bytes returns the bytes that [NewPayload] was given, which the caller does not change, and nil for any other payload: whoever does not know that the payload
// is in memory opens it.
func (p Payload) Bytes() []byte {
	b, _ := p.content.(inMemory)
	return b
}

// Size returns the number of bytes.
func (p Payload) Size() int64 { return p.size }

// Digest returns the SHA-256 of the payload.
func (p Payload) Digest() record.Digest { return p.digest }

// MediaType returns the media type of the payload.
func (p Payload) MediaType() string { return p.mediaType }

// inMemory is content whose memory is never used for anything else.
type inMemory []byte

// Open implements [Content]. Its readers need not be closed.
func (b inMemory) Open() io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }

// absent reads what a bare payload has.
type absent struct{}

var errAbsent = errors.New("the payload's bytes are not here")

func (absent) Read([]byte) (int, error) { return 0, errAbsent }

func (absent) Close() error { return nil }
