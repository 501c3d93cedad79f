package backup

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strconv"

	"github.com/jmoiron/sqlx"
	"github.com/klauspost/compress/s2"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/vault"
)

// The tags of values.
const (
	tagNull = iota
	tagInt
	tagBytes
	tagText
)

// last is the frame at the end.
type last struct {
	Rows   map[string]int64 `json:"rows"`
	SHA256 record.Digest    `json:"sha256"`
}

// writer writes frames.
type writer struct {
	out   io.Writer
	vault *vault.Vault
	id    string
	next  int

	pending []byte // rows that are not in a frame yet
	packed  []byte
	rows    map[string]int64
	sum     hash.Hash
}

func frameName(id string, n int) string { return id + "/" + strconv.Itoa(n) }

func (w *writer) frame(kind byte, body []byte) error {
	plain := append([]byte{kind}, body...)
	sealed, err := w.vault.Seal(make([]byte, 4, len(plain)+64), purpose, frameName(w.id, w.next), plain)
	if err != nil {
		return err
	}
	if len(sealed)-4 > maxFrame {
		return fmt.Errorf("a frame of %d bytes is too long", len(sealed))
	}
	binary.BigEndian.PutUint32(sealed, uint32(len(sealed)-4))
	w.next++
	_, err = w.out.Write(sealed)
	return err
}

// table writes a table's rows.
func (w *writer) table(ctx context.Context, tx *sqlx.Tx, name string) error {
	text := "SELECT * FROM " + name
	switch name {
	case "log_entry", "log_hash":
		text += " ORDER BY idx"
	case "kept_set":
		text += " ORDER BY class, owner"
	}
	rows, err := tx.QueryxContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	w.pending = appendText(append(w.pending, 'T'), name)
	w.pending = binary.AppendUvarint(w.pending, uint64(len(columns)))
	for _, c := range columns {
		w.pending = appendText(w.pending, c)
	}
	w.rows[name] = 0
	for rows.Next() {
		values, err := rows.SliceScan()
		if err != nil {
			return err
		}
		w.pending = append(w.pending, 'R')
		for i, v := range values {
			if w.pending, err = appendValue(w.pending, v); err != nil {
				return fmt.Errorf("column %s: %w", columns[i], err)
			}
		}
		w.rows[name]++
		if err := w.flush(block); err != nil {
			return err
		}
	}
	return rows.Err()
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendValue(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, tagNull), nil
	case int64:
		return binary.AppendVarint(append(dst, tagInt), v), nil
	case []byte:
		return append(binary.AppendUvarint(append(dst, tagBytes), uint64(len(v))), v...), nil
	case string:
		return appendText(append(dst, tagText), v), nil
	}
	return nil, fmt.Errorf("a value of type %T has no form in a backup", v)
}

// flush puts the pending rows into a frame if they have so many bytes.
func (w *writer) flush(from int) error {
	if len(w.pending) < from {
		return nil
	}
	if w.sum == nil {
		w.sum = sha256.New()
	}
	w.sum.Write(w.pending)
	w.packed = s2.Encode(w.packed[:cap(w.packed)], w.pending)
	w.pending = w.pending[:0]
	return w.frame('d', w.packed)
}

func (w *writer) end() error {
	if err := w.flush(0); err != nil {
		return err
	}
	text, err := json.Marshal(last{Rows: w.rows, SHA256: record.Digest(w.sum.Sum(nil))})
	if err != nil {
		return err
	}
	return w.frame('e', text)
}
