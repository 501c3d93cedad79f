package app

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/plan"
	"birgeoqy.kz/almasu/internal/synth"
	"birgeoqy.kz/almasu/internal/transfer"
)

// What users of other export programs complain of, each as a scenario with the shipped programs.

const consent = "oblast-consent"

// plaintiff is a deployment of 200 people whose schedules are due two seconds after its start, with the oblast's authority up if it sends.
type plaintiff struct{ tellers }

func complain(t *testing.T, sends bool) *plaintiff {
	t.Helper()
	w := &setup.Example{Dir: t.TempDir(), Now: demo.Start, People: 200, Batch: 20}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Oblast.URL = "https://127.0.0.1:9"
	if sends {
		start(t, w, w.Oblast)
	}
	w.Ministry.URL = w.Oblast.URL
	if err := w.WriteConfig(demo.Start.Truncate(time.Minute).Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	k := &plaintiff{tellers{T: t, w: w}}
	k.edit("almasu.yaml", "patience: 20s", "patience: 1s")
	k.almasu(0, "", "migrate")
	return k
}

// transfers lists the consent route's transfers, the latest first.
func (k *plaintiff) transfers() []*transfer.Report {
	k.Helper()
	var answer struct {
		Result struct{ Transfers []*transfer.Report }
	}
	if err := json.Unmarshal([]byte(k.almasu(0, "", "transfers", "--json", "--connector", consent)), &answer); err != nil {
		k.Fatal(err)
	}
	return answer.Result.Transfers
}

// plan is what a run would do now.
func (k *plaintiff) plan() *plan.Plan {
	k.Helper()
	var answer struct{ Result plan.Plan }
	if err := json.Unmarshal([]byte(k.almasu(0, "", "plan", consent, "--reason", "test", "--json")), &answer); err != nil {
		k.Fatal(err)
	}
	return &answer.Result
}

// send runs the consent route and returns its report.
func (k *plaintiff) send(code int) *transfer.Report {
	k.Helper()
	k.w.Now = k.w.Now.Add(time.Minute)
	k.almasu(code, "", "run", consent, "--reason", "test")
	return k.transfers()[0]
}

// open opens a database of the deployment.
func (k *plaintiff) open(name string) *sqlx.DB {
	k.Helper()
	db, err := sqlx.Open("sqlite", "file:"+k.w.Path(name)+"?_pragma=busy_timeout(10000)")
	if err != nil {
		k.Fatal(err)
	}
	k.Cleanup(func() { _ = db.Close() })
	return db
}

// TestComplaint01GreenWhenItWasRed: a run that reached nobody, one that lost records and one that the law refused each say so, by status and by exit code; every
// record read is counted once.
func TestComplaint01GreenWhenItWasRed(t *testing.T) {
	k := complain(t, false)
	if r := k.send(exit.NotWell); r.Status == transfer.Successful || r.Status == transfer.SentWithRejects || r.Totals.Accepted != 0 || r.Totals.Pending == 0 || !r.Totals.Balanced() {
		t.Errorf("nobody answers: %s, %s", r.Status, r.Totals)
	}
	k = complain(t, true)
	k.open("platform.db").MustExec("UPDATE profiles SET phone = 'none'")
	if r := k.send(exit.WithRejects); r.Status != transfer.SentWithRejects || r.Totals.Withheld == 0 || !r.Totals.Balanced() {
		t.Errorf("withheld: %s, %s", r.Status, r.Totals)
	}
	k.edit("register/routes/oblast-consent.yaml", "correction_days: 365", "correction_days: 364")
	if r := k.send(exit.NotWell); r.Status != transfer.NotPermitted || r.Code != "legal.not_approved" || r.Totals.Read != 0 {
		t.Errorf("not approved: %s, %s, %s", r.Status, r.Code, r.Totals)
	}
}

// TestComplaint02FailedReadIsNoDeletion: a read that breaks off in the middle withdraws nobody: what the recipient holds stays as it was.
func TestComplaint02FailedReadIsNoDeletion(t *testing.T) {
	k := complain(t, true)
	k.send(exit.WithRejects)
	before, states := k.export(k.w.Oblast)
	platform := k.open("platform.db")
	platform.MustExec("ALTER TABLE profiles RENAME TO gone")
	k.w.Now = k.w.Now.Add(time.Minute)
	k.almasu(exit.NotWell, "source.database", "run", consent, "--reason", "the table is gone")
	if r := k.transfers()[0]; r.Status != transfer.Failed || r.Totals.Messages != 0 {
		t.Errorf("the table is gone: %s, %s", r.Status, r.Totals)
	}
	after, now := k.export(k.w.Oblast)
	if len(before) == 0 || len(after) != len(before) || states["accepted"] != now["accepted"] {
		t.Errorf("%d people before, %v; %d after, %v", len(before), states, len(after), now)
	}
	// Where what has left the scope is withdrawn, neither a read that fails nor one that meets nobody withdraws anybody; one that is complete does.
	platform.MustExec("ALTER TABLE gone RENAME TO profiles")
	k.edit("almasu.yaml", "compare: none", "compare: full")
	k.send(exit.WithRejects)
	platform.MustExec("ALTER TABLE profiles RENAME TO gone")
	if r := k.send(exit.NotWell); r.Withdrawn != 0 {
		t.Errorf("a failed read withdraws %d", r.Withdrawn)
	}
	platform.MustExec("CREATE TABLE profiles AS SELECT * FROM gone WHERE false")
	if r := k.send(exit.NotWell); r.Status != transfer.Failed || r.Withdrawn != 0 || r.Totals.Read != 0 {
		t.Errorf("a read of nobody: %s [%s], %s, %d withdrawn", r.Status, r.Code, r.Totals, r.Withdrawn)
	}
	if _, now = k.export(k.w.Oblast); now["accepted"] != states["accepted"] {
		t.Errorf("%v; after two broken reads %v", states, now)
	}
	platform.MustExec("DROP TABLE profiles")
	platform.MustExec("ALTER TABLE gone RENAME TO profiles")
	for iin := range before {
		platform.MustExec("DELETE FROM profiles WHERE iin = $1", iin)
		break
	}
	k.send(exit.NotWell) // by this clock the authority does not take the withdrawal, which therefore waits
	if !slices.ContainsFunc(k.transfers(), func(r *transfer.Report) bool { return r.Withdrawn == 1 }) {
		t.Error("one person has left, and nobody is withdrawn")
	}
}

// TestComplaint03MissedOrDoubled: three due times come while no service runs: all are visible, and the latest is run, once.
func TestComplaint03MissedOrDoubled(t *testing.T) {
	k := complain(t, true)
	serveUntil(t, almasuArgs(k.w, "serve"), `"transfer closed"`, consent)
	k.w.Now = k.w.Now.AddDate(0, 0, 3).Add(time.Minute)
	old := k.w.Oblast.URL
	if err := k.w.Oblast.Stop(); err != nil {
		t.Fatal(err)
	}
	start(t, k.w, k.w.Oblast)
	k.edit("almasu.yaml", old, k.w.Oblast.URL)
	history := ""
	for range 4 { // a service that was ended before it could mark a row says again what came of it
		serveUntil(t, almasuArgs(k.w, "serve"), `"transfer closed"`, consent)
		if history = k.almasu(0, "", "schedule", consent, "--history"); strings.Count(history, " sent_with_rejects") == 2 {
			break
		}
	}
	if strings.Count(history, " missed ") != 2 || strings.Count(history, " sent_with_rejects") != 2 || len(k.transfers()) != 2 {
		t.Errorf("%d transfers\n%s", len(k.transfers()), history)
	}
	if log := k.almasu(0, "", "log", "show"); strings.Count(log, "run.missed") < 2 {
		t.Error("the log is silent of what was missed")
	}
	gap := k.almasu(0, "", "schedule", "--cron", "30 2 * * *", "--zone", "Europe/Berlin", "--from", "2027-03-28", "--count", "1")
	if !strings.Contains(gap, "03:00 +0200") || !strings.Contains(gap, "gap: ") {
		t.Error(gap)
	}
}

// TestComplaint04LateCommit: a change that was begun before a run and is committed after it, with an older time of change, is in the next run.
func TestComplaint04LateCommit(t *testing.T) {
	platform := pgtest.New(t)
	if err := synth.Load(t.Context(), platform.DB, synth.Options{People: 200, Seed: 2, At: demo.Start}); err != nil {
		t.Fatal(err)
	}
	w := deployment(t, platform.DSN)
	oblastOnly(t, w, demo.Start.Add(5*time.Hour))
	k := &plaintiff{tellers{T: t, w: w}}
	k.almasu(0, "", "migrate")
	late := platform.DB.MustBegin()
	late.MustExec("UPDATE profiles SET family_name = 'Кейін'")
	k.send(exit.WithRejects)
	named := func() (n int) {
		people, _ := k.export(w.Oblast)
		for _, h := range people {
			if h.Record["family_name"] == "Кейін" {
				n++
			}
		}
		return n
	}
	if n := named(); n != 0 {
		t.Errorf("%d people have a value that is not committed", n)
	}
	if err := late.Commit(); err != nil {
		t.Fatal(err)
	}
	if r := k.send(exit.WithRejects); r.Totals.Accepted == 0 || named() < r.Totals.Accepted {
		t.Errorf("%d of %d have the value", named(), r.Totals.Accepted)
	}
}

// TestComplaint05OneBadRecord: one record that has no form stops nobody else, and does not vanish.
func TestComplaint05OneBadRecord(t *testing.T) {
	k := complain(t, true)
	r := k.send(exit.WithRejects)
	people, _ := k.export(k.w.Oblast)
	for iin, h := range people {
		if phone, given := h.Record["phone"].(string); given && phone != "" { // not every consent names it
			k.open("platform.db").MustExec("UPDATE profiles SET phone = 'none' WHERE iin = $1", iin)
			break
		}
	}
	bad := k.send(exit.WithRejects)
	if bad.Totals.Accepted != r.Totals.Accepted-1 || bad.Totals.Withheld != r.Totals.Withheld+1 || bad.Totals.Read != r.Totals.Read {
		t.Errorf("before %s; with one bad record %s", r.Totals, bad.Totals)
	}
	if shown := k.almasu(0, "", "transfers", bad.ID.String()); !strings.Contains(shown, "mapping.not_phone (no telephone number of Kazakhstan): phone") {
		t.Errorf("the bad record has no reason:\n%s", shown)
	}
	// Corrected, it goes with the next run. What the recipient rejects is sent again by itself: TestRetry. Too many of either hold a run: TestHeldAndNotSent.
	k.open("platform.db").MustExec("UPDATE profiles SET phone = '+77010000001' WHERE phone = 'none'")
	if mended := k.send(exit.WithRejects); mended.Totals.Accepted != r.Totals.Accepted || mended.Totals.Withheld != r.Totals.Withheld {
		t.Errorf("before %s; corrected %s", r.Totals, mended.Totals)
	}
}

// TestComplaint06ErrorsHaveAPlace: a mistake in a file is told with file, line and column, a code and what to do.
func TestComplaint06ErrorsHaveAPlace(t *testing.T) {
	k := complain(t, false)
	text, err := os.ReadFile(k.w.Path("mapping/oblast-consent.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	at := slices.IndexFunc(lines, func(s string) bool { return strings.Contains(s, "from: phone") })
	lines[at] = strings.Replace(lines[at], "from: phone", "from: shoe_size", 1)
	if err := os.WriteFile(k.w.Path("mapping/oblast-consent.yaml"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := run(t, "almasu", almasuArgs(k.w, "check")...)
	place := "mapping/oblast-consent.yaml:" + strconv.Itoa(at+1) + ":"
	if code != exit.NotUnderstood || !strings.Contains(stderr, place) || !strings.Contains(stderr, "[mapping.") {
		t.Errorf("exit code %d, want %s\n%s", code, place, stderr)
	}
}

// TestComplaint07StateIsNotEditedByHand: the state is shown whole; a part of it is forgotten only by an act that names the state that was looked at, after a dry run; an edit of the store
// by somebody who may write it is found by the check of the log.
func TestComplaint07StateIsNotEditedByHand(t *testing.T) {
	k := complain(t, true)
	k.send(exit.WithRejects)
	k.edit("almasu.yaml", "compare: none", "compare: full")
	k.send(exit.WithRejects)
	looked := func() string {
		var answer struct {
			Result struct {
				Digest string
				People int
			}
		}
		if err := json.Unmarshal([]byte(k.almasu(0, "", "state", consent, "--json")), &answer); err != nil || answer.Result.People == 0 {
			t.Fatal(answer, err)
		}
		return answer.Result.Digest
	}
	seen := looked()
	k.almasu(0, "--state "+seen, "state", "forget", consent, "--book", "--dry-run")
	k.almasu(0, "paused", "pause", consent, "--reason", "the receiver is moved")
	k.almasu(exit.NotUnderstood, "state.moved", "state", "forget", consent, "--book", "--state", seen, "--reason", "letter no. 16")
	k.almasu(0, "Forgotten", "state", "forget", consent, "--book", "--state", looked(), "--reason", "letter no. 16")
	k.almasu(0, `"act":"state.forget"`, "log", "show", "--limit", "500")
	k.almasu(0, "", "log", "verify")
	db := k.open("almasu.db")
	const forge = `UPDATE log_entry SET body = CAST(replace(CAST(body AS TEXT), '"path":"consent"', '"path":"statute"') AS BLOB)`
	if _, err := db.Exec(forge); err == nil {
		t.Error("rows of the log are changed without resistance")
	}
	db.MustExec("DROP TRIGGER log_entry_no_update")
	db.MustExec(forge)
	if stdout, stderr, code := run(t, "almasu", almasuArgs(k.w, "log", "verify")...); code == 0 {
		t.Errorf("not found:\n%s%s", stdout, stderr)
	}
	// Bytes that no program prints stand quoted. A log that lacks an entry is a finding, and half an export of it is not left.
	db.MustExec("UPDATE log_entry SET body = x'1b5b324a' WHERE idx = 2")
	k.almasu(0, `2 "\x1b[2J" (altered: see almasu log verify)`, "log", "show", "--limit", "3")
	db.MustExec("DROP TRIGGER log_entry_no_delete")
	db.MustExec("DELETE FROM log_entry WHERE idx = 1")
	file := k.w.Path("half.jsonl")
	for _, args := range [][]string{{"log", "verify"}, {"log", "show"}, {"log", "export", "--output", file}} {
		k.almasu(exit.NotWell, "log.entries_missing", args...)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half an export is there: %v", err)
	}
}

// TestComplaint08GovernanceIsOpen: two persons' approval, rights on columns, the log and its check by a program of its own are all in what is shipped.
func TestComplaint08GovernanceIsOpen(t *testing.T) {
	k := complain(t, true)
	k.almasu(exit.NotUnderstood, "approve.own", "approve", "--route", consent, "--as", "admin-author", "--key", k.w.Path("keys/admin-author.pem"))
	k.almasu(0, "signature: ", "approve", "--route", consent, "--as", "admin-second", "--key", k.w.Path("keys/admin-second.pem"))
	k.send(exit.WithRejects)
	k.almasu(0, "", "log", "replay")
	k.almasu(0, "", "log", "export", "--output", k.w.Path("log.jsonl"))
	if stdout, stderr, code := run(t, "almasu-verify", "--key", k.w.Path("oblast/sender-log.pub"), "--recipient-key", "351240000040="+k.w.Path("oblast/receipt.pub"), k.w.Path("log.jsonl")); code != 0 || !strings.Contains(stdout, "VERIFIED") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// TestComplaint09ZoneIsAFieldOfItsOwn: the zone stands beside the expression, is checked, and moves the time.
func TestComplaint09ZoneIsAFieldOfItsOwn(t *testing.T) {
	k := complain(t, false)
	for zone, want := range map[string]string{"Asia/Almaty": "2026-11-24T02:00:00Z", "Europe/Berlin": "2026-11-23T06:00:00Z", "UTC": "2026-11-23T07:00:00Z"} {
		k.almasu(0, want, "schedule", "--cron", "0 7 * * *", "--zone", zone, "--from", "2026-11-23T02:00:01Z", "--count", "1")
	}
	k.almasu(exit.NotUnderstood, "schedule.expression", "schedule", "--cron", "CRON_TZ=Europe/Berlin 0 7 * * *", "--zone", "UTC")
	k.edit("almasu.yaml", ", zone: Asia/Almaty}", "}")
	k.almasu(exit.NotUnderstood, "zone", "check")
}

// TestComplaint10OneScheduleForAllNodes: what is said to one node holds on every other: a pause is in the database and not in a node's configuration.
func TestComplaint10OneScheduleForAllNodes(t *testing.T) {
	k := complain(t, true)
	text, err := os.ReadFile(k.w.Path("almasu.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.w.Write("other.yaml", text); err != nil {
		t.Fatal(err)
	}
	k.almasu(0, "paused", "pause", consent, "--reason", "the receiver is moved")
	other := append([]string{"--config", k.w.Path("other.yaml")}, almasuArgs(k.w, "serve")[2:]...)
	serveUntil(t, other, `"transfer closed"`, "ministry-statute")
	if history := k.almasu(0, "", "schedule", consent, "--history"); !strings.Contains(history, "missed") || !strings.Contains(history, "the receiver is moved") {
		t.Errorf("the other node does not know of the pause:\n%s", history)
	}
	if list := k.transfers(); len(list) != 0 {
		t.Errorf("%d transfers of a paused connector", len(list))
	}
}

// TestComplaint10NoTwoSchedules: a node with another copy of the schedule does not act by it beside the first: it waits, says so, and serves when the first is gone.
func TestComplaint10NoTwoSchedules(t *testing.T) {
	k := complain(t, true)
	text, err := os.ReadFile(k.w.Path("almasu.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	other := strings.ReplaceAll(strings.Replace(string(text), `{cron: "0 7 * * *"`, `{cron: "1 7 * * *"`, 2), "poll: 300ms", "poll: 200ms")
	if other == string(text) || strings.Contains(other, `"0 7 * * *"`) {
		t.Fatal("the schedules are not those of the example")
	}
	if err := k.w.Write("other.yaml", []byte(other)); err != nil {
		t.Fatal(err)
	}
	first, firstLog := k.serve("almasu.yaml")
	firstLog.until(`"transfer closed"`, consent)
	second, secondLog := k.serve("other.yaml")
	secondLog.until("this process waits", "deployment.other")
	k.almasu(exit.NotWell, "doctor.deployment_waits", "doctor")
	same, sameLog := k.serve("almasu.yaml")
	sameLog.until(`"serving"`)
	k.almasu(exit.NotWell, "2 serve, by the files of this machine", "doctor", "--json")
	ended(t, same)
	if waits := secondLog.so(); strings.Contains(waits, "this process serves") {
		t.Errorf("it serves beside another configuration:\n%s", waits)
	}
	ended(t, first)
	secondLog.until("this process serves")
	ended(t, second)
	k.almasu(0, `"act":"deployment.serve"`, "log", "show", "--limit", "500")
	if history := k.almasu(0, "", "schedule", "--history"); strings.Contains(history, "T02:01:00Z") {
		t.Errorf("a due time of the other schedule was entered:\n%s", history)
	}
}

// TestComplaint11AttemptsAddUp: a run that broke off in the middle and was gone on with reports all of it, and not its last part.
func TestComplaint11AttemptsAddUp(t *testing.T) {
	k := complain(t, true)
	whole := k.plan()
	db := k.open("almasu.db")
	db.MustExec("CREATE TRIGGER full BEFORE INSERT ON settlement WHEN (SELECT count(*) FROM settlement) >= 8 BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	db.MustExec("CREATE TRIGGER unclosed BEFORE UPDATE OF finished ON transfer BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	k.almasu(-1, "the disk is full", "run", consent, "--reason", "test")
	var settled int
	if err := db.Get(&settled, "SELECT count(*) FROM settlement"); err != nil || settled == 0 || settled >= whole.Messages {
		t.Fatalf("%d of %d messages are settled, %v", settled, whole.Messages, err)
	}
	db.MustExec("DROP TRIGGER full")
	db.MustExec("DROP TRIGGER unclosed")
	k.w.Now = k.w.Now.Add(time.Minute)
	serveUntil(t, almasuArgs(k.w, "serve"), `"transfer closed"`, consent)
	list := k.transfers()
	if r := list[0]; len(list) != 1 || r.Totals.Read != whole.Read || r.Totals.Accepted != whole.Send || r.Totals.Refused != whole.Refused || r.Totals.Messages != whole.Messages || !r.Totals.Balanced() {
		t.Errorf("%d transfers; planned %+v, done %s", len(list), whole, r.Totals)
	}
}

// TestComplaint12NoSilentDrop: everybody who is not sent has a reason, the reasons add up, and a second run doubles nobody at the recipient.
func TestComplaint12NoSilentDrop(t *testing.T) {
	k := complain(t, true)
	first := k.send(exit.WithRejects)
	reasons := 0
	for _, r := range first.Reasons {
		reasons += r.People
	}
	if first.Totals.Refused == 0 || reasons < first.Totals.Refused || first.Totals.Read != 200 || !first.Totals.Balanced() {
		t.Errorf("%d with a reason; %s", reasons, first.Totals)
	}
	before, _ := k.export(k.w.Oblast)
	second := k.send(exit.WithRejects)
	after, _ := k.export(k.w.Oblast)
	if len(before) != first.Totals.Accepted || len(after) != len(before) || second.Totals.Accepted != first.Totals.Accepted {
		t.Errorf("%d people at the recipient after %s; %d after %s", len(before), first.Totals, len(after), second.Totals)
	}
	// Where the recipient's holdings are compared, what has not changed is not sent, and is counted as such.
	k.edit("almasu.yaml", "compare: none", "compare: full")
	k.send(exit.WithRejects)
	if third := k.send(exit.WithRejects); third.Totals.Accepted != 0 || third.Totals.Unchanged != first.Totals.Accepted || third.Totals.Messages != 0 || !third.Totals.Balanced() {
		t.Errorf("nothing has changed: %s", third.Totals)
	}
}
