package signing

import (
	"bytes"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"crypto/ecdsa"
)

var algs = []Alg{Ed25519, ECDSAP256SHA256, RSAPSSSHA512, RSAV15SHA256}

func TestKeyRoundTrip(t *testing.T) {
	for _, alg := range algs {
		k := mustKey(alg)
		secret, err := k.PEM()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKey(append([]byte("\n"), secret...))
		if err != nil {
			t.Fatal(alg, err)
		}
		public, err := ParsePublicKey(k.Public().PEM())
		if err != nil {
			t.Fatal(alg, err)
		}
		if again, err = again.As(alg); err != nil {
			t.Fatal(err)
		}
		if public, err = public.As(alg); err != nil {
			t.Fatal(err)
		}
		if k.Alg() != alg || again.ID() != k.ID() || public.ID() != k.ID() || public.Fingerprint() != k.Public().Fingerprint() {
			t.Fatalf("%s: the key changed on its way", alg)
		}
		if len(k.ID()) != len(keyIDPrefix)+keyIDChars || len(public.Fingerprint()) != 71 || public.String() != k.ID() {
			t.Fatalf("%s: id %q, fingerprint %q", alg, k.ID(), public.Fingerprint())
		}
		message := []byte("message")
		sig, err := again.Sign(message)
		if err != nil {
			t.Fatal(err)
		}
		if err := public.Verify(message, sig); err != nil {
			t.Fatal(alg, err)
		}
		for i := range sig {
			sig[i] ^= 1
			wantCode(t, public.Verify(message, sig), "signing.bad_signature")
			sig[i] ^= 1
		}
		wantCode(t, public.Verify([]byte("other"), sig), "signing.bad_signature")
		wantCode(t, public.Verify(message, sig[1:]), "signing.bad_signature")
		wantCode(t, public.Verify(message, append(sig, 0)), "signing.bad_signature")
		wantCode(t, public.Verify(message, nil), "signing.bad_signature")
	}
	var none *PublicKey
	wantCode(t, none.Verify(nil, nil), "signing.bad_signature")
	_, err := (*Key)(nil).Sign(nil)
	wantCode(t, err, "signing.no_key")
	_, err = GenerateKey("hmac-sha256", nil)
	wantCode(t, err, "signing.unsupported_key")
}

// The two algorithms of an RSA key are not taken for one another, and other keys have one algorithm only.
func TestKeyHasOneAlgorithm(t *testing.T) {
	pss := mustKey(RSAPSSSHA512)
	plain, err := pss.As(RSAV15SHA256)
	if err != nil {
		t.Fatal(err)
	}
	sig, _ := pss.Sign([]byte("m"))
	wantCode(t, plain.Public().Verify([]byte("m"), sig), "signing.bad_signature")
	sig, _ = plain.Sign([]byte("m"))
	wantCode(t, pss.Public().Verify([]byte("m"), sig), "signing.bad_signature")
	_, err = mustKey(Ed25519).As(RSAPSSSHA512)
	wantCode(t, err, "signing.unsupported_key")
	_, err = pss.As(Ed25519)
	wantCode(t, err, "signing.unsupported_key")
}

