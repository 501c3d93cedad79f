package sigtool_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/signing/keystore"
)

// sharedPassword is the published one of the national authority's test keys.
const sharedPassword = "Qwerty12"

// sharedNow is the clock of the table: the test keys are valid, the list is current.
var sharedNow = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)

// sharedCases is what is expected of every file that the national tools made. A word
// that begins with @ is a file of the samples; the last is the one that is looked at.
var sharedCases = []struct {
	args string
	code string // "" if it verifies
}{
	// XML: verified, issuer missing, another root, expired, not yet valid.
	{"verify xml --roots @ca/root_test_gost_2022.cer --intermediates @ca/nca_gost2022_test.cer --at 2025-01-15 @xml/gost2015_enveloped_with_cr13.xml", ""},
	{"verify xml --roots @ca/nca_gost2022_test.cer --at 2025-01-15 @xml/gost2015_enveloped_with_cr13.xml", ""},
	{"verify xml --roots @ca/root_test_gost_2022.cer --at 2025-01-15 @xml/gost2015_enveloped_with_cr13.xml", "cert.unknown_issuer"},
	{"verify xml --roots @ca/prod_2015-2025_root_gost.crt --intermediates @ca/nca_gost2022_test.cer --at 2025-01-15 @xml/gost2015_enveloped_with_cr13.xml", "cert.unknown_issuer"},
	{"verify xml --roots @ca/nca_gost2022_test.cer @xml/gost2015_enveloped_with_cr13.xml", "cert.expired"},
	{"verify xml --roots @ca/nca_gost2022_test.cer --at 2024-01-15 @xml/gost2015_enveloped_with_cr13.xml", "cert.not_yet_valid"},
	{"verify xml --roots @ca/nca_rsa_test.crt --at 2020-06-15 @xml/rsa256_enveloped.xml", ""},
	{"verify xml --roots @ca/nca_rsa_test.crt --at 2022-06-15 @xml/rsa256_enveloped.xml", "cert.expired"},
	{"verify xml --roots @ca/nca_gost_test.crt --at 2020-06-15 @xml/rsa256_enveloped.xml", "cert.unknown_issuer"},
	{"verify wsse --roots @ca/nca_rsa_test.crt --at 2020-06-15 @xml/rsa256_enveloped.xml", "soap.version"},
	// CMS, with and without time stamps.
	{"verify cms --roots @ca/root_test_gost_2022.cer --intermediates @ca/nca_gost2022_test.cer @cms/gost2015_attached_tsp-gost2015-prod.p7s", ""},
	{"verify cms --roots @ca/nca_gost2022_test.cer --crl @crl/nca_gost2022_test_2026-08.crl --require-revocation @cms/gost2015_attached_tsp-gost2015-prod.p7s", ""},
	{"verify cms --roots @ca/nca_gost2022_test.cer --crl @crl/nca_gost2022_test_2026-08.crl --at 2027-06-01 @cms/gost2015_attached_tsp-gost2015-prod.p7s", "cert.expired"},
	{"verify cms --roots @ca/nca_gost2022_test.cer --roots @ca/prod_tsa_gost2022_2025-2028.cer --require-timestamp --at 2027-06-01 @cms/gost2015_attached_tsp-gost2015-prod.p7s", ""},
	{"verify cms --roots @ca/nca_gost2022_test.cer --require-timestamp @cms/gost2015_attached_tsp-gost2015-prod.p7s", "cms.no_time_stamp"},
	{"verify cms --roots @ca/root_test_gost_2022.cer @cms/gost2015_attached_tsp-gost2015-prod.p7s", "cert.unknown_issuer"},
	{"verify cms --roots @ca/nca_gost2022_test.cer --at 2025-03-01 @cms/gost2015_attached_tsp-gost2004-test.p7s", ""},
	{"verify cms --roots @ca/nca_gost2022_test.cer --at 2026-03-01 @cms/gost2015_attached_tsp-gost2004-test.p7s", "cert.expired"},
	{"verify cms --roots @ca/nca_rsa_test.crt --at 2020-10-01 @cms/rsa256_attached.p7s", ""},
	{"verify cms --roots @ca/nca_rsa_test.crt @cms/rsa256_attached.p7s", "cert.expired"},
	{"verify cms --roots @ca/nca_gost2022_test.cer --at 2020-10-01 @cms/rsa256_attached.p7s", "cert.unknown_issuer"},
	// Time stamps.
	{"verify tsp --roots @ca/nca_gost_test.crt --at 2022-10-01 @tsp/tsp_token.bin", ""},
	{"verify tsp --roots @ca/nca_gost_test.crt --at 2022-10-01 @tsp/tsp_response.bin", ""},
	{"verify tsp --roots @ca/nca_gost_test.crt --at 2022-09-01 @tsp/tsp_response.bin", "tsp.future"},
	{"verify tsp --roots @ca/nca_gost2022_test.cer --at 2022-10-01 @tsp/tsp_token.bin", "cert.unknown_issuer"},
	{"verify tsp --roots @ca/nca_gost_test.crt --at 2022-10-01 --content @README.md @tsp/tsp_token.bin", "tsp.imprint"},
	// Authorities.
	{"cert verify --roots @ca/root_test_gost_2022.cer @ca/root_test_gost_2022.cer", ""},
	{"cert verify --roots @ca/root_test_gost_2022.cer @ca/nca_gost2022_test.cer", ""},
	{"cert verify --roots @ca/root_test_gost_2022.cer @ca/nca_gost_test.crt", "cert.unknown_issuer"},
	{"cert verify --roots @ca/prod_2015-2025_root_rsa.crt @ca/nca_rsa_test.crt", "cert.unknown_issuer"},
	{"cert verify --roots @ca/prod_2015-2025_root_gost.crt --at 2020-01-01 @ca/prod_2015-2025_nca_gost.crt", ""},
	{"cert verify --roots @ca/prod_2015-2025_root_gost.crt @ca/prod_2015-2025_nca_gost.crt", "cert.expired"},
	{"cert verify --roots @ca/prod_2015-2025_root_rsa.crt --at 2020-01-01 @ca/prod_2015-2025_nca_rsa.crt", ""},
	{"cert verify --roots @ca/prod_2015-2025_root_gost.crt --at 2020-01-01 @ca/prod_2015-2025_root_gost.crt", ""},
	{"cert verify --roots @ca/prod_2015-2025_root_rsa.crt --at 2020-01-01 @ca/prod_2015-2025_root_rsa.crt", ""},
	{"cert verify --roots @ca/root_test_gost_2022.cer --for timestamping @ca/prod_tsa_gost2022_2025-2028.cer", "cert.unknown_issuer"},
	{"cert verify --roots @ca/prod_tsa_gost2022_2025-2028.cer --for timestamping @ca/prod_tsa_gost2022_2025-2028.cer", ""},
	// Lists.
	{"cert crl-index --issuer @ca/nca_gost2022_test.cer --output NEW @crl/nca_gost2022_test_2026-08.crl", ""},
	{"cert crl-index --issuer @ca/nca_gost2022_test.cer --output NEW @crl/nca_gost2022_test_delta.crl", ""},
	{"cert crl-index --issuer @ca/nca_gost_test.crt --output NEW @crl/nca_gost2004_test_2022.crl", ""},
	{"cert crl-index --issuer @ca/root_test_gost_2022.cer --output NEW @crl/nca_gost2022_test_2026-08.crl", "crl.malformed"},
	// People in containers: valid, revoked, of an unknown issuer, expired.
	{"cert verify --roots @ca/nca_gost2022_test.cer --crl @crl/nca_gost2022_test_2026-08.crl --for signing @p12/test_gost2015_individual_2026-2027.p12", ""},
	{"cert verify --roots @ca/nca_gost2022_test.cer --crl @crl/nca_gost2022_test_2026-08.crl @p12/test_gost2015_legal-head_2026-2027.p12", ""},
	{"cert verify --roots @ca/nca_gost2022_test.cer --crl @crl/nca_gost2022_test_2026-08.crl @p12/test_gost2015_individual_revoked.p12", "cert.revoked"},
	{"cert verify --roots @ca/nca_gost2022_test.cer --crl @crl/nca_gost2022_test_2026-08.crl @p12/test_gost2015_infosystem_2026-2027.p12", "cert.revoked"},
	{"cert verify --roots @ca/nca_gost2022_test.cer @p12/test_gost2015_infosystem_2026-2027.p12", ""},
	{"cert verify --roots @ca/nca_gost2022_test.cer --require-revocation @p12/test_gost2015_individual_2026-2027.p12", "cert.revocation_unset"},
	{"cert verify --roots @ca/nca_gost2022_test.cer --crl @crl/nca_gost2022_test_2026-08.crl --at 2027-06-01 @p12/test_gost2015_individual_2026-2027.p12", "cert.expired"},
	{"cert verify --roots @ca/nca_gost_test.crt --crl @crl/nca_gost2004_test_2022.crl --at 2020-06-01 @p12/test_gost2004_org_expired2021.p12", "cert.crl_stale"},
	{"cert verify --roots @ca/nca_gost_test.crt --at 2020-06-01 @p12/test_gost2004_org_expired2021.p12", ""},
	{"cert verify --roots @ca/nca_gost_test.crt @p12/test_gost2004_org_expired2021.p12", "cert.expired"},
	{"cert verify --roots @ca/nca_rsa_test.crt --at 2020-06-01 @p12/test_rsa2048_individual_expired2021.p12", ""},
	// Kept answers are about certificates that are not among the samples.
	{"cert verify --roots @ca/nca_gost2022_test.cer @p12/test_gost2015_individual_2026-2027.p12 --ocsp-response @ocsp/ocsp_response_ceo_2015_revoked.bin", "cert.ocsp_other"},
	{"cert verify --roots @ca/nca_gost_test.crt --at 2020-06-01 @p12/test_gost2004_org_expired2021.p12 --ocsp-response @ocsp/ocsp_response_ceo_sign_2004_revoked.bin", "cert.ocsp_other"},
	{"cert verify --roots @ca/nca_gost_test.crt --at 2020-06-01 @p12/test_gost2004_org_expired2021.p12 --ocsp-response @ocsp/ocsp_response_individual_sign_2004.bin", "cert.ocsp_other"},
}

