package app

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/notify"
	"birgeoqy.kz/almasu/internal/store/holds"
)

const limitsOfTest = "    hold: {changed: {share: 10%, least: 5}, withdrawn: {share: 10%, least: 5}, refused: {share: 10%, least: 5}}\n"

// guarded is a deployment whose consent route has limits, after its first run.
func guarded(t *testing.T) *plaintiff {
	t.Helper()
	k := complain(t, true)
	k.edit("almasu.yaml", "    mapping: mapping/oblast-consent.yaml\n", "    mapping: mapping/oblast-consent.yaml\n"+limitsOfTest)
	k.send(exit.WithRejects)
	return k
}

// halve takes the consents of half of the people away, or gives them back.
func (k *plaintiff) halve(away bool) {
	k.Helper()
	statement := "UPDATE consents SET withdrawn_at = NULL WHERE withdrawn_at = '2026-11-01T00:00:00Z'"
	if away {
		statement = "UPDATE consents SET withdrawn_at = '2026-11-01T00:00:00Z' WHERE withdrawn_at IS NULL AND user_id % 2 = 0"
	}
	if n, err := k.open("platform.db").MustExec(statement).RowsAffected(); err != nil || n < 50 {
		k.Fatal(n, err)
	}
}

// heldShown is a hold as --json shows it.
type heldShown struct {
	holds.Hold
	Decision holds.Decision
	Words    []map[string]string
}

// held runs the consent route as somebody, demands that it is held, and returns the hold.
func (k *plaintiff) held(who string) *heldShown {
	k.Helper()
	k.w.Now = k.w.Now.Add(time.Minute)
	var answer struct {
		OK     bool
		Result heldShown
	}
	if err := json.Unmarshal([]byte(k.almasu(exit.Waiting, "", "run", consent, "--reason", "test", "--as", who, "--json")), &answer); err != nil || answer.OK {
		k.Fatal(err, answer.OK)
	}
	return &answer.Result
}

// holdings lists every hold, the latest first.
func (k *plaintiff) holdings(args ...string) []heldShown {
	k.Helper()
	var answer struct{ Result struct{ Holds []heldShown } }
	if err := json.Unmarshal([]byte(k.almasu(0, "", append([]string{"holds", "--json"}, args...)...)), &answer); err != nil {
		k.Fatal(err)
	}
	return answer.Result.Holds
}

// messages counts the messages that were ever logged.
func (k *plaintiff) messages() (n int) {
	k.Helper()
	if err := k.open("almasu.db").Get(&n, "SELECT count(*) FROM message"); err != nil {
		k.Fatal(err)
	}
	return n
}

func (k *plaintiff) approve(code int, words, id, who, key string) string {
	k.Helper()
	return k.almasu(code, words, "holds", "approve", id, "--as", who, "--key", k.w.Path("keys", key+".pem"), "--reason", "order no. 9")
}

