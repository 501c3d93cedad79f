package box

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"

	"birgeoqy.kz/almasu/internal/parcel"
	"birgeoqy.kz/almasu/internal/record"
)

// TestBroken: what the system says of a folder becomes a code of the package comment, with what to do.
func TestBroken(t *testing.T) {
	for cause, code := range map[syscall.Errno]string{
		syscall.ENOENT: "folder.missing", syscall.ENOTDIR: "folder.missing", syscall.EACCES: "folder.permission", syscall.EROFS: "folder.permission",
		syscall.ENOSPC: "folder.full", syscall.EDQUOT: "folder.full", syscall.EIO: "folder.failed",
	} {
		err := broken("out", fmt.Errorf("writing: %w", &fs.PathError{Op: "open", Path: "/srv/secret", Err: cause}))
		var p *record.Problem
		if !errors.As(err, &p) || p.Code != code || p.Hint == "" || p.Where != "out" || strings.Contains(err.Error(), "/srv") {
			t.Errorf("%v: %v", cause, err)
		}
	}
}

// TestIdentities: a file of identities is read if only its owner may; the commonest mistakes are told apart.
func TestIdentities(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		says string
	}{
		"good":             {"# created: today\n" + identity.String() + "\n", 0o600, ""},
		"readable by all":  {identity.String(), 0o604, "chmod 600"},
		"public key":       {identity.Recipient().String(), 0o600, "AGE-SECRET-KEY-1"},
		"under passphrase": {"age-encryption.org/v1\n-> scrypt", 0o600, "age -d"},
		"armoured":         {"-----BEGIN AGE ENCRYPTED FILE-----\n", 0o600, "age -d"},
		"empty":            {"", 0o600, "age-keygen"},
	} {
		file := filepath.Join(t.TempDir(), "age.key")
		if err := errors.Join(os.WriteFile(file, []byte(c.text), c.mode), os.Chmod(file, c.mode)); err != nil {
			t.Fatal(err)
		}
		found, err := Identities(file)
		var p *record.Problem
		switch {
		case c.says == "" && (err != nil || len(found) != 1):
			t.Errorf("%s: %v", name, err)
		case c.says != "" && (!errors.As(err, &p) || p.Where != file || !strings.Contains(p.Hint, c.says) || len(found) != 0):
			t.Errorf("%s: %v", name, err)
		}
	}
	if found, err := Identities(""); err != nil || found != nil {
		t.Errorf("no file: %v", err)
	}
	if _, err := Identities(filepath.Join(t.TempDir(), "missing")); record.CodeOf(err) != "config.file" {
		t.Errorf("missing: %v", err)
	}
}

// TestWrite: a file of the folder out is replaced whole; what cannot be written leaves nothing.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{parcel.In, parcel.Out} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, text := range []string{"first", "second"} {
		if err := b.Write("x.receipt", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, parcel.Out, "x.receipt")); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, parcel.Out, "y.receipt", "z"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := b.Write("y.receipt", nil); record.CodeOf(err) != "folder.failed" {
		t.Errorf("a folder is in the way: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, parcel.Out, "y.receipt"+parcel.Partial)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a part is left behind: %v", err)
	}
	if err := errors.Join(b.Recall("x.receipt"), b.Recall("x.receipt"), b.Take("never")); err != nil {
		t.Error(err)
	}
}
