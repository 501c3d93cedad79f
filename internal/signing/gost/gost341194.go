package gost

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

// testParamSet is id-GostR3411-94-TestParamSet (RFC 4357, section 11.2); row 0 substitutes the least significant half-byte.
var testParamSet = [8][16]byte{
	{4, 10, 9, 2, 13, 8, 0, 14, 6, 11, 1, 12, 7, 15, 5, 3},
	{14, 11, 4, 12, 6, 13, 15, 10, 2, 3, 8, 1, 0, 7, 5, 9},
	{5, 8, 1, 13, 10, 3, 4, 2, 14, 15, 12, 7, 6, 0, 9, 11},
	{7, 13, 10, 1, 0, 8, 9, 15, 14, 4, 6, 12, 11, 2, 5, 3},
	{6, 12, 7, 1, 5, 15, 13, 8, 4, 10, 9, 14, 0, 3, 11, 2},
	{4, 11, 10, 0, 7, 2, 1, 13, 3, 6, 8, 5, 9, 12, 15, 14},
	{13, 11, 4, 1, 3, 15, 5, 9, 0, 10, 14, 7, 6, 8, 2, 12},
	{1, 15, 13, 0, 5, 7, 10, 4, 9, 2, 3, 14, 6, 11, 8, 12},
}

// substitution joins, per byte, two rows of a parameter set with the rotation by 11 bits of GOST 28147-89 (RFC 5830).
type substitution [4][256]uint32

var testSubstitution = newSubstitution(&testParamSet)

func newSubstitution(rows *[8][16]byte) *substitution {
	t := new(substitution)
	for i := range t {
		for v := range t[i] {
			x := uint32(rows[2*i][v&15]) | uint32(rows[2*i+1][v>>4])<<4
			t[i][v] = bits.RotateLeft32(x<<(8*i), 11)
		}
	}
	return t
}

// block256 is a 256-bit vector as four 64-bit words, the least significant first.
type block256 = [4]uint64

// gost341194 is the state of RFC 5831: chaining value h, check sum sigma and length in bytes.
type gost341194 struct {
	box      *substitution
	h, sigma block256
	length   uint64
	buf      [32]byte
}

// New341194 returns GOST 34.311-95, which is GOST R 34.11-94 (RFC 5831) with the substitution
// id-GostR3411-94-TestParamSet and a zero start vector. The 32 bytes of output have the least significant byte first.
func New341194() hash.Hash { return &gost341194{box: testSubstitution} }

func (g *gost341194) Size() int      { return 32 }
func (g *gost341194) BlockSize() int { return 32 }
func (g *gost341194) Reset()         { *g = gost341194{box: g.box} }

// Write absorbs p. It never fails.
func (g *gost341194) Write(p []byte) (int, error) {
	total := len(p)
	used := int(g.length % 32)
	g.length += uint64(total)
	if used > 0 {
		k := copy(g.buf[used:], p)
		p = p[k:]
		if used+k < 32 {
			return total, nil
		}
		g.block(g.buf[:])
	}
	for len(p) >= 32 {
		g.block(p)
		p = p[32:]
	}
	copy(g.buf[:], p)
	return total, nil
}

// Sum appends the digest of what was written so far; the state stays usable.
func (g *gost341194) Sum(b []byte) []byte {
	t := *g
	if used := t.length % 32; used > 0 {
		clear(t.buf[used:])
		t.block(t.buf[:])
	}
	t.step(&block256{t.length << 3, t.length >> 61})
	t.step(&t.sigma)
	for _, w := range t.h {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

func (g *gost341194) block(p []byte) {
	var m block256
	var carry uint64
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(p[8*i:])
		g.sigma[i], carry = bits.Add64(g.sigma[i], m[i], carry)
	}
	g.step(&m)
}

// step is the step hash function of RFC 5831, section 6: key generation, encryption, mixing.
func (g *gost341194) step(m *block256) {
	u, v := g.h, *m
	var s block256
	for i := range s {
		if i > 0 {
			u = block256{u[1], u[2], u[3], u[0] ^ u[1]}
			if i == 2 {
				u[0] ^= 0xff00ff00ff00ff00
				u[1] ^= 0x00ff00ff00ff00ff
				u[2] ^= 0xff0000ff00ffff00
				u[3] ^= 0xff00ffff000000ff
			}
			v = block256{v[2], v[3], v[0] ^ v[1], v[1] ^ v[2]}
		}
		key := permuteKey(&block256{u[0] ^ v[0], u[1] ^ v[1], u[2] ^ v[2], u[3] ^ v[3]})
		s[i] = g.box.encrypt(&key, g.h[i])
	}
	g.mix(&s, m)
}

// permuteKey is the transformation P of RFC 5831, section 5.1: a transposition of a matrix of 4 by 8 bytes.
func permuteKey(w *block256) (key [8]uint32) {
	for k := range key {
		key[k] = uint32(byte(w[0]>>(8*k))) | uint32(byte(w[1]>>(8*k)))<<8 |
			uint32(byte(w[2]>>(8*k)))<<16 | uint32(byte(w[3]>>(8*k)))<<24
	}
	return key
}

// encrypt is GOST 28147-89 in the simple substitution mode (RFC 5830, section 5).
func (t *substitution) encrypt(key *[8]uint32, x uint64) uint64 {
	f := func(v uint32) uint32 {
		return t[0][byte(v)] ^ t[1][byte(v>>8)] ^ t[2][byte(v>>16)] ^ t[3][byte(v>>24)]
	}
	a, b := uint32(x), uint32(x>>32)
	for range 3 {
		for i := 0; i < 8; i += 2 {
			b ^= f(a + key[i])
			a ^= f(b + key[i+1])
		}
	}
	for i := 7; i > 0; i -= 2 {
		b ^= f(a + key[i])
		a ^= f(b + key[i-1])
	}
	return uint64(b) | uint64(a)<<32
}

// mix sets h to psi^61(h xor psi(m xor psi^12(s))) (RFC 5831, section 5.3). One application of psi shifts sixteen
// 16-bit words by one and appends the sum of six of them, so the words of all steps form one sequence.
func (g *gost341194) mix(s, m *block256) {
	var y [16 + 61]uint16
	load := func(w *block256) {
		for i := range 16 {
			y[i] ^= uint16(w[i/4] >> (16 * (i % 4)))
		}
	}
	psi := func(n int) {
		for i := range n {
			y[i+16] = y[i] ^ y[i+1] ^ y[i+2] ^ y[i+3] ^ y[i+12] ^ y[i+15]
		}
		copy(y[:16], y[n:n+16])
	}
	load(s)
	psi(12)
	load(m)
	psi(1)
	load(&g.h)
	psi(61)
	for i := range g.h {
		g.h[i] = uint64(y[4*i]) | uint64(y[4*i+1])<<16 | uint64(y[4*i+2])<<32 | uint64(y[4*i+3])<<48
	}
}
