package docstest

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/authority/inbox"
)

// write writes a file of a deployment, for its owner alone.
func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func keyPair(t *testing.T) (private, public []byte) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return pkcs8(t, key), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pkcs8(t, private)
}

// command runs a program in a folder and returns what it prints.
func command(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(binaries, program), args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// sender makes the folder that README's steps make, as far as no database is needed.
func sender(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	example := os.DirFS(filepath.Join(root, "deploy/birgeoqy"))
	if err := fs.WalkDir(example, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(example, name)
		if err == nil {
			write(t, dir, name, data)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	command(t, dir, "almasu", "keys", "generate", "keys")
	_, public := keyPair(t)
	cert, _ := certificate(t)
	write(t, dir, "peers/oblast-receipt.pub", public)
	write(t, dir, "peers/oblast-ca.pem", cert)
	return dir
}

// TestExampleOfTheService reads almasu.yaml with all that it names.
func TestExampleOfTheService(t *testing.T) {
	dir := sender(t)
	if shown := command(t, dir, "almasu", "keys", "show"); !strings.Contains(shown, "receipts of oblast-consent: almasu:") {
		t.Errorf("keys show prints %q", shown)
	}
	if sql := command(t, dir, "almasu", "grants", "oblast-consent"); !strings.Contains(sql, `TO "almasu_oblast_consent"`) || strings.Contains(sql, "email") {
		t.Errorf("grants prints %q", sql)
	}
}

// TestBeforeTheRecipient: the steps that come before the recipient has handed over its files do not need them, and an administrator who approves needs no key of the service.
func TestBeforeTheRecipient(t *testing.T) {
	dir := sender(t)
	if err := os.RemoveAll(filepath.Join(dir, "peers")); err != nil {
		t.Fatal(err)
	}
	if shown := command(t, dir, "almasu", "keys", "show"); !strings.Contains(shown, "seal: almasu:") || !strings.Contains(shown, "not here yet: peers/oblast-receipt.pub") {
		t.Errorf("keys show prints %q", shown)
	}
	command(t, dir, "almasu", "grants", "oblast-consent")
	configuration := read(t, "deploy/birgeoqy/almasu.yaml")
	write(t, dir, "almasu.yaml", []byte(regexp.MustCompile(`(?m)^  kind: postgres\n  dsn_file: .*$`).ReplaceAllString(configuration, "  kind: sqlite\n  path: almasu.db")))
	if done := command(t, dir, "almasu", "migrate"); !strings.Contains(done, "applied 00001") {
		t.Errorf("migrate prints %q", done)
	}
	public := regexp.MustCompile(`administrators.yaml: (\S+)`).FindStringSubmatch(command(t, dir, "almasu", "keys", "generate", "--administrator", "admin"))[1]
	other := regexp.MustCompile(`administrators.yaml: (\S+)`).FindStringSubmatch(command(t, dir, "almasu", "keys", "generate", "--administrator", "author"))[1]
	write(t, dir, "register/administrators.yaml", []byte(`administrators:
  - {id: admin-author, name: A. Author, role: administration, public_key: "`+other+`"}
  - {id: admin-second, name: B. Second, role: administration, public_key: "`+public+`"}
`))
	if err := os.RemoveAll(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]string{"oblast-consent": "route", "v1": "policy"} {
		if entry := command(t, dir, "almasu", "approve", "--route", name, "--as", "admin-second", "--key", "admin/admin.pem"); !strings.Contains(entry, "kind: "+kind+"\n  name: "+name) {
			t.Errorf("approve prints %q", entry)
		}
	}
}

// commented matches an optional key that the example shows as a comment.
var commented = regexp.MustCompile(`(?m)^( *(?:- )?)# ([a-z_]+: .*|  ?[a-z_]+: .*|  parcel:|    [a-z_]+: .*|- name: .*)$`)

// TestExampleShowsEveryKey takes the comment signs from the optional keys: each is a key that the program knows.
func TestExampleShowsEveryKey(t *testing.T) {
	dir := sender(t)
	text := read(t, "deploy/birgeoqy/almasu.yaml")
	full := commented.ReplaceAllString(text, "$1$2")
	if full == text {
		t.Fatal("no optional key was found")
	}
	_, public := keyPair(t)
	write(t, dir, "peers/ministry-receipt.pub", public)
	write(t, dir, "almasu.yaml", []byte(full))
	shown := command(t, dir, "almasu", "keys", "show")
	for _, name := range []string{"oblast-consent", "ministry-statute", "ministry-request"} {
		if !strings.Contains(shown, "receipts of "+name+":") {
			t.Errorf("the connector %s is not read", name)
		}
	}
}

// TestExampleOfTheAuthorityShowsEveryKey: whatever may stand in the receiving side's configuration stands in the example, as a comment if it is optional.
func TestExampleOfTheAuthorityShowsEveryKey(t *testing.T) {
	text, seen := read(t, "deploy/birgeoqy/authority.yaml"), 0
	var look func(of reflect.Type)
	look = func(of reflect.Type) {
		for of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct {
			return
		}
		for _, field := range reflect.VisibleFields(of) {
			key := field.Tag.Get("yaml")
			if key == "" || key == "-" {
				continue
			}
			if seen++; !regexp.MustCompile(`(?m)^[ #-]*` + key + `:`).MatchString(text) {
				t.Errorf("the key %s of %s is not in the example", key, of.Name())
			}
			look(field.Type)
		}
	}
	look(reflect.TypeFor[inbox.Config]())
	if seen < 25 {
		t.Errorf("only %d keys were found", seen)
	}
}

// TestExampleOfTheAuthority starts an authority on the example, with keys and certificates in their places.
func TestExampleOfTheAuthority(t *testing.T) {
	from, dir := sender(t), t.TempDir()
	var shown struct {
		Result []struct{ Use, Public, Fingerprint string }
	}
	if err := json.Unmarshal([]byte(command(t, from, "almasu", "keys", "show", "--json")), &shown); err != nil {
		t.Fatal(err)
	}
	private, receipts := keyPair(t)
	write(t, dir, "tls/receipt.key", private)
	write(t, dir, "authority.yaml", []byte(strings.NewReplacer("0.0.0.0:8443", "127.0.0.1:0", "127.0.0.1:9465", "127.0.0.1:0").Replace(read(t, "deploy/birgeoqy/authority.yaml"))))
	if keys := command(t, dir, "authority", "keys"); !strings.Contains(keys, string(receipts)) || !strings.Contains(keys, "not here yet: sender 351240000010: ") {
		t.Errorf("before the sender's keys are here, keys prints %q", keys)
	}
	for _, key := range shown.Result {
		if key.Use == "log" || key.Use == "seal" {
			write(t, dir, "senders/birgeoqy-"+key.Use+".pub", []byte(key.Public))
		}
	}
	cert, certKey := certificate(t)
	write(t, dir, "tls/server.pem", cert)
	write(t, dir, "tls/server.key", certKey)
	const schema = "schemas/birgeoqy-oblast-pupils.v1.json"
	write(t, dir, schema, []byte(read(t, "deploy/birgeoqy/"+schema)))
	keys := command(t, dir, "authority", "keys")
	for _, key := range shown.Result {
		if key.Use == "log" || key.Use == "seal" {
			if !strings.Contains(keys, key.Public) || !strings.Contains(keys, key.Fingerprint) {
				t.Errorf("authority keys does not show the sender's key as almasu keys show does:\n%s", keys)
			}
		}
	}

	cmd := exec.Command(filepath.Join(binaries, "authority"), "serve")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	if !strings.HasPrefix(line, "listening on https://127.0.0.1:") {
		t.Errorf("it prints %q\n%s", line, stderr.String())
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v\n%s", err, stderr.String())
	}
	if status := command(t, dir, "authority", "status"); !strings.Contains(status, "sender 351240000010") {
		t.Errorf("status prints %q", status)
	}
}
