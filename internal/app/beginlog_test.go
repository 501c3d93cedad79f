package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/exit"
)

// TestLogBegins: an older copy of the store is all that is left. A new log is begun after it, by the shipped programs: refused while the old one is not proven
// to be lost, with blocks and holds, and once. A person who was blocked stays blocked, and the recipient takes the new log in a new folder.
func TestLogBegins(t *testing.T) {
	for name, postgres := range map[string]bool{"sqlite": false, "postgres": true} {
		t.Run(name, func(t *testing.T) { logBegins(t, postgres) })
	}
}

func logBegins(t *testing.T, postgres bool) {
	k := &kept{T: t, w: deployment(t, ""), postgres: postgres}
	k.w.Batch = 1000
	start(t, k.w, k.w.Ministry)
	oblast := func() func() {
		if err := k.w.Start(t.Context(), k.w.Oblast, k.w.Now, filepath.Join(binaries, "authority")); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := k.w.Oblast.Stop(); err != nil {
				t.Error(err)
			}
		}
	}
	stop := oblast()
	if err := k.w.WriteConfig(k.w.Now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	k.fresh()
	k.almasu(0, "applied", "migrate")
	k.almasu(exit.WithRejects, "sequence 1 to 1", "run", "oblast-consent", "--reason", "test")
	authority := k.w.Path(k.w.Oblast.Folder, "authority.yaml")
	exported := func() string {
		t.Helper()
		out, stderr, code := run(t, "authority", "export", "--config", authority, "--format", "json", "--out", "-")
		if code != 0 || out == "" {
			t.Fatalf("the authority exports %d bytes: %d %s", len(out), code, stderr)
		}
		return out
	}
	_, rest, _ := strings.Cut(exported(), `"iin":"`)
	iin := rest[:12] // somebody who is sent
	if err := k.w.Write("iin.txt", []byte(iin+"\n")); err != nil {
		t.Fatal(err)
	}
	k.almasu(0, "", "block", "--iin-file", k.w.Path("iin.txt"), "--requester", "user", "--reason", "wrong data")
	if err := os.WriteFile(k.w.Path("iin.txt"), []byte(iin+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.almasu(0, "", "claim", "open", "--iin-file", k.w.Path("iin.txt"), "--reason", "claim no. 7")
	k.almasu(0, "", "backup", k.w.Path("a.backup"))
	k.almasu(exit.WithRejects, "sequence 2 to 2", "run", "oblast-consent", "--reason", "test")
	k.almasu(0, "it may log and send", "reconcile")

	// The new deployment: another log.key and another store.
	old, err := os.ReadFile(k.w.Path("almasu.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	from := k.w.Path("old.yaml")
	k.almasu(0, "", "keys", "generate", k.w.Path("others"), "--origin", "birgeoqy.kz/almasu/log-2")
	point := func(oldStore string) {
		t.Helper()
		if err := os.WriteFile(from, []byte(oldStore), 0o600); err != nil {
			t.Fatal(err)
		}
		k.fresh()
		exchange(t, k.w.Path("almasu.yaml"), "log: keys/log.key", "log: others/log.key")
		k.almasu(0, "applied", "migrate")
	}
	begin := func(code int, words string) string {
		t.Helper()
		return k.almasu(code, words, "log", "begin", "--from", from, "--reason", "agreed, letter no. 9")
	}
	point(string(old))
	begin(exit.NotUnderstood, "log.not_lost")

	exchange(t, k.w.Path("almasu.yaml"), "log: others/log.key", "log: keys/log.key")
	k.fresh() // an older copy
	k.almasu(0, "", "restore", k.w.Path("a.backup"))
	copied, err := os.ReadFile(k.w.Path("almasu.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	point(string(copied))
	exchange(t, k.w.Path("almasu.yaml"), "log: others/log.key", "log: keys/log.key")
	begin(exit.NotUnderstood, "log.same_origin")
	exchange(t, k.w.Path("almasu.yaml"), "log: keys/log.key", "log: others/log.key")
	if text := begin(0, "Taken over: 1 blocks, 1 holds, "); !strings.Contains(text, "after birgeoqy.kz/almasu/demo: here of ") || strings.Contains(text, iin) {
		t.Error(text)
	}
	begin(exit.NotUnderstood, "log.begun")
	k.almasu(0, "VERIFIED", "log", "verify")
	k.almasu(0, `"act":"log.begin"`, "log", "show")

	// The recipient begins a new folder with the new key.
	stop()
	shown := k.almasu(0, "birgeoqy.kz/almasu/log-2+", "keys", "show")
	at := strings.Index(shown, "birgeoqy.kz/almasu/log-2+")
	key, _, _ := strings.Cut(shown[at:], "\n")
	if err := os.WriteFile(k.w.Path(k.w.Oblast.Folder, "sender-log.pub"), []byte(strings.TrimSpace(key)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	exchange(t, authority, "data: data", "data: data-2")
	address := k.w.Oblast.URL
	stop = oblast()
	exchange(t, k.w.Path("almasu.yaml"), address, k.w.Oblast.URL)
	k.almasu(exit.WithRejects, "sequence 1 to 1", "run", "oblast-consent", "--reason", "the first of the new log")
	if strings.Contains(exported(), iin) {
		t.Error("the person who was blocked in the old store was sent by the new log")
	}
	k.almasu(0, "VERIFIED", "log", "verify")
	stop()
}
