package sigtool_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/signing/cert/testca"
)

// The gateway names its certificate by issuer and serial number, in the order of RFC 4514
// or the other way round; other senders by a token in the header.
func TestKnown(t *testing.T) {
	root := put(t, "ca.cer", testca.File("gost2015/ca.cer"))
	person := testca.Certificate("gost2015/person.cer")
	known := put(t, "person.cer", person.Raw)
	key, password := put(t, "key.p12", testca.File("gost2015/person.p12")), put(t, "password", []byte(testca.Password))
	out := filepath.Join(t.TempDir(), "out")
	in := put(t, "in.xml", []byte(`<r>Қ</r>`))
	if got := invoke(t, testca.Now, nil, "sign", "wsse", "--key", key, "--password-file", password, "--output", out, in); got.exit != 0 {
		t.Fatal(got.code)
	}
	signed := string(mustRead(t, out))
	identifier := regexp.MustCompile(`<wsse:KeyIdentifier[^>]*>([^<]*)</wsse:KeyIdentifier>`)
	certificate := identifier.FindStringSubmatch(signed)[1]
	parts := strings.Split(person.Issuer.String(), ",")
	named := func(issuer string) string {
		return identifier.ReplaceAllString(signed, "<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>"+issuer+
			"</ds:X509IssuerName><ds:X509SerialNumber>"+person.SerialNumber.String()+"</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>")
	}
	token := identifier.ReplaceAllString(signed, `<wsse:Reference URI="#t"/>`)
	token = strings.Replace(token, "<ds:Signature", `<wsse:BinarySecurityToken xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" u:Id="t" `+
		`ValueType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3">`+certificate+"</wsse:BinarySecurityToken><ds:Signature", 1)
	for name, c := range map[string]struct{ message, known, code string }{
		"issuer and serial number":     {named(person.Issuer.String()), known, ""},
		"issuer the other way round":   {named(parts[1] + ", " + parts[0]), known, ""},
		"certificate not given":        {named(person.Issuer.String()), root, "xmldsig.unknown_signer"},
		"another issuer":               {named("CN=Other,C=KZ"), known, "xmldsig.unknown_signer"},
		"token in the header":          {token, root, ""},
		"token in the header, damaged": {strings.Replace(token, certificate, certificate[4:], 1), known, "cert.malformed"},
	} {
		got := invoke(t, testca.Now, nil, "verify", "wsse", "--roots", root, "--known", c.known, put(t, "message.xml", []byte(c.message)))
		if got.code != c.code {
			t.Errorf("%s: %q, want %q\n%s", name, got.code, c.code, got.out)
		}
	}
	// A known certificate is not a trusted one.
	other := put(t, "other.cer", testca.File("rsa/ca.cer"))
	got := invoke(t, testca.Now, nil, "verify", "wsse", "--roots", other, "--known", known, put(t, "message.xml", []byte(named(person.Issuer.String()))))
	if got.code != "cert.unknown_issuer" {
		t.Errorf("a known certificate without its issuer: %q", got.code)
	}
}
