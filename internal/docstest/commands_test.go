package docstest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// programs are built once for all tests.
var programs = []string{"almasu", "almasu-verify", "authority"}

var binaries string

func TestMain(m *testing.M) {
	os.Exit(withBinaries(m))
}

func withBinaries(m *testing.M) int {
	dir, err := os.MkdirTemp("", "docstest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./cmd/...")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, out)
		return 1
	}
	binaries = dir
	return m.Run()
}

var helps = map[string]string{}

// help is what a program says of a command.
func help(t *testing.T, words ...string) string {
	t.Helper()
	key := strings.Join(words, " ")
	if text, ok := helps[key]; ok {
		return text
	}
	var out bytes.Buffer
	cmd := exec.Command(filepath.Join(binaries, words[0]), append(words[1:], "--help")...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s --help: %v\n%s", key, err, out.String())
	}
	helps[key] = out.String()
	return out.String()
}

// subcommands are the words listed under "Available Commands:".
func subcommands(text string) map[string]bool {
	found := map[string]bool{}
	_, list, ok := strings.Cut(text, "Available Commands:\n")
	if !ok {
		return found
	}
	for line := range strings.Lines(list) {
		name, _, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			break
		}
		found[name] = true
	}
	return found
}

var flagName = regexp.MustCompile(`^--?[a-z][a-z-]*`)

// checkCommand holds that the words name a command, and that it knows their flags.
func checkCommand(t *testing.T, where string, words []string) {
	t.Helper()
	path := words[:1:1]
	rest := words[1:]
	for flagsFirst := rest; len(flagsFirst) > 1 && strings.HasPrefix(flagsFirst[0], "-"); { // almasu -c FILE command
		flagsFirst = flagsFirst[2:]
		rest = append(flagsFirst, rest[:2]...)
	}
	for len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		known := subcommands(help(t, path...))
		if !known[rest[0]] {
			if len(known) > 0 && strings.ToUpper(rest[0]) != rest[0] { // in capitals it stands for an argument
				t.Errorf("%s: %q is no command of %q", where, rest[0], strings.Join(path, " "))
			}
			break
		}
		path, rest = append(path, rest[0]), rest[1:]
	}
	text := help(t, path...)
	for _, word := range rest {
		flag := flagName.FindString(word)
		if flag != "" && !regexp.MustCompile(`(?m)(^|[\s,])`+flag+`([\s,]|$)`).MatchString(text) {
			t.Errorf("%s: %q does not know %s", where, strings.Join(path, " "), flag)
		}
	}
}

var (
	fence    = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```")
	quoted   = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	divider  = regexp.MustCompile(`\|\||&&|[|;]`)
	inFences = map[string]bool{"sh": true, "text": true}
)

// commandLines finds the programs' commands in a page: in blocks of shell and transcripts, and in code spans.
func commandLines(text string) [][]string {
	var found [][]string
	add := func(line string) {
		line = strings.TrimPrefix(strings.TrimSpace(quoted.ReplaceAllString(line, "Q")), "$ ")
		for _, part := range divider.Split(line, -1) {
			words := strings.Fields(part)
			for _, p := range programs {
				if len(words) > 1 && words[0] == p {
					found = append(found, words)
				}
			}
		}
	}
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		if !inFences[block[1]] {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(block[2], "\\\n", " ")) {
			if block[1] == "sh" || strings.HasPrefix(line, "$ ") {
				add(line)
			}
		}
	}
	for _, span := range codeSpan.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		add(span[1])
	}
	return found
}

// TestCommandsExist runs the help of every command that a page shows.
func TestCommandsExist(t *testing.T) {
	checked := 0
	for _, page := range listed(t, ".md") {
		for _, words := range commandLines(read(t, page)) {
			checkCommand(t, page+": "+strings.Join(words, " "), words)
			checked++
		}
	}
	if checked < 30 {
		t.Errorf("only %d commands were found in the documentation", checked)
	}
}

// TestEveryCommandIsInTheReadme holds that no command of the programs is left out.
func TestEveryCommandIsInTheReadme(t *testing.T) {
	shown := map[string]bool{}
	for _, words := range commandLines(read(t, "README.md")) {
		shown[words[0]+" "+words[1]] = true
	}
	shown["almasu demo"] = strings.Contains(read(t, "README.md"), "go run ./cmd/almasu demo")
	for _, p := range []string{"almasu", "authority"} {
		for name := range subcommands(help(t, p)) {
			if name != "help" && name != "completion" && !shown[p+" "+name] {
				t.Errorf("README does not show: %s %s", p, name)
			}
		}
	}
}
