package xmldsig_test

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/keystore"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
)

// password is the published one of the national authority's test keys.
const password = "Qwerty12"

func mustRead(tb testing.TB, parts ...string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func pool(tb testing.TB, dir string, names ...string) *cert.Pool {
	tb.Helper()
	p := cert.NewPool()
	for _, name := range names {
		c, err := cert.Parse(mustRead(tb, dir, "ca", name))
		if err != nil {
			tb.Fatal(err)
		}
		p.Add(c)
	}
	return p
}

func day(year int, month time.Month) time.Time {
	return time.Date(year, month, 15, 12, 0, 0, 0, time.UTC)
}

// TestNationalDocuments verifies documents that the national tools signed: the
// signature, and what a verifier says about its signer at a time.
func TestNationalDocuments(t *testing.T) {
	dir := needs.Reference(t, "data/kz-signatures")
	gost := []string{"root_test_gost_2022.cer", "nca_gost2022_test.cer"}
	for _, c := range []struct {
		file, suite string
		authorities []string // the first is the root
		at          time.Time
		code        string
	}{
		{"gost2015_enveloped_with_cr13.xml", "GOST-2015-512", gost, day(2025, 1), ""},
		{"gost2015_enveloped_with_cr13.xml", "GOST-2015-512", gost, day(2026, 1), "cert.expired"},
		{"gost2015_enveloped_with_cr13.xml", "GOST-2015-512", gost, day(2024, 1), "cert.not_yet_valid"},
		{"gost2015_enveloped_with_cr13.xml", "GOST-2015-512", gost[:1], day(2025, 1), "cert.unknown_issuer"},
		{"rsa256_enveloped.xml", "RSA-SHA256", []string{"nca_rsa_test.crt"}, day(2020, 6), ""},
		{"rsa256_enveloped.xml", "RSA-SHA256", []string{"nca_rsa_test.crt"}, day(2026, 6), "cert.expired"},
		{"rsa256_enveloped.xml", "RSA-SHA256", gost, day(2020, 6), "cert.unknown_issuer"},
	} {
		all, checks, err := verify(mustRead(t, dir, "xml", c.file))
		if err != nil || len(all) != 1 || all[0].Suite().Name != c.suite {
			t.Errorf("%s: %v\n%v", c.file, err, checks)
			continue
		}
		verifier := &cert.Verifier{
			Roots: pool(t, dir, c.authorities[0]), Intermediates: pool(t, dir, c.authorities[1:]...),
			Now: c.at, Revocation: cert.Unchecked("the responder is not asked"),
		}
		if _, _, err := verifier.Verify(context.Background(), all[0].Signer()); record.CodeOf(err) != c.code {
			t.Errorf("%s at %s: got %v, want %q", c.file, c.at.Format(time.DateOnly), err, c.code)
		}
	}
}

// TestNationalKeys signs with keys in containers of the national tools.
func TestNationalKeys(t *testing.T) {
	dir := needs.Reference(t, "data/kz-signatures")
	files, err := filepath.Glob(filepath.Join(dir, "p12", "*.p12"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d containers, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			key, err := keystore.Parse(mustRead(t, file), password)
			if err != nil {
				t.Fatal(err)
			}
			s := xmldsig.Signer{Key: key.Signer, Certificate: key.Certificate, Rand: rand.Reader}
			all, checks, err := verify(signed(t, documents["letters"], s))
			if err != nil || len(all) != 1 {
				t.Errorf("%v\n%v", err, checks)
			}
		})
	}
}
