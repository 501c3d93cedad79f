package cms_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
	"birgeoqy.kz/almasu/internal/signing/cms"
	"birgeoqy.kz/almasu/internal/signing/keystore"
)

// verifier trusts the roots of one family of fixtures.
func verifier(family string) *cms.Verifier {
	return &cms.Verifier{Chain: cert.Verifier{
		Roots:         cert.NewPool(testca.Certificate(family + "/root.cer")),
		Intermediates: cert.NewPool(testca.Certificate(family + "/ca.cer")),
		Now:           testca.Now,
		Revocation:    revokedPeople{family: testca.Certificate(family + "/revoked.cer")},
	}}
}

// revokedPeople knows one revoked certificate.
type revokedPeople struct{ family *cert.Certificate }

func (r revokedPeople) Check(_ context.Context, q cert.Query) (cert.Checks, error) {
	var checks cert.Checks
	if !bytes.Equal(q.Certificate.Raw, r.family.Raw) {
		return checks, nil
	}
	return checks, checks.Judge("crl", "", "", q.Revoked(testca.Now.AddDate(0, -1, 0), 1))
}

func TestFixtures(t *testing.T) {
	cases := []struct {
		file     string
		detached bool
		code     string
		signers  int
		stamped  bool
	}{
		{"attached.p7s", false, "", 1, false},
		{"attached.ber", false, "", 1, false},
		{"detached.p7s", true, "", 1, false},
		{"detached.p7s", false, "cms.no_content", 0, false},
		{"stamped.p7s", false, "", 1, true},
		{"several.p7s", false, "", 2, true},
		{"revoked.p7s", false, "cert.revoked", 1, false},
		{"expired.p7s", false, "cert.expired", 1, false},
	}
	ctx := context.Background()
	for _, family := range testca.Families {
		content := testca.File(family + "/content.txt")
		for _, c := range cases {
			var given []byte
			if c.detached {
				given = content
			}
			res, err := verifier(family).Verify(ctx, testca.File(family+"/"+c.file), given)
			name := family + "/" + c.file
			if got := record.CodeOf(err); got != c.code || (err == nil) != (c.code == "") {
				t.Errorf("%s: %v, want code %q", name, err, c.code)
				continue
			}
			if res == nil {
				continue
			}
			if !bytes.Equal(res.Content, content) || len(res.Signers) != c.signers {
				t.Errorf("%s: %d octets of content, %d signers", name, len(res.Content), len(res.Signers))
			}
			for _, s := range res.Signers {
				if (s.TimeStamp != nil && s.TimeStamp.Trusted) != c.stamped {
					t.Errorf("%s: time stamp %+v", name, s.TimeStamp)
				}
				if s.Err == nil && len(s.Chain) != 3 {
					t.Errorf("%s: chain of %d", name, len(s.Chain))
				}
			}
		}
	}
}

