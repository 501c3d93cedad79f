// Package holds keeps, in the service's store, the runs that wait for a person's decision, and the plans that were made.
//
// # States
//
//	open --> approved    a person other than who asked for the run has signed the hold's digest; its run waits, and may begin
//	     |-> discarded   a person has said that nothing is sent
//	     |-> expired     nobody has decided in time
//
// A hold is opened in one transaction with its entry in the log (an act "hold.open") and with the change of its row in the table due to "held"; no connector has
// two open holds. Rows of the connector that come due while it is open are put under it too. A decision is one transaction as well: the act hold.approve,
// hold.discard or hold.expire, the hold's state, and its rows. Approval lets the first row wait again and makes the others missed; otherwise all are missed, each
// with its own entry run.missed. A hold is decided once, and what it found is never changed.
//
// # What is signed
//
// The body is one line of JSON, [Hold] without what follows its decision. The digest is SHA-256 of "almasu-hold/v1", a line feed, the body and a line feed; an approval
// is an approval of package register of the kind "hold", under the hold's id, over that digest.
//
// # Plans
//
// Every plan is kept with what it was made for, without samples: numbers, rules, fields, digests. Neither table has a value of anybody (I6).
package holds

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/plan/limits"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

// Kind is the kind of an approval of a hold.
const Kind = "hold"

// The states.
const (
	Open      = "open"
	Approved  = "approved"
	Discarded = "discarded"
	Expired   = "expired"
)

// Hold is a run that waits, or waited, for a decision.
type Hold struct {
	ID        string `json:"id"`
	Connector string `json:"connector"`
	// Due is the due time of the run, Cause its cause, Asked who asked for it ("schedule" if nobody did), Why their reason.
	Due   time.Time `json:"due"`
	Cause string    `json:"cause"`
	Asked string    `json:"asked"`
	Why   string    `json:"why,omitempty"`
	// Author is the author of the connector's route.
	Author string `json:"author"`
	// Made is when it was held, Expires until when it can be approved.
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
	// Plan is the digest of the plan, Numbers what that says, Before what the run before says, Findings the limits that were reached.
	Plan     string           `json:"plan"`
	Numbers  limits.Numbers   `json:"numbers"`
	Before   limits.Before    `json:"before"`
	Findings []limits.Finding `json:"findings"`

	// Decision is what became of it; no part of the body.
	Decision Decision `json:"-"`
	body     string
}

// Decision is what became of a hold.
type Decision struct {
	// State is open, approved, discarded or expired; At when it was decided, Actor by whom and Reason why.
	State  string    `json:"state"`
	At     time.Time `json:"at,omitzero"`
	Actor  string    `json:"actor,omitempty"`
	Reason string    `json:"reason,omitempty"`
	// Approval is the signed approval, as JSON.
	Approval string `json:"-"`
	// Rows is how many due times are under it; of the first Transfer is the transfer, once it began.
	Rows     int    `json:"rows"`
	Transfer string `json:"transfer,omitempty"`
}

// Digest is what an approval is about; it is that of the body as it was stored, if it came from the store.
func (h *Hold) Digest() (record.Digest, error) {
	if h.body == "" {
		b, err := json.Marshal(h)
		if err != nil {
			return record.Digest{}, err
		}
		h.body = string(b)
	}
	return record.DigestOf([]byte("almasu-hold/v1\n" + h.body + "\n")), nil
}

// Words are the findings in English, in one line.
func (h *Hold) Words() string {
	out := ""
	for i, f := range h.Findings {
		if i > 0 {
			out += "; "
		}
		out += f.Words().EN
	}
	return out
}

// The errors.
var (
	ErrNoHold  = errors.New("there is no such hold")
	ErrDecided = errors.New("the hold is not open any more")
)

// Enter opens a hold and puts the row that the worker runs under it. It returns [scheduler.ErrLost] if the row is not the worker's any more.
func Enter(ctx context.Context, s *store.Store, at time.Time, worker string, d *scheduler.Due, h *Hold) error {
	digest, err := h.Digest()
	if err != nil {
		return err
	}
	err = s.Logged(ctx, at, func(tx *sqlx.Tx) ([]transferlog.Entry, error) {
		if err := s.Rows.Hold(ctx, tx, worker, d, h.ID); err != nil {
			return nil, err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO hold (id, connector, due, body, made, expires, state) VALUES ($1, $2, $3, $4, $5, $6, 'open')",
			h.ID, h.Connector, record.Micros(h.Due), h.body, record.Micros(h.Made), record.Micros(h.Expires))
		return []transferlog.Entry{&transferlog.Act{Actor: h.Asked, Act: "hold.open", Object: h.object(), Digest: digest, Reason: h.Words()}}, err
	})
	if err != nil {
		return fmt.Errorf("holding a run: %w", err)
	}
	return nil
}

// object names a hold in the log.
func (h *Hold) object() string { return h.ID + " connector " + h.Connector + " plan " + h.Plan }

// Join puts another row that the worker runs under an open hold. It returns [ErrDecided] if the hold is not open any more.
func Join(ctx context.Context, s *store.Store, worker string, d *scheduler.Due, h *Hold) error {
	err := s.InTx(ctx, func(tx *sqlx.Tx) error {
		// Whoever decides waits for this, or has been first.
		if err := one(tx.ExecContext(ctx, "UPDATE hold SET state = 'open' WHERE id = $1 AND state = 'open'", h.ID)); err != nil {
			return err
		}
		return s.Rows.Hold(ctx, tx, worker, d, h.ID)
	})
	if err != nil {
		return fmt.Errorf("holding a run: %w", err)
	}
	return nil
}

