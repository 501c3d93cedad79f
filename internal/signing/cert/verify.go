package cert

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// Limits of the search for a chain.
const (
	maxChain      = 8  // certificates in a chain, leaf and root included
	maxSignatures = 64 // signatures tried for one leaf
)

// Usage is what the leaf must be allowed to do. The zero Usage asks for nothing.
type Usage struct {
	// AnyOf is satisfied by any one of its bits; a leaf without the extension passes.
	AnyOf KeyUsage
	// ExtAnyOf is satisfied by any one of the object identifiers or by
	// anyExtendedKeyUsage; a leaf without the extension passes unless ExtRequired.
	ExtAnyOf    []string
	ExtRequired bool
	// ExtOnly demands that the leaf has no extended usage but those of ExtAnyOf and
	// that the extension is critical, as RFC 3161 section 2.3 does of authorities.
	ExtOnly bool
	// ExtNotOnly refuses a leaf whose extended usages are all among these: a key of a
	// service signs nothing else.
	ExtNotOnly []string
}

// ForSigning is the usage of certificates that sign documents.
var ForSigning = Usage{AnyOf: DigitalSignature | ContentCommitment, ExtNotOnly: []string{UsageTimeStamping, UsageOCSPSigning}}

// Verifier decides whether a certificate is trusted. The zero Verifier trusts nothing.
type Verifier struct {
	// Roots are the trusted certificates at which every chain ends.
	Roots *Pool
	// Intermediates may be used in chains; they are not trusted.
	Intermediates *Pool
	// Now is the present. At is the time at which the chain must have been valid, Now if zero.
	Now, At time.Time
	// Usage is what the leaf must be allowed to do.
	Usage Usage
	// Revocation is asked about each certificate below the root; without it Verify
	// fails with cert.revocation_unset.
	Revocation Revocation
	// LeafOnly limits revocation to the leaf.
	LeafOnly bool
}

// Verify returns the chain from leaf to the root that vouches for it and every check
// that was made. Further certificates that came with the leaf may be passed; they are
// used like Intermediates. A failure is a *record.Problem: of cert.unknown_issuer,
// cert.bad_signature, cert.not_ca, cert.path_too_long, cert.expired,
// cert.not_yet_valid, cert.bad_usage, cert.unknown_extension, cert.unsupported_key,
// cert.unsupported_algorithm, cert.weak_algorithm, cert.no_time, cert.revocation_unset and the codes of the
// Revocation.
func (v *Verifier) Verify(ctx context.Context, leaf *Certificate, more ...*Certificate) ([]*Certificate, Checks, error) {
	var checks Checks
	if v.Now.IsZero() {
		return nil, checks, checks.Judge("time", leaf.where(), "",
			record.NewProblem("cert.no_time", leaf.where(), "", "no time to verify at is given"))
	}
	at := v.At
	if at.IsZero() {
		at = v.Now
	}
	b := &builder{roots: v.Roots, pools: []*Pool{v.Intermediates, NewPool(more...)}}
	var best attempt
	b.build([]*Certificate{leaf}, func(chain []*Certificate) bool {
		try := v.judge(chain, at)
		if best.chain == nil || try.err == nil {
			best = try
		}
		return try.err == nil
	})
	if best.chain == nil {
		problem := b.cause
		if problem == nil {
			problem = record.NewProblem("cert.unknown_issuer", leaf.where(), "add the issuer's certificate to the roots or to the document",
				"no chain to a configured root: the issuer is not among the certificates given")
		}
		return nil, checks, checks.Judge("chain.built", leaf.where(), "", problem)
	}
	checks.Add("chain.built", leaf.where(), Passed, fmt.Sprintf("%d certificates up to a configured root", len(best.chain)))
	checks = append(checks, best.checks...)
	if best.err != nil { // no question goes out about a certificate that failed already
		return best.chain, checks, best.err
	}
	err := v.revocation(ctx, best.chain, at, &checks)
	return best.chain, checks, err
}

