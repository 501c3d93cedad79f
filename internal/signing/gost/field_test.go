package gost

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// limbs draws a number of n limbs with many limbs at their limits, where carries run furthest.
func limbs(n int) *rapid.Generator[elem] {
	limb := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, fold, ^uint64(0), 1<<64 - fold, 1<<64 - fold - 1}))
	return rapid.Custom(func(t *rapid.T) (x elem) {
		for i := range n {
			x[i] = limb.Draw(t, "limb")
		}
		return x
	})
}

// fields returns every field and scalar field of the curves under test.
func fields() (all []*field) {
	for _, c := range curves() {
		all = append(all, c.p, c.q)
	}
	return all
}

func TestFieldAgainstBig(t *testing.T) {
	all := fields()
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(all).Draw(t, "field")
		m := f.m.big()
		a, b := limbs(f.n).Draw(t, "a"), limbs(f.n).Draw(t, "b")
		x, y := f.enter(&a), f.enter(&b)
		check := func(name string, op func(z, x, y *elem), want *big.Int) {
			var z elem
			op(&z, &x, &y)
			if got := f.leave(&z); got.big().Cmp(want.Mod(want, m)) != 0 {
				t.Fatalf("%s: %x and %x give %x, want %x", name, a.big(), b.big(), got.big(), want)
			}
			alias := x // the result may be an operand
			op(&alias, &alias, &y)
			alias, z = f.leave(&alias), f.leave(&z)
			if alias != z {
				t.Fatalf("%s: another result in place", name)
			}
		}
		check("add", f.add, new(big.Int).Add(a.big(), b.big()))
		check("sub", f.sub, new(big.Int).Sub(a.big(), b.big()))
		check("mul", f.mul, new(big.Int).Mul(a.big(), b.big()))
		check("sqr", func(z, x, _ *elem) { f.sqr(z, x) }, new(big.Int).Mul(a.big(), a.big()))
		check("pow", func(z, x, _ *elem) { f.pow(z, x, &b) }, new(big.Int).Exp(a.big(), b.big(), m))
		inverse := new(big.Int).ModInverse(a.big(), m)
		if inverse == nil {
			inverse = new(big.Int)
		}
		check("invert", func(z, x, _ *elem) { f.invert(z, x) }, inverse)
		if zero := new(big.Int).Mod(a.big(), m).Sign() == 0; zero != (f.isZero(&x) == 1) {
			t.Fatalf("isZero of %x", a.big())
		}
		if got := a.below(&b) == 1; got != (a.big().Cmp(b.big()) < 0) {
			t.Fatalf("%x below %x: %t", a.big(), b.big(), got)
		}
	})
}

// TestFastFieldLimits takes all pairs of numbers around 0, the modulus, the limits of words and 2^512.
func TestFastFieldLimits(t *testing.T) {
	f, m := ParamSetA512().p, fastModulus.big()
	var edge []elem
	for _, base := range []elem{{}, fastModulus, {0, 1}, {0, 0, 0, 0, 0, 0, 0, 1 << 63}} {
		for _, d := range []int64{-570, -569, -568, -285, -284, -1, 0, 1, 284, 285, 566, 567, 568, 569} {
			v := new(big.Int).Add(base.big(), big.NewInt(d))
			if v.Sign() >= 0 && v.BitLen() <= 512 {
				edge = append(edge, fromBig(v))
			}
		}
	}
	for _, x := range edge {
		for _, y := range edge {
			var sum, diff, product, square elem
			f.add(&sum, &x, &y)
			f.sub(&diff, &x, &y)
			f.mul(&product, &x, &y)
			f.sqr(&square, &x)
			for _, c := range []struct {
				got  elem
				want *big.Int
			}{
				{sum, new(big.Int).Add(x.big(), y.big())}, {diff, new(big.Int).Sub(x.big(), y.big())},
				{product, new(big.Int).Mul(x.big(), y.big())}, {square, new(big.Int).Mul(x.big(), x.big())},
			} {
				if got := f.leave(&c.got); got.big().Cmp(c.want.Mod(c.want, m)) != 0 {
					t.Fatalf("%x and %x: %x, want %x", x.big(), y.big(), got.big(), c.want)
				}
			}
		}
	}
}
