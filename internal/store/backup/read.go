package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"strings"

	"github.com/klauspost/compress/s2"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/vault"
)

// visitor is shown what a backup holds, in its order.
type visitor interface {
	manifest(m *Manifest) error
	table(name string, columns []string) error
	// row is shown values of type nil, int64, []byte and string, which it does not keep.
	row(values []any) error
	// end is called when the last frame was read and agrees.
	end() error
}

// reader reads frames.
type reader struct {
	in    *bufio.Reader
	file  hash.Hash
	bytes int64
	vault *vault.Vault
	id    string
	next  int
}

// Read implements [io.Reader] and counts.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	r.file.Write(p[:n])
	r.bytes += int64(n)
	return n, err
}

var errCut = record.NewProblem("backup.truncated", "", "copy it again from where it was written", "the backup ends too early: it was cut")

// frame returns the next frame's kind and body.
func (r *reader) frame() (byte, []byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return 0, nil, cut(err)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxFrame {
		return 0, nil, malformed("a frame of %d bytes is too long", n)
	}
	var sealed bytes.Buffer // grows with what is there, not with what is stated
	if _, err := io.CopyN(&sealed, r, int64(n)); err != nil {
		return 0, nil, cut(err)
	}
	plain, err := r.vault.Open(purpose, frameName(r.id, r.next), sealed.Bytes())
	if err != nil || len(plain) == 0 {
		return 0, nil, record.NewProblem("backup.sealed", "", "use the vault.key of the time of the backup", "frame %d does not open: another vault key, or the file was changed", r.next)
	}
	r.next++
	return plain[0], plain[1:], nil
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}

// read shows a whole backup to a visitor.
func read(in io.Reader, v *vault.Vault, to visitor) (*Summary, error) {
	r := &reader{in: bufio.NewReaderSize(in, 1<<16), file: sha256.New(), vault: v}
	head := make([]byte, len(magic)+33)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, cut(err)
	}
	id, ok := strings.CutPrefix(string(head), magic)
	if !ok || strings.Trim(id, "0123456789abcdef") != "\n" {
		return nil, malformed("this is not a backup")
	}
	r.id = id[:32]
	kind, body, err := r.frame()
	if err != nil {
		return nil, err
	}
	out := &Summary{}
	if kind != 'm' || json.Unmarshal(body, &out.Manifest) != nil || out.Manifest.V != 1 {
		return nil, malformed("the backup does not begin with its manifest")
	}
	if err := to.manifest(&out.Manifest); err != nil {
		return nil, err
	}
	d := &decoder{to: to, rows: map[string]int64{}}
	sum := sha256.New()
	for {
		if kind, body, err = r.frame(); err != nil {
			return nil, err
		}
		if kind == 'e' {
			break
		}
		n, err := s2.DecodedLen(body)
		if kind != 'd' || err != nil || n > maxFrame {
			return nil, malformed("frame %d is not one of rows", r.next-1)
		}
		rows, err := s2.Decode(nil, body)
		if err != nil {
			return nil, malformed("frame %d does not decompress", r.next-1)
		}
		sum.Write(rows)
		if err := d.take(rows); err != nil {
			return nil, err
		}
	}
	var l last
	if json.Unmarshal(body, &l) != nil || l.SHA256 != record.Digest(sum.Sum(nil)) || len(l.Rows) != len(d.rows) {
		return nil, malformed("the last frame does not say what the backup holds")
	}
	for name, n := range l.Rows {
		if d.rows[name] != n {
			return nil, malformed("the last frame counts other rows of %s", name)
		}
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return nil, malformed("something follows the last frame")
	}
	if err := to.end(); err != nil {
		return nil, err
	}
	out.Rows, out.Bytes, out.SHA256 = d.rows, r.bytes, record.Digest(r.file.Sum(nil))
	return out, nil
}

// decoder reads rows; a row and the beginning of a table lie in one frame.
type decoder struct {
	to      visitor
	rows    map[string]int64
	name    string
	columns int
	values  []any
}

var errRow = malformed("a row is malformed")

func (d *decoder) take(b []byte) error {
	for len(b) > 0 {
		var err error
		switch b[0] {
		case 'T':
			b, err = d.table(b[1:])
		case 'R':
			b, err = d.row(b[1:])
		default:
			err = errRow
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func takeText(b []byte) (text, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	return b[size : size+int(n)], b[size+int(n):], true
}

const identifier = "abcdefghijklmnopqrstuvwxyz_"

func (d *decoder) table(b []byte) ([]byte, error) {
	name, b, ok := takeText(b)
	if !ok || len(name) == 0 || strings.Trim(string(name), identifier) != "" {
		return nil, errRow
	}
	d.name = string(name)
	if _, twice := d.rows[d.name]; twice {
		return nil, malformed("the table %s stands there twice", d.name)
	}
	n, size := binary.Uvarint(b)
	if size <= 0 || n == 0 || n > 256 {
		return nil, errRow
	}
	b = b[size:]
	columns := make([]string, n)
	for i := range columns {
		var c []byte
		if c, b, ok = takeText(b); !ok || len(c) == 0 || strings.Trim(string(c), identifier) != "" {
			return nil, errRow
		}
		columns[i] = string(c)
	}
	d.rows[d.name], d.columns = 0, len(columns)
	return b, d.to.table(d.name, columns)
}

func (d *decoder) row(b []byte) ([]byte, error) {
	if d.name == "" {
		return nil, errRow
	}
	d.values = d.values[:0]
	for range d.columns {
		if len(b) == 0 {
			return nil, errRow
		}
		tag := b[0]
		b = b[1:]
		switch tag {
		case tagNull:
			d.values = append(d.values, nil)
		case tagInt:
			n, size := binary.Varint(b)
			if size <= 0 {
				return nil, errRow
			}
			d.values, b = append(d.values, n), b[size:]
		case tagBytes, tagText:
			v, rest, ok := takeText(b)
			if !ok {
				return nil, errRow
			}
			if b = rest; tag == tagText {
				d.values = append(d.values, string(v))
			} else {
				d.values = append(d.values, v)
			}
		default:
			return nil, errRow
		}
	}
	d.rows[d.name]++
	return b, d.to.row(d.values)
}