// one demands that a statement has changed a row, else the hold is decided.
func one(r sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return errors.Join(ErrDecided, err)
	}
	return nil
}

const decideSQL = "UPDATE hold SET state = $1, ended = $2, actor = $3, reason = $4, approval = $5 WHERE id = $6 AND state = 'open' AND "

// Approve approves an open hold before it expires, and lets its run begin. approval is the signed approval as JSON, signature its signature in base64.
func Approve(ctx context.Context, s *store.Store, at time.Time, h *Hold, who, reason, approval, signature string) error {
	digest, err := h.Digest()
	if err != nil {
		return err
	}
	err = s.Logged(ctx, at, func(tx *sqlx.Tx) ([]transferlog.Entry, error) {
		if err := one(tx.ExecContext(ctx, decideSQL+"expires > $2", Approved, record.Micros(at), who, reason, approval, h.ID)); err != nil {
			return nil, err
		}
		missed, err := s.Release(ctx, tx, h.ID, h.Due, "held: the run due at "+h.Due.Format(time.RFC3339)+" was approved and makes it good")
		return append([]transferlog.Entry{&transferlog.Act{Actor: who, Act: "hold.approve", Object: h.object(), Digest: digest, Reason: reason, Signature: signature}}, missed...), err
	})
	if err != nil {
		return fmt.Errorf("approving a hold: %w", err)
	}
	return nil
}

// Discard ends an open hold: nothing is sent.
func Discard(ctx context.Context, s *store.Store, at time.Time, h *Hold, who, reason string) error {
	if err := end(ctx, s, at, h, Discarded, who, reason, "1 = 1", "held, and discarded by "+who+": "+reason); err != nil {
		return fmt.Errorf("discarding a hold: %w", err)
	}
	return nil
}

func end(ctx context.Context, s *store.Store, at time.Time, h *Hold, state, who, reason, when, missed string) error {
	digest, err := h.Digest()
	if err != nil {
		return err
	}
	acts := map[string]string{Discarded: "hold.discard", Expired: "hold.expire"}
	return s.Logged(ctx, at, func(tx *sqlx.Tx) ([]transferlog.Entry, error) {
		if err := one(tx.ExecContext(ctx, decideSQL+when, state, record.Micros(at), who, reason, "", h.ID)); err != nil {
			return nil, err
		}
		entries, err := s.MissHeld(ctx, tx, h.ID, missed)
		return append([]transferlog.Entry{&transferlog.Act{Actor: who, Act: acts[state], Object: h.object(), Digest: digest, Reason: reason}}, entries...), err
	})
}

// Expire ends the holds whose time is over, and returns them.
func Expire(ctx context.Context, s *store.Store, at time.Time) (ended []*Hold, err error) {
	list, err := query(ctx, s, "h.state = 'open' AND h.expires <= $1 ORDER BY h.made, h.id LIMIT $2", record.Micros(at), 1000)
	if err != nil {
		return nil, err
	}
	for _, h := range list {
		const why = "nobody has decided in time"
		err := end(ctx, s, at, h, Expired, "service", why, "expires <= $2", "held, and "+why)
		if errors.Is(err, ErrDecided) {
			continue // another process, or a person, was first
		}
		if err != nil {
			return ended, fmt.Errorf("ending a hold: %w", err)
		}
		h.Decision = Decision{State: Expired, At: at, Actor: "service", Reason: why}
		ended = append(ended, h)
	}
	return ended, nil
}

// Get returns a hold, or [ErrNoHold].
func Get(ctx context.Context, s *store.Store, id string) (*Hold, error) {
	list, err := query(ctx, s, "h.id = $1", id)
	if err == nil && len(list) == 0 {
		err = ErrNoHold
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// Of returns the open hold of a connector, nil if there is none.
func Of(ctx context.Context, s *store.Store, connector string) (*Hold, error) {
	list, err := query(ctx, s, "h.connector = $1 AND h.state = 'open'", connector)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// List returns holds, newest first; only open ones unless all are wanted.
func List(ctx context.Context, s *store.Store, all bool, limit int) ([]*Hold, error) {
	wanted := Open
	if all {
		wanted = ""
	}
	return query(ctx, s, "(h.state = $1 OR $1 = '') ORDER BY h.made DESC, h.id LIMIT $2", wanted, limit)
}

func query(ctx context.Context, s *store.Store, where string, args ...any) (out []*Hold, err error) {
	rows, err := s.Reader().QueryxContext(ctx, `SELECT h.id, h.body, h.state, COALESCE(h.ended, 0), h.actor, h.reason, h.approval, (SELECT count(*) FROM due d WHERE d.hold = h.id),
		COALESCE((SELECT d.transfer FROM due d WHERE d.hold = h.id AND d.connector = h.connector AND d.due = h.due), '') FROM hold h WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading holds: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		h := &Hold{}
		var id string
		var ended int64
		d := &h.Decision
		if err := rows.Scan(&id, &h.body, &d.State, &ended, &d.Actor, &d.Reason, &d.Approval, &d.Rows, &d.Transfer); err != nil {
			return nil, fmt.Errorf("reading holds: %w", err)
		}
		if err := json.Unmarshal([]byte(h.body), h); err != nil || h.ID != id {
			return nil, record.NewProblem("hold.altered", id, "restore the store from a backup", "the stored hold is not the one that was entered")
		}
		d.At = record.Instant(ended)
		out = append(out, h)
	}
	return out, rows.Err()
}
