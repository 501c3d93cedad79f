package keystore_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
	"birgeoqy.kz/almasu/internal/signing/keystore"
)

func put(t testing.TB, name string, b []byte, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func passwordFile(t testing.TB) string {
	return put(t, "password", []byte(testca.Password+"\n"), 0o600)
}

// signs checks that the key signs and its certificate verifies.
func signs(t *testing.T, name string, k *keystore.Key) {
	t.Helper()
	s, err := k.Suite()
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	digest := s.Digest([]byte(name))
	sig, err := s.Sign(rand.Reader, k.Signer, digest)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if err := s.Verify(k.Certificate.PublicKey, digest, sig); err != nil {
		t.Errorf("%s: the certificate does not verify what the key signed", name)
	}
}

func TestOpensNationalContainers(t *testing.T) {
	password := passwordFile(t)
	for _, family := range testca.Families {
		path := put(t, "key.p12", testca.File(family+"/person.p12"), 0o400)
		k, err := keystore.Open(path, password)
		if err != nil {
			t.Errorf("%s: %v", family, err)
			continue
		}
		if !bytes.Equal(k.Certificate.Raw, testca.File(family+"/person.cer")) || len(k.Others) != 1 {
			t.Errorf("%s: other certificates than expected", family)
		}
		signs(t, family, k)
	}
}

func TestOpensPEM(t *testing.T) {
	password := passwordFile(t)
	for _, kind := range []string{testca.GOST2015, testca.GOST2004, testca.RSA, testca.ECDSA, testca.TC26} {
		id := testca.Root(testca.NewKey(kind), testca.Template{Name: testca.Authority(kind), From: testca.Now, To: testca.Now.AddDate(1, 0, 0), PathLen: -1})
		key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: testca.PKCS8(id.Key)})
		certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.Certificate.Raw})
		k, err := keystore.Open(put(t, "key.pem", append(key, certificate...), 0o600), password)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		signs(t, kind, k)
		if k, err = keystore.Open(put(t, "key.pem", key, 0o600), ""); err != nil || k.Certificate != nil {
			t.Errorf("%s, key alone: %v", kind, err)
		}
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := keystore.Parse(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: testca.PKCS8(ed)}), "")
	if err != nil || !ed.Equal(k.Signer.(ed25519.PrivateKey)) {
		t.Errorf("Ed25519: %v", err)
	}
}

