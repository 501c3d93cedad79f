package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Request is an ad-hoc request at rest. Body is its file as it was entered, sealed at rest by the caller.
type Request struct {
	ID        string
	Connector string
	Body      string
	Digest    record.Digest
	Initiator string
	Created   time.Time
	// Closed is when it was closed, by whom and with which note; zero while it is open.
	Closed         time.Time
	ClosedBy, Note string
	// Approvals are the signed approvals, in the order of their times.
	Approvals []Approval
}

// Approval is one person's signed approval of a request with the plan of its answer; Plan is the plan's digest, zero if it names none.
type Approval struct {
	Approver string
	Plan     record.Digest
	Body     string
	At       time.Time
}

// The errors of requests and approvals.
var (
	ErrNoRequest = errors.New("there is no such request")
	ErrEntered   = errors.New("a request with this id has been entered already")
	ErrTwice     = errors.New("this person has approved this request and plan already")
	ErrClosed    = errors.New("the request is closed already")
)

// PutRequest enters a request with its log entry. A second one with its id is [ErrEntered], whatever it asks for.
func (s *Store) PutRequest(ctx context.Context, at time.Time, r Request, entry *transferlog.Act) error {
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, "INSERT INTO request (id, connector, body, digest, initiator, created) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
			r.ID, r.Connector, r.Body, r.Digest.String(), r.Initiator, record.Micros(at))
		if err != nil {
			return fmt.Errorf("entering the request: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrEntered, err)
		}
		return nil
	}, entry)
	return err
}

// CloseRequest closes a request with its log entry. A second time is [ErrClosed].
func (s *Store) CloseRequest(ctx context.Context, at time.Time, request, actor, note string, entry *transferlog.Act) error {
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, "INSERT INTO request_closed (request, closed, actor, note) VALUES ($1, $2, $3, $4) ON CONFLICT (request) DO NOTHING",
			request, record.Micros(at), actor, note)
		if err != nil {
			return fmt.Errorf("closing the request: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrClosed, err)
		}
		return nil
	}, entry)
	return err
}

// RequestIDs lists the ids of all requests, the latest first.
func (s *Store) RequestIDs(ctx context.Context) (ids []string, err error) {
	if err := s.read.SelectContext(ctx, &ids, "SELECT id FROM request ORDER BY created DESC, id"); err != nil {
		return nil, fmt.Errorf("listing requests: %w", err)
	}
	return ids, nil
}

// Answers lists the transfers of a request, the oldest first.
func (s *Store) Answers(ctx context.Context, request string) ([]record.ID, error) {
	var texts []string
	if err := s.read.SelectContext(ctx, &texts, "SELECT id FROM transfer WHERE request = $1 ORDER BY started, id", request); err != nil {
		return nil, fmt.Errorf("listing the answers of a request: %w", err)
	}
	ids := make([]record.ID, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = record.ParseID(text); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// PutApproval enters an approval with its log entry. A second one of the same plan by the same person is [ErrTwice].
func (s *Store) PutApproval(ctx context.Context, at time.Time, request string, a Approval, entry *transferlog.Act) error {
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, "INSERT INTO approval (request, approver, plan, body, approved) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (request, approver, plan) DO NOTHING",
			request, a.Approver, planText(a.Plan), a.Body, record.Micros(a.At))
		if err != nil {
			return fmt.Errorf("entering the approval: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrTwice, err)
		}
		return nil
	}, entry)
	return err
}

// planText is a plan's digest as it is stored: empty for none.
func planText(plan record.Digest) string {
	if plan.IsZero() {
		return ""
	}
	return plan.String()
}

// GetRequest returns a request with its approvals.
func (s *Store) GetRequest(ctx context.Context, id string) (*Request, error) {
	r := &Request{ID: id}
	var digest string
	var created, closed int64
	err := s.read.QueryRowxContext(ctx, `SELECT r.connector, r.body, r.digest, r.initiator, r.created, COALESCE(c.closed, 0), COALESCE(c.actor, ''), COALESCE(c.note, '')
		FROM request r LEFT JOIN request_closed c ON c.request = r.id WHERE r.id = $1`, id).
		Scan(&r.Connector, &r.Body, &digest, &r.Initiator, &created, &closed, &r.ClosedBy, &r.Note)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoRequest
	}
	if err == nil {
		r.Digest, err = record.ParseDigest(digest)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a request: %w", err)
	}
	r.Created, r.Closed = record.Instant(created), record.Instant(closed)
	rows, err := s.read.QueryxContext(ctx, "SELECT approver, plan, body, approved FROM approval WHERE request = $1 ORDER BY approved, approver", id)
	if err != nil {
		return nil, fmt.Errorf("reading approvals: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a Approval
		var us int64
		var plan string
		err := rows.Scan(&a.Approver, &plan, &a.Body, &us)
		if err == nil && plan != "" {
			a.Plan, err = record.ParseDigest(plan)
		}
		if err != nil {
			return nil, fmt.Errorf("reading approvals: %w", err)
		}
		a.At = record.Instant(us)
		r.Approvals = append(r.Approvals, a)
	}
	return r, rows.Err()
}
