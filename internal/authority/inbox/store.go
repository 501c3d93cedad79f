package inbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// schemaVersion is the user_version of the store's file.
const schemaVersion = 1

// layout of the store: rows are written once; triggers refuse changes. Times are Unix microseconds.
const layout = `
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  sender TEXT NOT NULL,
  sequence INTEGER NOT NULL CHECK (sequence > 0),
  message BLOB NOT NULL CHECK (length(message) = 16),
  header BLOB NOT NULL,
  key_id TEXT NOT NULL,
  signature BLOB NOT NULL,
  document BLOB,
  schema BLOB NOT NULL,
  ticket TEXT NOT NULL,
  checkpoint INTEGER NOT NULL,
  received INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('accepted', 'refused')),
  code TEXT NOT NULL,
  accepted INTEGER NOT NULL CHECK (accepted >= 0),
  rejected INTEGER NOT NULL CHECK (rejected >= 0),
  receipt BLOB NOT NULL,
  UNIQUE (sender, sequence),
  UNIQUE (sender, message),
  CHECK ((status = 'accepted') = (document IS NOT NULL))
) STRICT;
CREATE TABLE checkpoint (
  id INTEGER PRIMARY KEY,
  sender TEXT NOT NULL,
  size INTEGER NOT NULL,
  root BLOB NOT NULL CHECK (length(root) = 32),
  signed BLOB NOT NULL,
  against INTEGER NOT NULL,
  proof BLOB NOT NULL,
  received INTEGER NOT NULL,
  UNIQUE (sender, size)
) STRICT;
CREATE TABLE alarm (
  id INTEGER PRIMARY KEY,
  sender TEXT NOT NULL,
  at INTEGER NOT NULL,
  code TEXT NOT NULL,
  evidence BLOB NOT NULL
) STRICT;
CREATE TABLE receipt_key (id TEXT PRIMARY KEY, pem BLOB NOT NULL, since INTEGER NOT NULL) STRICT;
CREATE TABLE nonce (key_id TEXT NOT NULL, nonce TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (key_id, nonce)) STRICT, WITHOUT ROWID;
CREATE TRIGGER message_update BEFORE UPDATE ON message BEGIN SELECT RAISE(ABORT, 'messages are not changed'); END;
CREATE TRIGGER message_delete BEFORE DELETE ON message BEGIN SELECT RAISE(ABORT, 'messages are not deleted'); END;
CREATE TRIGGER checkpoint_update BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'checkpoints are not changed'); END;
CREATE TRIGGER checkpoint_delete BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'checkpoints are not deleted'); END;
CREATE TRIGGER alarm_update BEFORE UPDATE ON alarm BEGIN SELECT RAISE(ABORT, 'alarms are not changed'); END;
CREATE TRIGGER alarm_delete BEFORE DELETE ON alarm BEGIN SELECT RAISE(ABORT, 'alarms are not deleted'); END;
`

// Store is the authority's file, as readers see it; the [Writer] has a connection of its own. It is safe for concurrent use.
type Store struct {
	db   *sql.DB
	path string
	lock *os.File
}

// pragmas make a commit durable (WAL with synchronous=FULL syncs at every commit).
const pragmas = "?_pragma=busy_timeout(10000)&_pragma=page_size(32768)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"

// Open opens the file in the folder for reading. With create set it makes the file if there is none, and the caller becomes its only
// writer: another process gets the code store.locked.
func Open(ctx context.Context, folder string, create bool) (*Store, error) {
	s := &Store{path: filepath.Join(folder, "authority.db")}
	if !create {
		if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
			return nil, record.NewProblem("store.missing", folder, "authority serve and authority receive make it; is data in the configuration the right folder?", "there is no store: nothing was received here")
		} else if err != nil {
			return nil, fmt.Errorf("opening the store: %w", err)
		}
	} else if err := s.acquire(folder); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", record.FileURI(s.path)+pragmas)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store: %w", err), s.Close())
	}
	s.db = db
	db.SetMaxOpenConns(4)
	if err := s.migrate(ctx, create); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// acquire makes the folder and takes the lock that keeps a second writer out.
func (s *Store) acquire(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("making the folder of the store: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("locking the store: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return record.NewProblem("store.locked", folder, "end the other process, or give this one another folder", "another process serves this store")
	}
	s.lock = lock
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	return f.Close()
}

