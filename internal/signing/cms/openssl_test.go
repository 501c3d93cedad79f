package cms_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
	"birgeoqy.kz/almasu/internal/signing/cms"
	"birgeoqy.kz/almasu/internal/signing/gost"
	"birgeoqy.kz/almasu/internal/signing/keystore"
	"birgeoqy.kz/almasu/internal/signing/suite"
)

// rounds of GOST keys and messages in each direction.
const rounds = 100

func write(t *testing.T, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func message(t *testing.T) []byte {
	t.Helper()
	b := make([]byte, 1+randInt(t, 5000))
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func randInt(t *testing.T, n int64) int64 {
	t.Helper()
	v, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		t.Fatal(err)
	}
	return v.Int64()
}

// selfSigned is a signer of the given kind that is its own root.
func selfSigned(kind string) *testca.Identity {
	return testca.Root(testca.NewKey(kind), testca.Template{Name: testca.Authority("ҮЛГІ " + kind), PathLen: -1,
		From: time.Now().AddDate(-1, 0, 0), To: time.Now().AddDate(1, 0, 0),
		KeyUsage: cert.DigitalSignature | cert.KeyCertSign})
}

func TestOpenSSLVerifiesOurs(t *testing.T) {
	testca.GOSTEngine(t)
	dir := t.TempDir()
	for kind, n := range map[string]int{testca.TC26: rounds, testca.RSA: 3, testca.ECDSA: 3} {
		for i := range n {
			if testing.Short() && i == 10 {
				break
			}
			id := selfSigned(kind)
			content := message(t)
			opts := cms.Options{Time: time.Now(), Detached: i%2 == 1}
			doc, err := cms.Sign(rand.Reader, content, opts, cms.Key{Signer: id.Key, Certificate: id.Certificate})
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, "doc.p7s", doc)
			write(t, dir, "content", content)
			write(t, dir, "root.pem", pemOf("CERTIFICATE", id.Certificate.Raw))
			args := []string{"cms", "-verify", "-binary", "-inform", "DER", "-in", "doc.p7s", "-CAfile", "root.pem", "-purpose", "any", "-out", "out"}
			if opts.Detached {
				args = append(args, "-content", "content")
			}
			if out, err := testca.OpenSSL(t, dir, args...); err != nil {
				t.Fatalf("%s, round %d: %v\n%s", kind, i, err, out)
			}
			got, err := os.ReadFile(filepath.Join(dir, "out"))
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("%s, round %d: openssl wrote other content (%v)", kind, i, err)
			}
		}
	}
}

// What a national key signed is verified by openssl under the Russian names of the same
// algorithms: the signed attributes of a document, and certificates.
func TestOpenSSLVerifiesNationalSignatures(t *testing.T) {
	testca.GOSTEngine(t)
	dir := t.TempDir()
	for i := range rounds {
		if testing.Short() && i == 10 {
			break
		}
		id := selfSigned(testca.GOST2015)
		russian, err := suite.NewRussianPrivateKey(id.Key.(*gost.PrivateKey))
		if err != nil {
			t.Fatal(err)
		}
		spki, err := suite.MarshalSPKI(russian.Public())
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, "pub.pem", pemOf("PUBLIC KEY", spki))
		doc, err := cms.Sign(rand.Reader, message(t), cms.Options{Time: time.Now()}, cms.Key{Signer: id.Key, Certificate: id.Certificate})
		if err != nil {
			t.Fatal(err)
		}
		attrs, signature := signedPart(t, doc)
		for name, x := range map[string][2][]byte{"document": {attrs, signature}, "certificate": {id.Certificate.RawTBS, id.Certificate.Signature}} {
			reversed := slices.Clone(x[1])
			slices.Reverse(reversed)
			write(t, dir, "data", x[0])
			write(t, dir, "sig", reversed)
			if out, err := testca.OpenSSL(t, dir, "dgst", "-md_gost12_512", "-verify", "pub.pem", "-signature", "sig", "data"); err != nil {
				t.Fatalf("%s, round %d: %v\n%s", name, i, err, out)
			}
		}
	}
}

