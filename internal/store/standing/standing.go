// Package standing compares the service's store with what its recipients hold of it, so that an older copy of the store never goes on as if it
// were the newest: no number is used twice, and the log is not forked.
//
// # Doubt
//
// A store is in doubt after it was restored from a backup, and from the moment a recipient proves that it holds more than the store: log_head.restored
// grows by one. A store in doubt refuses to log anything, and so to send anything, with the code restore.not_compared. [Settle] ends the doubt when
// every recipient was compared and none is ahead: it notes the count under which each was compared (table compared; the row with the empty recipient
// stands for all of them), and makes an entry of the log.
//
// # Comparison
//
// [Compare] looks at both sides. The recipient brings the checkpoint that it holds, signed by our own log: that is the proof. If the checkpoint is of more
// entries than the store has, the store is old (restore.recipient_ahead); if its root is another one at its size, the log is another (log.inconsistent). A
// recipient that claims more than its checkpoint proves is not believed, and nothing is sent to it (standing.unproven); the others are not concerned.
// Otherwise the store holds all that the recipient knows, and may go on.
package standing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/books"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Result is the comparison with one recipient.
type Result struct {
	Recipient string `json:"recipient"`
	// Next is the store's next number, Size how many entries its log has; Last and HeldSize are what the recipient has.
	Next     uint64 `json:"next_sequence"`
	Size     int64  `json:"log_size"`
	Last     uint64 `json:"last_sequence"`
	HeldSize int64  `json:"held_size"`
	// Code is empty if the store holds all that the recipient knows, else restore.recipient_ahead, log.inconsistent, standing.unproven, or why the
	// recipient was not heard.
	Code string `json:"code,omitempty"`
	// Stated says that the operator answers for this recipient.
	Stated bool `json:"stated,omitempty"`
	// Unknown are the messages that the recipient has and the store has not.
	Unknown []signing.Held `json:"unknown,omitempty"`
}

// OK reports whether the store may go on with the recipient.
func (r *Result) OK() bool { return r.Code == "" }

// Ahead reports whether the recipient has proven that the store is old, or its log another one.
func (r *Result) Ahead() bool {
	return r.Code == "restore.recipient_ahead" || r.Code == "log.inconsistent"
}

// Compare compares the store with what a recipient says that it holds.
func Compare(ctx context.Context, s *store.Store, held *signing.Standing) (*Result, error) {
	r := &Result{Recipient: held.Recipient, Last: held.Last, HeldSize: held.HeldSize}
	var err error
	if r.Next, err = Next(ctx, s, held.Recipient); err != nil {
		return nil, err
	}
	if r.Size, err = size(ctx, s); err != nil {
		return nil, err
	}
	if r.Code, err = judge(ctx, s, r, held); err != nil {
		return nil, err
	}
	for _, m := range held.Messages {
		known, err := has(ctx, s, m)
		if err != nil {
			return nil, err
		}
		if !known {
			r.Unknown = append(r.Unknown, m)
		}
	}
	if r.Code == "" && (len(r.Unknown) > 0 || held.Last >= r.Next) {
		r.Code = "standing.unproven"
	}
	return r, nil
}

// judge compares the logs.
func judge(ctx context.Context, s *store.Store, r *Result, held *signing.Standing) (code string, err error) {
	if held.HeldSize == 0 {
		return "", nil
	}
	c, err := s.PublicKey().Open(held.Checkpoint)
	if err != nil || c.Size != held.HeldSize || c.Root.String() != held.HeldRoot {
		return "standing.unproven", nil
	}
	if c.Size > r.Size {
		return "restore.recipient_ahead", nil
	}
	root, err := s.Root(ctx, c.Size)
	if err != nil {
		return "", fmt.Errorf("reading the log: %w", err)
	}
	if root != c.Root {
		return "log.inconsistent", nil
	}
	return "", nil
}

func size(ctx context.Context, s *store.Store) (int64, error) {
	checkpoint, err := s.Checkpoint(ctx)
	if errors.Is(err, store.ErrEmptyLog) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	c, err := s.PublicKey().Open(checkpoint)
	return c.Size, err
}

