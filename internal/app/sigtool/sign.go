package sigtool

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"math/big"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/fetch"
	"birgeoqy.kz/almasu/internal/signing/cms"
	"birgeoqy.kz/almasu/internal/signing/keystore"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/c14n"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
	"birgeoqy.kz/almasu/internal/soap"
)

// signFlags are the flags of the commands below sign.
type signFlags struct {
	key, password, certificate string
	remote, alias, tsp         string
	output, id                 string
	detached, stamped          bool
}

// Signed is the result of signing for --json.
type Signed struct {
	Kind string `json:"kind"`
	// File was written; or, without --output, Document is the signed document in base64.
	File     string `json:"file,omitempty"`
	Document string `json:"document,omitempty"`
	Octets   int    `json:"octets"`
	// Certificate is the signer's, absent with --remote.
	Certificate *Certificate `json:"certificate,omitempty"`
}

// maker signs a document with a key at hand, or has a service sign it.
type maker struct {
	local  func(ctx context.Context, f *signFlags, k *keystore.Key, t *tool, in []byte) ([]byte, error)
	remote func(ctx context.Context, f *signFlags, r *keystore.Remote, t *tool, in []byte) ([]byte, error)
}

var signExamples = map[string]string{
	"xml": `  almasu sign xml --key sign.p12 --password-file password --output signed.xml request.xml
  almasu sign xml --key key.pem --certificate person.cer request.xml > signed.xml`,
	"wsse": `  almasu sign wsse --key system.p12 --password-file password --id id-1 --output message.xml content.xml`,
	"cms": `  almasu sign cms --key sign.p12 --password-file password --output contract.p7s contract.pdf
  almasu sign cms --key sign.p12 --password-file password --detached --output contract.pdf.p7s contract.pdf
  almasu sign cms --key sign.p12 --password-file password --tsp http://tsp.pki.gov.kz/ --output contract.p7s contract.pdf`,
}

func (t *tool) signCommand() *cobra.Command {
	return group("sign", "Sign a file: XML, SOAP message or CMS",
		`Signs with the key in a PKCS#12 container or PEM file; the algorithm follows from the key. Key and password are named by files that only
their owner may read, and are never printed. With --remote a service with the interface of NCANode signs; it is sent the container and
the password, and what it returns is verified before it is written.`,
		`  almasu sign cms --key sign.p12 --password-file password --output contract.p7s contract.pdf
  almasu sign cms --key sign.p12 --password-file password --detached --output contract.pdf.p7s contract.pdf
  almasu sign xml --key sign.pem --output signed.xml request.xml
  almasu sign wsse --key sign.p12 --password-file password --output message.xml content.xml
  almasu sign xml --key sign.p12 --password-file password --remote http://127.0.0.1:14579 request.xml`,
		t.signKind("xml", "an XML document, with an enveloped signature", maker{signXML, remoteXML}),
		t.signKind("wsse", "a SOAP message: the content of its body, or a message without a header", maker{signWSSE, remoteWSSE}),
		t.signKind("cms", "any file, in the form CAdES-BES", maker{signCMS, remoteCMS}))
}

