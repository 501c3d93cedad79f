// Package outbox is the form of payloads that wait: compressed by S2 (github.com/klauspost/compress/s2, one block), then sealed by the vault
// with the purpose "outbox" and "MESSAGE DIGEST" as name (the message's id, the payload's SHA-256 in hexadecimal), so that a payload opens under its own
// message only, and what opens is proven to have its digest. A payload has at most 256 MiB.
package outbox

import (
	"errors"

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

// Pack compresses and seals a payload. scratch is memory to use again, and comes back as it has grown.
func Pack(v *vault.Vault, message record.ID, p signing.Payload, scratch []byte) (sealed, grown []byte, err error) {
	grown = s2.Encode(scratch[:cap(scratch)], p.Bytes())
	sealed, err = v.Seal(make([]byte, 0, len(grown)+64), purpose, name(message, p.Digest()), grown)
	return sealed, grown, err
}

// Unpack restores the payload that a header names, into the memory of page if it fits. It overwrites sealed.
func Unpack(v *vault.Vault, h *signing.Header, sealed, page []byte) (signing.Payload, error) {
	compressed, err := v.OpenInPlace(purpose, name(h.Message, h.Payload), sealed)
	if err != nil {
		return signing.Payload{}, err
	}
	if n, err := s2.DecodedLen(compressed); err != nil || n > maxPayload {
		return signing.Payload{}, errors.Join(errors.New("the payload is not compressed as it should be"), err)
	}
	b, err := s2.Decode(page[:cap(page)], compressed)
	if err != nil {
		return signing.Payload{}, err
	}
	return signing.ProvenPayload(b, h.Payload, h.MediaType), nil
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
	payload, err := Unpack(v, &h, sealed, nil)
	if err != nil {
		return env, err
	}
	return env.Carrying(payload)
}

// Void is the payload of the void notice for a message.
func Void(message record.ID) signing.Payload {
	return signing.NewPayload([]byte(`{"void":"`+message.String()+`"}`), "application/json")
}