// openssl writes containers in several ways; the key and the certificate come out.
func TestOpensOpenSSLContainers(t *testing.T) {
	testca.GOSTEngine(t)
	for _, kind := range []string{testca.RSA, testca.ECDSA, testca.TC26} {
		id := testca.Root(testca.NewKey(kind), testca.Template{Name: testca.Authority(kind), From: time.Now(), To: time.Now().AddDate(1, 0, 0), PathLen: -1})
		dir := t.TempDir()
		both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: testca.PKCS8(id.Key)}),
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.Certificate.Raw})...)
		if err := os.WriteFile(filepath.Join(dir, "in.pem"), both, 0o600); err != nil {
			t.Fatal(err)
		}
		for name, args := range map[string][]string{
			"modern":      {},
			"legacy":      {"-legacy"},
			"old":         {"-legacy", "-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-RC2-40", "-macalg", "sha1"},
			"rc2-128":     {"-legacy", "-keypbe", "PBE-SHA1-RC2-128", "-certpbe", "PBE-SHA1-2DES", "-macalg", "sha1"},
			"aes-128":     {"-keypbe", "AES-128-CBC", "-certpbe", "AES-192-CBC", "-macalg", "sha512"},
			"des3":        {"-keypbe", "DES-EDE3-CBC", "-certpbe", "NONE", "-macalg", "sha384"},
			"clear":       {"-keypbe", "NONE", "-certpbe", "NONE"},
			"no password": {"-passout", "pass:"},
		} {
			password := "пароль-Қ1"
			base := []string{"pkcs12", "-export", "-in", "in.pem", "-out", "out.p12", "-passout", "pass:" + password}
			if name == "no password" {
				base, password = base[:len(base)-2], ""
			}
			if out, err := testca.OpenSSL(t, dir, append(base, args...)...); err != nil {
				if strings.Contains(out, "unsupported") || strings.Contains(out, "legacy") {
					t.Logf("%s: this openssl has no legacy provider", name)
					continue
				}
				t.Fatalf("%s %s: %v\n%s", kind, name, err, out)
			}
			b, err := os.ReadFile(filepath.Join(dir, "out.p12"))
			if err != nil {
				t.Fatal(err)
			}
			k, err := keystore.Parse(b, password)
			if err != nil {
				t.Errorf("%s %s: %v", kind, name, err)
				continue
			}
			signs(t, kind+" "+name, k)
			if _, err := keystore.Parse(b, password+"x"); record.CodeOf(err) != "keystore.password" {
				t.Errorf("%s %s with another password: %v", kind, name, err)
			}
		}
		if out, err := testca.OpenSSL(t, dir, "pkcs8", "-topk8", "-in", "in.pem", "-out", "sealed.pem", "-passout", "pass:secret"); err != nil {
			t.Fatalf("%s\n%s", err, out)
		}
		sealed, err := os.ReadFile(filepath.Join(dir, "sealed.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if k, err := keystore.Parse(append(sealed, both[bytes.Index(both, []byte("-----BEGIN CERT")):]...), "secret"); err != nil {
			t.Errorf("%s encrypted PEM: %v", kind, err)
		} else {
			signs(t, kind+" encrypted PEM", k)
		}
		if _, err := keystore.Parse(sealed, "other"); record.CodeOf(err) != "keystore.password" && record.CodeOf(err) != "keystore.malformed" {
			t.Errorf("%s encrypted PEM with another password: %v", kind, err)
		}
	}
}

