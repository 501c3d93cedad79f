package parcel

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"birgeoqy.kz/almasu/internal/parcel"
)

// place is the recipient's folder during one attempt. Names are relative to it, with slashes.
type place interface {
	// Put makes a complete, durable file; an error that is [fs.ErrExist] says that the name is taken.
	Put(name string, data []byte) error
	// Read returns an ordinary file of at most limit bytes; a longer one is [errTooLarge], something else under the name [errNotFile], nothing [fs.ErrNotExist].
	Read(name string, limit int64) ([]byte, error)
	// Names lists the files of a folder.
	Names(folder string) ([]string, error)
	// Remove removes a file; one that is not there is no error.
	Remove(name string) error
}

var (
	errTooLarge = errors.New("the file is longer than it may be")
	errNotFile  = errors.New("under this name there is no ordinary file")
	errShort    = errors.New("the server has stored another number of bytes")
)

// open opens the place; shut ends it.
func (c *Connector) open(ctx context.Context) (p place, shut func(), err error) {
	if c.conf.SFTP != nil {
		return c.conf.SFTP.open(ctx, c.conf.ConnectTimeout)
	}
	root, err := os.OpenRoot(c.conf.Folder)
	if err != nil {
		return nil, nil, err
	}
	return &folder{root}, func() { _ = root.Close() }, nil
}

// partial is a name for a file while it is written, that no other attempt has.
func partial(name string) string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return name + "." + hex.EncodeToString(b) + parcel.Partial
}

// isPartial reports whether a file is what an attempt to put the named one has left.
func isPartial(file, name string) bool {
	return strings.HasPrefix(file, name+".") && strings.HasSuffix(file, parcel.Partial)
}

// folder is a place on this machine.
type folder struct{ root *os.Root }

// Put implements place.
func (f *folder) Put(name string, data []byte) (err error) {
	part := partial(name)
	w, err := f.root.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o660)
	if err != nil {
		return err
	}
	defer func() {
		if rerr := f.root.Remove(part); err == nil && rerr != nil {
			err = rerr
		}
	}()
	if _, err = w.Write(data); err == nil {
		err = w.Sync()
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	if err := f.root.Link(part, name); err != nil {
		return err
	}
	d, err := f.root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Read implements place.
func (f *folder) Read(name string, limit int64) ([]byte, error) {
	r, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe does not make it wait
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if info, err := r.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errNotFile
	}
	return readAtMost(r, limit)
}

func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, errTooLarge
	}
	return b, err
}

// Names implements place.
func (f *folder) Names(folder string) ([]string, error) {
	d, err := f.root.Open(folder)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// Remove implements place.
func (f *folder) Remove(name string) error {
	if err := f.root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sweep removes what earlier attempts to put a file have left.
func sweep(p place, name string) error {
	files, err := p.Names(path.Dir(name))
	if err != nil {
		return err
	}
	for _, file := range files {
		if isPartial(file, path.Base(name)) {
			if err := p.Remove(path.Join(path.Dir(name), file)); err != nil {
				return fmt.Errorf("removing what an earlier attempt has left: %w", err)
			}
		}
	}
	return nil
}
