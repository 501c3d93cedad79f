package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	birgeoqy "birgeoqy.kz/almasu/deploy/birgeoqy"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/synth"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/schemas"
)

// demoPeople is how many pupils the demonstration's platform has.
const demoPeople = 1000

// demoAdministrators draw up and approve; the first is the author of the routes.
var demoAdministrators = []string{"admin-author", "admin-second", "admin-third"}

// demoBody is one of the demonstration's two authorities.
type demoBody struct {
	id, folder string
	connectors []string
	process    *process
}

// demoWorld is everything that the demonstration makes in its folder.
type demoWorld struct {
	dir    string
	now    time.Time // when the demonstration begins, by its own clock
	admins map[string]ed25519.PrivateKey
	ministry,
	oblast *demoBody
}

func (w *demoWorld) path(elements ...string) string {
	return filepath.Join(append([]string{w.dir}, elements...)...)
}

func (w *demoWorld) write(name string, data []byte) error {
	path := w.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return environment(err)
	}
	return writeNew(path, data, 0o600)
}

// build makes files, keys and the platform's database.
func (w *demoWorld) build(ctx context.Context) error {
	w.ministry = &demoBody{id: "enlightenment-ministry", folder: "ministry", connectors: []string{"ministry-statute", "ministry-request"}}
	w.oblast = &demoBody{id: "turkistan-oblast", folder: "oblast", connectors: []string{"oblast-consent"}}
	for _, step := range []func() error{
		w.copyExample, w.makeKeys, w.approveRoutes, func() error { return w.makePlatform(ctx) }, w.makeAuthorities,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// copyExample writes the embedded example, with the platform on SQLite.
func (w *demoWorld) copyExample() error {
	return fs.WalkDir(birgeoqy.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := birgeoqy.Files.ReadFile(name)
		if err != nil {
			return err
		}
		if name == "platform.yaml" {
			data = bytes.Replace(data, []byte("dialect: postgres"), []byte("dialect: sqlite"), 1)
		}
		return w.write(name, data)
	})
}

func (w *demoWorld) makeKeys() error {
	keys, err := newKeys(signing.Ed25519, "birgeoqy.kz/almasu/demo")
	if err != nil {
		return err
	}
	for name, data := range keys {
		if err := w.write("keys/"+name, data); err != nil {
			return err
		}
	}
	w.admins = map[string]ed25519.PrivateKey{}
	var list []register.Administrator
	for _, id := range demoAdministrators {
		private, pemBytes, _, err := newAdministrator()
		if err != nil {
			return err
		}
		w.admins[id] = private
		list = append(list, register.Administrator{ID: id, Name: "Example " + id, Role: register.RoleAdministration, PublicKey: register.PublicKey(private.Public().(ed25519.PublicKey))})
		if err := w.write("keys/"+id+".pem", pemBytes); err != nil {
			return err
		}
	}
	text, err := register.MarshalAdministrators(list)
	if err != nil {
		return err
	}
	return w.write("register/administrators.yaml", text)
}

// approveRoutes lets two administrators approve whatever needs it.
func (w *demoWorld) approveRoutes() error {
	reg, err := legal.Load(os.DirFS(w.path("register")))
	if err != nil {
		return fmt.Errorf("the example register: %w", err)
	}
	var approvals []register.Approval
	at := register.At(w.now.Add(-24 * time.Hour))
	for _, one := range reg.Approvables() {
		for _, who := range demoAdministrators[1:] {
			approvals = append(approvals, register.SignApproval(w.admins[who], one.Kind, one.Name, one.Digest, who, at))
		}
	}
	text, err := register.MarshalApprovals(approvals)
	if err != nil {
		return err
	}
	return w.write("register/approvals.yaml", text)
}

func (w *demoWorld) makePlatform(ctx context.Context) error {
	path := w.path("platform.db")
	db, err := sqlx.Open("sqlite", "file:"+path)
	if err != nil {
		return environment(err)
	}
	defer db.Close()
	if err := synth.Load(ctx, db, synth.Options{People: demoPeople, Seed: 1, At: w.now}); err != nil {
		return environment(err)
	}
	return w.write("platform.dsn", []byte("platform.db\n"))
}

// makeAuthorities writes the configurations, keys and certificates of the two bodies.
func (w *demoWorld) makeAuthorities() error {
	reg, err := legal.Load(os.DirFS(w.path("register")))
	if err != nil {
		return err
	}
	logSecret, err := os.ReadFile(w.path("keys", logKeyFile))
	if err != nil {
		return environment(err)
	}
	log, err := transferlog.New(string(logSecret))
	if err != nil {
		return err
	}
	sealPEM, err := os.ReadFile(w.path("keys", sealKeyFile))
	if err != nil {
		return environment(err)
	}
	seal, err := signing.ParseKey(sealPEM)
	if err != nil {
		return err
	}
	set, err := schemas.LoadSet(os.DirFS(w.path("schemas")))
	if err != nil {
		return err
	}
	for _, b := range []*demoBody{w.ministry, w.oblast} {
		if err := w.makeAuthority(b, reg, log, seal, set); err != nil {
			return err
		}
	}
	return nil
}

func (w *demoWorld) makeAuthority(b *demoBody, reg *legal.Register, log *transferlog.Log, seal *signing.Key, set *schemas.Set) error {
	key, err := signing.GenerateKey(signing.Ed25519, rand.Reader)
	if err != nil {
		return err
	}
	keyPEM, err := key.PEM()
	if err != nil {
		return err
	}
	cert, certKey, err := selfSigned(w.now)
	if err != nil {
		return err
	}
	to := reg.Recipient(b.id)
	var list strings.Builder
	for _, entry := range set.All() {
		fmt.Fprintf(&list, "  - {file: ../schemas/%s, digest: %q}\n", entry.File, entry.Schema.Digest())
	}
	config := fmt.Sprintf(`# %s of the demonstration.
listen: 127.0.0.1:0
tls: {certificate: tls.pem, key: tls.key}
data: data
bin: %q
names: {kk: %q, ru: %q}
receipt_key: receipt.key
senders:
  - bin: %q
    name: Birge Oqy (example)
    log_key: sender-log.pub
    keys: [{file: sender-seal.pub}]
schemas:
%sunique: [iin]
`, b.id, to.BIN, to.NameKK, to.NameRU, reg.Operator.BIN, list.String())
	for name, data := range map[string][]byte{
		"authority.yaml": []byte(config), "receipt.key": keyPEM, "receipt.pub": key.Public().PEM(), "tls.pem": cert, "tls.key": certKey,
		"sender-log.pub": []byte(log.PublicKey().String() + "\n"), "sender-seal.pub": seal.Public().PEM(),
	} {
		if err := w.write(b.folder+"/"+name, data); err != nil {
			return err
		}
	}
	return nil
}

// selfSigned makes a certificate for 127.0.0.1 that vouches for itself.
func selfSigned(now time.Time) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "almasu demonstration"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		// The machine's clock judges it in one process, the demonstration's in others.
		NotBefore: min2(now, time.Now()).Add(-24 * time.Hour), NotAfter: max2(now, time.Now()).Add(365 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}

func min2(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func max2(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// writeConfig writes almasu.yaml, once the authorities' addresses are known. Both schedules are due at the given wall-clock minute, every day.
func (w *demoWorld) writeConfig(due time.Time) error {
	var b strings.Builder
	b.WriteString(`# The demonstration's service: one process, SQLite.
register: register
platform: {dsn_file: platform.dsn, relations: platform.yaml}
store: {kind: sqlite, path: almasu.db}
keys: {log: keys/log.key, seal: keys/seal.pem, vault: keys/vault.key, pseudonym: keys/pseudonym.key}
schemas: schemas
serve: {poll: 300ms}
connectors:
`)
	local := due.In(register.Zone)
	for _, body := range []*demoBody{w.ministry, w.oblast} {
		for _, name := range body.connectors {
			fmt.Fprintf(&b, "  - name: %s\n    route: %s\n    mapping: mapping/%s.yaml\n    batch: 100\n    patience: 20s\n", name, name, name)
			if !strings.HasSuffix(name, "-request") {
				fmt.Fprintf(&b, "    schedule: {cron: %q, zone: Asia/Almaty}\n", fmt.Sprintf("%d %d * * *", local.Minute(), local.Hour()))
			}
			fmt.Fprintf(&b, "    rest: {url: %q, ca: %s/tls.pem, receipt_keys: [%s/receipt.pub]}\n", body.process.url, body.folder, body.folder)
		}
	}
	return w.write("almasu.yaml", []byte(b.String()))
}
