package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/transfer"
)

// binaries is the folder with the programs as they are shipped.
var binaries string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "almasu-bin-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if out, err := exec.Command("go", "build", "-o", dir+"/", "../../cmd/almasu", "../../cmd/authority", "../../cmd/almasu-verify").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, out)
			return 1
		}
		binaries = dir
		return m.Run()
	}())
}

// TestScripts runs the scripts in testdata against the real programs.
func TestScripts(t *testing.T) {
	all := &stages{t: t, by: map[string]*stage{}}
	commands := all.commands()
	commands["exits"], commands["iin"], commands["otheriin"] = exits, someIIN, otherIIN
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", binaries+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Setenv("USER", "clerk")
			return nil
		},
		Cmds: commands,
	})
}

// exits CODE COMMAND... runs a command and demands an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("%v: exit code %s, want %s", args[1:], code, args[0])
	}
}

// someIIN PLATFORM FILE writes the IIN of somebody who was sent to the ministry into a file.
func someIIN(ts *testscript.TestScript, neg bool, args []string) {
	iin, err := anIIN(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(iin+"\n"), 0o600))
}

// otherIIN PLATFORM FILE does the same for somebody else.
func otherIIN(ts *testscript.TestScript, neg bool, args []string) {
	iin, err := lastIIN(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(iin+"\n"), 0o600))
}

// run runs a shipped program.
func run(t *testing.T, program string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(binaries, program), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestDemo asserts what the demonstration claims, from its JSON.
func TestDemo(t *testing.T) {
	keep := filepath.Join(t.TempDir(), "demo")
	stdout, stderr, code := run(t, "almasu", "demo", "--json", "--keep", keep)
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	var answer struct {
		OK     bool
		Result demo.Result
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
		t.Fatalf("not one JSON object: %v", err)
	}
	r := answer.Result
	if !answer.OK || len(r.Transfers) != 3 || r.Seconds > 60 {
		t.Fatalf("ok %v, %d transfers in %.1f s", answer.OK, len(r.Transfers), r.Seconds)
	}
	byRoute := map[string]*transfer.Report{}
	for _, tr := range r.Transfers {
		byRoute[tr.Route] = tr
		checkDemoTransfer(t, tr)
	}
	wantPath(t, byRoute["ministry-statute"], "statute", "5.3", transfer.Schedule)
	wantPath(t, byRoute["ministry-request"], "statute", "5.3", transfer.AdHoc)
	wantPath(t, byRoute["oblast-consent"], "consent", "5.2", transfer.Schedule)
	for _, rule := range []string{"BLK-1", "CON-2", "TERR-1", "CON-1"} {
		if !slices.ContainsFunc(byRoute["oblast-consent"].Reasons, func(why transfer.Reason) bool { return why.Rule == rule }) {
			t.Errorf("nobody was refused by %s on the consent route", rule)
		}
	}
	if !r.Verified.OK() || r.Verified.Entries == 0 {
		t.Errorf("the log does not verify: %v", r.Verified.Codes())
	}
	if !slices.Contains(r.Altered, "log.root_mismatch") {
		t.Errorf("an altered row gives %v", r.Altered)
	}
	if !slices.Contains(r.Rewritten, "log.inconsistent") {
		t.Errorf("a rewritten log gives %v", r.Rewritten)
	}
	checkForgeryIsFlawless(t, filepath.Join(keep, "log-rewritten.jsonl"))
}

func checkDemoTransfer(t *testing.T, tr *transfer.Report) {
	t.Helper()
	if tr.Totals.Accepted < demo.Least || tr.Totals.Refused == 0 || !tr.Totals.Balanced() || tr.Totals.Pending > 0 {
		t.Errorf("%s: %s", tr.Route, tr.Totals)
	}
	if len(tr.Denied) == 0 || len(tr.Fields) == 0 || tr.LogIndex == 0 || tr.Basis.Ground == "" || tr.Basis.Procedure == "" {
		t.Errorf("%s: the account is incomplete", tr.Route)
	}
	for _, d := range tr.Denied {
		if slices.Contains(tr.Fields, d.Field) || d.Rule == "" {
			t.Errorf("%s: %s is denied by %q and sent", tr.Route, d.Field, d.Rule)
		}
	}
	if n := int(tr.LastSequence - tr.FirstSequence + 1); n != tr.Totals.Messages || tr.Totals.Delivered != tr.Totals.Messages {
		t.Errorf("%s: %d numbers for %d messages, %d delivered", tr.Route, n, tr.Totals.Messages, tr.Totals.Delivered)
	}
}

func wantPath(t *testing.T, tr *transfer.Report, path, clause string, trigger transfer.Trigger) {
	t.Helper()
	if tr == nil {
		t.Fatal("a transfer is missing")
	}
	if tr.Basis.Path != path || tr.Basis.Clause != clause || tr.Trigger != trigger {
		t.Errorf("%s: %s %s by %s", tr.Route, tr.Basis.Path, tr.Basis.Clause, tr.Trigger)
	}
}

// checkForgeryIsFlawless shows that it takes the held checkpoint to catch a rewritten log: alone it verifies.
func checkForgeryIsFlawless(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := evidence.CheckAll(f, evidence.Options{}); err != nil {
		t.Errorf("the rewritten log is caught without a held checkpoint, so the demonstration shows nothing: %v", err)
	}
}
