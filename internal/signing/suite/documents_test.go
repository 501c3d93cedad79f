package suite

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"slices"
	"testing"

	"birgeoqy.kz/almasu/internal/needs"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGostEngineDocuments verifies keys and signatures that OpenSSL's gost-engine made, one for each name of a curve.
func TestGostEngineDocuments(t *testing.T) {
	b, err := os.ReadFile("testdata/gost-engine.json")
	if err != nil {
		t.Fatal(err)
	}
	var docs []struct{ Name, Message, SPKI, Signature string }
	if err := json.Unmarshal(b, &docs); err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		t.Run(d.Name, func(t *testing.T) {
			der, sig := unhex(t, d.SPKI), unhex(t, d.Signature)
			pub, err := ParseSPKI(der)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Of(pub)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(pub, s.Digest([]byte(d.Message)), sig); err != nil {
				t.Error(err)
			}
			if err := s.Verify(pub, s.Digest([]byte(d.Message)), reversed(sig)); !errors.Is(err, ErrSignature) {
				t.Errorf("the Kazakh order of octets verifies in the Russian form: %v", err)
			}
			again, err := MarshalSPKI(pub)
			if err != nil {
				t.Fatal(err)
			}
			// RFC 9215 leaves the digest out beside the 512-bit curve, gost-engine writes it.
			if !bytes.Equal(again, der) && s.Name != "TC26-512" {
				t.Errorf("key is written as %x", again)
			}
			if same, err := ParseSPKI(again); err != nil || !pub.(*RussianPublicKey).Equal(same) {
				t.Errorf("the key does not survive: %v", err)
			}
		})
	}
}

func sharedFile(t *testing.T, name string) []byte {
	t.Helper()
	b := needs.ReferenceFile(t, "data/kz-signatures", name)
	if block, _ := pem.Decode(b); block != nil {
		return block.Bytes
	}
	return b
}

type signedCertificate struct {
	TBS       asn1.RawValue
	Algorithm struct {
		OID    asn1.ObjectIdentifier
		Params asn1.RawValue `asn1:"optional"`
	}
	Signature asn1.BitString
}

func readCertificate(t *testing.T, name string) (crypto.PublicKey, signedCertificate) {
	t.Helper()
	der := sharedFile(t, name)
	var c signedCertificate
	if _, err := asn1.Unmarshal(der, &c); err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ParseSPKI(parsed.RawSubjectPublicKeyInfo)
	if err != nil {
		t.Fatal(err)
	}
	again, err := MarshalSPKI(pub)
	if err != nil || !bytes.Equal(again, parsed.RawSubjectPublicKeyInfo) {
		t.Errorf("%s: the key is written in another way: %x, %v", name, again, err)
	}
	return pub, c
}

func TestNationalCertificates(t *testing.T) {
	for _, c := range []struct {
		subject, issuer, suite string
		verifies               bool
	}{
		{"root_test_gost_2022.cer", "root_test_gost_2022.cer", "GOST-2015-512", true},
		{"nca_gost2022_test.cer", "root_test_gost_2022.cer", "GOST-2015-512", true},
		{"prod_tsa_gost2022_2025-2028.cer", "nca_gost2022_test.cer", "GOST-2015-512", false},
		{"prod_2015-2025_root_gost.crt", "prod_2015-2025_root_gost.crt", "GOST-2004", true},
		{"prod_2015-2025_nca_gost.crt", "prod_2015-2025_root_gost.crt", "GOST-2004", true},
		{"prod_2015-2025_root_rsa.crt", "prod_2015-2025_root_rsa.crt", "RSA-SHA256", true},
		{"prod_2015-2025_nca_rsa.crt", "prod_2015-2025_root_rsa.crt", "RSA-SHA256", true},
	} {
		t.Run(c.subject, func(t *testing.T) {
			_, doc := readCertificate(t, "ca/"+c.subject)
			pub, _ := readCertificate(t, "ca/"+c.issuer)
			s, err := BySignatureOID(doc.Algorithm.OID)
			if err != nil || s.Name != c.suite {
				t.Fatalf("suite %v: %v", s, err)
			}
			digest := s.Digest(doc.TBS.FullBytes)
			if err := s.Verify(pub, digest, doc.Signature.Bytes); (err == nil) != c.verifies {
				t.Errorf("verify: %v", err)
			}
			for i := range digest {
				digest[i] ^= 0x10
				if err := s.Verify(pub, digest, doc.Signature.Bytes); !errors.Is(err, ErrSignature) {
					t.Fatalf("digest with octet %d changed: %v", i, err)
				}
				digest[i] ^= 0x10
			}
		})
	}
}

// TestCertificateVectors compares the keys of certificates with their coordinates as another program read them.
func TestCertificateVectors(t *testing.T) {
	var v struct {
		Certificates []struct {
			Issuer string
			X      string `json:"issuer_x"`
			Y      string `json:"issuer_y"`
		}
	}
	if err := json.Unmarshal(sharedFile(t, "params/vectors.json"), &v); err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Certificates {
		pub, _ := readCertificate(t, c.Issuer)
		got := pub.(interface{ Bytes() []byte }).Bytes()
		var want []byte
		for _, s := range []string{c.X, c.Y} {
			n, _ := new(big.Int).SetString(s, 16)
			b := n.FillBytes(make([]byte, len(got)/2))
			slices.Reverse(b)
			want = append(want, b...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x", c.Issuer, got, want)
		}
	}
}