// attempt is one chain with what was found about it.
type attempt struct {
	chain  []*Certificate
	checks Checks
	err    error // the first problem
}

// judge makes every check of a chain but revocation, so that all outcomes are listed.
func (v *Verifier) judge(chain []*Certificate, at time.Time) attempt {
	a := attempt{chain: chain}
	note := func(err error) {
		if a.err == nil {
			a.err = err
		}
	}
	for _, c := range chain {
		note(a.checks.Judge("validity", c.where(), validText(c, at), c.validAt(at)))
		note(a.checks.Judge("extensions", c.where(), "no unknown critical extension", c.extensionsKnown()))
	}
	for i, c := range chain[1:] {
		note(a.checks.Judge("authority", c.where(), "an authority by basic constraints, key usage and path length", mayIssue(chain, i+1)))
	}
	note(a.checks.Judge("usage", chain[0].where(), v.Usage.text(), v.Usage.check(chain[0])))
	return a
}

func (v *Verifier) revocation(ctx context.Context, chain []*Certificate, at time.Time, checks *Checks) error {
	if v.Revocation == nil {
		return checks.Judge("revocation", chain[0].where(), "",
			record.NewProblem("cert.revocation_unset", chain[0].where(), "configure OCSP or a CRL", "no source of revocation is configured"))
	}
	if len(chain) == 1 {
		checks.Add("revocation", chain[0].where(), Skipped, "trusted as it stands")
		return nil
	}
	for i, c := range chain[:len(chain)-1] {
		if i > 0 && v.LeafOnly {
			checks.Add("revocation", c.where(), Skipped, "only the leaf is asked about")
			continue
		}
		more, err := v.Revocation.Check(ctx, Query{Certificate: c, Issuer: chain[i+1], At: at, Now: v.Now})
		*checks = append(*checks, more...)
		if err != nil {
			return err
		}
	}
	return nil
}

// builder searches for a chain, depth first.
type builder struct {
	roots      *Pool
	pools      []*Pool
	signatures int
	cause      *record.Problem // the most telling reason why a candidate failed
}

// build extends chain to the roots and hands every complete chain to accept, until one
// is accepted.
func (b *builder) build(chain []*Certificate, accept func([]*Certificate) bool) bool {
	last := chain[len(chain)-1]
	if b.roots.Contains(last) {
		return accept(chain)
	}
	if len(chain) == maxChain {
		b.note(record.NewProblem("cert.path_too_long", last.where(), "", "no root within %d certificates", maxChain))
		return false
	}
	for i, pool := range append([]*Pool{b.roots}, b.pools...) {
		for _, parent := range pool.Issuers(last) {
			if i > 0 && b.roots.Contains(parent) || contains(chain, parent) {
				continue
			}
			if b.signatures++; b.signatures > maxSignatures {
				b.note(record.NewProblem("cert.path_too_long", last.where(), "", "more than %d signatures on the way to a root", maxSignatures))
				return false
			}
			if problem := b.link(last, parent); problem != nil {
				b.note(problem)
				continue
			}
			if b.build(append(slices.Clone(chain), parent), accept) {
				return true
			}
		}
	}
	return false
}

// link reports why parent cannot stand above c, or nil.
func (b *builder) link(c, parent *Certificate) *record.Problem {
	if problem := parent.VerifySignature(c.SignatureOID, c.RawTBS, c.Signature); problem != nil {
		problem.Where = c.where()
		return problem
	}
	return parent.authority()
}

func (b *builder) note(p *record.Problem) {
	if b.cause == nil {
		b.cause = p
	}
}

func contains(chain []*Certificate, c *Certificate) bool {
	return slices.ContainsFunc(chain, func(have *Certificate) bool {
		return have == c || have.Subject.Equal(c.Subject) && slices.Equal(have.RawSPKI, c.RawSPKI)
	})
}

