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
	// Approvals are the signed approvals, in the order of their times.
	Approvals []Approval
}

// Approval is one person's signed approval of a request's digest.
type Approval struct {
	Approver string
	Body     string
	At       time.Time
}

// The errors of requests and approvals.
var (
	ErrNoRequest = errors.New("there is no such request")
	ErrEntered   = errors.New("a request with this id has been entered already")
	ErrTwice     = errors.New("this person has approved this request already")
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

// PutApproval enters an approval with its log entry. A second one by the same person is [ErrTwice].
func (s *Store) PutApproval(ctx context.Context, at time.Time, request string, a Approval, entry *transferlog.Act) error {
	_, err := s.AppendWith(ctx, at, func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, "INSERT INTO approval (request, approver, body, approved) VALUES ($1, $2, $3, $4) ON CONFLICT (request, approver) DO NOTHING",
			request, a.Approver, a.Body, record.Micros(a.At))
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

// GetRequest returns a request with its approvals.
func (s *Store) GetRequest(ctx context.Context, id string) (*Request, error) {
	r := &Request{ID: id}
	var digest string
	var created int64
	err := s.read.QueryRowxContext(ctx, "SELECT connector, body, digest, initiator, created FROM request WHERE id = $1", id).
		Scan(&r.Connector, &r.Body, &digest, &r.Initiator, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoRequest
	}
	if err == nil {
		r.Digest, err = record.ParseDigest(digest)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a request: %w", err)
	}
	r.Created = record.Instant(created)
	rows, err := s.read.QueryxContext(ctx, "SELECT approver, body, approved FROM approval WHERE request = $1 ORDER BY approved, approver", id)
	if err != nil {
		return nil, fmt.Errorf("reading approvals: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a Approval
		var us int64
		if err := rows.Scan(&a.Approver, &a.Body, &us); err != nil {
			return nil, fmt.Errorf("reading approvals: %w", err)
		}
		a.At = record.Instant(us)
		r.Approvals = append(r.Approvals, a)
	}
	return r, rows.Err()
}