func TestOtherPEMForms(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, _ := x509.MarshalECPrivateKey(ec)
	if k, err := ParseKey(block("EC PRIVATE KEY", der)); err != nil || k.Alg() != ECDSAP256SHA256 {
		t.Fatal(err)
	}
	r, _ := rsa.GenerateKey(rand.Reader, 2048)
	if k, err := ParseKey(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r))); err != nil || k.Alg() != RSAPSSSHA512 {
		t.Fatal(err)
	}
	// The form that OpenSSL's genpkey -algorithm RSA-PSS writes: the same key under another algorithm identifier.
	private, _ := x509.MarshalPKCS8PrivateKey(r)
	public, _ := x509.MarshalPKIXPublicKey(&r.PublicKey)
	k, err := ParseKey(block("PRIVATE KEY", asPSS(private)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePublicKey(block("PUBLIC KEY", asPSS(public)))
	if err != nil || p.ID() != k.ID() || p.Alg() != RSAPSSSHA512 {
		t.Fatal(err)
	}
	if plain, _ := ParsePublicKey(block("PUBLIC KEY", public)); plain.ID() != p.ID() {
		t.Fatal("one key has two ids")
	}
}

// asPSS replaces the object identifier rsaEncryption by id-RSASSA-PSS, which is as long.
func asPSS(der []byte) []byte {
	return bytes.Replace(der, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1}, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10}, 1)
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestBadKeysAreRefused(t *testing.T) {
	spki := func(key any) []byte {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return block("PUBLIC KEY", der)
	}
	good := mustKey(Ed25519)
	secret, _ := good.PEM()
	small, _ := rsa.GenerateKey(rand.Reader, 1024)
	odd := new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 2047), 0, 1)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p384DER, _ := x509.MarshalECPrivateKey(p384)
	smallDER := []byte(nil)
	if small != nil { // a build of the standard library may refuse to make one
		smallDER = block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small))
	}
	for name, c := range map[string]struct {
		pem  []byte
		code string
	}{
		"empty":               {nil, "signing.bad_key"},
		"not PEM":             {[]byte("almasu"), "signing.bad_key"},
		"cut":                 {secret[:40], "signing.bad_key"},
		"text before":         {append([]byte("key\n"), secret...), "signing.bad_key"},
		"two blocks":          {append(bytes.Clone(secret), secret...), "signing.bad_key"},
		"trailing":            {append(bytes.Clone(secret), 'x'), "signing.bad_key"},
		"too large":           {bytes.Repeat([]byte(" "), maxPEMBytes+1), "signing.bad_key"},
		"encrypted":           {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: []byte{1}}), "signing.bad_key"},
		"certificate":         {block("CERTIFICATE", []byte{1}), "signing.bad_key"},
		"garbage":             {block("PRIVATE KEY", []byte{1, 2, 3}), "signing.bad_key"},
		"garbage public":      {block("PUBLIC KEY", []byte{1, 2, 3}), "signing.bad_key"},
		"P-384":               {block("EC PRIVATE KEY", p384DER), "signing.unsupported_key"},
		"P-384 public":        {spki(&p384.PublicKey), "signing.unsupported_key"},
		"RSA 1024":            {smallDER, "signing.weak_key"},
		"RSA 1024 public":     {spki(&rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 1023), 0, 1), E: 65537}), "signing.weak_key"},
		"RSA 16384 public":    {spki(&rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 16383), 0, 1), E: 65537}), "signing.weak_key"},
		"RSA exponent 3":      {spki(&rsa.PublicKey{N: odd, E: 3}), "signing.weak_key"},
		"RSA even exponent":   {spki(&rsa.PublicKey{N: odd, E: 65538}), "signing.weak_key"},
		"RSA even modulus":    {spki(&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}), "signing.weak_key"},
		"Ed25519 small order": {spki(ed25519.PublicKey(make([]byte, 32))), "signing.weak_key"},
	} {
		t.Run(name, func(t *testing.T) {
			parse := func(b []byte) error { _, err := ParseKey(b); return err }
			if bytes.Contains(c.pem, []byte("PUBLIC")) {
				parse = func(b []byte) error { _, err := ParsePublicKey(b); return err }
			}
			err := parse(c.pem)
			if name == "RSA 1024" {
				wantCode(t, err, c.code, "signing.bad_key")
				return
			}
			wantCode(t, err, c.code)
		})
	}
	_, err := ParsePublicKey(secret)
	wantCode(t, err, "signing.bad_key")
	_, err = ParseKey(good.Public().PEM())
	wantCode(t, err, "signing.bad_key")
}

// With a key of small order a signature can be made without any secret: that is why such keys are refused.
func TestSmallOrderKeysAreForgeable(t *testing.T) {
	identity := append([]byte{1}, make([]byte, 31)...)
	if !ed25519.Verify(identity, []byte("anything"), append(bytes.Clone(identity), make([]byte, 32)...)) {
		t.Fatal("the forgery that the check is against does not work")
	}
	for _, s := range smallOrders {
		y, err := hex.DecodeString(s)
		if err != nil || len(y) != 32 {
			t.Fatal(s, err)
		}
		for _, sign := range []byte{0, 0x80} {
			y[31] = y[31]&0x7f | sign
			if _, err := newPublicKey(ed25519.PublicKey(y), ""); err == nil {
				t.Errorf("%x was accepted", y)
			}
			forged := 0
			for i := range 64 { // R is the identity and S is 0: verifies where the hash is a multiple of the order
				if ed25519.Verify(y, []byte{byte(i)}, append(bytes.Clone(identity), make([]byte, 32)...)) {
					forged++
				}
			}
			if forged == 0 && s[62:] != "7f" && y[0] != 1 {
				t.Errorf("%x is not of small order", y)
			}
		}
	}
}

