package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
)

// page is how many entries of the log are read at once.
const page = 500

// Export writes the whole log as it is at one moment: every entry, the receipt before the settlement that names it, and the
// checkpoint after the entry that completes it. The keys of recipients are written before, the last line after, by the caller. Memory does
// not grow with the log. The code of a log that lacks entries is log.entries_missing.
func (s *Store) Export(ctx context.Context, w *evidence.Writer) error {
	return s.Look(ctx, func(tx *sqlx.Tx) error { return exportLog(ctx, tx, w) })
}

func exportLog(ctx context.Context, tx *sqlx.Tx, w *evidence.Writer) error {
	var size int64
	if err := tx.GetContext(ctx, &size, "SELECT size FROM log_head WHERE id = 1"); err != nil {
		return fmt.Errorf("reading the head of the log: %w", err)
	}
	for from := int64(0); from < size; from += page {
		if err := exportPage(ctx, tx, w, from, min(from+page, size)); err != nil {
			return fmt.Errorf("exporting the log: %w", err)
		}
	}
	return nil
}

func exportPage(ctx context.Context, tx *sqlx.Tx, w *evidence.Writer, from, to int64) error {
	rows, err := tx.QueryxContext(ctx, `SELECT e.idx, e.body, s.receipt, c.body FROM log_entry e
		LEFT JOIN settlement s ON s.entry = e.idx LEFT JOIN log_checkpoint c ON c.size = e.idx + 1
		WHERE e.idx >= $1 AND e.idx < $2 ORDER BY e.idx`, from, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	next := from
	for ; rows.Next(); next++ {
		var at int64
		var entry, receipt, checkpoint sql.RawBytes
		if err := rows.Scan(&at, &entry, &receipt, &checkpoint); err != nil {
			return err
		}
		if at != next {
			break
		}
		if len(receipt) > 0 {
			w.Receipt(receipt)
		}
		w.Entry(entry)
		if len(checkpoint) > 0 {
			w.Checkpoint(checkpoint)
		}
	}
	if err := rows.Err(); err != nil || next == to {
		return err
	}
	return missing(next)
}

// missing says that an entry of the log is not there.
func missing(index int64) error {
	return record.NewProblem("log.entries_missing", "", "somebody has removed it: see docs/operations.md, The log does not verify", "entry %d of the log is missing", index)
}

// Entries returns at most limit entries of the log from index from, as they stand in it. The code of a log that lacks one of them is log.entries_missing.
func (s *Store) Entries(ctx context.Context, from int64, limit int) ([][]byte, error) {
	var out [][]byte
	if err := s.read.SelectContext(ctx, &out, "SELECT CASE WHEN idx = $1 + row_number() OVER (ORDER BY idx) - 1 THEN body END FROM log_entry WHERE idx >= $1 ORDER BY idx LIMIT $2", from, int64(limit)); err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	if i := slices.IndexFunc(out, func(b []byte) bool { return b == nil }); i >= 0 {
		return nil, missing(from + int64(i))
	}
	return out, nil
}
