package suite

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"testing"

	"birgeoqy.kz/almasu/internal/signing/gost"
)

// TestEveryOctetOfAKey changes each bit of a SubjectPublicKeyInfo: none of the results may pass for a key.
func TestEveryOctetOfAKey(t *testing.T) {
	for name, key := range signers(t) {
		if name == "RSA-SHA256" { // any odd number passes for a modulus
			continue
		}
		der, err := MarshalSPKI(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(der) {
			bad := bytes.Clone(der)
			bad[bit/8] ^= 1 << (bit % 8)
			if pub, err := ParseSPKI(bad); err == nil {
				t.Errorf("%s: bit %d changed gives a %T", name, bit, pub)
			}
		}
		for n := range der {
			if _, err := ParseSPKI(der[:n]); err == nil {
				t.Errorf("%s: the first %d octets pass", name, n)
			}
		}
		if _, err := ParseSPKI(append(bytes.Clone(der), 0)); !errors.Is(err, ErrSPKI) {
			t.Errorf("%s: trailing octet: %v", name, err)
		}
	}
}

func TestKeyRefusals(t *testing.T) {
	key, err := gost.GenerateKey(gost.ParamSetA512(), nil)
	if err != nil {
		t.Fatal(err)
	}
	pub := key.Public().(*gost.PublicKey)
	form := curveForms[0]
	write := func(change func(*curveForm)) []byte {
		f := form
		change(&f)
		der, err := f.marshal(pub)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	if _, err := ParseSPKI(write(func(*curveForm) {})); err != nil {
		t.Fatal(err)
	}
	for name, der := range map[string][]byte{
		"without digest":         write(func(f *curveForm) { f.withDigest = false }),
		"digest of 256 bits":     write(func(f *curveForm) { f.digest = streebog256KZ.OID }),
		"Russian digest":         write(func(f *curveForm) { f.digest = streebog512RU.OID }),
		"Russian curve":          write(func(f *curveForm) { f.curve = curveForms[3].curve }),
		"key algorithm 256 bits": write(func(f *curveForm) { f.key = curveForms[1].key }),
		"tc26 paramSetB":         write(func(f *curveForm) { f.key = keyTC26512; f.curve = oid{1, 2, 643, 7, 1, 2, 1, 2, 2} }),
	} {
		if _, err := ParseSPKI(der); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s: %v", name, err)
		}
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]crypto.PublicKey{"RSA-1024": &small.PublicKey, "P-384": &p384.PublicKey} {
		der, err := x509.MarshalPKIXPublicKey(k)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseSPKI(der); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := MarshalSPKI(k); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, k := range []crypto.PublicKey{nil, 7, (*gost.PublicKey)(nil), &gost.PublicKey{}, (*RussianPublicKey)(nil), &RussianPublicKey{},
		(*rsa.PublicKey)(nil), &rsa.PublicKey{}, (*ecdsa.PublicKey)(nil), &ecdsa.PublicKey{}} {
		if _, err := Of(k); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("suite of a %T: %v", k, err)
		}
		if _, err := MarshalSPKI(k); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("key of type %T is written: %v", k, err)
		}
	}
}

func TestNames(t *testing.T) {
	seen := map[string]string{}
	take := func(name, owner string) {
		if other, ok := seen[name]; ok {
			t.Errorf("%s stands for %s and %s", name, other, owner)
		}
		seen[name] = owner
	}
	for _, s := range suites {
		for _, o := range []asn1.ObjectIdentifier{s.SignatureOID, s.KeyOID} {
			take(o.String(), s.Name)
			if got, err := BySignatureOID(o); got != s {
				t.Errorf("%s: %v", o, err)
			}
		}
		if s.SignatureURI != "" {
			take(s.SignatureURI, s.Name)
			if got, err := BySignatureURI(s.SignatureURI); got != s {
				t.Errorf("%s: %v", s.SignatureURI, err)
			}
		}
		byOID, err := ByDigestOID(s.DigestOID)
		if err != nil {
			t.Fatal(err)
		}
		byURI, err := ByDigestURI(s.DigestURI)
		if err != nil || byURI != byOID || byOID.New().Size() != s.NewHash().Size() {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
	for _, err := range []error{
		second(BySignatureOID(nil)), second(BySignatureOID(oid{1, 2, 3})), second(BySignatureURI("")), second(BySignatureURI("urn:x")),
		second(ByDigestOID(nil)), second(ByDigestOID(oid{1, 3, 14, 3, 2, 26})), second(ByDigestURI("")),
		second(ByDigestURI("http://www.w3.org/2000/09/xmldsig#sha1")),
	} {
		if !errors.Is(err, ErrAlgorithm) {
			t.Errorf("an unknown name: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// FuzzParseSPKI looks for panics, for keys without a suite, and for keys that do not survive being written.
func FuzzParseSPKI(f *testing.F) {
	for _, key := range signers(f) {
		der, err := MarshalSPKI(key.Public())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		pub, err := ParseSPKI(der)
		if err != nil {
			return
		}
		if _, err := Of(pub); err != nil {
			t.Fatalf("%T: %v", pub, err)
		}
		again, err := MarshalSPKI(pub)
		if err != nil {
			t.Fatal(err)
		}
		same, err := ParseSPKI(again)
		if err != nil || !pub.(interface{ Equal(crypto.PublicKey) bool }).Equal(same) {
			t.Fatalf("%T does not survive: %v", pub, err)
		}
	})
}
