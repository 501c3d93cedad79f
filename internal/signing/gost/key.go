package gost

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
)

// ErrPublicKey is returned for octets that are no public key: a wrong length, coordinates that are not below the
// modulus, or a point outside the group of prime order.
var ErrPublicKey = errors.New("gost: not a point of the curve's group")

// ErrPrivateKey is returned for octets that are no private key: a wrong length, or a number that is not between 1
// and the order of the group minus 1.
var ErrPrivateKey = errors.New("gost: not a private key of the curve")

// PublicKey is a point of a curve, checked when it was made. The zero PublicKey verifies nothing.
type PublicKey struct {
	curve *Curve
	pt    affine
}

// NewPublicKey reads LE(x)||LE(y), two times [Curve.Size] bytes. It fails with [ErrPublicKey].
func NewPublicKey(c *Curve, le []byte) (*PublicKey, error) {
	if c == nil || len(le) != 2*c.size {
		return nil, ErrPublicKey
	}
	x, y := fromBytes(le[:c.size]), fromBytes(le[c.size:])
	if x.below(&c.p.m)&y.below(&c.p.m) != 1 {
		return nil, ErrPublicKey
	}
	k := &PublicKey{c, affine{c.p.enter(&x), c.p.enter(&y)}}
	if !c.onCurve(&k.pt) {
		return nil, ErrPublicKey
	}
	if c.cofactor != 1 && !c.inSubgroup(&k.pt) {
		return nil, ErrPublicKey
	}
	return k, nil
}

// inSubgroup reports whether the order times pt is the point at infinity; see [Curve.add] for points outside the subgroup.
func (c *Curve) inSubgroup(pt *affine) bool {
	end := c.combine(&elem{}, &c.q.m, pt)
	return c.p.isZero(&end.z) == 1 && c.p.isZero(&end.y) == 0
}

// Curve returns the curve of the key, nil for the zero PublicKey.
func (k *PublicKey) Curve() *Curve { return k.curve }

// Bytes returns LE(x)||LE(y), the form that [NewPublicKey] reads; nil for the zero PublicKey.
func (k *PublicKey) Bytes() []byte {
	if k.curve == nil {
		return nil
	}
	x, y := k.curve.p.leave(&k.pt.x), k.curve.p.leave(&k.pt.y)
	return append(x.bytes(k.curve.size), y.bytes(k.curve.size)...)
}

// Equal reports whether x is a *PublicKey of the same curve and point.
func (k *PublicKey) Equal(x crypto.PublicKey) bool {
	other, ok := x.(*PublicKey)
	return ok && k.curve == other.curve && bytes.Equal(k.Bytes(), other.Bytes())
}

// PrivateKey is a number between 1 and the order of a curve's group minus 1, with its public key. It implements
// [crypto.Signer]. No verb of package fmt prints it. The zero PrivateKey signs nothing.
type PrivateKey struct {
	d      elem // as a plain number
	public PublicKey
}

// NewPrivateKey reads LE(d), [Curve.Size] bytes. It fails with [ErrPrivateKey].
func NewPrivateKey(c *Curve, le []byte) (*PrivateKey, error) {
	if c == nil || len(le) != c.size {
		return nil, ErrPrivateKey
	}
	k := &PrivateKey{d: fromBytes(le)}
	if k.d.isZero() == 1 || k.d.below(&c.q.m) == 0 {
		return nil, ErrPrivateKey
	}
	k.public = PublicKey{c, c.toAffine([]point{c.baseMultiply(&k.d)})[0]}
	return k, nil
}

// GenerateKey returns a key drawn uniformly with the bytes of source, or of [rand.Reader] if source is nil. It fails
// only if source does.
func GenerateKey(c *Curve, source io.Reader) (*PrivateKey, error) {
	if source == nil {
		source = rand.Reader
	}
	b := make([]byte, c.size)
	defer clear(b)
	for {
		if _, err := io.ReadFull(source, b); err != nil {
			return nil, fmt.Errorf("gost: reading randomness: %w", err)
		}
		if k, err := NewPrivateKey(c, b); err == nil {
			return k, nil
		}
	}
}

// Public returns the *[PublicKey].
func (k *PrivateKey) Public() crypto.PublicKey { return &k.public }

// Bytes returns LE(d), the form that [NewPrivateKey] reads; nil for the zero PrivateKey.
func (k *PrivateKey) Bytes() []byte {
	if k.public.curve == nil {
		return nil
	}
	return k.d.bytes(k.public.curve.size)
}

// Format writes a fixed text instead of the key, whatever the verb.
func (PrivateKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "gost.PrivateKey(redacted)") }

// String returns a fixed text instead of the key.
func (PrivateKey) String() string { return "gost.PrivateKey(redacted)" }

// GoString returns a fixed text instead of the key.
func (PrivateKey) GoString() string { return "gost.PrivateKey(redacted)" }
