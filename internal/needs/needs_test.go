package needs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorder is a test that stops where it is skipped or fails.
type recorder struct {
	testing.TB
	line   string
	failed bool
}

func (r *recorder) Helper() {}

func (r *recorder) Skip(args ...any) {
	r.line = fmt.Sprint(args...)
	panic(r)
}

func (r *recorder) Skipf(format string, args ...any) { r.Skip(fmt.Sprintf(format, args...)) }

func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = true
	r.Skipf(format, args...)
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

// ask calls f and returns what became of the test.
func ask(f func(tb testing.TB)) (r *recorder) {
	r = &recorder{}
	defer func() {
		if stopped := recover(); stopped != nil && stopped != any(r) {
			panic(stopped)
		}
	}()
	f(r)
	return r
}

// TestMissing: what can be installed is demanded, and is no excuse.
func TestMissing(t *testing.T) {
	for _, c := range []struct {
		require string
		failed  bool
	}{{"", false}, {"0", false}, {"1", true}} {
		t.Setenv("ALMASU_REQUIRE_TOOLS", c.require)
		r := ask(func(tb testing.TB) { Tool(tb, "no-such-program", "nothing") })
		if r.failed != c.failed || !strings.Contains(r.line, "no-such-program: install nothing") || Excused(r.line) {
			t.Errorf("%q: %+v", c.require, r)
		}
		if r := ask(func(tb testing.TB) { Tool(tb, "go", "golang") }); r.line != "" {
			t.Errorf("the go command: %+v", r)
		}
	}
}

// TestExcused: the other reasons skip anywhere, and are excused.
func TestExcused(t *testing.T) {
	t.Setenv("ALMASU_REQUIRE_TOOLS", "1")
	t.Setenv("ALMASU_A_CAMPAIGN", "yes")
	asks := map[string]func(tb testing.TB){
		"reference": func(tb testing.TB) { Reference(tb, "data", "nothing of this name") },
		"campaign":  func(tb testing.TB) { Campaign(tb, "ALMASU_A_CAMPAIGN") },
		"refused":   func(tb testing.TB) { Refused(tb, "mounting a disk", errors.New("not permitted")) },
	}
	if os.Geteuid() != 0 {
		asks["root"] = func(tb testing.TB) { Root(tb, "giving a file away") }
	}
	for name, f := range asks {
		if r := ask(f); r.failed || !Excused(r.line) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	t.Setenv("ALMASU_A_CAMPAIGN", "1")
	if r := ask(func(tb testing.TB) { Campaign(tb, "ALMASU_A_CAMPAIGN") }); r.line != "" {
		t.Errorf("a campaign that was asked for: %+v", r)
	}
	if Excused("") || Excused("only root may") || Excused("not SKIPPED: the reference material is absent: x") {
		t.Error("anything is an excuse")
	}
}

// TestReference finds what lies beside the folder with go.mod, from any folder below it.
func TestReference(t *testing.T) {
	dir := t.TempDir()
	below := filepath.Join(dir, "module", "a", "b")
	for _, folder := range []string{below, filepath.Join(dir, "shared", "data")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"module/go.mod": "module m\n", "shared/data/x": "found"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(below)
	if got := string(ReferenceFile(t, "data", "x")); got != "found" {
		t.Errorf("%q", got)
	}
	t.Chdir(dir)
	if r := ask(func(tb testing.TB) { Reference(tb, "data", "x") }); !r.failed {
		t.Errorf("outside of a module: %+v", r)
	}
}

// TestMemory finds a text in the memory of this process.
func TestMemory(t *testing.T) {
	text := []byte(strings.Repeat("x", 9) + strings.ToUpper("memory"))
	if !strings.Contains(string(Memory(t, os.Getpid())), string(text)) {
		t.Error("a text of this process is not in its memory")
	}
}
