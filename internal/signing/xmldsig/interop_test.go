package xmldsig_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/signing/gost"
	"birgeoqy.kz/almasu/internal/signing/suite"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmltest"
)

// rsaFiles writes the key and certificate of an RSA signer for other programs.
func rsaFiles(t *testing.T, dir string) (s xmldsig.Signer, key, certificate string) {
	t.Helper()
	s = xmltest.Signer(t, "RSA-SHA256", "a")
	der, err := x509.MarshalPKCS8PrivateKey(s.Key.(*rsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	xmltest.Write(t, dir, "key.pem", xmltest.PEM("PRIVATE KEY", der))
	xmltest.Write(t, dir, "cert.pem", xmltest.PEM("CERTIFICATE", s.Certificate.Raw))
	return s, xmltest.Write(t, dir, "key.der", der), xmltest.Write(t, dir, "cert.der", s.Certificate.Raw)
}

// compileDsig compiles the Java program of testdata.
func compileDsig(t *testing.T, dir string) (java string) {
	t.Helper()
	java = needs.Tool(t, "java", "openjdk-17-jdk-headless")
	source, err := filepath.Abs("testdata/Dsig.java")
	if err != nil {
		t.Fatal(err)
	}
	xmltest.Run(t, dir, needs.Tool(t, "javac", "openjdk-17-jdk-headless"), "-d", dir, source)
	return java
}

func titles() []string { return slices.Sorted(maps.Keys(documents)) }

// TestJDKRandom signs random documents there and verifies here, and the other way round.
func TestJDKRandom(t *testing.T) {
	dir := t.TempDir()
	s, key, certificate := rsaFiles(t, dir)
	java := compileDsig(t, dir)
	sign := []string{"-cp", dir, "Dsig", "sign", key, certificate}
	check := []string{"-cp", dir, "Dsig", "verify", certificate}
	const n = 300
	for i := range n {
		text, _ := xmltest.Document(uint64(50_000+i), i%2 == 0)
		sign = append(sign, xmltest.Write(t, dir, fmt.Sprintf("in%d.xml", i), []byte(text)), filepath.Join(dir, fmt.Sprintf("out%d.xml", i)))
		check = append(check, xmltest.Write(t, dir, fmt.Sprintf("ours%d.xml", i), []byte(signed(t, text, s))))
	}
	if got := string(xmltest.Run(t, dir, java, check...)); got != strings.Repeat("ok\n", n) {
		t.Errorf("JDK on our documents: %q", got)
	}
	xmltest.Run(t, dir, java, sign...)
	for i := range n {
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("out%d.xml", i)))
		if err != nil {
			t.Fatal(err)
		}
		if _, checks, err := verify(text); err != nil {
			t.Errorf("document %d, signed by the JDK: %v\n%v\n%s", i, err, checks, text)
		}
	}
}

// TestJDK signs there and verifies here, and the other way round.
func TestJDK(t *testing.T) {
	dir := t.TempDir()
	s, key, certificate := rsaFiles(t, dir)
	java := compileDsig(t, dir)
	sign := []string{"-cp", dir, "Dsig", "sign", key, certificate}
	check := []string{"-cp", dir, "Dsig", "verify", certificate}
	for i, title := range titles() {
		sign = append(sign, xmltest.Write(t, dir, fmt.Sprintf("in%d.xml", i), []byte(documents[title])), filepath.Join(dir, fmt.Sprintf("out%d.xml", i)))
		check = append(check, xmltest.Write(t, dir, fmt.Sprintf("ours%d.xml", i), []byte(signed(t, documents[title], s))))
	}
	// libxml2 writes this namespace name unescaped; the JDK does as the standard says.
	ampersand := signed(t, `<r xmlns:p="http://x.kz/?a=1&amp;b=2" p:c="3"/>`, s)
	check = append(check, xmltest.Write(t, dir, "ampersand.xml", []byte(ampersand)))
	damaged := strings.Replace(signed(t, `<r>a</r>`, s), ">a<", ">b<", 1)
	check = append(check, xmltest.Write(t, dir, "damaged.xml", []byte(damaged)))
	want := strings.Repeat("ok\n", len(documents)+1) + "bad\n"
	if got := string(xmltest.Run(t, dir, java, check...)); got != want {
		t.Errorf("JDK on our documents %q: %q", titles(), got)
	}
	xmltest.Run(t, dir, java, sign...)
	for i, title := range titles() {
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("out%d.xml", i)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte("&#13;")) {
			t.Errorf("%s: the JDK did not write &#13; inside base64", title)
		}
		if _, checks, err := verify(text); err != nil {
			t.Errorf("%s, signed by the JDK: %v\n%v\n%s", title, err, checks, text)
		}
	}
}