func TestKeysAreNeverPrinted(t *testing.T) {
	for _, alg := range algs {
		k := mustKey(alg)
		secret, _ := x509.MarshalPKCS8PrivateKey(k.signer)
		raw := secret[len(secret)-16:]
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%o", "%c", "%U", "%T"} {
			fmt.Fprintf(&out, verb+"\n", k)
			fmt.Fprintf(&out, verb+"\n", *k)
			fmt.Fprintf(&out, verb+"\n", []*Key{k})
			fmt.Fprintf(&out, verb+"\n", struct{ Key Key }{*k})
		}
		if err := json.NewEncoder(&out).Encode(map[string]any{"a": k, "b": *k}); err != nil {
			t.Fatal(err)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", k, "value", *k)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", k, "value", *k)
		text := out.String()
		for _, form := range []string{hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)), fmt.Sprint(raw)[1:20], string(raw)} {
			if strings.Contains(text, form) {
				t.Fatalf("%s: the secret was printed", alg)
			}
		}
		if !strings.Contains(text, k.ID()) {
			t.Fatalf("%s: the key's id was not printed", alg)
		}
	}
	if s := fmt.Sprint(Key{}); s != "no key" {
		t.Fatal(s)
	}
}

func TestKeyring(t *testing.T) {
	old, current := mustKey(Ed25519), mustKey(ECDSAP256SHA256)
	ring := NewKeyring("123456789012")
	day := 24 * time.Hour
	start, handover, end := testTime, testTime.Add(30*day), testTime.Add(37*day)
	if err := ring.Add(old.Public(), start, end); err != nil {
		t.Fatal(err)
	}
	if err := ring.Add(current.Public(), handover, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at           time.Time
		old, current string
	}{
		{start.Add(-1), "signing.key_not_yet_valid", "signing.key_not_yet_valid"},
		{start, "", "signing.key_not_yet_valid"},
		{handover, "", ""},
		{end.Add(-1), "", ""},
		{end, "signing.key_expired", ""},
		{end.Add(10000 * day), "signing.key_expired", ""},
	} {
		for key, code := range map[*Key]string{old: c.old, current: c.current} {
			got, err := ring.Find(key.ID(), c.at)
			wantCode(t, err, code)
			if (got == nil) != (err != nil) || got != nil && got.ID() != key.ID() {
				t.Fatal("another key was found")
			}
		}
	}
	_, err := ring.Find("almasu:", testTime)
	wantCode(t, err, "signing.unknown_key")
	wantCode(t, ring.Add(old.Public(), time.Time{}, time.Time{}), "signing.duplicate_key")
	wantCode(t, ring.Add(nil, time.Time{}, time.Time{}), "signing.no_key")
	wantCode(t, ring.Add(&PublicKey{}, time.Time{}, time.Time{}), "signing.no_key")
	wantCode(t, ring.Add(mustKey(Ed25519).Public(), testTime, testTime), "signing.key_period")
	if ring.Holder() != "123456789012" || len(ring.Keys()) != 2 {
		t.Fatal(ring.Holder(), ring.Keys())
	}
}

func FuzzPEM(f *testing.F) {
	for _, alg := range algs[:2] {
		k := mustKey(alg)
		secret, _ := k.PEM()
		f.Add(secret)
		f.Add(k.Public().PEM())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := ParseKey(b); err == nil {
			sig, err := k.Sign(b)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Public().Verify(b, sig); err != nil {
				t.Fatal(err)
			}
		}
		if p, err := ParsePublicKey(b); err == nil {
			again, err := ParsePublicKey(p.PEM())
			if err != nil || again.ID() != p.ID() {
				t.Fatal(err)
			}
		}
	})
}
