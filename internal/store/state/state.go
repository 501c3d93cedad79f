// Package state shows whole what the service's store keeps of one connector and goes on from, and lets a person forget two parts of it.
//
// # The state
//
// [Read] gives a [State]: the last transfer that is closed and those that are not, what waits, the mark of comparisons (package marks), the
// book of what the recipient holds (package books), refreshes that are not done (package refresh), due times that are not over, pauses and skips that still count, and the open hold. It is one
// reading, with the last number that was given out to the recipient beside it; nothing in it is a value of a profile.
//
// # The digest
//
// [State.Digest] is SHA-256 of "almasu-state/v1", a line feed, the state as JSON and a line feed. What moves by itself without anything having happened, such as the lease of a run, is no part of
// the state. A page of the book counts with its number, whether it is stale, and the last 16 bytes of its body and of its recent digests as they are sealed, which are others at each sealing.
//
// # What can be forgotten
//
// [Forget] names the digest of the state that a person has looked at; if the state is another one by then it returns [ErrMoved], and nothing is changed. The [Mark]: the next comparison reads
// everybody. The [Book]: everybody whom the recipient holds is sent again by the next runs, and nobody is forgotten (books.Spoil); the mark goes with it. Either is one transaction with an act
// "state.forget" in the log, whose digest is that of the state. Where nothing would be forgotten it returns [ErrNothing].
//
// Nothing else can be set: numbers, messages, settlements and the log are evidence; pauses, holds, halts and duties have acts of their own.
package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/books"
	"birgeoqy.kz/almasu/internal/store/marks"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// State is what is kept of a connector and its recipient.
type State struct {
	Connector string `json:"connector"`
	Recipient string `json:"recipient"`
	// LastNumber is the sequence number that was given out to the recipient last, over whichever connector; 0 for none. It is not part of the digest.
	LastNumber int64 `json:"-"`
	// Last is the transfer that was closed last, Open those that are not closed, oldest first.
	Last *Transfer  `json:"last,omitempty"`
	Open []Transfer `json:"open"`
	// Waiting are the messages that are logged and not settled.
	Waiting []Message `json:"waiting"`
	Mark    Mark      `json:"mark"`
	Book    Book      `json:"book"`
	// Refreshes are what somebody has asked to be sent again and no run has completed.
	Refreshes []Refresh `json:"refreshes"`
	// Due are the due times that wait, run or are held, Exceptions the pauses and skips that still count.
	Due        []Due       `json:"due"`
	Exceptions []Exception `json:"exceptions"`
	// Hold is the open hold, empty if there is none.
	Hold string `json:"hold,omitempty"`
}

// Transfer is one transfer.
type Transfer struct {
	ID      string    `json:"id"`
	Started time.Time `json:"started"`
	// Finished and Status are those of a closed one.
	Finished time.Time `json:"finished,omitzero"`
	Status   string    `json:"status,omitempty"`
	Code     string    `json:"code,omitempty"`
	// Notice is its act if it carried a notice, Compared how it compared.
	Notice   string `json:"notice,omitempty"`
	Compared string `json:"compared,omitempty"`
}

// Message is a message that waits.
type Message struct {
	ID     string    `json:"id"`
	Number int64     `json:"number"`
	People int       `json:"people"`
	Logged time.Time `json:"logged"`
}

// Mark is what comparisons of candidates go on from.
type Mark struct {
	// Version counts how often it was forgotten. Horizon is of the last completed read; without one the next comparison reads everybody, and the others are empty.
	Version int64  `json:"version"`
	Horizon string `json:"horizon,omitempty"`
	// Everybody is when the last comparison of everybody began, Scope what the mark was made under.
	Everybody time.Time `json:"everybody,omitzero"`
	Scope     []string  `json:"scope,omitempty"`
}

// Book is what the recipient holds, as pages.
type Book struct {
	// Pages counts them, Stale those in which everybody is sent again. Digest is over all of them, empty if there is none.
	Pages  int    `json:"pages"`
	Stale  int    `json:"stale"`
	Digest string `json:"digest,omitempty"`
}

