package cert

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/suite"
)

// MaxSize bounds the encoding of one certificate, in octets.
const MaxSize = 64 << 10

// KeyUsage is the set of bits of the keyUsage extension (RFC 5280, section 4.2.1.3);
// bit n of the extension is 1<<n here.
type KeyUsage uint16

// Bits of the key usage.
const (
	DigitalSignature  KeyUsage = 1 << 0
	ContentCommitment KeyUsage = 1 << 1
	KeyEncipherment   KeyUsage = 1 << 2
	DataEncipherment  KeyUsage = 1 << 3
	KeyAgreement      KeyUsage = 1 << 4
	KeyCertSign       KeyUsage = 1 << 5
	CRLSign           KeyUsage = 1 << 6
)

// Extended key usages.
const (
	UsageAny          = "2.5.29.37.0"
	UsageTimeStamping = "1.3.6.1.5.5.7.3.8"
	UsageOCSPSigning  = "1.3.6.1.5.5.7.3.9"
	UsageClientAuth   = "1.3.6.1.5.5.7.3.2"
	UsageEmail        = "1.3.6.1.5.5.7.3.4"
)

// Certificate is a parsed certificate. It must not be changed.
type Certificate struct {
	Raw     []byte // the whole certificate
	RawTBS  []byte // the part that is signed
	RawSPKI []byte // the subject's public key info

	Version      int
	SerialNumber *big.Int
	SignatureOID string // dotted object identifier of the signature algorithm
	Signature    []byte
	Issuer       Name
	Subject      Name
	NotBefore    time.Time
	NotAfter     time.Time
	PublicKey    crypto.PublicKey // nil if the kind of key is unknown

	HasKeyUsage         bool
	KeyUsage            KeyUsage
	ExtKeyUsage         []string // dotted object identifiers
	ExtKeyUsageCritical bool
	HasConstraints      bool
	IsCA                bool
	MaxPathLen          int // -1 if unlimited
	SubjectKeyID        []byte
	AuthorityKeyID      []byte
	OCSPServers         []string
	IssuerURLs          []string
	CRLURLs             []string
	DeltaCRLURLs        []string
	Policies            []string
	KeyStore            string   // kind of key store, extension 1.2.398.3.3.5
	OCSPNoCheck         bool     // id-pkix-ocsp-nocheck
	UnknownCritical     []string // critical extensions that nobody here understands
}

// Parse reads one certificate, in DER or as a PEM block, with nothing after it but
// white space. Its error is a *record.Problem with the code cert.malformed.
func Parse(b []byte) (*Certificate, error) {
	der, err := derOf(b)
	if err == nil {
		var c *Certificate
		if c, err = parseDER(der); err == nil {
			return c, nil
		}
	}
	return nil, record.NewProblem("cert.malformed", "", "expected an X.509 certificate in DER or PEM", "%s", err)
}

func derOf(b []byte) ([]byte, error) {
	if block, rest := pem.Decode(b); block != nil {
		if block.Type != "CERTIFICATE" && block.Type != "X509 CERTIFICATE" {
			return nil, fmt.Errorf("the PEM block is no certificate")
		}
		if len(bytes.TrimSpace(rest)) != 0 {
			return nil, fmt.Errorf("text after the PEM block")
		}
		b = block.Bytes
	}
	if len(b) > MaxSize {
		return nil, fmt.Errorf("certificate of more than %d octets", MaxSize)
	}
	return bytes.Clone(b), nil
}

// ParseAll reads every certificate of a file: one in DER, or any number of PEM blocks.
func ParseAll(b []byte) ([]*Certificate, error) {
	if block, _ := pem.Decode(b); block == nil {
		c, err := Parse(b)
		if err != nil {
			return nil, err
		}
		return []*Certificate{c}, nil
	}
	var all []*Certificate
	for rest := b; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return all, nil
		}
		c, err := Parse(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
}

func parseDER(der []byte) (*Certificate, error) {
	c := &Certificate{Raw: der, MaxPathLen: -1, Version: 1}
	top := ber.NewReader(der)
	seq := top.Seq()
	tbs := seq.Expect(ber.Universal, ber.TagSequence, true)
	c.RawTBS = tbs.Full
	outer := AlgorithmOf(seq)
	c.Signature = seq.Bits()
	if err := seq.End(); err != nil {
		return nil, err
	}
	if err := c.parseTBS(seq.Inside(tbs)); err != nil {
		return nil, err
	}
	if outer != c.SignatureOID {
		return nil, fmt.Errorf("the signature algorithms inside and outside differ")
	}
	return c, top.End()
}