// has reports whether a message of the recipient's is in the store, under the same envelope.
func has(ctx context.Context, s *store.Store, m signing.Held) (bool, error) {
	var header []byte
	err := s.Reader().QueryRowxContext(ctx, "SELECT header FROM message WHERE id = $1", m.Message.String()).Scan(&header)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for a message: %w", err)
	}
	return record.DigestOf(header) == m.Envelope, nil
}

// Next returns the next sequence number of a recipient.
func Next(ctx context.Context, s *store.Store, recipient string) (uint64, error) {
	var next int64
	err := s.Reader().QueryRowxContext(ctx, "SELECT next FROM sequence WHERE recipient = $1", recipient).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return 1, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading a sequence number: %w", err)
	}
	return uint64(next), nil
}

// From is the number from which a recipient's messages are worth listing: the lowest that is not settled here, else the next.
func From(ctx context.Context, s *store.Store, recipient string) (uint64, error) {
	next, err := Next(ctx, s, recipient)
	if err != nil {
		return 0, err
	}
	var waiting sql.NullInt64
	err = s.Reader().QueryRowxContext(ctx, "SELECT min(m.sequence) FROM message m JOIN outbox o ON o.message = m.id WHERE m.recipient = $1", recipient).Scan(&waiting)
	if err != nil {
		return 0, fmt.Errorf("looking at the outbox: %w", err)
	}
	if waiting.Valid {
		return min(next, uint64(waiting.Int64)), nil
	}
	return next, nil
}

// InDoubt reports whether the store may be older than what its recipients know, or was not compared with one of these.
func InDoubt(ctx context.Context, s *store.Store, recipients ...string) (bool, error) {
	for _, recipient := range append([]string{""}, recipients...) {
		err := s.Compared(ctx, recipient)
		if record.CodeOf(err) == "restore.not_compared" {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// Doubt notes that the store may be older than what its recipients know. The log is not touched, because nobody knows yet whether it may grow.
func Doubt(ctx context.Context, s *store.Store) error {
	return s.InTx(ctx, func(tx *sqlx.Tx) error { return doubt(ctx, tx) })
}

func doubt(ctx context.Context, tx *sqlx.Tx) error {
	if _, err := tx.ExecContext(ctx, "UPDATE log_head SET restored = restored + 1 WHERE id = 1"); err != nil {
		return fmt.Errorf("noting that the store may be old: %w", err)
	}
	return books.Doubt(ctx, tx)
}

// ErrNotSettled is returned by [Settle] where a recipient is ahead or was not heard.
var ErrNotSettled = errors.New("the comparison is not finished")

// Settle ends the doubt: every recipient of the results was compared under the store's present count, and none is ahead. It is an entry of the log.
func Settle(ctx context.Context, s *store.Store, at time.Time, actor, reason string, results []*Result) error {
	var words []string
	for _, r := range results {
		if !r.OK() {
			return ErrNotSettled
		}
		how := fmt.Sprintf("%s has number %d of %d, log %d of %d", r.Recipient, r.Last, r.Next-1, r.HeldSize, r.Size)
		if r.Stated {
			how = r.Recipient + " by statement of the operator"
		}
		words = append(words, how)
	}
	restored, err := s.Restored(ctx)
	if err != nil {
		return err
	}
	_, err = s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		// Whoever raises the count meanwhile waits for this transaction's lock on the head, or is seen by the check that follows it.
		for _, recipient := range append([]string{""}, Recipients(results)...) {
			_, err := tx.ExecContext(ctx, `INSERT INTO compared (recipient, restored, at) VALUES ($1, $2, $3)
				ON CONFLICT (recipient) DO UPDATE SET restored = $2, at = $3`, recipient, restored, at.UnixMicro())
			if err != nil {
				return fmt.Errorf("noting the comparison: %w", err)
			}
		}
		return nil
	}, &transferlog.Act{Actor: actor, Act: "reconcile", Object: strings.Join(words, "; "), Reason: reason})
	return err
}

// Recipients are the BINs of results, in their order.
func Recipients(results []*Result) []string {
	out := make([]string, len(results))
	for i, r := range results {
		out[i] = r.Recipient
	}
	return out
}
