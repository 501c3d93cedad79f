// Package needs is what a test asks of the machine that it runs on: programs, the reference material beside the repository, rights, the memory of another process. It is
// for tests and for packages that only tests import.
//
// Where something is missing the test is skipped, and says so in one line that begins with "SKIPPED: ". Whether that matters depends on what is missing:
//
//   - What can be installed ([Tool], [Missing]) must be there where ALMASU_REQUIRE_TOOLS is 1: the test fails.
//   - What is not part of the repository, a campaign that nobody has asked for, and what this user may not do ([Reference], [Campaign], [Root], [Refused]) are
//     reasons anywhere. [Excused] knows them, and a run of all tests (package skips) accepts no other.
package needs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The reasons that are good anywhere, as a skipped test begins its line.
const (
	absent   = "SKIPPED: the reference material is absent: "
	campaign = "SKIPPED: a campaign, which runs with "
	refused  = "SKIPPED: this user may not: "
)

// Excused reports whether a skipped test's line gives a reason that is good on every machine.
func Excused(line string) bool {
	for _, reason := range []string{absent, campaign, refused} {
		if strings.HasPrefix(line, reason) {
			return true
		}
	}
	return false
}

// Missing skips the test because of something that can be installed, or fails it where ALMASU_REQUIRE_TOOLS is 1. The text says what, and how to get it.
func Missing(tb testing.TB, format string, args ...any) {
	tb.Helper()
	what := fmt.Sprintf(format, args...)
	if os.Getenv("ALMASU_REQUIRE_TOOLS") == "1" {
		tb.Fatalf("missing, and ALMASU_REQUIRE_TOOLS=1 demands it: %s", what)
	}
	tb.Skipf("SKIPPED: missing: %s", what)
}

// Tool is the path of a program. from is the Debian package that has it.
func Tool(tb testing.TB, program, from string) string {
	tb.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		Missing(tb, "the program %s: install %s", program, from)
	}
	return path
}

// Reference is the path of a file or folder in ../shared, beside the folder that holds go.mod.
func Reference(tb testing.TB, path ...string) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			tb.Fatal("there is no go.mod above the test's folder")
		}
		dir = up
	}
	name := filepath.Join(path...)
	full := filepath.Join(dir, "..", "shared", name)
	if _, err := os.Stat(full); err != nil {
		tb.Skip(absent + "../shared/" + name)
	}
	return full
}

// ReferenceFile is the content of a file in ../shared.
func ReferenceFile(tb testing.TB, path ...string) []byte {
	tb.Helper()
	b, err := os.ReadFile(Reference(tb, path...))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// Campaign skips a test that takes long, or a quiet machine, unless the environment's variable is 1.
func Campaign(tb testing.TB, variable string) {
	tb.Helper()
	if os.Getenv(variable) != "1" {
		tb.Skip(campaign + variable + "=1")
	}
}

// Root skips what only the user root may do.
func Root(tb testing.TB, what string) {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip(refused + what)
	}
}

// Refused skips what the system has just refused to this user.
func Refused(tb testing.TB, what string, err error) {
	tb.Helper()
	tb.Skipf(refused+"%s: %v", what, err)
}

// Memory reads the writable memory of a process that this user may trace, without the pages that are empty. It needs Linux.
func Memory(tb testing.TB, pid int) (all []byte) {
	tb.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		Missing(tb, "Linux, to look at the memory of a process: %v", err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		tb.Fatalf("opening the memory of a process: %v", err)
	}
	defer mem.Close()
	empty := make([]byte, 1<<20)
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var rights string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &from, &to, &rights); n != 3 || !strings.HasPrefix(rights, "rw") {
			continue
		}
		for ; from < to; from += 1 << 20 {
			b := make([]byte, min(1<<20, to-from))
			if n, _ := mem.ReadAt(b, from); n > 0 && !bytes.Equal(b[:n], empty[:n]) {
				all = append(all, b[:n]...)
			}
		}
	}
	if len(all) < 1<<20 {
		tb.Fatalf("only %d bytes of memory were read", len(all))
	}
	return all
}
