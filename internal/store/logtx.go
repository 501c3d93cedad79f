package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// logTx is the log inside a transaction that holds the lock on its head.
type logTx struct {
	hashReader
	tx         *sqlx.Tx
	size       int64
	generation int64
	restored   int64
	checkpoint []byte
}

// lockLog locks the head of the log for the rest of tx.
func (s *Store) lockLog(ctx context.Context, tx *sqlx.Tx) (*logTx, error) {
	l := &logTx{hashReader: hashReader{ctx, tx}, tx: tx}
	err := tx.QueryRowxContext(ctx, "SELECT size, blocks, restored, checkpoint FROM log_head WHERE id = 1"+s.forUpdate).Scan(&l.size, &l.generation, &l.restored, &l.checkpoint)
	if err != nil {
		return nil, fmt.Errorf("locking the log: %w", err)
	}
	return l, nil
}

// Size implements [transferlog.Tx].
func (l *logTx) Size(context.Context) (int64, error) { return l.size, nil }

// Head implements [transferlog.Headed].
func (l *logTx) Head(context.Context) ([]byte, error) { return l.checkpoint, nil }

// Append implements [transferlog.Tx].
func (l *logTx) Append(ctx context.Context, first int64, entries [][]byte, hashes []tlog.Hash, checkpoint []byte) error {
	if first != l.size {
		return fmt.Errorf("the log has %d entries, not %d", l.size, first)
	}
	rows := make([][]any, len(entries))
	for i, e := range entries {
		rows[i] = []any{first + int64(i), e}
	}
	if err := insert(ctx, l.tx, "log_entry (idx, body)", rows); err != nil {
		return err
	}
	at := tlog.StoredHashIndex(0, first)
	rows = make([][]any, len(hashes))
	for i, h := range hashes {
		rows[i] = []any{at + int64(i), h[:]}
	}
	if err := insert(ctx, l.tx, "log_hash (idx, hash)", rows); err != nil {
		return err
	}
	l.size, l.checkpoint = l.size+int64(len(entries)), checkpoint
	if err := insert(ctx, l.tx, "log_checkpoint (size, body)", [][]any{{l.size, checkpoint}}); err != nil {
		return err
	}
	_, err := l.tx.ExecContext(ctx, "UPDATE log_head SET size = $1, checkpoint = $2 WHERE id = 1", l.size, checkpoint)
	if err != nil {
		return fmt.Errorf("moving the head of the log: %w", err)
	}
	return nil
}

// ErrRegisterMoved is returned by [Store.SetRegister] if the register that the entry replaces is not the one in force.
var ErrRegisterMoved = errors.New("the register in force is not the one to be replaced")

// RegisterDigest returns the digest of the register that the log says is in force, zero before the first.
func (s *Store) RegisterDigest(ctx context.Context) (record.Digest, error) {
	return registerDigest(ctx, s.read)
}

func registerDigest(ctx context.Context, q sqlx.QueryerContext) (d record.Digest, err error) {
	var text string
	if err = sqlx.GetContext(ctx, q, &text, "SELECT register FROM log_head WHERE id = 1"); err == nil {
		d, err = record.ParseDigest(text)
	}
	if err != nil {
		return d, fmt.Errorf("reading the register in force: %w", err)
	}
	return d, nil
}

// SetRegister puts another register in force: it appends the entry and remembers its New, in one transaction, if its Old is the
// one in force, else [ErrRegisterMoved].
func (s *Store) SetRegister(ctx context.Context, at time.Time, entry *transferlog.RegisterChange) error {
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		if now, err := registerDigest(ctx, tx); err != nil || now != entry.Old {
			return errors.Join(ErrRegisterMoved, err)
		}
		_, err := tx.ExecContext(ctx, "UPDATE log_head SET register = $1 WHERE id = 1", entry.New.String())
		return err
	}, entry)
	return err
}

// Append appends entries to the log in a transaction of their own, and returns the index of the first.
func (s *Store) Append(ctx context.Context, at time.Time, entries ...transferlog.Entry) (int64, error) {
	return s.AppendWith(ctx, at, nil, entries...)
}

// appendIn appends entries inside a transaction; the function that it returns is to be called when that is committed.
func (s *Store) appendIn(ctx context.Context, tx *sqlx.Tx, at time.Time, entries ...transferlog.Entry) (committed func(), err error) {
	l, err := s.lockLog(ctx, tx)
	if err != nil {
		return nil, err
	}
	if err := insistCompared(ctx, tx, l.restored, ""); err != nil {
		return nil, err
	}
	c, err := s.log.Commit(ctx, l, at, entries...)
	if err != nil {
		return nil, err
	}
	return c.Committed, nil
}

// AppendWith appends entries together with what f does in the same transaction, and returns the index of the first.
func (s *Store) AppendWith(ctx context.Context, at time.Time, f func(*sqlx.Tx) error, entries ...transferlog.Entry) (int64, error) {
	var c *transferlog.Commitment
	err := s.InTx(ctx, func(tx *sqlx.Tx) error {
		l, err := s.lockLog(ctx, tx)
		if err != nil {
			return err
		}
		if f != nil {
			if err := f(tx); err != nil {
				return err
			}
		}
		if err := insistCompared(ctx, tx, l.restored, ""); err != nil {
			return err
		}
		c, err = s.log.Commit(ctx, l, at, entries...)
		return err
	})
	if err != nil {
		return 0, err
	}
	c.Committed()
	return c.First(), nil
}

// ErrEmptyLog is returned where a checkpoint is needed and nothing was ever logged.
var ErrEmptyLog = errors.New("the log is empty")

// Checkpoint returns the latest signed checkpoint, or [ErrEmptyLog].
func (s *Store) Checkpoint(ctx context.Context) ([]byte, error) {
	var size int64
	var b []byte
	if err := s.read.QueryRowxContext(ctx, "SELECT size, checkpoint FROM log_head WHERE id = 1").Scan(&size, &b); err != nil {
		return nil, fmt.Errorf("reading the head of the log: %w", err)
	}
	if size == 0 {
		return nil, ErrEmptyLog
	}
	return b, nil
}

// Consistency proves that the log of size from is a prefix of the log of size to.
func (s *Store) Consistency(ctx context.Context, from, to int64) (tlog.TreeProof, error) {
	return transferlog.ProveConsistency(hashReader{ctx, s.read}, from, to)
}

// Root returns the tree hash of the first size entries.
func (s *Store) Root(ctx context.Context, size int64) (tlog.Hash, error) {
	return tlog.TreeHash(size, hashReader{ctx, s.read})
}

// ticket makes the ticket of a logged intent again, against the latest checkpoint.
func (s *Store) ticket(ctx context.Context, index int64, checkpoint []byte) (*transferlog.Ticket, error) {
	at, err := s.log.PublicKey().Open(checkpoint)
	if err != nil {
		return nil, err
	}
	var entry []byte
	if err := s.read.QueryRowxContext(ctx, "SELECT body FROM log_entry WHERE idx = $1", index).Scan(&entry); err != nil {
		return nil, fmt.Errorf("reading entry %d of the log: %w", index, err)
	}
	proof, err := tlog.ProveRecord(at.Size, index, hashReader{ctx, s.read})
	if err != nil {
		return nil, fmt.Errorf("proving entry %d: %w", index, err)
	}
	return transferlog.Restore(s.log.PublicKey(), index, entry, proof, checkpoint)
}
