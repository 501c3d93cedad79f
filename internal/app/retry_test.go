package app

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
)

// outcomesOf is what transfers show --outcomes says of a transfer.
type outcomesOf struct {
	RetriedBy []struct{ Transfer string } `json:"retried_by"`
	RetryOf   *struct{ Transfer string }  `json:"retry_of"`
	Outcomes  struct {
		Rejected int
		Groups   []struct {
			Code    string
			Count   int
			Records []string
			Texts   []struct{ Text string }
		}
	}
}

// rejecting is a deployment of 120 people whose oblast refuses telephone numbers that it has met in the same message. Everybody was sent once; since then the platform has one number for all.
func rejecting(t *testing.T) (*plaintiff, *sqlx.DB) {
	t.Helper()
	w := &setup.Example{Dir: t.TempDir(), Now: demo.Start, People: 120, Batch: 40}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	k := &plaintiff{tellers{T: t, w: w}}
	k.edit("oblast/authority.yaml", "unique: [iin]", "unique: [iin, phone]")
	oblastOnly(t, w, demo.Start.Truncate(time.Minute).Add(time.Hour))
	k.edit("almasu.yaml", "patience: 20s", "patience: 1s")
	k.almasu(0, "", "migrate")
	platform := k.open("platform.db")
	platform.MustExec("UPDATE profiles SET phone = '+7701' || printf('%07d', rowid)")
	k.send(exit.WithRejects)
	platform.MustExec("UPDATE profiles SET phone = '+77010000000'")
	return k, platform
}

func (k *plaintiff) outcomes(id record.ID) (o outcomesOf) {
	k.Helper()
	var answer struct{ Result outcomesOf }
	if err := json.Unmarshal([]byte(k.almasu(0, "", "transfers", "show", id.String(), "--outcomes", "--json")), &answer); err != nil {
		k.Fatal(err)
	}
	return answer.Result
}

type retryAnswer struct {
	Transfer               string
	Records                []string
	Already, Unknown, Gone int
	Report                 *transfer.Report
}

func (k *plaintiff) retry(code int, words string, args ...string) (a retryAnswer) {
	k.Helper()
	k.w.Now = k.w.Now.Add(time.Minute)
	var answer struct{ Result retryAnswer }
	if err := json.Unmarshal([]byte(k.almasu(code, words, append([]string{"retry", "--json", "--reason", "numbers corrected"}, args...)...)), &answer); err != nil {
		k.Fatal(err)
	}
	return answer.Result
}

