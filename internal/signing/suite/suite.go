package suite

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"io"

	"birgeoqy.kz/almasu/internal/signing/gost"
)

// ErrSignature is returned by [Suite.Verify] for octets that are not the key's signature over the digest.
var ErrSignature = errors.New("signature does not verify")

// ErrAlgorithm is returned for an object identifier, URI or key that belongs to no suite, and for a key of another suite.
var ErrAlgorithm = errors.New("algorithm is not supported")

// Digest is a hash function with its names.
type Digest struct {
	// Name is for people, e.g. "Streebog-512".
	Name string
	// OID names the function in ASN.1.
	OID asn1.ObjectIdentifier
	// URI names the function in XML.
	URI string
	// New returns the function in its start state.
	New func() hash.Hash
}

// Suite is a kind of key with the one hash function that it signs with. Callers only read it.
type Suite struct {
	// Name is for people and configuration; the package comment lists the names.
	Name string
	// KeyOID is the algorithm of a SubjectPublicKeyInfo.
	KeyOID asn1.ObjectIdentifier
	// SignatureOID is the signature algorithm that is written. KeyOID is accepted in its place, as some CMS writers put it there.
	SignatureOID asn1.ObjectIdentifier
	// SignatureURI names the signature algorithm in XML; empty if the suite is not used there.
	SignatureURI string
	// DigestOID, DigestURI and NewHash are those of the suite's [Digest].
	DigestOID asn1.ObjectIdentifier
	DigestURI string
	NewHash   func() hash.Hash

	owns   func(pub crypto.PublicKey) bool
	verify func(pub crypto.PublicKey, digest, sig []byte) bool
	opts   crypto.Hash // what crypto.Signer is told; 0 for hash functions that package crypto does not know
}

// Of returns the suite of a public key, or [ErrAlgorithm].
func Of(pub crypto.PublicKey) (*Suite, error) {
	for _, s := range suites {
		if s.owns(pub) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("public key of type %T: %w", pub, ErrAlgorithm)
}

// BySignatureOID returns the suite whose SignatureOID or KeyOID is oid, or [ErrAlgorithm].
func BySignatureOID(oid asn1.ObjectIdentifier) (*Suite, error) {
	for _, s := range suites {
		if s.SignatureOID.Equal(oid) || s.KeyOID.Equal(oid) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("signature algorithm %s: %w", oid, ErrAlgorithm)
}

// BySignatureURI returns the suite whose SignatureURI is uri, or [ErrAlgorithm].
func BySignatureURI(uri string) (*Suite, error) {
	for _, s := range suites {
		if uri != "" && s.SignatureURI == uri {
			return s, nil
		}
	}
	return nil, fmt.Errorf("signature algorithm %q: %w", uri, ErrAlgorithm)
}

// ByDigestOID returns the hash function that oid names, or [ErrAlgorithm].
func ByDigestOID(oid asn1.ObjectIdentifier) (*Digest, error) {
	for _, d := range digests {
		if d.OID.Equal(oid) {
			return d, nil
		}
	}
	return nil, fmt.Errorf("digest algorithm %s: %w", oid, ErrAlgorithm)
}

// ByDigestURI returns the hash function that uri names, or [ErrAlgorithm].
func ByDigestURI(uri string) (*Digest, error) {
	for _, d := range digests {
		if d.URI == uri {
			return d, nil
		}
	}
	return nil, fmt.Errorf("digest algorithm %q: %w", uri, ErrAlgorithm)
}

// Digest returns the hash of message by the suite's function.
func (s *Suite) Digest(message []byte) []byte {
	h := s.NewHash()
	h.Write(message)
	return h.Sum(nil)
}

// Verify returns nil if sig is the signature of pub over digest, [ErrSignature] if not, and [ErrAlgorithm] if pub is a key of
// another suite.
func (s *Suite) Verify(pub crypto.PublicKey, digest, sig []byte) error {
	if !s.owns(pub) {
		return fmt.Errorf("%s with a public key of type %T: %w", s.Name, pub, ErrAlgorithm)
	}
	if len(digest) != s.NewHash().Size() || !s.verify(pub, digest, sig) {
		return fmt.Errorf("%s: %w", s.Name, ErrSignature)
	}
	return nil
}

// Sign returns the signature of key over digest in the suite's octets. It fails with [ErrAlgorithm] if key is of another suite,
// and with key's own error.
func (s *Suite) Sign(rand io.Reader, key crypto.Signer, digest []byte) ([]byte, error) {
	if pub := key.Public(); !s.owns(pub) {
		return nil, fmt.Errorf("%s with a public key of type %T: %w", s.Name, pub, ErrAlgorithm)
	}
	if want := s.NewHash().Size(); len(digest) != want {
		return nil, fmt.Errorf("%s: digest of %d bytes, expected %d", s.Name, len(digest), want)
	}
	sig, err := key.Sign(rand, digest, s.opts)
	if err != nil {
		return nil, fmt.Errorf("signing with %s: %w", s.Name, err)
	}
	return sig, nil
}

// onCurve returns whether a key is a *gost.PublicKey on curve.
func onCurve(curve func() *gost.Curve) func(crypto.PublicKey) bool {
	return func(pub crypto.PublicKey) bool {
		k, ok := pub.(*gost.PublicKey)
		return ok && k != nil && k.Curve() == curve()
	}
}

func verifyGOST(pub crypto.PublicKey, digest, sig []byte) bool {
	return pub.(*gost.PublicKey).Verify(digest, sig)
}

// ofSize returns whether a key is a *RussianPublicKey with coordinates of size bytes.
func ofSize(size int) func(crypto.PublicKey) bool {
	return func(pub crypto.PublicKey) bool {
		k, ok := pub.(*RussianPublicKey)
		return ok && k != nil && k.key != nil && k.key.Curve().Size() == size
	}
}

func verifyRussian(pub crypto.PublicKey, digest, sig []byte) bool {
	return pub.(*RussianPublicKey).key.Verify(digest, reversed(sig))
}

func isRSA(pub crypto.PublicKey) bool {
	k, ok := pub.(*rsa.PublicKey)
	return ok && k != nil && k.N != nil && k.N.BitLen() >= 2048 && k.N.BitLen() <= 8192
}

func verifyRSA(pub crypto.PublicKey, digest, sig []byte) bool {
	return rsa.VerifyPKCS1v15(pub.(*rsa.PublicKey), crypto.SHA256, digest, sig) == nil
}

func isP256(pub crypto.PublicKey) bool {
	k, ok := pub.(*ecdsa.PublicKey)
	return ok && k != nil && k.Curve == elliptic.P256()
}

func verifyECDSA(pub crypto.PublicKey, digest, sig []byte) bool {
	return ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), digest, sig)
}
