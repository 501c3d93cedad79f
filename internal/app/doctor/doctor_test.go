package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/note"

	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/serving"
	"birgeoqy.kz/almasu/internal/store/tally"
	"birgeoqy.kz/almasu/internal/synth"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// want demands findings: the codes, "" for one that is fine; each that is not has a hint and a level that is not ok.
func want(t *testing.T, got []Finding, codes ...string) {
	t.Helper()
	var have []string
	for _, f := range got {
		have = append(have, f.Code)
		if (f.Code == "") != (f.Level == OK) || f.Message == "" || f.What == "" || (f.Level != OK) != (f.Hint != "") {
			t.Errorf("%+v", f)
		}
	}
	if !slices.Equal(have, codes) {
		t.Errorf("found %v, want %v: %+v", have, codes, got)
	}
}

func TestSpace(t *testing.T) {
	const gib = 1 << 30
	want(t, []Finding{space("d", "/", 50*gib, 100*gib, false), space("d", "/", 3*gib, 10*gib, false), space("d", "/", 100*gib, 2000*gib, false)}, "", "", "")
	want(t, []Finding{space("d", "/", gib, 8*gib, false), space("d", "/", 5*gib, 100*gib, false)}, "doctor.disk_low", "doctor.disk_low")
	want(t, []Finding{space("d", "/", 100<<20, 10*gib, false), space("d", "/", gib/2, 100*gib, false), space("d", "/", 50*gib, 100*gib, true)}, "doctor.disk_full", "doctor.disk_full", "doctor.disk_read_only")
	want(t, []Finding{Disk("d", "/proc/none")}, "doctor.disk_unreadable")
	if f := Disk("d", t.TempDir()); f.Code == "doctor.disk_unreadable" || f.Code == "doctor.disk_read_only" {
		t.Errorf("%+v", f)
	}
}

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.key")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, Secrets([]string{path}), "")
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	want(t, Secrets([]string{path, path}), "doctor.folder_writable")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	needs.Root(t, "giving a file away")
	if err := os.Chown(path, 4242, 4242); err != nil {
		t.Fatal(err)
	}
	want(t, Secrets([]string{path}), "doctor.secret_owner")
}

