package ocsp

import (
	"bytes"
	"fmt"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
)

// Object identifiers of RFC 6960.
const (
	oidBasic  = "1.3.6.1.5.5.7.48.1.1"
	oidNonce  = "1.3.6.1.5.5.7.48.1.2"
	oidSHA256 = "2.16.840.1.101.3.4.2.1"
)

// maxResponses bounds the single responses and certificates of one answer.
const maxResponses = 64

// Request encodes a request about subject, issued by issuer, whose key must be of the
// usual form. An empty nonce is left out.
func Request(subject, issuer *cert.Certificate, nonce []byte) ([]byte, error) {
	d, _ := cert.DigestByOID(oidSHA256)
	name, key, err := issuerHashes(d, issuer)
	if err != nil {
		return nil, fmt.Errorf("key of the issuer: %w", err)
	}
	id := ber.Seq(ber.Algorithm(d.OID), ber.Octets(name), ber.Octets(key), ber.Integer(subject.SerialNumber))
	tbs := [][]byte{ber.Seq(ber.Seq(id))}
	if len(nonce) > 0 {
		x := ber.Seq(ber.OID(oidNonce), ber.Octets(ber.Octets(nonce)))
		tbs = append(tbs, ber.Explicit(2, ber.Seq(x)))
	}
	return ber.Seq(ber.Seq(tbs...)), nil
}

// issuerHashes returns the hashes of the issuer's name and of its key's bit string.
func issuerHashes(d cert.Digest, issuer *cert.Certificate) (name, key []byte, err error) {
	r := ber.NewReader(issuer.RawSPKI)
	spki := r.Seq()
	spki.Next()
	bits := spki.Bits()
	if err := spki.End(); err != nil {
		return nil, nil, err
	}
	h := d.New()
	h.Write(issuer.Subject.Raw)
	name = h.Sum(nil)
	h.Reset()
	h.Write(bits)
	return name, h.Sum(nil), nil
}

// Status of a certificate.
type Status int

// Statuses.
const (
	Unknown Status = iota
	Good
	Revoked
)

// Response is what a responder says about one certificate. Nothing in it is verified
// before [Response.Verify].
type Response struct {
	Status     Status
	RevokedAt  time.Time
	Reason     int // CRLReason, -1 if not given
	ThisUpdate time.Time
	NextUpdate time.Time // zero if the response does not say
	ProducedAt time.Time
	Nonce      []byte // nil if absent

	certificates []*cert.Certificate
	tbs          []byte
	algorithm    string
	signature    []byte
}

func malformed(format string, args ...any) *record.Problem {
	return record.NewProblem("cert.ocsp_malformed", "", "", format, args...)
}

var statusNames = map[int]string{1: "malformed request", 2: "internal error", 3: "try later", 5: "signature required", 6: "unauthorized"}

// Parse reads an OCSPResponse and picks what it says about subject. Problems:
// cert.ocsp_malformed, cert.ocsp_refused, cert.ocsp_other.
func Parse(der []byte, subject, issuer *cert.Certificate) (*Response, error) {
	top := ber.NewReader(der)
	seq := top.Seq()
	if status := seq.Enumerated(); status != 0 && seq.Err() == nil {
		return nil, record.NewProblem("cert.ocsp_refused", "", "", "the responder refused: %s (%d)", statusNames[status], status)
	}
	wrap := seq.Explicit(0)
	bytes := wrap.Seq()
	kind := bytes.OID()
	basic := bytes.Octets()
	for _, r := range []*ber.Reader{bytes, wrap, seq, top} {
		if err := r.End(); err != nil {
			return nil, malformed("%s", err)
		}
	}
	if kind != oidBasic {
		return nil, malformed("response of the kind %s", kind)
	}
	return parseBasic(basic, subject, issuer)
}

