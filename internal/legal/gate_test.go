package legal_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

func TestExampleRoutesOpen(t *testing.T) {
	r := approved(t)
	g := open(t, r, statuteCase())
	if got := strings.Join(g.Fields(), " "); got != "family_name given_name iin region district settlement" {
		t.Errorf("fields %s", got)
	}
	if b := g.Basis(); b.Clause != "5.3" || b.Ground != "EXAMPLE-1 art. 1, edition 2023-01-01" || b.Item != "94-V art. 9(10), edition 2013-05-21" || !b.Example {
		t.Errorf("basis %+v", b)
	}
	g = open(t, r, consentCase())
	if got := strings.Join(g.Fields(), " "); got != "family_name given_name iin phone region district settlement parent_phone" {
		t.Errorf("fields %s", got)
	}
	if b := g.Basis(); b.Clause != "5.2" || b.Competence != "319-III art. 6, edition 2007-07-27" || b.Exception != "written_permission" {
		t.Errorf("basis %+v", b)
	}
	if g.Purpose() != "rural_support" || g.Path() != "consent" || g.Recipient().ID != "turkistan-oblast" || g.PolicyDigest().IsZero() {
		t.Error("the gate does not say what it is for")
	}
}

func TestZeroValuesRefuse(t *testing.T) {
	var c legal.Cleared
	if c.Len() != 0 || len(c.Refused()) != 0 {
		t.Error("the zero Cleared holds somebody")
	}
	r := approved(t)
	refusedBy(t, r, legal.Case{}, "GATE-1", "unknown_route")
	refusedBy(t, r, legal.Case{Route: "ministry-statute"}, "AGR-1", "agreement_out_of_force")
	_, x := project(open(t, r, consentCase()), record.Person{})
	denies(t, x, "SUB-1", "not_registered")
	b := record.NewBatch(nil, 1)
	b.Add(pupil(t, 30), nil)
	new(legal.Gate).Project(b, &c)
	if c.Len() != 0 || len(c.Refused()) != 1 {
		t.Error("the zero Gate clears somebody")
	}
	if x := open(t, r, consentCase()).Explain(999); x.Allowed || x.Rule == "" {
		t.Error("an unknown situation is allowed")
	}
}