func (c *Certificate) validAt(at time.Time) *record.Problem {
	switch {
	case at.Before(c.NotBefore):
		return record.NewProblem("cert.not_yet_valid", c.where(), "", "valid only from %s", c.NotBefore.Format(time.RFC3339))
	case at.After(c.NotAfter):
		return record.NewProblem("cert.expired", c.where(), "", "expired at %s", c.NotAfter.Format(time.RFC3339))
	}
	return nil
}

func validText(c *Certificate, at time.Time) string {
	return fmt.Sprintf("%s within %s and %s", at.UTC().Format(time.RFC3339), c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339))
}

func (c *Certificate) extensionsKnown() *record.Problem {
	if len(c.UnknownCritical) == 0 {
		return nil
	}
	return record.NewProblem("cert.unknown_extension", c.where(), "", "unknown critical extension %s", strings.Join(c.UnknownCritical, ", "))
}

// authority reports why c may not sign certificates, or nil.
func (c *Certificate) authority() *record.Problem {
	if !c.HasConstraints || !c.IsCA {
		return record.NewProblem("cert.not_ca", c.where(), "", "the issuer is no certification authority by its basic constraints")
	}
	if c.HasKeyUsage && c.KeyUsage&KeyCertSign == 0 {
		return record.NewProblem("cert.not_ca", c.where(), "", "the issuer's key usage does not allow signing certificates")
	}
	return nil
}

// mayIssue checks chain[i] as an authority, with the path below it.
func mayIssue(chain []*Certificate, i int) *record.Problem {
	c := chain[i]
	if problem := c.authority(); problem != nil {
		return problem
	}
	below := 0
	for _, between := range chain[1:i] {
		if !between.SelfIssued() {
			below++
		}
	}
	if c.MaxPathLen >= 0 && below > c.MaxPathLen {
		return record.NewProblem("cert.path_too_long", c.where(), "", "%d authorities below one that allows %d", below, c.MaxPathLen)
	}
	return nil
}

func (u Usage) check(c *Certificate) *record.Problem {
	if u.AnyOf != 0 && c.HasKeyUsage && c.KeyUsage&u.AnyOf == 0 {
		return record.NewProblem("cert.bad_usage", c.where(), "", "the key usage does not allow this")
	}
	service := func(oid string) bool { return slices.Contains(u.ExtNotOnly, oid) }
	if len(c.ExtKeyUsage) > 0 && !slices.ContainsFunc(c.ExtKeyUsage, func(oid string) bool { return !service(oid) }) {
		return record.NewProblem("cert.bad_usage", c.where(), "", "the extended key usage allows only a service: %s", strings.Join(c.ExtKeyUsage, ", "))
	}
	if len(u.ExtAnyOf) == 0 {
		return nil
	}
	if len(c.ExtKeyUsage) == 0 && !u.ExtRequired && !u.ExtOnly {
		return nil
	}
	if u.ExtOnly {
		if !c.ExtKeyUsageCritical || len(c.ExtKeyUsage) != 1 || !slices.Contains(u.ExtAnyOf, c.ExtKeyUsage[0]) {
			return record.NewProblem("cert.bad_usage", c.where(), "", "the extended key usage must be critical and only %s", strings.Join(u.ExtAnyOf, ", "))
		}
		return nil
	}
	for _, have := range c.ExtKeyUsage {
		if have == UsageAny || slices.Contains(u.ExtAnyOf, have) {
			return nil
		}
	}
	return record.NewProblem("cert.bad_usage", c.where(), "", "the extended key usage allows none of %s", strings.Join(u.ExtAnyOf, ", "))
}

func (u Usage) text() string {
	switch {
	case u.AnyOf == 0 && len(u.ExtAnyOf) == 0:
		return "no particular usage asked"
	case len(u.ExtAnyOf) > 0:
		return "extended key usage " + strings.Join(u.ExtAnyOf, " or ")
	}
	return "key usage allows it"
}
