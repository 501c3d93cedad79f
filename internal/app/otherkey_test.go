package app

import (
	"os"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/exit"
)

// TestOtherKeys puts other keys in the place of those that a store was used with. Under another key of pseudonyms nobody who is blocked would be known (I5), so
// that nothing is begun; under another vault key nothing opens, and the run says what to do at once.
func TestOtherKeys(t *testing.T) {
	k := &kept{T: t, w: deployment(t, "")}
	start(t, k.w, k.w.Oblast)
	k.w.Ministry.URL = k.w.Oblast.URL
	if err := k.w.WriteConfig(k.w.Now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	k.almasu(0, "applied", "migrate")
	iin, err := anIIN(k.w.Path("platform.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.w.Write("iin.txt", []byte(iin+"\n")); err != nil {
		t.Fatal(err)
	}
	k.almasu(0, "", "block", "--iin-file", k.w.Path("iin.txt"), "--requester", "user", "--reason", "test")
	k.almasu(exit.WithRejects, "refused by BLK-1", "run", "oblast-consent", "--reason", "test")
	k.almasu(0, "", "keys", "generate", k.w.Path("others"), "--origin", "birgeoqy.kz/almasu/demo")
	for name, want := range map[string]string{"pseudonym.key": "store.other_key", "vault.key": "vault.not_opened"} {
		mine, err := os.ReadFile(k.w.Path("keys", name))
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(k.w.Path("others", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(k.w.Path("keys", name), other, 0o600); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		stdout, stderr, code := run(t, "almasu", almasuArgs(k.w, "run", "oblast-consent", "--reason", "test")...)
		if code == 0 || code == exit.WithRejects || !strings.Contains(stdout+stderr, want) || time.Since(began) > 15*time.Second {
			t.Errorf("another %s: exit code %d after %s\n%s%s", name, code, time.Since(began), stdout, stderr)
		}
		if err := os.WriteFile(k.w.Path("keys", name), mine, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if list := k.almasu(0, "", "transfers"); strings.Count(list, "sent_with_rejects") != 1 {
		t.Errorf("the transfers:\n%s", list)
	}
	k.almasu(exit.WithRejects, "refused by BLK-1", "run", "oblast-consent", "--reason", "with the keys back")
}
