package gost

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"
)

// The example curves of RFC 7091, section 7.
func example256() *Curve {
	return newCurve("RFC 7091, section 7.1", 1,
		"8000000000000000000000000000000000000000000000000000000000000431", "7",
		"5fbff498aa938ce739b8e022fbafef40563f6e6a3472fc2a514c0ce9dae23b7e",
		"8000000000000000000000000000000150fe8a1892976154c59cfc193accf5b3", "2",
		"8e2a8a0e65147d4bd6316030e16d19c85c97f0a9ca267122b96abbcea7e8fc8")
}

func example512() *Curve {
	return newCurve("RFC 7091, section 7.2", 1,
		"4531acd1fe0023c7550d267b6b2fee80922b14b2ffb90f04d4eb7c09b5d2d15df1d852741af4704a0458047e80e4546d35b8336fac224dd81664bbf528be6373", "7",
		"1cff0806a31116da29d8cfa54e57eb748bc5f377e49400fdd788b649eca1ac4361834013b2ad7322480a89ca58e0cf74bc9e540c2add6897fad0a3084f302adc",
		"4531acd1fe0023c7550d267b6b2fee80922b14b2ffb90f04d4eb7c09b5d2d15da82f2d7ecb1dbac719905c5eecc423f1d86e25edbe23c595d644aaf187e6e6df",
		"24d19cc64572ee30f396bf6ebbfd7a6c5213b3b3d7057cc825f91093a68cd762fd60611262cd838dc6b60aa7eee804e28bc849977fac33b4b530f1b120248a9a",
		"2bb312a43bd2ce6e0d020613c857acddcfbf061e91e5f2c3f32447c259f39b2c83ab156d77f1496bf7eb3351e1ee4e43dc1a18b91b24640b6dbb92cb1add371e")
}

func curves() []*Curve {
	return []*Curve{ParamSetA512(), CryptoProA(), ParamSetA256(), example256(), example512()}
}

// le turns a big-endian hexadecimal number into size little-endian bytes.
func le(s string, size int) []byte {
	v, _ := new(big.Int).SetString(s, 16)
	b := v.FillBytes(make([]byte, size))
	slices.Reverse(b)
	return b
}

func checkFixedNonce(t *testing.T, c *Curve, d, k string, digest, wantSig []byte) *PublicKey {
	t.Helper()
	key, err := NewPrivateKey(c, le(d, c.size))
	if err != nil {
		t.Fatal(err)
	}
	nonce := fromBytes(le(k, c.size))
	nonce = c.q.enter(&nonce)
	if sig := key.signWith(&nonce, digest); !bytes.Equal(sig, wantSig) {
		t.Errorf("%s: signature %x, want %x", c.name, sig, wantSig)
	}
	if !key.public.Verify(digest, wantSig) {
		t.Errorf("%s: the expected signature does not verify", c.name)
	}
	return &key.public
}

func TestRFC7091(t *testing.T) {
	checkFixedNonce(t, example256(),
		"7a929ade789bb9be10ed359dd39a72c11b60961f49397eee1d19ce9891ec3b28",
		"77105c9b20bcd3122823c8cf6fcc7b956de33814e95b7fe64fed924594dceab3",
		le("2dfbc1b372d89a1188c09c52e0eec61fce52032ab1022e8e67ece6672b043ee5", 32),
		append(le("41aa28d2f1ab148280cd9ed56feda41974053554a42767b83ad043fd39dc0493", 32),
			le("1456c64ba4642a1653c235a98a60249bcd6d3f746b631df928014f6c5bf9c40", 32)...))
	checkFixedNonce(t, example512(),
		"ba6048aadae241ba40936d47756d7c93091a0e8514669700ee7508e508b102072e8123b2200a0563322dad2827e2714a2636b7bfd18aadfc62967821fa18dd4",
		"359e7f4b1410feacc570456c6801496946312120b39d019d455986e364f365886748ed7a44b3e794434006011842286212273a6d14cf70ea3af71bb1ae679f1",
		le("3754f3cfacc9e0615c4f4a7c4d8dab531b09b6f9c170c533a71d147035b0c5917184ee536593f4414339976c647c5d5a407adedb1d560c4fc6777d2972075b8c", 64),
		append(le("2f86fa60a081091a23dd795e1e3c689ee512a3c82ee0dcc2643c78eea8fcacd35492558486b20f1c9ec197c90699850260c93bcbcd9c5c3317e19344e173ae36", 64),
			le("1081b394696ffe8e6585e7a9362d26b6325f56778aadbc081c0bfbe933d52ff5823ce288e8c4f362526080df7f70ce406a6eeb1f56919cb92a9853bde73e5b4a", 64)...))
}

func TestSharedSignatures(t *testing.T) {
	for _, v := range sharedVectors(t).Sign {
		c := ParamSetA512()
		if v.Curve == CryptoProA().Name() {
			c = CryptoProA()
		}
		pub := checkFixedNonce(t, c, v.D, v.K, mustHex(v.Digest), mustHex(v.Signature))
		if got := hex.EncodeToString(pub.Bytes()); got != v.PublicKey {
			t.Errorf("%s: public key %s, want %s", v.Curve, got, v.PublicKey)
		}
	}
}

func TestSignVerify(t *testing.T) {
	for _, c := range curves() {
		for range 5 {
			key, err := GenerateKey(c, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			digest := make([]byte, c.size)
			_, _ = rand.Read(digest)
			sig, err := key.Sign(rand.Reader, digest, nil)
			if err != nil {
				t.Fatal(err)
			}
			again, err := NewPublicKey(c, key.public.Bytes())
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if !again.Verify(digest, sig) {
				t.Errorf("%s: own signature does not verify", c.name)
			}
		}
	}
}
