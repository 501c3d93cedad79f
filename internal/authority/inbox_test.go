package authority

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// export is the sender's export of a log, with no receipts.
func (w *world) export(m *transferlog.Memory) []byte {
	w.t.Helper()
	var out bytes.Buffer
	e := evidence.NewWriter(&out, w.log.PublicKey(), w.clock.now())
	points := map[int64][]byte{}
	for _, c := range m.Checkpoints {
		points[must(w.log.PublicKey().Open(c)).Size] = c
	}
	for i, b := range m.Entries {
		e.Entry(b)
		if c := points[int64(i)+1]; c != nil {
			e.Checkpoint(c)
		}
	}
	if err := e.Close(); err != nil {
		w.t.Fatal(err)
	}
	return out.Bytes()
}

// TestVerifyLog compares the sender's log with what was received and held: an honest one, a rewritten one, and ones that
// claim or hide a message.
func TestVerifyLog(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.deliver(w.message(1))
	w.deliver(w.message(2))
	check := func(m *transferlog.Memory) []string {
		t.Helper()
		c, err := inbox.Verify(context.Background(), w.config(), bytes.NewReader(w.export(m)), platformBIN)
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, p := range c.Findings {
			codes = append(codes, p.Code)
		}
		return codes
	}
	if codes := check(&w.memory); len(codes) != 0 {
		t.Errorf("an honest log: %v", codes)
	}
	rewritten := func(change func(int, transferlog.Entry) transferlog.Entry, entries [][]byte) *transferlog.Memory {
		var m transferlog.Memory
		fresh := must(transferlog.New(w.secret))
		for i, b := range entries {
			e := change(i, must(transferlog.Decode(b)))
			if _, err := fresh.Commit(context.Background(), &m, e.When(), e); err != nil {
				t.Fatal(err)
			}
		}
		return &m
	}
	codes := check(rewritten(func(i int, e transferlog.Entry) transferlog.Entry {
		if i == 0 {
			e.(*transferlog.Intent).Ground = "another"
		}
		return e
	}, w.memory.Entries))
	if !slices.Contains(codes, "log.inconsistent") {
		t.Errorf("a rewritten log: %v", codes)
	}
	codes = check(rewritten(func(_ int, e transferlog.Entry) transferlog.Entry { return e }, w.memory.Entries[:1]))
	if !slices.Contains(codes, "log.truncated") || !slices.Contains(codes, "log.not_in_log") {
		t.Errorf("a truncated log: %v", codes)
	}
	claimed := w.message(1)
	in := intentOf(claimed.env)
	w.commit(&transferlog.Settlement{
		Intent: 2, Transfer: in.Transfer, Message: in.Message, Sequence: in.Sequence, Recipient: in.Recipient, Outcome: transferlog.Delivered,
		Receipt: record.DigestOf([]byte("x")), Accepted: 1,
	})
	if codes = check(&w.memory); !slices.Contains(codes, "log.not_received") {
		t.Errorf("a log that claims a delivery: %v", codes)
	}
	if _, err := inbox.Verify(context.Background(), w.config(), strings.NewReader("x"), "999999999999"); record.CodeOf(err) != "request.sender" {
		t.Errorf("the log of a stranger: %v", err)
	}
}