func TestFileModes(t *testing.T) {
	password := passwordFile(t)
	container := testca.File("gost2015/person.p12")
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o601, 0o777} {
		path := put(t, "key.p12", container, 0o600)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := keystore.Open(path, password); record.CodeOf(err) != "keystore.mode" {
			t.Errorf("key of mode %o: %v", mode, err)
		}
		secret := put(t, "password", []byte(testca.Password), 0o600)
		if err := os.Chmod(secret, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := keystore.Open(put(t, "key.p12", container, 0o600), secret); record.CodeOf(err) != "keystore.mode" {
			t.Errorf("password of mode %o: %v", mode, err)
		}
	}
	if _, err := keystore.Open(t.TempDir(), password); record.CodeOf(err) != "keystore.unreadable" {
		t.Errorf("a folder: %v", err)
	}
	if _, err := keystore.Open(filepath.Join(t.TempDir(), "none"), password); record.CodeOf(err) != "keystore.unreadable" {
		t.Errorf("no file: %v", err)
	}
	if _, err := keystore.Open(put(t, "big", make([]byte, keystore.MaxFile+1), 0o600), ""); record.CodeOf(err) != "keystore.too_large" {
		t.Errorf("too large: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	good := testca.File("gost2015/person.p12")
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	key := testca.PKCS8(testca.NewKey(testca.GOST2015))
	certificate := testca.File("gost2015/person.cer")
	for name, c := range map[string]struct {
		data []byte
		code string
	}{
		"empty":               {nil, "keystore.malformed"},
		"trailing octets":     {append(bytes.Clone(good), 0), "keystore.malformed"},
		"cut off":             {good[:len(good)-1], "keystore.malformed"},
		"certificate":         {certificate, "keystore.malformed"},
		"PEM without a key":   {block("CERTIFICATE", certificate), "keystore.no_key"},
		"two keys":            {append(block("PRIVATE KEY", key), block("PRIVATE KEY", key)...), "keystore.several_keys"},
		"other certificate":   {append(block("PRIVATE KEY", key), block("CERTIFICATE", certificate)...), "keystore.mismatch"},
		"old PEM":             {block("RSA PRIVATE KEY", key), "keystore.malformed"},
		"text after":          {append(block("PRIVATE KEY", key), "x"...), "keystore.malformed"},
		"broken key":          {block("PRIVATE KEY", key[:len(key)-1]), "keystore.password"},
		"zero key":            {block("PRIVATE KEY", zeroed(key)), "keystore.malformed"},
		"wrong password, p12": {good, "keystore.password"},
	} {
		password := testca.Password
		if name == "wrong password, p12" {
			password = "wrong"
		}
		_, err := keystore.Parse(c.data, password)
		if record.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want code %q", name, err, c.code)
		}
	}
	mixed := &testca.Identity{Key: testca.NewKey(testca.GOST2015), Certificate: testca.Certificate("gost2015/person.cer")}
	if _, err := keystore.Parse(testca.PKCS12("x", mixed), "x"); record.CodeOf(err) != "keystore.mismatch" {
		t.Errorf("key of another certificate: %v", err)
	}
}

// zeroed replaces the number of a GOST key by zero.
func zeroed(key []byte) []byte {
	out := bytes.Clone(key)
	clear(out[len(out)-64:])
	return out
}

// Every mutation of a container is refused or leaves key and certificate as they were.
func TestMutations(t *testing.T) {
	good := testca.File("gost2015/person.p12")
	codes := map[string]int{}
	for i := range good {
		mutated := bytes.Clone(good)
		mutated[i] ^= 1 << (i % 8)
		k, err := keystore.Parse(mutated, testca.Password)
		codes[record.CodeOf(err)]++
		if err == nil {
			t.Errorf("octet %d passes: %v", i, k.Certificate.Serial())
		}
	}
	t.Log(codes)
}

// Nothing prints a key or a password.
func TestKeepsSecrets(t *testing.T) {
	for _, family := range testca.Families {
		k, err := keystore.Parse(testca.File(family+"/person.p12"), testca.Password)
		if err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if text := fmt.Sprintf(verb, k); len(text) > 200 || strings.Contains(text, testca.Password) {
				t.Errorf("%s %s prints %d octets", family, verb, len(text))
			}
		}
	}
	_, err := keystore.Parse(testca.File("rsa/person.p12"), "canary-password")
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

// Containers of the national tools.
func TestSharedContainers(t *testing.T) {
	for file, want := range map[string]string{
		"test_gost2015_individual_2026-2027.p12":  testca.GOST2015,
		"test_gost2015_individual_revoked.p12":    testca.GOST2015,
		"test_gost2015_infosystem_2026-2027.p12":  testca.GOST2015,
		"test_gost2015_legal-head_2026-2027.p12":  testca.GOST2015,
		"test_gost2004_org_expired2021.p12":       testca.GOST2004,
		"test_rsa2048_individual_expired2021.p12": testca.RSA,
	} {
		k, err := keystore.Parse(needs.ReferenceFile(t, "data/kz-signatures", "p12/"+file), "Qwerty12")
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if s, err := k.Suite(); err != nil || s.Name != want {
			t.Errorf("%s: %v, %v", file, s, err)
		}
		signs(t, file, k)
		if len(k.Certificate.SubjectIIN()) != 12 || strings.Contains(file, "org") != (k.Certificate.SubjectBIN() != "") && !strings.Contains(file, "legal") && !strings.Contains(file, "infosystem") {
			t.Errorf("%s: IIN or BIN not read", file)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, family := range testca.Families {
		f.Add(testca.File(family+"/person.p12"), testca.Password)
	}
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: testca.PKCS8(testca.NewKey(testca.GOST2004))}), "")
	f.Fuzz(func(t *testing.T, b []byte, password string) {
		k, err := keystore.Parse(b, password)
		if err == nil && k.Signer == nil {
			t.Error("a key that cannot sign")
		}
	})
}