// template is what xmlsec1 fills.
const template = `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">
<SignedInfo><CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>
<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>
<Reference URI=""><Transforms><Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
<Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"/></Transforms>
<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue/></Reference></SignedInfo>
<SignatureValue/><KeyInfo><X509Data><X509Certificate/></X509Data></KeyInfo></Signature>`

// TestXmlsec1 signs there and verifies here, and the other way round.
func TestXmlsec1(t *testing.T) {
	xmlsec := needs.Tool(t, "xmlsec1", "xmlsec1")
	dir := t.TempDir()
	s, _, _ := rsaFiles(t, dir)
	for title, text := range documents {
		t.Run(title, func(t *testing.T) {
			ours := xmltest.Write(t, dir, "ours.xml", []byte(signed(t, text, s)))
			xmltest.Run(t, dir, xmlsec, "--verify", "--pubkey-cert-pem", "cert.pem", ours)
			end := strings.LastIndex(text, "</")
			in := xmltest.Write(t, dir, "template.xml", []byte(text[:end]+template+text[end:]))
			out := xmltest.Run(t, dir, xmlsec, "--sign", "--privkey-pem", "key.pem,cert.pem", in)
			if _, checks, err := verify(out); err != nil {
				t.Errorf("signed by xmlsec1: %v\n%v\n%s", err, checks, out)
			}
		})
	}
}

var gostNames = map[string]string{"GOST-2015-512": "md_gost12_512", "GOST-2015-256": "md_gost12_256"}

// TestOpenSSL checks a GOST signature by other programs only: xmllint canonicalises
// the document and SignedInfo, OpenSSL's gost-engine digests and verifies. The Russian form of key
// and signature is the same octets in another order.
func TestOpenSSL(t *testing.T) {
	openssl, xmllint := needs.Tool(t, "openssl", "openssl"), needs.Tool(t, "xmllint", "libxml2-utils")
	value := func(text []byte, name string) []byte {
		m := regexp.MustCompile("<ds:" + name + ">([^<]*)</ds:" + name + ">").FindSubmatch(text)
		b, err := base64.StdEncoding.DecodeString(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	cut := regexp.MustCompile(`<ds:Signature.*</ds:Signature>`)
	info := regexp.MustCompile(`<ds:SignedInfo>.*</ds:SignedInfo>`)
	for name, digest := range gostNames {
		s := xmltest.Signer(t, name, "a")
		for _, title := range []string{"letters", "white space", "sections", "plain"} {
			t.Run(name+"/"+title, func(t *testing.T) {
				dir := t.TempDir()
				text := []byte(signed(t, documents[title], s))
				bare := xmltest.Write(t, dir, "bare.xml", cut.ReplaceAll(text, nil))
				octets := xmltest.Run(t, dir, xmllint, "--c14n", bare)
				xmltest.Write(t, dir, "octets", octets)
				out := xmltest.Run(t, dir, openssl, "dgst", "-engine", "gost", "-"+digest, "-r", "octets")
				hexed, _, _ := strings.Cut(string(out), " ")
				if hexed != hex.EncodeToString(value(text, "DigestValue")) {
					t.Errorf("OpenSSL's digest over xmllint's octets is %s", hexed)
				}
				signedInfo := bytes.Replace(info.Find(text), []byte("<ds:SignedInfo>"), []byte(`<ds:SignedInfo xmlns:ds="`+xmldsig.Namespace+`">`), 1)
				xmltest.Write(t, dir, "info.xml", signedInfo)
				xmltest.Write(t, dir, "info", xmltest.Run(t, dir, xmllint, "--c14n", "info.xml"))
				sig := value(text, "SignatureValue")
				slices.Reverse(sig)
				xmltest.Write(t, dir, "sig", sig)
				xmltest.Write(t, dir, "pub.pem", russian(t, s))
				xmltest.Run(t, dir, openssl, "dgst", "-engine", "gost", "-"+digest, "-verify", "pub.pem", "-signature", "sig", "info")
			})
		}
	}
}

// russian returns the signer's public key in the form that OpenSSL reads.
func russian(t *testing.T, s xmldsig.Signer) []byte {
	t.Helper()
	key, err := suite.NewRussianPrivateKey(s.Key.(*gost.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	der, err := suite.MarshalSPKI(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return xmltest.PEM("PUBLIC KEY", der)
}