// The signer's certificate expires after the time stamp; the document stays valid.
func TestTimeStampKeepsExpiredSignerValid(t *testing.T) {
	v := verifier("gost2015")
	v.Chain.Now = time.Date(2071, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := v.Verify(context.Background(), testca.File("gost2015/stamped.p7s"), nil); err != nil {
		t.Error(err)
	}
	if _, err := v.Verify(context.Background(), testca.File("gost2015/attached.p7s"), nil); record.CodeOf(err) != "cert.expired" {
		t.Errorf("without a stamp: %v", err)
	}
	v.RequireTimeStamp = true
	v.Chain.Now = testca.Now
	if _, err := v.Verify(context.Background(), testca.File("gost2015/attached.p7s"), nil); record.CodeOf(err) != "cms.no_time_stamp" {
		t.Errorf("required stamp: %v", err)
	}
}

// Another family's authority is not trusted: the stamp is noted, the time asked counts.
func TestUntrustedTimeStamp(t *testing.T) {
	v := verifier("rsa")
	signer := verifier("gost2015")
	v.Chain.Roots = cert.NewPool(testca.Certificate("rsa/root.cer"))
	res, err := v.Verify(context.Background(), testca.File("gost2015/stamped.p7s"), nil)
	if record.CodeOf(err) != "cert.unknown_issuer" || res.Signers[0].TimeStamp == nil || res.Signers[0].TimeStamp.Trusted {
		t.Errorf("%v, %+v", err, res)
	}
	signer.Chain.Now = testca.Now.AddDate(-1, 0, 0) // before the stamp was made
	res, err = signer.Verify(context.Background(), testca.File("gost2015/stamped.p7s"), nil)
	if err != nil || res.Signers[0].TimeStamp.Trusted || record.CodeOf(res.Signers[0].TimeStamp.Problem) != "tsp.future" {
		t.Errorf("stamp of the future: %v, %+v", err, res.Signers[0].TimeStamp)
	}
}

func TestTextForms(t *testing.T) {
	der := testca.File("gost2015/attached.p7s")
	for name, form := range map[string][]byte{
		"CMS":    pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: der}),
		"PKCS7":  pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: der}),
		"base64": []byte(base64.StdEncoding.EncodeToString(der) + "\r\n"),
	} {
		if _, err := verifier("gost2015").Verify(context.Background(), form, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, form := range map[string][]byte{
		"certificate":     pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"trailing octets": append(bytes.Clone(der), 0),
		"bad base64":      []byte("MIIx!"),
		"empty":           {},
	} {
		if _, err := verifier("gost2015").Verify(context.Background(), form, nil); record.CodeOf(err) != "cms.malformed" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOtherContent(t *testing.T) {
	v := verifier("rsa")
	ctx := context.Background()
	if _, err := v.Verify(ctx, testca.File("rsa/detached.p7s"), []byte("other")); record.CodeOf(err) != "cms.digest_mismatch" {
		t.Error(err)
	}
	if _, err := v.Verify(ctx, testca.File("rsa/attached.p7s"), []byte("other")); record.CodeOf(err) != "cms.other_content" {
		t.Error(err)
	}
	if _, err := v.Verify(ctx, testca.File("rsa/attached.p7s"), testca.File("rsa/content.txt")); err != nil {
		t.Error(err)
	}
}

// Every mutation of one octet of a document or token fails with a code, unless it
// touches only a certificate that the verification did not use.
func TestMutations(t *testing.T) {
	for _, family := range testca.Families {
		for _, file := range []string{"attached.p7s", "stamped.p7s", "content.tst"} {
			if testing.Short() && family != "gost2015" {
				continue
			}
			mutate(t, family, file)
		}
	}
}

func mutate(t *testing.T, family, file string) {
	document := testca.File(family + "/" + file)
	content := testca.File(family + "/content.txt")
	v := verifier(family)
	verify := func(b []byte) error {
		if strings.HasSuffix(file, ".tst") {
			_, _, err := v.VerifyTimeStamp(context.Background(), b, content)
			return err
		}
		res, err := v.Verify(context.Background(), b, nil)
		if err == nil && file == "stamped.p7s" && (res.Signers[0].TimeStamp == nil || !res.Signers[0].TimeStamp.Trusted) {
			return record.NewProblem("test.stamp_lost", "", "", "the stamp is not trusted")
		}
		return err
	}
	if err := verify(document); err != nil {
		t.Fatalf("%s/%s: %v", family, file, err)
	}
	unused := bytes.Index(document, testca.File(family+"/ca.cer")) // also configured as an intermediate
	codes := map[string]int{}
	for i := range document {
		if unused >= 0 && i >= unused && i < unused+len(testca.File(family+"/ca.cer")) {
			continue
		}
		for _, bit := range []byte{0x01, 0x80, 0xff} {
			mutated := bytes.Clone(document)
			mutated[i] ^= bit
			err := verify(mutated)
			code := record.CodeOf(err)
			codes[code]++
			if code == "" {
				t.Errorf("%s/%s: octet %d xor %#x passes: %v", family, file, i, bit, err)
			}
			if family != "gost2015" || testing.Short() {
				break
			}
		}
	}
	t.Logf("%s/%s: %v", family, file, codes)
}

// key opens a container among the fixtures.
func key(t *testing.T, name string) crypto.Signer {
	t.Helper()
	k, err := keystore.Parse(testca.File(name), testca.Password)
	if err != nil {
		t.Fatal(err)
	}
	return k.Signer
}

func FuzzVerify(f *testing.F) {
	for _, family := range []string{"gost2015", "rsa"} {
		for _, file := range []string{"attached.p7s", "attached.ber", "stamped.p7s", "content.tst", "content.tsr"} {
			f.Add(testca.File(family + "/" + file))
		}
	}
	v := verifier("rsa")
	content := testca.File("rsa/content.txt")
	f.Fuzz(func(t *testing.T, b []byte) {
		if res, err := v.Verify(context.Background(), b, nil); err == nil && !bytes.Equal(res.Content, content) {
			t.Error("content that nobody signed is accepted")
		}
	})
}

func FuzzTimeStamp(f *testing.F) {
	for _, family := range []string{"gost2015", "rsa"} {
		f.Add(testca.File(family + "/content.tst"))
		f.Add(testca.File(family + "/content.tsr"))
	}
	v := verifier("rsa")
	content := testca.File("rsa/content.txt")
	f.Fuzz(func(t *testing.T, b []byte) {
		if ts, _, err := v.VerifyTimeStamp(context.Background(), b, content); err == nil && (!ts.Trusted || !ts.Time.Equal(testca.Now.Add(-time.Hour))) {
			t.Errorf("a token that nobody signed is accepted: %+v", ts)
		}
	})
}
