package app

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/rogpeppe/go-internal/testscript"

	"birgeoqy.kz/almasu/internal/record"
)

// TestLawScripts runs the scripts in testdata/law against the program.
func TestLawScripts(t *testing.T) {
	example, err := filepath.Abs("../../deploy/birgeoqy")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/law",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", binaries+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Setenv("USER", "clerk")
			return os.CopyFS(filepath.Join(env.WorkDir, "birgeoqy"), os.DirFS(example))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "iin": someIIN, "edit": edit, "id": id},
	})
}

// edit FILE OLD NEW replaces a text, which must be there, everywhere in a file.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit file old new")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}

// id VARIABLE WORD keeps the last word of the first line of the last output that holds WORD.
func id(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: id variable word")
	}
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		if words := strings.Fields(line); strings.Contains(line, args[1]) {
			ts.Setenv(args[0], words[len(words)-1])
			return
		}
	}
	ts.Fatalf("no line holds %q", args[1])
}

// TestReplayFindsChanges changes single rows behind the store's back: each is found, by the code that says what it is.
func TestReplayFindsChanges(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	if _, stderr, code := run(t, "almasu", "demo", "--keep", dir); code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	if code, codes := replayed(t, dir); code != 0 || len(codes) > 0 {
		t.Fatalf("untouched: exit code %d, %v", code, codes)
	}
	for _, c := range []struct{ name, code, sql string }{
		{"a reason in a table of situations", "replay.table_damaged", `UPDATE situations SET body = CAST(replace(CAST(body AS TEXT), '"rule":"BLK-1"', '"rule":"CON-2"') AS BLOB)`},
		{"a lost table", "replay.table_damaged", `DELETE FROM situations WHERE instr(CAST(body AS TEXT), '"now":"') = 0`},
		{"a lost decision", "replay.decision_damaged", `DELETE FROM situations WHERE instr(CAST(body AS TEXT), '"now":"') > 0`},
		{"the purpose in a header", "replay.log_differs", `UPDATE message SET header = CAST(replace(CAST(header AS TEXT), '"purpose":"', '"purpose":"X') AS BLOB) WHERE sequence = 1`},
		{"another disclosure set", "replay.log_differs", "UPDATE message SET disclosure = (SELECT disclosure FROM message WHERE sequence = 2 LIMIT 1) WHERE sequence = 1"},
		{"another refusal set", "replay.log_differs", "UPDATE part SET refusal = (SELECT refusal FROM part p WHERE p.transfer = part.transfer AND p.number = 2) WHERE number = 1"},
		{"the moment of a decision", "replay.decision_damaged", `UPDATE situations SET body = CAST(replace(CAST(body AS TEXT), '"now":"2026', '"now":"2025') AS BLOB)`},
	} {
		copied := filepath.Join(t.TempDir(), "demo")
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"keys", ""} {
			files, err := filepath.Glob(filepath.Join(copied, secret, "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if info, err := os.Stat(f); err == nil && !info.IsDir() {
					_ = os.Chmod(f, 0o600)
				}
			}
		}
		change(t, filepath.Join(copied, "almasu.db"), c.sql)
		if code, codes := replayed(t, copied); code != 1 || !slices.Contains(codes, c.code) {
			t.Errorf("%s: exit code %d, %v", c.name, code, codes)
		}
	}
}

// change does what only the owner of the database can.
func change(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sqlx.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var triggers []string
	if err := db.Select(&triggers, "SELECT name FROM sqlite_master WHERE type = 'trigger'"); err != nil {
		t.Fatal(err)
	}
	for _, name := range triggers {
		db.MustExec("DROP TRIGGER " + name)
	}
	if n, err := db.MustExec(statement).RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s: %d rows, %v", statement, n, err)
	}
}

// replayed runs log replay in this process and returns its exit code and the codes of its findings.
func replayed(t *testing.T, dir string) (int, []string) {
	t.Helper()
	s := &session{stdout: io.Discard, stderr: io.Discard, config: filepath.Join(dir, "almasu.yaml"), json: true, now: time.Now}
	_, commands, _ := s.lawCommands()
	commands[0].SetArgs([]string{})
	commands[0].SetErr(io.Discard)
	commands[0].SetOut(io.Discard)
	if err := commands[0].ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s.result)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Skipped, Differ []struct{ Problem *record.Problem }
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, f := range append(report.Skipped, report.Differ...) {
		if !slices.Contains(codes, f.Problem.Code) {
			codes = append(codes, f.Problem.Code)
		}
	}
	return s.code, codes
}
