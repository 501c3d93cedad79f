package app

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// demoCrook plays a dishonest operator with all keys and the whole database: one row is altered, then the whole log is written anew
// and signed again.
func (s *session) demoCrook(ctx context.Context, w *demoWorld, result *demoResult) error {
	s.tell("\nNow a dishonest operator. First: one row of the log is altered, a refused person more, in the database itself.")
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
func (s *session) alterRow(ctx context.Context, w *demoWorld) ([]string, error) {
	data, err := os.ReadFile(w.path("almasu.db"))
	if err != nil {
		return nil, environment(err)
	}
	copyPath := w.path("almasu-altered.db")
	if err := writeNew(copyPath, data, 0o600); err != nil {
		return nil, err
	}
	db, err := sqlx.Open("sqlite", "file:"+copyPath)
	if err != nil {
		return nil, environment(err)
	}
	_, err = db.ExecContext(ctx, `DROP TRIGGER log_entry_no_update;
		UPDATE log_entry SET body = CAST(replace(CAST(body AS TEXT), '"kind":"refusals"', '"kind":"Refusals"') AS BLOB)
		WHERE idx = (SELECT min(idx) FROM log_entry WHERE instr(CAST(body AS TEXT), '"kind":"refusals"') > 0)`)
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, environment(err)
	}
	text, err := os.ReadFile(s.config)
	if err != nil {
		return nil, environment(err)
	}
	other := "almasu-altered.yaml"
	if err := w.write(other, bytes.Replace(text, []byte("path: almasu.db"), []byte("path: almasu-altered.db"), 1)); err != nil {
		return nil, err
	}
	crook := *s
	crook.config = w.path(other)
	export := w.path("log-altered.jsonl")
	if err := crook.exportTo(ctx, export); err != nil {
		return nil, err
	}
	report, err := verifyFile(export)
	if err != nil {
		return nil, err
	}
	return report.Codes(), nil
}

// rewriteLog rebuilds the log without the last delivered message to the ministry, with the real key, and shows it to the ministry.
func (s *session) rewriteLog(ctx context.Context, w *demoWorld) ([]string, error) {
	secret, err := os.ReadFile(w.path("keys", logKeyFile))
	if err != nil {
		return nil, environment(err)
	}
	log, err := transferlog.New(string(secret))
	if err != nil {
		return nil, err
	}
	entries, err := readEntries(w.path("log.jsonl"))
	if err != nil {
		return nil, err
	}
	forged := w.path("log-rewritten.jsonl")
	f, err := os.OpenFile(forged, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, environment(err)
	}
	defer f.Close()
	out := evidence.NewWriter(f, log.PublicKey(), s.now())
	memory := &transferlog.Memory{}
	for _, e := range forge(entries) {
		c, err := log.Commit(ctx, memory, e.When(), e)
		if err != nil {
			return nil, fmt.Errorf("forging the log: %w", err)
		}
		c.Committed()
		out.Entry(memory.Entries[len(memory.Entries)-1])
		out.Checkpoint(c.Checkpoint())
	}
	if err := out.Close(); err != nil {
		return nil, environment(err)
	}
	codes, _, err := w.askAuthority(ctx, w.ministry, forged)
	return codes, err
}

// forge leaves out everything about the last message, and moves the indexes that settlements name.
func forge(entries []transferlog.Entry) []transferlog.Entry {
	var victim record.ID
	for _, e := range entries {
		if intent, ok := e.(*transferlog.Intent); ok {
			victim = intent.Message
		}
	}
	var out []transferlog.Entry
	moved := map[int64]int64{}
	for i, e := range entries {
		switch e := e.(type) {
		case *transferlog.Intent:
			if e.Message == victim {
				continue
			}
			moved[int64(i)] = int64(len(out))
		case *transferlog.Settlement:
			if e.Message == victim {
				continue
			}
			e.Intent = moved[e.Intent]
		}
		out = append(out, e)
	}
	return out
}

// readEntries reads the entries of an export.
func readEntries(path string) ([]transferlog.Entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, environment(err)
	}
	defer f.Close()
	var out []transferlog.Entry
	_, err = evidence.Verify(bufio.NewReader(f), evidence.Options{Observe: func(_ int64, e transferlog.Entry) { out = append(out, e) }})
	return out, err
}
