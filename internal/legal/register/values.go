package register

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"time"
)

// Instant is a moment in Unix microseconds; 0 is absent. In a register it is written as
// a date, which means its midnight in the zone of the Republic (+05:00), or in RFC 3339.
type Instant int64

// Zone is the one zone of the Republic since 1 March 2024; dates of the register are read in it.
var Zone = time.FixedZone("+05", 5*60*60)

var errInstant = errors.New("expected a date as 2022-10-17, or a moment as 2022-10-17T09:00:00+05:00")

// At returns t as an Instant.
func At(t time.Time) Instant { return Instant(t.UnixMicro()) }

// Time returns the moment in [Zone].
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).In(Zone) }

// UnmarshalText reads a date or a moment between 1900 and 2200.
func (i *Instant) UnmarshalText(b []byte) error {
	t, err := time.ParseInLocation(time.DateOnly, string(b), Zone)
	if err != nil {
		t, err = time.Parse(time.RFC3339, string(b))
	}
	if err != nil || t.Year() < 1900 || t.Year() >= 2200 || t.UnixMicro() == 0 {
		return errInstant
	}
	*i = At(t)
	return nil
}

// MarshalText writes RFC 3339 in UTC, or nothing for an absent moment.
func (i Instant) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// String writes RFC 3339 in UTC with microseconds where there are any, or nothing for an absent moment.
func (i Instant) String() string {
	if i == 0 {
		return ""
	}
	return time.UnixMicro(int64(i)).UTC().Format("2006-01-02T15:04:05.999999Z07:00")
}

// Within says whether now lies in the period [from, until); an absent until is open, an absent from never begins.
func Within(from, until, now Instant) bool {
	return from != 0 && from <= now && (until == 0 || now < until)
}

// PublicKey is an Ed25519 public key, written in base64.
type PublicKey ed25519.PublicKey

var errKey = errors.New("expected an Ed25519 public key: 32 bytes in base64")

// UnmarshalText reads base64.
func (k *PublicKey) UnmarshalText(b []byte) error {
	raw, err := base64.StdEncoding.Strict().DecodeString(string(b))
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return errKey
	}
	*k = raw
	return nil
}

// MarshalText writes base64.
func (k PublicKey) MarshalText() ([]byte, error) {
	return []byte(base64.StdEncoding.EncodeToString(k)), nil
}

// Signature is an Ed25519 signature, written in base64.
type Signature []byte

var errSignature = errors.New("expected an Ed25519 signature: 64 bytes in base64")

// UnmarshalText reads base64.
func (s *Signature) UnmarshalText(b []byte) error {
	raw, err := base64.StdEncoding.Strict().DecodeString(string(b))
	if err != nil || len(raw) != ed25519.SignatureSize {
		return errSignature
	}
	*s = raw
	return nil
}

// MarshalText writes base64.
func (s Signature) MarshalText() ([]byte, error) {
	return []byte(base64.StdEncoding.EncodeToString(s)), nil
}