// TestRunIsRefused changes one thing of a lawful register or case, and names the rule that must then stop the run.
func TestRunIsRefused(t *testing.T) {
	ministry, oblast := statuteCase(), consentCase()
	request := legal.Case{Route: "ministry-request", Now: now, Demo: true, Channel: "rest"}
	with := func(c legal.Case, change func(*legal.Case)) legal.Case { change(&c); return c }
	for _, c := range []struct {
		name      string
		edit      func(files fstest.MapFS)
		c         legal.Case
		rule, why string
	}{
		{"act is an example", nil, with(ministry, func(c *legal.Case) { c.Demo = false }), "BAS-1", "example_act"},
		{"channel of another kind", nil, with(ministry, func(c *legal.Case) { c.Channel = "parcel" }), "SEC-1", "channel_other"},
		{"channel not said", nil, with(ministry, func(c *legal.Case) { c.Channel = "" }), "SEC-1", "channel_other"},
		{"channel not in the agreement", edit(t, "recipients.yaml", "channel: rest", "channel: epvo"), ministry, "SEC-1", "channel_not_named"},
		{"hosting abroad", edit(t, "recipients.yaml", "hosting_country: KZ", "hosting_country: DE"), ministry, "RCP-4", "foreign"},
		{"body abroad", edit(t, "recipients.yaml", "    country: KZ", "    country: RU"), ministry, "RCP-4", "foreign"},
		{"agreement ended", edit(t, "recipients.yaml", "until: 2034-02-01", "until: 2026-09-01"), ministry, "AGR-1", "agreement_out_of_force"},
		{"agreement in one language", edit(t, "recipients.yaml", "languages: [kk, ru]", "languages: [ru]"), ministry, "AGR-1", "agreement_language"},
		{"agreement without undertaking", edit(t, "recipients.yaml", "undertakes: true", "undertakes: false"), ministry, "AGR-1", "no_undertaking"},
		{"route suspended", edit(t, "routes/ministry-statute.yaml", "marking:", "suspended: true\nmarking:"), ministry, "ADM-1", "suspended"},
		{"ground repealed", edit(t, "acts.yaml", "from: 2023-01-01", "from: 2023-01-01\n    until: 2026-01-01"), ministry, "BAS-1", "citation_out_of_force"},
		{"procedure not yet in force", edit(t, "acts.yaml", "from: 2022-08-30", "from: 2027-08-30"), ministry, "BAS-1", "citation_out_of_force"},
		{"competence repealed", edit(t, "acts.yaml", "from: 2007-08-15", "from: 2007-08-15\n    until: 2026-01-01"), oblast, "BAS-4", "no_competence"},
		{"policy text differs", nil, with(oblast, func(c *legal.Case) { c.PublishedText = record.DigestOf([]byte("x")) }), "POL-5", "published_text_differs"},
		{"before the policy", nil, with(oblast, func(c *legal.Case) { c.Now = time.Date(2020, 1, 1, 0, 0, 0, 0, register.Zone) }), "AGR-1", "agreement_out_of_force"},
		{"no request", nil, request, "BAS-3", "request_missing"},
		{"request on a scheduled route", nil, with(ministry, func(c *legal.Case) { c.Request = &legal.Request{Marking: "ordinary"} }), "BAS-3", "request_unexpected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var edits []func(fstest.MapFS)
			if c.edit != nil {
				edits = append(edits, c.edit)
			}
			refusal := refusedBy(t, approved(t, edits...), c.c, c.rule, c.why)
			if len(refusal.Checks) < 15 {
				t.Errorf("only %d rules are listed", len(refusal.Checks))
			}
		})
	}
}

func TestStatuteRoutesGoOnWhenThePublishedTextDiffers(t *testing.T) {
	c := statuteCase()
	c.PublishedText = record.DigestOf([]byte("x"))
	open(t, approved(t), c)
}

func TestWithoutTwoApprovalsNothingRuns(t *testing.T) {
	files := exampleFS(t)
	refusedBy(t, load(t, files), statuteCase(), "ADM-1", "not_approved")
	approve(t, files)
	r := load(t, files)
	for _, keep := range []string{"admin-b", "admin-c"} {
		var some []register.Approval
		for _, a := range r.Approvals {
			if a.By == keep || a.Kind == register.ApprovePolicy {
				some = append(some, a)
			}
		}
		b, err := register.MarshalApprovals(some)
		if err != nil {
			t.Fatal(err)
		}
		files[register.FileApprovals] = &fstest.MapFile{Data: b}
		refusedBy(t, load(t, files), statuteCase(), "ADM-1", "not_approved")
	}
}

func TestApprovalsAreForOneContent(t *testing.T) {
	for name, change := range map[string]struct{ file, old, new string }{
		"wider route":        {"routes/ministry-statute.yaml", "asked:", "correction_days: 1\nasked:"},
		"another note":       {"routes/ministry-statute.yaml", "by oblast", "by oblast and year"},
		"another agreement":  {"recipients.yaml", "number: 01-2024", "number: 07-2024"},
		"another ground":     {"acts.yaml", "names: [family_name, given_name, iin, region, district, settlement]", "names: [family_name, given_name, iin, region, district, settlement, phone]"},
		"another definition": {"fields.yaml", "en: Family name", "en: Last name"},
	} {
		t.Run(name, func(t *testing.T) {
			files := exampleFS(t)
			approve(t, files)
			if name == "wider route" {
				replace(t, files, change.file, "correction_days: 365\n", "")
			}
			replace(t, files, change.file, change.old, change.new)
			refusedBy(t, load(t, files), statuteCase(), "ADM-1", "not_approved")
		})
	}
}

