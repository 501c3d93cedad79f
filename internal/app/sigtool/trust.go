package sigtool

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/crl"
	"birgeoqy.kz/almasu/internal/signing/cert/fetch"
	"birgeoqy.kz/almasu/internal/signing/cert/ocsp"
)

// notChecked is the detail of the check "revocation" if nothing was given to check it with.
const notChecked = "neither --crl nor --ocsp-response nor --ocsp on was given"

// trustFlags are the flags that decide what is trusted.
type trustFlags struct {
	roots, intermediates, known []string
	lists, answers              []string
	ocsp, ocspURL, at           string
	demand, leafOnly            bool
}

func (f *trustFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.roots, "roots", nil, "a file of `certificates` to trust, DER or PEM; may be repeated")
	flags.StringArrayVar(&f.intermediates, "intermediates", nil, "a file of `certificates` of authorities in between, not trusted by themselves; may be repeated")
	flags.StringArrayVar(&f.known, "known", nil, "a file of signers' `certificates` that documents name without holding them; may be repeated")
	flags.StringVar(&f.at, "at", "", "the `time` for which to judge, e.g. 2026-06-01T09:00:00+05:00 or 2026-06-01; the present by default")
	flags.StringArrayVar(&f.lists, "crl", nil, "a revocation `list`, or its index made by \"almasu cert crl-index\"; may be repeated")
	flags.StringArrayVar(&f.answers, "ocsp-response", nil, "a kept `answer` of a responder; may be repeated")
	flags.StringVar(&f.ocsp, "ocsp", "off", "ask the responders that certificates name: `off or on`")
	flags.StringVar(&f.ocspURL, "ocsp-url", "", "ask this `responder` instead of those that certificates name")
	flags.BoolVar(&f.demand, "require-revocation", false, "fail if nothing was given to check revocation with")
	flags.BoolVar(&f.leafOnly, "leaf-only", false, "check revocation of the signer's certificate only, not of the authorities above it")
}

// trust is what the flags came to. Close it.
type trust struct {
	verifier cert.Verifier
	known    *cert.Pool // every certificate given
	at       time.Time  // zero for the present
	closers  []func()
}

// Close closes and removes what was opened.
func (tr *trust) Close() {
	for _, f := range tr.closers {
		f()
	}
}

// trust reads the files that the flags name.
func (t *tool) trust(cmd *cobra.Command, f *trustFlags) (*trust, error) {
	if len(f.roots) == 0 {
		return nil, usage(cmd, "roots", "--roots is missing: nothing is trusted by default")
	}
	if f.ocsp != "on" && f.ocsp != "off" {
		return nil, usage(cmd, "ocsp", "--ocsp is off or on")
	}
	tr := &trust{known: cert.NewPool()}
	var err error
	if tr.at, err = parseTime(cmd, f.at); err != nil {
		return nil, err
	}
	v := &tr.verifier
	v.Now, v.At, v.LeafOnly = t.Now(), tr.at, f.leafOnly
	for _, group := range []struct {
		pool  **cert.Pool
		paths []string
	}{{&v.Roots, f.roots}, {&v.Intermediates, append(f.intermediates[:len(f.intermediates):len(f.intermediates)], f.known...)}} {
		all, err := t.certificates(group.paths)
		if err != nil {
			return nil, err
		}
		*group.pool = cert.NewPool(all...)
		for _, c := range all {
			tr.known.Add(c)
		}
	}
	if err := t.revocation(f, tr); err != nil {
		tr.Close()
		return nil, err
	}
	return tr, nil
}

// parseTime reads --at; a time without a zone is one of UTC.
func parseTime(cmd *cobra.Command, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, usage(cmd, "at", "--at is not a time, e.g. 2026-06-01T09:00:00+05:00 or 2026-06-01")
}

// revocation sets up the sources of revocation.
func (t *tool) revocation(f *trustFlags, tr *trust) error {
	var sources cert.FirstAnswer
	if len(f.lists) > 0 {
		checker := &crl.Checker{}
		for _, path := range f.lists {
			x, err := t.openList(path, tr)
			if err != nil {
				return err
			}
			checker.Lists = append(checker.Lists, x)
		}
		sources = append(sources, dated{checker, tr.at})
	}
	if len(f.answers) > 0 {
		k := &kept{}
		for _, path := range f.answers {
			b, err := t.read(path)
			if err != nil {
				return err
			}
			k.answers = append(k.answers, binaries(b)...)
		}
		sources = append(sources, dated{k, tr.at})
	}
	if f.ocsp == "on" {
		sources = append(sources, &ocsp.Checker{Client: &fetch.Client{Transport: t.Transport}, Rand: rand.Reader, URL: f.ocspURL})
	}
	tr.verifier.Revocation = sources
	if len(sources) == 0 && !f.demand {
		tr.verifier.Revocation = cert.Unchecked(notChecked)
	}
	return nil
}

