package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/setup"
)

// real makes the example's act one that exists, and lets two administrators approve a route on it.
func real(t *testing.T, w *setup.Example, route string) {
	t.Helper()
	acts, err := os.ReadFile(w.Path("register/acts.yaml"))
	if err != nil || !bytes.Contains(acts, []byte("    example: true\n")) {
		t.Fatalf("no act is an example: %v", err)
	}
	if err := os.WriteFile(w.Path("register/acts.yaml"), bytes.ReplaceAll(acts, []byte("    example: true\n"), nil), 0o600); err != nil {
		t.Fatal(err)
	}
	approvals, err := os.ReadFile(w.Path("register/approvals.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range setup.Administrators[1:] {
		stdout, stderr, code := run(t, "almasu", almasuArgs(w, "approve", "--route", route, "--as", id, "--key", w.Path("keys", id+".pem"))...)
		if code != 0 {
			t.Fatalf("approving: exit code %d\n%s", code, stderr)
		}
		_, rows, ok := strings.Cut(stdout, "approvals:\n")
		if !ok {
			t.Fatalf("no approval was printed:\n%s", stdout)
		}
		approvals = append(approvals, rows...)
	}
	if err := os.WriteFile(w.Path("register/approvals.yaml"), approvals, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestStatistics takes a table of counts along the whole road, with the shipped programs: nothing of anybody leaves, a small group is hidden, a blocked
// person is in no number, and the log replays and verifies.
func TestStatistics(t *testing.T) {
	w := deployment(t, "")
	start(t, w, w.Ministry)
	w.Oblast.URL = w.Ministry.URL
	if err := w.WriteConfig(w.Now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	do := func(want int, args ...string) string {
		t.Helper()
		stdout, stderr, code := run(t, "almasu", almasuArgs(w, args...)...)
		if code != want {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout
	}
	do(0, "migrate")
	real(t, w, "ministry-statistics")
	w.Now = w.Now.Add(30 * time.Second) // after the approvals
	before := do(0, "aggregate", "ministry-statistics", "--reason", "test", "--json")
	iin, err := anIIN(w.Path("platform.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write("iin.txt", []byte(iin+"\n")); err != nil {
		t.Fatal(err)
	}
	do(0, "block", "--iin-file", w.Path("iin.txt"), "--requester", "user", "--reason", "test")
	after := do(0, "aggregate", "ministry-statistics", "--reason", "test", "--json")
	if counted(t, after) != counted(t, before)-1 {
		t.Errorf("a block takes %d people out of the count to %d", counted(t, before), counted(t, after))
	}
	kazakh := do(0, "aggregate", "ministry-statistics", "--reason", "test", "--lang", "kk")
	if !strings.Contains(kazakh, "жасырын") || !strings.Contains(kazakh, "Ештеңе жіберілген жоқ") {
		t.Errorf("in Kazakh:\n%s", kazakh)
	}
	said := do(0, "run", "ministry-statistics", "--reason", "test")
	if !strings.Contains(said, "Successful") || !strings.Contains(said, "in a table of counts; nothing of anybody was sent (PUR-2)") || !strings.Contains(said, "fields sent   group, people, hidden") {
		t.Errorf("the account:\n%s", said)
	}
	if replay := do(0, "log", "replay"); !strings.Contains(replay, "1 messages and 1 sets of refusals") {
		t.Errorf("the replay: %s", replay)
	}
	if out := do(0, "log", "verify"); !strings.Contains(out, "VERIFIED") {
		t.Errorf("the log: %s", out)
	}
	file := do(0, "subject-file", "--iin-file", w.Path("iin.txt"), "--reason", "test", "--lang", "en")
	if !strings.Contains(file, "Messages that held your data: 0") {
		t.Errorf("the file of the person who was left out:\n%s", file)
	}
	received(t, w, after)
}

func counted(t *testing.T, answer string) int {
	t.Helper()
	var a struct {
		Result struct{ Counted int }
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil || a.Result.Counted == 0 {
		t.Fatalf("%v\n%s", err, answer)
	}
	return a.Result.Counted
}

// received compares what the ministry has with what was shown before, and searches it for values of people.
func received(t *testing.T, w *setup.Example, shown string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "received.jsonl")
	if _, stderr, code := run(t, "authority", "--config", w.Path("ministry/authority.yaml"), "export", "--sender", "351240000010", "--out", out, "--format", "json"); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	platform, err := sqlx.Open("sqlite", "file:"+w.Path("platform.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer platform.Close()
	if n := contains(text, personal(t, platform)); n > 0 {
		t.Errorf("the ministry has %d values of people", n)
	}
	var a struct {
		Result struct {
			Groups []struct {
				Group, People string
				Hidden        bool
			}
		}
	}
	if err := json.Unmarshal([]byte(shown), &a); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != len(a.Result.Groups) || len(lines) < 5 {
		t.Fatalf("%d records for %d groups\n%s", len(lines), len(a.Result.Groups), text)
	}
	hidden := 0
	for i, g := range a.Result.Groups {
		var line struct {
			Record struct {
				Kato   string
				Pupils *int
				Hidden bool
			}
		}
		if err := json.Unmarshal([]byte(lines[i]), &line); err != nil {
			t.Fatal(err)
		}
		got := line.Record
		if g.Hidden {
			hidden++
		}
		if got.Kato != g.Group || got.Hidden != g.Hidden || (got.Pupils == nil) != g.Hidden || got.Pupils != nil && strconv.Itoa(*got.Pupils) != g.People || got.Pupils != nil && *got.Pupils > 0 && *got.Pupils < 10 {
			t.Errorf("group %s: received %s, shown %+v", g.Group, lines[i], g)
		}
	}
	if hidden == 0 || hidden == len(lines) {
		t.Errorf("%d of %d groups are hidden", hidden, len(lines))
	}
}
