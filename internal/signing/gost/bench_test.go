package gost

import (
	"crypto/rand"
	"hash"
	"testing"
)

func benchmarkHash(b *testing.B, h hash.Hash) {
	buf := make([]byte, 16384)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		h.Write(buf)
	}
}

func BenchmarkStreebog512(b *testing.B) { benchmarkHash(b, NewStreebog512()) }
func Benchmark341194(b *testing.B)      { benchmarkHash(b, New341194()) }

func benchmarkKey(b *testing.B, c *Curve) (*PrivateKey, []byte, []byte) {
	key, err := GenerateKey(c, rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	digest := make([]byte, c.size)
	_, _ = rand.Read(digest)
	sig, err := key.Sign(rand.Reader, digest, nil)
	if err != nil {
		b.Fatal(err)
	}
	return key, digest, sig
}

func benchmarkSign(b *testing.B, c *Curve) {
	key, digest, _ := benchmarkKey(b, c)
	for b.Loop() {
		if _, err := key.Sign(rand.Reader, digest, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkVerify(b *testing.B, c *Curve) {
	key, digest, sig := benchmarkKey(b, c)
	for b.Loop() {
		if !key.public.Verify(digest, sig) {
			b.Fatal("does not verify")
		}
	}
}

func BenchmarkSign512(b *testing.B)   { benchmarkSign(b, ParamSetA512()) }
func BenchmarkVerify512(b *testing.B) { benchmarkVerify(b, ParamSetA512()) }
func BenchmarkSign256(b *testing.B)   { benchmarkSign(b, CryptoProA()) }
func BenchmarkVerify256(b *testing.B) { benchmarkVerify(b, CryptoProA()) }

func BenchmarkMul512(b *testing.B) {
	x, y := fastModulus, elem{1, 2, 3, 4, 5, 6, 7, 8}
	f := ParamSetA512().p
	for b.Loop() {
		f.mul(&x, &x, &y)
	}
}
func BenchmarkAdd512(b *testing.B) {
	x, y := fastModulus, elem{1, 2, 3, 4, 5, 6, 7, 8}
	f := ParamSetA512().p
	for b.Loop() {
		f.add(&x, &x, &y)
	}
}
func BenchmarkSqr512(b *testing.B) {
	x := fastModulus
	f := ParamSetA512().p
	for b.Loop() {
		f.sqr(&x, &x)
	}
}