// Refresh is something that is to be sent again; Since and Until are zero for everybody.
type Refresh struct {
	ID      string    `json:"id"`
	Since   time.Time `json:"since,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	Entered time.Time `json:"entered"`
	Actor   string    `json:"actor"`
	Reason  string    `json:"reason"`
}

// Due is a due time.
type Due struct {
	At       time.Time `json:"at"`
	Cause    string    `json:"cause"`
	State    string    `json:"state"`
	Transfer string    `json:"transfer,omitempty"`
	Hold     string    `json:"hold,omitempty"`
	Actor    string    `json:"actor"`
}

// Exception is a pause that lasts, or a time that is skipped.
type Exception struct {
	Kind   string    `json:"kind"`
	Since  time.Time `json:"since"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
}

// Digest is the state's digest.
func (s *State) Digest() record.Digest {
	b, err := json.Marshal(s)
	if err != nil {
		panic("state: " + err.Error()) // strings, numbers and times
	}
	return record.DigestOf([]byte("almasu-state/v1\n" + string(b) + "\n"))
}

// Read reads the state of a connector.
func Read(ctx context.Context, s *store.Store, connector, recipient string) (*State, error) {
	options := sql.TxOptions{ReadOnly: true}
	if s.Kind() == store.Postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := s.Reader().BeginTxx(ctx, &options)
	if err != nil {
		return nil, fmt.Errorf("reading the state of %s: %w", connector, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	return read(ctx, tx, connector, recipient)
}

// The parts that can be forgotten.
const (
	ForgetMark = "mark"
	ForgetBook = "book"
)

// Wish is what is to be forgotten.
type Wish struct {
	Connector, Recipient string
	// What is [ForgetMark] or [ForgetBook]; Seen the digest of the state that was looked at.
	What          string
	Seen          record.Digest
	Actor, Reason string
}

// The answers to a wish that is not granted.
var (
	ErrMoved   = errors.New("the state is not the one that was looked at")
	ErrNothing = errors.New("there is nothing to forget")
)

// Empty reports whether nothing would be forgotten.
func (s *State) Empty(what string) bool {
	if what == ForgetBook {
		return s.Book.Pages == s.Book.Stale
	}
	return s.Mark.Horizon == ""
}

// Forget forgets a part of a state.
func Forget(ctx context.Context, s *store.Store, at time.Time, w Wish) error {
	act := &transferlog.Act{Actor: w.Actor, Act: "state.forget", Object: w.What + " of " + w.Connector + " to " + w.Recipient, Digest: w.Seen, Reason: w.Reason}
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		// The log is locked, and with it all but the mark, which a run keeps by itself.
		if err := marks.Lock(ctx, tx, w.Connector, w.Recipient); err != nil {
			return err
		}
		now, err := read(ctx, tx, w.Connector, w.Recipient)
		switch {
		case err != nil:
			return err
		case now.Digest() != w.Seen:
			return ErrMoved
		case now.Empty(w.What):
			return ErrNothing
		case w.What == ForgetBook:
			return books.Spoil(ctx, tx, w.Connector, w.Recipient)
		}
		return marks.Forget(ctx, tx, w.Connector, w.Recipient)
	}, act)
	return err
}

// reading reads one state; after an error it does nothing more.
type reading struct {
	ctx       context.Context
	q         sqlx.QueryerContext
	connector string
	recipient string
	err       error
}

func read(ctx context.Context, q sqlx.QueryerContext, connector, recipient string) (*State, error) {
	r := &reading{ctx: ctx, q: q, connector: connector, recipient: recipient}
	s := &State{Connector: connector, Recipient: recipient, Open: []Transfer{}, Waiting: []Message{}, Refreshes: []Refresh{}, Due: []Due{}, Exceptions: []Exception{}}
	r.each("SELECT next - 1 FROM sequence WHERE recipient = $1", func(row *sqlx.Rows) error { return row.Scan(&s.LastNumber) }, recipient)
	r.transfers(s)
	r.each(`SELECT m.id, m.sequence, m.records, m.logged FROM message m JOIN outbox o ON o.message = m.id WHERE m.connector = $1 AND m.recipient = $2 ORDER BY m.sequence, m.intent`,
		func(row *sqlx.Rows) error {
			var m Message
			var logged int64
			err := row.Scan(&m.ID, &m.Number, &m.People, &logged)
			m.Logged = record.Instant(logged)
			s.Waiting = append(s.Waiting, m)
			return err
		}, connector, recipient)
	if r.err == nil {
		m, err := marks.Of(ctx, q, connector, recipient)
		s.Mark, r.err = Mark{Version: m.Version, Horizon: m.Horizon, Scope: m.Scope, Everybody: m.Full}, err
	}
	r.book(s)
	r.each("SELECT id, since, until, entered, actor, reason FROM refresh WHERE connector = $1 AND recipient = $2 AND done IS NULL ORDER BY entered, id", func(row *sqlx.Rows) error {
		var f Refresh
		var since, until, entered int64
		err := row.Scan(&f.ID, &since, &until, &entered, &f.Actor, &f.Reason)
		f.Since, f.Until, f.Entered = record.Instant(since), record.Instant(until), record.Instant(entered)
		s.Refreshes = append(s.Refreshes, f)
		return err
	}, connector, recipient)
	r.schedule(s)
	r.each("SELECT id FROM hold WHERE connector = $1 AND state = 'open'", func(row *sqlx.Rows) error { return row.Scan(&s.Hold) }, connector)
	if r.err != nil {
		return nil, fmt.Errorf("reading the state of %s: %w", connector, r.err)
	}
	return s, nil
}

