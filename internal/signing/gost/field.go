package gost

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

// elem is a number below 2^512 as eight 64-bit limbs, the least significant first. As an element of a [field] it
// is in that field's internal form.
type elem [8]uint64

// field is the arithmetic modulo an odd number of 4 or 8 limbs, in constant time: neither branches nor addresses
// depend on values of elements. Elements are kept in Montgomery form, x*2^(64n) mod m and below m, with one
// exception: modulo 2^512-569 they are any 512-bit number congruent to the value, and the methods take the
// functions of fast512.go.
type field struct {
	n    int    // limbs in use
	m    elem   // the modulus
	inv  uint64 // -1/m mod 2^64
	one  elem   // 1 in internal form
	rr   elem   // 2^(128n) mod m: multiplying by it brings a number into Montgomery form
	fast bool   // m is 2^512-569
}

// newField prepares the arithmetic modulo m.
func newField(m *big.Int) *field {
	f := &field{n: (m.BitLen() + 63) / 64, m: fromBig(m)}
	f.inv = 1
	for range 6 { // Newton's iteration doubles the number of right bits
		f.inv *= 2 - f.m[0]*f.inv
	}
	f.inv = -f.inv
	if f.m == fastModulus {
		f.fast, f.one = true, elem{1}
		return f
	}
	r := new(big.Int).Lsh(big.NewInt(1), uint(64*f.n))
	f.one = fromBig(new(big.Int).Mod(r, m))
	f.rr = fromBig(r.Mod(r.Mul(r, r), m))
	return f
}

// enter brings a number below 2^(64n) into internal form.
func (f *field) enter(x *elem) (z elem) {
	if f.fast {
		return *x
	}
	f.mul(&z, x, &f.rr)
	return z
}

// leave returns the number below m that x stands for.
func (f *field) leave(x *elem) (z elem) {
	if f.fast {
		return reduce512(x)
	}
	f.mul(&z, x, &elem{1})
	return z
}

// isZero returns 1 if x stands for 0, and 0 otherwise.
func (f *field) isZero(x *elem) uint64 {
	v := *x
	if f.fast {
		v = reduce512(x)
	}
	return v.isZero()
}

// add sets z to x+y.
func (f *field) add(z, x, y *elem) {
	if f.fast {
		add512(z, x, y)
		return
	}
	var t, u elem
	var c, b uint64
	for i := range f.n {
		t[i], c = bits.Add64(x[i], y[i], c)
	}
	for i := range f.n {
		u[i], b = bits.Sub64(t[i], f.m[i], b)
	}
	z.choose(b&^c, &t, &u)
}

// sub sets z to x-y.
func (f *field) sub(z, x, y *elem) {
	if f.fast {
		sub512(z, x, y)
		return
	}
	var b, c uint64
	var t elem
	for i := range f.n {
		t[i], b = bits.Sub64(x[i], y[i], b)
	}
	for i := range f.n {
		t[i], c = bits.Add64(t[i], f.m[i]&-b, c)
	}
	*z = t
}

// sqr sets z to x*x.
func (f *field) sqr(z, x *elem) {
	if f.fast {
		sqr512(z, x)
		return
	}
	f.mul(z, x, x)
}

// mul sets z to x*y in internal form: the Montgomery product x*y/2^(64n), where one factor may be any number of n limbs.
func (f *field) mul(z, x, y *elem) {
	if f.fast {
		mul512(z, x, y)
		return
	}
	var t elem
	var top uint64 // limb n of t
	for i := range f.n {
		c := mulAdd(&t, x, y[i], f.n)
		var over uint64
		top, over = bits.Add64(top, c, 0)
		c = mulAdd(&t, &f.m, t[0]*f.inv, f.n)
		copy(t[:f.n-1], t[1:f.n])
		var carry uint64
		t[f.n-1], carry = bits.Add64(top, c, 0)
		top = over + carry
	}
	var u elem
	var b uint64
	for i := range f.n {
		u[i], b = bits.Sub64(t[i], f.m[i], b)
	}
	z.choose(b&^top, &t, &u)
}

// mulAdd adds x*y to the n limbs of t and returns the limb that follows.
func mulAdd(t, x *elem, y uint64, n int) (c uint64) {
	for j := range n {
		hi, lo := bits.Mul64(x[j], y)
		var k uint64
		lo, k = bits.Add64(lo, t[j], 0)
		hi += k
		t[j], k = bits.Add64(lo, c, 0)
		c = hi + k
	}
	return c
}

// pow sets z to x^e for a public exponent e, by windows of four bits.
func (f *field) pow(z, x, e *elem) {
	var table [16]elem
	table[0] = f.one
	for i := 1; i < len(table); i++ {
		f.mul(&table[i], &table[i-1], x)
	}
	r := f.one
	for i := 16*f.n - 1; i >= 0; i-- {
		for range 4 {
			f.sqr(&r, &r)
		}
		if w := e.window(i); w != 0 {
			f.mul(&r, &r, &table[w])
		}
	}
	*z = r
}

// invert sets z to 1/x, and to 0 for 0, by Fermat's theorem; m is prime.
func (f *field) invert(z, x *elem) {
	e := f.m
	e[0] -= 2
	f.pow(z, x, &e)
}

// below returns 1 if x < y, and 0 otherwise.
func (x *elem) below(y *elem) uint64 {
	var b uint64
	for i := range x {
		_, b = bits.Sub64(x[i], y[i], b)
	}
	return b
}

// isZero returns 1 if all limbs are 0, and 0 otherwise.
func (x *elem) isZero() uint64 {
	var v uint64
	for _, w := range x {
		v |= w
	}
	return 1 ^ (v|-v)>>63
}

// choose sets z to x if bit is 1, and to y if bit is 0.
func (z *elem) choose(bit uint64, x, y *elem) {
	mask := -bit
	for i := range z {
		z[i] = y[i] ^ mask&(x[i]^y[i])
	}
}

// window returns the i-th group of four bits.
func (x *elem) window(i int) uint64 { return x[i/16] >> (4 * (i % 16)) & 15 }

// fromBytes reads up to 64 bytes, the least significant first.
func fromBytes(le []byte) (x elem) {
	var b [64]byte
	copy(b[:], le)
	for i := range x {
		x[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return x
}

// bytes returns the size least significant bytes, the least significant first.
func (x *elem) bytes(size int) []byte {
	b := make([]byte, 0, 64)
	for _, w := range x {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b[:size]
}

// fromBig converts a public number of at most 512 bits.
func fromBig(v *big.Int) (x elem) {
	var b [64]byte
	v.FillBytes(b[:])
	for i := range x {
		x[i] = binary.BigEndian.Uint64(b[56-8*i:])
	}
	return x
}

// big converts a public number.
func (x elem) big() *big.Int {
	var b [64]byte
	for i, w := range x {
		binary.BigEndian.PutUint64(b[56-8*i:], w)
	}
	return new(big.Int).SetBytes(b[:])
}
