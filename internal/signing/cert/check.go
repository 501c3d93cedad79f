package cert

import (
	"context"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// Outcome of a check.
type Outcome string

// Outcomes. Warned is a check that passed with a weakness worth a look, e.g. a
// fingerprint by SHA-1; Skipped one that was not made, with the reason in Detail.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Warned  Outcome = "warned"
	Skipped Outcome = "skipped"
)

// Check is one thing that was looked at on the way to a verdict.
type Check struct {
	// Name is stable, lower case and dotted, e.g. "chain.signature".
	Name string `json:"check"`
	// Where names the object: "certificate" and its serial number, or a part of a document.
	Where string `json:"where,omitempty"`
	// Outcome is what came of it.
	Outcome Outcome `json:"outcome"`
	// Code is the problem's code if the check failed.
	Code string `json:"code,omitempty"`
	// Detail says in one line what was compared or found.
	Detail string `json:"detail,omitempty"`
}

// Checks is the list of all checks of one verification, in the order they were made.
type Checks []Check

// Add appends a check.
func (cs *Checks) Add(name, where string, outcome Outcome, detail string) {
	*cs = append(*cs, Check{Name: name, Where: where, Outcome: outcome, Detail: detail})
}

// Judge appends a check that passed with the given detail if problem is nil, and
// otherwise failed with the problem's code and message. It returns problem as an error.
func (cs *Checks) Judge(name, where, detail string, problem *record.Problem) error {
	if problem == nil {
		cs.Add(name, where, Passed, detail)
		return nil
	}
	*cs = append(*cs, Check{Name: name, Where: where, Outcome: Failed, Code: problem.Code, Detail: problem.Message})
	return problem
}

// Query asks whether a certificate is revoked.
type Query struct {
	Certificate *Certificate
	Issuer      *Certificate // the certificate that signed it, verified
	// At is the time for which the answer counts, Now the present, by which the
	// freshness of lists and responses is judged.
	At, Now time.Time
}

// Revocation establishes whether a certificate is revoked. A nil error means that it
// was established that it is not; whatever else, the revoked state included, is a
// *record.Problem. The checks made are returned in either case.
type Revocation interface {
	Check(ctx context.Context, q Query) (Checks, error)
}

// Unchecked is a Revocation that accepts every certificate and says so in the list of
// checks as skipped: for verifications in which somebody decided, for the stated
// reason, not to look.
type Unchecked string

// Check implements [Revocation].
func (u Unchecked) Check(_ context.Context, q Query) (Checks, error) {
	return Checks{{Name: "revocation", Where: q.Certificate.where(), Outcome: Skipped, Detail: string(u)}}, nil
}

// FirstAnswer asks its sources in order until one knows: the first that establishes
// "revoked" or "not revoked", or answers that it has never heard of the certificate,
// decides. The causes why earlier ones could not answer are
// in the checks; if none answers, the last one's cause is the problem. Without any
// source it refuses.
type FirstAnswer []Revocation

// Check implements [Revocation].
func (f FirstAnswer) Check(ctx context.Context, q Query) (Checks, error) {
	var all Checks
	var last error = record.NewProblem("cert.revocation_unset", q.Certificate.where(), "configure OCSP or a CRL",
		"no source of revocation is configured")
	for _, source := range f {
		checks, err := source.Check(ctx, q)
		all = append(all, checks...)
		if code := record.CodeOf(err); err == nil || code == "cert.revoked" || code == "cert.ocsp_unknown" {
			return all, err
		}
		last = err
	}
	return all, last
}

// Revoked judges a revocation: since is when it took effect, reason the CRLReason
// (RFC 5280, section 5.3.1) or -1. The result is nil only if it took effect after
// q.At for a reason that leaves older signatures valid: a key that may have been
// stolen (keyCompromise 1, cACompromise 2, aACompromise 10) signs nothing that counts.
func (q Query) Revoked(since time.Time, reason int) *record.Problem {
	compromise := reason == 1 || reason == 2 || reason == 10
	if since.After(q.At) && !compromise {
		return nil
	}
	return record.NewProblem("cert.revoked", q.Certificate.where(), "",
		"revoked since %s (%s)", since.UTC().Format(time.RFC3339), ReasonText(reason))
}

var reasons = map[int]string{0: "unspecified", 1: "key compromise", 2: "CA compromise", 3: "affiliation changed",
	4: "superseded", 5: "cessation of operation", 6: "on hold", 8: "removed from the list",
	9: "privilege withdrawn", 10: "AA compromise"}

// ReasonText returns the English name of a CRLReason; of -1 it is "no reason given".
func ReasonText(reason int) string {
	if s, ok := reasons[reason]; ok {
		return s
	}
	if reason < 0 {
		return "no reason given"
	}
	return "unknown reason"
}
