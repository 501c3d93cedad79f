package legal_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
)

const root = "../.."

var quoted = regexp.MustCompile("`([^`]+)`")

func quotedIn(cell string) []string {
	var list []string
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		list = append(list, m[1])
	}
	return list
}

// sources reads the Go files: those of the program below internal/legal, by path, and the names of all tests of the tree.
func sources(t *testing.T) (files map[string]string, tests map[string]bool) {
	t.Helper()
	files, tests = make(map[string]string), make(map[string]bool)
	named := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range named.FindAllStringSubmatch(string(b), -1) {
				tests[m[1]] = true
			}
			return nil
		}
		if rel := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator))); strings.HasPrefix(rel, "internal/legal/") {
			files[rel] = string(b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, tests
}

// clauses are those that the note on the law marks as bearing on a transfer, directly or not.
var clauses = strings.Fields("header 1.1.1 1.1.2 1.1.3 1.1.4 1.1.5 1.1.6 1.1.7 2.1 2.2 2.3 2.4 3.1 3.2.1 3.2.2 3.2.3 3.2.4 3.2.5 3.2.6 3.3 3.3.2 3.4 " +
	"4.1.1 4.1.2 4.1.3 4.1.4 4.1.5 4.1.6 4.1.7 5.1 5.2 5.3 5.4 5.5 6.1.1 6.1.2 6.2.1 6.2.2 6.2.3 6.2.4 7.1 7.2 8.1 8.2 8.3 8.4 9.1 9.2 9.3 9.4")

// TestTraceability reads docs/law/traceability.md both ways.
func TestTraceability(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(root, "docs", "law", "traceability.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, tests := sources(t)
	rows := make(map[string][]string)
	traced := make(map[string]bool)
	for line := range strings.Lines(string(doc)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 6 || cells[1] == "rule" {
			continue
		}
		cells[0], cells[5] = strings.TrimPrefix(cells[0], "| "), strings.TrimSuffix(cells[5], " |")
		if rows[cells[1]] != nil {
			t.Errorf("%s has two rows", cells[1])
		}
		rows[cells[1]] = cells
		for _, clause := range strings.Split(cells[0], ", ") {
			traced[clause] = true
		}
	}
	for name := range rows {
		if _, ok := rules.Named(name); !ok {
			t.Errorf("the table has a rule %s that the program does not know", name)
		}
	}
	for _, clause := range clauses {
		if !traced[clause] {
			t.Errorf("no rule is traced to clause %s", clause)
		}
	}
	for _, rule := range rules.All() {
		cells := rows[rule.Name]
		if cells == nil {
			t.Errorf("%s has no row", rule.Name)
			continue
		}
		if !strings.Contains(cells[0], rule.Clause) || cells[2] != rule.Text.EN || cells[3] != string(rule.Level) {
			t.Errorf("%s: the row says %q, %q, %q; the program %q, %q, %q", rule.Name, cells[0], cells[2], cells[3], rule.Clause, rule.Text.EN, rule.Level)
		}
		checkRow(t, rule, cells, files, tests)
	}
}

func checkRow(t *testing.T, rule rules.Rule, cells []string, files map[string]string, tests map[string]bool) {
	constant := regexp.MustCompile(`\brules\.` + strings.ReplaceAll(rule.Name, "-", "") + `\b`)
	listed := quotedIn(cells[4])
	for _, name := range listed {
		text, ours := files[name]
		if !ours {
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err != nil {
				t.Errorf("%s: there is no %s", rule.Name, name)
			}
			continue
		}
		if !constant.MatchString(text) && !strings.Contains(text, rule.Name) {
			t.Errorf("%s: %s does not name it", rule.Name, name)
		}
	}
	for name, text := range files {
		if name == "internal/legal/lint.go" {
			continue // it foretells, and enforces nothing
		}
		if constant.MatchString(text) && !slices.Contains(listed, name) {
			t.Errorf("%s: %s enforces it and is not listed", rule.Name, name)
		}
	}
	held := quotedIn(cells[5])
	for _, name := range held {
		if !tests[name] {
			t.Errorf("%s: there is no test %s", rule.Name, name)
		}
	}
	if len(held) == 0 {
		t.Errorf("no test holds %s", rule.Name)
	}
	if len(listed) == 0 {
		t.Errorf("%s is enforced nowhere", rule.Name)
	}
}

// TestLawTestsAreThere looks for the fifteen tests that section 11 of the note on the law asks for.
func TestLawTestsAreThere(t *testing.T) {
	_, tests := sources(t)
	for n := 1; n <= 15; n++ {
		prefix, found := fmt.Sprintf("TestLaw%02d", n), false
		for name := range tests {
			found = found || strings.HasPrefix(name, prefix)
		}
		if !found {
			t.Errorf("there is no %s", prefix)
		}
	}
}

// requirements are what docs/law/measures.md must answer (SEC-6).
var requirements = []string{
	"transfers are registered", "event logs are kept", "clocks follow", "purposes and the order of processing", "access is ordered", "persons with access", "data are blocked on request",
	"databases log", "protected on their way", "protected where they lie", "changes without right", "storage is in Kazakhstan", "policy is published", "breaches are notified",
	"consent comes by a way", "a person is responsible",
}

// TestMeasuresAreMapped reads the table of measures: each requirement has a row with a source and a place that exists, and a test that exists or what the
// operator does.
func TestMeasuresAreMapped(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(root, "docs", "law", "measures.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, tests := sources(t)
	met := make(map[string]bool)
	for line := range strings.Lines(string(doc)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 5 || strings.Contains(cells[0], "requirement") {
			continue
		}
		for _, r := range requirements {
			met[r] = met[r] || strings.Contains(cells[0], r)
		}
		for _, place := range quotedIn(cells[3]) {
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(place))); err != nil {
				t.Errorf("%s: there is no %s", cells[0], place)
			}
		}
		held := quotedIn(cells[4])
		for _, name := range held {
			if !tests[name] {
				t.Errorf("%s: there is no test %s", cells[0], name)
			}
		}
		if len(cells[1]) < 3 || len(held) == 0 && !strings.Contains(cells[4], "operator: ") {
			t.Errorf("%s is met by nothing", cells[0])
		}
	}
	for _, r := range requirements {
		if !met[r] {
			t.Errorf("no row says how it is met that %s", r)
		}
	}
}

func TestBatchWithOtherColumnsIsRefused(t *testing.T) {
	g := open(t, approved(t), statuteCase())
	b := record.NewBatch(append(slices.Clone(g.Fields()), "phone"), 1)
	b.Add(pupil(t, 30), make([][]byte, len(g.Fields())+1))
	out := new(legal.Cleared)
	g.Project(b, out)
	if out.Len() != 0 || len(out.Refused()) != 1 {
		t.Fatalf("%d cleared", out.Len())
	}
	denies(t, g.Explain(out.Refused()[0].Situation), "PD-1", "other_columns")
}
