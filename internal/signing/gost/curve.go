package gost

import (
	"math/big"
	"sync"
)

// Curve is a group of points of y^2 = x^3 + a*x + b over a prime field together with a base point of prime order.
// The curves of this package are the values that [ParamSetA512], [CryptoProA] and [ParamSetA256] return.
type Curve struct {
	name     string
	size     int
	p, q     *field
	order    *big.Int // q
	a, b, b3 elem     // in internal form; b3 is 3*b
	g        affine
	cofactor int

	tableOnce sync.Once
	table     []tableRow
}

// ParamSetA512 returns id-tc26-gost-3410-12-512-paramSetA (RFC 7836, appendix A.1), the curve of "GOST 2015" keys.
func ParamSetA512() *Curve { return paramSetA512() }

// CryptoProA returns id-GostR3410-2001-CryptoPro-A-ParamSet (RFC 4357, section 11.4), the curve of GOST 34.310-2004
// keys; id-GostR3410-2001-CryptoPro-XchA-ParamSet and id-tc26-gost-3410-2012-256-paramSetB are the same curve.
func CryptoProA() *Curve { return cryptoProA() }

// ParamSetA256 returns id-tc26-gost-3410-2012-256-paramSetA (RFC 7836, appendix A.2).
func ParamSetA256() *Curve { return paramSetA256() }

var paramSetA512 = sync.OnceValue(func() *Curve {
	return newCurve("id-tc26-gost-3410-12-512-paramSetA", 1,
		"fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffdc7",
		"fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffdc4",
		"e8c2505dedfc86ddc1bd0b2b6667f1da34b82574761cb0e879bd081cfd0b6265ee3cb090f30d27614cb4574010da90dd862ef9d4ebee4761503190785a71c760",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff27e69532f48d89116ff22b8d4e0560609b4b38abfad2b85dcacdb1411f10b275",
		"3",
		"7503cfe87a836ae3a61b8816e25450e6ce5e1c93acf1abc1778064fdcbefa921df1626be4fd036e93d75e6a50e3a41e98028fe5fc235f5b889a589cb5215f2a4")
})

var cryptoProA = sync.OnceValue(func() *Curve {
	return newCurve("id-GostR3410-2001-CryptoPro-A-ParamSet", 1,
		"fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffd97",
		"fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffd94",
		"a6",
		"ffffffffffffffffffffffffffffffff6c611070995ad10045841b09b761b893",
		"1",
		"8d91e471e0989cda27df505a453f2b7635294f2ddf23e3b122acc99c9e9f1e14")
})

var paramSetA256 = sync.OnceValue(func() *Curve {
	return newCurve("id-tc26-gost-3410-2012-256-paramSetA", 4,
		"fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffd97",
		"c2173f1513981673af4892c23035a27ce25e2013bf95aa33b22c656f277e7335",
		"295f9bae7428ed9ccc20e7c359a9d41a22fccd9108e17bf7ba9337a6f8ae9513",
		"400000000000000000000000000000000fd8cddfc87b6635c115af556c360c67",
		"91e38443a5e82c0d880923425712b2bb658b9196932e02c78b2582fe742daa28",
		"32879423ab1a0375895786c4bb46e9565fde0b5344766740af268adb32322e5c")
})

// newCurve builds a curve from hexadecimal numbers.
func newCurve(name string, cofactor int, p, a, b, q, x, y string) *Curve {
	num := func(s string) *big.Int {
		v, ok := new(big.Int).SetString(s, 16)
		if !ok {
			panic("gost: malformed constant")
		}
		return v
	}
	prime := num(p)
	c := &Curve{name: name, cofactor: cofactor, p: newField(prime), order: num(q), size: (prime.BitLen() + 255) / 256 * 32}
	c.q = newField(c.order)
	in := func(s string) elem {
		v := fromBig(num(s))
		return c.p.enter(&v)
	}
	c.a, c.b, c.g = in(a), in(b), affine{in(x), in(y)}
	c.p.add(&c.b3, &c.b, &c.b)
	c.p.add(&c.b3, &c.b3, &c.b)
	return c
}

// Name returns the name of the parameter set in its standard.
func (c *Curve) Name() string { return c.name }

// Size returns the length of a coordinate, of a private key, of a digest and of half a signature, in bytes: 32 or 64.
func (c *Curve) Size() int { return c.size }

// affine is a point other than the point at infinity.
type affine struct{ x, y elem }

// onCurve reports whether the point satisfies the equation of the curve.
func (c *Curve) onCurve(pt *affine) bool {
	f := c.p
	var l, r elem
	f.sqr(&r, &pt.x)
	f.add(&r, &r, &c.a)
	f.mul(&r, &r, &pt.x)
	f.add(&r, &r, &c.b)
	f.sqr(&l, &pt.y)
	f.sub(&l, &l, &r)
	return f.isZero(&l) == 1
}

// point is (x : y : z) in homogeneous projective coordinates; the point at infinity is (0 : 1 : 0).
type point struct{ x, y, z elem }

func (c *Curve) infinity() point { return point{y: c.p.one} }

func (c *Curve) project(pt *affine) point { return point{pt.x, pt.y, c.p.one} }

