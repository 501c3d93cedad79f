package inbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Writer is the one connection that writes. All its methods but Begin are for use inside a transaction. It is not safe for
// concurrent use.
type Writer struct {
	conn                                   *sql.Conn
	answered, taken, root, held            *sql.Stmt
	message, checkpoint, alarm, nonce, old *sql.Stmt
	all                                    []*sql.Stmt
}

// Writer opens the connection that writes.
func (s *Store) Writer(ctx context.Context) (*Writer, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening the store for writing: %w", err)
	}
	w := &Writer{conn: conn}
	for text, stmt := range map[string]**sql.Stmt{
		selectAnswered: &w.answered,
		selectRoot:     &w.root,
		"SELECT count(*) FROM message WHERE sender = ? AND sequence = ?":                &w.taken,
		"SELECT size, root FROM checkpoint WHERE sender = ? ORDER BY size DESC LIMIT 1": &w.held,
		`INSERT INTO message (sender, sequence, message, header, key_id, signature, document, schema, ticket, checkpoint, received, status, code, accepted, rejected, receipt)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`: &w.message,
		"INSERT INTO checkpoint (sender, size, root, signed, against, proof, received) VALUES (?, ?, ?, ?, ?, ?, ?)": &w.checkpoint,
		`INSERT INTO alarm (sender, at, code, evidence) SELECT ?1, ?2, ?3, ?4 WHERE (SELECT count(*) FROM alarm WHERE sender = ?1) < 10000
			AND NOT (?5 AND EXISTS (SELECT 1 FROM alarm WHERE sender = ?1 AND code = ?3 AND evidence = ?4))`: &w.alarm,
		"INSERT OR IGNORE INTO nonce (key_id, nonce, expires) VALUES (?, ?, ?)": &w.nonce,
		"DELETE FROM nonce WHERE expires < ?":                                   &w.old,
	} {
		if *stmt, err = conn.PrepareContext(ctx, text); err != nil {
			return nil, errors.Join(fmt.Errorf("preparing to write: %w", err), w.Close())
		}
		w.all = append(w.all, *stmt)
	}
	return w, nil
}

// Close closes the connection. Its statements are closed one by one: of a connection of its own database/sql does not know them.
func (w *Writer) Close() error {
	var all []error
	for _, s := range w.all {
		all = append(all, s.Close())
	}
	return errors.Join(append(all, w.conn.Close())...)
}

// Begin begins a transaction, Commit makes it durable, Rollback drops it.
func (w *Writer) Begin(ctx context.Context) error { return w.exec(ctx, "BEGIN IMMEDIATE") }

// Commit makes the transaction durable.
func (w *Writer) Commit(ctx context.Context) error { return w.exec(ctx, "COMMIT") }

// Rollback drops the transaction.
func (w *Writer) Rollback(ctx context.Context) error { return w.exec(ctx, "ROLLBACK") }

func (w *Writer) exec(ctx context.Context, text string) error {
	_, err := w.conn.ExecContext(ctx, text)
	return err
}

// Answer returns the answer that a message has got, nil if none.
func (w *Writer) Answer(ctx context.Context, sender string, message record.ID) (*Answered, error) {
	return scanAnswered(w.answered.QueryRowContext(ctx, sender, message[:]))
}

// Taken reports whether a number stands for a message already.
func (w *Writer) Taken(ctx context.Context, sender string, sequence uint64) (bool, error) {
	var n int
	err := w.taken.QueryRowContext(ctx, sender, int64(sequence)).Scan(&n)
	return n > 0, err
}

// Root is as [Store.Root].
func (w *Writer) Root(ctx context.Context, sender string, size int64) (root tlog.Hash, ok bool, err error) {
	return scanRoot(w.root.QueryRowContext(ctx, sender, size))
}

// Holds returns the greatest state of a sender's log that was accepted; its size is 0 if none was.
func (w *Writer) Holds(ctx context.Context, sender, origin string) (transferlog.Checkpoint, error) {
	c := newProgress(origin).Held
	var root []byte
	err := w.held.QueryRowContext(ctx, sender).Scan(&c.Size, &root)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return c, nil
	case err != nil || len(root) != len(c.Root):
		return c, fmt.Errorf("reading the held checkpoint: %w", err)
	}
	c.Root = tlog.Hash(root)
	return c, nil
}

// Nonce is the nonce of a request, which counts until it expires.
type Nonce struct {
	KeyID, Nonce string
	Expires      time.Time
}

// spend remembers the nonce of a request; what came in a file has none.
func (w *Writer) spend(ctx context.Context, n Nonce) error {
	if n == (Nonce{}) {
		return nil
	}
	_, err := w.nonce.ExecContext(ctx, n.KeyID, n.Nonce, n.Expires.UnixMicro())
	return err
}

// Message is a message with its receipt, to be stored.
type Message struct {
	Sender   string
	Nonce    Nonce
	Received time.Time
	Envelope *signing.Envelope
	// Document is the payload, compressed by [Pack]; nil for a refused message, of which nothing is taken.
	Document []byte
	// Ticket is the wire form of the sender's ticket against the accepted state of Checkpoint entries.
	Ticket     string
	Checkpoint int64
	// Status, Code, Accepted, Rejected (the number of rejected records) and Receipt are the answer.
	Status, Code       string
	Accepted, Rejected int
	Receipt            []byte
}

// PutMessage stores a message.
func (w *Writer) PutMessage(ctx context.Context, m *Message) error {
	h := m.Envelope.Header()
	var document any
	if m.Document != nil {
		document = m.Document
	}
	_, err := w.message.ExecContext(ctx, m.Sender, int64(h.Sequence), h.Message[:], m.Envelope.HeaderBytes(), m.Envelope.KeyID(), m.Envelope.Signature(), document,
		h.Schema[:], m.Ticket, m.Checkpoint, m.Received.UnixMicro(), m.Status, m.Code, m.Accepted, m.Rejected, m.Receipt)
	if err != nil {
		return err
	}
	return w.spend(ctx, m.Nonce)
}

// State is a state of a sender's log, to be stored with the proof that connects it with the state that was held.
type State struct {
	Sender   string
	Nonce    Nonce
	Received time.Time
	State    transferlog.Checkpoint
	Signed   []byte
	Against  int64
	Proof    tlog.TreeProof
}

// PutState stores a state, and drops nonces that have expired.
func (w *Writer) PutState(ctx context.Context, s *State) error {
	proof := make([]byte, 0, tlog.HashSize*len(s.Proof))
	for _, h := range s.Proof {
		proof = append(proof, h[:]...)
	}
	_, err := w.checkpoint.ExecContext(ctx, s.Sender, s.State.Size, s.State.Root[:], s.Signed, s.Against, proof, s.Received.UnixMicro())
	if err == nil {
		err = w.spend(ctx, s.Nonce)
	}
	if err == nil {
		_, err = w.old.ExecContext(ctx, s.Received.UnixMicro())
	}
	return err
}

// Raise stores evidence against a sender, ten thousand pieces at most. With once, a piece that is stored is not stored again: a file that stays where
// it is comes up at every look.
func (w *Writer) Raise(ctx context.Context, sender string, at time.Time, code string, evidence []byte, once bool) error {
	_, err := w.alarm.ExecContext(ctx, sender, at.UnixMicro(), code, evidence, once)
	return err
}
