package app

import (
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/setup"
)

// TestUnclosedIsGoneOnWith lets the store fail when a transfer is to be closed: its due row is done, and the transfer has no report. The next run of the
// connector, or the service, closes it, and nobody is sent twice.
func TestUnclosedIsGoneOnWith(t *testing.T) {
	for name, mend := range map[string]func(t *testing.T, w *setup.Example) int{
		"by the service": func(t *testing.T, w *setup.Example) int {
			serveUntil(t, almasuArgs(w, "serve"), `"transfer closed"`, "oblast-consent")
			return 1
		},
		"by the next run": func(t *testing.T, w *setup.Example) int {
			if _, stderr, code := run(t, "almasu", almasuArgs(w, "run", "oblast-consent", "--reason", "again")...); code != exit.WithRejects {
				t.Errorf("the next run: exit code %d\n%s", code, stderr)
			}
			return 2
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := deployment(t, "")
			oblastOnly(t, w, w.Now.Add(time.Hour))
			migrate(t, w)
			store := storeOf(t, w)
			store.MustExec("CREATE TRIGGER broken BEFORE UPDATE OF finished ON transfer BEGIN SELECT RAISE(ABORT, 'the disk is broken'); END")
			stdout, stderr, code := run(t, "almasu", almasuArgs(w, "run", "oblast-consent", "--reason", "test")...)
			if code == 0 || code == exit.WithRejects || !strings.Contains(stderr, "the disk is broken") {
				t.Fatalf("the store fails, and the run ends with %d\n%s%s", code, stdout, stderr)
			}
			var unclosed, rows int
			look := func() {
				if err := store.Get(&unclosed, "SELECT count(*) FROM transfer WHERE finished IS NULL"); err != nil {
					t.Fatal(err)
				}
				if err := store.Get(&rows, "SELECT count(*) FROM due WHERE state <> 'done'"); err != nil {
					t.Fatal(err)
				}
			}
			if look(); unclosed != 1 || rows != 0 {
				t.Fatalf("%d transfers are not closed, %d rows not done", unclosed, rows)
			}
			follow := func(want string) {
				t.Helper()
				if stdout, stderr, code := run(t, "almasu", almasuArgs(w, "transfers", "watch", "--once")...); code != 0 || !strings.Contains(stdout, want) {
					t.Errorf("exit code %d, %q is not in\n%s%s", code, want, stdout, stderr)
				}
			}
			follow(" oblast-consent: read 1000, accepted ")
			store.MustExec("DROP TRIGGER broken")
			defer follow("no transfer is under way")
			want := mend(t, w)
			var transfers, sent, people int
			if look(); unclosed != 0 {
				t.Errorf("%d transfers are not closed", unclosed)
			}
			if err := store.QueryRow("SELECT (SELECT count(*) FROM transfer), (SELECT sum(records) FROM message), (SELECT sum(accepted) FROM settlement)").Scan(&transfers, &sent, &people); err != nil {
				t.Fatal(err)
			}
			if transfers != want || sent != people || people < demo.Least || people%want != 0 {
				t.Errorf("%d transfers sent %d records, of which %d are accepted", transfers, sent, people)
			}
		})
	}
}
