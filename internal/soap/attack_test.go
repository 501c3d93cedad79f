package soap_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/c14n"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmltest"
	"birgeoqy.kz/almasu/internal/soap"
)

const (
	honestContent = `<pay><to>A</to><sum>100</sum></pay>`
	evilContent   = `<pay><to>M</to><sum>999</sum></pay>`
)

type attack struct{ name, code, text string }

// cut returns the text from open to end, end included.
func cut(text, open, end string) string {
	from := strings.Index(text, open)
	return text[from : from+strings.Index(text[from:], end)+len(end)]
}

// body is a Body of the attacker's with that start tag's attributes.
func body(attributes, content string) string {
	return `<soapenv:Body xmlns:wsu="` + xmldsig.WSU + `" ` + attributes + `>` + content + `</soapenv:Body>`
}

// wrappings move the Body that was signed, and put another in its place: the published
// variants for SOAP (McIntosh and Austel, 2005) and those of enveloped signatures.
func wrappings(honest string) []attack {
	original := cut(honest, "<soapenv:Body", "</soapenv:Body>")
	security := cut(honest, "<wsse:Security", "</wsse:Security>")
	same, fresh := body(`wsu:Id="`+id+`"`, evilContent), body(`wsu:Id="id-new"`, evilContent)
	with := func(inHeader, newBody string) string {
		text := strings.Replace(honest, original, newBody, 1)
		return strings.Replace(text, "</soapenv:Header>", inHeader+"</soapenv:Header>", 1)
	}
	inSecurity := func(more string) string {
		text := strings.Replace(honest, original, fresh, 1)
		return strings.Replace(text, "</wsse:Security>", more+"</wsse:Security>", 1)
	}
	inSignature := func(more string) string {
		text := strings.Replace(honest, original, fresh, 1)
		return strings.Replace(text, "</ds:Signature>", more+"</ds:Signature>", 1)
	}
	renamed := strings.ReplaceAll(original, "soapenv:Body", "soapenv:body")
	return []attack{
		{"the Body in a wrapper in the Header, a new id", "soap.wrapped", with("<w>"+original+"</w>", fresh)},
		{"the Body in a wrapper in the Header, the same id", "soap.wrapped", with("<w>"+original+"</w>", same)},
		{"the Body in a wrapper in the Header, no id", "soap.wrapped", with("<w>"+original+"</w>", body("", evilContent))},
		{"the Body as a header block", "soap.wrapped", with(original, fresh)},
		{"the Body in the Security header", "soap.wrapped", inSecurity(original)},
		{"the Body in the Signature", "soap.wrapped", inSignature(original)},
		{"the Body in an Object of the Signature", "soap.wrapped", inSignature("<ds:Object>" + original + "</ds:Object>")},
		{"the Body inside the new Body", "soap.wrapped", with("", body(`wsu:Id="id-new"`, evilContent+original))},
		{"the Body under another name in a wrapper", "soap.body_not_signed", with("<w>"+renamed+"</w>", fresh)},
		{"the Body under another name, the same id", "xmldsig.duplicate_id", with("<w>"+renamed+"</w>", same)},
		{"the Body under another name in the new Body", "soap.body_not_signed", with("", body(`wsu:Id="id-new"`, evilContent+renamed))},
		{"two Bodies", "soap.structure", strings.Replace(honest, original, original+fresh, 1)},
		{"two Bodies, the new one first", "soap.structure", strings.Replace(honest, original, fresh+original, 1)},
		{"a part behind the Body", "soap.structure", strings.Replace(honest, original, original+"<w></w>", 1)},
		{"a part before the Header", "soap.structure", strings.Replace(honest, "<soapenv:Header>", "<w></w><soapenv:Header>", 1)},
		{"two Headers", "soap.structure", strings.Replace(honest, "<soapenv:Header>", "<soapenv:Header></soapenv:Header><soapenv:Header>", 1)},
		{"an envelope inside the Body", "soap.wrapped", string(soap.Unsigned([]byte(honest)))},
		{"an envelope inside the Header", "soap.wrapped", with(honest, fresh)},
		{"another root element", "soap.version", "<w>" + honest + "</w>"},
		{"SOAP 1.2", "soap.version", strings.ReplaceAll(honest, soap.Namespace, "http://www.w3.org/2003/05/soap-envelope")},
		{"two Security headers", "soap.structure", strings.Replace(honest, security, security+security, 1)},
		{"the Security header in a wrapper", "soap.wrapped", strings.Replace(honest, security, "<w>"+security+"</w>", 1)},
		{"the Security header in the Body", "soap.wrapped", strings.Replace(strings.Replace(honest, security, "", 1), honestContent, honestContent+security, 1)},
		{"the Body replaced", "xmldsig.digest", strings.Replace(honest, honestContent, evilContent, 1)},
		{"the Body replaced, a new id", "xmldsig.unknown_id", strings.Replace(honest, original, fresh, 1)},
		{"the id twice, in the content", "xmldsig.duplicate_id", strings.Replace(honest, "<to>", `<to Id="`+id+`">`, 1)},
		{"the id twice, on the Header", "xmldsig.duplicate_id", strings.Replace(honest, "<soapenv:Header>", `<soapenv:Header ID="`+id+`">`, 1)},
		{"the id twice, as id", "xmldsig.duplicate_id", strings.Replace(honest, "<to>", `<to id="`+id+`">`, 1)},
	}
}

