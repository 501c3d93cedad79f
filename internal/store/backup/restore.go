package backup

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/books"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// checker computes the log's tree from the entries.
type checker struct {
	key      *transferlog.PublicKey
	stated   *Manifest
	name     string
	columns  []string
	tree     transferlog.Tree
	hashes   []tlog.Hash
	computed hash.Hash
	stored   hash.Hash
	headSize int64
}

func damaged(format string, args ...any) error {
	return record.NewProblem("backup.damaged", "", "take another backup; look at the store with: almasu log verify", format, args...)
}

func (c *checker) manifest(m *Manifest) error {
	c.stated, c.computed, c.stored, c.headSize = m, sha256.New(), sha256.New(), -1
	if m.Origin != c.key.Origin() {
		return record.NewProblem("backup.other_log", "", "use the configuration and keys of the store that was backed up", "the backup is of the log %s, the configured key is for %s", m.Origin, c.key.Origin())
	}
	return nil
}

func (c *checker) table(name string, columns []string) error {
	c.name, c.columns = name, slices.Clone(columns)
	return nil
}

func value[T any](c *checker, values []any, column string) (v T) {
	if i := slices.Index(c.columns, column); i >= 0 {
		v, _ = values[i].(T)
	}
	return v
}

func (c *checker) row(values []any) error {
	switch c.name {
	case "log_head":
		c.headSize = value[int64](c, values, "size")
	case "log_entry":
		if value[int64](c, values, "idx") != c.tree.Size() {
			return damaged("entry %d of the log is missing", c.tree.Size())
		}
		c.hashes = c.tree.Append(c.hashes[:0], value[[]byte](c, values, "body"))
		for _, h := range c.hashes {
			c.computed.Write(h[:])
		}
	case "log_hash":
		c.stored.Write(value[[]byte](c, values, "hash"))
	}
	return nil
}

func (c *checker) end() error {
	m := c.stated
	if c.tree.Size() != m.Size || c.headSize != m.Size {
		return damaged("the log has %d entries, the manifest says %d", c.tree.Size(), m.Size)
	}
	if string(c.computed.Sum(nil)) != string(c.stored.Sum(nil)) {
		return damaged("the stored hashes of the log are not those of its entries")
	}
	if m.Size == 0 {
		return nil
	}
	at, err := c.key.Open([]byte(m.Checkpoint))
	if err != nil {
		return fmt.Errorf("the backup's checkpoint: %w", err)
	}
	if at.Size != m.Size || at.Root != c.tree.Root() {
		return damaged("the entries of the log are not those of its signed checkpoint")
	}
	return nil
}

// Restore checks the whole file and then fills the store, which has its schema and nothing else, in one transaction. The store is in doubt afterwards.
func Restore(ctx context.Context, s *store.Store, in io.ReadSeeker) (*Summary, error) {
	sum, err := Check(in, s.Vault(), s.PublicKey())
	if err != nil {
		return nil, err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	err = s.InTx(ctx, func(tx *sqlx.Tx) error {
		var schema int64
		if err := tx.GetContext(ctx, &schema, "SELECT COALESCE(max(version_id), 0) FROM goose_db_version WHERE is_applied"); err != nil {
			return fmt.Errorf("reading the version of the schema: %w", err)
		}
		if sum.Manifest.Schema > schema {
			return record.NewProblem("backup.newer", "", "restore it with the program that wrote it, or a later one", "the backup is of schema %d, this store has %d", sum.Manifest.Schema, schema)
		}
		if err := insistEmpty(ctx, tx, s.Kind()); err != nil {
			return err
		}
		l := &loader{ctx: ctx, tx: tx}
		again, err := read(in, s.Vault(), l)
		if err != nil {
			return err
		}
		if again.SHA256 != sum.SHA256 {
			return damaged("the file changed while it was read")
		}
		if _, err = tx.ExecContext(ctx, "UPDATE log_head SET restored = restored + 1 WHERE id = 1"); err != nil {
			return err
		}
		return books.Doubt(ctx, tx)
	})
	if err != nil {
		return nil, fmt.Errorf("restoring: %w", err)
	}
	return sum, nil
}

// heads are the tables of one row that a new schema has.
var heads = []string{"log_head", "roster_head"}

func insistEmpty(ctx context.Context, tx *sqlx.Tx, kind store.Kind) error {
	tables, err := tablesOf(ctx, tx, kind)
	if err != nil {
		return err
	}
	for _, name := range tables {
		text := "SELECT count(*) FROM " + name
		switch name {
		case "log_head":
			text += " WHERE size <> 0"
		case "roster_head":
			text += " WHERE next <> 1"
		}
		var n int64
		if err := tx.GetContext(ctx, &n, text); err != nil {
			return fmt.Errorf("looking at %s: %w", name, err)
		}
		if n > 0 {
			return record.NewProblem("backup.not_empty", "", "restore into a new database, and keep this one: it is evidence", "the store is not empty: there are rows in %s", name)
		}
	}
	for _, name := range heads {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+name); err != nil {
			return fmt.Errorf("making room: %w", err)
		}
	}
	return nil
}

// perStatement is how many rows are inserted at once at most; manyBytes ends a statement earlier.
const (
	perStatement = 200
	manyBytes    = 4 << 20
)

// loader inserts rows.
type loader struct {
	ctx     context.Context
	tx      *sqlx.Tx
	into    string
	columns int
	args    []any
	bytes   int
}

func (l *loader) manifest(*Manifest) error { return nil }

func (l *loader) table(name string, columns []string) error {
	if err := l.flush(); err != nil {
		return err
	}
	l.into, l.columns = "INSERT INTO "+name+" ("+strings.Join(columns, ", ")+") VALUES ", len(columns)
	return nil
}

func (l *loader) row(values []any) error {
	for _, v := range values {
		switch v := v.(type) {
		case []byte:
			l.args = append(l.args, append(make([]byte, 0, len(v)), v...)) // never nil
			l.bytes += len(v)
		case string:
			l.args = append(l.args, v)
			l.bytes += len(v)
		default:
			l.args = append(l.args, v)
		}
	}
	if len(l.args) >= perStatement*l.columns || l.bytes > manyBytes {
		return l.flush()
	}
	return nil
}

func (l *loader) flush() error {
	if len(l.args) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString(l.into)
	for i := range l.args {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%l.columns == 0:
			b.WriteString("),(")
		default:
			b.WriteString(",")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	b.WriteString(")")
	_, err := l.tx.ExecContext(l.ctx, b.String(), l.args...)
	l.args, l.bytes = l.args[:0], 0
	return err
}

func (l *loader) end() error { return l.flush() }
