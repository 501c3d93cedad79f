package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// packages makes a module with a package for each source, runs its tests, and returns the lines about each package.
func packages(t *testing.T, sources []string) []string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"go.mod": "module m\n\ngo 1.26\n"}
	for i, source := range sources {
		files[fmt.Sprintf("p%d/p_test.go", i)] = "package p\n\nimport \"testing\"\n" + source
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", "-json", "-timeout", "1s", "./...")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	all, err := cmd.Output()
	if len(all) == 0 {
		t.Fatal(err)
	}
	out := make([]string, len(sources))
	for line := range strings.Lines(string(all)) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		var i int
		if _, err := fmt.Sscanf(e.Package+e.ImportPath, "m/p%d", &i); err != nil {
			t.Fatal(err)
		}
		out[i] += line
	}
	return out
}

// TestJudge judges real runs of the go command.
func TestJudge(t *testing.T) {
	cases := []struct {
		name, source string
		red          bool
		says, not    string
	}{
		{"green", `func TestA(t *testing.T) { t.Log("quiet") }`, false, "ok  \tm/p0\t", "quiet"},
		{"fails", `func TestA(t *testing.T) { t.Run("sub", func(t *testing.T) { t.Fatal("here") }) }` + "\n" + `func TestB(t *testing.T) { t.Log("quiet") }`, true, "p_test.go:4: here", "quiet"},
		{"does not build", `func TestA(t *testing.T) { undefined() }`, true, "undefined: undefined", "ok"},
		{"panics", `func TestA(t *testing.T) { panic("gone") }`, true, "panic: gone", "ok"},
		{"does not end", `func TestA(t *testing.T) { t.Log("begun"); select {} }`, true, "begun", "ok "},
		{"no excuse", `func TestA(t *testing.T) { t.Skip("SKIPPED: missing: the program x") }`, true, "SKIPPED WITHOUT AN EXCUSE: m/p5 TestA: SKIPPED: missing: the program x", "times"},
		{"no word", `func TestA(t *testing.T) { t.Run("sub", func(t *testing.T) { t.SkipNow() }) }`, true, "SKIPPED WITHOUT AN EXCUSE: m/p6 TestA/sub: no reason", "times"},
		{"excused", `func TestA(t *testing.T) { t.Skip("SKIPPED: a campaign, which runs with ALMASU_X=1") }` + "\n" + `func TestB(t *testing.T) { t.Log("SKIPPED: no"); t.Skip("SKIPPED: a campaign, which runs with ALMASU_X=1") }`,
			false, "2 times SKIPPED: a campaign, which runs with ALMASU_X=1\n", "WITHOUT"},
	}
	var sources []string
	for _, c := range cases {
		sources = append(sources, c.source)
	}
	lines := packages(t, sources)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			err := judge(strings.NewReader(lines[i]), &b)
			out := b.String()
			if (err == errRed) != c.red || err != nil && err != errRed {
				t.Fatalf("%v\n%s", err, out)
			}
			if !strings.Contains(out, c.says) || strings.Contains(out, c.not) {
				t.Errorf("printed:\n%s", out)
			}
		})
	}
}

// TestJudgeRefuses what is not a run.
func TestJudgeRefuses(t *testing.T) {
	event, err := json.Marshal(event{Action: "pass", Package: "m", Test: "TestA"})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{"", "ok m 0.1s\n", string(event)} {
		if err := judge(strings.NewReader(in), &strings.Builder{}); err == nil || err == errRed {
			t.Errorf("%q: %v", in, err)
		}
	}
}
