package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store/books"
	"birgeoqy.kz/almasu/internal/store/marks"
	"birgeoqy.kz/almasu/internal/store/sets"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
	"birgeoqy.kz/almasu/internal/vault/period"
)

// Begin implements [transfer.Ledger].
func (s *Store) Begin(ctx context.Context, t transfer.Transfer) (transfer.Progress, error) {
	var p transfer.Progress
	if err := PutTransfer(ctx, s.db, t); err != nil {
		return p, err
	}
	err := s.read.QueryRowxContext(ctx, `SELECT COALESCE(max(number), 0), (SELECT last_key FROM part WHERE transfer = $1 ORDER BY last_key DESC LIMIT 1)
		FROM part WHERE transfer = $1`, t.ID.String()).Scan(&p.Parts, &p.LastKey)
	if err != nil {
		return p, fmt.Errorf("reading the transfer's parts: %w", err)
	}
	return p, nil
}

// PutTransfer makes a transfer's row, if there is none, so that whoever looks for transfers that are not closed goes on with it.
func PutTransfer(ctx context.Context, db sqlx.ExecerContext, t transfer.Transfer) error {
	_, err := db.ExecContext(ctx, `INSERT INTO transfer (id, connector, route, recipient, cause, due, started, actor, reason, request)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING`,
		t.ID.String(), t.Connector, t.Route, t.Recipient, string(t.Trigger), record.Micros(t.Due), record.Micros(t.Started), t.Actor, t.Reason, t.Request)
	if err != nil {
		return fmt.Errorf("making the transfer's row: %w", err)
	}
	return nil
}

