package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"

	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/gost"
	"birgeoqy.kz/almasu/internal/signing/keystore/pbe"
	"birgeoqy.kz/almasu/internal/signing/suite"
)

// Algorithms of private keys that are not the standard library's.
const (
	oidKeyGOST2015 = "1.2.398.3.10.1.1.2.2"
	oidKeyGOST2004 = "1.2.398.3.10.1.1.1.1"
	oidKeyTC26512  = "1.2.643.7.1.1.1.2"
)

// parsePKCS8 reads a PrivateKeyInfo.
func parsePKCS8(der []byte) (crypto.Signer, error) {
	top := ber.NewReader(der)
	seq := top.Seq()
	seq.Int(1)
	algorithm := seq.Seq()
	oid := algorithm.OID()
	key := seq.Octets()
	if err := top.Err(); err != nil {
		return nil, pbe.ErrPassword // says nothing about the key's octets
	}
	switch oid {
	case oidKeyGOST2015:
		inner := ber.NewReader(key)
		d := inner.Octets()
		if err := inner.End(); err != nil || len(d) != 64 {
			return nil, fmt.Errorf("private key of the wrong form")
		}
		return gost.NewPrivateKey(gost.ParamSetA512(), d)
	case oidKeyGOST2004:
		inner := ber.NewReader(key)
		d := inner.Integer()
		if err := inner.End(); err != nil || d.Sign() <= 0 || d.BitLen() > 256 {
			return nil, fmt.Errorf("private key of the wrong form")
		}
		raw := d.FillBytes(make([]byte, 32))
		slices.Reverse(raw)
		return gost.NewPrivateKey(gost.CryptoProA(), raw)
	}
	if oid == oidKeyTC26512 {
		return russianKey(algorithm.Seq().OID(), key)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("private key of the kind %s is not supported or malformed", oid)
	}
	switch k := parsed.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, fmt.Errorf("private key of the kind %s cannot sign", oid)
}

// russianKey reads the contents of a PKCS#8 key of RFC 9215, as gost-engine writes
// them: LE(d) bare or in an octet string, or an integer.
func russianKey(curve string, key []byte) (crypto.Signer, error) {
	wrong := fmt.Errorf("private key of the wrong form")
	if curve != "1.2.643.7.1.2.1.2.1" {
		return nil, fmt.Errorf("private key on the unsupported curve %s", curve)
	}
	le := key
	if r := ber.NewReader(key); len(key) != 64 && r.Has(ber.Universal, ber.TagOctetString) {
		le = r.Octets()
		if r.End() != nil {
			return nil, wrong
		}
	} else if len(key) != 64 {
		d := r.Integer()
		if r.End() != nil || d.Sign() <= 0 || d.BitLen() > 512 {
			return nil, wrong
		}
		le = d.FillBytes(make([]byte, 64))
		slices.Reverse(le)
	}
	k, err := gost.NewPrivateKey(gost.ParamSetA512(), le)
	if err != nil {
		return nil, wrong
	}
	return suite.NewRussianPrivateKey(k)
}
