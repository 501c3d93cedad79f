package cert_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"slices"
	"testing"

	"golang.org/x/crypto/ocsp"

	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
)

// The standard library reads the same from certificates and lists with RSA keys, and
// verifies what this package verifies.
func TestAgreesWithTheStandardLibrary(t *testing.T) {
	root, err := x509.ParseCertificate(testca.File("rsa/root.cer"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := x509.ParseCertificate(testca.File("rsa/ca.cer"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"root", "ca", "tsa", "responder", "person", "organisation"} {
		want, err := x509.ParseCertificate(testca.File("rsa/" + name + ".cer"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := testca.Certificate("rsa/" + name + ".cer")
		same := got.SerialNumber.Cmp(want.SerialNumber) == 0 && got.NotBefore.Equal(want.NotBefore) && got.NotAfter.Equal(want.NotAfter) &&
			got.IsCA == want.IsCA && got.KeyUsage == cert.KeyUsage(want.KeyUsage) && got.Version == want.Version &&
			bytes.Equal(got.SubjectKeyID, want.SubjectKeyId) && bytes.Equal(got.AuthorityKeyID, want.AuthorityKeyId) &&
			bytes.Equal(got.RawTBS, want.RawTBSCertificate) && bytes.Equal(got.RawSPKI, want.RawSubjectPublicKeyInfo) &&
			bytes.Equal(got.Subject.Raw, want.RawSubject) && bytes.Equal(got.Issuer.Raw, want.RawIssuer) &&
			slices.Equal(got.OCSPServers, want.OCSPServer) && slices.Equal(got.CRLURLs, want.CRLDistributionPoints) &&
			len(got.ExtKeyUsage) == len(want.ExtKeyUsage)+len(want.UnknownExtKeyUsage) &&
			got.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(want.PublicKey)
		if !same {
			t.Errorf("%s is read differently:\n%+v\n%+v", name, got, want)
		}
	}
	pool, middle := x509.NewCertPool(), x509.NewCertPool()
	pool.AddCert(root)
	middle.AddCert(ca)
	person, _ := x509.ParseCertificate(testca.File("rsa/person.cer"))
	if _, err := person.Verify(x509.VerifyOptions{Roots: pool, Intermediates: middle, CurrentTime: testca.Now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		t.Errorf("the standard library refuses the chain: %v", err)
	}
	list, err := x509.ParseRevocationList(testca.File("rsa/list.crl"))
	if err != nil || list.CheckSignatureFrom(ca) != nil || len(list.RevokedCertificateEntries) != 1 {
		t.Errorf("the standard library refuses the list: %v", err)
	}
	revoked, _ := x509.ParseCertificate(testca.File("rsa/revoked.cer"))
	answer, err := ocsp.ParseResponseForCert(testca.File("rsa/revoked.ocsp"), revoked, ca)
	if err != nil || answer.Status != ocsp.Revoked || answer.RevocationReason != 1 {
		t.Errorf("another reader of answers: %+v, %v", answer, err)
	}
}
