// Command generate writes the fixtures of the signing packages: for each family of
// algorithms a root, an authority, a time-stamping authority, a responder and four
// people (valid, of an organisation, revoked, expired), with key containers, signed
// documents, time stamps, lists and answers, in the forms of the national authority. The
// keys are random; the files in the repository were written by one run and are valid
// until 2070. Package testca embeds them, so write to another folder first.
//
//	go run ./internal/signing/cert/testca/generate DIRECTORY
package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
	"birgeoqy.kz/almasu/internal/signing/cms"
)

// password of every container.
const password = testca.Password

var (
	from    = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	to      = time.Date(2070, 1, 1, 0, 0, 0, 0, time.UTC)
	signed  = time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	content = []byte("Үлгі құжат: synthetic document, документ-образец\r\n")
)

// families pairs a folder with a kind of key and the hash function of its imprints.
var families = []struct{ dir, kind, digest string }{
	{"gost2015", testca.GOST2015, "1.2.398.3.10.1.3.3"},
	{"gost2004", testca.GOST2004, "1.2.398.3.10.1.3.1"},
	{"rsa", testca.RSA, "2.16.840.1.101.3.4.2.1"},
	{"tc26", testca.TC26, "1.2.643.7.1.1.2.3"},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate DIRECTORY")
		os.Exit(2)
	}
	for _, f := range families {
		if err := write(filepath.Join(os.Args[1], f.dir), f.kind, f.digest); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// family is the people and services of one hierarchy.
type family struct {
	kind, digest                                                     string
	root, ca, tsa, responder, person, organisation, revoked, expired *testca.Identity
}

func newFamily(kind, digest string) *family {
	f := &family{kind: kind, digest: digest}
	root := testca.Template{Name: testca.Authority("ҮЛГІ НЕГІЗГІ ОРТАЛЫҚ " + kind), From: from, To: to, PathLen: -1}
	f.root = testca.Root(testca.NewKey(kind), root)
	f.ca = f.root.Issue(testca.NewKey(kind), testca.Template{
		Name: testca.Authority("ҮЛГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ " + kind), From: from, To: to, CA: true, PathLen: 0})
	f.tsa = f.issue(testca.Template{Name: testca.Authority("ҮЛГІ УАҚЫТ БЕЛГІСІ"), To: to,
		KeyUsage: cert.DigitalSignature, ExtUsage: []string{cert.UsageTimeStamping}, ExtMarked: true})
	f.responder = f.issue(testca.Template{Name: testca.Authority("ҮЛГІ OCSP"), To: to,
		KeyUsage: cert.DigitalSignature, ExtUsage: []string{cert.UsageOCSPSigning}, NoCheck: true})
	people := testca.Template{To: to, KeyUsage: cert.DigitalSignature | cert.ContentCommitment,
		ExtUsage: []string{cert.UsageEmail, "1.2.398.3.3.4.1.1"},
		OCSP:     []string{"http://ocsp.example.kz/"}, CRLs: []string{"http://crl.example.kz/list.crl"}}
	person := people
	person.Name = testca.Person("850101100012", "")
	f.person = f.issue(person)
	organisation := people
	organisation.Name, organisation.ExtUsage = testca.Person("850101200019", "940140000385"), []string{cert.UsageEmail, "1.2.398.3.3.4.1.2"}
	f.organisation = f.issue(organisation)
	revoked := people
	revoked.Name = testca.Person("850101100022", "")
	f.revoked = f.issue(revoked)
	expired := people
	expired.Name, expired.To = person.Name, from.AddDate(1, 0, 0)
	f.expired = f.issue(expired)
	return f
}

func (f *family) issue(t testca.Template) *testca.Identity {
	t.From, t.PathLen = from, -1
	return f.ca.Issue(testca.NewKey(f.kind), t)
}

func write(dir, kind, digest string) error {
	f := newFamily(kind, digest)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files := map[string][]byte{"root.cer": f.root.Certificate.Raw, "ca.cer": f.ca.Certificate.Raw, "content.txt": content}
	for name, id := range map[string]*testca.Identity{"tsa": f.tsa, "responder": f.responder, "person": f.person, "organisation": f.organisation,
		"revoked": f.revoked, "expired": f.expired} {
		files[name+".p12"] = testca.PKCS12(password, id, f.ca)
		files[name+".cer"] = id.Certificate.Raw
	}
	f.status(files)
	if err := f.documents(files); err != nil {
		return err
	}
	var failures []error
	for name, b := range files {
		failures = append(failures, os.WriteFile(filepath.Join(dir, name), b, 0o644))
	}
	return errors.Join(failures...)
}

// status adds lists and answers.
func (f *family) status(files map[string][]byte) {
	revoked := testca.Revoked{Serial: f.revoked.Certificate.SerialNumber, At: signed.AddDate(0, -1, 0), Reason: 1}
	list := testca.List{This: signed, Next: to, Number: 7, Base: -1, Entries: []testca.Revoked{revoked}}
	list.BareInner = f.kind == testca.GOST2015 || f.kind == testca.GOST2004
	files["list.crl"] = f.ca.CRL(list)
	files["delta.crl"] = f.ca.CRL(testca.List{This: signed.Add(time.Hour), Next: to, Number: 8, Base: 7})
	answer := testca.Answer{This: signed, Next: to, Reason: -1}
	files["good.ocsp"] = f.responder.OCSP(f.person.Certificate, f.ca.Certificate, answer)
	answer.Revoked, answer.At, answer.Reason = true, revoked.At, 1
	files["revoked.ocsp"] = f.responder.OCSP(f.revoked.Certificate, f.ca.Certificate, answer)
}

// documents adds signed documents and time stamps.
func (f *family) documents(files map[string][]byte) error {
	d, ok := cert.DigestByOID(f.digest)
	if !ok {
		return errors.New("unknown hash function " + f.digest)
	}
	stamp := testca.Stamp{Time: signed, Policy: "1.2.398.3.3.2.6.4", Digest: d, Data: content, WithSHA1: true}
	files["content.tst"] = f.tsa.Token(stamp)
	files["content.tsr"] = testca.Response(f.tsa.Token(stamp))
	opts := cms.Options{Time: signed, Certificates: []*cert.Certificate{f.ca.Certificate}}
	detached := opts
	detached.Detached = true
	stamped := opts
	stamped.Stamp = func(signature []byte) ([]byte, error) {
		s := stamp
		s.Data = signature
		return f.tsa.Token(s), nil
	}
	key := func(id *testca.Identity) cms.Key { return cms.Key{Signer: id.Key, Certificate: id.Certificate} }
	for name, x := range map[string]struct {
		opts cms.Options
		keys []cms.Key
	}{
		"attached.p7s": {opts, []cms.Key{key(f.person)}},
		"detached.p7s": {detached, []cms.Key{key(f.person)}},
		"stamped.p7s":  {stamped, []cms.Key{key(f.person)}},
		"several.p7s":  {stamped, []cms.Key{key(f.person), key(f.organisation)}},
		"revoked.p7s":  {opts, []cms.Key{key(f.revoked)}},
		"expired.p7s":  {opts, []cms.Key{key(f.expired)}},
	} {
		b, err := cms.Sign(rand.Reader, content, x.opts, x.keys...)
		if err != nil {
			return err
		}
		files[name] = b
	}
	files["attached.ber"] = indefinite(files["attached.p7s"])
	return nil
}

// indefinite rewrites the outer layers of a document in BER with indefinite lengths
// and segmented content, as some libraries stream it.
func indefinite(der []byte) []byte {
	wrap := func(id byte, parts ...[]byte) []byte {
		out := []byte{id, 0x80}
		for _, p := range parts {
			out = append(out, p...)
		}
		return append(out, 0, 0)
	}
	info := ber.NewReader(der).Seq()
	oid := info.Next().Full
	sd := info.Explicit(0).Seq()
	version, digests := sd.Next().Full, sd.Next().Full
	encap := sd.Seq()
	kind, body := encap.Next().Full, encap.Explicit(0).Octets()
	half := len(body) / 2
	rest := [][]byte{version, digests, wrap(0x30, kind, wrap(0xa0, wrap(0x24, ber.Octets(body[:half]), ber.Octets(body[half:]))))}
	for !sd.Empty() {
		rest = append(rest, sd.Next().Full)
	}
	return wrap(0x30, oid, wrap(0xa0, wrap(0x30, rest...)))
}
