// Package notes keeps in the service's store what people were told: the conditions that stand, in the table condition, and the notes that a channel has not
// taken yet, in the table sending. See [notify.Book] for the guarantees; several processes may use one store.
package notes

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/notify"
	"birgeoqy.kz/almasu/internal/store"
)

// Book is both tables in an open store's database. It implements [notify.Book] and is safe for concurrent use.
type Book struct{ Store *store.Store }

// Standing implements [notify.Book]: by kind and subject.
func (b Book) Standing(ctx context.Context) (out []notify.Condition, err error) {
	rows, err := b.Store.DB().QueryxContext(ctx, "SELECT kind, subject, code, until FROM condition ORDER BY kind, subject")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c notify.Condition
		var until sql.NullInt64
		if err := rows.Scan(&c.Kind, &c.Subject, &c.Code, &until); err != nil {
			return nil, err
		}
		if until.Valid {
			at := time.UnixMicro(until.Int64).UTC()
			c.Until = &at
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// errFirst ends a transaction because another process has kept the change already.
var errFirst = errors.New("another process was first")

// Keep implements [notify.Book].
func (b Book) Keep(ctx context.Context, n notify.Note, channels []string) (bool, error) {
	body, err := json.Marshal(n)
	if err != nil {
		return false, err
	}
	err = b.Store.InTx(ctx, func(tx *sqlx.Tx) error {
		for _, c := range n.Raised {
			var until any
			if c.Until != nil {
				until = c.Until.UnixMicro()
			}
			if err := one(tx.ExecContext(ctx, `INSERT INTO condition (kind, subject, code, until, since) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (kind, subject) DO NOTHING`, string(c.Kind), c.Subject, c.Code, until, n.At.UnixMicro())); err != nil {
				return err
			}
		}
		for _, c := range n.Over {
			if err := one(tx.ExecContext(ctx, "DELETE FROM condition WHERE kind = $1 AND subject = $2", string(c.Kind), c.Subject)); err != nil {
				return err
			}
		}
		for _, channel := range channels {
			if _, err := tx.ExecContext(ctx, "INSERT INTO sending (note, channel, body, tries, due) VALUES ($1, $2, $3, 0, $4)",
				n.ID, channel, body, n.At.UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errFirst) {
		return false, nil
	}
	return err == nil, err
}

// one demands that a statement has changed one row.
func one(r sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errFirst, err)
	}
	return nil
}

// Claim implements [notify.Book]: the sending that is due longest.
func (b Book) Claim(ctx context.Context, channels []string, now, until time.Time) (*notify.Sending, error) {
	which, args, err := sqlx.In("SELECT note, channel, body, tries, due FROM sending WHERE due <= ? AND channel IN (?) ORDER BY due, note, channel LIMIT 1", now.UnixMicro(), channels)
	if err != nil {
		return nil, err
	}
	which = b.Store.DB().Rebind(which)
	for {
		var s notify.Sending
		var id string
		var body []byte
		var due int64
		err := b.Store.DB().QueryRowxContext(ctx, which, args...).Scan(&id, &s.Channel, &body, &s.Tries, &due)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		err = one(b.Store.DB().ExecContext(ctx, "UPDATE sending SET tries = tries + 1, due = $1 WHERE note = $2 AND channel = $3 AND due = $4",
			until.UnixMicro(), id, s.Channel, due))
		if errors.Is(err, errFirst) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &s.Note); err != nil {
			return nil, fmt.Errorf("reading a note: %w", err)
		}
		s.Tries++
		return &s, nil
	}
}

// Settle implements [notify.Book].
func (b Book) Settle(ctx context.Context, s *notify.Sending, again time.Time) error {
	if again.IsZero() {
		_, err := b.Store.DB().ExecContext(ctx, "DELETE FROM sending WHERE note = $1 AND channel = $2", s.Note.ID, s.Channel)
		return err
	}
	_, err := b.Store.DB().ExecContext(ctx, "UPDATE sending SET due = $1 WHERE note = $2 AND channel = $3", again.UnixMicro(), s.Note.ID, s.Channel)
	return err
}
