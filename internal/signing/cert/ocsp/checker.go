package ocsp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/fetch"
)

const (
	tolerance     = 5 * time.Minute // by which clocks may differ
	defaultMaxAge = time.Hour
	nonceSize     = 8 // what the national responder takes
	maxAsked      = 3 // addresses asked about one certificate
)

// Checker asks responders. It implements cert.Revocation.
type Checker struct {
	// Client carries the questions.
	Client *fetch.Client
	// Rand is the source of nonces.
	Rand io.Reader
	// URL, if set, is asked instead of the addresses in the certificate.
	URL string
	// AllowNoNonce accepts an answer that does not repeat the nonce.
	AllowNoNonce bool
	// MaxAge is how old an answer may be that does not say until when it counts; an
	// hour if zero.
	MaxAge time.Duration
}

// Check implements cert.Revocation.
func (c *Checker) Check(ctx context.Context, q cert.Query) (cert.Checks, error) {
	var checks cert.Checks
	where := "certificate " + q.Certificate.Serial()
	urls := q.Certificate.OCSPServers
	if c.URL != "" {
		urls = []string{c.URL}
	}
	problem := record.NewProblem("cert.ocsp_unreachable", where, "configure a responder", "the certificate names no responder")
	for _, url := range urls[:min(len(urls), maxAsked)] {
		var res *Response
		if res, problem = c.ask(ctx, url, q); problem != nil {
			problem.Where = where
			if problem.Code == "cert.ocsp_unreachable" {
				checks.Add("ocsp.reached", where, cert.Warned, problem.Message)
				continue
			}
			return checks, checks.Judge("ocsp", where, "", problem)
		}
		return checks, checks.Judge("ocsp", where, describe(res), c.verdict(res, q))
	}
	return checks, checks.Judge("ocsp", where, "", problem)
}

// ask returns a verified and fresh answer.
func (c *Checker) ask(ctx context.Context, url string, q cert.Query) (*Response, *record.Problem) {
	nonce := make([]byte, nonceSize)
	if c.Rand == nil {
		return nil, record.NewProblem("cert.ocsp_unreachable", "", "", "no source of nonces is configured")
	}
	if _, err := io.ReadFull(c.Rand, nonce); err != nil {
		return nil, record.NewProblem("cert.ocsp_unreachable", "", "", "no nonce: %s", err)
	}
	question, err := Request(q.Certificate, q.Issuer, nonce)
	if err != nil {
		return nil, malformed("%s", err)
	}
	der, err := c.Client.Post(ctx, url, "application/ocsp-request", "application/ocsp-response", question)
	if err != nil {
		return nil, record.NewProblem("cert.ocsp_unreachable", "", "", "%s", err)
	}
	return c.Judge(der, q, nonce)
}

// Judge verifies the answer der to a request with the given nonce, up to its freshness.
// A nil nonce stands for an answer that was kept: its own nonce is not looked at.
func (c *Checker) Judge(der []byte, q cert.Query, nonce []byte) (*Response, *record.Problem) {
	res, err := Parse(der, q.Certificate, q.Issuer)
	if err != nil {
		return nil, err.(*record.Problem)
	}
	if _, problem := res.Verify(q.Issuer, q.Now); problem != nil {
		return nil, problem
	}
	maxAge := c.MaxAge
	if maxAge == 0 {
		maxAge = defaultMaxAge
	}
	if problem := res.fresh(q.Now, maxAge); problem != nil {
		return nil, problem
	}
	if nonce != nil && (res.Nonce != nil || !c.AllowNoNonce) && !bytes.Equal(nonce, res.Nonce) {
		return nil, record.NewProblem("cert.ocsp_nonce", "", "", "the answer does not repeat the nonce of the question")
	}
	return res, nil
}

func (c *Checker) verdict(res *Response, q cert.Query) *record.Problem {
	switch res.Status {
	case Good:
		return nil
	case Revoked:
		return q.Revoked(res.RevokedAt, res.Reason)
	}
	return record.NewProblem("cert.ocsp_unknown", "certificate "+q.Certificate.Serial(), "", "the responder does not know the certificate")
}

func describe(res *Response) string {
	return fmt.Sprintf("answer of %s", res.ThisUpdate.Format(time.RFC3339))
}
