// Package backup writes the service's whole store into one file, checks such a file, and restores it into an empty store of either kind.
//
// # The file
//
// A line "almasu-backup/v1 ", 32 hexadecimal digits and a line feed, then frames: four bytes of length, big endian, and so many bytes sealed by the
// service's vault under the purpose "backup" and the name of the digits, a slash and the frame's number from 0. A frame in clear begins with its kind:
//
//	m  the first: the [Manifest] as JSON
//	d  rows, compressed with S2 block format, at most 1 MiB before that
//	e  the last: the number of rows of each table, and the SHA-256 of all rows, as JSON
//
// Rows in clear are a stream. "T" begins a table: its name and its columns, each as length (uvarint) and text, after their number. "R" is a row of
// that table, for each column a tag and a value: 0 null, 1 an integer (zigzag varint), 2 bytes, 3 text, both with their length. Tables stand in an order in
// which references find what they name; entries and hashes of the log stand in their order.
//
// # What is checked
//
// [Check] opens every frame, which shows any change and any cut, decodes every row, and computes the log's tree from its entries: stored hashes
// and the manifest's signed checkpoint must be those of the entries. [Write] checks what it has written before it gives the file its name. [Restore] checks
// the whole file before it touches the store, refuses one that is not empty, writes everything in one transaction, and puts the store in
// doubt (package standing).
//
// # What it protects
//
// Whoever has the file without the vault's key learns its size. The keys of periods are in it, sealed by the vault: what was destroyed after the backup can be
// read from it by whoever has the vault's key, so backups are kept no longer than a destruction may be undone.
//
// Codes: backup.malformed, backup.sealed (another vault, or changed), backup.truncated, backup.damaged, backup.newer, backup.not_empty, backup.other_log.
package backup

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
)

const (
	magic   = "almasu-backup/v1 "
	purpose = "backup"
	// maxFrame bounds a sealed frame.
	maxFrame = 128 << 20
	// block is how many bytes of rows a frame gathers.
	block = 1 << 20
)

// Manifest says what a backup is of.
type Manifest struct {
	V int `json:"v"`
	// Made is when, RFC 3339 in UTC.
	Made string `json:"made"`
	// Kind is the store's, Schema the number of its last migration.
	Kind   store.Kind `json:"kind"`
	Schema int64      `json:"schema"`
	// Size is the number of entries of the log, Checkpoint its signed checkpoint, empty for an empty log; Origin is its name.
	Size       int64  `json:"log_size"`
	Checkpoint string `json:"checkpoint"`
	Origin     string `json:"origin"`
	// Sequences are the next numbers by recipient.
	Sequences map[string]int64 `json:"next_sequences"`
}

// Summary is what a file was found to hold.
type Summary struct {
	Manifest Manifest         `json:"manifest"`
	Rows     map[string]int64 `json:"rows"`
	Bytes    int64            `json:"bytes"`
	// SHA256 is the digest of the file.
	SHA256 record.Digest `json:"sha256"`
}

func malformed(format string, args ...any) error {
	return record.NewProblem("backup.malformed", "", "is this a file that almasu backup has written?", format, args...)
}

// Write writes a backup of the store, as it is at one moment, to a file that must not exist, and checks it. A file that is not complete is removed.
func Write(ctx context.Context, s *store.Store, path string, now time.Time) (*Summary, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, record.NewProblem("backup.exists", path, "name another file", "the file is there already")
	}
	partial := path + ".partial"
	f, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	sum, err := fill(ctx, s, f, now)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(partial, path)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(partial))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return sum, errors.Join(dir.Sync(), dir.Close())
}

func fill(ctx context.Context, s *store.Store, f *os.File, now time.Time) (*Summary, error) {
	if err := dump(ctx, s, f, now); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return Check(f, s.Vault(), s.PublicKey())
}

// dump writes everything that one snapshot of the store holds.
func dump(ctx context.Context, s *store.Store, out io.Writer, now time.Time) error {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	w := &writer{out: out, vault: s.Vault(), id: hex.EncodeToString(id[:]), rows: map[string]int64{}}
	if w.vault == nil {
		return errors.New("the store was given no vault: a backup is not written in clear")
	}
	if _, err := io.WriteString(out, magic+w.id+"\n"); err != nil {
		return err
	}
	return s.Look(ctx, func(tx *sqlx.Tx) error {
		m, err := manifest(ctx, tx, s, now)
		if err != nil {
			return err
		}
		text, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if err := w.frame('m', text); err != nil {
			return err
		}
		tables, err := tablesOf(ctx, tx, s.Kind())
		if err != nil {
			return err
		}
		for _, name := range tables {
			if err := w.table(ctx, tx, name); err != nil {
				return fmt.Errorf("backing up %s: %w", name, err)
			}
		}
		return w.end()
	})
}

func manifest(ctx context.Context, tx *sqlx.Tx, s *store.Store, now time.Time) (*Manifest, error) {
	m := &Manifest{V: 1, Made: now.UTC().Format(time.RFC3339), Kind: s.Kind(), Origin: s.PublicKey().Origin(), Sequences: map[string]int64{}}
	var checkpoint []byte
	if err := tx.QueryRowxContext(ctx, "SELECT size, checkpoint FROM log_head WHERE id = 1").Scan(&m.Size, &checkpoint); err != nil {
		return nil, fmt.Errorf("reading the head of the log: %w", err)
	}
	m.Checkpoint = string(checkpoint)
	if err := tx.GetContext(ctx, &m.Schema, "SELECT COALESCE(max(version_id), 0) FROM goose_db_version WHERE is_applied"); err != nil {
		return nil, fmt.Errorf("reading the version of the schema: %w", err)
	}
	rows, err := tx.QueryxContext(ctx, "SELECT recipient, next FROM sequence")
	if err != nil {
		return nil, fmt.Errorf("reading sequence numbers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var recipient string
		var next int64
		if err := rows.Scan(&recipient, &next); err != nil {
			return nil, err
		}
		m.Sequences[recipient] = next
	}
	return m, rows.Err()
}

// order begins with the tables that others refer to; the rest follows by name.
var order = []string{"log_head", "log_entry", "log_hash", "log_checkpoint", "sequence", "situations", "transfer", "part", "message", "settlement", "outbox",
	"roster_head", "roster_chunk", "period_key", "kept_set", "block", "due", "request", "approval", "duty", "legal_hold", "compared"}

// tablesOf lists every table of the schema, so that none is forgotten.
func tablesOf(ctx context.Context, tx *sqlx.Tx, kind store.Kind) ([]string, error) {
	text := "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name"
	if kind == store.SQLite {
		text = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
	}
	var all []string
	if err := tx.SelectContext(ctx, &all, text); err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	there := map[string]bool{"goose_db_version": false}
	for _, name := range all {
		if _, known := there[name]; !known {
			there[name] = true
		}
	}
	var out []string
	for _, name := range append(append([]string{}, order...), all...) {
		if there[name] {
			out, there[name] = append(out, name), false
		}
	}
	return out, nil
}

// Check reads a backup to its end. The key is the log's.
func Check(in io.Reader, v *vault.Vault, key *transferlog.PublicKey) (*Summary, error) {
	c := &checker{key: key}
	return read(in, v, c)
}