// disguises change the signature, its place and its reference.
func disguises(tb testing.TB, honest string, s xmldsig.Signer) []attack {
	signature := cut(honest, "<ds:Signature", "</ds:Signature>")
	reference := cut(honest, "<ds:Reference", "</ds:Reference>")
	replace := func(old, with string) string {
		if !strings.Contains(honest, old) {
			tb.Fatalf("no %q in the message", old)
		}
		return strings.Replace(honest, old, with, 1)
	}
	transform := `<ds:Transform Algorithm="` + c14n.Exclusive + `">`
	other := xmltest.Signer(tb, "RSA-SHA256", "b")
	b64 := base64.StdEncoding.EncodeToString
	alone := strings.Replace(signature, "<ds:Signature", `<ds:Signature xmlns:wsse="`+soap.WSSE+`"`, 1)
	return []attack{
		{"no Security header", "soap.unsigned", replace(cut(honest, "<wsse:Security", "</wsse:Security>"), "")},
		{"no Header", "soap.unsigned", replace(cut(honest, "<soapenv:Header>", "</soapenv:Header>"), "")},
		{"no Signature", "soap.unsigned", replace(signature, "")},
		{"two Signatures", "soap.many_signatures", replace(signature, signature+signature)},
		{"the Signature in a wrapper", "soap.misplaced", replace(signature, "<w>"+signature+"</w>")},
		{"the Signature beside Security", "soap.misplaced", strings.Replace(replace(signature, ""), "</soapenv:Header>", alone+"</soapenv:Header>", 1)},
		{"the Signature in the Body", "soap.unsigned", strings.Replace(replace(signature, ""), "<pay>", alone+"<pay>", 1)},
		{"a Signature inside the Signature", "soap.misplaced", replace("</ds:Signature>", "<ds:Object>"+signature+"</ds:Object></ds:Signature>")},
		{"no references", "xmldsig.no_reference", replace(reference, "")},
		{"two references", "soap.references", replace(reference, reference+reference)},
		{"a reference to the whole message", "soap.body_not_signed", replace(`URI="#`+id+`"`, `URI=""`)},
		{"a reference to a header", "soap.body_not_signed", strings.Replace(replace(`URI="#`+id+`"`, `URI="#h"`), "<soapenv:Header>", `<soapenv:Header Id="h">`, 1)},
		{"a reference to a part of the content", "soap.body_not_signed", strings.Replace(replace(`URI="#`+id+`"`, `URI="#p"`), "<pay>", `<pay Id="p">`, 1)},
		{"a reference to nothing", "xmldsig.unknown_id", replace(`URI="#`+id+`"`, `URI="#none"`)},
		{"a reference by attachment", "xmldsig.reference_uri", replace(`URI="#`+id+`"`, `URI="cid:part1"`)},
		{"an enveloped transform", "soap.references", replace(transform, `<ds:Transform Algorithm="`+xmldsig.Enveloped+`"/>`+transform)},
		{"inclusive canonicalisation", "soap.references", replace(transform, `<ds:Transform Algorithm="`+c14n.Inclusive+`">`)},
		{"the STR transform", "xmldsig.transform", replace(transform, `<ds:Transform Algorithm="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform">`)},
		{"an XPath transform", "xmldsig.transform", replace(transform, `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"/>`+transform)},
		{"HMAC", "xmldsig.signature_method", replace("xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256")},
		{"a comment in the digest", "xml.unexpected", replace("<ds:DigestValue>", "<ds:DigestValue><!-- -->")},
		{"a comment between the parts", "xml.unexpected", replace("<soapenv:Body", "<!-- --><soapenv:Body")},
		{"text between the parts", "xml.unexpected", replace("<soapenv:Body", "x<soapenv:Body")},
		{"another's certificate", "xmldsig.signature", replace(b64(s.Certificate.Raw), b64(other.Certificate.Raw))},
		{"another block that must be understood", "soap.must_understand", replace("<soapenv:Header>", `<soapenv:Header><w xmlns="urn:w" soapenv:mustUnderstand="1"/>`)},
		{"a DOCTYPE", "xml.doctype", `<!DOCTYPE x [<!ENTITY e "999">]>` + replace(">100<", ">&e;<")},
		{"an entity", "xml.entity", replace(">100<", ">&e;<")},
	}
}