// TestVerifyStore damages each column of the stored rows; the triggers, which are dropped first, would not let it.
func TestVerifyStore(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.deliver(w.message(3))
	w.deliver(w.message(3))
	env := w.seal([]byte("{}"), 0, nil)
	refused := sent{env, w.commit(intentOf(env))[0]}
	w.advance(refused, w.held())
	w.refused(w.post(refused), 422, "schema.required")
	w.stop()
	path := filepath.Join(w.dir, "data", "authority.db")
	good := must(os.ReadFile(path))
	for _, change := range []string{
		"UPDATE message SET sequence = 7 WHERE sequence = 2", "UPDATE message SET message = randomblob(16) WHERE sequence = 2",
		"UPDATE message SET header = CAST(replace(CAST(header AS TEXT), '4.1.2', '4.1.3') AS BLOB) WHERE sequence = 2",
		"UPDATE message SET key_id = 'x' WHERE sequence = 2", "UPDATE message SET signature = randomblob(64) WHERE sequence = 2",
		"UPDATE message SET document = randomblob(100) WHERE sequence = 2",
		"UPDATE message SET ticket = (SELECT ticket FROM message WHERE sequence = 1) WHERE sequence = 2",
		"UPDATE message SET checkpoint = 1 WHERE sequence = 2", "UPDATE message SET checkpoint = 9 WHERE sequence = 2",
		"UPDATE message SET accepted = 2 WHERE sequence = 2", "UPDATE message SET rejected = 2 WHERE sequence = 2",
		"UPDATE message SET receipt = (SELECT receipt FROM message WHERE sequence = 1) WHERE sequence = 2",
		"UPDATE message SET signature = randomblob(64) WHERE sequence = 3", "UPDATE message SET code = 'x', accepted = 1 WHERE sequence = 3",
		"UPDATE message SET header = (SELECT header FROM message WHERE sequence = 1) WHERE sequence = 3",
		"UPDATE checkpoint SET root = randomblob(32) WHERE size = 2", "UPDATE checkpoint SET against = 0 WHERE size = 2",
		"UPDATE checkpoint SET proof = randomblob(32) WHERE size = 2", "UPDATE checkpoint SET signed = randomblob(100) WHERE size = 1",
		"DELETE FROM checkpoint WHERE size = 1", "UPDATE receipt_key SET pem = randomblob(10)", "DELETE FROM receipt_key",
	} {
		for _, suffix := range []string{"-wal", "-shm"} {
			_ = os.Remove(path + suffix)
		}
		w.write("data/authority.db", good)
		db := must(sql.Open("sqlite", path))
		if strings.Contains(change, " message ") {
			if _, err := db.Exec(change); err == nil {
				t.Errorf("the store lets this pass: %s", change)
			}
		}
		for _, table := range []string{"message", "checkpoint"} {
			must(db.Exec("DROP TRIGGER " + table + "_update; DROP TRIGGER " + table + "_delete"))
		}
		r := must(db.Exec(change))
		if n := must(r.RowsAffected()); n != 1 {
			t.Fatalf("%d rows changed by %s", n, change)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		c, err := inbox.Verify(context.Background(), w.config(), nil, "")
		if err == nil && len(c.Findings) == 0 {
			t.Errorf("unnoticed: %s", change)
		}
	}
}

func TestExport(t *testing.T) {
	w := newWorld(t)
	w.start()
	doc := document(4, map[int]string{
		1: `{"iin":"1","name":"Айгүл"}`, 2: `{"iin":"000000000077","name":"=1+1","phone":"@cmd","address":{"city":"a,\"b\"\n"}}`,
	})
	env := w.seal(doc, 4, nil)
	w.deliver(sent{env, w.commit(intentOf(env))[0]})
	refused := w.seal([]byte("{}"), 0, nil)
	m := sent{refused, w.commit(intentOf(refused))[0]}
	w.advance(m, w.held())
	w.post(m)
	w.deliver(w.message(1))
	var out bytes.Buffer
	if n, err := inbox.Export(context.Background(), w.config(), platformBIN, "csv", &out); err != nil || n != 4 {
		t.Fatalf("%d records, %v", n, err)
	}
	rows := must(csv.NewReader(&out).ReadAll())
	want := []string{"message", "sequence", "index", "state", "notice", "iin", "name", "phone", "address/city"}
	if len(rows) != 5 || !slices.Equal(rows[0], want) {
		t.Fatalf("%q", rows)
	}
	if got := rows[2][1:]; !slices.Equal(got, []string{"1", "2", "", "", "000000000077", "'=1+1", "'@cmd", "a,\"b\"\n"}) {
		t.Errorf("%q", got)
	}
	if rows[1][7] != "'+77010000000" || rows[3][2] != "3" || rows[4][1] != "3" {
		t.Errorf("%q", rows)
	}
	out.Reset()
	if n, err := inbox.Export(context.Background(), w.config(), platformBIN, "json", &out); err != nil || n != 4 {
		t.Fatalf("%d records, %v", n, err)
	}
	var first struct {
		Sequence, Index int
		Record          struct{ Name, Phone string }
	}
	line, err := out.ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &first) != nil || first.Record.Phone != "+77010000000" || first.Sequence != 1 {
		t.Errorf("%s", line)
	}
	if _, err := inbox.Export(context.Background(), w.config(), platformBIN, "xml", &out); record.CodeOf(err) != "request.format" {
		t.Error(err)
	}
}

// TestLostTransaction makes the store fail under a group of jobs: all of them fail, nothing is remembered of them, and the same
// message is taken later.
func TestLostTransaction(t *testing.T) {
	w := newWorld(t)
	w.start()
	m := w.message(1)
	w.advance(m, 0)
	broken := errors.New("the disk is gone")
	err := w.server.group.submit(context.Background(), func(ctx context.Context, g *group) error {
		if err := g.Raise(ctx, platformBIN, time.Now(), "x", []byte("x"), false); err != nil {
			return err
		}
		g.after = append(g.after, func() { t.Error("what was rolled back is remembered") })
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if s := must(inbox.Status(context.Background(), w.config(), w.clock.now()))[0]; len(s.Alarms) != 0 {
		t.Error("what was rolled back is stored")
	}
	db := must(sql.Open("sqlite", filepath.Join(w.dir, "data", "authority.db")))
	must(db.Exec("CREATE TRIGGER broken BEFORE INSERT ON message BEGIN SELECT RAISE(ABORT, 'no space'); END"))
	w.refused(w.post(m), 503, "service.failed")
	must(db.Exec("DROP TRIGGER broken"))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	w.receipt(m, w.post(m))
	w.sound()
}

func TestOneWriter(t *testing.T) {
	w := newWorld(t)
	w.start()
	if _, err := Open(context.Background(), w.config(), w.clock.now, w.server.log); record.CodeOf(err) != "store.locked" {
		t.Errorf("a second writer: %v", err)
	}
	w.stop()
	if _, err := inbox.Status(context.Background(), w.config(), w.clock.now()); err != nil {
		t.Error(err)
	}
}
