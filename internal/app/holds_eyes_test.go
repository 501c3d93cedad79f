package app

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/store/holds"
	"birgeoqy.kz/almasu/internal/transfer"
)

// inside runs the program in this process.
func (k *plaintiff) inside(args ...string) (out string, code int) {
	var stdout, stderr bytes.Buffer
	code = Main(almasuArgs(k.w, args...), strings.NewReader(""), &stdout, &stderr)
	return stdout.String() + stderr.String(), code
}

// TestFourEyesOverAHold: whoever asks for a run that is held, and whoever wants to approve it with whichever key: it is let go if and only if an administrator approves with
// their own key who neither asked for it nor is the author of its route. Nothing leaves otherwise.
func TestFourEyesOverAHold(t *testing.T) {
	k := guarded(t)
	away := false
	ask := func(who string) *heldShown {
		t.Helper()
		away = !away
		k.halve(away)
		k.w.Now = k.w.Now.Add(time.Second)
		out, code := k.inside("run", consent, "--reason", "test", "--as", who, "--json")
		var answer struct{ Result heldShown }
		if err := json.Unmarshal([]byte(out[:strings.LastIndex(out, "\n}")+2]), &answer); err != nil || code != exit.Waiting {
			t.Fatalf("exit code %d, %v\n%s", code, err, out)
		}
		return &answer.Result
	}
	for _, asked := range []string{"clerk", "admin-author", "admin-second", "admin-third"} {
		h := ask(asked)
		for _, c := range []struct{ who, key, code string }{
			{"admin-author", "admin-author", "approve.own"}, {"admin-author", "admin-second", "approve.own"}, {"admin-gone", "admin-second", "approve.unknown"},
			{"clerk", "admin-second", "approve.unknown"}, {"admin-second", "admin-third", "approve.other_key"}, {"admin-third", "admin-author", "approve.other_key"},
			{"admin-third", "admin-third", ""}, {"admin-second", "admin-second", ""},
		} {
			if c.who == asked {
				c.code = "approve.own"
			}
			before := k.messages()
			out, code := k.inside("holds", "approve", h.ID, "--as", c.who, "--key", k.w.Path("keys", c.key+".pem"), "--reason", "test")
			switch {
			case c.code != "" && (code != exit.NotUnderstood || !strings.Contains(out, c.code) || k.messages() != before):
				t.Errorf("asked by %s, %s by the key of %s: exit code %d, want %s; %d messages more\n%s", asked, c.who, c.key, code, c.code, k.messages()-before, out)
			case c.code == "" && (code != exit.WithRejects || k.messages() == before):
				t.Errorf("asked by %s, %s by the key of %s: exit code %d; %d messages more\n%s", asked, c.who, c.key, code, k.messages()-before, out)
			case c.code == "":
				h = ask(asked)
			}
		}
		if out, code := k.inside("holds", "discard", h.ID, "--reason", "test"); code != 0 {
			t.Fatal(out)
		}
		k.halve(!away) // as the recipient has it
		away = !away
	}
	// Somebody with the database's password enters an approval, and lets the row go: that of another hold proves nothing.
	h := ask("clerk")
	before := k.messages()
	db := k.open("almasu.db")
	db.MustExec(`UPDATE hold SET state = 'approved', ended = 1, actor = 'admin-third', reason = 'x', approval = (SELECT approval FROM hold WHERE state = 'approved' LIMIT 1) WHERE id = $1`, h.ID)
	db.MustExec("UPDATE due SET state = 'waiting' WHERE hold = $1", h.ID)
	out, _ := k.inside("run", consent, "--reason", "test")
	if !strings.Contains(k.almasu(0, "", "schedule", consent, "--history"), "there is no approval of this run that verifies") || k.messages() != before {
		t.Errorf("a forged approval: %d messages more\n%s", k.messages()-before, out)
	}
}

