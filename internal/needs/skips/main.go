// Command skips reads what "go test -json" writes, on standard input, and judges the run: it prints a line for each package and all that failing tests wrote, and
// exits with 1 if something failed or did not end, or if a test was skipped for a reason that is not good on every machine (see [needs.Excused]). Good reasons are
// counted and listed, each once. Input that is not such lines, or holds no package, is exit code 2.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"birgeoqy.kz/almasu/internal/needs"
)

// event is a line of the input; see "go doc test2json".
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// errRed is the end of a run that is not as it should be.
var errRed = errors.New("the run is red")

func main() {
	switch err := judge(os.Stdin, os.Stdout); {
	case errors.Is(err, errRed):
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// test names a test, or a package where Test is "".
type test struct{ pkg, name string }

// judge copies to out what matters of a run.
func judge(in io.Reader, out io.Writer) error {
	said := map[test][]string{} // by tests that have not ended
	excused := map[string]int{}
	packages, red := 0, false
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("reading a line of go test -json: %w", err)
		}
		who := test{e.Package + e.ImportPath, e.Test} // what is built has no package yet
		switch e.Action {
		case "output", "build-output":
			said[who] = append(said[who], e.Output)
			if e.Test == "" && strings.HasPrefix(e.Output, "ok ") {
				fmt.Fprint(out, e.Output)
			}
			continue
		case "fail", "build-fail":
			red = true
			for _, one := range slices.SortedFunc(maps.Keys(said), func(a, b test) int { return strings.Compare(a.name, b.name) }) {
				if one == who || e.Test == "" && one.pkg == who.pkg { // a package that ends early leaves tests without an end
					fmt.Fprint(out, strings.Join(said[one], ""))
				}
			}
		case "skip":
			if e.Test == "" {
				break // a package without tests
			}
			if reason := reasonOf(said[who]); needs.Excused(reason) {
				excused[reason]++
			} else {
				red = true
				fmt.Fprintf(out, "SKIPPED WITHOUT AN EXCUSE: %s %s: %s\n", e.Package, e.Test, reason)
			}
		case "pass":
		default:
			continue
		}
		if e.Test == "" {
			packages++
		}
		delete(said, who)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading go test -json: %w", err)
	}
	if packages == 0 {
		return errors.New("there is no package in the input")
	}
	for _, reason := range slices.Sorted(maps.Keys(excused)) {
		fmt.Fprintf(out, "%d times %s\n", excused[reason], reason)
	}
	if red {
		return errRed
	}
	return nil
}

// reasonOf is what a skipped test said: its last line, without the place in the source.
func reasonOf(output []string) string {
	for _, line := range slices.Backward(output) {
		if _, reason, ok := strings.Cut(line, ".go:"); ok {
			_, reason, _ = strings.Cut(reason, ": ")
			return strings.TrimSpace(reason)
		}
	}
	return "no reason"
}
