package cms

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
)

// Limits of a document.
const (
	MaxSize         = 256 << 20 // octets
	maxSigners      = 32
	maxCertificates = 64
	maxAttributes   = 64
	maxTokens       = 8 // time stamps on one signature
)

// Content types.
const (
	OIDData       = "1.2.840.113549.1.7.1"
	oidSignedData = "1.2.840.113549.1.7.2"
	oidTSTInfo    = "1.2.840.113549.1.9.16.1.4"
)

// Attributes.
const (
	attrContentType   = "1.2.840.113549.1.9.3"
	attrMessageDigest = "1.2.840.113549.1.9.4"
	attrSigningTime   = "1.2.840.113549.1.9.5"
	attrSigningCert   = "1.2.840.113549.1.9.16.2.12"
	attrSigningCertV2 = "1.2.840.113549.1.9.16.2.47"
	attrTimeStamp     = "1.2.840.113549.1.9.16.2.14"
)

// SignedData is a parsed document. Nothing in it is verified.
type SignedData struct {
	ContentType  string
	Content      []byte // nil if detached
	Detached     bool
	Certificates []*cert.Certificate
	Signers      []*SignerInfo
	digests      map[string]bool // canonical identifiers announced
}

// SignerInfo is one signature of a document. Nothing in it is verified.
type SignerInfo struct {
	Issuer       cert.Name // with Serial, unless KeyID names the certificate
	Serial       *big.Int
	KeyID        []byte
	DigestOID    string
	SignatureOID string
	Signature    []byte
	signed       map[string]ber.Value // attribute values
	unsigned     []attribute
	signedAttrs  ber.Value
}

type attribute struct {
	oid    string
	values []ber.Value
}

// Parse reads SignedData in BER, PEM ("CMS" or "PKCS7") or base64 text. Its error is a
// *record.Problem with the code cms.malformed or cms.too_large.
func Parse(b []byte) (*SignedData, error) {
	raw, err := binary(b)
	if err != nil {
		return nil, err
	}
	sd, err := parseSignedData(raw)
	if err != nil {
		var p *record.Problem
		if errors.As(err, &p) {
			return nil, p
		}
		return nil, malformed("%s", err)
	}
	return sd, nil
}

func malformed(format string, args ...any) *record.Problem {
	return record.NewProblem("cms.malformed", "", "expected CMS SignedData in DER, BER, PEM or base64", format, args...)
}

// binary undoes PEM and base64.
func binary(b []byte) ([]byte, error) {
	if len(b) > MaxSize {
		return nil, record.NewProblem("cms.too_large", "", "", "more than %d octets", MaxSize)
	}
	if block, rest := pem.Decode(b); block != nil {
		known := block.Type == "CMS" || block.Type == "PKCS7" || block.Type == "PKCS #7 SIGNED DATA"
		if !known || len(bytes.TrimSpace(rest)) != 0 {
			return nil, malformed("expected one PEM block of CMS or PKCS7")
		}
		return block.Bytes, nil
	}
	if len(b) > 0 && b[0] == 'M' { // base64 of 0x30 0x80 and above
		text := bytes.Join(bytes.Fields(b), nil)
		raw := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
		n, err := base64.StdEncoding.Strict().Decode(raw, text)
		if err != nil {
			return nil, malformed("neither BER nor base64")
		}
		return raw[:n], nil
	}
	return b, nil
}

func parseSignedData(raw []byte) (*SignedData, error) {
	top := ber.NewReader(raw)
	info := top.Seq()
	if oid := info.OID(); oid != oidSignedData && info.Err() == nil {
		return nil, malformed("content type %s, expected SignedData", oid)
	}
	wrap := info.Explicit(0)
	seq := wrap.Seq()
	sd := &SignedData{digests: map[string]bool{}}
	version := seq.Int(5)
	if err := sd.parseDigests(seq.Set()); err != nil {
		return nil, err
	}
	sd.parseContent(seq.Seq())
	if seq.Has(ber.Context, 0) {
		if err := sd.parseCertificates(seq.Explicit(0)); err != nil {
			return nil, err
		}
	}
	if seq.Has(ber.Context, 1) { // revocation lists: not used
		seq.Expect(ber.Context, 1, true)
	}
	if err := sd.parseSigners(seq.Set()); err != nil {
		return nil, err
	}
	for _, r := range []*ber.Reader{seq, wrap, info, top} {
		if err := r.End(); err != nil {
			return nil, err
		}
	}
	// RFC 5652, section 5.1: 3 for any content but data; for data 1 or, by some tools, 3.
	if version != 3 && (version != 1 || sd.ContentType != OIDData) {
		return nil, malformed("version %d of a document with content %s", version, sd.ContentType)
	}
	return sd, nil
}

