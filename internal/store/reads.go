package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/sets"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/vault/period"
)

// transferSQL reads what scanReport scans.
const transferSQL = "SELECT " + transferColumns + ", COALESCE(t.finished, 0), t.report FROM transfer t"

const transferColumns = "t.id, t.connector, t.route, t.recipient, t.cause, t.due, t.started, t.actor, t.reason, t.request"

// transferRow scans transferColumns.
type transferRow struct {
	id           string
	t            transfer.Transfer
	due, started int64
}

func (r *transferRow) targets() []any {
	return []any{&r.id, &r.t.Connector, &r.t.Route, &r.t.Recipient, &r.t.Trigger, &r.due, &r.started, &r.t.Actor, &r.t.Reason, &r.t.Request}
}

func (r *transferRow) transfer() (transfer.Transfer, error) {
	var err error
	r.t.ID, err = record.ParseID(r.id)
	r.t.Due, r.t.Started = record.Instant(r.due), record.Instant(r.started)
	return r.t, err
}

// Transfers lists the latest transfers of a connector ("" for all), newest first, with what they have come to now: a run
// that was closed with messages pending shows their settlements since.
func (s *Store) Transfers(ctx context.Context, connector string, limit int) ([]*transfer.Report, error) {
	rows, err := s.read.QueryxContext(ctx, transferSQL+" WHERE t.connector = $1 OR $1 = '' ORDER BY t.started DESC, t.id LIMIT $2", connector, limit)
	if err != nil {
		return nil, fmt.Errorf("listing transfers: %w", err)
	}
	var out []*transfer.Report
	for rows.Next() {
		r, err := scanReport(rows)
		if err != nil {
			rows.Close()
			return nil, err
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, r := range out {
		if err := s.refresh(ctx, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// LastClosed returns the newest transfer of a connector that was closed; of runs alone, without notices and retries, if it is asked to. Without one it returns [ErrNoTransfer].
func (s *Store) LastClosed(ctx context.Context, connector string, runs bool) (*transfer.Report, error) {
	query := transferSQL + " WHERE t.connector = $1 AND t.finished IS NOT NULL"
	if runs {
		query += " AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.id = t.id) AND NOT EXISTS (SELECT 1 FROM retry x WHERE x.id = t.id)"
	}
	r, err := scanReport(s.read.QueryRowxContext(ctx, query+" ORDER BY t.started DESC, t.id LIMIT 1", connector))
	if err != nil {
		return nil, err
	}
	return r, s.refresh(ctx, r)
}

// ErrNoTransfer is returned for an id that names no transfer.
var ErrNoTransfer = errors.New("there is no such transfer")

// Transfer returns one transfer.
func (s *Store) Transfer(ctx context.Context, id record.ID) (*transfer.Report, error) {
	r, err := scanReport(s.read.QueryRowxContext(ctx, transferSQL+" WHERE t.id = $1", id.String()))
	if err != nil {
		return nil, err
	}
	return r, s.refresh(ctx, r)
}

func scanReport(row interface{ Scan(...any) error }) (*transfer.Report, error) {
	var t transferRow
	var finished int64
	var body sql.NullString
	err := row.Scan(append(t.targets(), &finished, &body)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoTransfer
	}
	if err != nil {
		return nil, fmt.Errorf("reading a transfer: %w", err)
	}
	r := &transfer.Report{}
	if body.Valid {
		if err := json.Unmarshal([]byte(body.String), r); err != nil {
			return nil, fmt.Errorf("reading a stored report: %w", err)
		}
		return r, nil
	}
	r.Transfer, err = t.transfer()
	return r, err
}

// refresh adds up a transfer again if it was not at its end.
func (s *Store) refresh(ctx context.Context, r *transfer.Report) error {
	open := r.Status == "" || r.Totals.Pending > 0
	if !open {
		return nil
	}
	if _, err := addUp(ctx, s.read, r); err != nil {
		return err
	}
	switch {
	case r.Finished.IsZero():
		r.Status = transfer.InProgress
	case r.Code == "":
		r.Status = r.Totals.Status()
	}
	return nil
}

// Disclosure is one message that held a person.
type Disclosure struct {
	Transfer  record.ID
	Message   record.ID
	Sequence  uint64
	Recipient string
	Connector string
	Intent    int64
	Logged    int64
	// Outcome is "" while the message is pending.
	Outcome string
	Header  []byte
	Set     transfer.Set
	// AfterKey and LastKey bound the keys of the people inside.
	AfterKey, LastKey []byte
}

// Disclosures calls f with every message that was logged and holds somebody's data, oldest first; notices that give values are among them. A message whose
// period was destroyed is passed over.
func (s *Store) Disclosures(ctx context.Context, f func(Disclosure) error) error {
	rows, err := s.read.QueryxContext(ctx, `SELECT m.transfer, m.id, m.sequence, m.recipient, m.connector, m.intent, m.logged, COALESCE(s.outcome, ''), m.header, m.disclosure, m.period,
			p.after_key, p.last_key
		FROM message m LEFT JOIN settlement s ON s.message = m.id LEFT JOIN part p ON p.transfer = m.transfer AND p.number = m.part
		WHERE length(m.disclosure) > 0 ORDER BY m.intent`)
	if err != nil {
		return fmt.Errorf("reading the disclosures: %w", err)
	}
	defer rows.Close()
	opener := sets.NewOpener(ctx, s.periods, s.read)
	for rows.Next() {
		var d Disclosure
		var tid, mid, in string
		var sequence int64
		err := rows.Scan(&tid, &mid, &sequence, &d.Recipient, &d.Connector, &d.Intent, &d.Logged, &d.Outcome, &d.Header, (*[]byte)(&d.Set), &in,
			&d.AfterKey, &d.LastKey)
		if err == nil {
			d.Transfer, err = record.ParseID(tid)
		}
		if err == nil {
			d.Message, err = record.ParseID(mid)
		}
		if err == nil {
			d.Set, err = opener.Open(period.Disclosure, mid, in, d.Set)
		}
		if errors.Is(err, period.ErrDestroyed) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading the disclosures: %w", err)
		}
		d.Sequence = uint64(sequence)
		if err := f(d); err != nil {
			return err
		}
	}
	return rows.Err()
}
