package cms

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
)

// Verifier verifies documents and time stamps.
type Verifier struct {
	// Chain judges the certificates of signers and, with its usage replaced, of
	// time-stamping authorities. Its zero Usage stands for cert.ForSigning.
	Chain cert.Verifier
	// RequireTimeStamp fails a signature without a trusted time stamp.
	RequireTimeStamp bool
}

// Signer is the outcome for one signature of a document.
type Signer struct {
	Certificate *cert.Certificate
	Chain       []*cert.Certificate
	Scheme      string    // name of the algorithms, e.g. "GOST-2015-512"
	SigningTime time.Time // the signer's claim, zero if there is none
	TimeStamp   *TimeStamp
	Checks      cert.Checks
	// Err is nil if the signature and the chain hold, and otherwise the *record.Problem.
	Err error
}

// Result is what a verification established.
type Result struct {
	// Content is what was signed: the content of the document, or the detached one.
	Content []byte
	Signers []*Signer
}

// Verify verifies every signature in document. detached is the content if the document
// does not hold it; of a document that does, it must be nil or equal. The error is nil
// only if every signature and every chain holds; otherwise it is a record.Problems
// with the problems of all signers, and the Result, if there is one, tells them apart.
// Codes: cms.malformed, cms.too_large, cms.content_type, cms.unsupported_algorithm,
// cms.no_content, cms.other_content, cms.no_signer, cms.no_certificate, cms.ambiguous,
// cms.bad_attributes, cms.digest_mismatch, cms.certificate_mismatch, cms.bad_signature,
// cms.no_time_stamp, those of [Verifier.VerifyTimeStamp] and of package cert.
func (v *Verifier) Verify(ctx context.Context, document, detached []byte) (*Result, error) {
	sd, err := Parse(document)
	if err != nil {
		return nil, err
	}
	content := sd.Content
	switch {
	case sd.ContentType != OIDData:
		return nil, record.NewProblem("cms.content_type", "", "verify a time stamp as such", "content of the type %s, expected data", sd.ContentType)
	case sd.Detached && detached == nil:
		return nil, record.NewProblem("cms.no_content", "", "name the file that was signed", "the signature is detached and the content is missing")
	case sd.Detached:
		content = detached
	case detached != nil && !bytes.Equal(detached, content):
		return nil, record.NewProblem("cms.other_content", "", "", "the content inside the document is not the one given")
	}
	if len(sd.Signers) == 0 {
		return nil, record.NewProblem("cms.no_signer", "", "", "the document carries no signature")
	}
	result := &Result{Content: content}
	var problems record.Problems
	for i, si := range sd.Signers {
		s := v.verifySigner(ctx, sd, si, content, fmt.Sprintf("signer %d", i+1))
		result.Signers = append(result.Signers, s)
		problems.Merge(s.Err, "cms.bad_signature", fmt.Sprintf("signer %d", i+1))
	}
	return result, problems.Err()
}

func (v *Verifier) verifySigner(ctx context.Context, sd *SignedData, si *SignerInfo, content []byte, where string) *Signer {
	s := &Signer{}
	if s.Err = v.checkSignature(sd, si, content, where, s); s.Err != nil {
		return s
	}
	chain := v.Chain
	if usage := chain.Usage; usage.AnyOf == 0 && usage.ExtAnyOf == nil {
		chain.Usage = cert.ForSigning
	}
	if s.TimeStamp, s.Err = v.signatureTimeStamp(ctx, si, where, &s.Checks); s.Err != nil {
		return s
	}
	if s.TimeStamp != nil && s.TimeStamp.Trusted {
		chain.At = s.TimeStamp.Time
	}
	var checks cert.Checks
	s.Chain, checks, s.Err = chain.Verify(ctx, s.Certificate, sd.Certificates...)
	s.Checks = append(s.Checks, checks...)
	return s
}

// checkSignature verifies one signature over content, without any trust in the
// certificate, and fills in s.
func (v *Verifier) checkSignature(sd *SignedData, si *SignerInfo, content []byte, where string, s *Signer) error {
	candidates := v.candidates(sd, si)
	if len(candidates) == 0 {
		return s.Checks.Judge("signer.certificate", where, "", record.NewProblem("cms.no_certificate", where,
			"give the signer's certificate", "the signer's certificate is not in the document"))
	}
	var first error
	for _, c := range candidates {
		try := Signer{Certificate: c}
		err := checkWith(sd, si, content, where, c, &try)
		if err == nil || first == nil {
			checks := append(s.Checks, try.Checks...)
			*s, first = try, err
			s.Checks = checks
		}
		if err == nil {
			return nil
		}
	}
	return first
}

