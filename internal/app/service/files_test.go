package service

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"birgeoqy.kz/almasu/internal/needs"
)

// TestSecretsOfAGroup takes a file of root that the process's own group may read for private, as a cluster mounts it, and no other.
func TestSecretsOfAGroup(t *testing.T) {
	needs.Root(t, "giving files away")
	const uid, gid, other = 10001, 10002, 10003
	dir := t.TempDir()
	for _, c := range []struct {
		owner, group int
		mode         os.FileMode
		private      bool
	}{
		{uid, gid, 0o400, true}, {uid, gid, 0o440, false}, {0, gid, 0o440, true}, {0, gid, 0o460, false}, {0, gid, 0o444, false}, {0, other, 0o440, false}, {0, 0, 0o440, false},
	} {
		path := filepath.Join(dir, "secret")
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chown(path, c.owner, c.group), os.Chmod(path, c.mode)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := privateTo(info, []int{gid}); got != c.private {
			t.Errorf("%d:%d %o is private: %v", c.owner, c.group, c.mode, got)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
