package app

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

// office is a deployment with five administrators in one process, whose clock the test moves.
type office struct {
	*testing.T
	w    *setup.Example
	v    *service.Service
	s    *session
	now  time.Time
	keys map[string]ed25519.PrivateKey
	n    int
}

const ministryRequest = "ministry-request"

// newOffice makes the office, after edits of its files; the ministry is there if somebody is to be sent.
func newOffice(t *testing.T, sends bool, edits ...func(w *setup.Example)) *office {
	t.Helper()
	w := &setup.Example{Dir: t.TempDir(), Now: demo.Start, People: 40, Batch: 40}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, edit := range edits {
		edit(w)
	}
	o := &office{T: t, w: w, now: w.Now, keys: w.Admins}
	w.Oblast.URL, w.Ministry.URL = "https://127.0.0.1:9", "https://127.0.0.1:9"
	if sends {
		start(t, w, w.Ministry)
	}
	if err := w.WriteConfig(w.Now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	var list []register.Administrator
	for _, id := range append(slices.Clone(setup.Administrators), "admin-fourth", "admin-gone") {
		if o.keys[id] == nil {
			key, _, _, err := setup.Administrator()
			if err != nil {
				t.Fatal(err)
			}
			o.keys[id] = key
		}
		if id != "admin-gone" {
			list = append(list, register.Administrator{ID: id, Name: id, Role: register.RoleAdministration, PublicKey: register.PublicKey(o.keys[id].Public().(ed25519.PublicKey))})
		}
	}
	text, err := register.MarshalAdministrators(list)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.Path("register", register.FileAdministrators), text, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &session{stdout: io.Discard, stderr: io.Discard, config: w.Path("almasu.yaml"), json: true, demo: true, now: func() time.Time { return o.now }}
	o.s = s
	if o.v, err = s.open(t.Context(), service.Parts{Platform: true, Store: true, AnySchema: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.v.Close)
	if _, err := o.v.Store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := o.v.NoteRegister(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	return o
}

// letter is a request's file with an id of its own, after edits of old to new text.
func (o *office) letter(edits ...string) (id string, body []byte) {
	o.Helper()
	body, err := demo.RequestFile(o.Context(), o.v)
	if err != nil {
		o.Fatal(err)
	}
	o.n++
	id = fmt.Sprintf("request-%d", o.n)
	text := strings.NewReplacer(append([]string{"id: request-2026-118", "id: " + id}, edits...)...).Replace(string(body))
	return id, []byte(text)
}

// enter enters a letter and returns its id, or the code of what is wrong with it.
func (o *office) enter(edits ...string) (id, code string) {
	o.Helper()
	id, body := o.letter(edits...)
	_, err := o.v.EnterRequest(o.Context(), "letter.yaml", body)
	return id, o.code(err)
}

// code is the stable code of an error; an error without one fails the test.
func (o *office) code(err error) string {
	o.Helper()
	code := record.CodeOf(err)
	if err != nil && code == "" {
		o.Fatal(err)
	}
	return code
}

// plan is the digest of the plan of a request's answer now; zero if there is none.
func (o *office) plan(id string) (digest record.Digest) {
	o.Helper()
	q, err := o.v.Request(o.Context(), id)
	if err != nil {
		return digest
	}
	if p, err := o.v.PlanAnswer(o.Context(), q, 0); err == nil {
		if digest, err = service.PlanDigest(p); err != nil {
			o.Fatal(err)
		}
	}
	return digest
}

// approve lets somebody approve the plan of now; they may say who they are and use another's key: "who by key". The answer is a code, "due", or "" for one approval of two.
func (o *office) approve(id, who string) string {
	o.Helper()
	return o.approvePlan(id, o.plan(id), who)
}

func (o *office) approvePlan(id string, plan record.Digest, who string) string {
	o.Helper()
	who, key, _ := strings.Cut(who, " by ")
	if key == "" {
		key = who
	}
	if o.keys[key] == nil {
		o.Fatalf("nobody has the key %s", key)
	}
	ready, err := o.v.ApproveRequest(o.Context(), id, plan, who, o.keys[key])
	if ready {
		return "due"
	}
	return o.code(err)
}

// rows counts the rows that a request has.
func (o *office) rows(id string) (n int) {
	o.Helper()
	if err := o.v.Store.Read.Get(&n, "SELECT count(*) FROM due WHERE request = $1", id); err != nil {
		o.Fatal(err)
	}
	return n
}

// run makes the run of a request as "almasu send" does, approved or not.
func (o *office) run(id string) (*transfer.Report, string) {
	o.Helper()
	o.now = o.now.Add(time.Second)
	r, err := o.v.RunDue(o.Context(), scheduler.Due{Job: ministryRequest, Cause: scheduler.CauseAdHoc, Reason: "test", Actor: "clerk", Request: id})
	return r, o.code(err)
}

// TestFourEyesInTheOffice: every two people, in every order and in every role, approve a request of the author's by the real commands' code; a third follows.
// The request is due if and only if two administrators other than the author have approved it, and it is due once.
func TestFourEyesInTheOffice(t *testing.T) {
	o := newOffice(t, false)
	alone := map[string]string{ // what the first approval is answered
		"admin-author": "approve.own", "admin-second": "", "admin-third": "", "admin-gone": "approve.unknown", "clerk by admin-second": "approve.unknown",
		"admin-third by admin-second": "approve.other_key", "admin-second by admin-author": "approve.other_key", "admin-author by admin-second": "approve.own",
	}
	for first, says := range alone {
		for second, then := range alone {
			t.Run(first+" and then "+second, func(t *testing.T) {
				id, code := o.enter()
				if code != "" {
					t.Fatal(code)
				}
				if got := o.approve(id, first); got != says {
					t.Errorf("%s: %q, want %q", first, got, says)
				}
				want, rows := then, 0
				switch {
				case says == "" && first == second:
					want = "approve.twice"
				case says == "" && then == "":
					want, rows = "due", 1
				}
				if got := o.approve(id, second); got != want {
					t.Errorf("%s: %q, want %q", second, got, want)
				}
				if got := o.rows(id); got != rows {
					t.Errorf("%d rows", got)
				}
				if rows == 1 {
					if got := o.approve(id, "admin-fourth"); got != "approve.enough" || o.rows(id) != 1 {
						t.Errorf("a third approval: %q, %d rows", got, o.rows(id))
					}
				}
			})
		}
	}
}

// TestFourEyesOrderOfActs: acts out of their order, and requests that cannot be answered, are each refused by a rule or a code.
func TestFourEyesOrderOfActs(t *testing.T) {
	o := newOffice(t, false)
	must := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	must("an approval of what was not entered", o.approve("request-99", "admin-second"), "request.unknown")
	for what, c := range map[string]struct{ old, new, code string }{
		"unsigned":            {"signatory: head of department (example)\n", "", "yaml.missing_key"},
		"without its scan":    {"file: sha256:", "# file: sha256:", "yaml.missing_key"},
		"of nobody":           {"initiator: admin-author", "initiator: clerk", "request.initiator"},
		"of a revoked person": {"initiator: admin-author", "initiator: admin-gone", "request.initiator"},
		"on no route":         {"route: ministry-request", "route: nowhere", "request.route"},
		"expired":             {"expires: 2026-12-20", "expires: 2026-11-22", "request.expired"},
		"with a key more":     {"marking: ordinary", "marking: ordinary\napproved: true", "yaml.unknown_key"},
	} {
		_, code := o.enter(c.old, c.new)
		must("a request "+what, code, c.code)
	}
	id, body := o.letter()
	for _, want := range []string{"", "request.exists"} {
		_, err := o.v.EnterRequest(t.Context(), "letter.yaml", body)
		must("entered", o.code(err), want)
	}

	refused := func(what, id, why string) {
		t.Helper()
		r, code := o.run(id)
		if code != "" || r.Status != transfer.NotPermitted || r.Code != "legal."+why || r.Totals.Read != 0 || r.Totals.Messages != 0 {
			t.Errorf("%s: %s, %+v", what, code, r)
		}
	}
	refused("a run before any approval", id, "request_not_approved")
	must("the first approval", o.approve(id, "admin-second"), "")
	refused("a run after one approval", id, "request_not_approved")
	// Somebody with the database's password enters the second approval: in the author's name, then one that was signed for another request.
	other, _ := o.enter()
	must("elsewhere", o.approve(other, "admin-third"), "")
	for _, who := range []string{"admin-author", "admin-third"} {
		if _, err := o.v.Store.DB().Exec("INSERT INTO approval (request, approver, plan, body, approved) SELECT $1, $2, plan, body, approved FROM approval WHERE request = $3", id, who, other); err != nil {
			t.Fatal(err)
		}
		refused("a run with an approval of other bytes", id, "request_not_approved")
	}

	// Expiry between the acts.
	late, _ := o.enter()
	approved, _ := o.enter()
	must("in time", o.approve(late, "admin-second")+o.approve(approved, "admin-second"), "")
	must("in time", o.approve(approved, "admin-third"), "due")
	o.now = time.Date(2026, 12, 20, 0, 0, 0, 0, register.Zone)
	must("an approval after the expiry", o.approve(late, "admin-third"), "approve.expired")
	refused("a run after the expiry", approved, "request_expired")

	// The stored letter is changed after its approvals.
	if _, err := o.v.Store.DB().Exec("UPDATE request SET body = replace(body, 'region, ', 'region, phone, ') WHERE id = $1", approved); err != nil {
		t.Fatal(err)
	}
	must("an approval of changed bytes", o.approve(approved, "admin-fourth"), "request.changed")
	o.now = time.Date(2026, 12, 1, 0, 0, 0, 0, register.Zone)
	r, err := o.v.RunDue(t.Context(), scheduler.Due{Job: ministryRequest, Cause: scheduler.CauseAdHoc, Reason: "test", Actor: "clerk", Request: approved})
	messages := -1
	if looked := o.v.Store.Read.Get(&messages, "SELECT count(*) FROM message"); r != nil || err == nil || looked != nil || messages != 0 {
		t.Errorf("a run of changed bytes: %+v, %v, %v; %d messages", r, err, looked, messages)
	}
}

// TestFourEyesSendOnce: two approvals let exactly one answer leave, with the fields and people that the letter names; neither a third approval nor another run sends it again.
func TestFourEyesSendOnce(t *testing.T) {
	o := newOffice(t, true)
	id, code := o.enter("fields: [family_name, given_name, iin, region, district, settlement]", "fields: [family_name, given_name, iin, region, district, birth_date]")
	if got := code + o.approve(id, "admin-second") + o.approve(id, "admin-third"); got != "due" {
		t.Fatal(got)
	}
	r, code := o.run(id)
	if code != "" || r.Totals.Accepted == 0 || !slices.Equal(r.Fields, []string{"family_name", "given_name", "iin", "region", "district"}) {
		t.Fatalf("%s, %+v", code, r)
	}
	for field, rule := range map[string]string{"birth_date": "FLD-3", "settlement": "BAS-3"} {
		if !slices.ContainsFunc(r.Denied, func(d legal.Denied) bool { return d.Field == field && d.Rule == rule }) {
			t.Errorf("%s is not denied by %s: %+v", field, rule, r.Denied)
		}
	}
	if got := o.approve(id, "admin-fourth"); got != "approve.answered" {
		t.Errorf("a third approval: %q", got)
	}
	if again, code := o.run(id); code != "request.answered" || again != nil {
		t.Errorf("sent again: %s, %+v", code, again)
	}
	if n := o.rows(id); n != 1 {
		t.Errorf("%d rows", n)
	}
	list, err := o.v.Store.Transfers(t.Context(), ministryRequest, 10)
	if err != nil || len(list) != 1 {
		t.Errorf("%d transfers, %v", len(list), err)
	}
}

// TestFourEyesOverAPlan: what is approved is the plan of the answer. An approval of another plan, of a plan that has moved, or of a request that is closed, and approvals of
// two plans by one person each let nothing leave; when the data have moved after the approvals nothing leaves either, until two people have approved the new plan.
func TestFourEyesOverAPlan(t *testing.T) {
	o := newOffice(t, true)
	must := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	refused := func(what, id, code string) {
		t.Helper()
		r, err := o.run(id)
		if err != "" || r.Status != transfer.NotPermitted || r.Code != code || r.Totals.Read+r.Totals.Messages != 0 {
			t.Errorf("%s: %s, %+v", what, err, r)
		}
	}
	move := func(name string) {
		t.Helper()
		platform, err := sqlx.Open("sqlite", "file:"+o.w.Path("platform.db")+"?_pragma=busy_timeout(10000)")
		if err != nil {
			t.Fatal(err)
		}
		defer platform.Close()
		platform.MustExec("UPDATE profiles SET family_name = $1", name)
	}
	id, _ := o.enter()
	first := o.plan(id)
	must("no plan", o.approvePlan(id, record.Digest{}, "admin-second"), "approve.plan_moved")
	must("another plan", o.approvePlan(id, record.DigestOf([]byte("x")), "admin-second"), "approve.plan_moved")
	must("the plan of now", o.approvePlan(id, first, "admin-second"), "")
	move("Басқа")
	must("the former plan", o.approvePlan(id, first, "admin-third"), "approve.plan_moved")
	second := o.plan(id)
	must("the new plan by another", o.approvePlan(id, second, "admin-third"), "")
	refused("one approval of each plan", id, "legal.request_not_approved")
	must("the new plan by both", o.approvePlan(id, second, "admin-second"), "due")
	move("Үшінші")
	refused("the data have moved since", id, "request.plan_moved")
	must("the plan that has moved", o.approvePlan(id, second, "admin-fourth"), "approve.enough")
	third := o.plan(id)
	must("the third plan", o.approvePlan(id, third, "admin-third")+o.approvePlan(id, third, "admin-fourth"), "due")
	r, code := o.run(id)
	if code != "" || r.Totals.Accepted == 0 {
		t.Errorf("the plan that holds: %s, %+v", code, r)
	}
	must("after the answer", o.approvePlan(id, third, "admin-second"), "approve.answered")

	closed, _ := o.enter()
	must("in time", o.approve(closed, "admin-second")+o.approve(closed, "admin-third"), "due")
	if err := o.v.Store.CloseRequest(t.Context(), o.now, closed, "admin-author", "withdrawn by letter", &transferlog.Act{Actor: "admin-author", Act: "request.close", Object: closed}); err != nil {
		t.Fatal(err)
	}
	must("an approval of a closed request", o.approve(closed, "admin-fourth"), "approve.closed")
	refused("a run of a closed request", closed, "request.closed")
}

// TestFourEyesOverARoute: every administrator's approval of a route by the command's code.
func TestFourEyesOverARoute(t *testing.T) {
	o := newOffice(t, false)
	for who, want := range map[string]string{
		"admin-author": "approve.own", "admin-second": "", "admin-fourth": "", "admin-gone": "approve.unknown", "clerk by admin-second": "approve.unknown",
		"admin-third by admin-second": "approve.other_key", "admin-third by admin-author": "approve.other_key",
	} {
		as, key, _ := strings.Cut(who, " by ")
		if key == "" {
			key = as
		}
		o.s.result = nil
		if got := o.code(o.s.approveRoute(o.v, "oblast-consent", as, o.keys[key])); got != want {
			t.Errorf("%s: %q, want %q", who, got, want)
		}
		if printed := o.s.result != nil; printed != (want == "") {
			t.Errorf("%s: an approval was printed: %v", who, printed)
		}
	}
	if got := o.code(o.s.approveRoute(o.v, "nowhere", "admin-second", o.keys["admin-second"])); got != "approve.unknown_route" {
		t.Errorf("no such route: %q", got)
	}
}