func parseBasic(der []byte, subject, issuer *cert.Certificate) (*Response, error) {
	res := &Response{Reason: -1}
	top := ber.NewReader(der)
	seq := top.Seq()
	tbs := seq.Expect(ber.Universal, ber.TagSequence, true)
	res.tbs = tbs.Full
	res.algorithm = cert.AlgorithmOf(seq)
	res.signature = seq.Bits()
	if seq.Has(ber.Context, 0) {
		wrap := seq.Explicit(0)
		for list := wrap.Seq(); !list.Empty(); {
			c, err := cert.Parse(list.Next().Full)
			if err != nil {
				return nil, malformed("certificate of the responder: %s", err)
			}
			if res.certificates = append(res.certificates, c); len(res.certificates) > maxResponses {
				return nil, malformed("more than %d certificates", maxResponses)
			}
		}
		_ = wrap.End()
	}
	_ = seq.End()
	if err := top.End(); err != nil {
		return nil, malformed("%s", err)
	}
	found, err := res.parseData(top.Inside(tbs), subject, issuer)
	if err != nil {
		return nil, malformed("%s", err)
	}
	if !found {
		return nil, record.NewProblem("cert.ocsp_other", "", "", "the response is not about the certificate asked for")
	}
	return res, nil
}

// parseData reads ResponseData and reports whether it speaks of subject.
func (res *Response) parseData(r *ber.Reader, subject, issuer *cert.Certificate) (bool, error) {
	if r.Has(ber.Context, 0) {
		v := r.Explicit(0)
		v.Int(0)
		_ = v.End()
	}
	if responder := r.Next(); !responder.Is(ber.Context, 1) && !responder.Is(ber.Context, 2) {
		r.Fail(fmt.Errorf("%w: responder identifier", ber.ErrSyntax))
	}
	res.ProducedAt = r.Time()
	found, count := false, 0
	for list := r.Seq(); !list.Empty(); count++ {
		single := list.Seq()
		mine := matches(single.Seq(), subject, issuer)
		one := Response{Reason: -1}
		one.parseSingle(single)
		if mine && !found {
			found = true
			res.Status, res.RevokedAt, res.Reason = one.Status, one.RevokedAt, one.Reason
			res.ThisUpdate, res.NextUpdate = one.ThisUpdate, one.NextUpdate
		}
		if count > maxResponses {
			return false, fmt.Errorf("more than %d responses", maxResponses)
		}
	}
	if r.Has(ber.Context, 1) {
		wrap := r.Explicit(1)
		extensions, err := cert.ParseExtensions(wrap)
		if err != nil {
			return false, err
		}
		if err := res.parseExtensions(extensions); err != nil {
			return false, err
		}
	}
	return found, r.End()
}

func (res *Response) parseExtensions(extensions []cert.Extension) error {
	for _, x := range extensions {
		switch {
		case x.OID == oidNonce:
			r := ber.NewReader(x.Value)
			res.Nonce = r.Octets()
			if r.End() != nil { // some responders leave the inner octet string out
				res.Nonce = x.Value
			}
		case x.Critical:
			return fmt.Errorf("unknown critical extension %s", x.OID)
		}
	}
	return nil
}

// parseSingle reads SingleResponse after its CertID; errors stay in r.
func (res *Response) parseSingle(r *ber.Reader) {
	status := r.Next()
	switch {
	case status.Is(ber.Context, 0) && len(status.Body) == 0:
		res.Status = Good
	case status.Is(ber.Context, 1):
		res.Status = Revoked
		in := r.Inside(status)
		res.RevokedAt = in.Time()
		if in.Has(ber.Context, 0) {
			wrap := in.Explicit(0)
			res.Reason = wrap.Enumerated()
			_ = wrap.End()
		}
		_ = in.End()
	case status.Is(ber.Context, 2) && len(status.Body) == 0:
		res.Status = Unknown
	default:
		r.Fail(fmt.Errorf("%w: certificate status", ber.ErrSyntax))
	}
	res.ThisUpdate = r.Time()
	if r.Has(ber.Context, 0) {
		wrap := r.Explicit(0)
		res.NextUpdate = wrap.Time()
		_ = wrap.End()
	}
	if r.Has(ber.Context, 1) {
		wrap := r.Explicit(1)
		extensions, err := cert.ParseExtensions(wrap)
		if err != nil {
			r.Fail(err)
		}
		for _, x := range extensions {
			if x.Critical {
				r.Fail(fmt.Errorf("%w: unknown critical extension %s", ber.ErrSyntax, x.OID))
			}
		}
	}
	_ = r.End()
}

