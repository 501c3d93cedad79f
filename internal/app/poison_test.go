package app

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/synth"
)

// canary marks every text in a column that no policy permits.
const canary = "CANARY7f3a"

// almasuArgs are the arguments of every command on a deployment.
func almasuArgs(w *setup.Example, args ...string) []string {
	return append([]string{"--config", w.Path("almasu.yaml"), "--clock", w.Now.Format(time.RFC3339)}, args...)
}

// personal lists values of profiles that are found nowhere else: numbers, telephones, addresses of e-mail.
func personal(t *testing.T, db *sqlx.DB) [][]byte {
	t.Helper()
	var values []string
	err := db.Select(&values, `SELECT iin FROM profiles WHERE length(iin) = 12 UNION SELECT phone FROM profiles WHERE length(phone) = 12
		UNION SELECT parent_phone FROM profiles WHERE length(parent_phone) = 12 UNION SELECT email FROM profiles WHERE length(email) > 10`)
	if err != nil || len(values) < 2000 {
		t.Fatalf("%d values, %v", len(values), err)
	}
	out := make([][]byte, len(values))
	for i, v := range values {
		out[i] = []byte(v)
	}
	return out
}

// contains reports which of the values stand in b.
func contains(b []byte, values [][]byte) (n int) {
	for _, v := range values {
		if bytes.Contains(b, v) {
			n++
		}
	}
	return n
}

// TestNothingPersonalLeaks runs a whole transfer and searches everything that is left behind: the service's store, logs, output, the export, and
// the authority's log, but not what it has received. Values of permitted fields are in clear on the wire and nowhere else (I6).
func TestNothingPersonalLeaks(t *testing.T) {
	w := deployment(t, "")
	platform, err := sqlx.Open("sqlite", "file:"+w.Path("platform.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer platform.Close()
	oblastOnly(t, w, w.Now.Add(time.Hour))
	var said bytes.Buffer
	for _, args := range [][]string{{"migrate"}, {"run", "oblast-consent", "--reason", "test"}, {"log", "export", "--output", w.Path("log.jsonl")}, {"transfers"}, {"doctor"}} {
		stdout, stderr, code := run(t, "almasu", almasuArgs(w, args...)...)
		said.WriteString(stdout + stderr)
		if code != 0 && code != exit.WithRejects && args[0] != "doctor" {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, stdout, stderr)
		}
	}
	values := personal(t, platform)
	if n := contains(said.Bytes(), values); n > 0 || bytes.Contains(said.Bytes(), []byte(canary)) {
		t.Errorf("what the commands print shows %d values", n)
	}
	searched := 0
	err = filepath.WalkDir(w.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(filepath.Base(path), "platform.db") || strings.HasPrefix(filepath.Base(path), "authority.db") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		searched++
		if bytes.Contains(b, []byte(canary)) {
			t.Errorf("%s shows an unpermitted column", path)
		}
		if n := contains(b, values); n > 0 {
			t.Errorf("%s shows %d personal values", path, n)
		}
		return nil
	})
	if err != nil || searched < 20 {
		t.Errorf("searched %d files: %v", searched, err)
	}
}

// tap keeps what passes.
type tap struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (p *tap) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.Write(b)
}

// TestWireAndMemory stops a transfer in the middle of a message and looks at the wire and into the memory of the running process: permitted values
// are on the wire, and unpermitted columns are neither there nor in memory. The platform is on PostgreSQL: SQLite would read whole pages into the process.
func TestWireAndMemory(t *testing.T) {
	platform := pgtest.New(t)
	if err := synth.Load(t.Context(), platform.DB, synth.Options{People: 1000, Seed: 1, At: demo.Start, Canary: canary}); err != nil {
		t.Fatal(err)
	}
	w := deployment(t, platform.DSN)
	wire := &tap{}
	arrived, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	peer := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(wire, "%s %s %v\n", r.Method, r.URL, r.Header)
		_, _ = io.Copy(wire, r.Body)
		if strings.HasSuffix(r.URL.Path, "/status") { // asked before anything is read
			http.NotFound(rw, r)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/checkpoints") {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusConflict) // ask for the message regardless
			_, _ = io.WriteString(rw, `{"code":"log.checkpoint_unknown"}`)
		}
		once.Do(func() { close(arrived) })
		<-release
	}))
	defer peer.Close()
	defer close(release)
	w.Ministry.URL, w.Oblast.URL = peer.URL, peer.URL
	if err := w.WriteConfig(w.Now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(w.Path("almasu.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("ca: oblast/tls.pem"), []byte("insecure_loopback: true")), []byte("ca: ministry/tls.pem"), []byte("insecure_loopback: true"))
	if err := os.WriteFile(w.Path("almasu.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	migrate(t, w)
	cmd := exec.Command(filepath.Join(binaries, "almasu"), almasuArgs(w, "run", "oblast-consent", "--reason", "test")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	select {
	case <-arrived:
	case <-time.After(30 * time.Second):
		t.Fatalf("nothing arrived\n%s", stderr.String())
	}
	memory := needs.Memory(t, cmd.Process.Pid)
	if len(memory) < 10<<20 {
		t.Fatalf("only %d bytes of memory were read", len(memory))
	}
	if bytes.Contains(memory, []byte(canary)) {
		t.Error("an unpermitted column is in the memory of the process")
	}
	values := personal(t, platform.DB)
	if contains(memory, values) == 0 {
		t.Error("no personal value is in memory, so the dump proves nothing")
	}
	wire.mu.Lock()
	defer wire.mu.Unlock()
	if bytes.Contains(wire.all.Bytes(), []byte(canary)) {
		t.Error("an unpermitted column is on the wire")
	}
}
