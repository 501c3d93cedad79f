package testca

import (
	"embed"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

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

// Shared returns a file of the shared signature samples, which lie beside the
// repository, and skips the test if they are not there.
func Shared(t testing.TB, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = parent
	}
	path := filepath.Join(dir, "..", "shared", "data", "kz-signatures", name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("SKIPPED: the shared sample %s is missing beside the repository", name)
	}
	return b
}

// Tool skips the test if a program is not installed; with ALMASU_REQUIRE_TOOLS=1 it
// fails it.
func Tool(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("ALMASU_REQUIRE_TOOLS") == "1" {
		t.Fatalf("the program %s is missing", name)
	}
	t.Skipf("SKIPPED: the program %s is missing", name)
}

// OpenSSL runs openssl in dir with gost-engine loaded and returns its output.
func OpenSSL(t testing.TB, dir string, args ...string) (string, error) {
	t.Helper()
	Tool(t, "openssl")
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

// GOSTEngine skips (or fails, see [Tool]) the test if openssl has no gost-engine.
func GOSTEngine(t testing.TB) {
	t.Helper()
	if out, err := OpenSSL(t, t.TempDir(), "dgst", "-md_gost12_512", "/dev/null"); err != nil {
		if os.Getenv("ALMASU_REQUIRE_TOOLS") == "1" {
			t.Fatalf("openssl has no gost-engine: %s", out)
		}
		t.Skip("SKIPPED: openssl has no gost-engine")
	}
}
