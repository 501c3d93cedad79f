// Package setup makes key files and complete example deployments in a folder: for the demonstration, for tests and
// for the benchmark. Files that exist are never overwritten.
package setup

import (
	"bytes"
	"cmp"
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
	"regexp"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	birgeoqy "birgeoqy.kz/almasu/deploy/birgeoqy"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/synth"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/schemas"
)

// Administrators draw up and approve; the first is the author of the routes.
var Administrators = []string{"admin-author", "admin-second", "admin-third"}

// Body is one of the example's two authorities.
type Body struct {
	// ID is its id in the register, Folder its folder in the example, Connectors the connectors that send to it.
	ID, Folder string
	Connectors []string
	// URL is where it listens, once it was started.
	URL     string
	process *process
}

// Forms reads the files that give a connector another form than the example's: [Example.Files] from a mapping, which is named after the connector, and its schema.
func Forms(connector, mapping, schema string) (map[string][]byte, error) {
	table, err := os.ReadFile(mapping)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(schema)
	if err != nil {
		return nil, err
	}
	name := regexp.MustCompile(`(?m)^mapping: .*$`)
	return map[string][]byte{
		"mapping/" + connector + ".yaml":   name.ReplaceAll(table, []byte("mapping: "+connector)),
		"schemas/" + filepath.Base(schema): text,
	}, nil
}

// columns are the columns of the tables among the files, by the digest of their schema, as the receiving side names them.
func (w *Example) columns() (map[record.Digest]string, error) {
	out := map[record.Digest]string{}
	for name, text := range w.Files {
		if !strings.HasPrefix(name, "mapping/") {
			continue
		}
		table, err := mapping.Load(name, text, func(string) (string, bool) { return "", true })
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(table.MediaType(), "text/csv") && !strings.Contains(table.MediaType(), "spreadsheet") {
			continue
		}
		var list []string
		for _, l := range table.Lineage() {
			list = append(list, l.Target)
		}
		out[table.Schema().Digest] = ", columns: [" + strings.Join(list, ", ") + "]"
	}
	return out, nil
}

// Example is a deployment in a folder: the embedded example with keys, two signed approvals of each route, and two authorities.
type Example struct {
	// Dir is the folder, Now when the deployment begins, by its own clock.
	Dir string
	Now time.Time
	// People is how many pupils are made for a platform on SQLite. If PlatformDSN is not empty, the platform is on PostgreSQL and already there.
	People      int
	PlatformDSN string
	// Canary begins every text in the platform's columns that no policy permits; for tests.
	Canary string
	// Files are written in the place of embedded files of the same name, or beside them.
	Files map[string][]byte
	// Plain lets the authorities listen without TLS.
	Plain bool
	// StoreDSN, if not empty, puts the service's store on PostgreSQL, else on SQLite.
	StoreDSN string
	// Batch is how many people make one message.
	Batch int
	// Compare is what connectors say of comparing with what the recipient holds: "none" if empty, so that the same people can be sent twice.
	Compare string
	// Admins are the administrators' keys, by id.
	Admins map[string]ed25519.PrivateKey
	// Ministry and Oblast are the two authorities.
	Ministry, Oblast *Body
}

// Bodies lists both authorities.
func (w *Example) Bodies() []*Body { return []*Body{w.Ministry, w.Oblast} }

// Path joins elements to the folder.
func (w *Example) Path(elements ...string) string {
	return filepath.Join(append([]string{w.Dir}, elements...)...)
}

// Write writes a file of the folder that must not exist, readable by its owner only.
func (w *Example) Write(name string, data []byte) error {
	path := w.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return WriteNew(path, data, 0o600)
}

