package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/sets"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Finish implements [transfer.Ledger]. A transfer that is closed again, because it was taken up after its end, gets further log
// entries only if it has come to something else since.
func (s *Store) Finish(ctx context.Context, at time.Time, report *transfer.Report) error {
	r := *report
	var c *transferlog.Commitment
	err := s.InTx(ctx, func(tx *sqlx.Tx) error {
		l, err := s.lockLog(ctx, tx)
		if err != nil {
			return err
		}
		if err := insistCompared(ctx, tx, l.restored, ""); err != nil {
			return err
		}
		earlier, err := scanReport(tx.QueryRowxContext(ctx, transferSQL+" WHERE t.id = $1", r.ID.String()))
		if err != nil {
			return err
		}
		set, err := addUp(ctx, tx, &r)
		if err != nil {
			return err
		}
		if r.Status == "" {
			r.Status = r.Totals.Status()
		}
		closed := !earlier.Finished.IsZero()
		if closed && earlier.Totals == r.Totals && earlier.Status == r.Status && earlier.Code == r.Code {
			r = *earlier
			return nil
		}
		entries := []transferlog.Entry{runEntry(&r)}
		if refusals := refusalsEntry(&r, earlier, set); refusals != nil {
			entries = []transferlog.Entry{refusals, entries[0]}
		}
		if c, err = s.log.Commit(ctx, l, at, entries...); err != nil {
			return err
		}
		r.Finished, r.LogIndex = at, c.Size()-1
		if err := s.close(ctx, tx, &r); err != nil {
			return err
		}
		pause.At("finish.written")
		return nil
	})
	if err != nil {
		return fmt.Errorf("closing the transfer: %w", err)
	}
	pause.At("finish.committed")
	if c != nil {
		c.Committed()
	}
	*report = r
	return nil
}

func (s *Store) close(ctx context.Context, tx *sqlx.Tx, r *transfer.Report) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE transfer SET finished = $1, report = $2, recipient = $3 WHERE id = $4",
		record.Micros(r.Finished), string(body), r.Recipient, r.ID.String())
	if err != nil || r.Status == transfer.Failed || r.Status == transfer.NotPermitted || r.Notice != "" || r.Request != "" {
		return err
	}
	// Who was to be sent again when this run began (package refresh) was read by it, unless it is of some people only.
	_, err = tx.ExecContext(ctx, `UPDATE refresh SET done = $1 WHERE connector = $2 AND recipient = $3 AND done IS NULL
		AND entered <= (SELECT started FROM transfer WHERE id = $4) AND NOT EXISTS (SELECT 1 FROM retry WHERE id = $4)`,
		record.Micros(r.Finished), r.Connector, r.Recipient, r.ID.String())
	if err != nil {
		return fmt.Errorf("closing what was asked to be sent again: %w", err)
	}
	return nil
}

func runEntry(r *transfer.Report) *transferlog.Run {
	t := r.Totals
	e := &transferlog.Run{
		Transfer: r.ID, Connector: r.Connector, Route: r.Route, Recipient: r.Recipient, Trigger: string(r.Trigger),
		Read: t.Read, Accepted: t.Accepted, Unchanged: t.Unchanged, Refused: t.Refused, Withheld: t.Withheld, Rejected: t.Rejected, Pending: t.Pending,
		Receiver: t.Received - t.Rejected, // what the receipts say was taken
		Status:   string(r.Status), Fields: r.Fields, First: r.FirstSequence, Last: r.LastSequence,
	}
	if r.Trigger == transfer.Schedule || r.Trigger == transfer.CatchUp {
		e.Due = r.Due
	}
	for _, d := range r.Denied {
		e.Denied = append(e.Denied, transferlog.DeniedField{Field: d.Field, Rule: d.Rule})
	}
	return e
}

// refusalsEntry sums up who was refused and is not in the entry of an earlier end, or is nil if nobody is. Its set is that of all so far.
func refusalsEntry(r, earlier *transfer.Report, set record.Digest) *transferlog.Refusals {
	e := &transferlog.Refusals{Transfer: r.ID, Connector: r.Connector, Route: r.Route, Set: set}
	for _, why := range r.Reasons {
		if i := indexOf(earlier.Reasons, why); i >= 0 {
			why.People -= earlier.Reasons[i].People
		}
		if why.Kind == "refused" && why.People > 0 {
			e.Counts = append(e.Counts, transferlog.RefusalCount{Rule: why.Rule, Code: why.Why, People: why.People})
		}
	}
	if len(e.Counts) == 0 {
		return nil
	}
	return e
}

// indexOf finds the reason that is the same but for its number of people, -1 if none is.
func indexOf(reasons []transfer.Reason, why transfer.Reason) int {
	return slices.IndexFunc(reasons, func(o transfer.Reason) bool { return o.Kind == why.Kind && o.Rule == why.Rule && o.Why == why.Why })
}

