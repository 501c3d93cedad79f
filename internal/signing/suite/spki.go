package suite

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"

	"birgeoqy.kz/almasu/internal/signing/gost"
)

// ErrSPKI is returned for octets that are no SubjectPublicKeyInfo of a known form.
var ErrSPKI = errors.New("not a subject public key info")

type subjectPublicKeyInfo struct {
	Algorithm struct {
		OID    asn1.ObjectIdentifier
		Params asn1.RawValue `asn1:"optional"`
	}
	Key asn1.BitString
}

type keyParams struct {
	Curve  asn1.ObjectIdentifier
	Digest asn1.ObjectIdentifier `asn1:"optional"`
}

// ParseSPKI reads a DER SubjectPublicKeyInfo and returns a *gost.PublicKey (Kazakh form), a *[RussianPublicKey], an
// *rsa.PublicKey or an *ecdsa.PublicKey, for which [Of] finds a suite. It fails with [ErrSPKI], [ErrAlgorithm] or
// [gost.ErrPublicKey].
func ParseSPKI(der []byte) (crypto.PublicKey, error) {
	var info subjectPublicKeyInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) != 0 {
		return nil, ErrSPKI
	}
	for i := range curveForms {
		if curveForms[i].key.Equal(info.Algorithm.OID) {
			return parseGOST(&info)
		}
	}
	pub, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("public key algorithm %s: %w", info.Algorithm.OID, ErrSPKI)
	}
	if _, err := Of(pub); err != nil {
		return nil, err
	}
	return pub, nil
}

func parseGOST(info *subjectPublicKeyInfo) (crypto.PublicKey, error) {
	var params keyParams
	rest, err := asn1.Unmarshal(info.Algorithm.Params.FullBytes, &params)
	if err != nil || len(rest) != 0 {
		return nil, fmt.Errorf("parameters of the key: %w", ErrSPKI)
	}
	var octets []byte
	rest, err = asn1.Unmarshal(info.Key.Bytes, &octets)
	if err != nil || len(rest) != 0 || info.Key.BitLength%8 != 0 {
		return nil, fmt.Errorf("octets of the key: %w", ErrSPKI)
	}
	for i := range curveForms {
		f := &curveForms[i]
		if !f.key.Equal(info.Algorithm.OID) || !f.curve.Equal(params.Curve) {
			continue
		}
		if !f.digest.Equal(params.Digest) && (f.kazakh || params.Digest != nil) {
			return nil, fmt.Errorf("digest parameter %s of the key: %w", params.Digest, ErrAlgorithm)
		}
		pub, err := gost.NewPublicKey(f.of(), octets)
		if err != nil {
			return nil, err
		}
		if f.kazakh {
			return pub, nil
		}
		return &RussianPublicKey{pub, f}, nil
	}
	return nil, fmt.Errorf("curve %s of the key: %w", params.Curve, ErrAlgorithm)
}

// MarshalSPKI returns the DER SubjectPublicKeyInfo of a key of one of the types that [ParseSPKI] returns, or [ErrAlgorithm].
func MarshalSPKI(pub crypto.PublicKey) ([]byte, error) {
	if _, err := Of(pub); err != nil {
		return nil, err
	}
	switch k := pub.(type) {
	case *gost.PublicKey:
		for i := range curveForms {
			if f := &curveForms[i]; f.kazakh && k.Curve() == f.of() {
				return f.marshal(k)
			}
		}
	case *RussianPublicKey:
		return k.form.marshal(k.key)
	}
	return x509.MarshalPKIXPublicKey(pub)
}

func (f *curveForm) marshal(k *gost.PublicKey) ([]byte, error) {
	p := keyParams{Curve: f.curve}
	if f.withDigest {
		p.Digest = f.digest
	}
	params, err := asn1.Marshal(p)
	if err != nil {
		return nil, err
	}
	octets, err := asn1.Marshal(k.Bytes())
	if err != nil {
		return nil, err
	}
	var info subjectPublicKeyInfo
	info.Algorithm.OID = f.key
	info.Algorithm.Params.FullBytes = params
	info.Key = asn1.BitString{Bytes: octets, BitLength: 8 * len(octets)}
	return asn1.Marshal(info)
}