// matches reads a CertID and reports whether it names subject.
func matches(r *ber.Reader, subject, issuer *cert.Certificate) bool {
	algorithm := cert.AlgorithmOf(r)
	name, key, serial := r.Octets(), r.Octets(), r.Integer()
	if r.End() != nil {
		return false
	}
	d, known := cert.DigestByOID(algorithm)
	if !known || serial.Cmp(subject.SerialNumber) != 0 {
		return false
	}
	wantName, wantKey, err := issuerHashes(d, issuer)
	return err == nil && bytes.Equal(name, wantName) && bytes.Equal(key, wantKey)
}

// Verify verifies the signature and the responder's authority for issuer at the time
// now. The problem has the code cert.ocsp_signature.
func (res *Response) Verify(issuer *cert.Certificate, now time.Time) (*cert.Certificate, *record.Problem) {
	refuse := func(format string, args ...any) (*cert.Certificate, *record.Problem) {
		return nil, record.NewProblem("cert.ocsp_signature", "", "", format, args...)
	}
	var last *record.Problem
	for _, c := range append([]*cert.Certificate{issuer}, res.certificates...) {
		if problem := c.VerifySignature(res.algorithm, res.tbs, res.signature); problem != nil {
			if last == nil {
				_, last = refuse("%s", problem.Message)
			}
			continue
		}
		if problem := authorised(c, issuer, now); problem != "" {
			_, last = refuse("%s", problem)
			continue
		}
		return c, nil
	}
	return nil, last
}

// authorised returns why c may not answer for issuer, or "".
func authorised(c, issuer *cert.Certificate, now time.Time) string {
	if bytes.Equal(c.Raw, issuer.Raw) {
		return ""
	}
	switch {
	case !c.Issuer.Equal(issuer.Subject) || c.CheckSignatureFrom(issuer) != nil:
		return "the responder's certificate was not issued by the authority it answers for"
	case now.Before(c.NotBefore) || now.After(c.NotAfter):
		return "the responder's certificate is not valid now"
	case c.HasKeyUsage && c.KeyUsage&cert.DigitalSignature == 0:
		return "the responder's key usage does not allow signatures"
	case len(c.UnknownCritical) > 0:
		return "the responder's certificate has an unknown critical extension"
	}
	for _, usage := range c.ExtKeyUsage {
		if usage == cert.UsageOCSPSigning {
			return ""
		}
	}
	return "the responder's certificate lacks the extended key usage OCSPSigning"
}

// fresh returns why the response does not count at now, or nil.
func (res *Response) fresh(now time.Time, maxAge time.Duration) *record.Problem {
	stale := func(format string, args ...any) *record.Problem {
		return record.NewProblem("cert.ocsp_stale", "", "check the clock and the responder", format, args...)
	}
	switch {
	case res.ThisUpdate.After(now.Add(tolerance)):
		return stale("the response is of %s, later than now", res.ThisUpdate.Format(time.RFC3339))
	case !res.NextUpdate.IsZero() && now.After(res.NextUpdate.Add(tolerance)):
		return stale("the response counted until %s", res.NextUpdate.Format(time.RFC3339))
	case res.NextUpdate.IsZero() && now.Sub(res.ThisUpdate) > maxAge:
		return stale("the response is of %s, older than %s", res.ThisUpdate.Format(time.RFC3339), maxAge)
	}
	return nil
}
