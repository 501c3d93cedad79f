package cms

import (
	"bytes"
	"context"
	"crypto/subtle"
	"math/big"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
)

// forTimeStamping is the usage that RFC 3161 section 2.3 demands.
var forTimeStamping = cert.Usage{
	AnyOf:    cert.DigitalSignature | cert.ContentCommitment,
	ExtAnyOf: []string{cert.UsageTimeStamping},
	ExtOnly:  true,
}

// TimeStamp is a token whose own signature was verified.
type TimeStamp struct {
	Time      time.Time // genTime, the time that the authority vouches for
	Accuracy  time.Duration
	Serial    *big.Int
	Policy    string // dotted object identifier
	Digest    string // name of the imprint's hash function
	DigestOID string // its canonical dotted object identifier
	Imprint   []byte
	Nonce     *big.Int // nil if absent
	Authority *cert.Certificate
	Chain     []*cert.Certificate
	// Trusted is set if the authority's chain holds; if not, Problem says why.
	Trusted bool
	Problem error
}

// VerifyTimeStamp verifies a token, or the response that carries one, as made for
// data; a nil data leaves the imprint unchecked and lists it so. The error is nil only
// if the authority is trusted too. Codes: tsp.malformed, tsp.refused, tsp.imprint,
// tsp.bad_token and those of package cert and of [Verifier.Verify].
func (v *Verifier) VerifyTimeStamp(ctx context.Context, token, data []byte) (*TimeStamp, cert.Checks, error) {
	var checks cert.Checks
	raw, err := binary(token)
	if err != nil {
		return nil, checks, err
	}
	inner, err := tokenOf(raw)
	if err != nil {
		return nil, checks, err
	}
	ts, err := v.token(ctx, inner, data, "time stamp", &checks)
	if err != nil {
		return nil, checks, err
	}
	return ts, checks, ts.Problem
}

// token verifies a token; a failing chain of the authority is only noted in the result.
func (v *Verifier) token(ctx context.Context, raw, data []byte, where string, checks *cert.Checks) (*TimeStamp, error) {
	sd, err := Parse(raw)
	if err != nil {
		return nil, checks.Judge("timestamp.form", where, "", inToken(err, where))
	}
	ts, problem := parseTSTInfo(sd, where)
	if err := checks.Judge("timestamp.form", where, "a token with one signer", problem); err != nil {
		return nil, err
	}
	if err := ts.checkImprint(data, where, checks); err != nil {
		return nil, err
	}
	s := &Signer{}
	err = v.checkSignature(sd, sd.Signers[0], sd.Content, where, s)
	*checks = append(*checks, s.Checks...)
	if err != nil {
		return nil, err
	}
	si := sd.Signers[0]
	if si.signed[attrSigningCert].Full == nil && si.signed[attrSigningCertV2].Full == nil {
		return nil, checks.Judge("timestamp.form", where, "", record.NewProblem("tsp.bad_token", where, "", "the token does not name its certificate"))
	}
	if si.KeyID == nil && !bytes.Equal(si.Issuer.Raw, s.Certificate.Issuer.Raw) {
		return nil, checks.Judge("timestamp.form", where, "", record.NewProblem("tsp.bad_token", where, "", "the token writes its issuer's name in another encoding"))
	}
	ts.Authority = s.Certificate
	chain := v.Chain
	chain.Usage = forTimeStamping
	at := chain.At
	if at.IsZero() {
		at = chain.Now
	}
	if ts.Time.After(at.Add(5 * time.Minute)) {
		ts.Problem = checks.Judge("timestamp.time", where, "", record.NewProblem("tsp.future", where, "", "the time stamp is of %s, later than the time asked", ts.Time.Format(time.RFC3339)))
		return ts, nil
	}
	checks.Add("timestamp.time", where, cert.Passed, ts.Time.Format(time.RFC3339))
	// The authority's certificate must have been valid when it stamped; whether it
	// was revoked since, for a reason that counts, the revocation decides.
	chain.At = ts.Time
	var more cert.Checks
	ts.Chain, more, ts.Problem = chain.Verify(ctx, ts.Authority, sd.Certificates...)
	*checks = append(*checks, more...)
	ts.Trusted = ts.Problem == nil
	if ts.Trusted && at.After(ts.Authority.NotAfter) {
		checks.Add("timestamp.age", where, cert.Warned, "the authority's certificate has expired since it stamped")
	}
	return ts, nil
}

func inToken(err error, where string) *record.Problem {
	return record.NewProblem("tsp.malformed", where, "expected an RFC 3161 time-stamp token", "%s", err)
}

// tokenOf returns the token within a TimeStampResp, or b itself if it is one.
func tokenOf(b []byte) ([]byte, error) {
	r := ber.NewReader(b)
	if in := r.Seq(); !in.Has(ber.Universal, ber.TagSequence) {
		return b, nil
	}
	return ParseResponse(b)
}

// ParseResponse returns the token within a TimeStampResp. Codes: tsp.malformed,
// tsp.refused.
func ParseResponse(b []byte) ([]byte, error) {
	top := ber.NewReader(b)
	seq := top.Seq()
	status := seq.Seq()
	code := status.Int(100)
	failure := -1
	for !status.Empty() {
		if v := status.Next(); v.Is(ber.Universal, ber.TagBitString) {
			failure = firstBit(v.Body)
		}
	}
	var token []byte
	if !seq.Empty() {
		token = seq.Expect(ber.Universal, ber.TagSequence, true).Full
	}
	_ = seq.End()
	if err := top.End(); err != nil {
		return nil, inToken(err, "")
	}
	if code > 1 { // neither granted nor grantedWithMods
		return nil, record.NewProblem("tsp.refused", "", "", "the authority refused: status %d, failure bit %d", code, failure)
	}
	if token == nil {
		return nil, record.NewProblem("tsp.malformed", "", "", "a granted response without a token")
	}
	return token, nil
}

