package docstest

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

const maxModules = 25

// linked lists the modules that the project's own code imports in packages that are linked into the programs.
func linked(t *testing.T) map[string]bool {
	t.Helper()
	goList := func(args ...string) []string {
		cmd := exec.Command("go", append([]string{"list"}, args...)...)
		cmd.Dir = root
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		return strings.Fields(string(out))
	}
	const own = "birgeoqy.kz/almasu"
	moduleOf, imported := map[string]string{}, map[string]bool{}
	for _, line := range goList("-deps", "-f", "{{if .Module}}{{.ImportPath}}={{.Module.Path}}{{end}}", "./cmd/...") {
		pkg, module, _ := strings.Cut(line, "=")
		moduleOf[pkg] = module
	}
	for _, line := range goList("-deps", "-f", "{{if .Module}}{{$m := .Module.Path}}{{range .Imports}}{{$m}}={{.}}\n{{end}}{{end}}", "./cmd/...") {
		if pkg, ok := strings.CutPrefix(line, own+"="); ok && moduleOf[pkg] != "" && moduleOf[pkg] != own {
			imported[moduleOf[pkg]] = true
		}
	}
	if len(imported) < 5 {
		t.Fatalf("only %d modules were found", len(imported))
	}
	return imported
}

var (
	decisionTitle = regexp.MustCompile(`^# \d{4} .+\n`)
	moduleLine    = regexp.MustCompile("(?m)^Module: `([^`]+)`$")
)

// TestEveryModuleHasItsReason compares what is linked with docs/decisions.
func TestEveryModuleHasItsReason(t *testing.T) {
	modules := linked(t)
	if len(modules) > maxModules {
		t.Errorf("%d modules are linked into the programs, more than %d", len(modules), maxModules)
	}
	required := read(t, "go.mod")
	explained := map[string]string{}
	for _, page := range listed(t, ".md") {
		if !strings.HasPrefix(page, "docs/decisions/") || strings.HasSuffix(page, "/README.md") {
			continue
		}
		text := read(t, page)
		number := strings.TrimPrefix(page, "docs/decisions/")[:4]
		if !decisionTitle.MatchString(text) || !strings.HasPrefix(text, "# "+number+" ") {
			t.Errorf("%s does not begin with its number", page)
		}
		for _, m := range moduleLine.FindAllStringSubmatch(text, -1) {
			if explained[m[1]] != "" {
				t.Errorf("%s is explained in %s and %s", m[1], explained[m[1]], page)
			}
			explained[m[1]] = page
		}
	}
	for module := range modules {
		if explained[module] == "" {
			t.Errorf("%s is linked into a program and has no decision", module)
		}
	}
	for module, page := range explained {
		if !modules[module] || !strings.Contains(required, "\t"+module+" ") {
			t.Errorf("%s explains %s, which is not linked", page, module)
		}
	}
}
