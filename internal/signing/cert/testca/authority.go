// Package testca is a certification authority for tests: it makes certificates,
// revocation lists, responder's answers and key containers in the forms of the national
// authority, for synthetic people, and also in forms that a verifier must refuse. Only
// tests and the generator of fixtures import it.
//
// Everything is signed with the suite of the authority's key. Times are given by the
// caller; nothing reads a clock.
package testca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"fmt"
	"math/big"
	"time"

	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/gost"
	"birgeoqy.kz/almasu/internal/signing/suite"
)

// Kinds of keys for [NewKey].
const (
	GOST2015 = "GOST-2015-512"
	GOST2004 = "GOST-2004"
	RSA      = "RSA-SHA256"
	ECDSA    = "ECDSA-P256-SHA256"
	TC26     = "TC26-512"
)

// must stops a test program whose authority fails: there is nothing to recover.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("testca: %s", err))
	}
	return v
}

// NewKey returns a random key of the given kind.
func NewKey(kind string) crypto.Signer {
	switch kind {
	case GOST2015:
		return must(gost.GenerateKey(gost.ParamSetA512(), rand.Reader))
	case GOST2004:
		return must(gost.GenerateKey(gost.CryptoProA(), rand.Reader))
	case TC26:
		return must(suite.NewRussianPrivateKey(must(gost.GenerateKey(gost.ParamSetA512(), rand.Reader))))
	case RSA:
		return must(rsa.GenerateKey(rand.Reader, 2048))
	case ECDSA:
		return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	}
	panic("testca: unknown kind of key " + kind)
}

// Identity is a key with its certificate.
type Identity struct {
	Key         crypto.Signer
	Certificate *cert.Certificate
}

// Template says what stands in a certificate.
type Template struct {
	Name       []byte // encoded subject, see [Name]
	Serial     *big.Int
	From, To   time.Time
	CA         bool
	PathLen    int // -1 for none
	KeyUsage   cert.KeyUsage
	NoKeyUsage bool
	ExtUsage   []string
	ExtMarked  bool // the extended key usage is critical
	OCSP       []string
	CRLs       []string
	NoCheck    bool
	NoKeyIDs   bool
	Extra      [][]byte // further encoded extensions, see [Extension]
	BareOuter  bool     // the outer algorithm carries no NULL though the inner one does
}

// Name encodes a distinguished name from pairs of dotted types and texts, in that order.
func Name(pairs ...string) []byte {
	var rdns [][]byte
	for i := 0; i < len(pairs); i += 2 {
		value := ber.UTF8(pairs[i+1])
		if pairs[i] == "2.5.4.6" || pairs[i] == "2.5.4.5" {
			value = ber.Printable(pairs[i+1])
		}
		rdns = append(rdns, ber.Set(ber.Seq(ber.OID(pairs[i]), value)))
	}
	return ber.Seq(rdns...)
}

// Person is the subject of a synthetic person's certificate, or, with a bin, of an
// organisation's.
func Person(iin, bin string) []byte {
	pairs := []string{"2.5.4.3", "ҮЛГІ ТҰЛҒА", "2.5.4.4", "ҮЛГІ", "2.5.4.5", "IIN" + iin, "2.5.4.6", "KZ"}
	if bin != "" {
		pairs = append(pairs, "2.5.4.10", `АҚ "ҮЛГІ"`, "2.5.4.11", "BIN"+bin)
	}
	return Name(append(pairs, "2.5.4.42", "ҮЛГІҰЛЫ")...)
}

// Authority is the subject of an authority's certificate.
func Authority(name string) []byte { return Name("2.5.4.3", name, "2.5.4.6", "KZ") }

// Extension encodes an extension.
func Extension(oid string, critical bool, value []byte) []byte {
	parts := [][]byte{ber.OID(oid)}
	if critical {
		parts = append(parts, ber.Bool(true))
	}
	return ber.Seq(append(parts, ber.Octets(value))...)
}

// Algorithm is an AlgorithmIdentifier as the suite's users write it: with NULL for the
// national algorithms and RSA.
func Algorithm(s *suite.Suite, oid string) []byte {
	if s.Name == ECDSA || s.Name == TC26 {
		return ber.Seq(ber.OID(oid))
	}
	return ber.Algorithm(oid)
}

// Sign encodes SEQUENCE{tbs, algorithm, signature} by id's key.
func (id *Identity) Sign(tbs, algorithm []byte) []byte {
	return ber.Seq(tbs, algorithm, ber.Bits(id.SignOctets(tbs)))
}

