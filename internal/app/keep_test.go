package app

import (
	"os"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/pgtest"
)

// kept is a deployment with a store of one kind, whose configuration can be pointed at other stores of that kind.
type kept struct {
	*testing.T
	w        *setup.Example
	postgres bool
	n        int
}

// fresh points the configuration at a store that does not exist, or at an empty database.
func (k *kept) fresh() {
	k.Helper()
	k.n++
	text, err := os.ReadFile(k.w.Path("almasu.yaml"))
	if err != nil {
		k.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "store:") {
			lines[i] = "store: {kind: sqlite, path: almasu-" + string(rune('a'+k.n)) + ".db}"
			if k.postgres {
				name := "store-" + string(rune('a'+k.n)) + ".dsn"
				if err := k.w.Write(name, []byte(pgtest.New(k.T).DSN+"\n")); err != nil {
					k.Fatal(err)
				}
				lines[i] = "store: {kind: postgres, dsn_file: " + name + "}"
			}
		}
	}
	if err := os.WriteFile(k.w.Path("almasu.yaml"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		k.Fatal(err)
	}
}

// almasu runs the program and demands an exit code and words in what it prints.
func (k *kept) almasu(code int, words string, args ...string) string {
	k.Helper()
	stdout, stderr, got := run(k.T, "almasu", almasuArgs(k.w, args...)...)
	if got != code || !strings.Contains(stdout+stderr, words) {
		k.Fatalf("%v: exit code %d, want %d and %q\n%s%s", args, got, code, words, stdout, stderr)
	}
	return stdout
}

// TestBackupAndRestore is the drill of docs/operations.md by the shipped programs: the latest backup goes on where it was; an older copy, restored or put back as
// a file, is refused before it logs or sends anything.
func TestBackupAndRestore(t *testing.T) {
	for name, postgres := range map[string]bool{"sqlite": false, "postgres": true} {
		t.Run(name, func(t *testing.T) {
			k := &kept{T: t, w: deployment(t, ""), postgres: postgres}
			k.w.Batch = 1000
			start(t, k.w, k.w.Oblast)
			start(t, k.w, k.w.Ministry)
			if err := k.w.WriteConfig(k.w.Now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			k.fresh()
			k.almasu(0, "applied", "migrate")
			send := func() string {
				return k.almasu(exit.WithRejects, "delivered and receipted", "run", "oblast-consent", "--reason", "test")
			}
			send()
			old, latest := k.w.Path("old.backup"), k.w.Path("latest.backup")
			k.almasu(0, "agree with their signed checkpoint", "backup", old)
			k.almasu(2, "backup.exists", "backup", old)
			k.almasu(2, "backup.not_empty", "restore", old)
			send()
			k.almasu(0, "recipient "+bin(k.w.Oblast), "backup", latest)

			k.fresh()
			k.almasu(2, "backup.malformed", "restore", k.w.Path("almasu.yaml"))
			k.almasu(0, "Nothing is sent before each recipient was compared", "restore", old)
			before := k.almasu(0, "VERIFIED", "log", "verify")
			k.almasu(1, "restore.recipient_ahead", "run", "oblast-consent", "--reason", "test")
			k.almasu(1, "which this store has not: message", "reconcile")
			k.almasu(1, "restore.recipient_ahead", "run", "oblast-consent", "--reason", "test")
			iin, err := anIIN(k.w.Path("platform.db"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(k.w.Path("iin.txt"), []byte(iin+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			k.almasu(1, "restore.not_compared", "block", "--iin-file", k.w.Path("iin.txt"), "--requester", "user", "--reason", "test")
			if after := k.almasu(0, "VERIFIED", "log", "verify"); after != before {
				t.Errorf("the log of an older copy has grown\n%s%s", before, after)
			}

			k.fresh()
			k.almasu(0, "Restored, and the log verifies", "restore", latest)
			k.almasu(0, "it may log and send", "reconcile")
			k.almasu(0, "", "block", "--iin-file", k.w.Path("iin.txt"), "--requester", "user", "--reason", "test")
			if text := send(); !strings.Contains(text, "sequence 3 to 3") {
				t.Errorf("numbers do not go on: %s", text)
			}
			k.almasu(0, "VERIFIED", "log", "verify")
			k.almasu(0, "", "log", "export", "-o", k.w.Path("log.jsonl"))
			for _, b := range k.w.Bodies() {
				if stdout, stderr, code := run(t, "authority", "verify", "--config", k.w.Path(b.Folder, "authority.yaml"), "--log", k.w.Path("log.jsonl")); code != 0 {
					t.Errorf("the authority's check: %s%s", stdout, stderr)
				}
			}
			if stdout, _, _ := run(t, "authority", "status", "--config", k.w.Path(k.w.Oblast.Folder, "authority.yaml")); strings.Contains(stdout, "ALARM") || !strings.Contains(stdout, "last number 3") {
				t.Errorf("the authority: %s", stdout)
			}
		})
	}
}

// TestOldFilePutBack copies an older file of the store over the newer one: the next run is refused before anything is logged, and the newer file goes on.
func TestOldFilePutBack(t *testing.T) {
	k := &kept{T: t, w: deployment(t, "")}
	k.w.Batch = 1000
	start(t, k.w, k.w.Oblast)
	start(t, k.w, k.w.Ministry)
	if err := k.w.WriteConfig(k.w.Now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	k.almasu(0, "applied", "migrate")
	copyStore := func(from, to string) {
		for _, part := range []string{"", "-wal", "-shm"} {
			b, err := os.ReadFile(k.w.Path(from + part))
			if os.IsNotExist(err) {
				_ = os.Remove(k.w.Path(to + part))
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(k.w.Path(to+part), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	send := func(code int, words string) {
		t.Helper()
		k.almasu(code, words, "run", "oblast-consent", "--reason", "test")
	}
	send(exit.WithRejects, "sequence 1 to 1")
	copyStore("almasu.db", "older.db")
	send(exit.WithRejects, "sequence 2 to 2")
	copyStore("almasu.db", "newer.db")
	copyStore("older.db", "almasu.db")
	size := k.almasu(0, "VERIFIED", "log", "verify")
	send(1, "restore.recipient_ahead")
	send(1, "restore.recipient_ahead")
	if again := k.almasu(0, "VERIFIED", "log", "verify"); again != size {
		t.Errorf("the log has grown\n%s%s", size, again)
	}
	serveUntil(t, almasuArgs(k.w, "serve"), "nothing is logged or sent", "restore.recipient_ahead")
	copyStore("newer.db", "almasu.db")
	send(exit.WithRejects, "sequence 3 to 3")
}

// bin is the number of a body's in the example.
func bin(b *setup.Body) string {
	if b.ID == "turkistan-oblast" {
		return "351240000040"
	}
	return "010140000005"
}
