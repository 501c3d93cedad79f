package sigtool

import (
	"context"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cms"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
	"birgeoqy.kz/almasu/internal/soap"
)

// verifyFlags are the flags of the commands below verify.
type verifyFlags struct {
	trustFlags
	content, extract string
	stamped, explain bool
}

// input is what is to be verified.
type input struct {
	document []byte
	content  []byte // of --content, nil without it
	stamped  bool   // a time stamp is demanded
}

// judge verifies a document. It fills in the signers and the checks of a report, and returns
// the content that may be relied upon if the error is nil.
type judge func(ctx context.Context, tr *trust, in input, r *Report) ([]byte, error)

var verifyExamples = map[string]string{
	"xml": `  almasu verify xml --roots nca.pem request.xml --explain
  almasu verify xml --roots root.cer --intermediates nca.cer --crl nca.crl --leaf-only --extract content.xml request.xml`,
	"wsse": `  almasu verify wsse --roots nca.pem message.xml
  almasu verify wsse --roots nca.pem --known shep.cer --extract body.xml answer.xml   # the signer named by issuer and serial number`,
	"cms": `  almasu verify cms --roots nca.pem --extract contract.pdf contract.p7s
  almasu verify cms --roots nca.pem --content contract.pdf contract.pdf.p7s --at 2026-06-01
  almasu verify cms --roots nca.pem --ocsp on --require-revocation --require-timestamp contract.p7s`,
	"tsp": `  almasu verify tsp --roots nca.pem --content contract.pdf contract.tsr`,
}

func (t *tool) verifyCommand() *cobra.Command {
	return group("verify", "Verify a signed file: XML, SOAP message, CMS or time stamp",
		`Verifies signatures made with GOST R 34.10-2015, GOST 34.310-2004, RSA and their Russian forms. Trust begins with the certificates in
--roots and nowhere else. The exit code is 0 if everything verified, 1 if not, 2 for bad arguments, 3 if a file cannot be read.`,
		`  almasu verify cms --roots nca.pem contract.p7s
  almasu verify cms --roots nca.pem --content contract.pdf contract.pdf.p7s --explain
  almasu verify xml --roots root.cer --intermediates nca.cer --crl nca.crl --require-revocation request.xml
  almasu verify wsse --roots nca.pem --known shep.cer --ocsp on answer.xml --json
  almasu verify tsp --roots nca.pem --content contract.pdf contract.tsr`,
		t.verifyKind("xml", "an XML document with enveloped signatures", verifyXML),
		t.verifyKind("wsse", "a SOAP message with a WS-Security signature of its body", verifyWSSE),
		t.verifyKind("cms", "a CMS document (CAdES), attached or detached", verifyCMS),
		t.verifyKind("tsp", "an RFC 3161 time-stamp token or response", verifyTSP))
}

func (t *tool) verifyKind(kind, what string, j judge) *cobra.Command {
	f := &verifyFlags{}
	cmd := &cobra.Command{
		Use: kind + " --roots FILE SIGNED", Short: "Verify " + what, Args: exactly(1, "one file to verify"),
		Long:    "Verifies " + what + ". SIGNED is a file, or - for standard input; PEM and base64 are recognised.",
		Example: verifyExamples[kind],
		RunE:    func(cmd *cobra.Command, args []string) error { return t.verify(cmd, kind, f, j, args[0]) },
	}
	f.add(cmd)
	flags := cmd.Flags()
	if kind == "cms" || kind == "tsp" {
		flags.StringVar(&f.content, "content", "", "the `file` that was signed or stamped, if it is not inside")
	}
	if kind == "cms" {
		flags.BoolVar(&f.stamped, "require-timestamp", false, "fail a signature without a trusted time stamp")
	}
	if kind != "tsp" {
		flags.StringVar(&f.extract, "extract", "", "write what was verified to this new `file`, if all of it verified")
	}
	flags.BoolVar(&f.explain, "explain", false, "list every check, passed or not")
	return cmd
}

func (t *tool) verify(cmd *cobra.Command, kind string, f *verifyFlags, j judge, path string) error {
	if err := t.vacant(f.extract); err != nil {
		return err
	}
	tr, err := t.trust(cmd, &f.trustFlags)
	if err != nil {
		return err
	}
	defer tr.Close()
	in := input{stamped: f.stamped}
	if in.document, err = t.read(path); err != nil {
		return err
	}
	if f.content != "" {
		if in.content, err = t.read(f.content); err != nil {
			return err
		}
	}
	r := tr.report(kind)
	content, err := j(cmd.Context(), tr, in, r)
	r.conclude(content, err)
	if r.Verified && f.extract != "" {
		if err := t.write(f.extract, r.content); err != nil {
			return err
		}
	}
	t.finish(r, f.explain)
	return nil
}

// report begins a report.
func (tr *trust) report(kind string) *Report {
	at := tr.verifier.At
	if at.IsZero() {
		at = tr.verifier.Now
	}
	return &Report{Kind: kind, At: stamp(at)}
}

// finish prints the report and sets the exit code.
func (t *tool) finish(r *Report, explain bool) {
	t.Result(r)
	if !r.Verified {
		t.Code(1)
	}
	t.print(r, explain)
}

