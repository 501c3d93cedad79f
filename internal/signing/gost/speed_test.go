package gost_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/signing/gost"
)

// TestSpeedAgainstGostEngine holds this package to the speed of OpenSSL's gost-engine, which testdata/speed.c measures in the same
// run: signing and verifying within three times its time, Streebog-512 within two times, and at any rate below 0.5 ms and
// 1 ms. It runs when ALMASU_SPEED=1, on a quiet machine.
func TestSpeedAgainstGostEngine(t *testing.T) {
	needs.Campaign(t, "ALMASU_SPEED")
	needEngine(t)
	program := filepath.Join(t.TempDir(), "speed")
	if out, err := exec.Command("cc", "-O2", "-o", program, "testdata/speed.c", "-lcrypto").CombinedOutput(); err != nil {
		needs.Missing(t, "a C compiler and OpenSSL's headers (Debian: gcc, libssl-dev): %v: %s", err, out)
	}
	out, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirSign, theirVerify, theirHash float64
	if _, err := fmt.Fscanf(bytes.NewReader(out), "sign %f\nverify %f\nstreebog512 %f\n", &theirSign, &theirVerify, &theirHash); err != nil {
		t.Fatalf("%s: %v", out, err)
	}

	key := must[*gost.PrivateKey](t)(gost.GenerateKey(gost.ParamSetA512(), nil))
	pub := key.Public().(*gost.PublicKey)
	digest := make([]byte, 64)
	sig := must[[]byte](t)(key.Sign(nil, digest, nil))
	best := func(f func()) float64 { // microseconds
		least := 1e18
		for range 5 {
			r := testing.Benchmark(func(b *testing.B) {
				for b.Loop() {
					f()
				}
			})
			least = min(least, float64(r.T.Nanoseconds())/float64(r.N)/1e3)
		}
		return least
	}
	sign := best(func() { _, _ = key.Sign(rand.Reader, digest, nil) })
	verify := best(func() { pub.Verify(digest, sig) })
	buf, h := make([]byte, 1<<20), gost.NewStreebog512()
	hash := float64(len(buf)) / best(func() { h.Write(buf) })

	t.Logf("sign %.0f us (gost-engine %.0f), verify %.0f us (%.0f), Streebog-512 %.0f MB/s (%.0f)",
		sign, theirSign, verify, theirVerify, hash, theirHash)
	if sign > 3*theirSign || sign > 500 || verify > 3*theirVerify || verify > 1000 || hash < theirHash/2 {
		t.Error("slower than promised")
	}
}
