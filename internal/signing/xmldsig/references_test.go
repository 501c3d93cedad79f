package xmldsig_test

import (
	"strings"
	"testing"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/c14n"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmltest"
)

var bareForm = xmldsig.Form{KeyInfo: func([]byte) string { return "" }}

// digestOf returns the digest of an element by its exclusive canonical form.
func digestOf(tb testing.TB, s xmldsig.Signer, text string) []byte {
	tb.Helper()
	su, err := s.Suite()
	if err != nil {
		tb.Fatal(err)
	}
	return su.Digest([]byte(text))
}

// TestReferenceInside: a second reference, to an Object of the signature, as XAdES has one.
func TestReferenceInside(t *testing.T) {
	s := xmltest.Signer(t, "GOST-2015-512", "a")
	object := `<ds:Object xmlns:ds="` + xmldsig.Namespace + `" Id="props"><p xmlns="urn:p">1</p></ds:Object>`
	doc := read(t, "<r><a>1</a></r>")
	refs := []xmldsig.NewReference{
		{URI: "#props", Transforms: []string{c14n.Exclusive}, Digest: digestOf(t, s, object)},
		{Transforms: []string{xmldsig.Enveloped}, Digest: digestOf(t, s, "<r><a>1</a></r>")},
	}
	if err := bareForm.Append(doc.Root(), s, refs...); err != nil {
		t.Fatal(err)
	}
	out, err := c14n.Method{}.Document(doc)
	if err != nil {
		t.Fatal(err)
	}
	text := withCertificate(strings.Replace(string(out), "<ds:KeyInfo></ds:KeyInfo></ds:Signature>",
		"<ds:KeyInfo><ds:X509Data><ds:X509Certificate></ds:X509Certificate></ds:X509Data></ds:KeyInfo>"+object+"</ds:Signature>", 1), s)
	all, checks, err := verify(text)
	if err != nil {
		t.Fatalf("%v\n%v", err, checks)
	}
	if got := string(all[0].Whole().Octets()); got != "<r><a>1</a></r>" || len(all[0].Contents()) != 2 {
		t.Errorf("covered: %s", got)
	}
	if code := codeOf([]byte(strings.Replace(text, ">1</p>", ">2</p>", 1))); code != "xmldsig.digest" {
		t.Errorf("the Object changed: %q", code)
	}
}

// TestPartsByID: references to parts of a document that the signature stands beside.
func TestPartsByID(t *testing.T) {
	s := xmltest.Signer(t, "RSA-SHA256", "a")
	const first, second = `<a Id="a">1</a>`, `<b xmlns:w="` + xmldsig.WSU + `" w:Id="b">2</b>`
	doc := read(t, "<r>"+first+second+"<c>3</c></r>")
	refs := []xmldsig.NewReference{
		{URI: "#a", Transforms: []string{c14n.Exclusive}, Digest: digestOf(t, s, first)},
		{URI: "#b", Transforms: []string{c14n.ExclusiveWithComments}, Digest: digestOf(t, s, second)},
	}
	if err := bareForm.Append(doc.Root(), s, refs...); err != nil {
		t.Fatal(err)
	}
	verifyWith := func(known ...*cert.Certificate) (*xmldsig.Verified, cert.Checks, error) {
		var checks cert.Checks
		sig, problem := xmldsig.Read(xmldsig.Find(doc.Root())[0])
		if problem != nil {
			t.Fatal(problem)
		}
		ids, problem := xmldsig.NewIDs(doc.Root())
		if problem != nil {
			t.Fatal(problem)
		}
		find := func(*etree.Element) ([]*cert.Certificate, *record.Problem) { return known, nil }
		v, err := sig.Verify(doc, ids, find, &checks)
		return v, checks, err
	}
	v, _, err := verifyWith(xmltest.Signer(t, "GOST-2015-512", "a").Certificate, xmltest.Signer(t, "RSA-SHA256", "b").Certificate, s.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if c := v.Contents(); len(c) != 2 || string(c[0].Octets()) != first || string(c[1].Octets()) != second || v.Whole().Octets() != nil {
		t.Errorf("covered: %v", c)
	}
	text, err := c14n.Method{}.Document(doc)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := verify(text); record.CodeOf(err) != "xmldsig.not_covered" {
		t.Errorf("as a document: %v", err)
	}
	doc.FindElement("//a").SetText("9")
	_, checks, err := verifyWith()
	if record.CodeOf(err) != "xmldsig.key" || len(checks) != 4 || checks[2].Code != "xmldsig.digest" || checks[3].Outcome != cert.Passed {
		t.Errorf("every check is made after a failure: %v\n%v", err, checks)
	}
}
