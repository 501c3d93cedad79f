package docstest

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	titles   = regexp.MustCompile(`(?m)^#+ (.+)$`)
	anything = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	personal = regexp.MustCompile(`(?i)\b(roadmap|coming soon|in a later version|for now|not yet implemented|will be added)\b`)
)

// anchors are the fragments of a page's headings.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range titles.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		found[strings.ReplaceAll(anything.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return found
}

// TestLinksResolve holds that a link inside the documentation leads to a file and a heading.
func TestLinksResolve(t *testing.T) {
	for _, page := range listed(t, ".md") {
		text := fence.ReplaceAllString(read(t, page), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			file, fragment, _ := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = path.Join(path.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, m[1])
				continue
			}
			if fragment != "" && !anchors(read(t, target))[fragment] {
				t.Errorf("%s links to %s, which has no such heading", page, m[1])
			}
		}
	}
}

// TestPagesSpeakOfThePresent looks for plans, notes to oneself and paths of one machine.
func TestPagesSpeakOfThePresent(t *testing.T) {
	for _, page := range listed(t, ".md") {
		for i, line := range strings.Split(read(t, page), "\n") {
			if later.MatchString(line) || place.MatchString(line) || personal.MatchString(line) {
				t.Errorf("%s:%d: a plan, a note to oneself, or a path of one machine", page, i+1)
			}
		}
	}
}

// TestPagesAreReachable holds that every page of docs is linked from another page.
func TestPagesAreReachable(t *testing.T) {
	linked := map[string]bool{}
	pages := listed(t, ".md")
	for _, page := range pages {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			file, _, _ := strings.Cut(m[1], "#")
			if target := path.Join(path.Dir(page), file); target != page {
				linked[target] = true
			}
		}
	}
	for _, page := range pages {
		if strings.HasPrefix(page, "docs/") && !linked[page] {
			t.Errorf("no page links to %s", page)
		}
	}
}
