package gost_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"hash"
	mrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/signing/gost"
	"birgeoqy.kz/almasu/internal/signing/suite"
)

// needEngine skips the test loudly without OpenSSL's engine "gost"; ALMASU_REQUIRE_TOOLS=1 turns that into a failure.
func needEngine(t *testing.T) {
	t.Helper()
	out, err := exec.Command("openssl", "engine", "gost").CombinedOutput()
	if err == nil && bytes.Contains(out, []byte("(gost)")) {
		return
	}
	needs.Missing(t, "OpenSSL with the engine gost (Debian: openssl, libengine-gost-openssl): %v", err)
}

// openssl runs "openssl command -engine gost args" in dir and returns its standard output.
func openssl(dir, command string, args ...string) ([]byte, error) {
	cmd := exec.Command("openssl", append([]string{command, "-engine", "gost"}, args...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("openssl %s: %w: %s", command, err, stderr.Bytes())
	}
	return out, err
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// engineCases are the parameter sets that OpenSSL and this package have in common. Of 112 signatures made here, OpenSSL is
// given 101 as they are and 11 changed ones.
var engineCases = []struct {
	algorithm, paramset, md string
	curve                   *gost.Curve
	rounds                  int
}{
	{"gost2012_512", "A", "-md_gost12_512", gost.ParamSetA512(), 112},
	{"gost2012_256", "A", "-md_gost12_256", gost.CryptoProA(), 112},
	{"gost2012_256", "TCA", "-md_gost12_256", gost.ParamSetA256(), 112},
}

func TestEngineSignsWeVerify(t *testing.T) {
	needEngine(t)
	for _, c := range engineCases {
		t.Run(c.algorithm+"-"+c.paramset, func(t *testing.T) {
			dir := t.TempDir()
			for range c.rounds {
				msg := randomBytes(mrand.IntN(5000))
				writeFile(t, filepath.Join(dir, "msg"), msg)
				must[[]byte](t)(openssl(dir, "genpkey", "-algorithm", c.algorithm, "-pkeyopt", "paramset:"+c.paramset, "-out", "key"))
				der := must[[]byte](t)(openssl(dir, "pkey", "-in", "key", "-pubout", "-outform", "DER"))
				sig := must[[]byte](t)(openssl(dir, "dgst", c.md, "-sign", "key", "msg"))
				pub, err := suite.ParseSPKI(der)
				if err != nil {
					t.Fatal(err)
				}
				if got := pub.(*suite.RussianPublicKey).Key().Curve(); got != c.curve {
					t.Fatalf("curve %s, want %s", got.Name(), c.curve.Name())
				}
				s, err := suite.Of(pub)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Verify(pub, s.Digest(msg), sig); err != nil {
					t.Fatal(err)
				}
				if s.Verify(pub, s.Digest(append(msg, 0)), sig) == nil {
					t.Fatal("another message verifies")
				}
			}
		})
	}
}

func TestWeSignEngineVerifies(t *testing.T) {
	needEngine(t)
	for _, c := range engineCases {
		t.Run(c.algorithm+"-"+c.paramset, func(t *testing.T) {
			dir := t.TempDir()
			for i := range c.rounds {
				key := must[*gost.PrivateKey](t)(gost.GenerateKey(c.curve, rand.Reader))
				ru := must[*suite.RussianPrivateKey](t)(suite.NewRussianPrivateKey(key))
				s := must[*suite.Suite](t)(suite.Of(ru.Public()))
				der := must[[]byte](t)(suite.MarshalSPKI(ru.Public()))
				msg := randomBytes(mrand.IntN(5000))
				sig := must[[]byte](t)(s.Sign(rand.Reader, ru, s.Digest(msg)))
				bad := i%10 == 9
				if bad {
					sig[mrand.IntN(len(sig))] ^= 1
				}
				writeFile(t, filepath.Join(dir, "pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
				writeFile(t, filepath.Join(dir, "msg"), msg)
				writeFile(t, filepath.Join(dir, "sig"), sig)
				if _, err := openssl(dir, "dgst", c.md, "-verify", "pub", "-signature", "sig", "msg"); (err != nil) != bad {
					t.Fatalf("round %d, signature changed: %t, but OpenSSL: %v", i, bad, err)
				}
			}
		})
	}
}

func TestHashesEqualEngine(t *testing.T) {
	needEngine(t)
	for md, newHash := range map[string]func() hash.Hash{
		"-md_gost12_512": gost.NewStreebog512,
		"-md_gost12_256": gost.NewStreebog256,
		"-md_gost94":     gost.NewCryptoPro341194,
	} {
		t.Run(md[1:], func(t *testing.T) {
			dir := t.TempDir()
			args := []string{md, "-r"}
			var want []string
			for i := range 300 {
				size := i
				if md == "-md_gost94" && i == 0 {
					size = 1 // OpenSSL does not give the digest of the empty message that the standard's algorithm gives
				}
				if i >= 200 {
					size = mrand.IntN(100_000)
				}
				msg := randomBytes(size)
				if i%3 == 0 { // carries through the whole check sum
					msg = bytes.Repeat([]byte{0xff}, size)
				}
				name := fmt.Sprintf("f%03d", i)
				writeFile(t, filepath.Join(dir, name), msg)
				args = append(args, name)
				h := newHash()
				h.Write(msg)
				want = append(want, hex.EncodeToString(h.Sum(nil))+" *"+name)
			}
			out := must[[]byte](t)(openssl(dir, "dgst", args...))
			got := strings.Split(strings.TrimSpace(string(out)), "\n")
			if len(got) != len(want) {
				t.Fatalf("%d lines, want %d", len(got), len(want))
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("OpenSSL %s, this package %s", got[i], want[i])
				}
			}
		})
	}
}
