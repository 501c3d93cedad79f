package demo

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// crook plays a dishonest operator with all keys and the whole database: one row is altered, then the whole log is written anew
// and signed again.
func (s *show) crook(ctx context.Context, w *setup.Example, result *Result) error {
	s.tell("\nNow a dishonest operator. First: in the database itself, one row of the log is altered: a message sent by statute becomes one sent by consent.")
	codes, err := s.alterRow(ctx, w)
	if err != nil {
		return err
	}
	result.Altered = codes
	s.tell("  caught by the offline check: %v", codes)
	s.tell("Second: the whole log is written anew without one message and signed again with the real key, flawless in itself.")
	if result.Rewritten, err = s.rewriteLog(ctx, w); err != nil {
		return err
	}
	s.tell("  caught by the ministry, which holds an earlier checkpoint: %v", result.Rewritten)
	return nil
}

// alterRow changes one entry in a copy of the database and verifies.
func (s *show) alterRow(ctx context.Context, w *setup.Example) ([]string, error) {
	data, err := os.ReadFile(w.Path("almasu.db"))
	if err != nil {
		return nil, exit.Environment(err)
	}
	copyPath := w.Path("almasu-altered.db")
	if err := setup.WriteNew(copyPath, data, 0o600); err != nil {
		return nil, err
	}
	db, err := sqlx.Open("sqlite", record.FileURI(copyPath))
	if err != nil {
		return nil, exit.Environment(err)
	}
	_, err = db.ExecContext(ctx, `DROP TRIGGER log_entry_no_update;
		UPDATE log_entry SET body = CAST(replace(CAST(body AS TEXT), '"path":"statute"', '"path":"consent"') AS BLOB)
		WHERE idx = (SELECT min(idx) FROM log_entry WHERE instr(CAST(body AS TEXT), '"path":"statute"') > 0)`)
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, exit.Environment(err)
	}
	text, err := os.ReadFile(s.config)
	if err != nil {
		return nil, exit.Environment(err)
	}
	other := "almasu-altered.yaml"
	if err := w.Write(other, bytes.Replace(text, []byte("path: almasu.db"), []byte("path: almasu-altered.db"), 1)); err != nil {
		return nil, err
	}
	export := w.Path("log-altered.jsonl")
	if err := s.exportTo(ctx, w.Path(other), export); err != nil {
		return nil, err
	}
	report, err := verifyFile(export)
	if err != nil {
		return nil, err
	}
	return report.Codes(), nil
}

// rewriteLog rebuilds the log without the last delivered message to the ministry, with the real key, and shows it to the ministry.
func (s *show) rewriteLog(ctx context.Context, w *setup.Example) ([]string, error) {
	v, err := s.Open(ctx, s.config, service.Parts{Store: true})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	entries, receipts, err := readExport(w.Path("log.jsonl"))
	if err != nil {
		return nil, err
	}
	forged := w.Path("log-rewritten.jsonl")
	f, err := os.OpenFile(forged, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, exit.Environment(err)
	}
	defer f.Close()
	out := v.BeginExport(f)
	memory := &transferlog.Memory{}
	for _, e := range forge(entries) {
		c, err := v.Log.Commit(ctx, memory, e.When(), e)
		if err != nil {
			return nil, fmt.Errorf("forging the log: %w", err)
		}
		c.Committed()
		entry := memory.Entries[len(memory.Entries)-1]
		if settled, ok := e.(*transferlog.Settlement); ok {
			out.Receipt(receipts[settled.Receipt])
		}
		out.Entry(entry)
		out.Checkpoint(c.Checkpoint())
	}
	if err := out.Close(); err != nil {
		return nil, exit.Environment(err)
	}
	codes, _, err := askAuthority(ctx, w, w.Ministry, forged)
	return codes, err
}

// forge leaves out everything about the last message, moves the indexes that settlements name, and makes the run's sums agree.
func forge(entries []transferlog.Entry) []transferlog.Entry {
	var victim *transferlog.Intent
	for _, e := range entries {
		if intent, ok := e.(*transferlog.Intent); ok {
			victim = intent
		}
	}
	var out []transferlog.Entry
	moved := map[int64]int64{}
	for i, e := range entries {
		switch e := e.(type) {
		case *transferlog.Intent:
			if e == victim {
				continue
			}
			moved[int64(i)] = int64(len(out))
		case *transferlog.Settlement:
			if e.Message == victim.Message {
				continue
			}
			e.Intent = moved[e.Intent]
		case *transferlog.Run:
			if e.Transfer == victim.Transfer {
				e.Read, e.Accepted, e.Receiver = e.Read-victim.Records, e.Accepted-victim.Records, e.Receiver-victim.Records
				e.Last--
			}
		}
		out = append(out, e)
	}
	return out
}

// readExport reads the entries of an export, and its receipts by digest.
func readExport(path string) (entries []transferlog.Entry, receipts map[record.Digest][]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, exit.Environment(err)
	}
	defer f.Close()
	receipts = map[record.Digest][]byte{}
	_, err = evidence.Verify(f, evidence.Options{
		Observe:        func(_ int64, e transferlog.Entry) { entries = append(entries, e) },
		ObserveReceipt: func(b []byte) { receipts[record.DigestOf(b)] = b },
	})
	return entries, receipts, err
}
