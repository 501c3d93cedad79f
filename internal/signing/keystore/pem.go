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
)

// Algorithms of private keys that are not the standard library's.
const (
	oidKeyGOST2015 = "1.2.398.3.10.1.1.2.2"
	oidKeyGOST2004 = "1.2.398.3.10.1.1.1.1"
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
		return nil, errPassword // says nothing about the key's octets
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
