package app

import (
	"os"
	"slices"
	"syscall"
)

// private reports whether a file is private to this process.
func private(info os.FileInfo) bool {
	groups, err := os.Getgroups()
	return err == nil && privateTo(info, append(groups, os.Getegid()))
}

// privateTo reports whether nobody but its owner may read a file; or, if it is root's, nobody but one of the groups, which may read it and no more: so a
// cluster mounts secrets.
func privateTo(info os.FileInfo, groups []int) bool {
	mode := info.Mode().Perm()
	if mode&0o077 == 0 {
		return true
	}
	file, ok := info.Sys().(*syscall.Stat_t)
	return ok && mode&0o037 == 0 && file.Uid == 0 && file.Gid != 0 && slices.Contains(groups, int(file.Gid))
}
