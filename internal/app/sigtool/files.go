package sigtool

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cms"
)

// read returns the contents of a file, or of standard input for "-".
func (t *tool) read(path string) ([]byte, error) {
	in := t.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, t.unreadable(path, err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, cms.MaxSize+1))
	if err != nil {
		return nil, t.unreadable(path, err)
	}
	if len(b) > cms.MaxSize {
		return nil, record.NewProblem("file.too_large", path, "", "more than %d octets", cms.MaxSize)
	}
	return b, nil
}

func (t *tool) unreadable(path string, err error) error {
	cause := "cannot be read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		cause = "does not exist"
	case errors.Is(err, fs.ErrPermission):
		cause = "may not be read by this user"
	}
	return t.unavailable(record.NewProblem("file.unreadable", path, "", "the file %s", cause))
}

// certificates reads every certificate of the files.
func (t *tool) certificates(paths []string) ([]*cert.Certificate, error) {
	var all []*cert.Certificate
	var problems record.Problems
	for _, path := range paths {
		b, err := t.read(path)
		if err != nil {
			return nil, err
		}
		found, err := readCertificates(b)
		if err != nil {
			problems.Merge(located(err, path), "cert.malformed", path)
		}
		all = append(all, found...)
	}
	return all, problems.Err()
}

// located names the file in a problem that names no place.
func located(err error, path string) error {
	var p *record.Problem
	if errors.As(err, &p) && p.Where == "" {
		named := *p
		named.Where = path
		return &named
	}
	return err
}

// vacant refuses a file that exists already: nothing is overwritten.
func (t *tool) vacant(path string) error {
	if path == "" {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return record.NewProblem("file.exists", path, "name another file", "the file exists already and is not overwritten")
	}
	return nil
}

// write makes a file that must not exist; of a failed attempt nothing stays.
func (t *tool) write(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return t.vacant(path)
	}
	if err != nil {
		return t.unavailable(record.NewProblem("file.unwritable", path, "", "the file cannot be made"))
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		_ = os.Remove(path)
		return t.unavailable(record.NewProblem("file.unwritable", path, "", "the file cannot be written"))
	}
	return nil
}
