package kill

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestShippedHasNoPoints proves that a program as it is shipped holds nothing of package pause, and goes past every point.
func TestShippedHasNoPoints(t *testing.T) {
	for _, program := range []string{"almasu", "authority"} {
		for folder, want := range map[string]bool{shipped: false, tagged: true} {
			b, err := os.ReadFile(filepath.Join(folder, program))
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range []string{"ALMASU_PAUSE", "pausepoint: ", "-tags=pausepoints", "internal/pause.At"} {
				if bytes.Contains(b, []byte(word)) != want {
					t.Errorf("%s in %s: the text %q is there: %v", program, filepath.Base(folder), word, !want)
				}
			}
		}
	}
	w := newWorld(t, shipped, "", pointPeople, pointBatch)
	w.authority.kill()
	w.startAuthority("authority.read")
	if l := w.run("due.claimed"); w.toPoint(l) {
		t.Error("a shipped program stops at a point")
	}
	w.judge()
}
