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

// accumulate returns the three-limb number c2:c1:c0 plus x*y.
func accumulate(c2, c1, c0, x, y uint64) (uint64, uint64, uint64) {
	hi, lo := bits.Mul64(x, y)
	c0, k := bits.Add64(c0, lo, 0)
	c1, k = bits.Add64(c1, hi, k)
	c2, _ = bits.Add64(c2, 0, k)
	return c2, c1, c0
}

// doubled returns twice the three-limb number c2:c1:c0.
func doubled(c2, c1, c0 uint64) (uint64, uint64, uint64) {
	c0, k := bits.Add64(c0, c0, 0)
	c1, k = bits.Add64(c1, c1, k)
	c2, _ = bits.Add64(c2, c2, k)
	return c2, c1, c0
}

// mul512 sets z to x*y modulo 2^512-569, not reduced below the modulus. It sums the product column by column.
func mul512(z, x, y *elem) {
	var t [16]uint64
	var a, b, c uint64
	a, b, c = accumulate(a, b, c, x[0], y[0])
	t[0], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[0], y[1])
	a, b, c = accumulate(a, b, c, x[1], y[0])
	t[1], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[0], y[2])
	a, b, c = accumulate(a, b, c, x[1], y[1])
	a, b, c = accumulate(a, b, c, x[2], y[0])
	t[2], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[0], y[3])
	a, b, c = accumulate(a, b, c, x[1], y[2])
	a, b, c = accumulate(a, b, c, x[2], y[1])
	a, b, c = accumulate(a, b, c, x[3], y[0])
	t[3], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[0], y[4])
	a, b, c = accumulate(a, b, c, x[1], y[3])
	a, b, c = accumulate(a, b, c, x[2], y[2])
	a, b, c = accumulate(a, b, c, x[3], y[1])
	a, b, c = accumulate(a, b, c, x[4], y[0])
	t[4], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[0], y[5])
	a, b, c = accumulate(a, b, c, x[1], y[4])
	a, b, c = accumulate(a, b, c, x[2], y[3])
	a, b, c = accumulate(a, b, c, x[3], y[2])
	a, b, c = accumulate(a, b, c, x[4], y[1])
	a, b, c = accumulate(a, b, c, x[5], y[0])
	t[5], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[0], y[6])
	a, b, c = accumulate(a, b, c, x[1], y[5])
	a, b, c = accumulate(a, b, c, x[2], y[4])
	a, b, c = accumulate(a, b, c, x[3], y[3])
	a, b, c = accumulate(a, b, c, x[4], y[2])
	a, b, c = accumulate(a, b, c, x[5], y[1])
	a, b, c = accumulate(a, b, c, x[6], y[0])
	t[6], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[0], y[7])
	a, b, c = accumulate(a, b, c, x[1], y[6])
	a, b, c = accumulate(a, b, c, x[2], y[5])
	a, b, c = accumulate(a, b, c, x[3], y[4])
	a, b, c = accumulate(a, b, c, x[4], y[3])
	a, b, c = accumulate(a, b, c, x[5], y[2])
	a, b, c = accumulate(a, b, c, x[6], y[1])
	a, b, c = accumulate(a, b, c, x[7], y[0])
	t[7], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[1], y[7])
	a, b, c = accumulate(a, b, c, x[2], y[6])
	a, b, c = accumulate(a, b, c, x[3], y[5])
	a, b, c = accumulate(a, b, c, x[4], y[4])
	a, b, c = accumulate(a, b, c, x[5], y[3])
	a, b, c = accumulate(a, b, c, x[6], y[2])
	a, b, c = accumulate(a, b, c, x[7], y[1])
	t[8], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[2], y[7])
	a, b, c = accumulate(a, b, c, x[3], y[6])
	a, b, c = accumulate(a, b, c, x[4], y[5])
	a, b, c = accumulate(a, b, c, x[5], y[4])
	a, b, c = accumulate(a, b, c, x[6], y[3])
	a, b, c = accumulate(a, b, c, x[7], y[2])
	t[9], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[3], y[7])
	a, b, c = accumulate(a, b, c, x[4], y[6])
	a, b, c = accumulate(a, b, c, x[5], y[5])
	a, b, c = accumulate(a, b, c, x[6], y[4])
	a, b, c = accumulate(a, b, c, x[7], y[3])
	t[10], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[4], y[7])
	a, b, c = accumulate(a, b, c, x[5], y[6])
	a, b, c = accumulate(a, b, c, x[6], y[5])
	a, b, c = accumulate(a, b, c, x[7], y[4])
	t[11], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[5], y[7])
	a, b, c = accumulate(a, b, c, x[6], y[6])
	a, b, c = accumulate(a, b, c, x[7], y[5])
	t[12], a, b, c = c, 0, a, b
	a, b, c = accumulate(a, b, c, x[6], y[7])
	a, b, c = accumulate(a, b, c, x[7], y[6])
	t[13], a, b, c = c, 0, a, b
	_, t[15], t[14] = accumulate(a, b, c, x[7], y[7])
	fold512(z, &t)
}

