package gost

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

var _ crypto.Signer = (*PrivateKey)(nil)

// fixedReader gives the same byte for ever: a broken source of randomness.
type fixedReader byte

func (r fixedReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}

func newKey(t testing.TB, c *Curve) *PrivateKey {
	t.Helper()
	key, err := GenerateKey(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (x elem) plus(m *big.Int, size int) []byte {
	b := new(big.Int).Add(x.big(), m).FillBytes(make([]byte, 64))
	slices.Reverse(b)
	return b[:size]
}

func TestPublicKeyRefusals(t *testing.T) {
	for _, c := range []*Curve{ParamSetA512(), CryptoProA(), ParamSetA256()} {
		good := newKey(t, c).public.Bytes()
		if _, err := NewPublicKey(c, good); err != nil {
			t.Fatal(err)
		}
		bad := map[string][]byte{
			"nothing":    nil,
			"zeros":      make([]byte, 2*c.size),
			"short":      good[1:],
			"long":       append(bytes.Clone(good), 0),
			"swapped":    append(bytes.Clone(good[c.size:]), good[:c.size]...),
			"all ones":   bytes.Repeat([]byte{0xff}, 2*c.size),
			"big-endian": func() []byte { b := bytes.Clone(good); slices.Reverse(b); return b }(),
		}
		for i := range good {
			b := bytes.Clone(good)
			b[i] ^= 1 << (i % 8)
			bad[fmt.Sprintf("octet %d", i)] = b
		}
		for name, b := range bad {
			if _, err := NewPublicKey(c, b); !errors.Is(err, ErrPublicKey) {
				t.Errorf("%s, %s: %v", c.name, name, err)
			}
		}
	}
	if _, err := NewPublicKey(nil, nil); !errors.Is(err, ErrPublicKey) {
		t.Error("no curve is accepted")
	}
}

// TestNonCanonicalCoordinate gives x+p for a point whose x is small enough for that.
func TestNonCanonicalCoordinate(t *testing.T) {
	c := ParamSetA512()
	g := PublicKey{c, c.g}
	b := g.Bytes()
	x := fromBytes(b[:64])
	copy(b, x.plus(c.p.m.big(), 64))
	if _, err := NewPublicKey(c, b); !errors.Is(err, ErrPublicKey) {
		t.Errorf("x+p is accepted: %v", err)
	}
}

// TestSubgroup gives the point of order two of the curve with cofactor 4, and a key with that point added.
func TestSubgroup(t *testing.T) {
	c := ParamSetA256()
	root := findRoot(t, c)
	torsion := append(root.plus(new(big.Int), 32), make([]byte, 32)...)
	if _, err := NewPublicKey(c, torsion); !errors.Is(err, ErrPublicKey) {
		t.Errorf("a point of order two is accepted: %v", err)
	}
	mixed := bigAdd(c, c.bigBase(), bigPoint{root.big(), new(big.Int)})
	x, y := fromBig(mixed.x), fromBig(mixed.y)
	if _, err := NewPublicKey(c, append(x.bytes(32), y.bytes(32)...)); !errors.Is(err, ErrPublicKey) {
		t.Errorf("a point outside the subgroup is accepted: %v", err)
	}
}

// findRoot returns an x with x^3+a*x+b = 0: the x of q times a random point, doubled as long as that is not infinity.
func findRoot(t *testing.T, c *Curve) elem {
	t.Helper()
	m := c.p.m.big()
	ea, eb := c.p.leave(&c.a), c.p.leave(&c.b)
	for i := int64(1); i < 1000; i++ {
		x := big.NewInt(i)
		y := new(big.Int).Mul(x, x)
		y.Add(y, ea.big()).Mul(y, x).Add(y, eb.big()).Mod(y, m)
		if y.ModSqrt(y, m) == nil {
			continue
		}
		pt := bigMultiply(c, c.order, bigPoint{x, y})
		for pt.x != nil && pt.y.Sign() != 0 {
			pt = bigAdd(c, pt, pt)
		}
		if pt.x != nil {
			return fromBig(pt.x)
		}
	}
	t.Fatal("no point of order two found")
	return elem{}
}

func TestPrivateKeyRefusals(t *testing.T) {
	for _, c := range curves() {
		one := elem{1}
		last := fromBig(new(big.Int).Sub(c.order, big.NewInt(1)))
		for name, d := range map[string]elem{"1": one, "q-1": last} {
			key, err := NewPrivateKey(c, d.bytes(c.size))
			if err != nil || !bytes.Equal(key.Bytes(), d.bytes(c.size)) {
				t.Errorf("%s, %s: %v", c.name, name, err)
			}
		}
		for name, d := range map[string][]byte{"0": make([]byte, c.size), "q": c.q.m.bytes(c.size),
			"short": one.bytes(c.size - 1), "long": append(one.bytes(c.size), 0)} {
			if _, err := NewPrivateKey(c, d); !errors.Is(err, ErrPrivateKey) {
				t.Errorf("%s, %s: %v", c.name, name, err)
			}
		}
	}
}

func TestZeroValuesRefuse(t *testing.T) {
	var pub PublicKey
	var key PrivateKey
	if pub.Verify(make([]byte, 64), make([]byte, 128)) || pub.Bytes() != nil || pub.Curve() != nil || key.Bytes() != nil {
		t.Error("a zero key does something")
	}
	if _, err := key.Sign(nil, make([]byte, 64), nil); !errors.Is(err, ErrPrivateKey) {
		t.Errorf("a zero key signs: %v", err)
	}
}

func TestEqual(t *testing.T) {
	a, b := newKey(t, ParamSetA512()), newKey(t, ParamSetA512())
	again, err := NewPublicKey(ParamSetA512(), a.public.Bytes())
	if err != nil || !a.public.Equal(again) || a.public.Equal(&b.public) || a.public.Equal(a) || a.public.Equal(nil) {
		t.Errorf("Equal: %v", err)
	}
}

func TestPrivateKeyIsNeverPrinted(t *testing.T) {
	key, err := NewPrivateKey(CryptoProA(), bytes.Repeat([]byte{0x5a}, 32))
	if err != nil {
		t.Fatal(err)
	}
	type holder struct{ Key *PrivateKey }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
		for _, v := range []any{key, *key, []any{key}, []PrivateKey{*key}} {
			if s := fmt.Sprintf(verb, v); strings.Contains(strings.ToLower(s), "5a5a") || !strings.Contains(s, "redacted") {
				t.Errorf("%s of %T prints %s", verb, v, s)
			}
		}
		if s := fmt.Sprintf(verb, holder{key}); strings.Contains(strings.ToLower(s), "5a5a") {
			t.Errorf("%s of a struct prints %s", verb, s)
		}
	}
}

func TestNonces(t *testing.T) {
	key, other := newKey(t, ParamSetA512()), newKey(t, ParamSetA512())
	seen := map[string]bool{}
	r := func(k *PrivateKey, source byte, digest byte) string {
		sig, err := k.Sign(fixedReader(source), bytes.Repeat([]byte{digest}, 64), nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(sig[:64])
	}
	for _, k := range []*PrivateKey{key, other} {
		for source := range byte(3) {
			for digest := range byte(3) {
				seen[r(k, source, digest)] = true
			}
		}
	}
	if len(seen) != 18 {
		t.Errorf("%d different r for 18 different inputs: a nonce was used twice", len(seen))
	}
	if first, second := r(key, 1, 1), r(key, 1, 1); first != second {
		t.Error("the nonce has a source beside key, digest and randomness")
	}
	broken := errors.New("broken")
	if _, err := key.Sign(iotest.ErrReader(broken), make([]byte, 64), nil); !errors.Is(err, broken) {
		t.Errorf("without randomness: %v", err)
	}
	if _, err := GenerateKey(ParamSetA512(), iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("key without randomness: %v", err)
	}
}

// TestNonceReduction compares the derived nonce with the same bytes reduced by math/big.
func TestNonceReduction(t *testing.T) {
	for _, c := range curves() {
		wide := make([]byte, 2*c.size)
		for _, fill := range []byte{0, 1, 0x80, 0xff} {
			for i := range wide {
				wide[i] = fill
			}
			got := c.reduceWide(wide)
			got = c.q.leave(&got)
			be := bytes.Clone(wide)
			slices.Reverse(be)
			want := new(big.Int).SetBytes(be)
			if got.big().Cmp(want.Mod(want, c.order)) != 0 {
				t.Errorf("%s: %x, want %x", c.name, got.big(), want)
			}
		}
	}
}

func TestMutations(t *testing.T) {
	for _, c := range []*Curve{ParamSetA512(), CryptoProA(), ParamSetA256()} {
		key := newKey(t, c)
		digest := make([]byte, c.size)
		_, _ = rand.Read(digest)
		sig, err := key.Sign(nil, digest, nil)
		if err != nil || !key.public.Verify(digest, sig) {
			t.Fatalf("%s: %v", c.name, err)
		}
		for bit := range 8 * len(sig) {
			sig[bit/8] ^= 1 << (bit % 8)
			if key.public.Verify(digest, sig) {
				t.Errorf("%s: signature with bit %d changed verifies", c.name, bit)
			}
			sig[bit/8] ^= 1 << (bit % 8)
		}
		for bit := range 8 * len(digest) {
			digest[bit/8] ^= 1 << (bit % 8)
			if key.public.Verify(digest, sig) {
				t.Errorf("%s: digest with bit %d changed verifies", c.name, bit)
			}
			digest[bit/8] ^= 1 << (bit % 8)
		}
		if newKey(t, c).public.Verify(digest, sig) {
			t.Errorf("%s: verifies with another key", c.name)
		}
		half := c.size
		for name, bad := range map[string][]byte{
			"empty": nil, "short": sig[1:], "long": append(bytes.Clone(sig), 0),
			"r = 0":  append(make([]byte, half), sig[half:]...),
			"s = 0":  append(bytes.Clone(sig[:half]), make([]byte, half)...),
			"r = q":  append(c.q.m.bytes(half), sig[half:]...),
			"s = q":  append(bytes.Clone(sig[:half]), c.q.m.bytes(half)...),
			"zeros":  make([]byte, 2*half),
			"halves": append(bytes.Clone(sig[half:]), sig[:half]...),
		} {
			if key.public.Verify(digest, bad) {
				t.Errorf("%s: %s verifies", c.name, name)
			}
		}
		if key.public.Verify(digest[1:], sig) || key.public.Verify(nil, sig) {
			t.Errorf("%s: a short digest verifies", c.name)
		}
		if _, err := key.Sign(nil, digest[1:], nil); !errors.Is(err, ErrDigest) {
			t.Errorf("%s: a short digest is signed: %v", c.name, err)
		}
	}
}

// TestOtherRepresentatives gives r+q and s+q, which are congruent to a good r and s, where they fit.
func TestOtherRepresentatives(t *testing.T) {
	c := ParamSetA256()
	key, digest := newKey(t, c), make([]byte, c.size)
	sig, err := key.Sign(nil, digest, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, c.size} {
		bad := bytes.Clone(sig)
		copy(bad[at:], fromBytes(sig[at:at+c.size]).plus(c.order, c.size))
		if key.public.Verify(digest, bad) {
			t.Errorf("the number at %d plus q verifies", at)
		}
	}
}

func TestInfinityHasNoX(t *testing.T) {
	c := ParamSetA512()
	if c.hasX(c.infinity(), &elem{}) || c.hasX(c.infinity(), &elem{1}) {
		t.Error("the point at infinity passes for a point with a coordinate")
	}
}

// TestZeroDigest signs digests that are 0 modulo the order, for which e is 1.
func TestZeroDigest(t *testing.T) {
	for _, c := range curves() {
		key := newKey(t, c)
		one := elem{1}
		sig, err := key.Sign(nil, make([]byte, c.size), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, digest := range [][]byte{make([]byte, c.size), c.q.m.bytes(c.size), one.bytes(c.size)} {
			if !key.public.Verify(digest, sig) {
				t.Errorf("%s: e = 1 for a digest of 0 is missing", c.name)
			}
		}
	}
}
