package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
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
	oidKeyGOST256  = "1.2.398.3.10.1.1.2.1"
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
	if curve := nationalCurve(oid); curve != nil {
		return nationalKey(curve, key)
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

// nationalCurve returns the curve of a national key's algorithm, nil for other keys.
func nationalCurve(oid string) *gost.Curve {
	switch oid {
	case oidKeyGOST2015:
		return gost.ParamSetA512()
	case oidKeyGOST256:
		return gost.ParamSetA256()
	case oidKeyGOST2004:
		return gost.CryptoProA()
	}
	return nil
}

var errKeyForm = errors.New("private key of the wrong form")

// nationalKey reads the contents of a national private key: LE(d) in an octet string,
// or an integer.
func nationalKey(curve *gost.Curve, key []byte) (*gost.PrivateKey, error) {
	r := ber.NewReader(key)
	var le []byte
	if r.Has(ber.Universal, ber.TagInteger) {
		d := r.Integer()
		if d.Sign() <= 0 || d.BitLen() > 8*curve.Size() {
			return nil, errKeyForm
		}
		le = d.FillBytes(make([]byte, curve.Size()))
		slices.Reverse(le)
	} else {
		le = r.Octets()
	}
	if r.End() != nil {
		return nil, errKeyForm
	}
	k, err := gost.NewPrivateKey(curve, le)
	if err != nil {
		return nil, errKeyForm
	}
	return k, nil
}

// russianKey reads the contents of a PKCS#8 key of RFC 9215 as gost-engine writes
// them: like a national key, or LE(d) bare.
func russianKey(curve string, key []byte) (crypto.Signer, error) {
	if curve != "1.2.643.7.1.2.1.2.1" {
		return nil, fmt.Errorf("private key on the unsupported curve %s", curve)
	}
	if len(key) == gost.ParamSetA512().Size() {
		key = ber.Octets(key)
	}
	k, err := nationalKey(gost.ParamSetA512(), key)
	if err != nil {
		return nil, err
	}
	return suite.NewRussianPrivateKey(k)
}