func verifyXML(ctx context.Context, tr *trust, in input, r *Report) ([]byte, error) {
	plain, err := xmlText(in.document)
	if err != nil {
		return nil, r.Checks.Judge("document.form", "", "", err.(*record.Problem))
	}
	lim := xmlread.DefaultLimits()
	all, checks, err := xmldsig.Verify(plain, lim, tr.known)
	r.Checks = checks
	if err != nil {
		return nil, err
	}
	more := embedded(plain, lim)
	var problems record.Problems
	for _, v := range all {
		s := &Signer{Algorithm: v.Suite().Name, Certificate: describe(v.Signer())}
		problems.Merge(tr.judge(ctx, v.Signer(), more, cert.ForSigning, s, r), "verify.failed", "")
		r.Signers = append(r.Signers, s)
	}
	return all[0].Whole().Octets(), problems.Err() // what the first covers, the later ones cover too
}

// embedded returns the certificates that stand in a document; none of them is trusted.
func embedded(plain []byte, lim xmlread.Limits) []*cert.Certificate {
	doc, err := xmlread.Parse(plain, lim)
	if err != nil {
		return nil
	}
	var all []*cert.Certificate
	for _, el := range xmlread.Find(doc.Root(), xmldsig.Namespace, "X509Certificate") {
		if c, problem := xmldsig.Certificate(el); problem == nil && len(all) < 32 {
			all = append(all, c)
		}
	}
	return all
}

func verifyWSSE(ctx context.Context, tr *trust, in input, r *Report) ([]byte, error) {
	plain, err := xmlText(in.document)
	if err != nil {
		return nil, r.Checks.Judge("document.form", "", "", err.(*record.Problem))
	}
	lim := xmlread.DefaultLimits()
	m, err := soap.Parse(plain, lim)
	if err != nil {
		return nil, r.Checks.Judge("document.form", "", "", problemOf(err))
	}
	r.Checks.Add("document.form", "", cert.Passed, "a SOAP 1.1 message")
	v, checks, err := m.Verify(tr.known)
	r.Checks = append(r.Checks, checks...)
	if err != nil {
		return nil, err
	}
	s := &Signer{Algorithm: v.Suite().Name, Certificate: describe(v.Signer())}
	r.Signers = []*Signer{s}
	return v.Octets(), tr.judge(ctx, v.Signer(), embedded(plain, lim), cert.ForSigning, s, r)
}

// judge asks whether a signer may be trusted.
func (tr *trust) judge(ctx context.Context, c *cert.Certificate, more []*cert.Certificate, usage cert.Usage, s *Signer, r *Report) error {
	v := tr.verifier
	v.Usage = usage
	chain, checks, err := v.Verify(ctx, c, more...)
	r.Checks = append(r.Checks, checks...)
	s.Chain, s.Verified = subjects(chain), err == nil
	return err
}

func verifyCMS(ctx context.Context, tr *trust, in input, r *Report) ([]byte, error) {
	der, problem := single(in.document)
	if problem != nil {
		return nil, r.Checks.Judge("document.form", "", "", problem)
	}
	v := &cms.Verifier{Chain: tr.verifier, RequireTimeStamp: in.stamped}
	if sd, err := cms.Parse(der); err == nil { // a token inside may lack what the document around it holds
		v.Chain.Intermediates = cert.NewPool(append(sd.Certificates, tr.verifier.Intermediates.All()...)...)
	}
	result, err := v.Verify(ctx, der, in.content)
	if result == nil {
		return nil, r.Checks.Judge("document.form", "", "", problemOf(err))
	}
	r.Checks.Add("document.form", "", cert.Passed, "CMS SignedData")
	for _, s := range result.Signers {
		r.Checks = append(r.Checks, s.Checks...)
		r.Signers = append(r.Signers, &Signer{Verified: s.Err == nil, Algorithm: s.Scheme, Certificate: describe(s.Certificate),
			Chain: subjects(s.Chain), ClaimedTime: stamp(s.SigningTime), TimeStamp: describeStamp(s.TimeStamp)})
	}
	return result.Content, newlineHint(err, der, in.content)
}

func problemOf(err error) *record.Problem {
	var ps record.Problems
	ps.Merge(err, "verify.failed", "")
	return ps[0]
}

func verifyTSP(ctx context.Context, tr *trust, in input, r *Report) ([]byte, error) {
	der, problem := single(in.document)
	if problem != nil {
		return nil, r.Checks.Judge("document.form", "", "", problem)
	}
	v := &cms.Verifier{Chain: tr.verifier}
	ts, checks, err := v.VerifyTimeStamp(ctx, der, in.content)
	r.Checks = checks
	if len(checks) == 0 && err != nil {
		_ = r.Checks.Judge("document.form", "", "", problemOf(err))
	}
	if ts != nil {
		r.Signers = []*Signer{{Verified: err == nil, Certificate: describe(ts.Authority), Chain: subjects(ts.Chain), TimeStamp: describeStamp(ts)}}
	}
	return in.content, err
}
