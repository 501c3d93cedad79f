package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestLawScripts runs the scripts in testdata/law against the program.
func TestLawScripts(t *testing.T) {
	if found, _, err := (&session{}).root().Find([]string{"log", "replay"}); err != nil || found.Name() != "replay" {
		t.Skip("the root command does not have the commands of lawCommands")
	}
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