// candidates returns the certificates that the signer identifier fits.
func (v *Verifier) candidates(sd *SignedData, si *SignerInfo) []*cert.Certificate {
	pool := cert.NewPool(sd.Certificates...)
	for _, c := range v.Chain.Intermediates.All() {
		pool.Add(c)
	}
	for _, c := range v.Chain.Roots.All() {
		pool.Add(c)
	}
	if si.KeyID != nil {
		return pool.ByKeyID(si.KeyID)
	}
	return pool.BySerial(si.Serial, si.Issuer.Equal)
}

func checkWith(sd *SignedData, si *SignerInfo, content []byte, where string, c *cert.Certificate, s *Signer) error {
	scheme, problem := c.Scheme(si.SignatureOID, si.DigestOID)
	if problem != nil {
		return s.Checks.Judge("signature.algorithm", where, "", problem)
	}
	s.Scheme = scheme.Name
	d, _ := cert.DigestByOID(si.DigestOID)
	if !sd.digests[d.OID] {
		return s.Checks.Judge("signature.algorithm", where, "", record.NewProblem("cms.bad_attributes", where, "",
			"the signer's hash function is not announced in the document"))
	}
	s.Checks.Add("signature.algorithm", where, cert.Passed, scheme.Name)
	h := scheme.NewHash()
	h.Write(content)
	digest := h.Sum(nil)
	if si.signed == nil {
		return bareSignature(sd, si, content, digest, scheme, where, s)
	}
	if err := s.Checks.Judge("attributes", where, "content type, one value each", si.attributes(sd.ContentType, where, s)); err != nil {
		return err
	}
	r := ber.NewReader(si.signed[attrMessageDigest].Full)
	claimed := r.Octets()
	var mismatch *record.Problem
	if r.End() != nil || subtle.ConstantTimeCompare(claimed, digest) != 1 {
		mismatch = record.NewProblem("cms.digest_mismatch", where, "the content is not the one that was signed", "the digest of the content differs from the signed one")
	}
	if err := s.Checks.Judge("content.digest", where, "the content is the one that was signed", mismatch); err != nil {
		return err
	}
	if err := s.Checks.Judge("signature.value", where, "made by the certificate's key", si.overAttributes(scheme, where)); err != nil {
		return err
	}
	return si.signingCertificate(c, where, &s.Checks)
}

// bareSignature verifies a signature without signed attributes.
func bareSignature(sd *SignedData, si *SignerInfo, content, digest []byte, scheme *cert.Scheme, where string, s *Signer) error {
	switch {
	case sd.ContentType != OIDData:
		return s.Checks.Judge("attributes", where, "", record.NewProblem("cms.bad_attributes", where, "",
			"content other than data without signed attributes"))
	case looksLikeAttributes(content):
		return s.Checks.Judge("attributes", where, "", record.NewProblem("cms.ambiguous", where, "",
			"the content could be the signed attributes of another document"))
	}
	s.Checks.Add("attributes", where, cert.Skipped, "no signed attributes")
	return s.Checks.Judge("signature.value", where, "made by the certificate's key over the content", badSignature(scheme.Verify(digest, si.Signature), where))
}

// looksLikeAttributes reports whether content reads as a SET OF Attribute.
func looksLikeAttributes(content []byte) bool {
	if len(content) == 0 || content[0] != 0x31 {
		return false
	}
	r := ber.NewReader(content)
	attrs := parseAttributes(r.Set())
	return r.End() == nil && len(attrs) > 0
}

func badSignature(p *record.Problem, where string) *record.Problem {
	if p != nil && p.Code == "cert.bad_signature" {
		p.Code, p.Where = "cms.bad_signature", where
	}
	return p
}

