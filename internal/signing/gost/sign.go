package gost

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/bits"
)

// ErrDigest is returned by [PrivateKey.Sign] for a digest whose length is not the curve's size.
var ErrDigest = errors.New("gost: the digest's length does not fit the curve")

// Sign returns LE(r)||LE(s) over a digest of [Curve.Size] bytes, which is read as a little-endian number
// (RFC 7091, section 6.1). opts is not used and may be nil. The nonce is HMAC-SHA-512 keyed with the private key over
// the curve's name, 32 bytes of source (of [rand.Reader] if source is nil), the digest and a counter, reduced from twice the curve's size:
// a broken source alone does not reveal the key.
// Sign fails with [ErrDigest], [ErrPrivateKey] for the zero key, or if source does.
func (k *PrivateKey) Sign(source io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	c := k.public.curve
	if c == nil {
		return nil, ErrPrivateKey
	}
	if len(digest) != c.size {
		return nil, ErrDigest
	}
	if source == nil {
		source = rand.Reader
	}
	var salt [32]byte
	if _, err := io.ReadFull(source, salt[:]); err != nil {
		return nil, fmt.Errorf("gost: reading randomness: %w", err)
	}
	for counter := byte(0); ; counter++ {
		nonce := k.nonce(salt[:], digest, counter)
		if sig := k.signWith(&nonce, digest); sig != nil {
			return sig, nil
		}
	}
}

// nonce derives a number below the order, in Montgomery form.
func (k *PrivateKey) nonce(salt, digest []byte, counter byte) elem {
	c := k.public.curve
	key := k.Bytes()
	defer clear(key)
	var wide []byte
	for half := range byte(2) {
		mac := hmac.New(sha512.New, key)
		mac.Write([]byte(c.name))
		mac.Write(salt)
		mac.Write(digest)
		mac.Write([]byte{counter, half})
		wide = append(wide, mac.Sum(nil)[:c.size]...)
	}
	defer clear(wide)
	return c.reduceWide(wide)
}

// reduceWide returns a number of twice the curve's size modulo the order, in Montgomery form.
func (c *Curve) reduceWide(le []byte) elem {
	lo, hi := fromBytes(le[:c.size]), fromBytes(le[c.size:])
	lo, hi = c.q.enter(&lo), c.q.enter(&hi)
	hi = c.q.enter(&hi) // times 2^(64n) once more: the weight of the upper half
	c.q.add(&lo, &lo, &hi)
	return lo
}

// signWith is the signature of RFC 7091, section 6.1, with a given nonce in Montgomery form; nil if the nonce does not serve.
func (k *PrivateKey) signWith(nonce *elem, digest []byte) []byte {
	c := k.public.curve
	plain := c.q.leave(nonce)
	if plain.isZero() == 1 {
		return nil
	}
	pt := c.baseMultiply(&plain)
	x := c.toAffine([]point{pt})[0].x
	x = c.p.leave(&x)
	r := c.q.enter(&x)
	e := c.readDigest(digest)
	d := c.q.enter(&k.d)
	var s, ke elem
	c.q.mul(&s, &r, &d)
	c.q.mul(&ke, nonce, &e)
	c.q.add(&s, &s, &ke)
	r, s = c.q.leave(&r), c.q.leave(&s)
	if r.isZero()|s.isZero() == 1 {
		return nil
	}
	return append(r.bytes(c.size), s.bytes(c.size)...)
}

// readDigest returns e of RFC 7091, section 6: the digest as a little-endian number modulo the order, 1 instead of 0;
// in Montgomery form.
func (c *Curve) readDigest(digest []byte) elem {
	e := fromBytes(digest)
	e = c.q.enter(&e)
	if e.isZero() == 1 {
		return c.q.one
	}
	return e
}

// Verify reports whether sig, LE(r)||LE(s), is the key's signature over digest (RFC 7091, section 6.2). A digest or
// signature of another length than the curve demands, and r or s outside 1 to the order minus 1, are refused.
func (k *PublicKey) Verify(digest, sig []byte) bool {
	c := k.curve
	if c == nil || len(digest) != c.size || len(sig) != 2*c.size {
		return false
	}
	r, s := fromBytes(sig[:c.size]), fromBytes(sig[c.size:])
	if r.isZero()|s.isZero() == 1 || r.below(&c.q.m)&s.below(&c.q.m) == 0 {
		return false
	}
	e := c.readDigest(digest)
	e = c.q.leave(&e)
	v := fromBig(new(big.Int).ModInverse(e.big(), c.order))
	v = c.q.enter(&v)
	var u, w elem
	c.q.mul(&u, &s, &v) // a plain number times one in Montgomery form is plain
	c.q.mul(&w, &r, &v)
	c.q.sub(&w, &elem{}, &w)
	return c.hasX(c.combine(&u, &w, &k.pt), &r)
}

// hasX reports whether the x coordinate of pt is r modulo the order. It compares r*z with x for each number below the field's
// modulus that is congruent to r.
func (c *Curve) hasX(pt point, r *elem) bool {
	if c.p.isZero(&pt.z) == 1 {
		return false
	}
	x := *r
	for x.below(&c.p.m) == 1 {
		t := c.p.enter(&x)
		c.p.mul(&t, &t, &pt.z)
		c.p.sub(&t, &t, &pt.x)
		if c.p.isZero(&t) == 1 {
			return true
		}
		var carry uint64
		for i := range x {
			x[i], carry = bits.Add64(x[i], c.q.m[i], carry)
		}
		if carry == 1 {
			return false
		}
	}
	return false
}
