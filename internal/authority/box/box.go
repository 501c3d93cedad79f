// Package box is the recipient's hands in a folder of parcels (package internal/parcel specifies it): it lists and reads what lies in it, and writes
// answers whole, durably, or not at all. It follows no link, and waits for nobody: what is not an ordinary file is not read.
//
// # Errors
//
// About one file, which stays, while the others are taken: parcel.not_a_file (a folder, a link, a pipe), parcel.unreadable (it may not be read, or cannot), parcel.too_large.
//
// About the folder as a whole, so that nothing can be taken: folder.missing (it has no in or no out), folder.permission, folder.full (no room on its disk), folder.failed.
package box

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"

	"filippo.io/age"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/parcel"
	"birgeoqy.kz/almasu/internal/record"
)

// Box is a folder that has in and out. It is used by one goroutine.
type Box struct{ root *os.Root }

// Open opens the folder. Close closes it.
func Open(dir string) (*Box, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, broken(dir, cmp.Or(err, fs.ErrNotExist))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, broken(dir, err)
	}
	b := &Box{root}
	for _, name := range []string{parcel.In, parcel.Out} {
		if info, err := root.Stat(name); err != nil || !info.IsDir() {
			_ = root.Close()
			return nil, broken(path.Join(dir, name), cmp.Or(err, fs.ErrNotExist))
		}
	}
	return b, nil
}

// broken says what is wrong with the folder, at a place in it.
func broken(where string, err error) error {
	code, text, hint := "folder.failed", fmt.Sprintf("it cannot be used: %v", record.WithoutPath(err)), "look at the disk, and at what else writes there"
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		code, text, hint = "folder.missing", "there is no such folder", "name the folder that has the folders in and out; they are made once, by hand"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		code, text, hint = "folder.permission", "this account may not read or write here", "the account that runs authority must be able to read and write in the folders in and out"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		code, text, hint = "folder.full", "there is no room on the disk", "free space; what was taken stays taken, and its receipt is written at the next look"
	}
	return &record.Problem{Code: code, Where: where, Message: text, Hint: hint}
}

// Close closes the folder.
func (b *Box) Close() error { return b.root.Close() }

// Names lists what lies in the folder in, in order.
func (b *Box) Names() ([]string, error) {
	d, err := b.root.Open(parcel.In)
	if err != nil {
		return nil, broken(parcel.In, err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, broken(parcel.In, err)
	}
	slices.Sort(names)
	return names, nil
}

// Read reads an ordinary file of the folder in. Codes: parcel.too_large beyond limit bytes, parcel.not_a_file, parcel.unreadable; a file that is not there is [fs.ErrNotExist].
func (b *Box) Read(name string, limit int64) ([]byte, error) {
	f, err := b.ordinary(path.Join(parcel.In, name))
	var p *record.Problem
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.As(err, &p):
		return nil, err
	case err != nil:
		return nil, unreadable(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case int64(len(text)) > limit:
		return nil, record.NewProblem("parcel.too_large", "", "ask the sender for smaller messages", "the file is longer than %d bytes", limit)
	}
	return text, nil
}

func unreadable(err error) error {
	return record.NewProblem("parcel.unreadable", "", "let the account that runs authority read it, and look at the disk", "the file cannot be read: %v", record.WithoutPath(err))
}

// ordinary opens an ordinary file. A pipe in its place does not make it wait: it is looked at first, opened without waiting, and looked at again.
func (b *Box) ordinary(name string) (*os.File, error) {
	seen, err := b.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	other := record.NewProblem("parcel.not_a_file", "", "remove it, and ask who has put it there", "under this name there is no ordinary file")
	if !seen.Mode().IsRegular() {
		return nil, other
	}
	f, err := b.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(seen, now) {
		_ = f.Close()
		return nil, other
	}
	return f, nil
}

// Write writes a file of the folder out; it replaces one of the same name. What could not be written leaves nothing behind.
func (b *Box) Write(name string, text []byte) error {
	if err := b.write(path.Join(parcel.Out, name), text); err != nil {
		return broken(parcel.Out, err)
	}
	return nil
}

func (b *Box) write(final string, text []byte) error {
	part := final + parcel.Partial
	f, err := b.root.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = b.root.Rename(part, final)
	}
	if err != nil {
		_ = b.root.Remove(part) // the first error is the one that matters
		return err
	}
	d, err := b.root.Open(parcel.Out)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Take removes a file of the folder in, Recall one of the folder out; that there is none is no error.
func (b *Box) Take(name string) error { return b.remove(parcel.In, name) }

// Recall removes a file of the folder out.
func (b *Box) Recall(name string) error { return b.remove(parcel.Out, name) }

func (b *Box) remove(folder, name string) error {
	if err := b.root.Remove(path.Join(folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return broken(folder, err)
	}
	return nil
}

// sealedIdentity are the beginnings of a file of identities that is itself encrypted.
var sealedIdentity = [][]byte{[]byte("age-encryption.org/"), []byte("-----BEGIN AGE ENCRYPTED FILE-----")}

// Identities reads the age identities of a file that only its owner may read; none for an empty name. Codes: config.file, config.secret_readable, config.identity.
func Identities(file string) ([]age.Identity, error) {
	if file == "" {
		return nil, nil
	}
	b, err := inbox.Secret(file)
	var p *record.Problem
	switch {
	case errors.As(err, &p):
		return nil, err
	case err != nil:
		return nil, record.NewProblem("config.file", file, `name the file of the age identity under "identity" in the configuration, and let this account read it`, "the file cannot be read: %v", record.WithoutPath(err))
	}
	identities, err := age.ParseIdentities(bytes.NewReader(b))
	switch {
	case err == nil:
		return identities, nil
	case slices.ContainsFunc(sealedIdentity, func(begin []byte) bool { return bytes.HasPrefix(b, begin) }):
		return nil, record.NewProblem("config.identity", file, "nobody types a passphrase here: take it off with age -d -o FILE, and chmod 600 FILE", "the age identity is encrypted")
	}
	return nil, record.NewProblem("config.identity", file, "make one with: age-keygen -o FILE; its lines begin with AGE-SECRET-KEY-1", "the file holds no age identity")
}

// PublicHalf is what a sender encrypts to so that an identity opens it ("age1..."); empty for an identity of a kind that has none here.
func PublicHalf(identity age.Identity) string {
	switch i := identity.(type) {
	case *age.X25519Identity:
		return i.Recipient().String()
	case *age.HybridIdentity:
		return i.Recipient().String()
	}
	return ""
}
