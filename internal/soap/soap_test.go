package soap_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/c14n"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmltest"
	"birgeoqy.kz/almasu/internal/soap"
)

const id = "id-7f3a2c"

// contents are in the exclusive canonical form of a child of Body.
var contents = map[string]string{
	"plain":      `<sc:SendMessage xmlns:sc="http://bip.bee.kz/SyncChannel/v10/Types"><request><requestInfo><messageId>1</messageId></requestInfo></request></sc:SendMessage>`,
	"redeclared": `<p:r xmlns:p="urn:1"><p:a xmlns:p="urn:2"><b xmlns="urn:d" p:x="1"><c xmlns=""></c></b></p:a><q:z xmlns:q="urn:q"></q:z></p:r>`,
	"values":     "<r a=\"1 2&#x9;3&#xA;4&#xD;5\" xml:lang=\"kk\">6&#xD;\n\t7&lt;b&gt;&amp;8</r>",
	"letters":    `<журнал атауы="Оқушылар тізімі"><оқушы>Әйгерім Ғабит Һәкімқызы Ұлы Өмір Үй Іс Қара Ң</оқушы></журнал>`,
	"envelope":   `<r wsu:y="2" soapenv:x="1"></r>`,
}

func message(tb testing.TB, text []byte) *soap.Message {
	tb.Helper()
	m, err := soap.Parse(text, xmlread.DefaultLimits())
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func signed(tb testing.TB, content string, s xmldsig.Signer) string {
	tb.Helper()
	out, err := soap.SignCanonical([]byte(content), id, s)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// TestPathsAreEqual: with and without a tree the same message comes out.
func TestPathsAreEqual(t *testing.T) {
	s := xmltest.Signer(t, "RSA-SHA256", "a") // PKCS #1 v1.5 is deterministic
	for title, content := range contents {
		if title == "envelope" { // it has no tree of its own
			continue
		}
		doc, err := xmlread.Parse([]byte(content), xmlread.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		want, err := soap.Sign(doc, id, s)
		if err != nil {
			t.Fatal(err)
		}
		if got := signed(t, content, s); got != string(want) {
			t.Errorf("%s\ngot  %s\nwant %s", title, got, want)
		}
	}
}

func TestSignVerify(t *testing.T) {
	for _, name := range xmltest.Suites {
		s := xmltest.Signer(t, name, "a")
		for title, content := range contents {
			t.Run(name+"/"+title, func(t *testing.T) {
				v, checks, err := message(t, []byte(signed(t, content, s))).Verify(nil)
				if err != nil {
					t.Fatalf("%v\n%v", err, checks)
				}
				if !bytes.Contains(v.Octets(), []byte(`wsu:Id="`+id+`">`+content+"</soapenv:Body>")) {
					t.Errorf("verified: %s", v.Octets())
				}
				if v.Body().Tag != "Body" || len(v.Body().ChildElements()) != 1 {
					t.Error("the tree is not the Body")
				}
				if !bytes.Equal(v.Signer().Raw, s.Certificate.Raw) || v.Suite().Name != name {
					t.Error("another signer")
				}
			})
		}
	}
}

// TestSourceForm: a message as other tools format it, with comments and white space.
func TestSourceForm(t *testing.T) {
	s := xmltest.Signer(t, "GOST-2015-512", "a")
	text := strings.Replace(signed(t, "<r>\n <a>1</a></r>", s), "<a>1", "<a><!-- dropped -->1", 1)
	text = strings.ReplaceAll(text, "\n", "\r\n")
	text = strings.Replace(text, "<soapenv:Header>", "\n\t<soapenv:Header>\n", 1)
	v, _, err := message(t, []byte("<?xml version=\"1.0\"?>\n"+text)).Verify(nil)
	if err != nil || bytes.Contains(v.Octets(), []byte("dropped")) {
		t.Errorf("%v", err)
	}
}

// withKeyInfo replaces the content of KeyInfo, which is not signed.
func withKeyInfo(text, content string) string {
	from, to := strings.Index(text, "<ds:KeyInfo>")+len("<ds:KeyInfo>"), strings.Index(text, "</ds:KeyInfo>")
	return text[:from] + content + text[to:]
}

const (
	x509Type = `"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"`
	base64In = `"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"`
)

func token(inner string) string {
	return `<wsse:SecurityTokenReference xmlns:wsu="` + xmldsig.WSU + `" wsu:Id="STR-1">` + inner + `</wsse:SecurityTokenReference>`
}

func issuerSerial(name, serial string) string {
	return token(`<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>` + name + `</ds:X509IssuerName><ds:X509SerialNumber>` +
		serial + `</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>`)
}

func TestKeyInfo(t *testing.T) {
	s := xmltest.Signer(t, "GOST-2015-512", "a")
	other := xmltest.Signer(t, "GOST-2015-512", "b")
	text := signed(t, contents["letters"], s)
	b64 := base64.StdEncoding.EncodeToString(s.Certificate.Raw)
	wrapped := strings.Join([]string{b64[:76], b64[76:152], b64[152:]}, "&#13;\n")
	binary := `<wsse:BinarySecurityToken EncodingType=` + base64In + ` ValueType=` + x509Type + ` wsu:Id="X509-1" xmlns:wsu="` + xmldsig.WSU + `">` +
		b64 + `</wsse:BinarySecurityToken>`
	security := `soapenv:mustUnderstand="1">`
	serial := s.Certificate.SerialNumber.String()
	pool := cert.NewPool(other.Certificate, s.Certificate)
	reversed := "C=KZ,CN=Синтетикалық GOST-2015-512 a"
	reference := token(`<wsse:Reference URI="#X509-1" ValueType=` + x509Type + `/>`)
	for _, c := range []struct{ name, text, code string }{
		{"held in lines", withKeyInfo(text, token(`<wsse:KeyIdentifier EncodingType=`+base64In+` ValueType=`+x509Type+`>`+wrapped+`</wsse:KeyIdentifier>`)), ""},
		{"binary token", withKeyInfo(strings.Replace(text, security, security+binary, 1), reference), ""},
		{"issuer and serial, reversed", withKeyInfo(text, issuerSerial(reversed, serial)), ""},
		{"issuer and serial, in order", withKeyInfo(text, issuerSerial("CN=Синтетикалық GOST-2015-512 a, C=KZ", "\n"+serial+"\n")), ""},
		{"X509Data alone", withKeyInfo(text, `<ds:X509Data><ds:X509Certificate>`+b64+`</ds:X509Certificate></ds:X509Data>`), ""},
		{"unknown serial", withKeyInfo(text, issuerSerial(reversed, serial+"1")), "xmldsig.unknown_signer"},
		{"unknown issuer", withKeyInfo(text, issuerSerial("C=KZ,CN=Another", serial)), "xmldsig.unknown_signer"},
		{"hexadecimal serial", withKeyInfo(text, issuerSerial(reversed, "0xAB")), "xmldsig.key_info"},
		{"another's certificate", withKeyInfo(text, issuerSerial("C=KZ,CN=Синтетикалық GOST-2015-512 b", other.Certificate.SerialNumber.String())), "xmldsig.signature"},
		{"no key information", withKeyInfo(text, ""), "soap.key_info"},
		{"a name only", withKeyInfo(text, `<ds:KeyName>a</ds:KeyName>`), "soap.key_info"},
		{"a bare key", withKeyInfo(text, `<ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue>`), "soap.key_info"},
		{"two tokens", withKeyInfo(text, token(`<wsse:Reference URI="#X509-1"/><wsse:Reference URI="#X509-1"/>`)), "soap.key_info"},
		{"a token elsewhere", withKeyInfo(strings.Replace(text, "<soapenv:Header>", "<soapenv:Header>"+
			binary, 1), reference), "xml.undeclared_prefix"},
		{"a token in the Body", withKeyInfo(text, token(`<wsse:Reference URI="#`+id+`"/>`)), "soap.key_info"},
		{"a token of the net", withKeyInfo(text, token(`<wsse:Reference URI="http://127.0.0.1/x"/>`)), "xmldsig.reference_uri"},
		{"an identifier of another kind", withKeyInfo(text, token(`<wsse:KeyIdentifier ValueType="urn:x">AAAA</wsse:KeyIdentifier>`)), "soap.key_info"},
		{"not a certificate", withKeyInfo(text, token(`<wsse:KeyIdentifier ValueType=`+x509Type+`>AAAA</wsse:KeyIdentifier>`)), "cert.malformed"},
		{"not base64", withKeyInfo(text, token(`<wsse:KeyIdentifier ValueType=`+x509Type+`>?</wsse:KeyIdentifier>`)), "xml.base64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, code := verify(c.text, pool); code != c.code {
				t.Errorf("got %q, want %q", code, c.code)
			}
		})
	}
}

// verify returns the code with which a message is refused, or "".
func verify(text string, known *cert.Pool) (*soap.Verified, string) {
	m, err := soap.Parse([]byte(text), xmlread.DefaultLimits())
	if err == nil {
		var v *soap.Verified
		if v, _, err = m.Verify(known); err == nil {
			return v, ""
		}
	}
	if code := record.CodeOf(err); code != "" {
		return nil, code
	}
	return nil, err.Error()
}

func TestFault(t *testing.T) {
	text := soap.Unsigned([]byte(`<soapenv:Fault><faultcode>SCE006</faultcode><faultstring> wrong </faultstring>` +
		`<detail><x:F xmlns:x="urn:x"><errorCode>SCE006</errorCode></x:F></detail></soapenv:Fault>`))
	m := message(t, text)
	f, ok := m.Fault()
	if !ok || m.Signed() || f.Code != "SCE006" || f.String != "wrong" || f.Detail.FindElement("//errorCode") == nil {
		t.Errorf("%+v %v", f, ok)
	}
	if _, _, err := m.Verify(nil); record.CodeOf(err) != "soap.unsigned" {
		t.Errorf("an unsigned message: %v", err)
	}
	if _, ok := message(t, soap.Unsigned([]byte("<a/>"))).Fault(); ok {
		t.Error("a fault in an answer")
	}
}

func TestBadID(t *testing.T) {
	s := xmltest.Signer(t, "RSA-SHA256", "a")
	for _, bad := range []string{"", "1", "a b", `a"`, "a#", "<", "é", "a\n"} {
		if _, err := soap.SignCanonical([]byte("<a></a>"), bad, s); record.CodeOf(err) != "soap.id" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestOtherPrograms: xmlsec1 and the JDK verify our messages; xmlsec1 signs one that
// verifies here.
func TestOtherPrograms(t *testing.T) {
	dir := t.TempDir()
	s := xmltest.Signer(t, "RSA-SHA256", "a")
	der, err := x509.MarshalPKCS8PrivateKey(s.Key.(*rsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	xmltest.Write(t, dir, "key.pem", xmltest.PEM("PRIVATE KEY", der))
	xmltest.Write(t, dir, "cert.pem", xmltest.PEM("CERTIFICATE", s.Certificate.Raw))
	certificate := xmltest.Write(t, dir, "cert.der", s.Certificate.Raw)
	var files []string
	for title, content := range contents {
		files = append(files, xmltest.Write(t, dir, fmt.Sprintf("%x.xml", title), []byte(signed(t, content, s))))
	}
	slices.Sort(files)
	t.Run("xmlsec1", func(t *testing.T) {
		xmlsec := needs.Tool(t, "xmlsec1", "xmlsec1")
		for _, file := range files {
			xmltest.Run(t, dir, xmlsec, "--verify", "--pubkey-cert-pem", "cert.pem", "--id-attr:Id", soap.Namespace+":Body", file)
			text := regexp.MustCompile(`(<ds:(DigestValue|SignatureValue)>)[^<]*`).ReplaceAllString(signed(t, "<r>again</r>", s), "$1")
			in := xmltest.Write(t, dir, "template.xml", []byte(text))
			out := xmltest.Run(t, dir, xmlsec, "--sign", "--privkey-pem", "key.pem", "--id-attr:Id", soap.Namespace+":Body", in)
			if _, code := verify(string(out), nil); code != "" {
				t.Errorf("signed by xmlsec1: %s", code)
			}
		}
		answer := strings.Replace(gatewayAnswer, "SERIAL", s.Certificate.SerialNumber.String(), 1)
		in := xmltest.Write(t, dir, "answer.xml", []byte(answer))
		out := xmltest.Run(t, dir, xmlsec, "--sign", "--privkey-pem", "key.pem", "--id-attr:Id", soap.Namespace+":Body", in)
		v, code := verify(string(out), cert.NewPool(s.Certificate))
		if code != "" || len(v.Body().FindElements("//status")) != 1 {
			t.Errorf("an answer signed by xmlsec1: %s", code)
		}
		if _, code := verify(string(out), nil); code != "xmldsig.unknown_signer" {
			t.Errorf("an answer of an unknown signer: %s", code)
		}
	})
	t.Run("JDK", func(t *testing.T) {
		java := needs.Tool(t, "java", "openjdk-17-jdk-headless")
		source, err := filepath.Abs("../signing/xmldsig/testdata/Dsig.java")
		if err != nil {
			t.Fatal(err)
		}
		xmltest.Run(t, dir, needs.Tool(t, "javac", "openjdk-17-jdk-headless"), "-d", dir, source)
		out := xmltest.Run(t, dir, java, append([]string{"-cp", dir, "Dsig", "verify", certificate}, files...)...)
		if string(out) != strings.Repeat("ok\n", len(files)) {
			t.Errorf("%q", out)
		}
	})
}

// gatewayAnswer is an answer in the form of the gateway before it is signed: other
// prefixes, lists of inclusive prefixes, a certificate named by issuer and serial.
const gatewayAnswer = `<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="` + soap.Namespace + `" xmlns:x="urn:x"><SOAP-ENV:Header>
<other xmlns="urn:other" SOAP-ENV:mustUnderstand="0"/>
<o:Security xmlns:o="` + soap.WSSE + `" xmlns:wsu="` + xmldsig.WSU + `" SOAP-ENV:mustUnderstand="1">
<ds:Signature Id="SIG-1" xmlns:ds="` + xmldsig.Namespace + `"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="` + c14n.Exclusive + `"><ec:InclusiveNamespaces PrefixList="SOAP-ENV x" xmlns:ec="` + c14n.Exclusive + `"/></ds:CanonicalizationMethod>
<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#id-9"><ds:Transforms>
<ds:Transform Algorithm="` + c14n.Exclusive + `"><ec:InclusiveNamespaces PrefixList="x" xmlns:ec="` + c14n.Exclusive + `"/></ds:Transform></ds:Transforms>
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>
<ds:KeyInfo Id="KI-1"><o:SecurityTokenReference wsu:Id="STR-1"><ds:X509Data><ds:X509IssuerSerial>
<ds:X509IssuerName>C=KZ,CN=Синтетикалық RSA-SHA256 a</ds:X509IssuerName><ds:X509SerialNumber>SERIAL</ds:X509SerialNumber>
</ds:X509IssuerSerial></ds:X509Data></o:SecurityTokenReference></ds:KeyInfo></ds:Signature></o:Security></SOAP-ENV:Header>
<SOAP-ENV:Body wsu:Id="id-9" xmlns:wsu="` + xmldsig.WSU + `"><ns2:SendMessageResponse xmlns:ns2="http://bip.bee.kz/SyncChannel/v10/Types">
<response xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><!-- a comment --><status xsi:type="ns4:unbound"><code>SCSS001</code></status>
<data xmlns="http://www.w3.org/2001/XMLSchema-instance" type="xsd:string">&lt;a/&gt;<![CDATA[<b/>]]></data></response></ns2:SendMessageResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>`

func batch(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`<p:batch xmlns:p="urn:birge:batch">`)
	for range n {
		b.WriteString(`<student state="active"><iin>850101100012</iin><name xml:lang="kk">`)
		b.Write(c14n.AppendText(nil, "Әйгерім & Қасымова"))
		b.WriteString(`</name><school>710000000</school><class>9 Б</class></student>`)
	}
	b.WriteString(`</p:batch>`)
	return b.Bytes()
}

// BenchmarkSignCanonical signs a batch of about 270 kB; the hash and the raw signature alone
// are measured beside it.
func BenchmarkSignCanonical(b *testing.B) {
	content := batch(1650)
	for _, name := range []string{"RSA-SHA256", "GOST-2015-512"} {
		s := xmltest.Signer(b, name, "a")
		su, err := s.Suite()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				if _, err := soap.SignCanonical(content, id, s); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/hash", func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				su.Digest(content)
			}
		})
		b.Run(name+"/signature", func(b *testing.B) {
			digest := su.Digest(content)
			for b.Loop() {
				if _, err := su.Sign(s.Rand, s.Key, digest); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerify reads and verifies a message of about 270 kB.
func BenchmarkVerify(b *testing.B) {
	for _, name := range []string{"RSA-SHA256", "GOST-2015-512"} {
		text := []byte(signed(b, string(batch(1650)), xmltest.Signer(b, name, "a")))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, _, err := message(b, text).Verify(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
