package suite

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"testing"

	"birgeoqy.kz/almasu/internal/signing/gost"
)

// signers returns a fresh key of every suite by the suite's name.
func signers(t testing.TB) map[string]crypto.Signer {
	t.Helper()
	out := map[string]crypto.Signer{}
	for name, c := range map[string]*gost.Curve{"512": gost.ParamSetA512(), "256": gost.ParamSetA256(), "2004": gost.CryptoProA()} {
		key, err := gost.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		ru, err := NewRussianPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		switch name {
		case "2004":
			out["GOST-2004"] = key
		default:
			out["GOST-2015-"+name], out["TC26-"+name] = key, ru
		}
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	out["RSA-SHA256"], out["ECDSA-P256-SHA256"] = r, e
	return out
}

func TestEverySuite(t *testing.T) {
	keys := signers(t)
	if len(keys) != len(suites) {
		t.Fatalf("%d keys for %d suites", len(keys), len(suites))
	}
	for name, key := range keys {
		t.Run(name, func(t *testing.T) {
			s, err := Of(key.Public())
			if err != nil || s.Name != name {
				t.Fatalf("Of: %v, %v", s, err)
			}
			der, err := MarshalSPKI(key.Public())
			if err != nil {
				t.Fatal(err)
			}
			pub, err := ParseSPKI(der)
			if err != nil || !pub.(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
				t.Fatalf("the key does not survive its SubjectPublicKeyInfo: %v", err)
			}
			digest := s.Digest([]byte("қолтаңба"))
			sig, err := s.Sign(rand.Reader, key, digest)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(pub, digest, sig); err != nil {
				t.Error(err)
			}
			for i := range sig {
				bad := bytes.Clone(sig)
				bad[i] ^= 1 << (i % 8)
				if err := s.Verify(pub, digest, bad); !errors.Is(err, ErrSignature) {
					t.Fatalf("signature with octet %d changed: %v", i, err)
				}
			}
			for i := range digest {
				bad := bytes.Clone(digest)
				bad[i] ^= 1 << (i % 8)
				if err := s.Verify(pub, bad, sig); !errors.Is(err, ErrSignature) {
					t.Fatalf("digest with octet %d changed: %v", i, err)
				}
			}
			for other, k := range keys {
				if err := s.Verify(k.Public(), digest, sig); other != name && !errors.Is(err, ErrAlgorithm) {
					t.Errorf("key of %s: %v", other, err)
				}
			}
		})
	}
}
