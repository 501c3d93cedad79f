package docstest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const invariants = 12

var (
	heading  = regexp.MustCompile(`(?m)^## I(\d+)$`)
	codeSpan = regexp.MustCompile("`([^`]+)`")
	citation = regexp.MustCompile(`\(I(\d+)(?:, I(\d+))*\)|\binvariant I(\d+)\b`)
	number   = regexp.MustCompile(`I(\d+)`)
)

// sections splits docs/invariants.md by its headings.
func sections(t *testing.T) map[int]string {
	t.Helper()
	text := read(t, "docs/invariants.md")
	found := map[int]string{}
	at := heading.FindAllStringSubmatchIndex(text, -1)
	for i, m := range at {
		n, err := strconv.Atoi(text[m[2]:m[3]])
		if err != nil {
			t.Fatal(err)
		}
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		if found[n] != "" {
			t.Errorf("I%d stands twice", n)
		}
		found[n] = text[m[1]:end]
	}
	return found
}

// named lists the code spans of the line that begins with a word.
func named(section, word string) []string {
	for line := range strings.Lines(section) {
		if rest, ok := strings.CutPrefix(line, "- "+word+" "); ok {
			var out []string
			for _, m := range codeSpan.FindAllStringSubmatch(rest, -1) {
				out = append(out, m[1])
			}
			return out
		}
	}
	return nil
}

// TestInvariants holds that every invariant is enforced somewhere and held by tests, all of which exist.
func TestInvariants(t *testing.T) {
	names := declared(sources(t))
	found := sections(t)
	for n := 1; n <= invariants; n++ {
		section, ok := found[n]
		if !ok {
			t.Errorf("docs/invariants.md has no I%d", n)
			continue
		}
		delete(found, n)
		enforced, held := named(section, "Enforced by"), named(section, "Held by")
		if len(enforced) == 0 || len(held) == 0 {
			t.Errorf("I%d: %d symbols enforce it and %d tests hold it", n, len(enforced), len(held))
		}
		for _, name := range append(enforced, held...) {
			if !names[name] {
				t.Errorf("I%d: %s does not exist", n, name)
			}
		}
		for _, name := range held {
			if last := name[strings.LastIndexByte(name, '.')+1:]; !strings.HasPrefix(last, "Test") {
				t.Errorf("I%d: %s is no test", n, name)
			}
		}
	}
	for n := range found {
		t.Errorf("docs/invariants.md has I%d, and there are %d", n, invariants)
	}
}

// TestMapListsTheInvariants holds that the module's comment and docs/invariants.md count alike.
func TestMapListsTheInvariants(t *testing.T) {
	text := read(t, "doc.go")
	for n := 1; n <= invariants; n++ {
		if !strings.Contains(text, fmt.Sprintf("- I%d: ", n)) {
			t.Errorf("doc.go does not state I%d", n)
		}
	}
}

// TestCitations holds that comments cite invariants that exist.
func TestCitations(t *testing.T) {
	cited := 0
	for _, s := range sources(t) {
		for _, group := range s.file.Comments {
			for _, m := range citation.FindAllString(group.Text(), -1) {
				for _, one := range number.FindAllStringSubmatch(m, -1) {
					n, err := strconv.Atoi(one[1])
					if err != nil || n < 1 || n > invariants {
						t.Errorf("%s cites I%s", s.path, one[1])
					}
					cited++
				}
			}
		}
	}
	if cited < invariants {
		t.Errorf("only %d citations of invariants were found", cited)
	}
}
