// Package refresh makes what a recipient holds stale at somebody's wish, so that the next runs send it again.
//
// A refresh is of everybody whom the recipient holds over a connector, or a backfill: of those who were in a message that was logged in a time and that the recipient has accepted, under
// whatever ordinal they are known now. It is entered in one transaction with its act in the log ("run.full", "run.backfill"), with the digests that it makes stale (package books), and with
// the mark of the comparison forgotten (package marks). Then an ordinary run sends these people, as the law permits now.
//
// What has arrived is not stale any more, so that whoever is interrupted goes on with any further run. A refresh is done when such a run that began after it is closed
// and has not failed, whoever has begun and ended it: the transaction that closes a run says so (store.Store.Finish). Until then a refresh that is entered again, for whatever reason, is found, and makes
// nothing stale a second time. Once it is done, the same people and time for the same reason are refused [refresh.done], so that whoever repeats a command without
// knowing what has become of it sends nobody twice; for another reason they are a refresh of their own.
package refresh

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/books"
	"birgeoqy.kz/almasu/internal/store/marks"
	"birgeoqy.kz/almasu/internal/store/sets"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault/period"
)

// Wish is what is asked for.
type Wish struct {
	Connector, Recipient string
	// Since and Until bound a backfill: from the one, up to before the other; both are zero for everybody.
	Since, Until  time.Time
	Actor, Reason string
}

func (w *Wish) everybody() bool { return w.Since.IsZero() && w.Until.IsZero() }

// bounds are Since and Until in microseconds.
func (w *Wish) bounds() (since, until int64) {
	if w.everybody() {
		return 0, 0
	}
	return record.Micros(w.Since), record.Micros(w.Until)
}

// Refresh is a wish that was entered.
type Refresh struct {
	ID record.ID
	// Again says that it was entered before, and is gone on with; else People counts those whom it has made stale, -1 for everybody.
	Again  bool
	People int
}

// Enter enters a wish, or finds it again. The roster says under which ordinals people are known.
func Enter(ctx context.Context, s *store.Store, ros *roster.Roster, at time.Time, w Wish) (*Refresh, error) {
	if r, err := find(ctx, s, &w); r != nil || err != nil {
		return r, err
	}
	since, until := w.bounds()
	var ordinals []uint32
	var err error
	if !w.everybody() {
		if ordinals, err = sent(ctx, s, &w); err != nil {
			return nil, err
		}
		if ordinals, err = known(ctx, ros, ordinals); err != nil {
			return nil, err
		}
	}
	r := &Refresh{ID: record.NewID(), People: -1}
	entry := &transferlog.Act{Actor: w.Actor, Act: "run.full", Object: fmt.Sprintf("%s to %s", w.Connector, w.Recipient), Reason: w.Reason}
	if !w.everybody() {
		entry.Act = "run.backfill"
		entry.Object += fmt.Sprintf(", sent from %s to %s", w.Since.UTC().Format(time.RFC3339), w.Until.UTC().Format(time.RFC3339))
	}
	_, err = s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO refresh (id, connector, recipient, since, until, actor, reason, entered) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			r.ID.String(), w.Connector, w.Recipient, since, until, w.Actor, w.Reason, record.Micros(at)); err != nil {
			return fmt.Errorf("entering a refresh: %w", err)
		}
		if w.everybody() {
			return books.Spoil(ctx, tx, w.Connector, w.Recipient)
		}
		if err := marks.Forget(ctx, tx, w.Connector, w.Recipient); err != nil {
			return err
		}
		var err error
		pages := books.Pages{DB: tx, Connector: w.Connector, Recipient: w.Recipient}
		r.People, err = delta.Spoil(ctx, pages, s.Vault(), delta.Name(w.Connector, w.Recipient), ordinals)
		return err
	}, entry)
	if err != nil {
		return nil, err
	}
	pause.At("refresh.entered")
	return r, nil
}

// find looks for a wish that was entered before: one that is not done is gone on with, and one that is done for the same reason is not entered again.
func find(ctx context.Context, s *store.Store, w *Wish) (*Refresh, error) {
	since, until := w.bounds()
	var text string
	var done sql.NullInt64
	err := s.Reader().QueryRowxContext(ctx, `SELECT id, done FROM refresh WHERE connector = $1 AND recipient = $2 AND since = $3 AND until = $4 AND (done IS NULL OR reason = $5)
		ORDER BY done IS NULL DESC, done DESC LIMIT 1`, w.Connector, w.Recipient, since, until, w.Reason).Scan(&text, &done)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for a refresh: %w", err)
	}
	if done.Valid {
		return nil, record.NewProblem("refresh.done", "", "see what was sent: almasu transfers; if they are to be sent once more, give another --reason",
			"the same was asked for before, for the same reason, and was done by %s: nobody is sent again", record.Instant(done.Int64).UTC().Format(time.RFC3339))
	}
	id, err := record.ParseID(text)
	return &Refresh{ID: id, Again: true}, err
}

// known adds the ordinals of people under which they were or are known besides: in each year they have another.
func known(ctx context.Context, ros *roster.Roster, ordinals []uint32) ([]uint32, error) {
	who := make(map[uint32]struct{}, len(ordinals))
	for _, o := range ordinals {
		who[o] = struct{}{}
	}
	people, err := ros.Identities(ctx, who)
	for _, p := range people {
		ordinals = append(ordinals, p.Ordinals...)
	}
	slices.Sort(ordinals)
	return slices.Compact(ordinals), err
}

// sent lists who was in the messages of a wish, by the ordinals that they had then.
func sent(ctx context.Context, s *store.Store, w *Wish) ([]uint32, error) {
	since, until := w.bounds()
	rows, err := s.Reader().QueryxContext(ctx, `SELECT m.id, m.header, m.disclosure, m.period FROM message m JOIN settlement s ON s.message = m.id
		WHERE m.connector = $1 AND m.recipient = $2 AND m.logged >= $3 AND m.logged < $4 AND s.outcome = 'delivered' AND length(m.disclosure) > 0`, w.Connector, w.Recipient, since, until)
	if err != nil {
		return nil, fmt.Errorf("reading what was sent: %w", err)
	}
	defer rows.Close()
	opener := sets.NewOpener(ctx, s.Periods(), s.Reader())
	var out []uint32
	for rows.Next() {
		var id, in string
		var header, body []byte
		if err := rows.Scan(&id, &header, &body, &in); err != nil {
			return nil, fmt.Errorf("reading what was sent: %w", err)
		}
		h, err := signing.ParseHeader(header)
		if err != nil {
			return nil, err
		}
		if h.Operation != signing.OperationProvide {
			continue
		}
		stored, err := opener.Open(period.Disclosure, id, in, body)
		if errors.Is(err, period.ErrDestroyed) {
			continue
		}
		if err != nil {
			return nil, err
		}
		set, err := stored.Disclosed()
		if err != nil {
			return nil, fmt.Errorf("the disclosure set of message %s: %w", id, err)
		}
		for _, g := range set.Groups() {
			if g.Mask != 0 {
				out = append(out, g.People...)
			}
		}
	}
	return out, rows.Err()
}
