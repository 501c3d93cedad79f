package app

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/notify"
)

// exchange replaces text in a file of a deployment.
func exchange(t *testing.T, path, old, now string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		t.Fatalf("%s has no %q", path, old)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(b), old, now)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestServiceInDoubt serves a restored store while a recipient is away, with due times that have come: nothing is logged and nothing claimed, monitoring and
// alarms say why. Once the recipient answers the service compares by itself, and the due times are made good.
func TestServiceInDoubt(t *testing.T) {
	k := &kept{T: t, w: deployment(t, "")}
	k.w.Batch = 1000
	for _, b := range k.w.Bodies() { // they come back where they were
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, k.w.Path(b.Folder, "authority.yaml"), "127.0.0.1:0", l.Addr().String())
		l.Close()
	}
	begin := func(b *setup.Body) {
		t.Helper()
		if err := k.w.Start(t.Context(), b, k.w.Now, filepath.Join(binaries, "authority")); err != nil {
			t.Fatal(err)
		}
	}
	end := func(b *setup.Body) {
		t.Helper()
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	}
	begin(k.w.Ministry)
	begin(k.w.Oblast)
	due := k.w.Now.Truncate(time.Minute).Add(time.Minute)
	if err := k.w.WriteConfig(due); err != nil {
		t.Fatal(err)
	}
	exchange(t, k.w.Path("almasu.yaml"), "serve: {poll: 300ms}", "serve: {poll: 100ms, lease: 1s, metrics: 127.0.0.1:0}")
	k.almasu(0, "applied", "migrate")
	k.w.Now = due.Add(-2 * time.Second)
	var first struct{ Transfer string }
	if err := json.Unmarshal([]byte(serveUntil(t, almasuArgs(k.w, "serve"), `"transfer closed"`, "oblast-consent")), &first); err != nil || first.Transfer == "" {
		t.Fatal(err)
	}
	k.almasu(0, "", "backup", k.w.Path("a.backup"))
	end(k.w.Ministry)
	end(k.w.Oblast)
	k.fresh()
	k.almasu(0, "", "restore", k.w.Path("a.backup"))
	before := k.almasu(0, "VERIFIED", "log", "verify")

	k.w.Now = due.Add(24*time.Hour + 10*time.Second)
	begin(k.w.Ministry)
	defer end(k.w.Ministry)
	cmd := exec.Command(filepath.Join(binaries, "almasu"), almasuArgs(k.w, "serve")...)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killer := time.AfterFunc(60*time.Second, func() { _ = cmd.Process.Kill() })
	defer killer.Stop()
	var base string
	var said strings.Builder
	compared, closed := false, false
	for in := bufio.NewScanner(log); in.Scan(); {
		line := in.Text()
		said.WriteString(line + "\n")
		if at := address(line); at != "" {
			base = at
			if code, body := fetch(t, base+"/readyz"); code != 503 || !strings.Contains(body, "restore.not_compared") {
				t.Errorf("ready in doubt: %d %s", code, body)
			}
			k.inDoubt(before)
			begin(k.w.Oblast)
			defer end(k.w.Oblast)
		}
		compared = compared || strings.Contains(line, "was compared with its recipients")
		if strings.Contains(line, `"transfer closed"`) && strings.Contains(line, "oblast-consent") && !strings.Contains(line, first.Transfer) {
			closed = true
			if code, body := fetch(t, base+"/readyz"); code != 200 {
				t.Errorf("ready afterwards: %d %s", code, body)
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil || !compared || !closed {
		t.Fatalf("the service ended with %v; compared %v, closed %v\n%s", err, compared, closed, said.String())
	}
	if out := k.almasu(0, "", "transfers"); strings.Count(out, "oblast-consent") != 2 || strings.Contains(out, "missed") {
		t.Errorf("the transfers:\n%s", out)
	}
}

// inDoubt insists that the store in doubt logs nothing, whoever asks, and that people are told.
func (k *kept) inDoubt(before string) {
	k.Helper()
	k.almasu(1, "restore.not_compared", "run", "oblast-consent", "--reason", "test")
	k.almasu(1, "restore.not_compared", "pause", "oblast-consent", "--reason", "test")
	if now, _, _ := alarmsOf(k.T, almasuArgs(k.w, "alarms", "--json")); !has(now, notify.Doubt, "store", "restore.not_compared") {
		k.Errorf("nobody is told: %v", now)
	}
	if after := k.almasu(0, "VERIFIED", "log", "verify"); after != before {
		k.Errorf("the log of a store in doubt has grown\n%s%s", before, after)
	}
	if out := k.almasu(0, "", "schedule", "oblast-consent", "--history"); strings.Count(out, "schedule done") > 2 {
		k.Errorf("a due time is done, and nothing was sent:\n%s", out)
	}
}

// TestRunThatFindsAnother: what is asked for while another run of the connector is under way is refused, and nothing of it stays behind to be sent unasked later.
func TestRunThatFindsAnother(t *testing.T) {
	k := &kept{T: t, w: deployment(t, "")}
	start(t, k.w, k.w.Oblast)
	k.w.Ministry.URL = k.w.Oblast.URL
	if err := k.w.WriteConfig(k.w.Now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	k.almasu(0, "applied", "migrate")
	k.sql("INSERT INTO due (connector, due, starts, cause, state, worker, lease_until, term, attempt, transfer, request, actor, reason, overlap) VALUES ('oblast-consent', 1, 1, 'run_now', 'running', 'other', ?, 60000000, 1, '', '', 'other', 'test', '')",
		k.w.Now.Add(time.Hour).UnixMicro())
	for range 2 {
		k.almasu(exit.Waiting, "run.busy", "run", "oblast-consent", "--reason", "test")
	}
	if out := k.almasu(0, "", "schedule", "oblast-consent", "--history"); strings.Contains(out, "waiting") || strings.Count(out, "another run was under way when") != 2 {
		t.Errorf("what was refused:\n%s", out)
	}
	k.sql("UPDATE due SET lease_until = 1, state = 'done' WHERE due = 1")
	if out := k.almasu(exit.WithRejects, "sequence 1 to ", "run", "oblast-consent", "--reason", "test"); !strings.Contains(out, "people        read 1000") {
		t.Error(out)
	}
	if out := k.almasu(0, "", "transfers"); strings.Count(out, "run_now") != 1 {
		t.Errorf("the transfers:\n%s", out)
	}
}

// sql changes the deployment's store on SQLite.
func (k *kept) sql(statement string, args ...any) {
	k.Helper()
	db, err := sqlx.Open("sqlite", "file:"+k.w.Path("almasu.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		k.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement, args...); err != nil {
		k.Fatal(err)
	}
}