// SignOctets returns the signature of id's key over octets.
func (id *Identity) SignOctets(octets []byte) []byte {
	s := must(suite.Of(id.Key.Public()))
	return must(s.Sign(rand.Reader, id.Key, s.Digest(octets)))
}

// Algorithm is the signature algorithm of id's key.
func (id *Identity) Algorithm() []byte {
	s := must(suite.Of(id.Key.Public()))
	return Algorithm(s, s.SignatureOID.String())
}

// Root returns a self-signed authority.
func Root(key crypto.Signer, t Template) *Identity {
	id := &Identity{Key: key}
	t.CA = true
	id.Certificate = issue(id, t.Name, keyID(key.Public()), key.Public(), t)
	return id
}

// Issue returns a certificate by id for key.
func (id *Identity) Issue(key crypto.Signer, t Template) *Identity {
	parent := id.Certificate
	return &Identity{Key: key, Certificate: issue(id, parent.Subject.Raw, parent.SubjectKeyID, key.Public(), t)}
}

func keyID(pub crypto.PublicKey) []byte {
	sum := sha1.Sum(must(suite.MarshalSPKI(pub)))
	return sum[:]
}

func issue(by *Identity, issuer, issuerKeyID []byte, pub crypto.PublicKey, t Template) *cert.Certificate {
	algorithm := by.Algorithm()
	tbs := ber.Seq(
		ber.Explicit(0, ber.Int(2)),
		ber.Integer(t.serial(pub)),
		algorithm,
		issuer,
		ber.Seq(ber.UTCTime(t.From), ber.UTCTime(t.To)),
		t.Name,
		must(suite.MarshalSPKI(pub)),
		ber.Explicit(3, ber.Seq(t.extensions(pub, issuerKeyID)...)),
	)
	if t.BareOuter {
		algorithm = bytes.Clone(algorithm[:len(algorithm)-2])
		algorithm[1] -= 2
	}
	return must(cert.Parse(by.Sign(tbs, algorithm)))
}

func (t Template) serial(pub crypto.PublicKey) *big.Int {
	if t.Serial != nil {
		return t.Serial
	}
	id := keyID(pub)
	id[0] &= 0x7f
	return new(big.Int).SetBytes(id)
}

func (t Template) extensions(pub crypto.PublicKey, issuerKeyID []byte) [][]byte {
	var x [][]byte
	if t.CA {
		constraints := [][]byte{ber.Bool(true)}
		if t.PathLen >= 0 {
			constraints = append(constraints, ber.Int(int64(t.PathLen)))
		}
		x = append(x, Extension("2.5.29.19", true, ber.Seq(constraints...)))
	}
	if usage := t.KeyUsage; !t.NoKeyUsage {
		if t.CA && usage == 0 {
			usage = cert.KeyCertSign | cert.CRLSign
		}
		x = append(x, Extension("2.5.29.15", true, keyUsage(usage)))
	}
	if len(t.ExtUsage) > 0 {
		var oids [][]byte
		for _, oid := range t.ExtUsage {
			oids = append(oids, ber.OID(oid))
		}
		x = append(x, Extension("2.5.29.37", t.ExtMarked, ber.Seq(oids...)))
	}
	if !t.NoKeyIDs {
		x = append(x, Extension("2.5.29.14", false, ber.Octets(keyID(pub))))
		x = append(x, Extension("2.5.29.35", false, ber.Seq(ber.Implicit(0, issuerKeyID))))
	}
	if len(t.OCSP) > 0 {
		var access [][]byte
		for _, url := range t.OCSP {
			access = append(access, ber.Seq(ber.OID("1.3.6.1.5.5.7.48.1"), ber.Implicit(6, []byte(url))))
		}
		x = append(x, Extension("1.3.6.1.5.5.7.1.1", false, ber.Seq(access...)))
	}
	for _, url := range t.CRLs {
		point := ber.Seq(ber.Explicit(0, ber.Explicit(0, ber.Implicit(6, []byte(url)))))
		x = append(x, Extension("2.5.29.31", false, ber.Seq(point)))
	}
	if t.NoCheck {
		x = append(x, Extension("1.3.6.1.5.5.7.48.1.5", false, ber.Null()))
	}
	x = append(x, Extension("1.2.398.3.3.5", false, ber.Seq(ber.OID("1.2.398.3.3.5.1.1"))))
	return append(x, t.Extra...)
}

// keyUsage encodes the first eight bits.
func keyUsage(u cert.KeyUsage) []byte {
	var b byte
	for i := range 8 {
		if u&(1<<i) != 0 {
			b |= 0x80 >> i
		}
	}
	return ber.TLV(0x03, []byte{0, b})
}