func (t *tool) signKind(kind, what string, m maker) *cobra.Command {
	f := &signFlags{}
	cmd := &cobra.Command{
		Use: kind + " --key FILE IN", Short: "Sign " + what, Args: exactly(1, "one file to sign"),
		Long:    "Signs " + what + ". IN is a file, or - for standard input. The document goes to --output, or else to standard output.",
		Example: signExamples[kind],
		RunE:    func(cmd *cobra.Command, args []string) error { return t.sign(cmd, kind, f, m, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.key, "key", "", "the `file` of the private key: PKCS#12 or PEM")
	flags.StringVar(&f.password, "password-file", "", "the `file` whose first line is the key's password")
	flags.StringVar(&f.certificate, "certificate", "", "the `file` of the certificate, if the key file holds none")
	flags.StringVar(&f.remote, "remote", "", "the `address` of a signing service, e.g. http://127.0.0.1:14579")
	flags.StringVar(&f.alias, "alias", "", "with --remote: the `name` of the key in its container")
	flags.StringVar(&f.output, "output", "", "write the signed document to this new `file`")
	if kind == "cms" {
		flags.BoolVar(&f.detached, "detached", false, "leave the content out of the document")
		flags.StringVar(&f.tsp, "tsp", "", "have the signature time-stamped by the authority at this `address`, e.g. http://tsp.pki.gov.kz/")
		flags.BoolVar(&f.stamped, "timestamp", false, "with --remote: have the signature time-stamped")
	}
	if kind == "wsse" {
		flags.StringVar(&f.id, "id", "", "the `id` of the body; a random one by default")
	}
	return cmd
}

func (t *tool) sign(cmd *cobra.Command, kind string, f *signFlags, m maker, path string) error {
	switch {
	case f.key == "":
		return usage(cmd, "key", "--key is missing")
	case f.stamped && f.remote == "", f.alias != "" && f.remote == "":
		return usage(cmd, "remote", "--timestamp and --alias need --remote")
	case f.tsp != "" && f.remote != "":
		return usage(cmd, "tsp", "with --remote the service asks for the time stamp: --timestamp")
	}
	if err := t.vacant(f.output); err != nil {
		return err
	}
	in, err := t.read(path)
	if err != nil {
		return err
	}
	result := &Signed{Kind: kind}
	var out []byte
	if f.remote != "" {
		r := &keystore.Remote{URL: f.remote, Transport: t.Transport, KeyFile: f.key, PasswordFile: f.password, Alias: f.alias}
		out, err = m.remote(cmd.Context(), f, r, t, in)
	} else {
		var k *keystore.Key
		if k, err = t.key(f); err != nil {
			return err
		}
		result.Certificate = describe(k.Certificate)
		out, err = m.local(cmd.Context(), f, k, t, in)
	}
	if err != nil {
		return t.sorted(err)
	}
	return t.deliver(f, result, out)
}

// deliver writes the signed document.
func (t *tool) deliver(f *signFlags, result *Signed, out []byte) error {
	result.Octets = len(out)
	switch {
	case f.output != "":
		if err := t.write(f.output, out); err != nil {
			return err
		}
		result.File = f.output
		t.say("signed: %s, %d octets", f.output, len(out))
	case *t.JSON:
		result.Document = base64.StdEncoding.EncodeToString(out)
	default:
		if _, err := t.Stdout.Write(out); err != nil {
			return t.unavailable(record.NewProblem("file.unwritable", "", "", "standard output cannot be written"))
		}
	}
	t.Result(result)
	return nil
}

// key opens the key and pairs it with its certificate.
func (t *tool) key(f *signFlags) (*keystore.Key, error) {
	k, err := keystore.Open(f.key, f.password)
	if err != nil {
		return nil, t.sorted(err)
	}
	if f.certificate != "" {
		all, err := t.certificates([]string{f.certificate})
		if err != nil {
			return nil, err
		}
		k.Certificate, k.Others = all[0], append(k.Others, all[1:]...)
	}
	if k.Certificate == nil {
		return nil, record.NewProblem("keystore.no_certificate", f.key, hints["keystore.no_certificate"], "the key file holds no certificate")
	}
	if s, err := k.Suite(); err == nil && s.Name == "GOST-2004" {
		return nil, record.NewProblem("sign.verification_only", f.key, "sign with a key of GOST R 34.10-2015", "GOST 34.310-2004 is superseded: its signatures are verified, and no longer made")
	}
	return k, nil
}

// signCMS adds the certificates of authorities that came with the key.
func signCMS(ctx context.Context, f *signFlags, k *keystore.Key, t *tool, in []byte) ([]byte, error) {
	opts := cms.Options{Detached: f.detached, Time: t.Now(), Certificates: k.Others}
	if f.tsp != "" {
		opts.Stamp = func(signature []byte) ([]byte, error) { return t.stamp(ctx, f.tsp, k, signature) }
	}
	return cms.Sign(rand.Reader, in, opts, cms.Key{Signer: k.Signer, Certificate: k.Certificate})
}

// stamp asks an authority for a token over a signature, under the hash function of the
// signature. The token must be the answer to the question and bear the authority's
// signature; whether the authority is trusted is asked by whoever verifies the document.
func (t *tool) stamp(ctx context.Context, url string, k *keystore.Key, signature []byte) ([]byte, error) {
	s, err := k.Suite()
	if err != nil {
		return nil, err
	}
	digest, _ := cert.DigestByOID(s.DigestOID.String())
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, err
	}
	authority := &cms.Authority{URL: url, Client: &fetch.Client{Transport: t.Transport}, Digest: digest}
	question, answer, err := authority.Ask(ctx, signature, nonce)
	if err != nil {
		return nil, err
	}
	v := &cms.Verifier{Chain: cert.Verifier{Now: t.Now()}}
	token, ts, _, err := v.VerifyResponse(ctx, question, answer)
	if ts == nil || record.CodeOf(err) == "tsp.future" {
		return nil, err
	}
	return token, nil
}

func xmlSigner(k *keystore.Key) xmldsig.Signer {
	return xmldsig.Signer{Key: k.Signer, Certificate: k.Certificate, Rand: rand.Reader}
}

func signXML(_ context.Context, _ *signFlags, k *keystore.Key, _ *tool, in []byte) ([]byte, error) {
	plain, err := xmlText(in)
	if err != nil {
		return nil, err
	}
	doc, err := xmlread.Parse(plain, xmlread.DefaultLimits())
	if err != nil {
		return nil, err
	}
	return xmldsig.Sign(doc, xmlSigner(k))
}

func signWSSE(_ context.Context, f *signFlags, k *keystore.Key, _ *tool, in []byte) ([]byte, error) {
	content, err := bodyContent(in)
	if err != nil {
		return nil, err
	}
	doc, err := xmlread.Parse(content, xmlread.DefaultLimits().ForCanonical())
	if err != nil {
		return nil, err
	}
	id := f.id
	if id == "" {
		id = "id-" + record.NewID().String()
	}
	return soap.Sign(doc, id, xmlSigner(k))
}

// bodyContent returns the one element that is to stand in the body: the document, or, of
// a SOAP message without a header, what its body holds, with the namespaces in scope.
func bodyContent(in []byte) ([]byte, error) {
	plain, err := xmlText(in)
	if err != nil {
		return nil, err
	}
	doc, err := xmlread.Parse(plain, xmlread.DefaultLimits())
	if err != nil {
		return nil, err
	}
	if !xmlread.Is(doc.Root(), soap.Namespace, "Envelope") {
		return c14n.Method{}.Document(doc)
	}
	m, err := soap.Parse(plain, xmlread.DefaultLimits())
	if err != nil {
		return nil, err
	}
	inside, problem := xmlread.Children(m.Unverified())
	if problem != nil {
		return nil, problem
	}
	if len(xmlread.Find(doc.Root(), soap.Namespace, "Header")) > 0 || len(inside) != 1 {
		return nil, record.NewProblem("sign.envelope", "", "give the content of the body alone", "expected a message without a header whose body holds one element")
	}
	return c14n.Method{}.Element(inside[0])
}
