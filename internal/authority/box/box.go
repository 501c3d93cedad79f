// Package box is the recipient's hands in a folder of parcels (package internal/parcel specifies it): it lists and reads what lies in it, and writes
// answers whole, durably, or not at all. It follows no link out of the folder.
package box

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"filippo.io/age"

	"birgeoqy.kz/almasu/internal/parcel"
	"birgeoqy.kz/almasu/internal/record"
)

// Box is a folder that has in and out. It is used by one goroutine.
type Box struct{ root *os.Root }

// Open opens the folder. Close closes it.
func Open(dir string) (*Box, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Box{root}, nil
}

// Close closes the folder.
func (b *Box) Close() error { return b.root.Close() }

// Names lists what lies in the folder in, in order.
func (b *Box) Names() ([]string, error) {
	d, err := b.root.Open(parcel.In)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// Read reads a file of the folder in. Code: parcel.too_large beyond limit bytes; a file that is not there is [fs.ErrNotExist].
func (b *Box) Read(name string, limit int64) ([]byte, error) {
	f, err := b.root.Open(path.Join(parcel.In, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = record.NewProblem("parcel.too_large", "", "", "the file is longer than %d bytes", limit)
	}
	return text, err
}

// Write writes a file of the folder out; it replaces one of the same name.
func (b *Box) Write(name string, text []byte) error {
	final := path.Join(parcel.Out, name)
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
	if err := b.root.Remove(path.Join(folder, name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Identities reads the age identities of a file that only its owner may read; none for an empty name. Codes: config.file, config.secret_readable, config.identity.
func Identities(file string) ([]age.Identity, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, record.NewProblem("config.file", "identity", "", "%v", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, record.NewProblem("config.secret_readable", "identity", "run: chmod 600 "+file, "others than its owner may read this secret")
	}
	identities, err := age.ParseIdentities(f)
	if err != nil {
		return nil, record.NewProblem("config.identity", file, "make one with: age-keygen", "the file holds no age identity")
	}
	return identities, nil
}
