// Package notices keeps what earlier recipients are owed a notice of, in the service's store.
//
// A notice is entered once, in one transaction with its entry in the log (an act "notice.enter") and with the row of the transfer that carries it: a
// transfer that is not closed, which the service goes on with as it does with every other. So it leaves after a crash, too. Where the recipient's
// agreement takes no notices there is no transfer, and a person writes a letter. A row is never changed: how far a notice has come is what its transfer's
// latest message has come to; only keys of accounts are taken out when nobody is to know any more whose they were ([Forget]). Bodies hold ids, places, ordinals, names of fields and keys of accounts; no values (I6).
package notices

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/books"
	"birgeoqy.kz/almasu/internal/store/marks"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transfer/telling"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Notice is a notice that is owed to one recipient.
type Notice struct {
	// Transfer is the transfer that carries it; of a letter its id names the notice, and nothing carries it.
	Transfer transfer.Transfer
	telling.Notice
	Letter bool
	// Subject lists the person's ordinals, with commas. Opened is when the event happened that it follows from, Due the first moment of the last day.
	Subject     string
	Opened, Due time.Time
	// Message is the latest message that carries it, zero before there is one; Outcome its outcome, "" while it has none; Settled when it got that;
	// Rejected how many records the recipient rejected.
	Message  record.ID
	Outcome  string
	Settled  time.Time
	Rejected int
}

// Term is the code of the term within which a notice of an act is due.
func Term(act notice.Act) string {
	return map[notice.Act]string{notice.Correct: "correct", notice.Withdraw: "stop", notice.Destroy: "destroy"}[act]
}

// Entries are the log entries with which notices are entered.
func Entries(list []Notice) []transferlog.Entry {
	var out []transferlog.Entry
	for i := range list {
		n := &list[i]
		way := "notice"
		if n.Letter {
			way = "letter"
		}
		out = append(out, &transferlog.Act{Actor: n.Transfer.Actor, Act: "notice.enter", Reason: n.Transfer.Reason,
			Object: fmt.Sprintf("%s %s by %s to %s, %d records, ordinals %s", n.Act, n.Transfer.ID, way, n.Transfer.Recipient, len(n.Records), n.Subject)})
	}
	return out
}

// Put returns what writes notices inside a transaction that appends their [Entries]. What a recipient is told to withdraw or destroy it holds no more (package books).
func Put(ctx context.Context, s *store.Store, list []Notice) func(*sqlx.Tx) error {
	return func(tx *sqlx.Tx) error {
		for i := range list {
			n := &list[i]
			err := put(ctx, tx, n)
			if err == nil && n.Act != notice.Correct {
				pages := books.Pages{DB: tx, Connector: n.Transfer.Connector, Recipient: n.Transfer.Recipient}
				err = delta.Leave(ctx, pages, s.Vault(), delta.Name(pages.Connector, pages.Recipient), n.ordinals(), nil)
			}
			if err != nil {
				return fmt.Errorf("entering a notice: %w", err)
			}
		}
		return nil
	}
}

// ordinals are those of everybody whom a notice is about.
func (n *Notice) ordinals() (out []uint32) {
	for _, word := range strings.Split(n.Subject, ",") {
		if o, err := strconv.ParseUint(word, 10, 32); err == nil {
			out = append(out, uint32(o))
		}
	}
	for i := range n.Records {
		out = append(out, n.Records[i].Ordinal)
	}
	return out
}

func put(ctx context.Context, tx *sqlx.Tx, n *Notice) error {
	body, err := json.Marshal(n.Notice)
	if err != nil {
		return err
	}
	t, letter := &n.Transfer, int64(0)
	if n.Letter {
		letter = 1
	} else if err := store.PutTransfer(ctx, tx, *t); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO notice (id, connector, route, recipient, act, letter, subject, body, opened, due, actor, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		t.ID.String(), t.Connector, t.Route, t.Recipient, string(n.Act), letter, n.Subject, string(body), record.Micros(n.Opened), record.Micros(n.Due), t.Actor, t.Reason)
	return err
}

// Enter enters notices.
func Enter(ctx context.Context, s *store.Store, at time.Time, list []Notice) error {
	if len(list) == 0 {
		return nil
	}
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		for i := range list {
			t := &list[i].Transfer
			if err := marks.Forget(ctx, tx, t.Connector, t.Recipient); err != nil { // a comparison of candidates would not look at who is struck from a book
				return err
			}
		}
		return Put(ctx, s, list)(tx)
	}, Entries(list)...)
	return err
}

