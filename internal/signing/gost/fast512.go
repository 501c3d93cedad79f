package gost

import "math/bits"

// fold is 2^512 modulo fastModulus.
const fold = 569

// fastModulus is 2^512-569, the field of id-tc26-gost-3410-12-512-paramSetA.
var fastModulus = elem{-fold & (1<<64 - 1), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}

// add512 sets z to x+y modulo 2^512-569, not reduced below the modulus.
func add512(z, x, y *elem) {
	var c uint64
	t0, c := bits.Add64(x[0], y[0], 0)
	t1, c := bits.Add64(x[1], y[1], c)
	t2, c := bits.Add64(x[2], y[2], c)
	t3, c := bits.Add64(x[3], y[3], c)
	t4, c := bits.Add64(x[4], y[4], c)
	t5, c := bits.Add64(x[5], y[5], c)
	t6, c := bits.Add64(x[6], y[6], c)
	t7, c := bits.Add64(x[7], y[7], c)
	t0, c = bits.Add64(t0, fold&-c, 0)
	z[1], c = bits.Add64(t1, 0, c)
	z[2], c = bits.Add64(t2, 0, c)
	z[3], c = bits.Add64(t3, 0, c)
	z[4], c = bits.Add64(t4, 0, c)
	z[5], c = bits.Add64(t5, 0, c)
	z[6], c = bits.Add64(t6, 0, c)
	z[7], c = bits.Add64(t7, 0, c)
	z[0] = t0 + fold&-c // after a second overflow the limbs are 0 but for a small t0
}

// sub512 sets z to x-y modulo 2^512-569, not reduced below the modulus.
func sub512(z, x, y *elem) {
	var b uint64
	t0, b := bits.Sub64(x[0], y[0], 0)
	t1, b := bits.Sub64(x[1], y[1], b)
	t2, b := bits.Sub64(x[2], y[2], b)
	t3, b := bits.Sub64(x[3], y[3], b)
	t4, b := bits.Sub64(x[4], y[4], b)
	t5, b := bits.Sub64(x[5], y[5], b)
	t6, b := bits.Sub64(x[6], y[6], b)
	t7, b := bits.Sub64(x[7], y[7], b)
	t0, b = bits.Sub64(t0, fold&-b, 0)
	z[1], b = bits.Sub64(t1, 0, b)
	z[2], b = bits.Sub64(t2, 0, b)
	z[3], b = bits.Sub64(t3, 0, b)
	z[4], b = bits.Sub64(t4, 0, b)
	z[5], b = bits.Sub64(t5, 0, b)
	z[6], b = bits.Sub64(t6, 0, b)
	z[7], b = bits.Sub64(t7, 0, b)
	z[0] = t0 - fold&-b // after a second borrow t0 is close to 2^64
}

// reduce512 returns the number below 2^512-569 congruent to x.
func reduce512(x *elem) (z elem) {
	var t elem
	c := uint64(fold)
	for i := range t {
		t[i], c = bits.Add64(x[i], c, 0)
	}
	z.choose(c, &t, x) // x+569 overflows exactly if x is not below the modulus
	return z
}

// row512 returns a + x*y as nine limbs.
func row512(a, x *elem, y uint64) (r elem, top uint64) {
	h0, l0 := bits.Mul64(x[0], y)
	h1, l1 := bits.Mul64(x[1], y)
	h2, l2 := bits.Mul64(x[2], y)
	h3, l3 := bits.Mul64(x[3], y)
	h4, l4 := bits.Mul64(x[4], y)
	h5, l5 := bits.Mul64(x[5], y)
	h6, l6 := bits.Mul64(x[6], y)
	h7, l7 := bits.Mul64(x[7], y)
	var c uint64
	l1, c = bits.Add64(l1, h0, 0)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	l4, c = bits.Add64(l4, h3, c)
	l5, c = bits.Add64(l5, h4, c)
	l6, c = bits.Add64(l6, h5, c)
	l7, c = bits.Add64(l7, h6, c)
	h7 += c
	r[0], c = bits.Add64(l0, a[0], 0)
	r[1], c = bits.Add64(l1, a[1], c)
	r[2], c = bits.Add64(l2, a[2], c)
	r[3], c = bits.Add64(l3, a[3], c)
	r[4], c = bits.Add64(l4, a[4], c)
	r[5], c = bits.Add64(l5, a[5], c)
	r[6], c = bits.Add64(l6, a[6], c)
	r[7], c = bits.Add64(l7, a[7], c)
	return r, h7 + c
}

// mul512 sets z to x*y modulo 2^512-569, not reduced below the modulus.
func mul512(z, x, y *elem) {
	var lo, acc elem
	for i := range y {
		r, top := row512(&acc, x, y[i])
		lo[i] = r[0]
		acc = elem{r[1], r[2], r[3], r[4], r[5], r[6], r[7], top}
	}
	r, top := row512(&lo, &acc, fold)
	var c uint64
	r[0], c = bits.Add64(r[0], top*fold, 0)
	for i := 1; i < 8; i++ {
		r[i], c = bits.Add64(r[i], 0, c)
	}
	r[0] += fold & -c
	*z = r
}