func (sd *SignedData) parseDigests(set *ber.Reader) error {
	for !set.Empty() {
		oid := cert.AlgorithmOf(set)
		if set.Err() != nil {
			break
		}
		d, ok := cert.DigestByOID(oid)
		if !ok {
			return record.NewProblem("cms.unsupported_algorithm", "", "", "unknown hash function %s", oid)
		}
		sd.digests[d.OID] = true
	}
	return set.Err()
}

func (sd *SignedData) parseContent(seq *ber.Reader) {
	sd.ContentType = seq.OID()
	sd.Detached = seq.Empty()
	if !sd.Detached {
		wrap := seq.Explicit(0)
		sd.Content = wrap.Octets()
		if sd.Content == nil {
			sd.Content = []byte{}
		}
		_ = wrap.End()
	}
	_ = seq.End()
}

func (sd *SignedData) parseCertificates(set *ber.Reader) error {
	for !set.Empty() {
		v := set.Next()
		if !v.Is(ber.Universal, ber.TagSequence) {
			if v.Class != ber.Context || v.Tag > 3 || !v.Constructed {
				set.Fail(fmt.Errorf("%w: unexpected value among the certificates", ber.ErrSyntax))
			}
			continue // attribute certificates and other formats: not used
		}
		c, err := cert.Parse(v.Full)
		if err != nil {
			return err
		}
		if sd.Certificates = append(sd.Certificates, c); len(sd.Certificates) > maxCertificates {
			return malformed("more than %d certificates", maxCertificates)
		}
	}
	return set.Err()
}

func (sd *SignedData) parseSigners(set *ber.Reader) error {
	for !set.Empty() {
		si, err := parseSigner(set.Seq())
		if err != nil {
			return err
		}
		if sd.Signers = append(sd.Signers, si); len(sd.Signers) > maxSigners {
			return malformed("more than %d signers", maxSigners)
		}
	}
	return set.Err()
}

func parseSigner(seq *ber.Reader) (*SignerInfo, error) {
	si := &SignerInfo{}
	version := seq.Int(3)
	if seq.Has(ber.Context, 0) {
		si.KeyID = seq.OctetsOf(seq.Next())
	} else {
		sid := seq.Seq()
		issuer := sid.Expect(ber.Universal, ber.TagSequence, true)
		si.Serial = sid.Integer()
		if err := sid.End(); err != nil {
			return nil, err
		}
		var err error
		if si.Issuer, err = cert.ParseName(issuer.Full); err != nil {
			return nil, err
		}
	}
	si.DigestOID = cert.AlgorithmOf(seq)
	if seq.Has(ber.Context, 0) {
		si.signedAttrs = seq.Expect(ber.Context, 0, true)
		attrs := parseAttributes(seq.Inside(si.signedAttrs))
		si.signed = map[string]ber.Value{}
		for _, a := range attrs {
			if _, twice := si.signed[a.oid]; twice || len(a.values) != 1 {
				return nil, malformed("signed attribute %s does not have one value", a.oid)
			}
			si.signed[a.oid] = a.values[0]
		}
	}
	si.SignatureOID = cert.AlgorithmOf(seq)
	si.Signature = seq.Octets()
	if seq.Has(ber.Context, 1) {
		si.unsigned = parseAttributes(seq.Explicit(1))
	}
	if err := seq.End(); err != nil {
		return nil, err
	}
	if version != 1 && version != 3 || (version == 3) != (si.KeyID != nil) {
		return nil, malformed("signer of version %d", version)
	}
	return si, nil
}

func parseAttributes(set *ber.Reader) []attribute {
	var all []attribute
	for !set.Empty() {
		seq := set.Seq()
		a := attribute{oid: seq.OID()}
		for values := seq.Set(); !values.Empty(); {
			a.values = append(a.values, values.Next())
		}
		_ = seq.End()
		if all = append(all, a); len(all) > maxAttributes {
			set.Fail(fmt.Errorf("%w: more than %d attributes", ber.ErrSyntax, maxAttributes))
		}
	}
	return all
}
