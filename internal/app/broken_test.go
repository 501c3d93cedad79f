package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/setup"
)

// brokenCase is a deployment with a mistake, and what is to be found.
type brokenCase struct {
	name  string
	steps []func(t *testing.T, dir string)
	code  string // a prefix if it ends with a full stop, "-" for any
	where string
	exit  int
}

// TestBrokenDeployments checks each mistake of testdata/broken: the finding has the expected code and place, a message, and the exit code says whose
// turn it is.
func TestBrokenDeployments(t *testing.T) {
	cases := readBroken(t, filepath.Join("testdata", "broken", "cases.txt"))
	if len(cases) < 60 {
		t.Fatalf("only %d cases", len(cases))
	}
	base := &setup.Example{Dir: t.TempDir(), Now: demo.Start, People: 20, Batch: 100}
	if err := base.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	base.Ministry.URL, base.Oblast.URL = "https://127.0.0.1:9", "https://127.0.0.1:9"
	if err := base.WriteConfig(base.Now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if out, code := check(t, base.Dir, "migrate"); code != 0 {
		t.Fatalf("migrate: %+v", out)
	}
	if out, code := check(t, base.Dir, "check"); code != exit.NotWell || len(out.Problems) > 0 {
		t.Fatalf("the deployment without a mistake: exit code %d, %+v", code, out.Problems)
	}
	codes := map[string]bool{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(base.Dir)); err != nil {
				t.Fatal(err)
			}
			tighten(t, dir)
			for _, step := range c.steps {
				step(t, dir)
			}
			out, code := check(t, dir, "check")
			if code != c.exit {
				t.Errorf("exit code %d, want %d", code, c.exit)
			}
			if c.code == "-" && c.where == "-" {
				return
			}
			found := false
			for _, p := range out.Problems {
				codes[p.Code] = true
				match := c.code == "-" || p.Code == c.code || strings.HasSuffix(c.code, ".") && strings.HasPrefix(p.Code, c.code)
				found = found || match && p.Message != "" && (c.where == "-" || strings.Contains(p.Where, c.where))
			}
			if !found {
				t.Errorf("no finding %s at %s among %s", c.code, c.where, listed(out))
			}
		})
	}
	if len(codes) < 40 {
		t.Errorf("only %d distinct codes: %v", len(codes), codes)
	}
}

func listed(out envelope) string {
	var b strings.Builder
	for _, p := range out.Problems {
		b.WriteString("\n  " + p.Error())
	}
	return b.String()
}

// check runs a command of the program inside this one.
func check(t *testing.T, dir, command string) (envelope, int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Main([]string{"--json", "--clock", demo.Start.Format(time.RFC3339), "--config", filepath.Join(dir, "almasu.yaml"), command}, strings.NewReader(""), &stdout, &stderr)
	var out envelope
	if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
		t.Fatalf("not one JSON object: %v\n%s", err, stdout.String())
	}
	return out, code
}

// tighten gives every file the rights that the original has: copying widens them.
func tighten(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readBroken reads a file of cases; its head explains the form.
func readBroken(t *testing.T, path string) []*brokenCase {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []*brokenCase
	var c *brokenCase
	var file, old string
	in := bufio.NewScanner(f)
	for n := 1; in.Scan(); n++ {
		line := in.Text()
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "#", "":
		case "case":
			c = &brokenCase{name: rest, exit: exit.NotUnderstood}
			all = append(all, c)
		case "edit":
			file = rest
		case "-":
			old = rest
		case "+":
			c.steps = append(c.steps, editing(file, old, strings.ReplaceAll(rest, `\n`, "\n")))
		case "remove":
			c.steps = append(c.steps, func(t *testing.T, dir string) {
				if err := os.Remove(filepath.Join(dir, rest)); err != nil {
					t.Fatal(err)
				}
			})
		case "mode":
			name, octal, _ := strings.Cut(rest, " ")
			mode, err := strconv.ParseUint(octal, 8, 32)
			if err != nil {
				t.Fatalf("line %d: %v", n, err)
			}
			c.steps = append(c.steps, func(t *testing.T, dir string) {
				if err := os.Chmod(filepath.Join(dir, name), os.FileMode(mode)); err != nil {
					t.Fatal(err)
				}
			})
		case "write":
			var text strings.Builder
			for in.Scan() && in.Text() != "." {
				n++
				text.WriteString(in.Text() + "\n")
			}
			c.steps = append(c.steps, writing(rest, text.String()))
		case "want":
			c.code, c.where, _ = strings.Cut(rest, " ")
		case "exit":
			if c.exit, err = strconv.Atoi(rest); err != nil {
				t.Fatalf("line %d: %v", n, err)
			}
		default:
			t.Fatalf("line %d is none of the forms: %q", n, line)
		}
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func editing(file, old, replacement string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		path := filepath.Join(dir, file)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(b, []byte(old)) {
			t.Fatalf("%s does not hold %q", file, old)
		}
		if err := os.WriteFile(path, bytes.Replace(b, []byte(old), []byte(replacement), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func writing(file, text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
