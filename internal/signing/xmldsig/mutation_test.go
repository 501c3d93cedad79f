package xmldsig_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmltest"
)

var update = flag.Bool("update", false, "sign the documents of testdata/signed again")

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// trusted asks a verifier whose only root is c about the signer.
func trusted(v *xmldsig.Verified, c *cert.Certificate) error {
	verifier := &cert.Verifier{Roots: cert.NewPool(c), Now: noon, Revocation: cert.Unchecked("test")}
	_, _, err := verifier.Verify(context.Background(), v.Signer())
	return err
}

// TestMutations changes every octet of signed documents in turn. Whatever is
// changed, the document is refused with a code, or its signer is not the one who is trusted.
func TestMutations(t *testing.T) {
	for _, name := range xmltest.Suites {
		t.Run(name, func(t *testing.T) {
			s := xmltest.Signer(t, name, "a")
			honest := []byte(signed(t, `<r xmlns:p="urn:1" p:b="2"><a>Қ &amp; 1</a></r>`, s))
			from, to := bytes.Index(honest, []byte("<ds:X509Certificate>")), bytes.Index(honest, []byte("</ds:X509Certificate>"))
			codes := map[string]int{}
			for i := range honest {
				text := bytes.Clone(honest)
				text[i] ^= 1
				code := codeOf(text)
				if code == "" && i > from && i < to {
					code = untrusted(t, text, s.Certificate)
				}
				if code == "" || strings.HasPrefix(code, "no code") {
					t.Errorf("octet %d: %q\n%s", i, code, text)
				}
				codes[code]++
			}
			t.Logf("%d octets: %v", len(honest), codes)
			for _, code := range []string{"xmldsig.digest", "xmldsig.signature", "cert.malformed"} {
				if codes[code] == 0 {
					t.Errorf("nothing was refused with %s", code)
				}
			}
		})
	}
}

func untrusted(t *testing.T, text []byte, c *cert.Certificate) string {
	t.Helper()
	all, _, err := verify(text)
	if err != nil {
		t.Fatal(err)
	}
	if trusted(all[0], c) != nil {
		return "not trusted"
	}
	return ""
}

// fixtures are the documents of testdata/signed.
var fixtures = []string{"plain", "redeclared", "comments"}

func fixture(suite, title string) string {
	return filepath.Join("testdata", "signed", suite+"-"+title+".xml")
}

// TestFixtures verifies the signed documents of testdata/signed; with -update it signs them again,
// with new keys.
func TestFixtures(t *testing.T) {
	for _, name := range xmltest.Suites {
		for _, title := range fixtures {
			text, path := documents[title], fixture(name, title)
			if *update {
				if err := os.WriteFile(path, []byte(signed(t, text, xmltest.Signer(t, name, "fixture"))), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all, _, err := verify(got)
			if err != nil || len(all) != 1 || !bytes.Equal(all[0].Whole().Octets(), canonical(t, text)) {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if err := trusted(all[0], all[0].Signer()); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

// FuzzVerify: no input panics, every refusal has a code, and whatever verifies
// with the key of a fixture covers what that key signed.
func FuzzVerify(f *testing.F) {
	covered := map[string]bool{}
	signers := map[string]bool{}
	for _, name := range xmltest.Suites {
		for _, title := range fixtures {
			text, err := os.ReadFile(fixture(name, title))
			if err != nil {
				f.Fatal(err)
			}
			all, _, err := verify(text)
			if err != nil {
				f.Fatal(err)
			}
			covered[string(all[0].Whole().Octets())] = true
			signers[string(all[0].Signer().RawSPKI)] = true
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		code := codeOf(text)
		if strings.HasPrefix(code, "no code") {
			t.Fatal(code)
		}
		if code != "" {
			return
		}
		all, _, _ := verify(text)
		for _, v := range all {
			if signers[string(v.Signer().RawSPKI)] && !covered[string(v.Whole().Octets())] {
				t.Fatalf("verified, but never signed: %q", v.Whole().Octets())
			}
		}
	})
}
