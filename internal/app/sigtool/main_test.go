package sigtool_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/sigtool"
	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"almasu": func() { os.Exit(almasu(os.Args[1:])) }})
}

// offline marks errors of the environment.
type offline struct{ error }

func (o offline) Unwrap() error { return o.error }

// almasu is a program around the commands, with the conventions of the real one.
func almasu(args []string) int {
	clock, asJSON, code := testca.Now, false, 0
	var result any
	root := &cobra.Command{Use: "almasu", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().BoolVar(&asJSON, "json", false, "")
	root.AddCommand(sigtool.Commands(sigtool.Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, JSON: &asJSON,
		Now: func() time.Time { return clock }, Result: func(v any) { result = v }, Code: func(c int) { code = c },
		Environment: func(err error) error { return offline{err} }})...)
	if text := os.Getenv("CLOCK"); text == "now" {
		clock = time.Now()
	} else if text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			panic(err)
		}
		clock = at
	}
	root.SetArgs(args)
	err := root.Execute()
	var away offline
	var problems record.Problems
	switch {
	case errors.As(err, &away):
		code = 3
	case err != nil:
		code = 2
	}
	problems.Merge(err, "uncoded", "")
	for _, p := range problems {
		fmt.Fprintf(os.Stderr, "error: %v\n", p)
		if p.Hint != "" {
			fmt.Fprintf(os.Stderr, "  hint: %s\n", p.Hint)
		}
	}
	if asJSON {
		_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"ok": code == 0, "result": result, "problems": problems})
	}
	return code
}

// fixtures puts the fixtures of every family into the folder f, keys readable by their
// owner only.
func fixtures(env *testscript.Env) error {
	root := filepath.Join(env.WorkDir, "f")
	if err := os.CopyFS(root, os.DirFS("../../signing/cert/testca/testdata")); err != nil {
		return err
	}
	keys, err := filepath.Glob(filepath.Join(root, "*", "*.p12"))
	if err != nil || len(keys) == 0 {
		return fmt.Errorf("%d key containers among the fixtures, %w", len(keys), err)
	}
	for _, path := range keys {
		if err := os.Chmod(path, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(root, "password"), []byte(testca.Password+"\n"), 0o600)
}

// exits runs a program and compares its exit code: exits CODE PROGRAM ARGS...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s\n%s%s", code, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// change flips a bit: change FILE OFFSET, a negative offset counting from the end, or
// replaces the first occurrence of a text: change FILE OLD NEW, both with Go's escapes.
func change(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	b := []byte(ts.ReadFile(args[0]))
	if len(args) == 3 {
		before, err := strconv.Unquote(`"` + args[1] + `"`)
		ts.Check(err)
		after, err := strconv.Unquote(`"` + args[2] + `"`)
		ts.Check(err)
		if !bytes.Contains(b, []byte(before)) {
			ts.Fatalf("%s does not hold the text", args[0])
		}
		b = bytes.Replace(b, []byte(before), []byte(after), 1)
	} else {
		i, err := strconv.Atoi(args[1])
		ts.Check(err)
		b[(i+len(b))%len(b)] ^= 1
	}
	ts.Check(os.WriteFile(path, b, 0o600))
}

// field compares a field of the JSON object on standard output: field a.0.b VALUE, the
// value as JSON, or "-" if the field must be absent.
func field(ts *testscript.TestScript, _ bool, args []string) {
	var at any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &at))
	for _, key := range strings.Split(args[0], ".") {
		switch node := at.(type) {
		case map[string]any:
			at = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			ts.Check(err)
			at = nil
			if i < len(node) {
				at = node[i]
			}
		default:
			at = nil
		}
	}
	got, err := json.Marshal(at)
	ts.Check(err)
	if want := args[1]; string(got) != want && (want != "-" || at != nil) {
		ts.Fatalf("%s is %s, want %s", args[0], got, want)
	}
}

// run runs the scripts of a folder.
func run(t *testing.T, folder string) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", folder), Setup: fixtures, RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "change": change, "field": field},
	})
}

func TestScripts(t *testing.T) { run(t, "script") }

// TestCross signs and verifies with independent programs.
func TestCross(t *testing.T) {
	testca.GOSTEngine(t)
	needs.Tool(t, "xmlsec1", "xmlsec1")
	run(t, "cross")
}

// TestDocumentation runs the command blocks of docs/signatures.md as they stand.
func TestDocumentation(t *testing.T) {
	testca.GOSTEngine(t)
	needs.Tool(t, "xmlsec1", "xmlsec1")
	needs.Tool(t, "javac", "openjdk-17-jdk-headless")
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "signatures.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, blocks := "set -eu\n", 0
	for _, part := range strings.Split(string(page), "```sh\n# runs")[1:] {
		block, _, closed := strings.Cut(part, "```\n")
		if !closed {
			t.Fatal("a block without end")
		}
		_, block, _ = strings.Cut(block, "\n")
		script += block
		blocks++
	}
	if blocks < 6 {
		t.Fatalf("only %d blocks", blocks)
	}
	testscript.Run(t, testscript.Params{Files: []string{"testdata/docs.txt"}, Setup: func(env *testscript.Env) error {
		env.Setenv("SRC", root)
		env.Setenv("CLOCK", "now")
		return os.WriteFile(filepath.Join(env.WorkDir, "page.sh"), []byte(script), 0o600)
	}})
}
