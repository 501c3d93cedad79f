package cms

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"fmt"
	"io"
	"math/big"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/suite"
)

// Key is a private key with its certificate.
type Key struct {
	Signer      crypto.Signer
	Certificate *cert.Certificate
}

// Options of [Sign].
type Options struct {
	// Detached leaves the content out of the document.
	Detached bool
	// Time is written as the signing time; it must not be zero.
	Time time.Time
	// Certificates are written besides those of the signers.
	Certificates []*cert.Certificate
	// Stamp returns a time-stamp token over the given signature value; nil for none.
	Stamp func(signature []byte) (token []byte, err error)
}

// Sign returns SignedData in DER over content by every key. Problems: cms.no_signer,
// cms.no_time, cms.key_mismatch if a certificate is not of its key, cms.unsupported_key.
func Sign(rand io.Reader, content []byte, opts Options, keys ...Key) ([]byte, error) {
	if opts.Time.IsZero() {
		return nil, record.NewProblem("cms.no_time", "", "", "no signing time is given")
	}
	return sign(rand, OIDData, 1, content, opts, keys)
}

// sign writes a document of any content type.
func sign(rand io.Reader, contentType string, version int64, content []byte, opts Options, keys []Key) ([]byte, error) {
	if len(keys) == 0 {
		return nil, record.NewProblem("cms.no_signer", "", "", "no key to sign with")
	}
	var digests, certs, signers [][]byte
	for i, k := range keys {
		where := fmt.Sprintf("signer %d", i+1)
		s, err := k.suite(where)
		if err != nil {
			return nil, err
		}
		info, err := signerInfo(rand, s, k, contentType, content, opts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		signers = append(signers, info)
		digests = appendNew(digests, algorithm(s, s.DigestOID.String()))
		certs = appendNew(certs, k.Certificate.Raw)
	}
	for _, c := range opts.Certificates {
		certs = appendNew(certs, c.Raw)
	}
	encap := [][]byte{ber.OID(contentType)}
	if !opts.Detached {
		encap = append(encap, ber.Explicit(0, ber.Octets(content)))
	}
	return ber.Seq(ber.OID(oidSignedData), ber.Explicit(0, ber.Seq(
		ber.Int(version), ber.SetOf(digests...), ber.Seq(encap...), retag(ber.SetOf(certs...), 0xa0), ber.SetOf(signers...)))), nil
}

// suite returns the suite of the key after comparing it with the certificate.
func (k Key) suite(where string) (*suite.Suite, error) {
	own, ok := k.Signer.Public().(interface{ Equal(x crypto.PublicKey) bool })
	if !ok || k.Certificate == nil || k.Certificate.PublicKey == nil || !own.Equal(k.Certificate.PublicKey) {
		return nil, record.NewProblem("cms.key_mismatch", where, "", "the certificate does not carry the key's public key")
	}
	s, err := suite.Of(k.Signer.Public())
	if err != nil {
		return nil, record.NewProblem("cms.unsupported_key", where, "", "%s", err)
	}
	return s, nil
}

func appendNew(list [][]byte, b []byte) [][]byte {
	for _, have := range list {
		if bytes.Equal(have, b) {
			return list
		}
	}
	return append(list, b)
}

// algorithm is an AlgorithmIdentifier in the suite's manner: NULL parameters for the
// national algorithms and RSA, none for the others.
func algorithm(s *suite.Suite, oid string) []byte {
	switch s.Name {
	case "GOST-2015-512", "GOST-2015-256", "GOST-2004", "RSA-SHA256":
		return ber.Algorithm(oid)
	}
	return ber.Seq(ber.OID(oid))
}

// retag replaces the identifier octet of an encoded value.
func retag(value []byte, id byte) []byte {
	out := bytes.Clone(value)
	out[0] = id
	return out
}

func attr(oid string, value []byte) []byte { return ber.Seq(ber.OID(oid), ber.Set(value)) }

func signerInfo(rand io.Reader, s *suite.Suite, k Key, contentType string, content []byte, opts Options) ([]byte, error) {
	fingerprint := sha256.Sum256(k.Certificate.Raw)
	attrs := ber.SetOf(
		attr(attrContentType, ber.OID(contentType)),
		attr(attrSigningTime, ber.UTCTime(opts.Time)),
		attr(attrMessageDigest, ber.Octets(s.Digest(content))),
		attr(attrSigningCertV2, ber.Seq(ber.Seq(ber.Seq(ber.Octets(fingerprint[:]))))),
	)
	signature, err := s.Sign(rand, k.Signer, s.Digest(attrs))
	if err != nil {
		return nil, err
	}
	parts := [][]byte{
		ber.Int(1),
		issuerAndSerial(k.Certificate.Issuer.Raw, k.Certificate.SerialNumber),
		algorithm(s, s.DigestOID.String()),
		retag(attrs, 0xa0),
		algorithm(s, s.SignatureOID.String()),
		ber.Octets(signature),
	}
	if opts.Stamp != nil {
		token, err := opts.Stamp(signature)
		if err != nil {
			return nil, fmt.Errorf("time stamp: %w", err)
		}
		parts = append(parts, retag(ber.SetOf(attr(attrTimeStamp, token)), 0xa1))
	}
	return ber.Seq(parts...), nil
}

func issuerAndSerial(issuer []byte, serial *big.Int) []byte {
	return ber.Seq(issuer, ber.Integer(serial))
}
