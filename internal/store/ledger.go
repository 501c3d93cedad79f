package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// Begin implements [transfer.Ledger].
func (s *Store) Begin(ctx context.Context, t transfer.Transfer) (transfer.Progress, error) {
	var p transfer.Progress
	_, err := s.db.ExecContext(ctx, `INSERT INTO transfer (id, connector, route, recipient, cause, due, started, actor, reason, request)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING`,
		t.ID.String(), t.Connector, t.Route, t.Recipient, string(t.Trigger), micros(t.Due), micros(t.Started), t.Actor, t.Reason, t.Request)
	if err != nil {
		return p, fmt.Errorf("making the transfer's row: %w", err)
	}
	err = s.db.QueryRowxContext(ctx, `SELECT COALESCE(max(number), 0) FROM part WHERE transfer = $1`, t.ID.String()).Scan(&p.Parts)
	if err != nil {
		return p, fmt.Errorf("reading the transfer's parts: %w", err)
	}
	err = s.db.QueryRowxContext(ctx, `SELECT last_key FROM part WHERE transfer = $1 ORDER BY last_key DESC LIMIT 1`, t.ID.String()).Scan(&p.LastKey)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return p, fmt.Errorf("reading the transfer's parts: %w", err)
	}
	return p, nil
}

// Record implements [transfer.Ledger].
func (s *Store) Record(ctx context.Context, at time.Time, w transfer.Work) error {
	r := recording{work: &w, at: at}
	var c *transferlog.Commitment
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		l, err := s.lockLog(ctx, tx)
		if err != nil {
			return err
		}
		if len(w.Parts) > 0 && l.generation != w.Generation {
			return transfer.ErrBlocksMoved
		}
		if err := r.seal(ctx, tx); err != nil {
			return err
		}
		if len(r.entries) > 0 {
			if c, err = s.log.Commit(ctx, l, at, r.entries...); err != nil {
				return err
			}
			r.first = c.First()
		}
		return r.write(ctx, tx)
	})
	if err != nil || c == nil {
		return err
	}
	c.Committed()
	for i, t := range c.Tickets() {
		r.intents[i].Ticket = t
	}
	return nil
}

// recording is one Record under way: first every envelope is sealed and every entry made, then all is written.
type recording struct {
	work    *transfer.Work
	at      time.Time
	first   int64
	entries []transferlog.Entry
	intents []*transfer.Intent
	parts   []*transfer.Part // of intents, nil for the void notice
}

// seal takes sequence numbers and makes envelopes and entries; intents stand first among the entries.
func (r *recording) seal(ctx context.Context, tx *sqlx.Tx) error {
	w := r.work
	for _, p := range w.Parts {
		if p.Intent != nil {
			r.intents, r.parts = append(r.intents, p.Intent), append(r.parts, p)
		}
	}
	next, err := takeSequence(ctx, tx, w.Recipient, len(r.intents))
	if err != nil {
		return err
	}
	if w.Void != nil {
		r.intents, r.parts = append(r.intents, w.Void), append(r.parts, nil)
	}
	for i, intent := range r.intents {
		sequence := next + uint64(i)
		if intent == w.Void {
			sequence = intent.VoidsSequence
		}
		env, entry, err := intent.Seal(sequence)
		if err != nil {
			return err
		}
		intent.Envelope = env
		r.entries = append(r.entries, entry)
	}
	for _, settled := range w.Settlements {
		r.entries = append(r.entries, settled.Entry(w.Recipient))
	}
	return nil
}

// takeSequence takes n numbers for a recipient and returns the first (I10).
func takeSequence(ctx context.Context, tx *sqlx.Tx, recipient string, n int) (uint64, error) {
	if n == 0 {
		return 0, nil
	}
	var next int64
	err := tx.QueryRowxContext(ctx, `INSERT INTO sequence (recipient, next) VALUES ($1, $2 + 1)
		ON CONFLICT (recipient) DO UPDATE SET next = sequence.next + $2 RETURNING next`, recipient, int64(n)).Scan(&next)
	if err != nil {
		return 0, fmt.Errorf("taking a sequence number: %w", err)
	}
	return uint64(next) - uint64(n), nil
}

// write writes the rows.
func (r *recording) write(ctx context.Context, tx *sqlx.Tx) error {
	if err := r.writeParts(ctx, tx); err != nil {
		return err
	}
	w := r.work
	var messages, outbox [][]any
	for i, intent := range r.intents {
		env := intent.Envelope
		h := env.Header()
		number, voids := int64(0), intent.Voids.String()
		if p := r.parts[i]; p != nil {
			number = int64(p.Number)
		}
		disclosure := []byte(intent.Disclosure)
		if disclosure == nil {
			disclosure = []byte{}
		}
		messages = append(messages, []any{h.Message.String(), h.Transfer.String(), number, w.Connector, h.Recipient, int64(h.Sequence), int64(h.Records), voids,
			r.first + int64(i), micros(r.at), env.HeaderBytes(), env.KeyID(), env.Signature(), disclosure})
		outbox = append(outbox, []any{h.Message.String(), intent.Outbox})
	}
	err := insert(ctx, tx, `message (id, transfer, part, connector, recipient, sequence, records, voids, intent, logged, header, key_id, signature, disclosure)`, messages)
	if err != nil {
		return err
	}
	if err := insert(ctx, tx, "outbox (message, body)", outbox); err != nil {
		return err
	}
	return r.writeSettlements(ctx, tx)
}

