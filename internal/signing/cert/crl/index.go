package crl

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"time"

	"birgeoqy.kz/almasu/internal/signing/cert"
)

const (
	magic      = "ALMCRL01"
	serialSize = 32
	entrySize  = serialSize + 8 + 1
	headSize   = 8 + 3*8 + 2*sha256.Size
	runLength  = 32 << 10 // entries sorted at once: 1.3 MB
)

// ErrIndex is wrapped by errors about an index file that is not whole.
var ErrIndex = errors.New("damaged index of a revocation list")

// serialKey is a serial number as a sortable key.
func serialKey(n *big.Int) ([serialSize]byte, error) {
	var key [serialSize]byte
	if n.Sign() < 0 || n.BitLen() > 8*serialSize {
		return key, fmt.Errorf("serial number outside 0..2^%d", 8*serialSize)
	}
	n.FillBytes(key[:])
	return key, nil
}

// issuerKey identifies an issuer by name and key.
func issuerKey(c *cert.Certificate) [sha256.Size]byte {
	return sha256.Sum256(slices.Concat(c.Subject.Raw, c.RawSPKI))
}

// Build reads the list of issuer from r and writes its index to the file at path,
// replacing one that is there. Temporary files are made beside it. Errors wrap
// [ErrList], or are problems of the issuer's signature (cert.bad_signature and others
// of package cert) or of files.
func Build(r io.Reader, issuer *cert.Certificate, path string) (*Info, error) {
	if issuer.HasKeyUsage && issuer.KeyUsage&cert.CRLSign == 0 {
		return nil, bad("the issuer's key usage does not allow signing lists")
	}
	b := &builder{dir: filepath.Dir(path)}
	defer b.discard()
	info, err := readList(r, issuer, b.add)
	if err != nil {
		return nil, err
	}
	if err := b.flush(); err != nil {
		return nil, err
	}
	return info, b.write(info, issuerKey(issuer), path)
}

// builder sorts entries on disk.
type builder struct {
	dir  string
	run  []entry
	runs []*os.File
}

func (b *builder) add(e entry) error {
	if b.run == nil {
		b.run = make([]entry, 0, runLength)
	}
	if b.run = append(b.run, e); len(b.run) < runLength {
		return nil
	}
	return b.flush()
}

// flush writes the entries in memory as one sorted run.
func (b *builder) flush() error {
	if len(b.run) == 0 {
		return nil
	}
	slices.SortStableFunc(b.run, func(x, y entry) int { return bytes.Compare(x.serial[:], y.serial[:]) })
	f, err := os.CreateTemp(b.dir, ".crl-run-*")
	if err != nil {
		return fmt.Errorf("sorting a revocation list: %w", err)
	}
	b.runs = append(b.runs, f)
	w := bufio.NewWriter(f)
	for _, e := range b.run {
		_, _ = w.Write(e.encode())
	}
	b.run = b.run[:0]
	if err := w.Flush(); err != nil {
		return fmt.Errorf("sorting a revocation list: %w", err)
	}
	return nil
}

