package testca

import (
	"crypto/sha256"
	"math/big"
	"time"

	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
)

// Revoked is an entry of a list.
type Revoked struct {
	Serial *big.Int
	At     time.Time
	Reason int // CRLReason, -1 for none
}

// List says what stands in a revocation list.
type List struct {
	This, Next time.Time // a zero Next is left out
	Number     int64
	Base       int64 // of a delta list, -1 for none
	Entries    []Revoked
	BareInner  bool     // the inner algorithm carries no NULL though the outer one does
	Extra      [][]byte // further encoded extensions
}

// CRL returns a list by id in DER.
func (id *Identity) CRL(l List) []byte {
	algorithm := id.Algorithm()
	inner := algorithm
	if l.BareInner {
		inner = append([]byte{}, algorithm[:len(algorithm)-2]...)
		inner[1] -= 2
	}
	parts := [][]byte{ber.Int(1), inner, id.Certificate.Subject.Raw, ber.UTCTime(l.This)}
	if !l.Next.IsZero() {
		parts = append(parts, ber.UTCTime(l.Next))
	}
	if len(l.Entries) > 0 {
		entries := make([][]byte, len(l.Entries))
		for i, e := range l.Entries {
			entries[i] = e.encode()
		}
		parts = append(parts, ber.Seq(entries...))
	}
	x := [][]byte{
		Extension("2.5.29.35", false, ber.Seq(ber.Implicit(0, id.Certificate.SubjectKeyID))),
		Extension("2.5.29.20", false, ber.Int(l.Number)),
	}
	if l.Base >= 0 {
		x = append(x, Extension("2.5.29.27", true, ber.Int(l.Base)))
	}
	parts = append(parts, ber.Explicit(0, ber.Seq(append(x, l.Extra...)...)))
	return id.Sign(ber.Seq(parts...), algorithm)
}

func (e Revoked) encode() []byte {
	parts := [][]byte{ber.Integer(e.Serial), ber.UTCTime(e.At)}
	if e.Reason >= 0 {
		parts = append(parts, ber.Seq(Extension("2.5.29.21", false, ber.TLV(0x0a, []byte{byte(e.Reason)}))))
	}
	return ber.Seq(parts...)
}

// Answer says what a responder answers about a certificate.
type Answer struct {
	Revoked    bool
	Unknown    bool
	At         time.Time // of the revocation
	Reason     int       // CRLReason, -1 for none
	This, Next time.Time // a zero Next is left out
	Nonce      []byte    // nil for none
	NoCert     bool      // the responder's certificate is left out
	Serial     *big.Int  // answers about another certificate
}

// OCSP returns the answer of the responder id about subject, issued by issuer.
func (id *Identity) OCSP(subject, issuer *cert.Certificate, a Answer) []byte {
	spki := ber.NewReader(issuer.RawSPKI).Seq()
	spki.Next()
	name, key := sha256.Sum256(issuer.Subject.Raw), sha256.Sum256(spki.Bits())
	serial := subject.SerialNumber
	if a.Serial != nil {
		serial = a.Serial
	}
	status := []byte{0x80, 0}
	switch {
	case a.Unknown:
		status = []byte{0x82, 0}
	case a.Revoked:
		parts := [][]byte{ber.GeneralizedTime(a.At)}
		if a.Reason >= 0 {
			parts = append(parts, ber.Explicit(0, ber.TLV(0x0a, []byte{byte(a.Reason)})))
		}
		status = ber.Explicit(1, parts...)
	}
	certID := ber.Seq(ber.Algorithm("2.16.840.1.101.3.4.2.1"), ber.Octets(name[:]), ber.Octets(key[:]), ber.Integer(serial))
	single := [][]byte{certID, status, ber.GeneralizedTime(a.This)}
	if !a.Next.IsZero() {
		single = append(single, ber.Explicit(0, ber.GeneralizedTime(a.Next)))
	}
	data := [][]byte{ber.Explicit(1, id.Certificate.Subject.Raw), ber.GeneralizedTime(a.This), ber.Seq(ber.Seq(single...))}
	if a.Nonce != nil {
		data = append(data, ber.Explicit(1, ber.Seq(Extension("1.3.6.1.5.5.7.48.1.2", false, ber.Octets(a.Nonce)))))
	}
	tbs := ber.Seq(data...)
	basic := [][]byte{tbs, id.Algorithm(), ber.Bits(id.SignOctets(tbs))}
	if !a.NoCert {
		basic = append(basic, ber.Explicit(0, ber.Seq(id.Certificate.Raw)))
	}
	return ber.Seq(ber.TLV(0x0a, []byte{0}), ber.Explicit(0,
		ber.Seq(ber.OID("1.3.6.1.5.5.7.48.1.1"), ber.Octets(ber.Seq(basic...)))))
}

// Stamp says what stands in a time-stamp token.
type Stamp struct {
	Time     time.Time
	Policy   string
	Digest   cert.Digest
	Data     []byte
	Nonce    *big.Int
	WithSHA1 bool // the certificate is named by signing-certificate, as the national authority does
	Unnamed  bool // the certificate is not named at all
}

// Token returns a token of the authority id in the national form.
func (id *Identity) Token(s Stamp) []byte {
	h := s.Digest.New()
	h.Write(s.Data)
	info := [][]byte{ber.Int(1), ber.OID(s.Policy), ber.Seq(ber.Algorithm(s.Digest.OID), ber.Octets(h.Sum(nil))),
		ber.Int(77), ber.GeneralizedTime(s.Time)}
	if s.Nonce != nil {
		info = append(info, ber.Integer(s.Nonce))
	}
	content := ber.Seq(info...)
	return id.signedData("1.2.840.113549.1.9.16.1.4", content, s)
}

// Response wraps a token as granted.
func Response(token []byte) []byte { return ber.Seq(ber.Seq(ber.Int(0)), token) }
