// Package outbox is the form of payloads that wait: compressed by S2 (github.com/klauspost/compress/s2, one block), then sealed by the vault
// with the purpose "outbox" and the message's id as name, so that a payload opens under its own message only. A payload has at most 256 MiB.
package outbox

import (
	"errors"

	"github.com/klauspost/compress/s2"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/vault"
)

const (
	purpose    = "outbox"
	maxPayload = 256 << 20
)

// Pack compresses and seals a payload. scratch is memory to use again, and comes back as it has grown.
func Pack(v *vault.Vault, message record.ID, payload, scratch []byte) (sealed, grown []byte, err error) {
	grown = s2.Encode(scratch[:cap(scratch)], payload)
	sealed, err = v.Seal(make([]byte, 0, len(grown)+64), purpose, message.String(), grown)
	return sealed, grown, err
}

// Unpack restores a payload, into the memory of page if it fits. It overwrites sealed.
func Unpack(v *vault.Vault, message record.ID, sealed, page []byte) ([]byte, error) {
	compressed, err := v.OpenInPlace(purpose, message.String(), sealed)
	if err != nil {
		return nil, err
	}
	if n, err := s2.DecodedLen(compressed); err != nil || n > maxPayload {
		return nil, errors.Join(errors.New("the payload is not compressed as it should be"), err)
	}
	return s2.Decode(page[:cap(page)], compressed)
}
