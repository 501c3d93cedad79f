// Package outcomes reads from the service's store what a recipient has said of single records, and keeps which of them were sent again.
//
// # Rejected records
//
// A record is referred to by its message and its place there, from 0: the place in the document that was sent, and the index in the recipient's receipt. Rejected is a record
// that the receipt of a delivered message lists as rejected, with the recipient's code and text, and each record of a message that the recipient has refused as a whole, with
// the code of the refusal. Receipts are stored byte for byte as they were verified, and their digest stands in the log.
//
// Who a record is of follows from the message's disclosure set and the roster: its place is the rank of the account's key among those of the message's people. Where the period of
// the message was destroyed, or the roster does not have exactly these people any more, nobody is named.
//
// # Retries
//
// A retry is a transfer that sends again the people of rejected records. It is entered in one transaction with its log entry (an act "retry.enter") and with the row of its
// transfer: one that is not closed, which the service goes on with as it does with every other, so that it is made after a crash, too. A row is never changed. It holds
// messages, places, ordinals and keys of accounts; no values (I6). Of two that are entered at the same time for one transfer, the second is [ErrMoved].
package outcomes

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/sets"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transfer/chosen"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault/period"
)

// Message is a message of a transfer that has held people, with what has become of it.
type Message struct {
	ID       record.ID
	Sequence uint64
	Records  int
	// Outcome is "" while the message waits. Code is the settlement's.
	Outcome transfer.Outcome
	Code    string
	Settled time.Time
	// Receipt is the recipient's signed receipt, empty if there is none.
	Receipt []byte
	reasons []transfer.Reason
	// set is who is inside, nil where that is not known any more; after and last bound the keys of those people.
	set         transfer.Set
	after, last []byte
}

// Rejected is a rejected record of a message: its place, and the recipient's own code and text, which are foreign words.
type Rejected struct {
	Index      int
	Code, Text string
}

// Each calls f with every message of a transfer that has held people, in the order of the numbers; void notices are not among them.
func Each(ctx context.Context, s *store.Store, id record.ID, f func(*Message) error) error {
	rows, err := s.Reader().QueryxContext(ctx, `SELECT m.id, m.sequence, m.records, m.disclosure, m.period, p.after_key, p.last_key,
			COALESCE(s.outcome, ''), COALESCE(s.code, ''), COALESCE(s.settled, 0), s.receipt, COALESCE(s.reasons, '[]')
		FROM message m LEFT JOIN settlement s ON s.message = m.id LEFT JOIN part p ON p.transfer = m.transfer AND p.number = m.part
		WHERE m.transfer = $1 AND m.voids = '' ORDER BY m.sequence, m.intent`, id.String())
	if err != nil {
		return fmt.Errorf("reading outcomes: %w", err)
	}
	defer rows.Close()
	opener := sets.NewOpener(ctx, s.Periods(), s.Reader())
	for rows.Next() {
		m := &Message{}
		var mid, in, reasons string
		var settled int64
		err := rows.Scan(&mid, &m.Sequence, &m.Records, (*[]byte)(&m.set), &in, &m.after, &m.last, &m.Outcome, &m.Code, &settled, &m.Receipt, &reasons)
		if err == nil {
			m.ID, err = record.ParseID(mid)
		}
		if err == nil {
			err = json.Unmarshal([]byte(reasons), &m.reasons)
		}
		if err == nil {
			m.set, err = opener.Open(period.Disclosure, mid, in, m.set)
		}
		if errors.Is(err, period.ErrDestroyed) {
			m.set, err = nil, nil
		}
		if err != nil {
			return fmt.Errorf("reading outcomes: %w", err)
		}
		if settled > 0 {
			m.Settled = time.UnixMicro(settled).UTC()
		}
		if err := f(m); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Rejected lists the message's rejected records by place, and how many of the others the recipient had already and has updated.
func (m *Message) Rejected() (list []Rejected, updated int, err error) {
	code, text := m.Code, ""
	if len(m.reasons) > 0 {
		code = m.reasons[0].Rule
	}
	if len(m.Receipt) > 0 {
		r, err := signing.ReadReceipt(m.Receipt)
		if err != nil {
			return nil, 0, fmt.Errorf("reading the receipt of message %s: %w", m.ID, err)
		}
		if m.Outcome == transfer.Delivered {
			for _, o := range r.Outcomes {
				if o.Status == signing.StatusRejected {
					list = append(list, Rejected{o.Index, o.Code, o.Text})
				}
			}
			return list, r.Updated, nil
		}
		code = r.Code
	}
	if m.Outcome != transfer.Refused {
		return nil, 0, nil
	}
	for i := range m.Records {
		list = append(list, Rejected{i, code, text})
	}
	return list, 0, nil
}

// People returns the accounts of the message's records, in the order of their places, each with the ordinal that it was sent under; nil if that is not known any more.
func (m *Message) People(ctx context.Context, r *roster.Roster) ([]roster.Account, error) {
	if m.set == nil {
		return nil, nil
	}
	set, err := m.set.Disclosed()
	if err != nil {
		return nil, err
	}
	members, err := r.Members(ctx, m.after, m.last, set.Contains)
	if err != nil || len(members) != m.Records || len(members) != set.Len() {
		return nil, err
	}
	return members, nil
}

// Written returns the digests of the mapping and of the schema that a transfer's messages were written with; zero if it has logged none.
func Written(ctx context.Context, s *store.Store, id record.ID) (mapping, schema record.Digest, err error) {
	var text []byte
	err = s.Reader().QueryRowxContext(ctx, "SELECT header FROM message WHERE transfer = $1 AND voids = '' ORDER BY sequence, intent LIMIT 1", id.String()).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return mapping, schema, nil
	}
	if err != nil {
		return mapping, schema, fmt.Errorf("reading what a transfer was written with: %w", err)
	}
	h, err := signing.ParseHeader(text)
	if err != nil {
		return mapping, schema, err
	}
	return h.Mapping, h.Schema, nil
}

// Retry is a transfer that sends again the people of rejected records of another one.
type Retry struct {
	Transfer transfer.Transfer
	// Of is the transfer whose records were rejected; Code the recipient's code by which they were chosen, "" if they were named one by one.
	Of      record.ID
	Code    string
	Records []Record
	// After is a key of the platform below all those of the records, nil if none is known.
	After []byte
}

// Record is a rejected record, and the account that it is of.
type Record struct {
	Message record.ID `json:"message"`
	Index   int       `json:"index"`
	Ordinal uint32    `json:"ordinal"`
	Key     []byte    `json:"key"`
}

// Source reads the people of the retry from another source, and nobody else.
func (r *Retry) Source(of connectors.Source) connectors.Source {
	out := &chosen.Source{Of: of, After: r.After}
	for i := range r.Records {
		if key := r.Records[i].Key; len(key) > 0 { // else nobody knows any more whose it was
			out.Keys = append(out.Keys, key)
		}
	}
	slices.SortFunc(out.Keys, bytes.Compare)
	out.Keys = slices.CompactFunc(out.Keys, bytes.Equal)
	return out
}

// body is what a row keeps of a retry as JSON.
type body struct {
	After   []byte   `json:"after,omitempty"`
	Records []Record `json:"records"`
}

// Forget takes the keys of accounts out of every retry, inside a transaction, where gone holds for the ordinal beside them.
func Forget(ctx context.Context, tx *sqlx.Tx, gone func(ordinal uint32) bool) error {
	var rows []struct{ ID, Body string }
	if err := tx.SelectContext(ctx, &rows, "SELECT id, body FROM retry ORDER BY id"); err != nil {
		return fmt.Errorf("reading retries: %w", err)
	}
	for _, row := range rows {
		var b body
		if err := json.Unmarshal([]byte(row.Body), &b); err != nil {
			return fmt.Errorf("reading retry %s: %w", row.ID, err)
		}
		changed := false
		for i := range b.Records {
			if r := &b.Records[i]; len(r.Key) > 0 && gone(r.Ordinal) {
				r.Key, b.After, changed = nil, nil, true
			}
		}
		if !changed {
			continue
		}
		text, err := json.Marshal(b)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE retry SET body = $1 WHERE id = $2", string(text), row.ID); err != nil {
			return fmt.Errorf("taking keys out of a retry: %w", err)
		}
	}
	return nil
}

