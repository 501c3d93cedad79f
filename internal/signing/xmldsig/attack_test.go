package xmldsig_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/c14n"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmltest"
)

// order is the honest document of the attacks; byID the same with an id on its root.
const (
	order = `<order><payee>A</payee><sum>100</sum></order>`
	byID  = `<order Id="doc"><payee>A</payee><sum>100</sum></order>`
	evil  = `<payee>M</payee><sum>999</sum>`
)

// signedByID signs byID with the reference "#doc" instead of "".
func signedByID(tb testing.TB, s xmldsig.Signer) string {
	tb.Helper()
	su, err := s.Suite()
	if err != nil {
		tb.Fatal(err)
	}
	form := xmldsig.Form{
		KeyInfo: func(der []byte) string {
			return "<ds:X509Data><ds:X509Certificate>" + base64.StdEncoding.EncodeToString(der) + "</ds:X509Certificate></ds:X509Data>"
		},
	}
	doc := read(tb, byID)
	ref := xmldsig.NewReference{URI: "#doc", Transforms: []string{xmldsig.Enveloped, c14n.Exclusive}, Digest: su.Digest([]byte(byID))}
	if err := form.Append(doc.Root(), s, ref); err != nil {
		tb.Fatal(err)
	}
	out, err := c14n.Method{}.Document(doc)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// signatureOf returns the text of the signature and of the document without it.
func signatureOf(text string) (signature, rest string) {
	from, to := strings.Index(text, "<ds:Signature"), strings.Index(text, "</ds:Signature>")+len("</ds:Signature>")
	return text[from:to], text[:from] + text[to:]
}

// inside puts more at the end of the signature.
func inside(signature, more string) string {
	return strings.TrimSuffix(signature, "</ds:Signature>") + more + "</ds:Signature>"
}

type attack struct{ name, code, text string }

// wrappings are the published variants 1 to 8 of signature wrapping (Somorovsky and
// others, "On Breaking SAML", 2012) on an enveloped signature by id, and duplicate ids.
func wrappings(tb testing.TB, s xmldsig.Signer) []attack {
	sig, original := signatureOf(signedByID(tb, s))
	honest := signedByID(tb, s)
	object := func(content string) string { return inside(sig, "<ds:Object>"+content+"</ds:Object>") }
	other := func(attr string) string {
		return strings.Replace(honest, "<payee>", "<payee "+attr+">", 1)
	}
	return []attack{
		{"XSW1: the original inside an Object, a new root", "xmldsig.not_covered", `<order Id="new">` + evil + object(original) + `</order>`},
		{"XSW2: the original beside a detached signature", "xmldsig.not_covered", `<order Id="new">` + evil + original + sig + `</order>`},
		{"XSW3: a new element before the original", "xmldsig.misplaced", `<all><order Id="new">` + evil + `</order>` + honest + `</all>`},
		{"XSW4: the original inside a new root", "xmldsig.misplaced", `<order Id="new">` + evil + honest + `</order>`},
		{"XSW5: the original behind the new root's signature", "xmldsig.not_covered", `<order Id="new">` + evil + sig + original + `</order>`},
		{"XSW6: the original inside the signature", "xmldsig.structure", `<order Id="new">` + evil + inside(sig, original) + `</order>`},
		{"XSW7: the same id inside an extension", "xmldsig.duplicate_id", `<order Id="doc"><ext>` + original + `</ext>` + evil + sig + `</order>`},
		{"XSW8: the same id inside an Object", "xmldsig.duplicate_id", `<order Id="doc">` + evil + object(original) + `</order>`},
		{"an id twice", "xmldsig.duplicate_id", other(`Id="doc"`)},
		{"an id as ID", "xmldsig.duplicate_id", other(`ID="doc"`)},
		{"an id as xml:id", "xmldsig.duplicate_id", other(`xml:id="doc"`)},
		{"an id as id", "xmldsig.duplicate_id", other(`id="doc"`)},
		{"an id as wsu:Id", "xmldsig.duplicate_id", other(`xmlns:w="` + xmldsig.WSU + `" w:Id="doc"`)},
		{"the id on a part only", "xmldsig.not_covered", strings.Replace(strings.Replace(honest, ` Id="doc"`, "", 1), "<payee>", `<payee Id="doc">`, 1)},
		{"the id nowhere", "xmldsig.unknown_id", strings.Replace(honest, `<order Id="doc"`, `<order Id="new"`, 1)},
	}
}

// disguises change the place of the signature, the document's prologue or its parts.
func disguises(tb testing.TB, s xmldsig.Signer) []attack {
	honest := signed(tb, order, s)
	sig, original := signatureOf(honest)
	doctype := `<!DOCTYPE order [<!ENTITY m "M"><!ATTLIST payee Id ID "doc">]>`
	many := strings.Replace(honest, sig, strings.Repeat(sig, 33), 1)
	return []attack{
		{"the sum changed", "xmldsig.digest", strings.Replace(honest, "100", "999", 1)},
		{"something added behind the signature", "xmldsig.digest", strings.Replace(honest, "</order>", "<sum>999</sum></order>", 1)},
		{"an instruction added before the document", "xmldsig.digest", "<?x y?>" + honest},
		{"a new root with the original in an Object", "xmldsig.digest", "<order>" + evil + inside(sig, "<ds:Object>"+original+"</ds:Object>") + "</order>"},
		{"a new root around the document", "xmldsig.misplaced", "<order>" + evil + honest + "</order>"},
		{"the signature inside a part", "xmldsig.misplaced", strings.Replace(original, "A</payee>", "A"+sig+"</payee>", 1)},
		{"the signature as the root", "xmldsig.misplaced", inside(sig, "<ds:Object>"+original+"</ds:Object>")},
		{"a signature inside the signature", "xmldsig.misplaced", strings.Replace(honest, sig, inside(sig, "<ds:Object>"+sig+"</ds:Object>"), 1)},
		{"the signature twice", "xmldsig.digest", strings.Replace(honest, sig, sig+sig, 1)},
		{"many signatures", "xmldsig.too_many", many},
		{"no signature", "xmldsig.no_signature", original},
		{"a signature of another namespace", "xmldsig.no_signature", strings.Replace(honest, xmldsig.Namespace, "urn:x", 1)},
		{"a DOCTYPE", "xml.doctype", doctype + honest},
		{"a DOCTYPE of the net", "xml.doctype", `<!DOCTYPE order SYSTEM "http://127.0.0.1/x.dtd">` + honest},
		{"an entity of a DOCTYPE", "xml.doctype", doctype + strings.Replace(honest, "A</payee>", "&m;</payee>", 1)},
		{"an entity without a DOCTYPE", "xml.entity", strings.Replace(honest, "A</payee>", "&m;</payee>", 1)},
		{"another encoding", "xml.encoding", `<?xml version="1.0" encoding="UTF-7"?>` + honest},
		{"a second document behind", "xml.root", honest + honest},
	}
}

// forgeries change what the signature says about itself.
func forgeries(tb testing.TB, s xmldsig.Signer) []attack {
	honest := signed(tb, order, s)
	replace := func(old, with string) string {
		if !strings.Contains(honest, old) {
			tb.Fatalf("no %q in the document", old)
		}
		return strings.Replace(honest, old, with, 1)
	}
	between := func(open, end, with string) string {
		from := strings.Index(honest, open)
		return honest[:from] + with + honest[from+strings.Index(honest[from:], end)+len(end):]
	}
	reference := part(honest, "<ds:Reference", "</ds:Reference>")
	transforms := `<ds:Transforms>`
	algorithm := func(uri string) string { return `<ds:Transform Algorithm="` + uri + `"></ds:Transform>` }
	enveloped := algorithm(xmldsig.Enveloped)
	canon := `<ds:CanonicalizationMethod Algorithm="` + c14n.Inclusive + `">`
	method := `<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256">`
	digest := part(honest, "<ds:DigestValue>", "</ds:DigestValue>")
	short := base64.StdEncoding.EncodeToString(make([]byte, 16))
	xpath := `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>not(ancestor-or-self::sum)</ds:XPath></ds:Transform>`
	return []attack{
		{"no references", "xmldsig.no_reference", between("<ds:Reference", "</ds:Reference>", "")},
		{"the document referenced twice", "xmldsig.not_covered", replace(reference, reference+reference)},
		{"many references", "xmldsig.too_many", replace(reference, strings.Repeat(reference, 17))},
		{"a reference to a part", "xmldsig.not_covered", strings.Replace(replace(`URI=""`, `URI="#p"`), "<payee>", `<payee Id="p">`, 1)},
		{"a reference to the net", "xmldsig.reference_uri", replace(`URI=""`, `URI="http://127.0.0.1/x"`)},
		{"a reference to a file", "xmldsig.reference_uri", replace(`URI=""`, `URI="file:///etc/passwd"`)},
		{"a reference by XPointer", "xmldsig.reference_uri", replace(`URI=""`, `URI="#xpointer(/)"`)},
		{"a reference without a URI", "xmldsig.reference_uri", replace(` URI=""`, ``)},
		{"an XPath transform", "xmldsig.transform", replace(transforms, transforms+xpath)},
		{"an XPath transform behind", "xmldsig.transform", replace(enveloped, enveloped+xpath)},
		{"an XSLT transform", "xmldsig.transform", replace(enveloped, enveloped+algorithm("http://www.w3.org/TR/1999/REC-xslt-19991116"))},
		{"a base64 transform", "xmldsig.transform", replace(enveloped, enveloped+algorithm(xmldsig.Namespace+"base64"))},
		{"an XPath filter", "xmldsig.transform", replace(enveloped, enveloped+algorithm("http://www.w3.org/2002/06/xmldsig-filter2"))},
		{"enveloped twice", "xmldsig.transform", replace(enveloped, enveloped+enveloped)},
		{"canonicalised twice", "xmldsig.transform", replace(enveloped, enveloped+algorithm(c14n.Inclusive))},
		{"not enveloped", "xmldsig.not_covered", replace(enveloped, "")},
		{"parameters of a transform", "xmldsig.transform", replace(enveloped, strings.Replace(enveloped, "></", "><x></x></", 1))},
		{"another canonicalisation", "xmldsig.canonicalization", replace(canon, `<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116">`)},
		{"parameters of canonicalisation", "xmldsig.canonicalization", replace(canon, canon+`<InclusiveNamespaces xmlns="`+c14n.Exclusive+`" PrefixList="a"/>`)},
		{"HMAC keyed with the certificate", "xmldsig.signature_method", keyedWithCertificate(honest, method, s)},
		{"a truncated HMAC", "xmldsig.signature_method", replace(method, method+"<ds:HMACOutputLength>0</ds:HMACOutputLength>")},
		{"SHA-1 under the signature", "xmldsig.signature_method", replace("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1")},
		{"SHA-1 under the content", "xmldsig.digest_method", replace("2001/04/xmlenc#sha256", "2000/09/xmldsig#sha1")},
		{"the digest of another suite", "xmldsig.digest_method", replace("2001/04/xmlenc#sha256", "2001/04/xmldsig-more#gost34311")},
		{"a truncated digest", "xmldsig.digest_length", replace(digest, "<ds:DigestValue>"+short+"</ds:DigestValue>")},
		{"an empty digest", "xml.base64", replace(digest, "<ds:DigestValue></ds:DigestValue>")},
		{"an empty signature", "xml.base64", between("<ds:SignatureValue>", "</ds:SignatureValue>", "<ds:SignatureValue></ds:SignatureValue>")},
		{"a signature of zeros", "xmldsig.signature", between("<ds:SignatureValue>", "</ds:SignatureValue>", "<ds:SignatureValue>"+short+"</ds:SignatureValue>")},
		{"a comment in the digest", "xml.unexpected", replace("<ds:DigestValue>", "<ds:DigestValue><!-- -->")},
		{"a comment in the signature", "xml.unexpected", replace("<ds:SignatureValue>", "<ds:SignatureValue>AAAA<!-- -->")},
		{"a comment in SignedInfo", "xml.unexpected", replace("<ds:SignedInfo>", "<ds:SignedInfo><!-- -->")},
		{"text in SignedInfo", "xml.unexpected", replace("<ds:SignedInfo>", "<ds:SignedInfo>x")},
		{"an attribute in SignedInfo", "xml.unexpected", replace("<ds:Reference ", `<ds:Reference Foo="" `)},
		{"two SignedInfo", "xmldsig.structure", replace("</ds:SignedInfo>", "</ds:SignedInfo><ds:SignedInfo></ds:SignedInfo>")},
		{"two KeyInfo", "xmldsig.structure", replace("</ds:KeyInfo>", "</ds:KeyInfo><ds:KeyInfo></ds:KeyInfo>")},
		{"two digests", "xmldsig.structure", replace(digest, digest+digest)},
		{"a bare key", "xmldsig.key_info", between("<ds:X509Data>", "</ds:X509Data>", "<ds:KeyValue><ds:RSAKeyValue></ds:RSAKeyValue></ds:KeyValue>")},
		{"a key of the net", "xmldsig.key_info", between("<ds:X509Data>", "</ds:X509Data>", `<ds:RetrievalMethod URI="http://127.0.0.1/x"></ds:RetrievalMethod>`)},
		{"no KeyInfo", "xmldsig.key_info", between("<ds:KeyInfo>", "</ds:KeyInfo>", "")},
		{"another's certificate", "xmldsig.signature", withCertificate(honest, xmltest.Signer(tb, "RSA-SHA256", "b"))},
		{"a certificate of another algorithm", "xmldsig.key", withCertificate(honest, xmltest.Signer(tb, "GOST-2015-512", "a"))},
		{"the algorithm swapped under the certificate", "xmldsig.key", withCertificate(signed(tb, order, xmltest.Signer(tb, "GOST-2015-512", "a")), s)},
	}
}

func part(text, open, end string) string {
	from := strings.Index(text, open)
	return text[from : from+strings.Index(text[from:], end)+len(end)]
}

// withCertificate exchanges the certificate in KeyInfo.
func withCertificate(text string, s xmldsig.Signer) string {
	old := part(text, "<ds:X509Certificate>", "</ds:X509Certificate>")
	return strings.Replace(text, old, "<ds:X509Certificate>"+base64.StdEncoding.EncodeToString(s.Certificate.Raw)+"</ds:X509Certificate>", 1)
}

// keyedWithCertificate signs SignedInfo by HMAC with the public certificate as the key.
func keyedWithCertificate(text, method string, s xmldsig.Signer) string {
	text = strings.Replace(text, method, `<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256">`, 1)
	mac := hmac.New(sha256.New, s.Certificate.Raw)
	mac.Write([]byte(strings.Replace(part(text, "<ds:SignedInfo>", "</ds:SignedInfo>"), "<ds:SignedInfo>",
		`<ds:SignedInfo xmlns:ds="`+xmldsig.Namespace+`">`, 1)))
	return strings.Replace(text, part(text, "<ds:SignatureValue>", "</ds:SignatureValue>"),
		"<ds:SignatureValue>"+base64.StdEncoding.EncodeToString(mac.Sum(nil))+"</ds:SignatureValue>", 1)
}

// codeOf returns the code with which a document is refused, or "".
func codeOf(text []byte) string {
	_, _, err := verify(text)
	if err == nil {
		return ""
	}
	if code := record.CodeOf(err); code != "" {
		return code
	}
	return "no code: " + err.Error()
}

func TestAttacks(t *testing.T) {
	s := xmltest.Signer(t, "RSA-SHA256", "a")
	for _, honest := range []string{signed(t, order, s), signedByID(t, s)} {
		if code := codeOf([]byte(honest)); code != "" {
			t.Fatalf("the honest document is refused: %s", code)
		}
	}
	attacks := append(append(wrappings(t, s), disguises(t, s)...), forgeries(t, s)...)
	for _, a := range attacks {
		if got := codeOf([]byte(a.text)); got != a.code {
			t.Errorf("%s: got %q, want %q\n%s", a.name, got, a.code, a.text)
		}
	}
	t.Logf("%d attacks refused", len(attacks))
}

// TestCommentsSplitNothing: a comment inside signed text does not break the signature,
// and is not in what the caller gets.
func TestCommentsSplitNothing(t *testing.T) {
	s := xmltest.Signer(t, "GOST-2015-512", "a")
	text := strings.Replace(signed(t, "<r><name>admin.evil</name></r>", s), "admin.evil", "admin<!-- -->.evil", 1)
	all, _, err := verify(text)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := all[0].Whole().Document(xmlread.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	name := doc.FindElement("//name")
	if len(name.Child) != 1 || name.Text() != "admin.evil" || bytes.Contains(all[0].Whole().Octets(), []byte("<!--")) {
		t.Errorf("the caller gets %s", all[0].Whole().Octets())
	}
}
