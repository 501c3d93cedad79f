package app

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/setup"
)

const byPlace = `id: request-7
route: ministry-request
initiator: admin-author
number: 12-3/7
date: 2026-11-20
signatory: head of department (example)
competence: {act: 319-III, article: "5"}
ground: {act: EXAMPLE-1, article: "1"}
fields: [family_name, given_name, iin, region, district]
territory: ["TERRITORY"]
deadline: 2026-11-30
expires: 2026-12-20
marking: ordinary
`

// TestWrittenRequest: a request by territory goes its whole way by the shipped programs: entered with its scan, looked at, approved by two over the plan, sent to the ministry, and
// closed; the ministry has those who live there and nobody else.
func TestWrittenRequest(t *testing.T) {
	w := &setup.Example{Dir: t.TempDir(), Now: demo.Start, People: 200, Batch: 20, Files: map[string][]byte{"register/acts.yaml": realActs(t)}}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	start(t, w, w.Ministry)
	w.Oblast.URL = w.Ministry.URL
	if err := w.WriteConfig(demo.Start.Truncate(time.Minute).Add(3 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	k := &plaintiff{tellers{T: t, w: w}}
	k.almasu(0, "", "migrate")
	platform := k.open("platform.db")
	var kato string
	if err := platform.Get(&kato, "SELECT substr(kato, 1, 2) || '0000000' FROM profiles WHERE kato IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	file := func(name, text string) string {
		if err := os.WriteFile(w.Path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return w.Path(name)
	}
	letter, scan, other := file("request.yaml", strings.ReplaceAll(byPlace, "TERRITORY", kato)), file("letter.pdf", "the scan"), file("other.pdf", "another")
	k.almasu(exit.NotUnderstood, "yaml.missing_key", "request", letter)
	k.almasu(exit.Waiting, "almasu plan --request request-7", "request", letter, "--scan", scan)
	k.almasu(0, "almasu approve", "requests", "show", "request-7")
	for lang, want := range map[string]string{"en": "entered, not approved", "ru": "введён, не утверждён", "kk": "бекітілмеген"} {
		k.almasu(0, want, "requests", "--lang", lang)
	}
	k.almasu(0, "The file is the scan", "requests", "verify-scan", "request-7", scan)
	k.almasu(exit.NotWell, "is not the scan", "requests", "verify-scan", "request-7", other)

	var plan struct {
		Result struct {
			Digest     string
			Send, Read int
		}
	}
	if err := json.Unmarshal([]byte(k.almasu(0, "", "plan", "--request", "request-7", "--reason", "test", "--json")), &plan); err != nil {
		t.Fatal(err)
	}
	if plan.Result.Send == 0 || plan.Result.Send >= plan.Result.Read {
		t.Fatalf("the territory's people: %+v", plan.Result)
	}
	approve := func(code int, words, who, digest string) {
		k.w.Now = k.w.Now.Add(20 * time.Second)
		k.almasu(code, words, "approve", "request-7", "--plan", digest, "--as", who, "--key", k.w.Path("keys", who+".pem"))
	}
	k.almasu(exit.NotUnderstood, "usage.plan", "approve", "request-7", "--as", "admin-second", "--key", k.w.Path("keys/admin-second.pem"))
	approve(exit.NotUnderstood, "approve.own", "admin-author", plan.Result.Digest)
	approve(exit.NotUnderstood, "approve.plan_moved", "admin-second", strings.Repeat("ab", 32))
	approve(exit.Waiting, "One more", "admin-second", plan.Result.Digest)
	approve(exit.NotUnderstood, "approve.twice", "admin-second", plan.Result.Digest)
	approve(0, "due now", "admin-third", plan.Result.Digest)
	k.w.Now = k.w.Now.Add(20 * time.Second) // each program's clock begins here
	k.almasu(0, "approved by two", "requests", "show", "request-7")
	serveUntil(t, almasuArgs(k.w, "serve"), `"transfer closed"`, ministryRequest)
	k.almasu(0, "answered", "requests", "show", "request-7")
	held, _ := k.export(w.Ministry)
	if len(held) != plan.Result.Send {
		t.Errorf("%d people at the ministry, planned %d", len(held), plan.Result.Send)
	}
	for iin := range held {
		var at string
		if err := platform.Get(&at, "SELECT kato FROM profiles WHERE iin = $1", iin); err != nil || at[:2] != kato[:2] {
			t.Errorf("somebody from elsewhere: %v", err)
		}
	}
	approve(exit.NotUnderstood, "approve.answered", "admin-author", plan.Result.Digest)
	k.almasu(exit.NotUnderstood, "usage.note", "requests", "close", "request-7")
	k.almasu(0, "is closed", "requests", "close", "request-7", "--note", "their receipt no. 5")
	k.almasu(exit.NotUnderstood, "request.closed", "requests", "close", "request-7", "--note", "again")
	k.almasu(0, "their receipt no. 5", "requests", "show", "request-7")
	k.almasu(0, "There are no requests", "requests", "--open")
	k.almasu(0, "request.close", "log", "show")
	k.almasu(0, "", "log", "verify")
	k.almasu(0, "", "log", "replay")

	// A second letter that nobody answers is overdue after its deadline.
	k.almasu(exit.Waiting, "", "request", file("second.yaml", strings.Replace(strings.ReplaceAll(byPlace, "TERRITORY", kato), "request-7", "request-8", 1)), "--scan", scan)
	k.almasu(exit.NotUnderstood, "request.scan_differs", "request", file("third.yaml", strings.Replace(byPlace, "marking:", "file: sha256:"+strings.Repeat("0", 63)+"1\nmarking:", 1)), "--scan", scan)
	k.w.Now = time.Date(2026, 12, 1, 6, 0, 0, 0, time.UTC)
	k.almasu(exit.NotWell, "OVERDUE", "requests")
}
