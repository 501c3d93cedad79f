package signing

import (
	"bytes"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

const (
	envelopeDomain = "almasu-envelope/v1\n"
	maxSignature   = rsaMaxBits / 8
)

// Envelope is a sealed message: a header, the sender's signature over it, and the payload that the header pins. It is made by [Seal],
// [Open], [OpenParts] and [OpenWire] only; the zero Envelope is not valid, and neither is one sealed over a [Payload.Bare] until
// [Envelope.Carrying] gives it the bytes. It does not change and is safe for concurrent use.
type Envelope struct {
	header      Header
	headerBytes []byte
	digest      record.Digest
	keyID       string
	signature   []byte
	payload     Payload
}

// Seal fills MediaType, Payload and PayloadBytes of the header, sets V to 1 and Sealed to UTC in whole microseconds, and signs it.
// Codes: envelope.header (all findings at once), signing.*.
func Seal(h Header, p Payload, k *Key) (*Envelope, error) {
	if p.digest.IsZero() {
		return nil, record.NewProblem("envelope.header", "payload", "", "there is no payload")
	}
	h.V, h.Sealed = 1, h.Sealed.UTC().Truncate(time.Microsecond)
	h.MediaType, h.Payload, h.PayloadBytes = p.mediaType, p.digest, p.size
	h.Fields = append([]string(nil), h.Fields...)
	if err := h.check(); err != nil {
		return nil, err
	}
	signed := h.Append(append(make([]byte, 0, 2048), envelopeDomain...))
	if len(signed)-len(envelopeDomain) > MaxHeaderBytes {
		return nil, record.NewProblem("envelope.header", "", "", "the header is longer than %d bytes", MaxHeaderBytes)
	}
	signature, err := k.Sign(signed)
	if err != nil {
		return nil, err
	}
	headerBytes := signed[len(envelopeDomain):]
	return &Envelope{
		header: h, headerBytes: headerBytes, digest: record.DigestOf(headerBytes),
		keyID: k.ID(), signature: signature, payload: p,
	}, nil
}

// Valid reports whether the envelope was made by this package and carries its payload.
func (e *Envelope) Valid() bool {
	return e != nil && !e.digest.IsZero() && e.payload.content != nil
}

// Carrying returns the envelope with the payload that its header names, and envelope.payload_mismatch for any other.
func (e *Envelope) Carrying(p Payload) (*Envelope, error) {
	if p.content == nil || p.digest != e.header.Payload || p.size != e.header.PayloadBytes || p.mediaType != e.header.MediaType {
		return nil, errMismatch()
	}
	full := *e
	full.payload = p
	return &full, nil
}

func errMismatch() error {
	return record.NewProblem("envelope.payload_mismatch", "", "", "the payload is not the one that the header names")
}

// Header returns the header; its Fields are shared and not to be changed.
func (e *Envelope) Header() Header { return e.header }

// HeaderBytes returns the canonical header that was signed; the caller does not change it.
func (e *Envelope) HeaderBytes() []byte { return e.headerBytes }

// Digest returns the SHA-256 of HeaderBytes: it pins header and payload.
func (e *Envelope) Digest() record.Digest { return e.digest }

// Payload returns the bytes that travel.
func (e *Envelope) Payload() Payload { return e.payload }

// Signature returns the sender's signature; the caller does not change it.
func (e *Envelope) Signature() []byte { return e.signature }

// KeyID returns the id of the key that made the signature.
func (e *Envelope) KeyID() string { return e.keyID }

// OpenParts verifies everything of an envelope that came in parts: canonical header, signature by a key whose period in the ring holds the given time, size, digest and media type of the
// payload. Codes: envelope.malformed, envelope.header, envelope.bad_signature, envelope.payload_mismatch, signing.unknown_key, signing.key_expired, signing.key_not_yet_valid.
func OpenParts(header []byte, keyID string, signature []byte, p Payload, ring *Keyring, at time.Time) (*Envelope, error) {
	e, err := OpenHeader(header, keyID, signature, ring, at)
	if err != nil {
		return nil, err
	}
	return e.Carrying(p)
}

// OpenHeader verifies the signed header of an envelope whose payload is not at hand, as [OpenParts] does. The envelope is not [Envelope.Valid] before it carries its
// payload ([Envelope.Carrying]); receipts for it can be verified.
func OpenHeader(header []byte, keyID string, signature []byte, ring *Keyring, at time.Time) (*Envelope, error) {
	h, err := ParseHeader(header)
	if err != nil {
		return nil, err
	}
	key, err := ring.Find(keyID, at)
	if err != nil {
		return nil, err
	}
	signed := append(append(make([]byte, 0, len(envelopeDomain)+len(header)), envelopeDomain...), header...)
	if !key.verify(signed, signature) {
		return nil, record.NewProblem("envelope.bad_signature", "", "", "the signature over the header does not verify")
	}
	headerBytes := signed[len(envelopeDomain):]
	return &Envelope{
		header: h, headerBytes: headerBytes, digest: record.DigestOf(headerBytes),
		keyID: keyID, signature: bytes.Clone(signature),
	}, nil
}

// Wire returns the value of the HTTP field Almasu-Envelope.
func (e *Envelope) Wire() string {
	return encode64(e.headerBytes) + "." + e.keyID + "." + encode64(e.signature)
}

// OpenWire verifies the value of the HTTP field Almasu-Envelope with the body it came with, as [OpenParts] does.
func OpenWire(wire string, p Payload, ring *Keyring, at time.Time) (*Envelope, error) {
	head, rest, _ := strings.Cut(wire, ".")
	header, ok := decode64(head)
	keyID, signature, good := splitSignature(rest, ".")
	if !ok || !good {
		return nil, record.NewProblem("envelope.malformed", "", "", "expected header, key id and signature with full stops between them")
	}
	return OpenParts(header, keyID, signature, p, ring, at)
}

// Subject returns what a receipt for this envelope must name.
func (e *Envelope) Subject() Subject {
	h := &e.header
	return Subject{Message: h.Message, Envelope: e.digest, Sequence: h.Sequence, Recipient: h.Recipient, Records: h.Records}
}

// splitSignature reads key id, separator, signature.
func splitSignature(s, separator string) (keyID string, signature []byte, ok bool) {
	keyID, text, ok := strings.Cut(s, separator)
	if !ok || !plain(keyID, maxText) {
		return "", nil, false
	}
	signature, ok = decode64(text)
	return keyID, signature, ok && len(signature) > 0 && len(signature) <= maxSignature
}
