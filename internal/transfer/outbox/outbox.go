// Package outbox is the form of payloads that wait: compressed, then sealed by the vault with the purpose "outbox" and "MESSAGE DIGEST" as name (the
// message's id, the payload's SHA-256 in hexadecimal), so that a payload opens under its own message only, and what opens is proven to have its digest. A payload
// has at most 256 MiB.
//
// # Compressed form
//
// A byte 0, then the payload in pieces of 128 KiB, the last of what is left: for each the length of its block as an unsigned varint (encoding/binary), and the
// block, S2 (github.com/klauspost/compress/s2). A form that does not begin with 0 is one block with the whole payload. The pieces have in all as many bytes as the
// header says.
//
// # Memory
//
// What waits for a sender, and what is being sent, is the compressed form. A payload is unpacked while it is read, a piece at a time, and as often as it is read.
// The memory of a message that is over can be packed into again, once every reader of its payload is closed.
package outbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/s2"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/vault"
)

const (
	purpose    = "outbox"
	maxPayload = 256 << 20
)

func name(message record.ID, payload record.Digest) string {
	return message.String() + " " + payload.String()
}

// Pack compresses and seals a payload, in the memory of dst if it fits. scratch is memory to use again, and comes back as it has grown.
func Pack(v *vault.Vault, message record.ID, p signing.Payload, dst, scratch []byte) (sealed, grown []byte, err error) {
	if grown, err = compress(scratch[:0], p); err != nil {
		return nil, scratch, err
	}
	sealed, err = v.Seal(slices.Grow(dst[:0], len(grown)+64), purpose, name(message, p.Digest()), grown)
	return sealed, grown, err
}

// compress appends the compressed form of a payload to dst.
func compress(dst []byte, p signing.Payload) ([]byte, error) {
	page := pages.Get().(*[pieceSize]byte)
	defer pages.Put(page)
	r := p.Open()
	defer r.Close()
	dst = append(dst, 0)
	for size := int64(0); ; {
		n, err := io.ReadFull(r, page[:])
		if size += int64(n); size > maxPayload {
			return dst, fmt.Errorf("the payload has more than %d bytes", maxPayload)
		}
		if n > 0 {
			dst = appendBlock(dst, page[:n])
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return dst, nil
		case err != nil:
			return dst, fmt.Errorf("reading the payload: %w", err)
		}
	}
}

// appendBlock appends a piece's length and block.
func appendBlock(dst, piece []byte) []byte {
	const width = 3 // that the length, which stands before the block, has at most
	dst = slices.Grow(dst, width+s2.MaxEncodedLen(len(piece)))
	at := len(dst)
	block := s2.Encode(dst[at+width:cap(dst)], piece)
	return append(binary.AppendUvarint(dst, uint64(len(block))), block...) // moves the block back if the length is shorter
}

// Unpack restores the payload that a header names. Its content refers to sealed, which it overwrites.
func Unpack(v *vault.Vault, h *signing.Header, sealed []byte) (signing.Payload, error) {
	if h.PayloadBytes > maxPayload {
		return signing.Payload{}, errForm
	}
	compressed, err := v.OpenInPlace(purpose, name(h.Message, h.Payload), sealed)
	if err != nil {
		return signing.Payload{}, err
	}
	blocks, err := split(compressed, h.PayloadBytes)
	if err != nil {
		return signing.Payload{}, err
	}
	return signing.ProvenPayload(blocks, h.PayloadBytes, h.Payload, h.MediaType), nil
}

// Reopen restores the envelope of a message from its rows, verifying signature and digests. If the payload alone does not open, the envelope comes back
// without it, beside the error.
func Reopen(v *vault.Vault, message record.ID, header []byte, keyID string, signature, sealed []byte, ring *signing.Keyring) (*signing.Envelope, error) {
	h, err := signing.ParseHeader(header)
	if err != nil {
		return nil, err
	}
	if h.Message != message {
		return nil, errors.New("the header is another message's")
	}
	env, err := signing.OpenHeader(header, keyID, signature, ring, h.Sealed)
	if err != nil {
		return nil, err
	}
	payload, err := Unpack(v, &h, sealed)
	if err != nil {
		return env, err
	}
	return env.Carrying(payload)
}

// Void is the payload of the void notice for a message.
func Void(message record.ID) signing.Payload {
	return signing.NewPayload([]byte(`{"void":"`+message.String()+`"}`), "application/json")
}
