package app

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/plan"
	"birgeoqy.kz/almasu/internal/transfer"
)

// TestPlanAndSend: a plan says what the run then does, shows no value, is the same while nothing moves, and a send by it is refused once data or blocks have moved.
func TestPlanAndSend(t *testing.T) {
	w := deployment(t, "")
	oblastOnly(t, w, w.Now.Add(time.Hour))
	do := func(want int, args ...string) (string, string) {
		t.Helper()
		stdout, stderr, code := run(t, "almasu", almasuArgs(w, args...)...)
		if code != want {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout, stderr
	}
	planned := func() *plan.Plan {
		t.Helper()
		var answer struct{ Result plan.Plan }
		stdout, _ := do(0, "plan", "oblast-consent", "--reason", "test", "--json")
		if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
			t.Fatal(err)
		}
		return &answer.Result
	}
	do(0, "migrate")
	db, err := sqlx.Open("sqlite", "file:"+w.Path("platform.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	shown, _ := do(0, "plan", "oblast-consent", "--reason", "test", "--sample", "100")
	if n := contains([]byte(shown), personal(t, db)); n > 0 || !strings.Contains(shown, "iin 999999999999") {
		t.Errorf("%d values are shown, or no shape:\n%s", n, shown)
	}
	first := planned()
	if first.Read != 1000 || first.Send < demo.Least || first.Refused == 0 || first.Read != first.Send+first.Refused+first.Withheld || len(first.Digest) != 64 {
		t.Fatalf("%+v", first)
	}
	if again := planned(); again.Digest != first.Digest {
		t.Error("the same data have another digest")
	}

	iin, err := anIIN(w.Path("platform.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write("iin.txt", []byte(iin+"\n")); err != nil {
		t.Fatal(err)
	}
	do(0, "block", "--iin-file", w.Path("iin.txt"), "--requester", "user", "--reason", "test")
	blocked := planned()
	if blocked.Digest == first.Digest || blocked.Send > first.Send {
		t.Errorf("a block: %d are to be sent after %d, and the digest is %s", blocked.Send, first.Send, blocked.Digest)
	}
	if _, stderr := do(exit.NotUnderstood, "send", "oblast-consent", "--plan", first.Digest, "--reason", "test"); !strings.Contains(stderr, "plan.moved") {
		t.Error(stderr)
	}
	res := db.MustExec("UPDATE profiles SET family_name = family_name || 'а' WHERE iin <> ? AND length(iin) = 12", iin)
	if n, err := res.RowsAffected(); err != nil || n < 900 {
		t.Fatal(n, err)
	}
	do(exit.NotUnderstood, "send", "oblast-consent", "--plan", blocked.Digest, "--reason", "test")
	if list, _ := do(0, "transfers", "--json"); strings.Contains(list, `"oblast-consent"`) {
		t.Errorf("a refused send has left a transfer:\n%s", list)
	}

	last := planned()
	stdout, _ := do(exit.WithRejects, "send", "oblast-consent", "--plan", last.Digest, "--reason", "test", "--json")
	var sent struct{ Result transfer.Report }
	if err := json.Unmarshal([]byte(stdout), &sent); err != nil {
		t.Fatal(err)
	}
	r := &sent.Result
	if got := r.Totals; got.Read != last.Read || got.Accepted != last.Send || got.Refused != last.Refused || got.Withheld != last.Withheld || got.Messages != last.Messages {
		t.Errorf("planned %d, %d, %d, %d in %d messages; done %s", last.Read, last.Send, last.Refused, last.Withheld, last.Messages, got)
	}
	if !strings.HasPrefix(r.Reason, "plan "+last.Digest) {
		t.Errorf("the run's reason is %q", r.Reason)
	}
	if shown, _ := do(0, "plan", "oblast-consent", "--reason", "test"); !strings.Contains(shown, "the last run: +0 read, +0 sent or unchanged, +0 refused, +0 withheld") {
		t.Errorf("no comparison:\n%s", shown)
	}
	if log, _ := do(0, "log", "show"); strings.Count(log, `"plan.look"`) < 5 {
		t.Error("the looks are not in the log")
	}
}

// TestPlanCompares: where people are compared with what the recipient has, a plan counts who is new, changed, unchanged and withdrawn, as the run then does.
func TestPlanCompares(t *testing.T) {
	k := complain(t, true)
	k.edit("almasu.yaml", "compare: none", "compare: full")
	first := k.plan()
	if c := first.Compared; c == nil || c.New != first.Send || c.Changed+c.Unchanged+c.Withdrawn+c.Has != 0 || first.Send == 0 {
		t.Fatalf("%+v of %d", c, first.Send)
	}
	k.send(exit.WithRejects)
	if n := k.transfers()[0].Totals; n.Messages != first.Messages || n.Accepted != first.Send {
		t.Errorf("planned %d people in %d messages, sent %s", first.Send, first.Messages, n)
	}
	if p := k.plan(); p.Send != 0 || p.Messages != 0 || p.Compared.Unchanged != first.Send || p.Compared.Has != first.Send || p.Compared.New+p.Compared.Changed+p.Compared.Withdrawn != 0 {
		t.Errorf("nothing has changed: %+v, send %d in %d messages", p.Compared, p.Send, p.Messages)
	}
	there, _ := k.export(k.w.Oblast)
	sent := slices.Sorted(maps.Keys(there))
	if len(sent) != first.Send {
		t.Fatalf("%d people are there", len(sent))
	}
	platform := k.open("platform.db")
	for i, iin := range sent[:10] {
		statement := "UPDATE profiles SET family_name = family_name || 'а' WHERE iin = $1" // three change
		switch {
		case i >= 7:
			statement = "DELETE FROM profiles WHERE iin = $1" // three are gone
		case i >= 3:
			statement = "UPDATE consents SET withdrawn_at = '2026-11-01T00:00:00Z' WHERE user_id = (SELECT id FROM profiles WHERE iin = $1)" // four withdraw
		}
		platform.MustExec(statement, iin)
	}
	p := k.plan()
	if c := p.Compared; p.Send != 3 || c.Changed != 3 || c.New != 0 || c.Withdrawn != 7 || c.Unchanged != first.Send-10 || p.Messages != 1 || p.Read != p.Send+c.Unchanged+p.Refused+p.Withheld {
		t.Errorf("%+v, %+v", p, c)
	}
	if shown := k.almasu(0, "new 0, changed 3", "plan", consent, "--reason", "test"); !strings.Contains(shown, "withdrawn 7") {
		t.Error(shown)
	}
	k.w.Now = k.w.Now.Add(time.Minute)
	k.almasu(-1, "delivered and receipted", "send", consent, "--plan", p.Digest, "--reason", "test")
	list := slices.DeleteFunc(k.transfers(), func(r *transfer.Report) bool { return r.Notice != "" })
	if n := list[0].Totals; n.Accepted != 3 || n.Unchanged != p.Compared.Unchanged || n.Refused != p.Refused || n.Withheld != p.Withheld || n.Messages != 1 || list[0].Withdrawn != p.Compared.Withdrawn {
		t.Errorf("sent: %s, withdrawn %d", n, list[0].Withdrawn)
	}
	if c := k.plan().Compared; c.New+c.Changed+c.Withdrawn != 0 || c.Has != first.Send-7 {
		t.Errorf("after that %+v", c)
	}
	// The withdrawal was a transfer of its own, and no run that this one is compared with.
	if newest := k.transfers()[0]; newest.Notice == "" {
		t.Error("the newest transfer is no notice")
	}
	k.almasu(0, "the last run: +0 read, +0 sent or unchanged, +0 refused, +0 withheld", "plan", consent, "--reason", "test")
}
