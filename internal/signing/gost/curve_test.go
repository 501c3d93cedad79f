package gost

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// bigPoint is a point in affine coordinates over math/big, nil coordinates for the point at infinity: the textbook's
// group law as a reference for the formulas of this package.
type bigPoint struct{ x, y *big.Int }

func bigAdd(c *Curve, p, q bigPoint) bigPoint {
	m := c.p.m.big()
	if p.x == nil {
		return q
	}
	if q.x == nil {
		return p
	}
	var num, den *big.Int
	switch {
	case p.x.Cmp(q.x) != 0:
		num, den = new(big.Int).Sub(q.y, p.y), new(big.Int).Sub(q.x, p.x)
	case p.y.Cmp(q.y) != 0 || p.y.Sign() == 0:
		return bigPoint{}
	default:
		a := c.p.leave(&c.a)
		num = new(big.Int).Mul(p.x, p.x)
		num.Mul(num, big.NewInt(3)).Add(num, a.big())
		den = new(big.Int).Lsh(p.y, 1)
	}
	l := num.Mul(num, den.ModInverse(den.Mod(den, m), m))
	x := new(big.Int).Mul(l, l)
	x.Sub(x, p.x).Sub(x, q.x).Mod(x, m)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, l).Sub(y, p.y).Mod(y, m)
	return bigPoint{x, y}
}

func bigMultiply(c *Curve, k *big.Int, p bigPoint) (r bigPoint) {
	for i := k.BitLen() - 1; i >= 0; i-- {
		r = bigAdd(c, r, r)
		if k.Bit(i) == 1 {
			r = bigAdd(c, r, p)
		}
	}
	return r
}

func (c *Curve) bigBase() bigPoint {
	x, y := c.p.leave(&c.g.x), c.p.leave(&c.g.y)
	return bigPoint{x.big(), y.big()}
}

// same reports whether got is want.
func same(c *Curve, got *point, want bigPoint) bool {
	if c.p.isZero(&got.z) == 1 {
		return want.x == nil && c.p.isZero(&got.y) == 0
	}
	a := c.toAffine([]point{*got})[0]
	x, y := c.p.leave(&a.x), c.p.leave(&a.y)
	return want.x != nil && x.big().Cmp(want.x) == 0 && y.big().Cmp(want.y) == 0
}

func TestParameters(t *testing.T) {
	for _, c := range curves() {
		if !c.onCurve(&c.g) {
			t.Errorf("%s: the base point is not on the curve", c.name)
		}
		if !c.p.m.big().ProbablyPrime(20) || !c.order.ProbablyPrime(20) {
			t.Errorf("%s: modulus or order is not prime", c.name)
		}
		if end := bigMultiply(c, c.order, c.bigBase()); end.x != nil {
			t.Errorf("%s: the base point has another order", c.name)
		}
	}
}

// scalar draws numbers below the order, often small or close to it.
func scalar(c *Curve) *rapid.Generator[elem] {
	return rapid.Custom(func(t *rapid.T) elem {
		v := limbs(c.q.n).Draw(t, "limbs").big()
		if rapid.Bool().Draw(t, "small") {
			v.SetInt64(int64(rapid.IntRange(-20, 20).Draw(t, "offset")))
		}
		return fromBig(v.Mod(v, c.order))
	})
}

func TestGroupLaw(t *testing.T) {
	all := curves()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(all).Draw(t, "curve")
		u, v := scalar(c).Draw(t, "u"), scalar(c).Draw(t, "v")
		g := c.bigBase()
		wantU, wantV := bigMultiply(c, u.big(), g), bigMultiply(c, v.big(), g)
		pu, pv := c.baseMultiply(&u), c.baseMultiply(&v)
		if !same(c, &pu, wantU) {
			t.Fatal("multiple of the base point")
		}
		var r point
		c.add(&r, &pu, &pv)
		if !same(c, &r, bigAdd(c, wantU, wantV)) {
			t.Fatal("add")
		}
		c.double(&r, &pu)
		if !same(c, &r, bigAdd(c, wantU, wantU)) {
			t.Fatal("double")
		}
		if wantV.x == nil {
			return
		}
		av := c.toAffine([]point{pv})[0]
		c.addAffine(&r, &pu, &av)
		if !same(c, &r, bigAdd(c, wantU, wantV)) {
			t.Fatal("addAffine")
		}
		r = c.combine(&u, &v, &av)
		if !same(c, &r, bigAdd(c, wantU, bigMultiply(c, v.big(), wantV))) {
			t.Fatal("combine")
		}
	})
}

func TestSignedDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := limbs(8).Draw(t, "k")
		sum := new(big.Int)
		last := -5
		digits := signedDigits(&k)
		for i, d := range digits {
			if d == 0 {
				continue
			}
			if d%2 == 0 || d > 15 || d < -15 || i-last < 5 {
				t.Fatalf("digit %d at %d after one at %d", d, i, last)
			}
			last = i
			term := big.NewInt(int64(d))
			sum.Add(sum, term.Lsh(term, uint(i)))
		}
		if sum.Cmp(k.big()) != 0 {
			t.Fatalf("digits of %x give %x", k.big(), sum)
		}
	})
}
