package inbox

import (
	"os"
	"path/filepath"

	"birgeoqy.kz/almasu/internal/record"
)

// Secret reads the file of a secret. One that others than its owner may read or write is refused, except below the folder in which systemd hands credentials over
// (CREDENTIALS_DIRECTORY), where access lists say more than modes.
func Secret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	handed := os.Getenv("CREDENTIALS_DIRECTORY")
	if info.Mode().Perm()&0o077 != 0 && (handed == "" || filepath.Dir(path) != filepath.Clean(handed)) {
		return nil, record.NewProblem("config.secret_readable", path, "run: chmod 600 "+path, "others than its owner may read or change this secret (mode %#o)", info.Mode().Perm())
	}
	return os.ReadFile(path)
}