// each calls scan with each row of an answer.
func (r *reading) each(query string, scan func(*sqlx.Rows) error, args ...any) {
	if r.err != nil {
		return
	}
	rows, err := r.q.QueryxContext(r.ctx, query, args...)
	if err != nil {
		r.err = err
		return
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			r.err = err
			return
		}
	}
	r.err = rows.Err()
}

func (r *reading) transfers(s *State) {
	const columns = "SELECT id, started, COALESCE(finished, 0), COALESCE(report, '{}') FROM transfer WHERE connector = $1 AND recipient = $2 AND "
	scan := func(row *sqlx.Rows) error {
		var t Transfer
		var started, finished int64
		var report string
		if err := row.Scan(&t.ID, &started, &finished, &report); err != nil {
			return err
		}
		var said Transfer
		if err := json.Unmarshal([]byte(report), &said); err != nil {
			return fmt.Errorf("a stored report: %w", err)
		}
		t.Started, t.Finished = record.Instant(started), record.Instant(finished)
		t.Status, t.Code, t.Notice, t.Compared = said.Status, said.Code, said.Notice, said.Compared
		if finished == 0 {
			s.Open = append(s.Open, t)
		} else {
			s.Last = &t
		}
		return nil
	}
	r.each(columns+"finished IS NOT NULL ORDER BY finished DESC, id LIMIT 1", scan, r.connector, r.recipient)
	r.each(columns+"finished IS NULL ORDER BY started, id", scan, r.connector, r.recipient)
}

func (r *reading) book(s *State) {
	var all []byte
	r.each("SELECT page, stale, substr(body, length(body) - 15), substr(recent, length(recent) - 15) FROM held WHERE connector = $1 AND recipient = $2 ORDER BY page", func(row *sqlx.Rows) error {
		var page, stale int64
		var body, recent []byte
		err := row.Scan(&page, &stale, &body, &recent)
		s.Book.Pages++
		s.Book.Stale += int(stale)
		all = fmt.Appendf(all, "%d %d %x %x\n", page, stale, body, recent)
		return err
	}, r.connector, r.recipient)
	if len(all) > 0 {
		s.Book.Digest = record.DigestOf(all).String()
	}
}

func (r *reading) schedule(s *State) {
	r.each("SELECT due, cause, state, transfer, hold, actor FROM due WHERE connector = $1 AND state IN ('waiting', 'running', 'held') ORDER BY due", func(row *sqlx.Rows) error {
		var d Due
		var at int64
		err := row.Scan(&at, &d.Cause, &d.State, &d.Transfer, &d.Hold, &d.Actor)
		d.At = record.Instant(at)
		s.Due = append(s.Due, d)
		return err
	}, r.connector)
	// A skip counts as long as its time has no row that came after it.
	r.each(`SELECT e.kind, e.since, e.actor, e.reason FROM exception e WHERE e.connector = $1 AND (e.until IS NULL OR e.kind = 'skip'
		AND e.since > COALESCE((SELECT max(d.due) FROM due d WHERE d.connector = e.connector AND d.cause IN ('schedule', 'catch_up')), 0)) ORDER BY e.since, e.kind`, func(row *sqlx.Rows) error {
		var e Exception
		var since int64
		err := row.Scan(&e.Kind, &since, &e.Actor, &e.Reason)
		e.Since = record.Instant(since)
		s.Exceptions = append(s.Exceptions, e)
		return err
	}, r.connector)
}