// sqr512 sets z to x*x modulo 2^512-569, not reduced below the modulus.
func sqr512(z, x *elem) {
	var t [16]uint64
	var a, b, c, d, e, f uint64
	a, b, c = accumulate(a, b, c, x[0], x[0])
	t[0], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[0], x[1])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	t[1], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[0], x[2])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	a, b, c = accumulate(a, b, c, x[1], x[1])
	t[2], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[0], x[3])
	d, e, f = accumulate(d, e, f, x[1], x[2])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	t[3], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[0], x[4])
	d, e, f = accumulate(d, e, f, x[1], x[3])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	a, b, c = accumulate(a, b, c, x[2], x[2])
	t[4], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[0], x[5])
	d, e, f = accumulate(d, e, f, x[1], x[4])
	d, e, f = accumulate(d, e, f, x[2], x[3])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	t[5], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[0], x[6])
	d, e, f = accumulate(d, e, f, x[1], x[5])
	d, e, f = accumulate(d, e, f, x[2], x[4])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	a, b, c = accumulate(a, b, c, x[3], x[3])
	t[6], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[0], x[7])
	d, e, f = accumulate(d, e, f, x[1], x[6])
	d, e, f = accumulate(d, e, f, x[2], x[5])
	d, e, f = accumulate(d, e, f, x[3], x[4])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	t[7], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[1], x[7])
	d, e, f = accumulate(d, e, f, x[2], x[6])
	d, e, f = accumulate(d, e, f, x[3], x[5])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	a, b, c = accumulate(a, b, c, x[4], x[4])
	t[8], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[2], x[7])
	d, e, f = accumulate(d, e, f, x[3], x[6])
	d, e, f = accumulate(d, e, f, x[4], x[5])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	t[9], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[3], x[7])
	d, e, f = accumulate(d, e, f, x[4], x[6])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	a, b, c = accumulate(a, b, c, x[5], x[5])
	t[10], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[4], x[7])
	d, e, f = accumulate(d, e, f, x[5], x[6])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	t[11], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[5], x[7])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	a, b, c = accumulate(a, b, c, x[6], x[6])
	t[12], a, b, c = c, 0, a, b
	d, e, f = 0, 0, 0
	d, e, f = accumulate(d, e, f, x[6], x[7])
	d, e, f = doubled(d, e, f)
	a, b, c = plus(a, b, c, d, e, f)
	t[13], a, b, c = c, 0, a, b
	_, t[15], t[14] = accumulate(a, b, c, x[7], x[7])
	fold512(z, &t)
}

// plus returns the sum of two three-limb numbers.
func plus(a, b, c, d, e, f uint64) (uint64, uint64, uint64) {
	c, k := bits.Add64(c, f, 0)
	b, k = bits.Add64(b, e, k)
	a, _ = bits.Add64(a, d, k)
	return a, b, c
}

// fold512 sets z to t modulo 2^512-569, not reduced below the modulus.
func fold512(z *elem, t *[16]uint64) {
	h0, l0 := bits.Mul64(t[8], fold)
	h1, l1 := bits.Mul64(t[9], fold)
	h2, l2 := bits.Mul64(t[10], fold)
	h3, l3 := bits.Mul64(t[11], fold)
	h4, l4 := bits.Mul64(t[12], fold)
	h5, l5 := bits.Mul64(t[13], fold)
	h6, l6 := bits.Mul64(t[14], fold)
	h7, l7 := bits.Mul64(t[15], fold)
	var c uint64
	l0, c = bits.Add64(l0, t[0], 0)
	l1, c = bits.Add64(l1, t[1], c)
	l2, c = bits.Add64(l2, t[2], c)
	l3, c = bits.Add64(l3, t[3], c)
	l4, c = bits.Add64(l4, t[4], c)
	l5, c = bits.Add64(l5, t[5], c)
	l6, c = bits.Add64(l6, t[6], c)
	l7, c = bits.Add64(l7, t[7], c)
	h7 += c // below 570
	l0, c = bits.Add64(l0, h7*fold, 0)
	l1, c = bits.Add64(l1, h0, c)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	l4, c = bits.Add64(l4, h3, c)
	l5, c = bits.Add64(l5, h4, c)
	l6, c = bits.Add64(l6, h5, c)
	l7, c = bits.Add64(l7, h6, c)
	l0, c = bits.Add64(l0, fold&-c, 0)
	z[1], c = bits.Add64(l1, 0, c)
	z[2], c = bits.Add64(l2, 0, c)
	z[3], c = bits.Add64(l3, 0, c)
	z[4], c = bits.Add64(l4, 0, c)
	z[5], c = bits.Add64(l5, 0, c)
	z[6], c = bits.Add64(l6, 0, c)
	z[7], _ = bits.Add64(l7, 0, c) // no second overflow: after the first, l7 is small
	z[0] = l0
}