// ErrMoved is returned by [Enter] if another retry of the transfer was entered since the caller has looked.
var ErrMoved = errors.New("another retry of this transfer was entered meanwhile")

// Enter enters a retry at a time. known is how many retries of the transfer the caller has seen.
func Enter(ctx context.Context, s *store.Store, at time.Time, r *Retry, known int) error {
	text, err := json.Marshal(body{r.After, r.Records})
	if err != nil {
		return err
	}
	what := "named records"
	if r.Code != "" {
		what = fmt.Sprintf("code %q", r.Code)
	}
	t := &r.Transfer
	entry := &transferlog.Act{Actor: t.Actor, Act: "retry.enter", Reason: t.Reason, Object: fmt.Sprintf("transfer %s of %s, %d records, %s", t.ID, r.Of, len(r.Records), what)}
	_, err = s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		var now int
		if err := tx.QueryRowxContext(ctx, "SELECT count(*) FROM retry WHERE origin = $1", r.Of.String()).Scan(&now); err != nil {
			return fmt.Errorf("counting retries: %w", err)
		}
		if now != known {
			return ErrMoved
		}
		if err := store.PutTransfer(ctx, tx, *t); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO retry (id, origin, code, body, entered, actor, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			t.ID.String(), r.Of.String(), r.Code, string(text), record.Micros(at), t.Actor, t.Reason)
		return err
	}, entry)
	return err
}

// Of returns the retry that a transfer is, nil if it is none. Of its transfer only the id is set.
func Of(ctx context.Context, s *store.Store, id record.ID) (*Retry, error) {
	r, err := scan(s.Reader().QueryRowxContext(ctx, selectSQL+" WHERE id = $1", id.String()))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return r, err
}

// Retries lists the retries of a transfer, the oldest first.
func Retries(ctx context.Context, s *store.Store, of record.ID) ([]*Retry, error) {
	rows, err := s.Reader().QueryxContext(ctx, selectSQL+" WHERE origin = $1 ORDER BY entered, id", of.String())
	if err != nil {
		return nil, fmt.Errorf("listing retries: %w", err)
	}
	defer rows.Close()
	var out []*Retry
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

const selectSQL = "SELECT id, origin, code, body FROM retry"

func scan(row interface{ Scan(...any) error }) (*Retry, error) {
	r := &Retry{}
	var id, of, text string
	err := row.Scan(&id, &of, &r.Code, &text)
	if err == nil {
		r.Transfer.ID, err = record.ParseID(id)
	}
	if err == nil {
		r.Of, err = record.ParseID(of)
	}
	var b body
	if err == nil {
		err = json.Unmarshal([]byte(text), &b)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a retry: %w", err)
	}
	r.Records, r.After = b.Records, b.After
	return r, nil
}