// TestHeldAndApproved: a run with unusual numbers sends nothing and says why, in three languages; further runs are put under the same hold; only another administrator's
// key lets exactly that plan go, once.
func TestHeldAndApproved(t *testing.T) {
	k := guarded(t)
	sent := k.messages()
	k.halve(true)
	h := k.held("admin-third")
	if len(h.Findings) != 2 || h.Findings[0].What != "withdrawn" || h.Findings[1].What != "refused" || h.Asked != "admin-third" || h.Author != "admin-author" {
		t.Fatalf("%+v", h.Hold)
	}
	if n := h.Numbers; n.Read != 200 || n.Send == 0 || h.Before.Sent <= n.Send || h.Before.Refused >= n.Refused || len(h.Plan) != 64 {
		t.Errorf("%+v, before %+v", n, h.Before)
	}
	if again := k.held("clerk"); again.ID != h.ID || again.Decision.Rows != 2 {
		t.Errorf("another run is under %s with %d rows", again.ID, again.Decision.Rows)
	}
	if k.messages() != sent || len(k.transfers()) != 1 {
		t.Error("a held run has sent something, or left a transfer")
	}
	k.almasu(0, "of the ", "holds")
	k.almasu(0, "енді берілмейді", "holds", "--lang", "kk")
	k.almasu(0, "больше не передавались бы", "holds", h.ID, "--lang", "ru")
	k.almasu(0, "held: oblast-consent due", "transfers")
	k.almasu(0, "run_now held  hold "+h.ID, "schedule", consent, "--history")
	k.almasu(0, "hold.open", "log", "show", "--limit", "200")
	k.almasu(0, "judge", "plans", consent)
	if now, _, code := alarmsOf(t, almasuArgs(k.w, "alarms", "--json")); code != 1 || !has(now, notify.Held, consent, "hold.withdrawn") {
		t.Errorf("alarms: %v", now)
	}

	for _, c := range []struct{ who, key, code string }{
		{"admin-third", "admin-third", "approve.own"}, {"admin-author", "admin-author", "approve.own"}, {"admin-second", "admin-third", "approve.other_key"}, {"clerk", "admin-second", "approve.unknown"},
	} {
		k.approve(exit.NotUnderstood, c.code, h.ID, c.who, c.key)
	}
	k.almasu(exit.NotUnderstood, "hold.unknown", "holds", "discard", "nothing", "--reason", "x")
	k.almasu(exit.NotUnderstood, "usage.reason", "holds", "discard", h.ID)
	platform := k.open("platform.db")
	platform.MustExec("UPDATE profiles SET family_name = family_name || 'а'")
	k.approve(exit.NotUnderstood, "hold.moved", h.ID, "admin-second", "admin-second")
	platform.MustExec("UPDATE profiles SET family_name = substr(family_name, 1, length(family_name) - 1)")
	if k.messages() != sent {
		t.Error("a refused approval has sent something")
	}
	k.approve(exit.WithRejects, "Approved by admin-second", h.ID, "admin-second", "admin-second")
	list := k.transfers()
	if len(list) != 2 || list[0].Totals.Accepted != h.Numbers.Send || list[0].Totals.Refused != h.Numbers.Refused || list[0].Actor != "admin-third" {
		t.Fatalf("%d transfers, %s", len(list), list[0].Totals)
	}
	k.approve(exit.NotUnderstood, "hold.decided", h.ID, "admin-second", "admin-second")
	k.almasu(exit.NotUnderstood, "hold.decided", "holds", "discard", h.ID, "--reason", "x")
	if open, all := k.holdings(), k.holdings("--all"); len(open) != 0 || len(all) != 1 || all[0].Decision.State != holds.Approved || all[0].Decision.Actor != "admin-second" || all[0].Decision.Transfer != list[0].ID.String() {
		t.Errorf("%d open; %+v", len(open), all)
	}
	k.almasu(0, "was approved and makes it good", "schedule", consent, "--history")
	if now, _, _ := alarmsOf(t, almasuArgs(k.w, "alarms", "--json")); has(now, notify.Held, consent, "hold.withdrawn") {
		t.Errorf("alarms: %v", now)
	}
	k.send(exit.WithRejects) // as unusual as the run before: not at all
	k.almasu(0, "VERIFIED", "log", "verify")
}