// addUp computes a report's totals, reasons and sequence numbers from parts and settlements. It returns the SHA-256 over the digests of the
// parts' refusal sets, in part order; zero if there is none.
func addUp(ctx context.Context, q sqlx.QueryerContext, r *transfer.Report) (record.Digest, error) {
	r.Totals, r.Reasons = transfer.Totals{}, nil
	set, err := addParts(ctx, q, r)
	if err != nil {
		return set, err
	}
	err = addMessages(ctx, q, r)
	slices.SortStableFunc(r.Reasons, func(a, b transfer.Reason) int { return b.People - a.People })
	return set, err
}

func addParts(ctx context.Context, q sqlx.QueryerContext, r *transfer.Report) (record.Digest, error) {
	rows, err := q.QueryxContext(ctx, "SELECT read, refused, withheld, unchanged, reasons, refusal, period FROM part WHERE transfer = $1 ORDER BY number", r.ID.String())
	if err != nil {
		return record.Digest{}, fmt.Errorf("adding up the parts: %w", err)
	}
	defer rows.Close()
	sum := sha256.New()
	any := false
	for rows.Next() {
		var read, refused, withheld, unchanged int
		var reasons, set, in sql.RawBytes
		if err := rows.Scan(&read, &refused, &withheld, &unchanged, &reasons, &set, &in); err != nil {
			return record.Digest{}, err
		}
		r.Totals.Read, r.Totals.Refused, r.Totals.Withheld = r.Totals.Read+read, r.Totals.Refused+refused, r.Totals.Withheld+withheld
		r.Totals.Unchanged += unchanged
		if err := addReasons(r, reasons); err != nil {
			return record.Digest{}, err
		}
		if len(set) > 0 {
			d := sets.Digest(string(in), set)
			sum.Write(d[:])
			any = true
		}
	}
	if !any {
		return record.Digest{}, rows.Err()
	}
	return record.Digest(sum.Sum(nil)), rows.Err()
}

func addMessages(ctx context.Context, q sqlx.QueryerContext, r *transfer.Report) error {
	rows, err := q.QueryxContext(ctx, `SELECT m.sequence, m.records, COALESCE(s.outcome, ''), COALESCE(s.accepted, 0), COALESCE(s.updated, 0), COALESCE(s.rejected, 0),
		COALESCE(s.reasons, '[]'), COALESCE(length(s.receipt), 0) FROM message m LEFT JOIN settlement s ON s.message = m.id WHERE m.transfer = $1`, r.ID.String())
	if err != nil {
		return fmt.Errorf("adding up the messages: %w", err)
	}
	defer rows.Close()
	t := &r.Totals
	for rows.Next() {
		var sequence uint64
		var records, accepted, updated, rejected, receipt int
		var outcome transfer.Outcome
		var reasons sql.RawBytes
		if err := rows.Scan(&sequence, &records, &outcome, &accepted, &updated, &rejected, &reasons, &receipt); err != nil {
			return err
		}
		if err := addReasons(r, reasons); err != nil {
			return err
		}
		t.Messages++
		if r.FirstSequence == 0 || sequence < r.FirstSequence {
			r.FirstSequence = sequence
		}
		r.LastSequence = max(r.LastSequence, sequence)
		addOutcome(t, outcome, records, accepted+updated, rejected)
	}
	return rows.Err()
}

// addOutcome adds a message. People in a message that ended without an answer from the recipient stay pending: it is not known that they arrived.
func addOutcome(t *transfer.Totals, outcome transfer.Outcome, records, accepted, rejected int) {
	switch outcome {
	case transfer.Delivered:
		t.Delivered++
		t.Accepted, t.Rejected, t.Received = t.Accepted+accepted, t.Rejected+rejected, t.Received+accepted+rejected
	case transfer.Refused:
		t.Failed++
		t.Rejected, t.Received = t.Rejected+records, t.Received+records
	case transfer.Cancelled:
	case transfer.Disputed, transfer.Abandoned:
		t.Failed++
		t.Pending += records
	default:
		t.Pending += records
	}
}

func addReasons(r *transfer.Report, encoded []byte) error {
	if string(encoded) == "[]" {
		return nil
	}
	var reasons []transfer.Reason
	if err := json.Unmarshal(encoded, &reasons); err != nil {
		return fmt.Errorf("reading stored reasons: %w", err)
	}
	for _, why := range reasons {
		if i := indexOf(r.Reasons, why); i < 0 {
			r.Reasons = append(r.Reasons, why)
		} else {
			r.Reasons[i].People += why.People
		}
	}
	return nil
}