// TestShared runs the commands over every shared sample.
func TestShared(t *testing.T) {
	dir := needs.Reference(t, "data/kz-signatures")
	leaves := t.TempDir() // certificates of the containers
	seen := map[string]bool{}
	for i, c := range sharedCases {
		words := strings.Fields(c.args)
		for j, word := range words {
			name, sample := strings.CutPrefix(word, "@")
			if word == "NEW" {
				words[j] = filepath.Join(leaves, "index", "x")
				_ = os.RemoveAll(filepath.Dir(words[j]))
				if err := os.Mkdir(filepath.Dir(words[j]), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if !sample {
				continue
			}
			seen[name] = true
			words[j] = filepath.Join(dir, name)
			if strings.HasPrefix(name, "p12/") {
				words[j] = leaf(t, words[j], leaves)
			}
		}
		got := invoke(t, sharedNow, nil, words...)
		if got.code != c.code || (got.exit == 0) != (c.code == "") {
			t.Errorf("row %d, %s: exit code %d, problem %q, want %q\n%s", i, c.args, got.exit, got.code, c.code, got.out)
		}
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if err != nil || d.IsDir() || strings.HasPrefix(name, "params/") || seen[name] {
			return err
		}
		t.Errorf("no row looks at %s", name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// leaf writes the certificate of a container.
func leaf(t *testing.T, container, dir string) string {
	t.Helper()
	b, err := os.ReadFile(container)
	if err != nil {
		t.Fatal(err)
	}
	k, err := keystore.Parse(b, sharedPassword)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, filepath.Base(container)+".cer")
	if err := os.WriteFile(path, k.Certificate.Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSharedKeys signs with every container of the samples, in every form, and verifies.
func TestSharedKeys(t *testing.T) {
	dir := needs.Reference(t, "data/kz-signatures")
	containers, err := filepath.Glob(filepath.Join(dir, "p12", "*.p12"))
	if err != nil || len(containers) == 0 {
		t.Fatalf("%d containers, %v", len(containers), err)
	}
	password := put(t, "password", []byte(sharedPassword+"\r\n"))
	in := put(t, "in.xml", []byte("<өтініш>\r\nҚала&#13;</өтініш>\n"))
	for _, container := range containers {
		b, err := os.ReadFile(container)
		if err != nil {
			t.Fatal(err)
		}
		key := put(t, "key.p12", b)
		if got := invoke(t, sharedNow, nil, "cert", "keystore", "--password-file", password, key); got.exit != 0 || strings.Contains(got.out, sharedPassword) {
			t.Errorf("%s: exit code %d, %s", filepath.Base(container), got.exit, got.code)
		}
		// The signer's own certificate stands in for a root: the hierarchy is the table's matter.
		own := leaf(t, container, t.TempDir())
		for _, kind := range []string{"cms", "xml", "wsse"} {
			out := filepath.Join(t.TempDir(), "out")
			if strings.Contains(container, "gost2004") { // verified only
				if got := invoke(t, sharedNow, nil, "sign", kind, "--key", key, "--password-file", password, "--output", out, in); got.code != "sign.verification_only" {
					t.Errorf("%s %s: %s", filepath.Base(container), kind, got.code)
				}
				continue
			}
			if got := invoke(t, sharedNow, nil, "sign", kind, "--key", key, "--password-file", password, "--output", out, in); got.exit != 0 {
				t.Errorf("%s %s: %s", filepath.Base(container), kind, got.code)
				continue
			}
			args := []string{"verify", kind, "--roots", own, out}
			if strings.Contains(container, "expired2021") {
				args = append(args, "--at", "2020-06-01")
			}
			if got := invoke(t, sharedNow, nil, args...); got.exit != 0 {
				t.Errorf("%s %s: %s\n%s", filepath.Base(container), kind, got.code, got.out)
			}
		}
	}
}