// TestUnusualRunsNeverSendUnapproved: over random histories of the platform and of decisions, every run that sent without a hold is, by the plain counts of its report
// and of the run before, below every limit; every other is the plan of a hold that somebody approved before.
func TestUnusualRunsNeverSendUnapproved(t *testing.T) {
	k := guarded(t)
	clean, held, approved := 0, 0, 0
	seen := len(k.transfers())
	rapid.Check(t, func(rt *rapid.T) {
		if clean+held > 24 { // enough was seen
			return
		}
		k.w.Now = k.w.Now.Add(time.Second)
		modulus := rapid.SampledFrom([]int{2, 3, 11, 40}).Draw(rt, "every")
		db := k.open("platform.db")
		db.MustExec("UPDATE consents SET withdrawn_at = NULL WHERE withdrawn_at = '2026-11-01T00:00:00Z'")
		db.MustExec("UPDATE consents SET withdrawn_at = '2026-11-01T00:00:00Z' WHERE withdrawn_at IS NULL AND user_id % $1 = 0", modulus)
		_ = db.Close()
		out, code := k.inside("run", consent, "--reason", "test", "--as", "clerk")
		if code == exit.Waiting {
			held++
			id, _, _ := strings.Cut(out, ":")
			switch rapid.SampledFrom([]string{"approve", "approve", "discard", "leave"}).Draw(rt, "decision") {
			case "approve":
				if _, code := k.inside("holds", "approve", id, "--as", "admin-second", "--key", k.w.Path("keys/admin-second.pem"), "--reason", "test"); code == exit.WithRejects {
					approved++
				}
			case "discard":
				k.inside("holds", "discard", id, "--reason", "test")
			}
		} else if code == exit.WithRejects {
			clean++
		} else {
			rt.Fatalf("exit code %d\n%s", code, out)
		}
	})
	if held < 3 || clean+approved < 3 {
		t.Errorf("%d held, %d approved, %d clean: too little was looked at", held, approved, clean)
	}
	list := k.transfers()
	byTransfer := map[string]heldShown{}
	for _, h := range k.holdings("--all", "--limit", "1000") {
		if h.Decision.Transfer != "" {
			byTransfer[h.Decision.Transfer] = h
		}
	}
	for i := len(list) - seen - 1; i >= 0; i-- {
		r, was := list[i], list[i+1]
		if h, under := byTransfer[r.ID.String()]; under {
			if h.Decision.State != holds.Approved || h.Decision.Actor != "admin-second" || r.Started.Before(h.Decision.At) || r.Totals.Refused != h.Numbers.Refused || r.Totals.Accepted != h.Numbers.Send {
				t.Errorf("transfer %s under %+v: %s", r.ID, h.Decision, r.Totals)
			}
			continue
		}
		sent := func(r *transfer.Report) int { return r.Totals.Accepted }
		for what, n := range map[string][2]int{
			"more": {sent(r) - sent(was), sent(was)}, "fewer": {sent(was) - sent(r), sent(was)}, "refused": {r.Totals.Refused - was.Totals.Refused, was.Totals.Read},
		} {
			if n[0] >= 5 && float64(n[0]) >= 0.1*float64(n[1]) {
				t.Errorf("transfer %s sent without a hold, though %d of %d are %s", r.ID, n[0], n[1], what)
			}
		}
	}
	t.Logf("%d held, %d approved, %d clean", held, approved, clean)
}

// TestMovedAfterTheApproval: a run that was approved, and has not begun when the data move, sends nothing; one that finds them as they were is sent by whoever takes it up.
func TestMovedAfterTheApproval(t *testing.T) {
	k := guarded(t)
	for _, moves := range []bool{true, false} {
		k.halve(true)
		h := k.held("clerk")
		v, err := (&session{stdout: io.Discard, stderr: io.Discard, config: k.w.Path("almasu.yaml"), now: func() time.Time { return k.w.Now }}).open(t.Context(), service.Parts{Store: true})
		if err != nil {
			t.Fatal(err)
		}
		stored, err := holds.Get(t.Context(), v.Store, h.ID)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := stored.Digest()
		if err != nil {
			t.Fatal(err)
		}
		a := register.SignApproval(k.w.Admins["admin-third"], holds.Kind, h.ID, digest, "admin-third", register.At(k.w.Now))
		body, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := holds.Approve(t.Context(), v.Store, k.w.Now, stored, "admin-third", "order", string(body), "signature"); err != nil {
			t.Fatal(err)
		}
		v.Close()
		before := len(k.transfers())
		if moves {
			k.halve(false)
			k.w.Now = k.w.Now.Add(time.Second)
			serveUntil(t, almasuArgs(k.w, "serve"), "job failed", "have moved since it was approved")
			k.almasu(0, "have moved since it was approved", "schedule", consent, "--history")
			if n := len(k.transfers()); n != before {
				t.Errorf("%d transfers after %d", n, before)
			}
			continue
		}
		k.w.Now = k.w.Now.Add(time.Second)
		serveUntil(t, almasuArgs(k.w, "serve"), "transfer closed", consent)
		if list := k.transfers(); len(list) != before+1 || list[0].Totals.Accepted != h.Numbers.Send {
			t.Errorf("%d transfers after %d", len(list), before)
		}
	}
}