// Record implements [transfer.Ledger]. A void notice for a message that is settled, and a settlement of one, leave nothing behind.
func (s *Store) Record(ctx context.Context, at time.Time, w transfer.Work) error {
	r := recording{work: &w, at: at, vault: s.vault}
	var c *transferlog.Commitment
	var err error
	if len(w.Parts) > 0 {
		if r.sets, err = sets.NewSealer(ctx, s.periods, at); err != nil {
			return err
		}
	}
	err = s.InTx(ctx, func(tx *sqlx.Tx) error {
		l, err := s.lockLog(ctx, tx)
		if err != nil {
			return err
		}
		if len(w.Parts) > 0 && l.generation != w.Generation {
			return transfer.ErrBlocksMoved
		}
		if err := insistCompared(ctx, tx, l.restored, w.Recipient); err != nil {
			return err
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
		if err := r.write(ctx, tx); err != nil {
			return err
		}
		r.pause(".written")
		return nil
	})
	if err != nil || c == nil {
		return err
	}
	r.pause(".committed")
	c.Committed()
	for i, t := range c.Tickets() {
		r.intents[i].Envelope, r.intents[i].Ticket = r.envelopes[i], t
	}
	return nil
}

// recording is one Record under way: first every envelope is sealed and every entry made, then all is written.
type recording struct {
	work      *transfer.Work
	at        time.Time
	sets      *sets.Sealer
	vault     *vault.Vault
	first     int64
	entries   []transferlog.Entry // of intents first, then of settlements
	intents   []*transfer.Intent
	envelopes []*signing.Envelope // of intents
	parts     []int               // of intents: an index into work.Parts, -1 for the void notice
}

// pause comes to the points of intents, of settlements and of void notices.
func (r *recording) pause(where string) {
	switch {
	case r.work.Void != nil:
		pause.At("void" + where)
	case len(r.work.Settlements) > 0:
		pause.At("settlement" + where)
	case len(r.intents) > 0:
		pause.At("intent" + where)
	}
}

// seal takes sequence numbers and makes envelopes and entries.
func (r *recording) seal(ctx context.Context, tx *sqlx.Tx) error {
	w := r.work
	for i, p := range w.Parts {
		if p.Intent != nil {
			r.intents, r.parts = append(r.intents, p.Intent), append(r.parts, i)
		}
	}
	next, err := takeSequence(ctx, tx, w.Recipient, len(r.intents))
	if err != nil {
		return err
	}
	if w.Void != nil {
		if err := r.checkVoid(ctx, tx); err != nil {
			return err
		}
		r.intents, r.parts = append(r.intents, w.Void), append(r.parts, -1)
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
		if h := env.Header(); h.Sequence != sequence || h.Recipient != w.Recipient || h.Message != intent.Message || entry.Envelope != env.Digest() {
			return record.NewProblem("store.intent_mismatch", "", "", "an envelope or its log entry is not for the number, recipient and message that it was sealed for")
		}
		r.envelopes, r.entries = append(r.envelopes, env), append(r.entries, entry)
	}
	for _, settled := range w.Settlements {
		r.entries = append(r.entries, settled.Entry(w.Recipient))
	}
	return nil
}

// checkVoid sees to it that the message to be voided waits under the number that the notice takes.
func (r *recording) checkVoid(ctx context.Context, tx *sqlx.Tx) error {
	var waiting int
	err := tx.QueryRowxContext(ctx, `SELECT count(*) FROM message m JOIN outbox o ON o.message = m.id WHERE m.id = $1 AND m.recipient = $2 AND m.sequence = $3 AND m.voids = ''`,
		r.work.Void.Voids.String(), r.work.Recipient, int64(r.work.Void.VoidsSequence)).Scan(&waiting)
	if err != nil {
		return fmt.Errorf("looking up the message to be voided: %w", err)
	}
	if waiting != 1 {
		return record.NewProblem("store.not_waiting", "", "", "the message to be voided does not wait under this number")
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
	numbers, err := r.writeParts(ctx, tx)
	if err != nil {
		return err
	}
	messages, outbox := make([][]any, len(r.intents)), make([][]any, len(r.intents))
	for i, intent := range r.intents {
		env, number, in := r.envelopes[i], int64(0), ""
		h, disclosure := env.Header(), notNull(intent.Disclosure)
		if at := r.parts[i]; at >= 0 {
			if number, in = numbers[at], r.sets.Period; len(disclosure) > 0 {
				if disclosure, err = r.sets.Seal(period.Disclosure, h.Message.String(), intent.Disclosure); err != nil {
					return err
				}
			}
		}
		messages[i] = []any{h.Message.String(), h.Transfer.String(), number, r.work.Connector, h.Recipient, int64(h.Sequence), int64(h.Records), intent.Voids.String(),
			r.first + int64(i), record.Micros(r.at), env.HeaderBytes(), env.KeyID(), env.Signature(), disclosure, in}
		outbox[i] = []any{h.Message.String(), intent.Outbox, notNull(intent.Held)}
	}
	err = insert(ctx, tx, "message (id, transfer, part, connector, recipient, sequence, records, voids, intent, logged, header, key_id, signature, disclosure, period)", messages)
	if err != nil {
		return err
	}
	for i := range outbox { // one by one, so that the driver's buffer is of one payload's size
		if err := insert(ctx, tx, "outbox (message, body, held)", outbox[i:i+1]); err != nil {
			return err
		}
	}
	return r.writeSettlements(ctx, tx)
}

// notNull makes an empty byte string of none.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// writeParts writes the parts and returns their numbers; one without a number follows the one before it.
func (r *recording) writeParts(ctx context.Context, tx *sqlx.Tx) ([]int64, error) {
	id := r.work.Transfer.String()
	rows, numbers := make([][]any, len(r.work.Parts)), make([]int64, len(r.work.Parts))
	var last int64
	for i, p := range r.work.Parts {
		if p.Number == 0 && i == 0 {
			if err := tx.QueryRowxContext(ctx, "SELECT COALESCE(max(number), 0) FROM part WHERE transfer = $1", id).Scan(&last); err != nil {
				return nil, fmt.Errorf("numbering a part: %w", err)
			}
		}
		if last++; p.Number != 0 {
			last = int64(p.Number)
		}
		numbers[i] = last
		reasons, err := reasonsJSON(p.Reasons)
		if err != nil {
			return nil, err
		}
		for _, body := range [][]byte{p.Decision, p.Situations} {
			if body == nil {
				continue
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO situations (digest, body) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING", record.DigestOf(body).String(), body)
			if err != nil {
				return nil, fmt.Errorf("storing the situations: %w", err)
			}
		}
		refusal, err := r.sets.Seal(period.Refusal, sets.PartOwner(id, numbers[i]), p.Refusal)
		if err != nil {
			return nil, err
		}
		rows[i] = []any{id, numbers[i], p.AfterKey, p.LastKey, int64(p.Read), int64(p.Refused), int64(p.Withheld), int64(p.Unchanged), reasons, refusal, r.sets.Period}
	}
	return numbers, insert(ctx, tx, "part (transfer, number, after_key, last_key, read, refused, withheld, unchanged, reasons, refusal, period)", rows)
}

// writeSettlements writes the settlements and empties the outbox of their messages, which must all be there (I3).
func (r *recording) writeSettlements(ctx context.Context, tx *sqlx.Tx) error {
	if len(r.work.Settlements) == 0 {
		return nil
	}
	rows, settled := make([][]any, len(r.work.Settlements)), make([]any, len(r.work.Settlements))
	var accepted []books.Accepted
	undelivered := false
	for i, s := range r.work.Settlements {
		reasons, err := reasonsJSON(s.Reasons)
		if err != nil {
			return err
		}
		if settled[i] = s.Message.String(); s.Outcome == transfer.Delivered {
			accepted = append(accepted, books.Accepted{Message: s.Message, Rejects: s.Rejects})
		} else {
			undelivered = true
		}
		rows[i] = []any{settled[i], string(s.Outcome), s.Code, notNull(s.Receipt), int64(s.Accepted), int64(s.Updated), int64(s.Rejected),
			reasons, int64(s.Attempts), r.first + int64(len(r.intents)+i), record.Micros(r.at)}
	}
	err := insert(ctx, tx, "settlement (message, outcome, code, receipt, accepted, updated, rejected, reasons, attempts, entry, settled)", rows)
	if err == nil {
		err = books.Settle(ctx, tx, r.vault, accepted)
	}
	if err == nil && undelivered { // its people are to be sent again, though nothing of them has changed
		err = marks.Forget(ctx, tx, r.work.Connector, r.work.Recipient)
	}
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, "DELETE FROM outbox WHERE message IN "+listed(len(settled)), settled...)
	if err != nil {
		return fmt.Errorf("emptying the outbox: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != int64(len(settled)) {
		return errors.Join(record.NewProblem("store.not_waiting", "", "", "%d messages are settled, and %d of them wait", len(settled), n), err)
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
	rows, err := s.read.QueryxContext(ctx, `SELECT m.id, m.transfer, m.part, m.sequence, m.records, m.logged, m.intent, m.voids, m.header, m.key_id, m.signature, m.disclosure, m.period,
			o.body, p.after_key, p.last_key, `+transferColumns+`
		FROM message m JOIN outbox o ON o.message = m.id JOIN transfer t ON t.id = m.transfer
			LEFT JOIN part p ON p.transfer = m.transfer AND p.number = m.part
		WHERE m.connector = $1 ORDER BY m.sequence, m.intent`, connector)
	if err != nil {
		return nil, fmt.Errorf("reading the outbox: %w", err)
	}
	var out []*transfer.Waiting
	var intents []int64
	opener := sets.NewOpener(ctx, s.periods, s.read)
	for rows.Next() {
		w := &transfer.Waiting{}
		var id, tid, voids, in string
		var sequence, logged, intent int64
		var t transferRow
		err := rows.Scan(append([]any{&id, &tid, &w.Part, &sequence, &w.Records, &logged, &intent, &voids, &w.Header, &w.KeyID, &w.Signature,
			(*[]byte)(&w.Disclosure), &in, &w.Outbox, &w.AfterKey, &w.LastKey}, t.targets()...)...)
		if err == nil {
			w.Message, err = record.ParseID(id)
		}
		if err == nil {
			w.Voids, err = record.ParseID(voids)
		}
		if err == nil {
			w.Transfer, err = t.transfer()
		}
		if err == nil {
			w.Disclosure, err = opener.Open(period.Disclosure, id, in, w.Disclosure)
		}
		if err != nil {
			rows.Close()
			return nil, fmt.Errorf("reading the outbox: %w", err)
		}
		w.Sequence, w.Logged = uint64(sequence), record.Instant(logged)
		out, intents = append(out, w), append(intents, intent)
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		return nil, err
	}
	if err := s.Compared(ctx, out[0].Transfer.Recipient); err != nil {
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
