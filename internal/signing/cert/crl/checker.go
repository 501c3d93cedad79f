package crl

import (
	"context"
	"fmt"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
)

// tolerance is how far a list may be of the future: clocks differ.
const tolerance = 5 * time.Minute

// Checker answers from index files. It implements cert.Revocation.
type Checker struct {
	// Lists are the open indexes, full and delta, of any number of issuers. Of several
	// full or delta lists of one issuer the latest by thisUpdate counts.
	Lists []*Index
	// MaxAge, if positive, is the age by thisUpdate above which a list is stale even
	// though its nextUpdate has not passed. It must be set for lists without one.
	MaxAge time.Duration
	// NeedDelta refuses to answer from a full list alone.
	NeedDelta bool
}

// Check implements cert.Revocation.
func (c *Checker) Check(_ context.Context, q cert.Query) (cert.Checks, error) {
	var checks cert.Checks
	where := "certificate " + q.Certificate.Serial()
	full, delta := c.pick(issuerKey(q.Issuer))
	if full == nil {
		return checks, checks.Judge("crl", where, "", record.NewProblem("cert.crl_missing", where,
			"build the index of the issuer's revocation list", "no revocation list of the issuer is at hand"))
	}
	if err := checks.Judge("crl.fresh", where, describe(full), c.fresh(full, q.Now, where)); err != nil {
		return checks, err
	}
	lists := []*Index{full}
	if delta != nil && delta.completes(full) {
		problem := c.fresh(delta, q.Now, where)
		switch {
		case problem == nil:
			checks.Add("crl.delta", where, cert.Passed, describe(delta))
			lists = append(lists, delta)
		case c.NeedDelta:
			return checks, checks.Judge("crl.delta", where, "", problem)
		default:
			checks.Add("crl.delta", where, cert.Warned, problem.Message)
		}
	} else if c.NeedDelta {
		return checks, checks.Judge("crl.delta", where, "", record.NewProblem("cert.crl_missing", where,
			"build the index of the issuer's delta list", "no delta list that completes the full one is at hand"))
	}
	return c.answer(q, lists, where, checks)
}

// answer looks the certificate up; what a later list says replaces what an earlier said.
func (c *Checker) answer(q cert.Query, lists []*Index, where string, checks cert.Checks) (cert.Checks, error) {
	var last Entry
	revoked := false
	for _, x := range lists {
		e, found, err := x.Lookup(q.Certificate.SerialNumber)
		if err != nil {
			return checks, checks.Judge("crl", where, "", record.NewProblem("cert.crl_damaged", where, "build the index anew", "%s", err))
		}
		if found {
			last, revoked = e, e.Reason != removedFromList
		}
	}
	if !revoked {
		checks.Add("crl", where, cert.Passed, "not on the list")
		return checks, nil
	}
	return checks, checks.Judge("crl", where, "revoked only after the time asked", q.Revoked(last.Since, last.Reason))
}

// pick returns the latest full and delta list of an issuer.
func (c *Checker) pick(issuer [32]byte) (full, delta *Index) {
	for _, x := range c.Lists {
		if x.issuer != issuer {
			continue
		}
		latest := &full
		if x.Base != nil {
			latest = &delta
		}
		if *latest == nil || x.ThisUpdate.After((*latest).ThisUpdate) {
			*latest = x
		}
	}
	return full, delta
}

// completes reports whether the delta list x applies to full: full is not older than
// the base, and x not older than full (RFC 5280, section 5.2.4). Without a number on
// the full list only the times are compared.
func (x *Index) completes(full *Index) bool {
	if full.Number != nil && full.Number.Cmp(x.Base) < 0 {
		return false
	}
	return !x.ThisUpdate.Before(full.ThisUpdate)
}

func (c *Checker) fresh(x *Index, now time.Time, where string) *record.Problem {
	switch {
	case x.ThisUpdate.After(now.Add(tolerance)):
		return record.NewProblem("cert.crl_early", where, "", "the revocation list is of %s, later than now", x.ThisUpdate.Format(time.RFC3339))
	case c.MaxAge > 0 && now.Sub(x.ThisUpdate) > c.MaxAge:
		return record.NewProblem("cert.crl_stale", where, "fetch a new list", "the revocation list is of %s, older than %s", x.ThisUpdate.Format(time.RFC3339), c.MaxAge)
	case x.NextUpdate.IsZero() && c.MaxAge <= 0:
		return record.NewProblem("cert.crl_stale", where, "set the greatest age of lists", "the revocation list does not say until when it counts")
	case !x.NextUpdate.IsZero() && now.After(x.NextUpdate):
		return record.NewProblem("cert.crl_stale", where, "fetch a new list", "the revocation list counted until %s", x.NextUpdate.Format(time.RFC3339))
	}
	return nil
}

func describe(x *Index) string {
	number := "without a number"
	if x.Number != nil {
		number = "number " + x.Number.String()
	}
	return fmt.Sprintf("list %s of %s, %d entries", number, x.ThisUpdate.Format(time.RFC3339), x.Entries)
}