// Unblock lifts a person's blocks with an outcome and enters the notices that follow from it, in one transaction.
func Unblock(ctx context.Context, s *store.Store, at time.Time, tag roster.Tag, outcome string, entry *transferlog.Block, list []Notice) error {
	return s.UnblockWith(ctx, at, tag, outcome, Put(ctx, s, list), append([]transferlog.Entry{entry}, Entries(list)...)...)
}

const selectSQL = `SELECT n.id, n.connector, n.route, n.recipient, n.letter, n.subject, n.body, n.opened, n.due, n.actor, n.reason,
		COALESCE(m.id, ''), COALESCE(s.outcome, ''), COALESCE(s.settled, 0), COALESCE(s.rejected, 0)
	FROM notice n LEFT JOIN message m ON m.transfer = n.id AND m.voids = '' AND m.intent = (SELECT max(x.intent) FROM message x WHERE x.transfer = n.id AND x.voids = '')
		LEFT JOIN settlement s ON s.message = m.id`

// Of returns the notice that a transfer carries, nil if it carries none.
func Of(ctx context.Context, s *store.Store, id record.ID) (*Notice, error) {
	n, err := scan(s.DB().QueryRowxContext(ctx, selectSQL+" WHERE n.id = $1", id.String()))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a notice: %w", err)
	}
	return n, nil
}

// All lists every notice by the day that it is due.
func All(ctx context.Context, s *store.Store) ([]Notice, error) {
	rows, err := s.DB().QueryxContext(ctx, selectSQL+" ORDER BY n.due, n.opened, n.id")
	if err != nil {
		return nil, fmt.Errorf("listing notices: %w", err)
	}
	defer rows.Close()
	var out []Notice
	for rows.Next() {
		n, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("listing notices: %w", err)
		}
		out = append(out, *n)
	}
	return out, rows.Err()
}

// About lists every notice about one of the people with these ordinals, by the day that it is due.
func About(ctx context.Context, s *store.Store, ordinals []uint32) ([]Notice, error) {
	list, err := All(ctx, s)
	return slices.DeleteFunc(list, func(n Notice) bool {
		return !slices.ContainsFunc(n.Records, func(r telling.Record) bool { return slices.Contains(ordinals, r.Ordinal) })
	}), err
}

// Forget takes the keys of accounts out of every notice, inside a transaction, where gone holds for the ordinal beside them.
func Forget(ctx context.Context, tx *sqlx.Tx, gone func(ordinal uint32) bool) error {
	var rows []struct{ ID, Body string }
	if err := tx.SelectContext(ctx, &rows, "SELECT id, body FROM notice ORDER BY id"); err != nil {
		return fmt.Errorf("reading notices: %w", err)
	}
	for _, row := range rows {
		var n telling.Notice
		if err := json.Unmarshal([]byte(row.Body), &n); err != nil {
			return fmt.Errorf("reading notice %s: %w", row.ID, err)
		}
		changed := false
		for i := range n.Records {
			if r := &n.Records[i]; len(r.Key) > 0 && gone(r.Ordinal) {
				r.Key, r.Before, changed = nil, nil, true
			}
		}
		if !changed {
			continue
		}
		body, err := json.Marshal(n)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE notice SET body = $1 WHERE id = $2", string(body), row.ID); err != nil {
			return fmt.Errorf("taking keys out of a notice: %w", err)
		}
	}
	return nil
}

// State is what a notice has come to, in a word: "letter", "waiting" before it has an outcome, or the outcome.
func (n *Notice) State() string {
	switch {
	case n.Letter:
		return "letter"
	case n.Outcome == "":
		return "waiting"
	}
	return n.Outcome
}

func scan(row interface{ Scan(...any) error }) (*Notice, error) {
	n := &Notice{}
	t := &n.Transfer
	var id, message, body string
	var letter, opened, due, settled int64
	err := row.Scan(&id, &t.Connector, &t.Route, &t.Recipient, &letter, &n.Subject, &body, &opened, &due, &t.Actor, &t.Reason, &message, &n.Outcome, &settled, &n.Rejected)
	if err == nil {
		t.ID, err = record.ParseID(id)
	}
	if err == nil {
		n.Message, err = record.ParseID(message)
	}
	if err == nil {
		err = json.Unmarshal([]byte(body), &n.Notice)
	}
	n.Letter, t.Trigger = letter == 1, transfer.RunNow
	n.Opened, n.Due, n.Settled = record.Instant(opened), record.Instant(due), record.Instant(settled)
	return n, err
}
