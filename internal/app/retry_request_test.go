package app

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// command runs a command of the office, and returns what came of a retry, and the code of its problem.
func (o *office) command(args ...string) (a retryAnswer, code string) {
	o.Helper()
	o.now = o.now.Add(time.Minute)
	s := *o.s
	s.result = nil
	root := s.root()
	root.SetArgs(append(args, "--config", o.s.config, "--json"))
	err := root.ExecuteContext(o.Context())
	if b, marshalErr := json.Marshal(s.result); marshalErr != nil || json.Unmarshal(b, &a) != nil {
		o.Fatal(string(b), marshalErr)
	}
	return a, o.code(err)
}

// answered is an office in which a request was answered, and the ministry has rejected records because they bear the same name; the platform is open for writing.
func answered(t *testing.T) (o *office, id string, first *transfer.Report, platform *sqlx.DB) {
	t.Helper()
	o = newOffice(t, true, func(w *setup.Example) {
		path := w.Path("ministry", "authority.yaml")
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte("unique: [iin]")) {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.Replace(text, []byte("unique: [iin]"), []byte("unique: [iin, family_name]"), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	platform, err := sqlx.Open("sqlite", "file:"+o.w.Path("platform.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = platform.Close() })
	platform.MustExec("UPDATE profiles SET family_name = 'Бірдей'")
	id, code := o.enter()
	if code != "" {
		t.Fatal(code)
	}
	if o.approve(id, "admin-second") != "" || o.approve(id, "admin-third") != "due" {
		t.Fatal("it is not approved")
	}
	first, err = o.v.RunWaiting(t.Context(), ministryRequest)
	if err != nil || first == nil || first.Totals.Rejected < 4 || first.Totals.Accepted == 0 {
		t.Fatalf("%v, %+v", err, first)
	}
	platform.MustExec("UPDATE profiles SET family_name = 'Бөлек' || char(1072 + rowid / 20) || char(1072 + rowid % 20)")
	return o, id, first, platform
}

// TestRetryOfAnAnswer: what the recipient has rejected of the answer to a request is sent again under that request without a new approval, as long as that is part of what was approved and the
// request is neither closed nor expired. The request stays answered once.
func TestRetryOfAnAnswer(t *testing.T) {
	o, id, first, _ := answered(t)
	again := func(args ...string) (retryAnswer, string) {
		return o.command(append([]string{"retry", "--transfer", first.ID.String(), "--reason", "names corrected"}, args...)...)
	}
	all, code := again("--code", "record.duplicate", "--dry-run")
	if code != "" || len(all.Records) != first.Totals.Rejected {
		t.Fatalf("%s: %d records of %d", code, len(all.Records), first.Totals.Rejected)
	}
	named := o.w.Path("named.txt")
	if err := os.WriteFile(named, []byte(strings.Join(all.Records[:2], "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	two, code := again("--records", named)
	if r := two.Report; code != "" || r == nil || r.Request != id || r.Totals.Read != 2 || r.Totals.Accepted != 2 || r.Basis != first.Basis || !slices.Equal(r.Fields, first.Fields) {
		t.Fatalf("%s: %+v", code, two.Report)
	}
	if _, code := o.run(id); code != "request.answered" {
		t.Errorf("the request itself: %s", code)
	}
	if got := o.approve(id, "admin-fourth"); got != "approve.answered" || o.rows(id) != 1 {
		t.Errorf("another approval: %s; %d rows", got, o.rows(id))
	}

	// Not a part of what was approved.
	for what, change := range map[string]func(r *transfer.Report){
		"a field more":    func(r *transfer.Report) { r.Fields = r.Fields[1:] },
		"another purpose": func(r *transfer.Report) { r.Purpose = "other" },
		"another ground":  func(r *transfer.Report) { r.Basis.Article = "other" },
		"another mapping": func(r *transfer.Report) { r.ID = record.NewID() },
	} {
		other := *first
		change(&other)
		if got := o.code(o.v.RetryAnswer(t.Context(), &other)); got != "retry.not_approved" {
			t.Errorf("%s: %q", what, got)
		}
	}
	table := o.w.Path("mapping", "ministry-request.yaml")
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(table, append(slices.Clone(text), "\n# another table\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, code := again("--code", "record.duplicate"); code != "retry.not_approved" {
		t.Errorf("another table: %q", code)
	}
	if err := os.WriteFile(table, text, 0o600); err != nil {
		t.Fatal(err)
	}
	now := o.now
	o.now = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, code := again("--code", "record.duplicate"); code != "legal.request_expired" {
		t.Errorf("expired: %q", code)
	}
	o.now = now
	o.close(id)
	if _, code := again("--code", "record.duplicate"); code != "request.closed" {
		t.Errorf("closed: %q", code)
	}
	list, err := o.v.Store.Transfers(t.Context(), ministryRequest, 10)
	if err != nil || len(list) != 2 {
		t.Errorf("%d transfers, %v", len(list), err)
	}
	o.command("log", "verify")
}

func (o *office) close(id string) {
	o.Helper()
	if err := o.v.Store.CloseRequest(o.Context(), o.now, id, "admin-author", "settled by letter", &transferlog.Act{Actor: "admin-author", Act: "request.close", Object: id}); err != nil {
		o.Fatal(err)
	}
}

// TestRetryOfAnAnswerIsJudgedAgain: a retry that was entered and not made is not made any more once the request is closed.
func TestRetryOfAnAnswerIsJudgedAgain(t *testing.T) {
	o, id, first, _ := answered(t)
	text, err := os.ReadFile(o.s.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.s.config, bytes.ReplaceAll(text, []byte("patience: 20s"), []byte("patience: 1s")), 0o600); err != nil {
		t.Fatal(err)
	}
	db := o.v.Store.DB()
	db.MustExec("CREATE TRIGGER full BEFORE INSERT ON part BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	db.MustExec("CREATE TRIGGER unclosed BEFORE UPDATE OF finished ON transfer BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	o.now = o.now.Add(time.Minute)
	s := *o.s
	root := s.root()
	root.SetArgs([]string{"retry", "--transfer", first.ID.String(), "--reason", "names corrected", "--code", "record.duplicate", "--config", o.s.config})
	_ = root.ExecuteContext(t.Context()) // entered, and not made
	db.MustExec("DROP TRIGGER full")
	db.MustExec("DROP TRIGGER unclosed")
	o.close(id)
	o.now = o.now.Add(2 * time.Minute) // the lease of what was cut short has ended
	if err := o.v.DeliverNow(t.Context(), ministryRequest); err != nil {
		t.Fatal(err)
	}
	list, err := o.v.Store.Transfers(t.Context(), ministryRequest, 10)
	if err != nil || len(list) != 2 || list[0].Status != transfer.NotPermitted || list[0].Code != "request.closed" || list[0].Totals.Read != 0 {
		t.Errorf("%v: %d transfers, %s [%s] %s", err, len(list), list[0].Status, list[0].Code, list[0].Totals)
	}
}
