package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Line implements [transfer.Lines].
func (s *Store) Line(ctx context.Context, recipient string) (transfer.Line, error) {
	all, err := s.lines(ctx, " WHERE recipient = $1", recipient)
	if err != nil || len(all) == 0 {
		return transfer.Line{Recipient: recipient, State: transfer.LineUp}, err
	}
	return all[0], nil
}

// Lines lists the lines that were ever down or halted, by recipient.
func (s *Store) Lines(ctx context.Context) ([]transfer.Line, error) {
	return s.lines(ctx, " ORDER BY recipient")
}

func (s *Store) lines(ctx context.Context, which string, args ...any) (out []transfer.Line, err error) {
	rows, err := s.read.QueryxContext(ctx, "SELECT recipient, state, code, since, connector, message FROM line"+which, args...)
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
		l.Since = instant(since)
		out = append(out, l)
	}
	return out, rows.Err()
}

// SetLine implements [transfer.Lines].
func (s *Store) SetLine(ctx context.Context, l transfer.Line) error {
	message := ""
	if !l.Message.IsZero() {
		message = l.Message.String()
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO line (recipient, state, code, since, connector, message) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (recipient) DO UPDATE SET state = $2, code = $3, since = $4, connector = $5, message = $6`,
		l.Recipient, string(l.State), l.Code, micros(l.Since), l.Connector, message)
	if err != nil {
		return fmt.Errorf("keeping the state of a line: %w", err)
	}
	return nil
}

// ErrNotHalted is returned where a halt is to be lifted and there is none.
var ErrNotHalted = errors.New("the line is not halted")

// LiftHalt brings a halted line up, with its log entry, or returns [ErrNotHalted].
func (s *Store) LiftHalt(ctx context.Context, at time.Time, recipient string, entry *transferlog.Act) error {
	_, err := s.appendWith(ctx, at, func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE line SET state = 'up', code = '', since = $1, connector = '', message = '' WHERE recipient = $2 AND state = 'halted'",
			micros(at), recipient)
		if err != nil {
			return fmt.Errorf("lifting a halt: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrNotHalted, err)
		}
		return nil
	}, entry)
	return err
}