func (s *Store) migrate(ctx context.Context, create bool) error {
	var version int
	if err := s.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("reading the store's version: %w", err)
	}
	if version == 0 && create {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return fmt.Errorf("laying out the store: %w", err)
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, layout+fmt.Sprintf("PRAGMA user_version = %d;", schemaVersion)); err != nil {
			return fmt.Errorf("laying out the store: %w", err)
		}
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("laying out the store: %w", err)
		}
		version = schemaVersion
	}
	if version != schemaVersion {
		return record.NewProblem("store.version", s.path, "use the program that wrote it", "the store is of version %d, this program reads %d", version, schemaVersion)
	}
	return nil
}

// Close closes the file and gives up the lock.
func (s *Store) Close() error {
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// Answered is the answer that a message id has got.
type Answered struct {
	// Header is the envelope's header that came with it.
	Header []byte
	// Status and Code are those of the receipt.
	Status, Code string
	Receipt      []byte
}

const selectAnswered = "SELECT header, status, code, receipt FROM message WHERE sender = ? AND message = ?"

// Answer returns what was answered to a message, nil if it is not stored.
func (s *Store) Answer(ctx context.Context, sender string, message record.ID) (*Answered, error) {
	return scanAnswered(s.db.QueryRowContext(ctx, selectAnswered, sender, message[:]))
}

// Holder returns the answer to the message that has taken a number, nil if none has.
func (s *Store) Holder(ctx context.Context, sender string, sequence uint64) (*Answered, error) {
	return scanAnswered(s.db.QueryRowContext(ctx, "SELECT header, status, code, receipt FROM message WHERE sender = ? AND sequence = ?", sender, int64(sequence)))
}

func scanAnswered(row *sql.Row) (*Answered, error) {
	a := &Answered{}
	err := row.Scan(&a.Header, &a.Status, &a.Code, &a.Receipt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for an earlier answer: %w", err)
	}
	return a, nil
}

const selectRoot = "SELECT root FROM checkpoint WHERE sender = ? AND size = ?"

// Root returns the root of an accepted checkpoint of this size; ok is false if there is none.
func (s *Store) Root(ctx context.Context, sender string, size int64) (root tlog.Hash, ok bool, err error) {
	return scanRoot(s.db.QueryRowContext(ctx, selectRoot, sender, size))
}

func scanRoot(row *sql.Row) (root tlog.Hash, ok bool, err error) {
	var b []byte
	err = row.Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return root, false, nil
	}
	if err != nil || len(b) != len(root) {
		return root, false, fmt.Errorf("looking for a checkpoint: %w", err)
	}
	return tlog.Hash(b), true, nil
}

// Progress reads how far a sender has come.
func (s *Store) Progress(ctx context.Context, from *Sender) (*Progress, error) {
	sender, key := from.BIN, from.LogKey
	p := newProgress(key.Origin())
	rows, err := s.db.QueryContext(ctx, "SELECT sequence FROM message WHERE sender = ? ORDER BY sequence", sender)
	if err != nil {
		return nil, fmt.Errorf("reading sequence numbers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var n uint64
		if err := rows.Scan(&n); err != nil {
			return nil, fmt.Errorf("reading sequence numbers: %w", err)
		}
		p.Receive(n)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading sequence numbers: %w", err)
	}
	var signed []byte
	err = s.db.QueryRowContext(ctx, "SELECT signed FROM checkpoint WHERE sender = ? ORDER BY size DESC LIMIT 1", sender).Scan(&signed)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the held checkpoint: %w", err)
	}
	held, err := key.Open(signed)
	if err != nil {
		return nil, fmt.Errorf("the held checkpoint of sender %s does not verify with the configured key: %w", sender, err)
	}
	p.Accept(held)
	return p, nil
}

// EachNonce calls f with every nonce that has not expired.
func (s *Store) EachNonce(ctx context.Context, now time.Time, f func(keyID, nonce string)) error {
	rows, err := s.db.QueryContext(ctx, "SELECT key_id, nonce FROM nonce WHERE expires >= ?", now.UnixMicro())
	if err != nil {
		return fmt.Errorf("reading nonces: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var keyID, nonce string
		if err := rows.Scan(&keyID, &nonce); err != nil {
			return fmt.Errorf("reading nonces: %w", err)
		}
		f(keyID, nonce)
	}
	return rows.Err()
}

// RememberKey keeps the public half of a key that signs receipts.
func (s *Store) RememberKey(ctx context.Context, k *signing.PublicKey, now time.Time) error {
	if _, err := s.db.ExecContext(ctx, "INSERT OR IGNORE INTO receipt_key (id, pem, since) VALUES (?, ?, ?)", k.ID(), k.PEM(), now.UnixMicro()); err != nil {
		return fmt.Errorf("remembering the receipt key: %w", err)
	}
	return nil
}