// firstBit returns the number of the first set bit of a BIT STRING's contents, or -1.
func firstBit(b []byte) int {
	for i, c := range b[min(1, len(b)):] {
		for j := range 8 {
			if c&(0x80>>j) != 0 {
				return 8*i + j
			}
		}
	}
	return -1
}

// parseTSTInfo reads the contents of a token.
func parseTSTInfo(sd *SignedData, where string) (*TimeStamp, *record.Problem) {
	if sd.ContentType != oidTSTInfo || sd.Detached || len(sd.Signers) != 1 {
		return nil, record.NewProblem("tsp.bad_token", where, "", "expected TSTInfo inside, with one signer")
	}
	ts := &TimeStamp{}
	top := ber.NewReader(sd.Content)
	seq := top.Seq()
	version := seq.Int(10)
	ts.Policy = seq.OID()
	imprint := seq.Seq()
	algorithm := cert.AlgorithmOf(imprint)
	ts.Imprint = imprint.Octets()
	_ = imprint.End()
	ts.Serial = seq.Integer()
	ts.Time = seq.Time()
	if seq.Has(ber.Universal, ber.TagSequence) {
		ts.Accuracy = parseAccuracy(seq.Seq())
	}
	if seq.Has(ber.Universal, ber.TagBoolean) {
		seq.Bool() // ordering
	}
	if seq.Has(ber.Universal, ber.TagInteger) {
		ts.Nonce = seq.Integer()
	}
	for _, tag := range []int{0, 1} { // tsa, extensions
		if seq.Has(ber.Context, tag) {
			seq.Expect(ber.Context, tag, true)
		}
	}
	_ = seq.End()
	if err := top.End(); err != nil {
		return nil, inToken(err, where)
	}
	d, ok := cert.DigestByOID(algorithm)
	switch {
	case version != 1:
		return nil, record.NewProblem("tsp.bad_token", where, "", "TSTInfo of version %d", version)
	case !ok:
		return nil, record.NewProblem("cms.unsupported_algorithm", where, "", "unknown hash function %s", algorithm)
	case len(ts.Imprint) != d.New().Size():
		return nil, record.NewProblem("tsp.bad_token", where, "", "imprint of %d octets under %s", len(ts.Imprint), d.Name)
	}
	ts.Digest, ts.DigestOID = d.Name, d.OID
	return ts, nil
}

func parseAccuracy(seq *ber.Reader) time.Duration {
	var a time.Duration
	if seq.Has(ber.Universal, ber.TagInteger) {
		a = time.Duration(seq.Int(1<<20)) * time.Second
	}
	for i, unit := range []time.Duration{time.Millisecond, time.Microsecond} {
		if !seq.Has(ber.Context, i) {
			continue
		}
		n, err := ber.ParseInteger(seq.Expect(ber.Context, i, false).Body)
		if err != nil || n.Sign() < 1 || n.Cmp(big.NewInt(999)) > 0 {
			seq.Fail(ber.ErrSyntax)
			return 0
		}
		a += time.Duration(n.Int64()) * unit
	}
	_ = seq.End()
	return a
}

func (ts *TimeStamp) checkImprint(data []byte, where string, checks *cert.Checks) error {
	if data == nil {
		checks.Add("timestamp.imprint", where, cert.Skipped, "the stamped content was not given")
		return nil
	}
	d, _ := cert.DigestByOID(ts.DigestOID)
	h := d.New()
	h.Write(data)
	if subtle.ConstantTimeCompare(h.Sum(nil), ts.Imprint) != 1 {
		return checks.Judge("timestamp.imprint", where, "", record.NewProblem("tsp.imprint", where, "", "the time stamp was made for other octets"))
	}
	outcome := cert.Passed
	if d.Weak {
		outcome = cert.Warned
	}
	checks.Add("timestamp.imprint", where, outcome, d.Name)
	return nil
}

// signatureTimeStamp verifies the signature-time-stamp attributes of si and returns
// the trusted token with the earliest time, or else one that is not trusted.
func (v *Verifier) signatureTimeStamp(ctx context.Context, si *SignerInfo, where string, checks *cert.Checks) (*TimeStamp, error) {
	var best *TimeStamp
	tokens := 0
	for _, a := range si.unsigned {
		if a.oid != attrTimeStamp {
			continue
		}
		for _, value := range a.values {
			if tokens++; tokens > maxTokens {
				return nil, checks.Judge("timestamp", where, "", malformed("more than %d time stamps on one signature", maxTokens))
			}
			ts, err := v.token(ctx, value.Full, si.Signature, where+", time stamp", checks)
			if err != nil {
				return nil, err
			}
			if best == nil || ts.Trusted && (!best.Trusted || ts.Time.Before(best.Time)) {
				best = ts
			}
		}
	}
	switch {
	case best != nil && best.Trusted:
		checks.Add("timestamp", where, cert.Passed, "the signature existed at "+best.Time.Format(time.RFC3339))
	case v.RequireTimeStamp:
		return best, checks.Judge("timestamp", where, "", record.NewProblem("cms.no_time_stamp", where, "", "the signature has no trusted time stamp"))
	case best != nil:
		checks.Add("timestamp", where, cert.Warned, "the time-stamping authority is not trusted: "+record.CodeOf(best.Problem))
	default:
		checks.Add("timestamp", where, cert.Skipped, "none")
	}
	return best, nil
}
