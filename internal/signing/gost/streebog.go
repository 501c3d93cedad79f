package gost

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

// streebogBlock is the block size of both lengths of Streebog, in bytes.
const streebogBlock = 64

// words is a 512-bit vector as eight 64-bit words, the least significant first.
type words = [8]uint64

// streebog is the state of RFC 6986, section 7: chaining value h, bit counter n and check sum sigma.
type streebog struct {
	h, n, sigma words
	buf         [streebogBlock]byte
	used        int
	size        int
}

// NewStreebog512 returns GOST R 34.11-2012 (RFC 6986) with 64 bytes of output, the least significant byte first.
func NewStreebog512() hash.Hash { return newStreebog(64) }

// NewStreebog256 returns GOST R 34.11-2012 (RFC 6986) with 32 bytes of output, the least significant byte first.
func NewStreebog256() hash.Hash { return newStreebog(32) }

func newStreebog(size int) *streebog {
	s := &streebog{size: size}
	s.Reset()
	return s
}

func (s *streebog) Size() int      { return s.size }
func (s *streebog) BlockSize() int { return streebogBlock }

func (s *streebog) Reset() {
	*s = streebog{size: s.size}
	if s.size == 32 {
		for i := range s.h {
			s.h[i] = 0x0101010101010101
		}
	}
}

// Write absorbs p. It never fails.
func (s *streebog) Write(p []byte) (int, error) {
	total := len(p)
	if s.used > 0 {
		k := copy(s.buf[s.used:], p)
		s.used += k
		p = p[k:]
		if s.used < streebogBlock {
			return total, nil
		}
		s.block(s.buf[:], streebogBlock*8)
		s.used = 0
	}
	for len(p) >= streebogBlock {
		s.block(p, streebogBlock*8)
		p = p[streebogBlock:]
	}
	s.used = copy(s.buf[:], p)
	return total, nil
}

// Sum appends the digest of what was written so far; the state stays usable.
func (s *streebog) Sum(b []byte) []byte {
	t := *s
	var last [streebogBlock]byte
	copy(last[:], t.buf[:t.used])
	last[t.used] = 1
	t.block(last[:], uint64(t.used)*8)
	var zero words
	t.compress(&zero, &t.n)
	t.compress(&zero, &t.sigma)
	for _, w := range t.h[8-t.size/8:] {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

// block absorbs the 64 bytes at p, of which length bits count towards the length of the message.
func (s *streebog) block(p []byte, length uint64) {
	var m words
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(p[8*i:])
	}
	s.compress(&s.n, &m)
	addTo(&s.n, &words{length})
	addTo(&s.sigma, &m)
}

// compress sets h to g_n(h, m) of RFC 6986, section 6.
func (s *streebog) compress(n, m *words) {
	var k, x words
	xorLPS(&k, &s.h, n)
	x = *m
	for i := range streebogC {
		xorLPS(&x, &x, &k)
		xorLPS(&k, &k, &streebogC[i])
	}
	for i := range x {
		s.h[i] ^= x[i] ^ k[i] ^ m[i]
	}
}

// xorLPS sets z to LPS(x xor y). z may be x or y.
func xorLPS(z, x, y *words) {
	a0, a1, a2, a3 := x[0]^y[0], x[1]^y[1], x[2]^y[2], x[3]^y[3]
	a4, a5, a6, a7 := x[4]^y[4], x[5]^y[5], x[6]^y[6], x[7]^y[7]
	t := &streebogT
	z[0] = t[0][byte(a0)] ^ t[1][byte(a1)] ^ t[2][byte(a2)] ^ t[3][byte(a3)] ^
		t[4][byte(a4)] ^ t[5][byte(a5)] ^ t[6][byte(a6)] ^ t[7][byte(a7)]
	z[1] = t[0][byte(a0>>8)] ^ t[1][byte(a1>>8)] ^ t[2][byte(a2>>8)] ^ t[3][byte(a3>>8)] ^
		t[4][byte(a4>>8)] ^ t[5][byte(a5>>8)] ^ t[6][byte(a6>>8)] ^ t[7][byte(a7>>8)]
	z[2] = t[0][byte(a0>>16)] ^ t[1][byte(a1>>16)] ^ t[2][byte(a2>>16)] ^ t[3][byte(a3>>16)] ^
		t[4][byte(a4>>16)] ^ t[5][byte(a5>>16)] ^ t[6][byte(a6>>16)] ^ t[7][byte(a7>>16)]
	z[3] = t[0][byte(a0>>24)] ^ t[1][byte(a1>>24)] ^ t[2][byte(a2>>24)] ^ t[3][byte(a3>>24)] ^
		t[4][byte(a4>>24)] ^ t[5][byte(a5>>24)] ^ t[6][byte(a6>>24)] ^ t[7][byte(a7>>24)]
	z[4] = t[0][byte(a0>>32)] ^ t[1][byte(a1>>32)] ^ t[2][byte(a2>>32)] ^ t[3][byte(a3>>32)] ^
		t[4][byte(a4>>32)] ^ t[5][byte(a5>>32)] ^ t[6][byte(a6>>32)] ^ t[7][byte(a7>>32)]
	z[5] = t[0][byte(a0>>40)] ^ t[1][byte(a1>>40)] ^ t[2][byte(a2>>40)] ^ t[3][byte(a3>>40)] ^
		t[4][byte(a4>>40)] ^ t[5][byte(a5>>40)] ^ t[6][byte(a6>>40)] ^ t[7][byte(a7>>40)]
	z[6] = t[0][byte(a0>>48)] ^ t[1][byte(a1>>48)] ^ t[2][byte(a2>>48)] ^ t[3][byte(a3>>48)] ^
		t[4][byte(a4>>48)] ^ t[5][byte(a5>>48)] ^ t[6][byte(a6>>48)] ^ t[7][byte(a7>>48)]
	z[7] = t[0][byte(a0>>56)] ^ t[1][byte(a1>>56)] ^ t[2][byte(a2>>56)] ^ t[3][byte(a3>>56)] ^
		t[4][byte(a4>>56)] ^ t[5][byte(a5>>56)] ^ t[6][byte(a6>>56)] ^ t[7][byte(a7>>56)]
}

// addTo adds y to x modulo 2^512.
func addTo(x, y *words) {
	var carry uint64
	for i := range x {
		x[i], carry = bits.Add64(x[i], y[i], carry)
	}
}
