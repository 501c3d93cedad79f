package inbox

import (
	"os"
	"path/filepath"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
)

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "receipt.key")
	if err := os.WriteFile(path, []byte("k"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, fine := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o620: false, 0o644: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		b, err := Secret(path)
		if fine != (err == nil && string(b) == "k") || !fine && record.CodeOf(err) != "config.secret_readable" {
			t.Errorf("%#o: %q %v", mode, b, err)
		}
	}
	if err := os.Chmod(path, 0o440); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	if _, err := Secret(path); err != nil {
		t.Errorf("handed over by systemd: %v", err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", t.TempDir())
	if _, err := Secret(path); err == nil {
		t.Error("another folder's file counts as handed over")
	}
	if _, err := Secret(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Error(err)
	}
}

// TestNoStore: what reads the store says that there is none, and makes none.
func TestNoStore(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(t.Context(), dir, false)
	if record.CodeOf(err) != "store.missing" {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