// openList opens an index, or makes a temporary one of a list.
func (t *tool) openList(path string, tr *trust) (*crl.Index, error) {
	x, err := crl.Open(path)
	if errors.Is(err, crl.ErrIndex) && !isIndex(path) {
		if path, err = t.temporaryIndex(path, tr); err != nil {
			return nil, err
		}
		x, err = crl.Open(path)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, t.unreadable(path, err)
	}
	if err != nil {
		return nil, record.NewProblem("crl.damaged", path, "make it anew: almasu cert crl-index", "%s", err)
	}
	tr.closers = append(tr.closers, func() { _ = x.Close() })
	return x, nil
}

// isIndex reports whether a file says that it is an index.
func isIndex(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	var head [6]byte
	_, err = io.ReadFull(f, head[:])
	return err == nil && string(head[:]) == "ALMCRL"
}

func (t *tool) temporaryIndex(path string, tr *trust) (string, error) {
	b, err := t.read(path)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "almasu-crl-")
	if err != nil {
		return "", t.unavailable(record.NewProblem("file.unwritable", os.TempDir(), "", "no temporary folder can be made"))
	}
	tr.closers = append(tr.closers, func() { _ = os.RemoveAll(dir) })
	index := filepath.Join(dir, "index")
	if _, err := t.buildIndex(b, path, tr.known.All(), index); err != nil {
		return "", err
	}
	return index, nil
}

// buildIndex makes the index of a list that one of the issuers signed.
func (t *tool) buildIndex(b []byte, path string, issuers []*cert.Certificate, index string) (*crl.Info, error) {
	der, problem := single(b)
	if problem != nil {
		return nil, located(problem, path)
	}
	cause := record.NewProblem("crl.unknown_issuer", path, "give the certificate of the authority that signed the list",
		"no certificate is given of an authority that may have signed the list")
	for _, issuer := range issuers {
		if !issuer.IsCA && issuer.KeyUsage&cert.CRLSign == 0 {
			continue
		}
		info, err := crl.Build(bytes.NewReader(der), issuer, index)
		if err == nil {
			return info, nil
		}
		var p *record.Problem
		switch {
		case errors.As(err, &p):
			cause = record.NewProblem(p.Code, path, p.Hint, "%s", p.Message)
		case !errors.Is(err, crl.ErrList):
			return nil, t.unavailable(record.NewProblem("file.unwritable", index, "", "%s", err))
		case len(issuers) == 1:
			cause = record.NewProblem("crl.malformed", path, "", "%s", err)
		}
	}
	return nil, cause
}

// dated asks a source of stored statements a second time, as of a time that was named,
// if they do not count now: at that time they did.
type dated struct {
	cert.Revocation
	at time.Time // zero if no time was named
}

// Check implements [cert.Revocation].
func (d dated) Check(ctx context.Context, q cert.Query) (cert.Checks, error) {
	checks, err := d.Revocation.Check(ctx, q)
	if err == nil || record.CodeOf(err) == "cert.revoked" || d.at.IsZero() || !d.at.Before(q.Now) {
		return checks, err
	}
	q.Now = d.at
	then, errThen := d.Revocation.Check(ctx, q)
	if errThen != nil && record.CodeOf(errThen) != "cert.revoked" {
		return checks, err
	}
	then.Add("revocation.dated", "certificate "+q.Certificate.Serial(), cert.Warned,
		"by a statement that counted at "+d.at.UTC().Format(time.RFC3339)+" and has run out since")
	return then, errThen
}

// kept answers from stored answers of responders.
type kept struct{ answers [][]byte }

// Check implements [cert.Revocation].
func (k *kept) Check(_ context.Context, q cert.Query) (cert.Checks, error) {
	var checks cert.Checks
	where := "certificate " + q.Certificate.Serial()
	problem := record.NewProblem("cert.ocsp_other", where, "", "none of the kept answers is about this certificate")
	good := ""
	for _, der := range k.answers {
		res, bad := (&ocsp.Checker{}).Judge(der, q, nil)
		switch {
		case bad != nil && bad.Code == "cert.ocsp_other":
			continue
		case bad != nil:
			problem = record.NewProblem(bad.Code, where, bad.Hint, "%s", bad.Message)
			continue
		case res.Status == ocsp.Unknown:
			problem = record.NewProblem("cert.ocsp_unknown", where, "", "the responder does not know the certificate")
			continue
		case res.Status == ocsp.Revoked:
			return checks, checks.Judge("ocsp", where, "revoked only after the time asked", q.Revoked(res.RevokedAt, res.Reason))
		}
		good = "kept answer of " + res.ThisUpdate.Format(time.RFC3339)
	}
	if good != "" { // and none that says "revoked"
		problem = nil
	}
	return checks, checks.Judge("ocsp", where, good, problem)
}