// signedPart returns the signed attributes of a document's one signer, and the signature.
func signedPart(t *testing.T, doc []byte) (attrs, signature []byte) {
	t.Helper()
	info := ber.NewReader(doc).Seq()
	info.OID()
	sd := info.Explicit(0).Seq()
	for range 4 { // version, digests, content, certificates
		sd.Next()
	}
	signer := sd.Set().Seq()
	for range 3 { // version, identifier, digest
		signer.Next()
	}
	attrs = slices.Clone(signer.Next().Full)
	attrs[0] = 0x31
	signer.Next()
	signature = signer.Octets()
	if err := signer.End(); err != nil {
		t.Fatal(err)
	}
	return attrs, signature
}

func TestWeVerifyOpenSSLs(t *testing.T) {
	testca.GOSTEngine(t)
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		if out, err := testca.OpenSSL(t, dir, args...); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
	}
	kinds := map[string][]string{
		"gost2012_512": {"-algorithm", "gost2012_512", "-pkeyopt", "paramset:A"},
		"gost2012_256": {"-algorithm", "gost2012_256", "-pkeyopt", "paramset:A"},
		"rsa":          {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
		"ec":           {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
	}
	for kind, keyArgs := range kinds {
		n := 3
		if kind == "gost2012_512" {
			n = rounds
		}
		for i := range n {
			if testing.Short() && i == 10 {
				break
			}
			run(append([]string{"genpkey", "-out", "key.pem"}, keyArgs...)...)
			request := []string{"req", "-x509", "-new", "-key", "key.pem", "-subj", "/C=KZ/CN=probe", "-days", "2", "-out", "cert.pem", "-config", requestConfig(t, dir)}
			md := []string(nil)
			if kind == "rsa" {
				md = [][]string{{"-md", "sha256"}, {"-md", "sha384"}, {"-md", "sha512"}}[i%3]
				request = append(request, "-"+md[1])
			}
			run(request...)
			content := message(t)
			write(t, dir, "content", content)
			args := []string{"cms", "-sign", "-binary", "-nosmimecap", "-in", "content", "-signer", "cert.pem", "-inkey", "key.pem", "-outform", "DER", "-out", "doc"}
			args = append(args, md...)
			args = append(args, [][]string{{"-nodetach"}, {"-nodetach", "-stream"}, {}, {"-nodetach", "-noattr"}, {"-nodetach", "-keyid"}, {"-nodetach", "-cades"}}[i%6]...)
			run(args...)
			verifyProbe(t, dir, fmt.Sprintf("%s round %d", kind, i), content)
			if kind == "gost2012_512" && i < 5 {
				readProbeKey(t, dir)
			}
		}
	}
}

func requestConfig(t *testing.T, dir string) string {
	t.Helper()
	const text = "[req]\ndistinguished_name = dn\nx509_extensions = x\n[dn]\n[x]\nbasicConstraints = critical,CA:true\n" +
		"keyUsage = digitalSignature,keyCertSign\nsubjectKeyIdentifier = hash\n"
	return write(t, dir, "req.cnf", []byte(text))
}

func verifyProbe(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	root, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := cert.Parse(root)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join(dir, "doc"))
	if err != nil {
		t.Fatal(err)
	}
	v := &cms.Verifier{Chain: cert.Verifier{Roots: cert.NewPool(c), Now: time.Now(), Revocation: cert.Unchecked("test")}}
	sd, err := cms.Parse(doc)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var given []byte
	if sd.Detached {
		given = content
	}
	res, err := v.Verify(context.Background(), doc, given)
	if err != nil || !bytes.Equal(res.Content, content) {
		t.Fatalf("%s: %v", name, err)
	}
	if _, err := v.Verify(context.Background(), doc, append(bytes.Clone(content), 'x')); err == nil {
		t.Fatalf("%s: other content passes", name)
	}
}