// attributes checks the mandatory signed attributes (RFC 5652, section 11).
func (si *SignerInfo) attributes(contentType, where string, s *Signer) *record.Problem {
	bad := func(format string, args ...any) *record.Problem {
		return record.NewProblem("cms.bad_attributes", where, "", format, args...)
	}
	typ, ok := si.signed[attrContentType]
	if !ok {
		return bad("the content type is not signed")
	}
	r := ber.NewReader(typ.Full)
	if oid := r.OID(); r.End() != nil || oid != contentType {
		return bad("the signed content type differs from that of the content")
	}
	if _, ok := si.signed[attrMessageDigest]; !ok {
		return bad("the digest of the content is not signed")
	}
	if at, ok := si.signed[attrSigningTime]; ok {
		t, err := ber.ParseTime(at)
		if err != nil {
			return bad("the signing time is malformed")
		}
		s.SigningTime = t
	}
	return nil
}

// overAttributes verifies the signature over the signed attributes, as they stand
// under the tag of a SET, or else in DER.
func (si *SignerInfo) overAttributes(scheme *cert.Scheme, where string) *record.Problem {
	standing := append([]byte{0x31}, si.signedAttrs.Full[1:]...)
	problem := badSignature(scheme.VerifyData(standing, si.Signature), where)
	if problem == nil {
		return nil
	}
	set, err := ber.Parse(standing)
	if err != nil {
		return problem
	}
	der, err := ber.DER(set)
	if err != nil || bytes.Equal(der, standing) {
		return problem
	}
	return badSignature(scheme.VerifyData(der, si.Signature), where)
}

// signingCertificate compares the signing-certificate attributes with the certificate
// that was used.
func (si *SignerInfo) signingCertificate(c *cert.Certificate, where string, checks *cert.Checks) error {
	found := false
	for _, oid := range []string{attrSigningCertV2, attrSigningCert} {
		v, ok := si.signed[oid]
		if !ok {
			continue
		}
		found = true
		d, problem := matchESS(v, oid, c, where)
		outcome := fmt.Sprintf("the attribute names the certificate by %s", d.Name)
		if err := checks.Judge("signer.certificate", where, outcome, problem); err != nil {
			return err
		}
	}
	if !found {
		checks.Add("signer.certificate", where, cert.Warned, "no attribute binds the certificate to the signature")
	}
	return nil
}

// matchESS reads SigningCertificate or SigningCertificateV2 (RFC 5035) and compares its
// first entry with c.
func matchESS(v ber.Value, oid string, c *cert.Certificate, where string) (cert.Digest, *record.Problem) {
	algorithm := "2.16.840.1.101.3.4.2.1"
	if oid == attrSigningCert {
		algorithm = "1.3.14.3.2.26"
	}
	r := ber.NewReader(v.Full)
	seq := r.Seq()
	ids := seq.Seq()
	id := ids.Seq()
	if oid == attrSigningCertV2 && id.Has(ber.Universal, ber.TagSequence) {
		algorithm = cert.AlgorithmOf(id)
	}
	hash := id.Octets()
	var issuerSerial error
	if !id.Empty() {
		issuerSerial = sameIssuerSerial(id.Seq(), c)
	}
	_ = id.End()
	for !ids.Empty() {
		ids.Seq()
	}
	if !seq.Empty() {
		seq.Seq() // policies
	}
	_ = seq.End()
	d, known := cert.DigestByOID(algorithm)
	switch {
	case r.End() != nil:
		return d, record.NewProblem("cms.bad_attributes", where, "", "the signing-certificate attribute is malformed")
	case !known:
		return d, record.NewProblem("cms.unsupported_algorithm", where, "", "unknown hash function %s", algorithm)
	}
	h := d.New()
	h.Write(c.Raw)
	if subtle.ConstantTimeCompare(h.Sum(nil), hash) != 1 || issuerSerial != nil {
		return d, record.NewProblem("cms.certificate_mismatch", where, "", "the signing-certificate attribute names another certificate")
	}
	return d, nil
}

var errOther = errors.New("another certificate")

// sameIssuerSerial reads IssuerSerial and compares it with c.
func sameIssuerSerial(seq *ber.Reader, c *cert.Certificate) error {
	names := seq.Seq()
	same := false
	for !names.Empty() {
		if v := names.Next(); v.Is(ber.Context, 4) {
			n, err := cert.ParseName(v.Body)
			same = same || err == nil && n.Equal(c.Issuer)
		}
	}
	serial := seq.Integer()
	if seq.End() != nil || !same || serial.Cmp(c.SerialNumber) != 0 {
		return errOther
	}
	return nil
}
