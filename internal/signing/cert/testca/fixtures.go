package testca

import (
	"embed"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/signing/cert"
)

//go:embed testdata
var fixtures embed.FS

// Password opens every container among the fixtures; it protects nothing.
const Password = "Synthetic-1"

// Families are the folders of the fixtures.
var Families = []string{"gost2015", "gost2004", "rsa", "tc26"}

// Now is a time at which the fixtures are judged: an hour after they were signed.
var Now = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)

// File returns a fixture, e.g. "gost2015/person.p12".
func File(name string) []byte { return must(fixtures.ReadFile("testdata/" + name)) }

// Certificate returns a certificate among the fixtures, e.g. "rsa/root.cer".
func Certificate(name string) *cert.Certificate { return must(cert.Parse(File(name))) }

// OpenSSL runs openssl in dir with gost-engine loaded and returns its output.
func OpenSSL(t testing.TB, dir string, args ...string) (string, error) {
	t.Helper()
	needs.Tool(t, "openssl", "openssl")
	conf := filepath.Join(dir, "openssl-gost.cnf")
	const text = "openssl_conf = init\n[init]\nengines = engines\n[engines]\ngost = gost\n[gost]\nengine_id = gost\n" +
		"default_algorithms = ALL\ninit = 1\n[tsa]\ndefault_tsa = t\n[t]\nserial = serial\ncrypto_device = builtin\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("openssl", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "OPENSSL_CONF="+conf)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// GOSTEngine skips (or fails, see [needs.Missing]) the test if openssl has no gost-engine.
func GOSTEngine(t testing.TB) {
	t.Helper()
	if out, err := OpenSSL(t, t.TempDir(), "dgst", "-md_gost12_512", "/dev/null"); err != nil {
		needs.Missing(t, "the gost-engine of openssl: install libengine-gost-openssl: %s", out)
	}
}
