package cms

import (
	"bytes"
	"context"
	"math/big"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/fetch"
)

// Request is a time-stamp request (RFC 3161, section 2.4.1).
type Request struct {
	Digest  cert.Digest
	Imprint []byte
	Policy  string   // dotted object identifier, empty for the authority's own choice
	Nonce   *big.Int // nil for none
}

// NewRequest makes a request for data. A policy that is no object identifier is a
// problem with the code tsp.policy.
func NewRequest(d cert.Digest, data []byte, policy string, nonce *big.Int) (*Request, error) {
	if _, err := ber.ParseOID(policy); policy != "" && err != nil {
		return nil, record.NewProblem("tsp.policy", "", "e.g. 1.2.398.3.3.2.6.4", "%s", err)
	}
	h := d.New()
	h.Write(data)
	return &Request{Digest: d, Imprint: h.Sum(nil), Policy: policy, Nonce: nonce}, nil
}

// Marshal encodes the request; it asks for the authority's certificate.
func (q *Request) Marshal() []byte {
	parts := [][]byte{ber.Int(1), ber.Seq(ber.Algorithm(q.Digest.OID), ber.Octets(q.Imprint))}
	if q.Policy != "" {
		parts = append(parts, ber.OID(q.Policy))
	}
	if q.Nonce != nil {
		parts = append(parts, ber.Integer(q.Nonce))
	}
	return ber.Seq(append(parts, ber.Bool(true))...)
}

// VerifyResponse verifies the authority's answer to q and returns the token. Besides
// the codes of [Verifier.VerifyTimeStamp]: tsp.imprint, tsp.nonce and tsp.policy for
// an answer to another request.
func (v *Verifier) VerifyResponse(ctx context.Context, q *Request, response []byte) ([]byte, *TimeStamp, cert.Checks, error) {
	var checks cert.Checks
	token, err := ParseResponse(response)
	if err != nil {
		return nil, nil, checks, err
	}
	ts, err := v.token(ctx, token, nil, "time stamp", &checks)
	if err != nil {
		return nil, nil, checks, err
	}
	var problem *record.Problem
	switch {
	case ts.DigestOID != q.Digest.OID || !bytes.Equal(ts.Imprint, q.Imprint):
		problem = record.NewProblem("tsp.imprint", "time stamp", "", "the answer is for other octets")
	case q.Nonce != nil && (ts.Nonce == nil || ts.Nonce.Cmp(q.Nonce) != 0):
		problem = record.NewProblem("tsp.nonce", "time stamp", "", "the answer is for another request")
	case q.Policy != "" && ts.Policy != q.Policy:
		problem = record.NewProblem("tsp.policy", "time stamp", "", "policy %s, asked for %s", ts.Policy, q.Policy)
	}
	if err := checks.Judge("timestamp.request", "time stamp", "the answer is to this request", problem); err != nil {
		return nil, nil, checks, err
	}
	return token, ts, checks, ts.Problem
}

// Authority asks a time-stamping authority over HTTP.
type Authority struct {
	URL    string
	Client *fetch.Client
	Policy string
	Digest cert.Digest
}

// Ask sends a request for data with the given nonce and returns the request and the
// raw answer. A failure has the code tsp.unreachable.
func (a *Authority) Ask(ctx context.Context, data []byte, nonce *big.Int) (*Request, []byte, error) {
	q, err := NewRequest(a.Digest, data, a.Policy, nonce)
	if err != nil {
		return nil, nil, err
	}
	answer, err := a.Client.Post(ctx, a.URL, "application/timestamp-query", "application/timestamp-reply", q.Marshal())
	if err != nil {
		return nil, nil, record.NewProblem("tsp.unreachable", a.URL, "", "%s", err)
	}
	return q, answer, nil
}