// readProbeKey opens the key that gost-engine wrote and signs with it.
func readProbeKey(t *testing.T, dir string) {
	t.Helper()
	var file []byte
	for _, name := range []string{"key.pem", "cert.pem"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		file = append(file, b...)
	}
	k, err := keystore.Parse(file, "")
	if err != nil {
		t.Fatal(err)
	}
	if k.Certificate == nil {
		t.Fatal("the key of gost-engine was not paired with its certificate")
	}
	doc, err := cms.Sign(rand.Reader, []byte("x"), cms.Options{Time: time.Now()}, cms.Key{Signer: k.Signer, Certificate: k.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "doc", doc)
	verifyProbe(t, dir, "key of gost-engine", []byte("x"))
}

// openssl ts verifies our request's answer; we verify openssl's answer to our request.
func TestTimeStampsWithOpenSSL(t *testing.T) {
	testca.GOSTEngine(t)
	for _, kind := range []string{testca.RSA, testca.TC26} {
		dir := t.TempDir()
		root := selfSigned(kind)
		tsa := root.Issue(testca.NewKey(kind), testca.Template{Name: testca.Authority("ҮЛГІ TSA"), From: time.Now().AddDate(0, -1, 0),
			To: time.Now().AddDate(0, 1, 0), PathLen: -1, KeyUsage: cert.DigitalSignature, ExtUsage: []string{cert.UsageTimeStamping}, ExtMarked: true})
		content := message(t)
		write(t, dir, "content", content)
		write(t, dir, "root.pem", pemOf("CERTIFICATE", root.Certificate.Raw))
		write(t, dir, "tsa.pem", pemOf("CERTIFICATE", tsa.Certificate.Raw))
		write(t, dir, "tsa.key", pemOf("PRIVATE KEY", testca.PKCS8(tsa.Key)))
		digest, md := "2.16.840.1.101.3.4.2.1", "sha256"
		if kind == testca.TC26 {
			digest, md = "1.2.643.7.1.1.2.3", "md_gost12_512"
		}
		d, _ := cert.DigestByOID(digest)
		q, err := cms.NewRequest(d, content, "1.2.398.3.3.2.6.4", big.NewInt(77777))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, "q.tsq", q.Marshal())
		write(t, dir, "serial", []byte("01"))
		write(t, dir, "ts.cnf", []byte("openssl_conf = init\n[init]\nengines = engines\n[engines]\ngost = gost\n[gost]\nengine_id = gost\n"+
			"default_algorithms = ALL\n[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_cert = tsa.pem\nsigner_key = tsa.key\nsigner_digest = "+md+
			"\naccuracy = secs:1, millisecs:500, microsecs:100\nordering = yes\ntsa_name = yes\ndefault_policy = 1.2.398.3.3.2.6.1\nother_policies = 1.2.398.3.3.2.6.4\ndigests = sha256, "+md+"\n"))
		if out, err := testca.OpenSSL(t, dir, "ts", "-reply", "-config", "ts.cnf", "-queryfile", "q.tsq", "-out", "a.tsr"); err != nil {
			t.Fatalf("%s: %v\n%s", kind, err, out)
		}
		answer, err := os.ReadFile(filepath.Join(dir, "a.tsr"))
		if err != nil {
			t.Fatal(err)
		}
		v := &cms.Verifier{Chain: cert.Verifier{Roots: cert.NewPool(root.Certificate), Now: time.Now(), Revocation: cert.Unchecked("test")}}
		if _, ts, _, err := v.VerifyResponse(context.Background(), q, answer); err != nil || !ts.Trusted {
			t.Errorf("%s: openssl's answer: %v", kind, err)
		} else if ts.Accuracy != 1500100*time.Microsecond {
			t.Errorf("%s: accuracy %s", kind, ts.Accuracy)
		}
		ours := tsa.Token(testca.Stamp{Time: time.Now(), Policy: "1.2.398.3.3.2.6.4", Digest: d, Data: content, Nonce: q.Nonce})
		write(t, dir, "b.tsr", testca.Response(ours))
		if out, err := testca.OpenSSL(t, dir, "ts", "-verify", "-queryfile", "q.tsq", "-in", "b.tsr", "-CAfile", "root.pem"); err != nil {
			t.Errorf("%s: our answer by openssl: %v\n%s", kind, err, out)
		}
	}
}