func (b *builder) discard() {
	for _, f := range b.runs {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
}

func (e entry) encode() []byte {
	var b [entrySize]byte
	copy(b[:], e.serial[:])
	binary.BigEndian.PutUint64(b[serialSize:], uint64(e.since))
	b[entrySize-1] = e.reason
	return b[:]
}

func decodeEntry(b []byte) entry {
	e := entry{since: int64(binary.BigEndian.Uint64(b[serialSize:])), reason: b[entrySize-1]}
	copy(e.serial[:], b)
	return e
}

// write merges the runs into the index file.
func (b *builder) write(info *Info, issuer [sha256.Size]byte, path string) (err error) {
	f, err := os.CreateTemp(b.dir, ".crl-index-*")
	if err != nil {
		return fmt.Errorf("writing a revocation index: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = fmt.Errorf("writing a revocation index: %w", err)
		}
	}()
	seal := sha256.New()
	w := bufio.NewWriter(io.MultiWriter(f, seal))
	_, _ = w.Write(encodeHead(info, issuer))
	if err = b.merge(w); err != nil {
		return err
	}
	if err = w.Flush(); err != nil {
		return err
	}
	if _, err = f.Write(seal.Sum(nil)); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(b.dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

// merge writes the entries of all runs in order.
func (b *builder) merge(w io.Writer) error {
	type source struct {
		in   *bufio.Reader
		next [entrySize]byte
	}
	var sources []*source
	advance := func(s *source) (bool, error) {
		_, err := io.ReadFull(s.in, s.next[:])
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		return true, err
	}
	for _, f := range b.runs {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		s := &source{in: bufio.NewReaderSize(f, 16<<10)}
		ok, err := advance(s)
		if err != nil {
			return err
		}
		if ok {
			sources = append(sources, s)
		}
	}
	for len(sources) > 0 {
		first := slices.MinFunc(sources, func(x, y *source) int { return bytes.Compare(x.next[:serialSize], y.next[:serialSize]) })
		if _, err := w.Write(first.next[:]); err != nil {
			return err
		}
		ok, err := advance(first)
		if err != nil {
			return err
		}
		if !ok {
			sources = slices.DeleteFunc(sources, func(s *source) bool { return s == first })
		}
	}
	return nil
}

func encodeHead(info *Info, issuer [sha256.Size]byte) []byte {
	out := []byte(magic)
	out = binary.BigEndian.AppendUint64(out, uint64(info.ThisUpdate.Unix()))
	next := int64(0)
	if !info.NextUpdate.IsZero() {
		next = info.NextUpdate.Unix()
	}
	out = binary.BigEndian.AppendUint64(out, uint64(next))
	out = binary.BigEndian.AppendUint64(out, info.Entries)
	out = append(out, info.Digest[:]...)
	out = append(out, issuer[:]...)
	for _, n := range []*big.Int{info.Number, info.Base} {
		var b []byte
		if n != nil {
			b = append([]byte{1}, n.Bytes()...)
		}
		out = binary.BigEndian.AppendUint32(out, uint32(len(b)))
		out = append(out, b...)
	}
	return out
}

// Index is an open index file. It may be used by several goroutines.
type Index struct {
	Info
	issuer  [sha256.Size]byte
	file    *os.File
	entries int64 // offset of the first entry
}

// Open opens an index file after verifying its seal. Errors wrap [ErrIndex] if the
// file is damaged. The issuer's name is not in the file: Info.Issuer is empty.
func Open(path string) (*Index, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening a revocation index: %w", err)
	}
	x := &Index{file: f}
	if err := x.load(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return x, nil
}

// Close closes the file.
func (x *Index) Close() error { return x.file.Close() }

func (x *Index) load() error {
	info, err := x.file.Stat()
	if err != nil {
		return fmt.Errorf("opening a revocation index: %w", err)
	}
	body := info.Size() - sha256.Size
	if body < headSize+8 {
		return fmt.Errorf("%w: too short", ErrIndex)
	}
	seal := sha256.New()
	in := bufio.NewReader(io.TeeReader(io.NewSectionReader(x.file, 0, body), seal))
	head := make([]byte, headSize)
	if _, err := io.ReadFull(in, head); err != nil {
		return fmt.Errorf("%w: %w", ErrIndex, err)
	}
	if err := x.decodeHead(head, in); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return fmt.Errorf("%w: %w", ErrIndex, err)
	}
	want := make([]byte, sha256.Size)
	if _, err := x.file.ReadAt(want, body); err != nil {
		return fmt.Errorf("%w: %w", ErrIndex, err)
	}
	if !bytes.Equal(seal.Sum(nil), want) || x.Entries > uint64(body) || x.entries+int64(x.Entries)*entrySize != body {
		return fmt.Errorf("%w: the seal does not fit", ErrIndex)
	}
	return nil
}

func (x *Index) decodeHead(head []byte, in io.Reader) error {
	if string(head[:8]) != magic {
		return fmt.Errorf("%w: not an index", ErrIndex)
	}
	x.ThisUpdate = time.Unix(int64(binary.BigEndian.Uint64(head[8:])), 0).UTC()
	if next := int64(binary.BigEndian.Uint64(head[16:])); next != 0 {
		x.NextUpdate = time.Unix(next, 0).UTC()
	}
	x.Entries = binary.BigEndian.Uint64(head[24:])
	copy(x.Digest[:], head[32:])
	copy(x.issuer[:], head[32+sha256.Size:])
	x.entries = headSize
	for _, n := range []**big.Int{&x.Number, &x.Base} {
		var size [4]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return fmt.Errorf("%w: %w", ErrIndex, err)
		}
		length := binary.BigEndian.Uint32(size[:])
		if length > 2048 {
			return fmt.Errorf("%w: number of %d octets", ErrIndex, length)
		}
		b := make([]byte, length)
		if _, err := io.ReadFull(in, b); err != nil {
			return fmt.Errorf("%w: %w", ErrIndex, err)
		}
		if length > 0 {
			*n = new(big.Int).SetBytes(b[1:])
		}
		x.entries += 4 + int64(length)
	}
	return nil
}

// Entry is what a list says about one certificate.
type Entry struct {
	Since  time.Time
	Reason int // CRLReason, -1 if not given
}

// Lookup returns what the list says about a serial number; found is false if nothing.
// Of several entries with one serial number it returns the earliest revocation, and
// "removed from the list" only if every entry says so.
func (x *Index) Lookup(serial *big.Int) (e Entry, found bool, err error) {
	key, err := serialKey(serial)
	if err != nil {
		return Entry{}, false, err
	}
	var failure error
	at := func(i int) entry {
		var b [entrySize]byte
		if _, err := x.file.ReadAt(b[:], x.entries+int64(i)*entrySize); err != nil && failure == nil {
			failure = fmt.Errorf("%w: %w", ErrIndex, err)
		}
		return decodeEntry(b[:])
	}
	count := int(x.Entries)
	i := sort.Search(count, func(i int) bool {
		e := at(i)
		return bytes.Compare(e.serial[:], key[:]) >= 0
	})
	var all []entry
	for ; i < count && failure == nil; i++ {
		e := at(i)
		if e.serial != key {
			break
		}
		all = append(all, e)
	}
	if failure != nil || len(all) == 0 {
		return Entry{}, false, failure
	}
	first := slices.MinFunc(all, func(a, b entry) int {
		if removed := cmp.Compare(b2i(a.reason == removedFromList), b2i(b.reason == removedFromList)); removed != 0 {
			return removed
		}
		return cmp.Compare(a.since, b.since)
	})
	e = Entry{Since: time.Unix(first.since, 0).UTC(), Reason: int(first.reason)}
	if first.reason == noReason {
		e.Reason = -1
	}
	return e, true, nil
}

const removedFromList = 8

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
