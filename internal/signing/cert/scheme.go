package cert

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/asn1"
	"hash"
	"strconv"
	"strings"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/suite"
)

// Algorithms that have no suite, because nothing here signs with them.
const (
	oidSHA1         = "1.3.14.3.2.26"
	oidSHA384       = "2.16.840.1.101.3.4.2.2"
	oidSHA512       = "2.16.840.1.101.3.4.2.3"
	oidRSA          = "1.2.840.113549.1.1.1"
	oidRSAWithSHA1  = "1.2.840.113549.1.1.5"
	oidRSAWith384   = "1.2.840.113549.1.1.12"
	oidRSAWith512   = "1.2.840.113549.1.1.13"
	oidGOST34311    = "1.2.398.3.10.1.3.1"
	oidGOST34311Set = "1.2.398.3.10.1.3.1.1.0" // the same function, named by its substitution box
)

// Digest is a hash function as documents name it.
type Digest struct {
	Name string // for people
	OID  string // the canonical object identifier
	New  func() hash.Hash
	// Weak marks SHA-1: enough to recognise a certificate, never under a signature.
	Weak bool
}

var moreDigests = map[string]Digest{
	oidSHA1:   {"SHA-1", oidSHA1, sha1.New, true},
	oidSHA384: {"SHA-384", oidSHA384, sha512.New384, false},
	oidSHA512: {"SHA-512", oidSHA512, sha512.New, false},
}

// DigestByOID returns the hash function that a dotted object identifier names. Other
// names of the same function lead to one canonical OID.
func DigestByOID(dotted string) (Digest, bool) {
	if dotted == oidGOST34311Set {
		dotted = oidGOST34311
	}
	if d, ok := moreDigests[dotted]; ok {
		return d, true
	}
	d, err := suite.ByDigestOID(asnOID(dotted))
	if err != nil {
		return Digest{}, false
	}
	return Digest{Name: d.Name, OID: dotted, New: d.New}, true
}

// asnOID converts dotted text; text that is none becomes nil.
func asnOID(dotted string) asn1.ObjectIdentifier {
	var oid asn1.ObjectIdentifier
	for arc := range strings.SplitSeq(dotted, ".") {
		n, err := strconv.Atoi(arc)
		if err != nil {
			return nil
		}
		oid = append(oid, n)
	}
	return oid
}

// Scheme is a way in which the key of a certificate signs.
type Scheme struct {
	Name    string // for people
	Digest  string // canonical object identifier of the hash function
	NewHash func() hash.Hash
	verify  func(digest, signature []byte) error
	where   string
}

// Scheme returns the way in which c's key makes signatures of the given algorithm
// over the given hash function, both dotted object identifiers. digest may be empty
// where the algorithm implies it; the algorithm may be that of the key. Problems:
// cert.unsupported_key, cert.unsupported_algorithm, cert.weak_algorithm,
// cert.bad_signature if algorithm, hash and key do not belong together.
func (c *Certificate) Scheme(algorithm, digest string) (*Scheme, *record.Problem) {
	unfit := func(code, format string, args ...any) (*Scheme, *record.Problem) {
		return nil, record.NewProblem(code, c.where(), "", format, args...)
	}
	mine, err := suite.Of(c.PublicKey)
	if c.PublicKey == nil || err != nil {
		return unfit("cert.unsupported_key", "the certificate's kind of key is unknown")
	}
	d, known := DigestByOID(digest)
	if digest != "" && !known {
		return unfit("cert.unsupported_algorithm", "unknown hash function %s", digest)
	}
	if d.Weak || algorithm == oidRSAWithSHA1 {
		return unfit("cert.weak_algorithm", "a signature over SHA-1 proves nothing")
	}
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok {
		if hash, implied := rsaHash(algorithm, d.OID); hash != 0 {
			if digest != "" && d.OID != implied {
				return unfit("cert.bad_signature", "the hash function %s does not suit the signature algorithm", d.Name)
			}
			d, _ := DigestByOID(implied)
			return &Scheme{Name: "RSA-" + d.Name, Digest: d.OID, NewHash: d.New, where: c.where(),
				verify: func(digest, sig []byte) error { return rsa.VerifyPKCS1v15(key, hash, digest, sig) }}, nil
		}
	}
	s, err := suite.BySignatureOID(asnOID(algorithm))
	if err != nil {
		return unfit("cert.unsupported_algorithm", "unknown signature algorithm %s", algorithm)
	}
	if s != mine {
		return unfit("cert.bad_signature", "the signature algorithm %s does not suit the key", algorithm)
	}
	if digest != "" && d.OID != s.DigestOID.String() && !sameStreebog(d.OID, s.DigestOID.String()) {
		return unfit("cert.bad_signature", "the hash function %s does not suit the signature algorithm", d.Name)
	}
	return &Scheme{Name: s.Name, Digest: s.DigestOID.String(), NewHash: s.NewHash, where: c.where(),
		verify: func(digest, sig []byte) error { return s.Verify(c.PublicKey, digest, sig) }}, nil
}

// rsaHash returns the hash of RSA signatures that no suite covers, 0 if one does.
func rsaHash(algorithm, digest string) (crypto.Hash, string) {
	switch {
	case algorithm == oidRSAWith384, algorithm == oidRSA && digest == oidSHA384:
		return crypto.SHA384, oidSHA384
	case algorithm == oidRSAWith512, algorithm == oidRSA && digest == oidSHA512:
		return crypto.SHA512, oidSHA512
	}
	return 0, ""
}

// sameStreebog reports whether both are Streebog of one length, by its Kazakh and its
// Russian name.
func sameStreebog(a, b string) bool {
	names := map[string]int{"1.2.398.3.10.1.3.3": 512, "1.2.643.7.1.1.2.3": 512, "1.2.398.3.10.1.3.2": 256, "1.2.643.7.1.1.2.2": 256}
	return names[a] != 0 && names[a] == names[b]
}

// Verify verifies a signature over a digest. The result is nil or a problem with the
// code cert.bad_signature.
func (s *Scheme) Verify(digest, signature []byte) *record.Problem {
	if err := s.verify(digest, signature); err != nil {
		return record.NewProblem("cert.bad_signature", s.where, "the signed data or the signature was changed, or another key signed",
			"the signature does not verify with the key of the certificate (%s)", s.Name)
	}
	return nil
}

// VerifyData hashes signed and verifies the signature over it; see [Scheme.Verify].
func (s *Scheme) VerifyData(signed, signature []byte) *record.Problem {
	h := s.NewHash()
	h.Write(signed)
	return s.Verify(h.Sum(nil), signature)
}