func TestNarrowingNeedsNoApproval(t *testing.T) {
	files := exampleFS(t)
	approve(t, files)
	before := load(t, files)
	replace(t, files, "routes/oblast-consent.yaml", "marking:", "withheld: [phone]\nmarking:")
	r := load(t, files)
	g := open(t, r, consentCase())
	if strings.Contains(strings.Join(g.Fields(), " "), " phone") {
		t.Error("a withheld field may leave")
	}
	if g.Denied()[0] != (legal.Denied{Field: "phone", Rule: "ADM-1", Why: "withheld"}) {
		t.Errorf("denied %v", g.Denied())
	}
	if before.Digest() == r.Digest() {
		t.Error("the register's digest does not see the narrowing")
	}
}

func TestApprovalInTheFutureDoesNotCount(t *testing.T) {
	c := statuteCase()
	c.Now = now.AddDate(0, -3, 0)
	refusedBy(t, approved(t), c, "ADM-1", "not_approved")
}

func TestBackdatedPolicyNeedsTwoApprovals(t *testing.T) {
	files := exampleFS(t)
	approve(t, files)
	r := load(t, files)
	var routes []register.Approval
	for _, a := range r.Approvals {
		if a.Kind == register.ApproveRoute {
			routes = append(routes, a)
		}
	}
	b, err := register.MarshalApprovals(routes)
	if err != nil {
		t.Fatal(err)
	}
	files[register.FileApprovals] = &fstest.MapFile{Data: b}
	refusedBy(t, load(t, files), consentCase(), "POL-3", "backdating_not_approved")
}

func TestDecisionIsReproducible(t *testing.T) {
	r := approved(t)
	a, b := open(t, r, consentCase()), open(t, approved(t), consentCase())
	if !bytes.Equal(a.Record(), b.Record()) || a.Decision() != b.Decision() || a.Decision().IsZero() {
		t.Error("the same register and case give other bytes")
	}
	c := consentCase()
	c.Now = c.Now.Add(time.Second)
	if open(t, r, c).Decision() == a.Decision() {
		t.Error("another moment gives the same decision")
	}
}

func TestMarksSayWhereValuesComeFrom(t *testing.T) {
	for _, m := range open(t, approved(t), consentCase()).Marks() {
		if m.Source != "profile_form@birgeoqy.kz" || m.Truth != "self_declared" {
			t.Errorf("mark %+v", m)
		}
	}
}

func TestVerifiedFieldsAreMarkedFromTheirDayOn(t *testing.T) {
	for day, want := range map[string]string{"2026-08-01": "verified_by:gbd-fl,2026-08-01", "2026-10-01": "self_declared"} {
		g := open(t, approved(t, edit(t, "fields.yaml", "    format: iin\n", "    format: iin\n    verified_by: gbd-fl\n    verified: "+day+"\n")), consentCase())
		for _, m := range g.Marks() {
			if m.Field == "iin" && m.Truth != want || m.Field != "iin" && m.Truth != "self_declared" {
				t.Errorf("verified since %s: %+v", day, m)
			}
		}
		if !strings.Contains(string(g.Record()), `"truth":"`+want+`"`) {
			t.Errorf("the decision does not hold the marks: %s", g.Record())
		}
	}
}

func TestPermitted(t *testing.T) {
	permitted := approved(t).Permitted("ministry-statute")
	for field, rule := range map[string]string{
		"iin": "", "middle_name": "FLD-1", "birth_date": "FLD-3", "school": "FLD-0", "phone": "FLD-2", "parent_phone": "FLD-2", "ip": "TECH-2", "cookies": "TECH-1",
	} {
		if got, ok := permitted(field); got != rule || ok != (rule == "") {
			t.Errorf("%s: %q %v, expected %q", field, got, ok, rule)
		}
	}
	if _, ok := approved(t).Permitted("no-such-route")("iin"); ok {
		t.Error("an unknown route permits a field")
	}
}
