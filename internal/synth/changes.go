package synth

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Changes reads from the manual, docs/operations.md under the root of the module, the statements that give a platform on PostgreSQL its columns of changes: what is tried is what owners of
// platforms are told to run.
func Changes(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	if err != nil {
		return "", fmt.Errorf("reading the manual: %w", err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Read only what has changed\n")
	_, block, _ := strings.Cut(section, "```sql\n")
	block, _, found := strings.Cut(block, "```\n")
	if !found {
		return "", errors.New("the manual has no statements under the heading Read only what has changed")
	}
	return block, nil
}