// TestRetry: what the recipient rejected is shown by its code, corrected on the platform, and sent again as the law permits now: once, to nobody else, and linked.
func TestRetry(t *testing.T) {
	k, platform := rejecting(t)
	first := k.send(exit.WithRejects)
	id := first.ID.String()
	o := k.outcomes(first.ID)
	if first.Totals.Rejected < 20 || o.Outcomes.Rejected != first.Totals.Rejected || len(o.Outcomes.Groups) != 1 || len(o.Outcomes.Groups[0].Records) != first.Totals.Rejected {
		t.Fatalf("%s; shown %+v", first.Totals, o)
	}
	g := o.Outcomes.Groups[0]
	if g.Code != "record.duplicate" || !strings.Contains(g.Texts[0].Text, "/phone") {
		t.Errorf("%s: %v", g.Code, g.Texts)
	}
	for lang, want := range map[string]string{"en": "records that it had", "ru": "Не принято получателем записей", "kk": "Алушы қабылдамаған жазбалар"} {
		k.almasu(0, want, "transfers", "show", id, "--outcomes", "--lang", lang)
	}

	// Refused before anything is opened or sent.
	reason := []string{"--reason", "r"}
	k.almasu(exit.NotUnderstood, "usage.reason", "retry", "--transfer", id, "--code", "record.duplicate")
	k.almasu(exit.NotUnderstood, "usage.records", append([]string{"retry", "--transfer", id}, reason...)...)
	k.almasu(exit.NotUnderstood, "usage.transfer", append([]string{"retry", "--transfer", "x", "--code", "c"}, reason...)...)
	k.almasu(exit.NotUnderstood, "retry.no_such_code", append([]string{"retry", "--transfer", id, "--code", "schema.pattern"}, reason...)...)
	wrong := k.w.Path("wrong.txt")
	if err := os.WriteFile(wrong, []byte(g.Records[0]+"\n"+strings.Split(g.Records[0], ":")[0]+":0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.almasu(exit.NotUnderstood, "wrong.txt:2", append([]string{"retry", "--transfer", id, "--records", wrong}, reason...)...)
	if a := k.retry(0, "", "--transfer", id, "--code", "record.duplicate", "--dry-run"); len(a.Records) != first.Totals.Rejected || a.Transfer != "" || len(k.transfers()) != 2 {
		t.Errorf("a look: %d records, transfer %q, %d transfers", len(a.Records), a.Transfer, len(k.transfers()))
	}

	// The platform is corrected, with another number for each.
	rejected := k.holding(func(phone string) bool { return phone != "" && phone != "+77010000000" })
	platform.MustExec("UPDATE profiles SET phone = '+7702' || printf('%07d', rowid)")
	corrected := func() []string {
		return k.holding(func(phone string) bool { return strings.HasPrefix(phone, "+7702") })
	}
	named := k.w.Path("named.txt")
	if err := os.WriteFile(named, []byte("# two of them\n"+g.Records[0]+"\n"+g.Records[1]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	two := k.retry(0, "", "--transfer", id, "--records", named)
	if r := two.Report; len(rejected) != first.Totals.Rejected || r == nil || r.Totals.Read != 2 || r.Totals.Accepted != 2 || r.ID == first.ID || r.FirstSequence <= first.LastSequence || len(corrected()) != 2 {
		t.Fatalf("two named records of %d: %+v; %d people corrected", len(rejected), two.Report, len(corrected()))
	}
	// One of the others is gone since, and one has closed the account.
	left := slices.DeleteFunc(rejected, func(iin string) bool { return slices.Contains(corrected(), iin) })
	platform.MustExec("UPDATE accounts SET state = 'closed' WHERE user_id = (SELECT id FROM profiles WHERE iin = $1)", left[1])
	platform.MustExec("DELETE FROM consents WHERE user_id = (SELECT id FROM profiles WHERE iin = $1)", left[0])
	platform.MustExec("DELETE FROM profiles WHERE iin = $1", left[0])
	rest := k.retry(0, "", "--transfer", id, "--code", "record.duplicate")
	if n := rest.Report.Totals; rest.Already != 2 || len(rest.Records) != len(left) || rest.Gone != 1 || n.Read != len(left)-1 || n.Refused != 1 || n.Accepted != len(left)-2 || !n.Balanced() {
		t.Errorf("the rest: already %d, %d of %d records, gone %d, %s", rest.Already, len(rest.Records), len(left), rest.Gone, n)
	}
	if done := corrected(); len(done) != first.Totals.Rejected-2 || slices.Contains(done, left[0]) || slices.Contains(done, left[1]) {
		t.Errorf("%d people have a corrected number, of %d rejected", len(done), first.Totals.Rejected)
	}
	k.almasu(exit.NotUnderstood, "retry.nothing", append([]string{"retry", "--transfer", id, "--code", "record.duplicate"}, reason...)...)
	if o := k.outcomes(first.ID); len(o.RetriedBy) != 2 {
		t.Errorf("linked: %+v", o.RetriedBy)
	}
	if o := k.outcomes(rest.Report.ID); o.RetryOf == nil || o.RetryOf.Transfer != id {
		t.Errorf("linked back: %+v", o.RetryOf)
	}
	k.almasu(0, "retry.enter", "log", "show")
	k.almasu(0, "", "log", "verify")
	k.almasu(0, "", "log", "replay")
}

// holding lists the people whose number at the oblast is such, in order.
func (k *plaintiff) holding(such func(phone string) bool) (out []string) {
	k.Helper()
	people, _ := k.export(k.w.Oblast)
	for iin, h := range people {
		if phone, _ := h.Record["phone"].(string); such(phone) {
			out = append(out, iin)
		}
	}
	slices.Sort(out)
	return out
}

// TestRetryGoesOn: a retry that was entered and could not be made, because the store failed, is gone on with by the service, for the chosen people only. A second one
// does not send them meanwhile.
func TestRetryGoesOn(t *testing.T) {
	k, platform := rejecting(t)
	first := k.send(exit.WithRejects)
	platform.MustExec("UPDATE profiles SET phone = '+7702' || printf('%07d', rowid)")
	named := k.w.Path("named.txt")
	if err := os.WriteFile(named, []byte(strings.Join(k.outcomes(first.ID).Outcomes.Groups[0].Records[:3], "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	db := k.open("almasu.db")
	db.MustExec("CREATE TRIGGER full BEFORE INSERT ON part BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	db.MustExec("CREATE TRIGGER unclosed BEFORE UPDATE OF finished ON transfer BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	retry := []string{"retry", "--transfer", first.ID.String(), "--records", named, "--reason", "numbers corrected"}
	k.w.Now = k.w.Now.Add(time.Minute)
	k.almasu(exit.NotWell, "", retry...)
	db.MustExec("DROP TRIGGER full")
	db.MustExec("DROP TRIGGER unclosed")
	k.almasu(exit.NotUnderstood, "retry.nothing", retry...)
	k.w.Now = k.w.Now.Add(time.Minute)
	serveUntil(t, almasuArgs(k.w, "serve"), `"transfer closed"`, consent)
	r := k.transfers()[0]
	if r.Totals.Read != 3 || r.Totals.Accepted != 3 || r.Reason != "numbers corrected" || len(k.holding(func(phone string) bool { return strings.HasPrefix(phone, "+7702") })) != 3 {
		t.Errorf("%s, %s", r.Reason, r.Totals)
	}
}

// TestRetryAndComparing: where the recipient's holdings are compared, a retry sends what was rejected and withdraws nobody, though it reads few; then nothing is left to send.
func TestRetryAndComparing(t *testing.T) {
	k, platform := rejecting(t)
	k.edit("almasu.yaml", "compare: none", "compare: full")
	first := k.send(exit.WithRejects)
	platform.MustExec("UPDATE profiles SET phone = '+7702' || printf('%07d', rowid)")
	a := k.retry(0, "", "--transfer", first.ID.String(), "--code", "record.duplicate")
	if r := a.Report; r.Withdrawn != 0 || r.Totals.Read != first.Totals.Rejected || r.Totals.Accepted != r.Totals.Read {
		t.Errorf("the retry of %d: %s, %d withdrawn", first.Totals.Rejected, r.Totals, r.Withdrawn)
	}
	next := k.send(-1)
	if n := next.Totals; next.Withdrawn != 0 || n.Unchanged < a.Report.Totals.Accepted || n.Accepted+n.Unchanged != first.Totals.Accepted+first.Totals.Rejected {
		t.Errorf("the run after it: %s, %d withdrawn", n, next.Withdrawn)
	}
}
