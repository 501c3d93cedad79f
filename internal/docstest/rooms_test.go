package docstest

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// deepest is how many folders deep a package is to be named on the map of the house.
const deepest = 3

// TestEveryRoomIsOnTheMap holds that docs/house.md names every package, and no folder that is not there.
func TestEveryRoomIsOnTheMap(t *testing.T) {
	_, rooms, _ := strings.Cut(read(t, "docs/house.md"), "```text\n")
	rooms, _, _ = strings.Cut(rooms, "```")
	named := map[string]bool{}
	for _, word := range regexp.MustCompile(`(?m)[a-z0-9-]+/`).FindAllString(rooms, -1) {
		named[strings.TrimSuffix(word, "/")] = true
	}
	folders := map[string]bool{"docs": true}
	for _, s := range sources(t) {
		if s.folder() == "." {
			continue
		}
		for folder := s.folder(); folder != "."; folder = path.Dir(folder) {
			folders[path.Base(folder)] = true
			if strings.Count(folder, "/") < deepest && !named[path.Base(folder)] && path.Base(folder) != "birgeoqy" {
				t.Errorf("docs/house.md does not name %s", folder)
			}
		}
	}
	for name := range named {
		if !folders[name] {
			t.Errorf("docs/house.md names %s/, which is not there", name)
		}
	}
}