// TestHeldAndNotSent: discarding, and time, end a hold without anything sent; a cleaner platform does not.
func TestHeldAndNotSent(t *testing.T) {
	k := guarded(t)
	sent := k.messages()
	k.halve(true)
	h := k.held("clerk")
	k.halve(false)
	if again := k.held("clerk"); again.ID != h.ID { // the numbers are clean again, and the hold stays
		t.Errorf("another hold: %s", again.ID)
	}
	k.almasu(0, "Nothing was sent", "holds", "discard", h.ID, "--reason", "the import was wrong")
	k.approve(exit.NotUnderstood, "hold.decided", h.ID, "admin-second", "admin-second")
	k.almasu(0, "missed: oblast-consent due", "transfers")
	if now, _, _ := alarmsOf(t, almasuArgs(k.w, "alarms", "--json")); !has(now, notify.Missed, consent, "hold.not_sent") {
		t.Errorf("alarms: %v", now)
	}
	if k.messages() != sent {
		t.Error("something was sent")
	}

	k.halve(true)
	h = k.held("clerk")
	if want := time.Date(2026, 11, 27, 0, 0, 0, 0, register.Zone); !h.Expires.Equal(want) { // it is Monday, 23 November: the third working day after it is Thursday
		t.Errorf("it expires at %s, want %s", h.Expires, want)
	}
	k.w.Now = h.Expires.Add(-time.Second)
	if open := k.holdings(); len(open) != 1 {
		t.Errorf("%d open a second before the end", len(open))
	}
	k.w.Now = h.Expires
	k.approve(exit.NotUnderstood, "hold.decided", h.ID, "admin-second", "admin-second")
	if open, all := k.holdings(), k.holdings("--all", "--limit", "1"); len(open) != 0 || all[0].ID != h.ID || all[0].Decision.State != holds.Expired {
		t.Errorf("%d open; %+v", len(open), all)
	}
	k.almasu(0, "hold.expire", "log", "show", "--limit", "200")
	if now, _, _ := alarmsOf(t, almasuArgs(k.w, "alarms", "--json")); !has(now, notify.Missed, consent, "hold.not_sent") {
		t.Errorf("alarms: %v", now)
	}
	if next := k.held("clerk"); next.ID == h.ID || k.messages() != sent {
		t.Error("the next run is not judged anew, or something was sent")
	}
}

// TestScheduledIsHeld: the service holds a due run, tells so, and sends once the plan is approved beside it.
func TestScheduledIsHeld(t *testing.T) {
	k := guarded(t)
	k.halve(true)
	sent := k.messages()
	k.w.Now = k.w.Now.Add(time.Minute)
	due := k.w.Now.Add(-time.Second).UnixMicro()
	k.open("almasu.db").MustExec("INSERT INTO due (connector, due, starts, cause, state, actor, overlap) VALUES ($1, $2, $2, 'schedule', 'waiting', 'schedule', 'queue')", consent, due)
	serveUntil(t, almasuArgs(k.w, "serve"), `"run held"`, consent)
	open := k.holdings()
	if len(open) != 1 || open[0].Asked != "schedule" || open[0].Cause != "schedule" || k.messages() != sent {
		t.Fatalf("%+v", open)
	}
	k.approve(exit.WithRejects, "delivered and receipted", open[0].ID, "admin-third", "admin-third")
	if list := k.transfers(); len(list) != 2 || list[0].Totals.Accepted != open[0].Numbers.Send || string(list[0].Trigger) != open[0].Cause {
		t.Errorf("%d transfers", len(list))
	}
}

// TestLimitsByCalendar: in the days of a calendar other limits hold; a calendar that is not there is refused.
func TestLimitsByCalendar(t *testing.T) {
	k := guarded(t)
	k.edit("almasu.yaml", "schemas: schemas\n", "schemas: schemas\ncalendars: of-test.yaml\n")
	k.edit("almasu.yaml", limitsOfTest, strings.Replace(limitsOfTest, "}}\n", "}, during: [{calendar: enrolment, withdrawn: {share: 90%}, refused: {share: 90%}}]}\n", 1))
	if err := k.w.Write("of-test.yaml", []byte("calendars: [{name: other, zone: Asia/Almaty}]\n")); err != nil {
		t.Fatal(err)
	}
	k.almasu(exit.NotUnderstood, "config.hold_calendar", "check")
	k.edit("of-test.yaml", "name: other, zone: Asia/Almaty", "name: enrolment, zone: Asia/Almaty, open: [{name: week of enrolment, from: 2026-11-20, to: 2026-11-23}]")
	k.halve(true)
	k.send(exit.WithRejects)
	k.halve(false)
	if h := k.held("clerk"); h.Findings[0].What != "changed" || h.Findings[0].Calendar != "enrolment" {
		t.Errorf("%+v", h.Findings)
	}
	k.almasu(0, "by the calendar", "holds")
}