func TestAttacks(t *testing.T) {
	s := xmltest.Signer(t, "RSA-SHA256", "a")
	honest := signed(t, honestContent, s)
	if _, code := verify(honest, nil); code != "" {
		t.Fatalf("the honest message is refused: %s", code)
	}
	attacks := append(wrappings(honest), disguises(t, honest, s)...)
	for _, a := range attacks {
		if _, got := verify(a.text, nil); got != a.code {
			t.Errorf("%s: got %q, want %q\n%s", a.name, got, a.code, a.text)
		}
	}
	t.Logf("%d attacks refused", len(attacks))
}

// TestOwnSignatureInContent: a business document that carries its own signature is
// content like any other.
func TestOwnSignatureInContent(t *testing.T) {
	s := xmltest.Signer(t, "GOST-2015-512", "a")
	doc, err := xmlread.Parse([]byte("<doc><a>1</a></doc>"), xmlread.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	business, err := xmldsig.Sign(doc, s)
	if err != nil {
		t.Fatal(err)
	}
	v, code := verify(signed(t, string(business), s), nil)
	if code != "" {
		t.Fatal(code)
	}
	inner := []byte(cut(string(v.Octets()), "<doc>", "</doc>"))
	if _, _, err := xmldsig.Verify(inner, xmlread.DefaultLimits(), nil); err != nil {
		t.Error(err)
	}
}

// TestMutations changes every octet of signed messages in turn. Whatever is changed, the
// message is refused with a code, or its signer is not trusted, or the octet is in the
// unsigned frame and the verified Body is the same.
func TestMutations(t *testing.T) {
	s := xmltest.Signer(t, "GOST-2015-512", "a")
	honest := []byte(signed(t, contents["values"], s))
	want, _ := verify(string(honest), nil)
	verifier := &cert.Verifier{Roots: cert.NewPool(s.Certificate), Now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), Revocation: cert.Unchecked("test")}
	codes := map[string]int{}
	for i := range honest {
		text := bytes.Clone(honest)
		text[i] ^= 1
		v, code := verify(string(text), nil)
		if code == "" {
			code = "not trusted"
			if _, _, err := verifier.Verify(context.Background(), v.Signer()); err == nil {
				code = "frame"
			}
			if !bytes.Equal(v.Octets(), want.Octets()) {
				t.Errorf("octet %d: another Body\n%s", i, text)
			}
		}
		codes[code]++
	}
	t.Logf("%d octets: %v", len(honest), codes)
	// The names mustUnderstand and EncodingType, and the value "1", are such octets.
	if codes["frame"] > len("mustUnderstand")+len("EncodingType")+1 || codes["xmldsig.digest"] == 0 || codes["xmldsig.signature"] == 0 {
		t.Error("the outcomes are not those expected")
	}
}

var update = flag.Bool("update", false, "sign the messages of testdata again")

// fixtures are the messages of testdata.
var fixtures = []string{"plain", "redeclared", "values"}

func fixture(suite, title string) string { return filepath.Join("testdata", suite+"-"+title+".xml") }

// TestFixtures verifies the signed messages of testdata; with -update it signs them
// again, with new keys.
func TestFixtures(t *testing.T) {
	for _, name := range xmltest.Suites {
		for _, title := range fixtures {
			content, path := contents[title], fixture(name, title)
			if *update {
				if err := os.WriteFile(path, []byte(signed(t, content, xmltest.Signer(t, name, "fixture"))), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			v, code := verify(string(text), nil)
			if code != "" || !bytes.Contains(v.Octets(), []byte(content)) {
				t.Errorf("%s: %s", path, code)
			}
		}
	}
}

// FuzzVerify: no input panics, every refusal has a code, and whatever verifies with the key of a
// fixture is a Body which that key signed.
func FuzzVerify(f *testing.F) {
	covered, signers := map[string]bool{}, map[string]bool{}
	for _, name := range xmltest.Suites {
		for _, title := range fixtures {
			text, err := os.ReadFile(fixture(name, title))
			if err != nil {
				f.Fatal(err)
			}
			v, code := verify(string(text), nil)
			if code != "" {
				f.Fatal(code)
			}
			covered[string(v.Octets())] = true
			signers[string(v.Signer().RawSPKI)] = true
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, code := verify(string(text), nil)
		if code == "" && signers[string(v.Signer().RawSPKI)] && !covered[string(v.Octets())] {
			t.Fatalf("verified, but never signed: %q", v.Octets())
		}
		if strings.Contains(code, " ") {
			t.Fatalf("no code: %s", code)
		}
	})
}