// Build makes files, keys and, on SQLite, the platform's database.
func (w *Example) Build(ctx context.Context) error {
	w.Ministry = &Body{ID: "enlightenment-ministry", Folder: "ministry", Connectors: []string{"ministry-statute", "ministry-request", "ministry-statistics"}}
	w.Oblast = &Body{ID: "turkistan-oblast", Folder: "oblast", Connectors: []string{"oblast-consent"}}
	for _, step := range []func() error{
		w.copyExample, w.makeKeys, w.Approve, func() error { return w.makePlatform(ctx) }, w.makeAuthorities,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// copyExample writes the embedded example, for the platform that there is.
func (w *Example) copyExample() error {
	for name, data := range w.Files {
		if err := w.Write(name, data); err != nil {
			return err
		}
	}
	return fs.WalkDir(birgeoqy.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || w.Files[name] != nil {
			return err
		}
		data, err := birgeoqy.Files.ReadFile(name)
		if err != nil {
			return err
		}
		if name == "platform.yaml" && w.PlatformDSN == "" {
			data = bytes.Replace(data, []byte("dialect: postgres"), []byte("dialect: sqlite"), 1)
		}
		return w.Write(name, data)
	})
}

func (w *Example) makeKeys() error {
	keys, err := ServiceKeys(signing.Ed25519, "birgeoqy.kz/almasu/demo")
	if err != nil {
		return err
	}
	for name, data := range keys {
		if err := w.Write("keys/"+name, data); err != nil {
			return err
		}
	}
	w.Admins = map[string]ed25519.PrivateKey{}
	var list []register.Administrator
	for _, id := range Administrators {
		private, pemBytes, _, err := Administrator()
		if err != nil {
			return err
		}
		w.Admins[id] = private
		list = append(list, register.Administrator{ID: id, Name: "Example " + id, Role: register.RoleAdministration, PublicKey: register.PublicKey(private.Public().(ed25519.PublicKey))})
		if err := w.Write("keys/"+id+".pem", pemBytes); err != nil {
			return err
		}
	}
	text, err := register.MarshalAdministrators(list)
	if err != nil {
		return err
	}
	return w.Write("register/administrators.yaml", text)
}

// Approve lets two administrators approve whatever needs it. It writes the file of approvals, which must not be there.
func (w *Example) Approve() error {
	reg, err := legal.Load(os.DirFS(w.Path("register")))
	if err != nil {
		return fmt.Errorf("the example register: %w", err)
	}
	var approvals []register.Approval
	at := register.At(w.Now.Add(-24 * time.Hour))
	for _, one := range reg.Approvables() {
		for _, who := range Administrators[1:] {
			approvals = append(approvals, register.SignApproval(w.Admins[who], one.Kind, one.Name, one.Digest, who, at))
		}
	}
	text, err := register.MarshalApprovals(approvals)
	if err != nil {
		return err
	}
	return w.Write("register/approvals.yaml", text)
}

func (w *Example) makePlatform(ctx context.Context) error {
	if w.StoreDSN != "" {
		if err := w.Write("store.dsn", []byte(w.StoreDSN+"\n")); err != nil {
			return err
		}
	}
	if w.PlatformDSN != "" {
		return w.Write("platform.dsn", []byte(w.PlatformDSN+"\n"))
	}
	db, err := sqlx.Open("sqlite", record.FileURI(w.Path("platform.db")))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := synth.Load(ctx, db, synth.Options{People: w.People, Seed: 1, At: w.Now, Canary: w.Canary}); err != nil {
		return err
	}
	return w.Write("platform.dsn", []byte("platform.db\n"))
}

// makeAuthorities writes the configurations, keys and certificates of the two bodies.
func (w *Example) makeAuthorities() error {
	reg, err := legal.Load(os.DirFS(w.Path("register")))
	if err != nil {
		return err
	}
	logSecret, err := os.ReadFile(w.Path("keys", LogKeyFile))
	if err != nil {
		return err
	}
	log, err := transferlog.New(string(logSecret))
	if err != nil {
		return err
	}
	keysetText, err := os.ReadFile(w.Path("keys", SealKeyFile))
	if err != nil {
		return err
	}
	keyset, err := signing.ParseKeyset(SealKeyFile, keysetText)
	if err != nil {
		return err
	}
	seal, err := keyset.Entries[0].Key(func(name string) ([]byte, error) { return os.ReadFile(w.Path("keys", name)) })
	if err != nil {
		return err
	}
	set, err := schemas.LoadSet(os.DirFS(w.Path("schemas")))
	if err != nil {
		return err
	}
	for _, b := range w.Bodies() {
		if err := w.makeAuthority(b, reg, log, seal, set); err != nil {
			return err
		}
	}
	return nil
}

func (w *Example) makeAuthority(b *Body, reg *legal.Register, log *transferlog.Log, seal *signing.Key, set *schemas.Set) error {
	key, err := signing.GenerateKey(signing.Ed25519, rand.Reader)
	if err != nil {
		return err
	}
	keyPEM, err := key.PEM()
	if err != nil {
		return err
	}
	cert, certKey, err := selfSigned(w.Now)
	if err != nil {
		return err
	}
	to := reg.Recipient(b.ID)
	columns, err := w.columns()
	if err != nil {
		return err
	}
	var list strings.Builder
	for _, entry := range set.All() {
		fmt.Fprintf(&list, "  - {file: ../schemas/%s, digest: %q%s}\n", entry.File, entry.Schema.Digest(), columns[entry.Schema.Digest()])
	}
	channel := "tls: {certificate: tls.pem, key: tls.key}"
	if w.Plain {
		channel = "insecure_loopback: true"
	}
	config := fmt.Sprintf(`# %s of the demonstration.
listen: 127.0.0.1:0
%s
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
`, b.ID, channel, to.BIN, to.NameKK, to.NameRU, reg.Operator.BIN, list.String())
	for name, data := range map[string][]byte{
		"authority.yaml": []byte(config), "receipt.key": keyPEM, "receipt.pub": key.Public().PEM(), "tls.pem": cert, "tls.key": certKey,
		"sender-log.pub": []byte(log.PublicKey().String() + "\n"), "sender-seal.pub": seal.Public().PEM(),
	} {
		if err := w.Write(b.Folder+"/"+name, data); err != nil {
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
		NotBefore: earlier(now, time.Now()).Add(-24 * time.Hour), NotAfter: later(now, time.Now()).Add(365 * 24 * time.Hour),
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

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// WriteConfig writes almasu.yaml, once the authorities' addresses are known. The statistics run when they are asked for; both schedules are due at the given wall-clock minute, every day.
func (w *Example) WriteConfig(due time.Time) error {
	store := "{kind: sqlite, path: almasu.db}"
	if w.StoreDSN != "" {
		store = "{kind: postgres, dsn_file: store.dsn}"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# The example's service.
register: register
platform: {dsn_file: platform.dsn, relations: platform.yaml}
store: %s
keys: {log: keys/log.key, seal: keys/seal.keyset, vault: keys/vault.key, pseudonym: keys/pseudonym.key}
schemas: schemas
serve: {poll: 300ms}
connectors:
`, store)
	local := due.In(register.Zone)
	for _, body := range w.Bodies() {
		for _, name := range body.Connectors {
			fmt.Fprintf(&b, "  - name: %s\n    route: %s\n    mapping: mapping/%s.yaml\n    batch: %d\n    patience: 20s\n    compare: %s\n", name, name, name, w.Batch, cmp.Or(w.Compare, "none"))
			if !strings.HasSuffix(name, "-request") && !strings.HasSuffix(name, "-statistics") {
				fmt.Fprintf(&b, "    schedule: {cron: %q, zone: Asia/Almaty}\n", fmt.Sprintf("%d %d * * *", local.Minute(), local.Hour()))
			}
			channel := "ca: " + body.Folder + "/tls.pem"
			if w.Plain {
				channel = "insecure_loopback: true"
			}
			fmt.Fprintf(&b, "    rest: {url: %q, %s, receipt_keys: [%s/receipt.pub]}\n", body.URL, channel, body.Folder)
		}
	}
	return w.Write("almasu.yaml", []byte(b.String()))
}
