package parcel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"slices"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

var (
	errHostKey = errors.New("the server's host key is not one of those configured")
	errLogin   = errors.New("the server has proven itself and does not accept us")
	errNoSync  = errors.New("the server cannot sync files (fsync@openssh.com)")
)

// server is a place on an SFTP server.
type server struct {
	client *sftp.Client
	path   string
}

// pinned accepts the configured host keys only, and notes that one was proven.
func (s *SFTP) pinned(key ssh.PublicKey, proven *bool) error {
	if slices.ContainsFunc(s.hosts, func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), key.Marshal()) }) {
		*proven = true
		return nil
	}
	return errHostKey
}

// algorithms are those under which the server can prove a configured key.
func (s *SFTP) algorithms() (list []string) {
	for _, k := range s.hosts {
		if k.Type() == ssh.KeyAlgoRSA {
			list = append(list, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		list = append(list, k.Type())
	}
	return list
}

// open connects. The connection ends with ctx.
func (s *SFTP) open(ctx context.Context, timeout time.Duration) (place, func(), error) {
	dialer := net.Dialer{Timeout: timeout}
	conn, err := dialer.DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	fail := func(err error) (place, func(), error) {
		stop()
		_ = conn.Close()
		return nil, nil, err
	}
	proven := false
	handshake := time.AfterFunc(timeout, func() { _ = conn.Close() })
	c, channels, requests, err := ssh.NewClientConn(conn, s.Address, &ssh.ClientConfig{
		User: s.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(s.signer)}, HostKeyAlgorithms: s.algorithms(),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error { return s.pinned(key, &proven) },
	})
	var cut net.Error
	switch {
	case err != nil && proven && !errors.Is(err, io.EOF) && !errors.As(err, &cut): // x/crypto/ssh has no type for a refused login
		return fail(errors.Join(errLogin, err))
	case err != nil:
		return fail(err)
	}
	client, err := sftp.NewClient(ssh.NewClient(c, channels, requests), sftp.UseConcurrentWrites(true))
	if err != nil {
		return fail(err)
	}
	if !handshake.Stop() {
		return fail(context.DeadlineExceeded)
	}
	if _, ok := client.HasExtension("fsync@openssh.com"); !ok {
		return fail(errNoSync)
	}
	return &server{client, s.Path}, func() { stop(); _ = client.Close(); _ = conn.Close() }, nil
}

// Put implements place.
func (s *server) Put(name string, data []byte) error {
	part, final := path.Join(s.path, partial(name)), path.Join(s.path, name)
	f, err := s.client.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY)
	if err != nil {
		return err
	}
	_, err = f.ReadFrom(bytes.NewReader(data))
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil && info.Size() != int64(len(data)) {
			err = errShort
		}
	}
	if err = errors.Join(err, f.Close()); err == nil {
		if err = s.client.Rename(part, final); err == nil {
			return nil
		}
		if _, serr := s.client.Lstat(final); serr == nil {
			err = fs.ErrExist // the protocol has no code for it
		}
	}
	return errors.Join(err, s.client.Remove(part))
}

// Read implements place.
func (s *server) Read(name string, limit int64) ([]byte, error) {
	full := path.Join(s.path, name)
	if info, err := s.client.Lstat(full); err != nil { // before it is opened: a pipe would make the server wait
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errNotFile
	}
	f, err := s.client.Open(full)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, errTooLarge
	}
	if _, err := f.WriteTo(&b); err != nil {
		return nil, err
	}
	if int64(b.Len()) > limit {
		return nil, errTooLarge
	}
	return b.Bytes(), nil
}

// Names implements place.
func (s *server) Names(folder string) ([]string, error) {
	infos, err := s.client.ReadDir(path.Join(s.path, folder))
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = info.Name()
	}
	return names, err
}

// Remove implements place.
func (s *server) Remove(name string) error {
	if err := s.client.Remove(path.Join(s.path, name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