// add sets r to p+q: algorithm 1 of Renes, Costello and Batina, "Complete addition formulas for prime order elliptic
// curves" (2016). It has no exceptions among points of odd order, so that it needs no branch. If the difference of p and q
// has order two, it sets all coordinates to zero, which every further addition and doubling keeps.
func (c *Curve) add(r, p, q *point) {
	f := c.p
	var xx, yy, zz, xy, xz, yz, t elem
	f.mul(&xx, &p.x, &q.x)
	f.mul(&yy, &p.y, &q.y)
	f.mul(&zz, &p.z, &q.z)
	cross := func(out, p1, p2, q1, q2, s1, s2 *elem) { // p1*q2 + p2*q1
		f.add(out, p1, p2)
		f.add(&t, q1, q2)
		f.mul(out, out, &t)
		f.add(&t, s1, s2)
		f.sub(out, out, &t)
	}
	cross(&xy, &p.x, &p.y, &q.x, &q.y, &xx, &yy)
	cross(&xz, &p.x, &p.z, &q.x, &q.z, &xx, &zz)
	cross(&yz, &p.y, &p.z, &q.y, &q.z, &yy, &zz)
	c.finish(r, &xx, &yy, &zz, &xy, &xz, &yz)
}

// addAffine sets r to p+q; see add.
func (c *Curve) addAffine(r, p *point, q *affine) {
	f := c.p
	var xx, yy, xy, xz, yz, t elem
	f.mul(&xx, &p.x, &q.x)
	f.mul(&yy, &p.y, &q.y)
	f.add(&xy, &p.x, &p.y)
	f.add(&t, &q.x, &q.y)
	f.mul(&xy, &xy, &t)
	f.add(&t, &xx, &yy)
	f.sub(&xy, &xy, &t)
	f.mul(&xz, &q.x, &p.z)
	f.add(&xz, &xz, &p.x)
	f.mul(&yz, &q.y, &p.z)
	f.add(&yz, &yz, &p.y)
	zz := p.z
	c.finish(r, &xx, &yy, &zz, &xy, &xz, &yz)
}

// finish is the second half of add, steps 19 to 40, on x1*x2, y1*y2, z1*z2 and the sums x1*y2+x2*y1, x1*z2+x2*z1
// and y1*z2+y2*z1.
func (c *Curve) finish(r *point, xx, yy, zz, xy, xz, yz *elem) {
	f := c.p
	var x, y, z, t, u, v elem
	f.mul(&x, &c.b3, zz)
	f.mul(&z, &c.a, xz)
	f.add(&z, &x, &z)
	f.sub(&x, yy, &z)
	f.add(&z, yy, &z)
	f.mul(&y, &x, &z)
	f.add(&t, xx, xx)
	f.add(&t, &t, xx)
	f.mul(&u, &c.a, zz)
	f.mul(&v, &c.b3, xz)
	f.add(&t, &t, &u)
	f.sub(&u, xx, &u)
	f.mul(&u, &c.a, &u)
	f.add(&v, &v, &u)
	f.mul(&u, &t, &v)
	f.add(&r.y, &y, &u)
	f.mul(&u, yz, &v)
	f.mul(&x, xy, &x)
	f.sub(&r.x, &x, &u)
	f.mul(&u, xy, &t)
	f.mul(&z, yz, &z)
	f.add(&r.z, &z, &u)
}

// double sets r to 2*p for a public p: formula dbl-2007-bl of Bernstein and Lange for homogeneous coordinates, which is
// faster than add but does not hold for the point at infinity, so that it branches.
func (c *Curve) double(r, p *point) {
	f := c.p
	if f.isZero(&p.z) == 1 {
		*r = *p
		return
	}
	var xx, w, s, ss, b, h, rr, t elem
	f.sqr(&xx, &p.x)
	f.sqr(&w, &p.z)
	f.mul(&w, &w, &c.a)
	f.add(&t, &xx, &xx)
	f.add(&t, &t, &xx)
	f.add(&w, &w, &t) // w = a*z^2 + 3*x^2
	f.mul(&s, &p.y, &p.z)
	f.add(&s, &s, &s)
	f.sqr(&ss, &s)
	f.mul(&t, &p.y, &s)
	f.sqr(&rr, &t)
	f.add(&b, &p.x, &t)
	f.sqr(&b, &b)
	f.sub(&b, &b, &xx)
	f.sub(&b, &b, &rr)
	f.sqr(&h, &w)
	f.sub(&h, &h, &b)
	f.sub(&h, &h, &b)
	f.mul(&r.x, &h, &s)
	f.mul(&r.z, &s, &ss)
	f.sub(&b, &b, &h)
	f.mul(&b, &b, &w)
	f.sub(&b, &b, &rr)
	f.sub(&r.y, &b, &rr)
}

// toAffine returns the affine form of points none of which is the point at infinity, with a single inversion.
func (c *Curve) toAffine(pts []point) []affine {
	f := c.p
	out := make([]affine, len(pts))
	product := f.one
	for i := range pts { // out[i].x: the product of all z before i
		out[i].x = product
		f.mul(&product, &product, &pts[i].z)
	}
	f.invert(&product, &product)
	for i := len(pts) - 1; i >= 0; i-- {
		var zinv elem
		f.mul(&zinv, &product, &out[i].x)
		f.mul(&product, &product, &pts[i].z)
		f.mul(&out[i].x, &pts[i].x, &zinv)
		f.mul(&out[i].y, &pts[i].y, &zinv)
	}
	return out
}