// AlgorithmOf reads an AlgorithmIdentifier of a signature, a digest or a MAC and
// returns its object identifier. The parameters may be absent, NULL, or, as some tools
// write for GOST, a structure of object identifiers, which says nothing new.
func AlgorithmOf(r *ber.Reader) string {
	seq := r.Seq()
	oid := seq.OID()
	if seq.Empty() {
		return oid
	}
	if seq.Has(ber.Universal, ber.TagSequence) {
		for params := seq.Seq(); !params.Empty(); {
			params.OID()
		}
	} else {
		seq.Null()
	}
	_ = seq.End()
	return oid
}

func (c *Certificate) parseTBS(r *ber.Reader) error {
	if r.Has(ber.Context, 0) {
		v := r.Explicit(0)
		c.Version = v.Int(2) + 1
		_ = v.End()
	}
	c.SerialNumber = r.Integer()
	c.SignatureOID = AlgorithmOf(r)
	issuer := r.Next()
	validity := r.Seq()
	c.NotBefore, c.NotAfter = validity.Time(), validity.Time()
	_ = validity.End()
	subject := r.Next()
	c.RawSPKI = r.Expect(ber.Universal, ber.TagSequence, true).Full
	for _, unique := range []int{1, 2} {
		if r.Has(ber.Context, unique) {
			r.Next()
		}
	}
	if c.Version == 3 && r.Has(ber.Context, 3) {
		if err := c.parseExtensions(r.Explicit(3)); err != nil {
			return err
		}
	}
	if err := r.End(); err != nil {
		return err
	}
	var err error
	if c.Issuer, err = ParseName(issuer.Full); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	if c.Subject, err = ParseName(subject.Full); err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	if c.SerialNumber.BitLen() > 8*32 {
		return fmt.Errorf("serial number of more than 32 octets")
	}
	if key, err := suite.ParseSPKI(c.RawSPKI); err == nil {
		c.PublicKey = key
	}
	return nil
}

// Serial returns the serial number in hexadecimal digits: the way problems name a
// certificate.
func (c *Certificate) Serial() string { return fmt.Sprintf("%x", c.SerialNumber) }

// where is the place of a problem with c.
func (c *Certificate) where() string { return "certificate " + c.Serial() }

// SubjectIIN returns the twelve digits after "IIN" in the subject's serialNumber, or "".
func (c *Certificate) SubjectIIN() string { return c.numbered("2.5.4.5", "IIN") }

// SubjectBIN returns the twelve digits after "BIN" in one of the subject's
// organizational units, or "".
func (c *Certificate) SubjectBIN() string { return c.numbered("2.5.4.11", "BIN") }

func (c *Certificate) numbered(oid, prefix string) string {
	for _, rdn := range c.Subject.RDNs {
		for _, a := range rdn {
			digits, found := strings.CutPrefix(a.Value, prefix)
			if found && a.OID == oid && len(digits) == 12 && strings.Trim(digits, "0123456789") == "" {
				return digits
			}
		}
	}
	return ""
}

// SelfIssued reports whether subject and issuer are the same name.
func (c *Certificate) SelfIssued() bool { return c.Subject.Equal(c.Issuer) }

// CheckSignatureFrom verifies c's signature with parent's key. It looks neither at
// names nor at what parent may sign. Problems: cert.unsupported_key,
// cert.unsupported_algorithm, cert.weak_algorithm, cert.bad_signature.
func (c *Certificate) CheckSignatureFrom(parent *Certificate) error {
	problem := parent.VerifySignature(c.SignatureOID, c.RawTBS, c.Signature)
	if problem == nil {
		return nil
	}
	problem.Where = c.where()
	return problem
}

// VerifySignature verifies a signature that c's key made over signed under the
// algorithm of a dotted object identifier. The result is nil or a problem as of
// [Certificate.CheckSignatureFrom].
func (c *Certificate) VerifySignature(algorithm string, signed, signature []byte) *record.Problem {
	s, problem := c.Scheme(algorithm, "")
	if problem != nil {
		return problem
	}
	return s.VerifyData(signed, signature)
}