// TestRights opens both databases as owner and as the roles that they should be opened as.
func TestRights(t *testing.T) {
	pg := pgtest.New(t)
	if err := synth.Load(t.Context(), pg.DB, synth.Options{People: 5, Seed: 1, At: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../../deploy/birgeoqy/platform.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := platform.LoadConfig("platform.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	fields := []string{"family_name", "given_name"}
	want(t, []Finding{Reader(t.Context(), pg.DB, c, fields)}, "doctor.platform_rights")
	grants, err := platform.Grants(c, fields, "reader")
	if err != nil {
		t.Fatal(err)
	}
	pg.DB.MustExec("CREATE ROLE reader LOGIN NOSUPERUSER; " + grants)
	want(t, []Finding{Reader(t.Context(), login(t, pg, "reader"), c, fields)}, "")
	want(t, []Finding{Reader(t.Context(), login(t, pg, "reader"), c, fields[:1])}, "doctor.platform_rights")

	own := pgtest.New(t)
	secret, _, err := note.GenerateKey(nil, "birgeoqy.kz/almasu/log")
	if err != nil {
		t.Fatal(err)
	}
	log, err := transferlog.New(secret)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Postgres, own.DSN, log)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want(t, []Finding{Writer(t.Context(), s.DB(), store.Postgres)}, "doctor.store_rights")
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, []Finding{Writer(t.Context(), s.DB(), store.Postgres)}, "doctor.store_rights")
	s.DB().MustExec(store.Roles)
	s.DB().MustExec("ALTER ROLE almasu_service LOGIN")
	want(t, []Finding{Writer(t.Context(), login(t, own, "almasu_service"), store.Postgres), Writer(t.Context(), nil, store.SQLite)}, "", "")
}

func login(t *testing.T, pg *pgtest.Database, role string) *sqlx.DB {
	t.Helper()
	db, err := sqlx.Open("postgres", pg.Cluster.DSNFor(pg.Name, role))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestOutbox(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	want(t, Outbox(&tally.Tally{Lines: []transfer.Line{{Recipient: "r", State: transfer.LineUp}}, Jobs: []tally.Job{{Connector: "a", Lease: now.Add(time.Minute), Oldest: now}}}, now), "")
	want(t, Outbox(&tally.Tally{
		Lines:   []transfer.Line{{Recipient: "r", State: transfer.LineHalted, Message: record.NewID()}, {Recipient: "s", State: transfer.LineDown}},
		Waiting: []tally.Waiting{{Messages: 1, Oldest: now.Add(-time.Hour)}, {Messages: 1, Oldest: now.Add(-48 * time.Hour)}},
		Jobs:    []tally.Job{{Connector: "a", Lease: now.Add(-time.Hour), Oldest: now.Add(-time.Hour)}},
	}, now), "doctor.line_halted", "doctor.line_down", "doctor.waiting", "doctor.waiting_long", "doctor.lease_lapsed", "doctor.run_late")
}

func TestHolds(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	want(t, Holds(&tally.Tally{}, now), "")
	want(t, Holds(&tally.Tally{Held: []tally.Held{
		{Connector: "a", Runs: 2, Since: now.Add(-time.Hour), Expires: now.Add(24 * time.Hour)}, {Connector: "b", Runs: 1, Since: now.Add(-time.Hour), Expires: now.Add(24*time.Hour - 1)},
	}}, now), "doctor.held", "doctor.hold_expires")
}

func TestServing(t *testing.T) {
	ours, theirs := record.DigestOf([]byte("ours")), record.DigestOf([]byte("theirs"))
	want(t, Serving(nil, ours), "")
	want(t, Serving([]serving.Process{{Worker: "a", State: serving.Serves, Deployment: ours}}, ours), "")
	want(t, Serving([]serving.Process{{Worker: "a", State: serving.Serves, Deployment: theirs}}, ours), "doctor.deployment_differs")
	want(t, Serving([]serving.Process{{Worker: "a", State: serving.Serves, Deployment: ours}, {Worker: "b", State: serving.Waits, Deployment: theirs}}, ours), "doctor.deployment_waits", "")
}

// serve starts a server with a certificate for 127.0.0.1 until a day, whose Date header is off by skew.
func serve(t *testing.T, until time.Time, name string, skew time.Duration) (url string, ca []byte, pin string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	if name == "" {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13}
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), fingerprint(leaf)
}

// TestRecipient meets real servers, good and bad ones.
func TestRecipient(t *testing.T) {
	year := time.Now().AddDate(1, 0, 0)
	url, ca, pin := serve(t, year, "", 0)
	other := "sha256:" + "00000000000000000000000000000000" + "00000000000000000000000000000000"
	look := func(s Server, at func() time.Time, codes ...string) {
		t.Helper()
		s.Connector = "c"
		want(t, Recipient(t.Context(), s, at), codes...)
	}
	look(Server{URL: url, CA: ca}, time.Now, "")
	look(Server{URL: url, Pins: []string{other, pin}}, time.Now, "")
	look(Server{URL: url, CA: ca, Pins: []string{pin}}, time.Now, "")
	look(Server{URL: url, CA: ca, Pins: []string{other}}, time.Now, "doctor.pin")
	look(Server{URL: url, Pins: []string{other}}, time.Now, "doctor.pin")
	look(Server{URL: url}, time.Now, "doctor.certificate_authority")
	look(Server{URL: url, CA: []byte("x")}, time.Now, "doctor.tls_files")
	look(Server{URL: url, CA: ca, ClientCertificate: ca, ClientKey: ca}, time.Now, "doctor.tls_files")
	look(Server{URL: url, CA: ca}, func() time.Time { return year.AddDate(0, 1, 0) }, "doctor.certificate_expired")
	look(Server{URL: url, CA: ca}, func() time.Time { return time.Now().Add(time.Hour) }, "", "doctor.recipient_clock")

	url, ca, _ = serve(t, time.Now().Add(5*24*time.Hour), "", 2*time.Minute)
	look(Server{URL: url, CA: ca}, time.Now, "doctor.certificate_ends", "doctor.recipient_clock")
	url, ca, _ = serve(t, year, "elsewhere.example", 0)
	look(Server{URL: url, CA: ca}, time.Now, "doctor.certificate_name")

	plain := httptest.NewServer(http.NotFoundHandler())
	look(Server{URL: plain.URL, Loopback: true}, time.Now, "doctor.plain_http")
	plain.Close()
	look(Server{URL: plain.URL, Loopback: true}, time.Now, "doctor.unreachable")
	look(Server{URL: "https://no.such.name.invalid"}, time.Now, "doctor.unreachable")
}
