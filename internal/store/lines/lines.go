// Package lines keeps the states of the lines to recipients in the service's store, in the table line: a row for each recipient whose line was ever down or
// halted. Every method is one statement; what it has written is durable when it returns.
package lines

import (
	"context"
	"errors"
	"fmt"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
)

// Book is the table in an open store's database. It implements [transfer.Lines] and is safe for concurrent use.
type Book struct{ Store *store.Store }

// Line returns the state of the line to a recipient, up if nothing was ever set.
func (b Book) Line(ctx context.Context, recipient string) (transfer.Line, error) {
	all, err := b.list(ctx, " WHERE recipient = $1", recipient)
	if err != nil || len(all) == 0 {
		return transfer.Line{Recipient: recipient, State: transfer.LineUp}, err
	}
	return all[0], nil
}

// All lists the lines that were ever down or halted, by recipient.
func (b Book) All(ctx context.Context) ([]transfer.Line, error) {
	return b.list(ctx, " ORDER BY recipient")
}

func (b Book) list(ctx context.Context, which string, args ...any) (out []transfer.Line, err error) {
	rows, err := b.Store.DB().QueryxContext(ctx, "SELECT recipient, state, code, since, connector, message FROM line"+which, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the states of lines: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l transfer.Line
		var since int64
		var message string
		err := rows.Scan(&l.Recipient, &l.State, &l.Code, &since, &l.Connector, &message)
		if err == nil && message != "" {
			l.Message, err = record.ParseID(message)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the states of lines: %w", err)
		}
		l.Since = record.Instant(since)
		out = append(out, l)
	}
	return out, rows.Err()
}

// SetLine makes a state durable.
func (b Book) SetLine(ctx context.Context, l transfer.Line) error {
	message := ""
	if !l.Message.IsZero() {
		message = l.Message.String()
	}
	_, err := b.Store.DB().ExecContext(ctx, `INSERT INTO line (recipient, state, code, since, connector, message) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (recipient) DO UPDATE SET state = $2, code = $3, since = $4, connector = $5, message = $6`,
		l.Recipient, string(l.State), l.Code, record.Micros(l.Since), l.Connector, message)
	if err != nil {
		return fmt.Errorf("keeping the state of a line: %w", err)
	}
	return nil
}

// ErrNotHalted is returned where a halt is to be lifted and there is none.
var ErrNotHalted = errors.New("the line is not halted")

// Lift brings a halted line up, or returns [ErrNotHalted]. The caller has written down who does so and why.
func (b Book) Lift(ctx context.Context, at time.Time, recipient string) error {
	res, err := b.Store.DB().ExecContext(ctx, "UPDATE line SET state = 'up', code = '', since = $1, connector = '', message = '' WHERE recipient = $2 AND state = 'halted'",
		at.UnixMicro(), recipient)
	if err != nil {
		return fmt.Errorf("lifting a halt: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrNotHalted, err)
	}
	return nil
}
