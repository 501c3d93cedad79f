package app

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/kz"
)

// tellers is a deployment that has sent its people to two bodies, and tells them what has changed.
type tellers struct {
	*testing.T
	w        *setup.Example
	platform *sqlx.DB
}

// newTellers sends everybody to both bodies; the act that the ministry's route stands on is no example here.
func newTellers(t *testing.T) *tellers {
	k := &tellers{T: t, w: &setup.Example{Dir: t.TempDir(), Now: demo.Start, People: 300, Batch: 50,
		Files: map[string][]byte{"register/acts.yaml": realActs(t)}}}
	if err := k.w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	start(t, k.w, k.w.Oblast)
	start(t, k.w, k.w.Ministry)
	if err := k.w.WriteConfig(k.w.Now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	var err error
	if k.platform, err = sqlx.Open("sqlite", "file:"+k.w.Path("platform.db")+"?_pragma=busy_timeout(10000)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.platform.Close() })
	k.almasu(0, "applied", "migrate")
	for _, connector := range []string{"ministry-statute", "oblast-consent"} {
		k.almasu(-1, "delivered and receipted", "run", connector, "--reason", "test")
	}
	return k
}

// almasu runs the program and demands an exit code, any if it is -1, and words in what it prints.
func (k *tellers) almasu(code int, words string, args ...string) string {
	k.Helper()
	stdout, stderr, got := run(k.T, "almasu", almasuArgs(k.w, args...)...)
	if got != code && code >= 0 || !strings.Contains(stdout+stderr, words) {
		k.Fatalf("%v: exit code %d, want %d and %q\n%s%s", args, got, code, words, stdout, stderr)
	}
	return stdout
}

// heldRecord is what a body exports of a person, by IIN, or of a record whose values are gone, by its place.
type heldRecord struct {
	State  string
	Record map[string]any
}

func (k *tellers) export(b *setup.Body) (byIIN map[string]heldRecord, states map[string]int) {
	k.Helper()
	out, stderr, code := run(k.T, "authority", "--config", k.w.Path(b.Folder, "authority.yaml"), "export", "--sender", "351240000010", "--format", "json", "--out", "-")
	if code != 0 {
		k.Fatal(stderr)
	}
	byIIN, states = map[string]heldRecord{}, map[string]int{}
	for line := range strings.Lines(out) {
		var h heldRecord
		if err := json.Unmarshal([]byte(line), &h); err != nil {
			k.Fatal(err)
		}
		states[h.State]++
		if iin, ok := h.Record["iin"].(string); ok {
			byIIN[iin] = h
		}
	}
	return byIIN, states
}

// person writes the IIN of somebody whom both bodies hold into a file.
func (k *tellers) person(nth int) (iin, file string) {
	k.Helper()
	oblast, _ := k.export(k.w.Oblast)
	ministry, _ := k.export(k.w.Ministry)
	var both []string
	for iin := range oblast {
		if _, ok := ministry[iin]; ok && ministry[iin].State == "" {
			both = append(both, iin)
		}
	}
	slices.Sort(both)
	iin, file = both[nth], k.w.Path("iin.txt")
	if err := os.WriteFile(file, []byte(iin), 0o600); err != nil {
		k.Fatal(err)
	}
	return iin, file
}

func (k *tellers) edit(name, old, new string) {
	k.Helper()
	text, err := os.ReadFile(k.w.Path(name))
	if err != nil || !strings.Contains(string(text), old) {
		k.Fatalf("%s does not hold %q: %v", name, old, err)
	}
	if err := os.WriteFile(k.w.Path(name), []byte(strings.ReplaceAll(string(text), old, new)), 0o600); err != nil {
		k.Fatal(err)
	}
}

// lapse ends the act that the ministry's route stands on.
func (k *tellers) lapse() {
	k.Helper()
	text, err := os.ReadFile(k.w.Path("register/routes/ministry-statute.yaml"))
	if err != nil {
		k.Fatal(err)
	}
	act := regexp.MustCompile(`ground: \{act: "?([^,"]+)"?,`).FindSubmatch(text)[1]
	k.edit("register/acts.yaml", "- id: "+string(act)+"\n", "- id: "+string(act)+"\n    until: 2026-11-21\n")
}

// TestLaw09EarlierRecipientsAreTold: a field corrected after a transfer to two bodies makes two notices, linked to the messages; the basis of one has lapsed,
// and it is told without the value. Then the data turn out to be unlawful, and both are told to destroy.
func TestLaw09EarlierRecipientsAreTold(t *testing.T) {
	k := newTellers(t)
	iin, file := k.person(3)
	if _, err := k.platform.Exec("UPDATE profiles SET family_name = 'Жаңатегі' WHERE iin = ?", iin); err != nil {
		t.Fatal(err)
	}
	k.lapse()
	listed := k.almasu(0, "Nothing was sent", "notify", "--iin-file", file, "--fields", "family_name")
	if strings.Count(listed, "UPD-2") != 2 || !regexp.MustCompile("none: (BAS|ADM)-1").MatchString(listed) || strings.Contains(listed, iin) {
		t.Fatalf("the plan:\n%s", listed)
	}
	if _, states := k.export(k.w.Oblast); states[""] == 0 || len(states) != 1 {
		t.Fatalf("something was sent: %v", states)
	}
	k.almasu(2, "say why", "notify", "--iin-file", file, "--fields", "family_name", "--send")
	k.almasu(2, "has no field", "notify", "--iin-file", file, "--fields", "surname")
	sent := k.almasu(0, "2 notices", "notify", "--iin-file", file, "--fields", "family_name", "--send", "--reason", "the profile was changed")
	if strings.Count(sent, "delivered") != 2 {
		t.Fatalf("%s", sent)
	}
	oblast, _ := k.export(k.w.Oblast)
	if h := oblast[iin]; h.State != "corrected" || h.Record["family_name"] != "Жаңатегі" {
		t.Errorf("the oblast: %s %v", h.State, len(h.Record))
	}
	ministry, _ := k.export(k.w.Ministry)
	if h := ministry[iin]; h.State != "corrected" || h.Record["family_name"] != nil || h.Record["given_name"] == nil {
		t.Errorf("the ministry: %s %v", h.State, len(h.Record))
	}
	k.almasu(-1, "delivered", "duties", "--all")
	if open := k.almasu(-1, "duties", "duties"); strings.Contains(open, "notice:") {
		t.Errorf("%s", open)
	}

	told := strings.Count(k.almasu(-1, "duties", "duties"), "notify_subject")
	k.almasu(0, "Blocked", "block", "--iin-file", file, "--requester", "user", "--reason", "claims that it was unlawful")
	k.almasu(2, "outcome of a check", "unblock", "--iin-file", file, "--outcome", "corrected", "--reason", "x")
	k.almasu(2, "--fields", "unblock", "--iin-file", file, "--outcome", "wrong", "--reason", "x")
	if out := k.almasu(0, "Unblocked", "unblock", "--iin-file", file, "--outcome", "unlawful", "--reason", "act of the check No 3"); strings.Count(out, "delivered") != 2 {
		t.Fatalf("%s", out)
	}
	if now := strings.Count(k.almasu(-1, "duties", "duties"), "notify_subject"); told == 0 || now != told {
		t.Errorf("%d transfers that people are to be told of, %d before the demands to destroy", now, told)
	}
	for _, b := range k.w.Bodies() {
		if all, states := k.export(b); all[iin].State != "" || states["destroyed"] != 1 || states["corrected"] != 0 {
			t.Errorf("%s: %v", b.ID, states)
		}
		status, _, _ := run(t, "authority", "status", "--config", k.w.Path(b.Folder, "authority.yaml"))
		if !strings.Contains(status, "notices 2: records corrected 0, withdrawn 0, destroyed 1") {
			t.Errorf("%s", status)
		}
	}
	k.almasu(0, "0 notices", "notify", "--iin-file", file, "--act", "destroy") // what is destroyed is not told again
	k.almasu(0, "0 notices", "notify", "--iin-file", file, "--fields", "family_name")
	k.almasu(2, "not blocked", "unblock", "--iin-file", file, "--outcome", "unlawful", "--reason", "again")

	// The log, the auditor and the person see it.
	k.almasu(0, "notices about records sent before: 2", "log", "verify")
	k.almasu(-1, "0 differ", "log", "replay")
	k.almasu(0, "log.jsonl", "log", "export", "-o", k.w.Path("log.jsonl"))
	if out, stderr, code := run(t, "almasu-verify", k.w.Path("log.jsonl")); code != 0 || !strings.Contains(out, "notices about records sent before: 2") {
		t.Errorf("%s%s", out, stderr)
	}
	if out, stderr, code := run(t, "authority", "verify", "--config", k.w.Path(k.w.Oblast.Folder, "authority.yaml"), "--log", k.w.Path("log.jsonl")); code != 0 {
		t.Errorf("%s%s", out, stderr)
	}
	k.almasu(0, "is told to destroy 1 records (BLK-4): delivered", "person", "--iin-file", file, "--reason", "their letter")
	k.almasu(0, "деректерді жою туралы хабарланды", "subject-file", "--iin-file", file, "--reason", "their letter", "--lang", "kk")
}

// TestWithdrawalAndLetter: who is out of scope is withdrawn where notices are taken, and a letter is owed where they are not.
func TestWithdrawalAndLetter(t *testing.T) {
	k := newTellers(t)
	iin, file := k.person(5)
	k.almasu(0, "0 notices", "notify", "--iin-file", file, "--act", "withdraw")
	if _, err := k.platform.Exec("UPDATE consents SET withdrawn_at = '2026-11-20T00:00:00Z' WHERE user_id = (SELECT id FROM profiles WHERE iin = ?)", iin); err != nil {
		t.Fatal(err)
	}
	if out := k.almasu(0, "1 notices", "notify", "--iin-file", file, "--act", "withdraw"); !strings.Contains(out, "CON-2") {
		t.Errorf("%s", out)
	}
	k.edit("register/recipients.yaml", "notices: \"clause 5.4", "# notices: \"clause 5.4")
	out := k.almasu(0, "A letter is owed", "notify", "--iin-file", file, "--act", "withdraw", "--send", "--reason", "consent withdrawn")
	id := regexp.MustCompile(`notify letter ([0-9a-f]{32})`).FindStringSubmatch(out)[1]
	for lang, words := range map[string]string{"kk": "Кімге:", "ru": "Просим прекратить использование", "en": "Please stop using the records below"} {
		if text := k.almasu(0, words, "notify", "letter", id, "--lang", lang); strings.Contains(text, iin) || !strings.Contains(text, id) {
			t.Errorf("%s", text)
		}
	}
	k.almasu(2, "no notice with this id", "notify", "letter", "12")
	k.almasu(-1, "almasu notify letter "+id, "duties")
	k.almasu(0, "Closed", "duties", "close", "notice:"+id, "--reason", "letter No 7")
	if open := k.almasu(-1, "duties", "duties"); strings.Contains(open, id) {
		t.Errorf("%s", open)
	}
	if _, states := k.export(k.w.Oblast); states["withdrawn"] != 0 {
		t.Errorf("a letter has arrived by itself: %v", states)
	}
	// A body that does not answer gets it from the service later.
	k.edit("register/recipients.yaml", "# notices: \"clause 5.4", "notices: \"clause 5.4")
	_, file = k.person(9)
	if err := k.w.Oblast.Stop(); err != nil {
		t.Fatal(err)
	}
	k.edit("almasu.yaml", "patience: 20s", "patience: 1s")
	k.almasu(0, "Blocked", "block", "--iin-file", file, "--requester", "pd_authority", "--reason", "letter 9")
	k.almasu(1, "waits", "unblock", "--iin-file", file, "--outcome", "unlawful", "--reason", "act No 4")
	k.almasu(-1, "waiting", "duties")
}

// TestNoticesGoToExactlyThoseWhoHoldIt: whoever is picked and whatever has changed, a correction is owed to exactly the bodies whose own export holds the
// person with one of the fields.
func TestNoticesGoToExactlyThoseWhoHoldIt(t *testing.T) {
	k := newTellers(t)
	exports := map[string]map[string]heldRecord{}
	exports["351240000020"], _ = k.export(k.w.Ministry)
	exports["351240000040"], _ = k.export(k.w.Oblast)
	var people []struct {
		IIN   string  `db:"iin"`
		Phone *string `db:"phone"`
	}
	if err := k.platform.Select(&people, "SELECT iin, phone FROM profiles WHERE length(iin) = 12 ORDER BY id"); err != nil {
		t.Fatal(err)
	}
	owed, nobody := 0, 0
	for i, fields := range []string{"family_name", "phone", "email", "phone,email", "iin,phone", "phone", "parent_phone,email", "given_name,phone", "phone", "family_name", "phone", "email,iin"} {
		p := people[(i*37+11)%len(people)]
		if p.Phone == nil || !kz.ValidIIN([]byte(p.IIN)) {
			continue
		}
		file := k.w.Path("somebody.txt")
		if err := os.WriteFile(file, []byte(p.IIN), 0o600); err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Result struct {
				Notices []struct{ BIN string }
			}
		}
		if err := json.Unmarshal([]byte(k.almasu(0, "", "--json", "notify", "--iin-file", file, "--fields", fields)), &answer); err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, n := range answer.Result.Notices {
			got = append(got, n.BIN)
		}
		for body, all := range exports {
			h, ok := all[p.IIN]
			if ok && slices.ContainsFunc(strings.Split(fields, ","), func(f string) bool { return h.Record[f] != nil }) {
				want = append(want, body)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("person %d, %s: %v, want %v", i, fields, got, want)
		}
		if owed += len(want); len(want) == 0 {
			nobody++
		}
	}
	if owed < 4 || nobody < 2 {
		t.Errorf("%d notices, nobody in %d cases: the draw shows nothing", owed, nobody)
	}
}