func (r *recording) writeParts(ctx context.Context, tx *sqlx.Tx) error {
	var parts [][]any
	for _, p := range r.work.Parts {
		if p.Number == 0 {
			err := tx.QueryRowxContext(ctx, `SELECT COALESCE(max(number), 0) + 1 FROM part WHERE transfer = $1`, r.work.Transfer.String()).Scan(&p.Number)
			if err != nil {
				return fmt.Errorf("numbering a part: %w", err)
			}
		}
		reasons, err := reasonsJSON(p.Reasons)
		if err != nil {
			return err
		}
		if p.Situations != nil {
			_, err := tx.ExecContext(ctx, `INSERT INTO situations (digest, body) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING`,
				record.DigestOf(p.Situations).String(), p.Situations)
			if err != nil {
				return fmt.Errorf("storing the situations: %w", err)
			}
		}
		parts = append(parts, []any{r.work.Transfer.String(), int64(p.Number), p.AfterKey, p.LastKey,
			int64(p.Read), int64(p.Refused), int64(p.Withheld), reasons, []byte(p.Refusal)})
	}
	return insert(ctx, tx, "part (transfer, number, after_key, last_key, read, refused, withheld, reasons, refusal)", parts)
}

func (r *recording) writeSettlements(ctx context.Context, tx *sqlx.Tx) error {
	var rows [][]any
	var done []any
	for i, s := range r.work.Settlements {
		reasons, err := reasonsJSON(s.Reasons)
		if err != nil {
			return err
		}
		receipt := s.Receipt
		if receipt == nil {
			receipt = []byte{}
		}
		entry := r.first + int64(len(r.intents)+i)
		rows = append(rows, []any{s.Message.String(), string(s.Outcome), s.Code, receipt, int64(s.Accepted), int64(s.Updated), int64(s.Rejected),
			reasons, int64(s.Attempts), entry, micros(r.at)})
		done = append(done, s.Message.String())
	}
	err := insert(ctx, tx, "settlement (message, outcome, code, receipt, accepted, updated, rejected, reasons, attempts, entry, settled)", rows)
	if err != nil || len(done) == 0 {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM outbox WHERE message IN "+placeholders(0, len(done)), done...); err != nil {
		return fmt.Errorf("emptying the outbox: %w", err)
	}
	return nil
}

func reasonsJSON(reasons []transfer.Reason) (string, error) {
	if len(reasons) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal(reasons)
	return string(b), err
}

// Waiting implements [transfer.Ledger].
func (s *Store) Waiting(ctx context.Context, connector string) ([]*transfer.Waiting, error) {
	rows, err := s.db.QueryxContext(ctx, `SELECT m.id, m.transfer, m.part, m.sequence, m.records, m.logged, m.intent, m.voids, m.header, m.key_id, m.signature, m.disclosure,
			o.body, p.after_key, p.last_key, `+transferColumns+`
		FROM message m JOIN outbox o ON o.message = m.id JOIN transfer t ON t.id = m.transfer
			LEFT JOIN part p ON p.transfer = m.transfer AND p.number = m.part
		WHERE m.connector = $1 ORDER BY m.sequence`, connector)
	if err != nil {
		return nil, fmt.Errorf("reading the outbox: %w", err)
	}
	var out []*transfer.Waiting
	var intents []int64
	for rows.Next() {
		w := &transfer.Waiting{}
		var id, tid, voids string
		var sequence, logged, intent int64
		var t transferRow
		err := rows.Scan(append([]any{&id, &tid, &w.Part, &sequence, &w.Records, &logged, &intent, &voids, &w.Header, &w.KeyID, &w.Signature,
			(*[]byte)(&w.Disclosure), &w.Outbox, &w.AfterKey, &w.LastKey}, t.targets()...)...)
		if err == nil {
			w.Message, err = record.ParseID(id)
		}
		if err == nil {
			w.Voids, err = record.ParseID(voids)
		}
		if err == nil {
			w.Transfer, err = t.transfer()
		}
		if err != nil {
			rows.Close()
			return nil, fmt.Errorf("reading the outbox: %w", err)
		}
		w.Sequence, w.Logged = uint64(sequence), instant(logged)
		out, intents = append(out, w), append(intents, intent)
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		return nil, err
	}
	checkpoint, err := s.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	for i, w := range out {
		if w.Ticket, err = s.ticket(ctx, intents[i], checkpoint); err != nil {
			return nil, err
		}
	}
	return out, nil
}
