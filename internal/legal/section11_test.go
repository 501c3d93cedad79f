package legal_test

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/aggregate"
	"birgeoqy.kz/almasu/internal/legal/calendar"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

// The tests that the note on the law asks for by number, as far as a pure function can run them.

func TestLaw01PageVisitIsNoConsentAndACodeOfTheParentIs(t *testing.T) {
	g := open(t, approved(t), consentCase())
	visit := everything()
	visit.Method = "page_visit"
	child := pupil(t, 11)
	_, x := project(g, child, given(visit))
	denies(t, x, "CON-1", "consent_unprovable")
	parent := byParent()
	parent.Fields = []string{"family_name", "given_name", "iin", "region", "district", "settlement"}
	if _, x := project(g, child, given(visit), given(parent)); names(x) != "family_name given_name iin region district settlement" {
		t.Errorf("after the parent's code: %v by %s %s", x.Fields, x.Rule, x.Why)
	}
}

func TestLaw02PupilOfAnotherOblastIsRefusedAndOthersPass(t *testing.T) {
	g := open(t, approved(t), consentCase())
	b := record.NewBatch(g.Fields(), 3)
	values := make([][]byte, len(g.Fields()))
	for i, place := range []string{"615230100", "750000000", "610000000"} {
		p := pupil(t, 30)
		p.Key, p.Place = []byte{'a' + byte(i)}, []byte(place)
		b.Add(p, values)
		b.AddConsent(given(everything()))
	}
	out := new(legal.Cleared)
	g.Project(b, out)
	if out.Len() != 2 || out.Row(0) != 0 || out.Row(1) != 2 || len(out.Refused()) != 1 {
		t.Fatalf("%d cleared, refused %v", out.Len(), out.Refused())
	}
	denies(t, g.Explain(out.Refused()[0].Situation), "TERR-1", "outside_territory")
}

func TestLaw03WhatTheFormAsksBeyondIsDeniedByName(t *testing.T) {
	want := map[string]string{"middle_name": "FLD-1", "birth_date": "FLD-3", "sex": "FLD-3", "grade": "FLD-0", "school": "FLD-0", "email": "FLD-2", "phone": "FLD-2", "ip": "TECH-2"}
	for _, d := range open(t, approved(t), statuteCase()).Denied() {
		if want[d.Field] != d.Rule || d.Why == "" {
			t.Errorf("%s is denied by %s for %q, expected %s", d.Field, d.Rule, d.Why, want[d.Field])
		}
		delete(want, d.Field)
	}
	if len(want) != 0 {
		t.Errorf("not reported: %v", want)
	}
}

func TestLaw04AnOrderIsNoGround(t *testing.T) {
	files := exampleFS(t)
	replace(t, files, "routes/ministry-statute.yaml", `ground: {act: EXAMPLE-1, article: "1"}`, `ground: {act: "354", article: "1"}`)
	_, err := legal.Load(files)
	if err == nil || !strings.Contains(err.Error(), "BAS-2") {
		t.Errorf("a route on an order loads: %v", err)
	}
	open(t, approved(t), statuteCase()) // a law, with that order as its procedure
}

func TestLaw04AnEditionBelowALawStopsTheRun(t *testing.T) {
	// The act is a law until 2026 and an order after that: the route loads, and stops when the time comes.
	r := approved(t, edit(t, "acts.yaml", "  - id: EXAMPLE-1\n", `  - id: EXAMPLE-1
    type: order
    edition: 2026-08-01
    from: 2026-08-01
    title_kk: (мысал) бұйрық
    title_ru: (пример) приказ
    example: true
    articles:
      - id: "1"
        title_kk: мысал
        title_ru: пример
  - id: EXAMPLE-1
    until: 2026-08-01
`))
	refusedBy(t, r, statuteCase(), "BAS-2", "ground_not_law")
}

func TestLaw06BlockedPeopleAreInNoAggregateAndAreNotErased(t *testing.T) {
	tab, err := aggregate.New(10)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		tab.Add("Turkistan", "2026-08", i == 0)
	}
	if n := tab.Publish().Total.Count; n != 19 {
		t.Errorf("%d people are counted", n)
	}
	for _, operation := range legal.Operations() {
		keeps := operation == "store" || operation == "block" || operation == "unblock"
		if rule, why, ok := legal.MayDo(operation, true, true); ok != keeps || !ok && (rule != "BLK-3" || why != "blocked") {
			t.Errorf("%s while blocked: %v by %s, %s", operation, ok, rule, why)
		}
	}
}

func TestNothingUnderAHoldIsDestroyed(t *testing.T) {
	for _, operation := range legal.Operations() {
		ends := operation == "delete" || operation == "destroy" || operation == "depersonalise"
		if rule, why, ok := legal.MayDo(operation, false, true); ok == ends || !ok && (rule != "CLM-1" || why != "held") {
			t.Errorf("%s under a hold: %v by %s, %s", operation, ok, rule, why)
		}
		if _, _, ok := legal.MayDo(operation, false, false); !ok {
			t.Errorf("%s is refused without a block and without a hold", operation)
		}
	}
	if rule, _, ok := legal.MayDo("forget", false, false); ok || rule != "OP-1" {
		t.Errorf("an unknown operation: %v by %s", ok, rule)
	}
}

func addSchool(t testing.TB) []func(fstest.MapFS) {
	return []func(fstest.MapFS){
		edit(t, "fields.yaml", "  - id: cookies\n", `  - id: school
    clause: 3.2.7
    class: profile
    subject: user
    format: text
    source: profile_form@birgeoqy.kz
    kk: Мектебі
    ru: Школа
    en: School
  - id: cookies
`),
		edit(t, "policies.yaml", "    posting_date_unproven: true\n", "    until: 2026-05-01\n    posting_date_unproven: true\n"),
		func(files fstest.MapFS) {
			files["policies.yaml"] = &fstest.MapFile{Data: append(files["policies.yaml"].Data, []byte(`  - id: v2
    order: 12п
    order_date: 2026-04-01
    text_digest: sha256:00000000000000000000000000000000000000000000000000000000000000aa
    registered: 2026-04-20
    from: 2026-05-01
    catalogue: [family_name, given_name, email, iin, phone, region, district, settlement, parent_phone, school]
`)...)}
		},
		edit(t, "routes/oblast-consent.yaml", "# What the", "  - field: school\n    need: support is planned by school\n# What the"),
		edit(t, "routes/oblast-consent.yaml", "school, grade", "grade"),
		edit(t, "routes/ministry-statute.yaml", "# What the", "  - field: school\n    need: the function is carried out by school\n# What the"),
		edit(t, "routes/ministry-statute.yaml", "school, grade", "grade"),
	}
}

func TestLaw07AWiderPolicyDoesNotWidenAnOldConsent(t *testing.T) {
	named := edit(t, "acts.yaml", "names: [family_name,", "names: [school, family_name,")
	r := approved(t, append(addSchool(t), named)...)
	g := open(t, r, consentCase())
	terms := everything()
	terms.Fields = append(terms.Fields, "school")
	_, x := project(g, pupil(t, 30), given(terms))
	if strings.Contains(names(x), "school") || !x.Allowed || x.Withheld[len(x.Withheld)-1] != (legal.Denied{Field: "school", Rule: "POL-2", Why: "not_accepted"}) {
		t.Errorf("accepted v1: %v, withheld %v", x.Fields, x.Withheld)
	}
	newer := everything()
	newer.Fields, newer.PolicyVersion = terms.Fields, "v2"
	c := given(newer)
	c.Given = record.Micros(now.AddDate(0, -1, 0))
	if _, x := project(g, pupil(t, 30), c); !strings.Contains(names(x), "school") {
		t.Errorf("accepted v2: %v by %s %s", x.Fields, x.Rule, x.Why)
	}
	if _, x := project(open(t, r, statuteCase()), pupil(t, 30)); !strings.Contains(names(x), "school") {
		t.Errorf("by a law that names it: %v", x.Fields)
	}
	unnamed := open(t, approved(t, addSchool(t)...), statuteCase())
	if strings.Contains(strings.Join(unnamed.Fields(), " "), "school") {
		t.Error("a law that does not name the field carries it")
	}
}

func TestLaw08OverlappingVersionsAreRefused(t *testing.T) {
	files := exampleFS(t)
	for _, change := range addSchool(t) {
		change(files)
	}
	replace(t, files, "policies.yaml", "until: 2026-05-01", "until: 2026-05-02")
	if _, err := legal.Load(files); err == nil || !strings.Contains(err.Error(), "register.policy_overlap") {
		t.Errorf("loaded: %v", err)
	}
}

func TestLaw10AddressesGoToNoEducationBodyAndToOthersWithTwoApprovals(t *testing.T) {
	files := exampleFS(t)
	replace(t, files, "routes/ministry-request.yaml", "# What the", "  - field: ip\n    need: the letter asks for the addresses\n# What the")
	if _, err := legal.Load(files); err == nil || !strings.Contains(err.Error(), "TECH-2") {
		t.Errorf("the ministry's route loads with addresses: %v", err)
	}
	court := []func(fstest.MapFS){
		edit(t, "acts.yaml", "names: [family_name,", "names: [ip, family_name,"),
		func(files fstest.MapFS) {
			text := string(files["routes/ministry-request.yaml"].Data)
			for old, new := range map[string]string{"ministry-request": "court-request", "enlightenment-ministry": "labour-ministry", "purpose: STATUTE": "purpose: payments_legality",
				"# What the": "  - field: ip\n    need: the letter asks for the addresses\n# What the"} {
				text = strings.ReplaceAll(text, old, new)
			}
			files["routes/court-request.yaml"] = &fstest.MapFile{Data: []byte(text)}
		},
		func(files fstest.MapFS) {
			text := string(files["recipients.yaml"].Data)
			i := strings.Index(text, "labour-ministry")
			tail := strings.Replace(strings.Replace(text[i:], "channel: shep_sync", "channel: rest", 1), "          state_system: true\n", "", 1)
			files["recipients.yaml"] = &fstest.MapFile{Data: []byte(text[:i] + tail)}
		},
	}
	r := approved(t, court...)
	q := letter(pupil(t, 30).IIN)
	q.Route, q.Fields = "court-request", []string{"ip"}
	c := requestCase(signed(q, 1))
	c.Route = "court-request"
	refusedBy(t, r, c, "BAS-3", "request_not_approved")
	signed(q, 1, 2)
	if got := strings.Join(open(t, r, c).Fields(), " "); got != "ip" {
		t.Errorf("fields %s", got)
	}
	q.Fields = []string{"iin"}
	signed(q, 1, 2)
	if got := strings.Join(open(t, r, c).Fields(), " "); got != "iin" {
		t.Errorf("a request that does not name the addresses gets %s", got)
	}
}

func TestLaw13ClaimTerm(t *testing.T) {
	term, _ := calendar.TermOf("claim")
	due, err := calendar.Kazakhstan().Due(term, time.Date(2025, 1, 31, 12, 0, 0, 0, register.Zone))
	if err != nil || due.Format(time.DateOnly) != "2025-03-02" {
		t.Errorf("due %v, %v", due, err)
	}
}

func TestLaw14ARepealedActStopsTransfersFromThatDay(t *testing.T) {
	repealed := now.AddDate(0, 0, 1)
	r := approved(t, edit(t, "acts.yaml", "    from: 2023-01-01\n", "    from: 2023-01-01\n    until: "+repealed.Format(time.DateOnly)+"\n"))
	before := open(t, r, statuteCase())
	after := statuteCase()
	after.Now = repealed
	refusedBy(t, r, after, "BAS-1", "citation_out_of_force")
	project(before, pupil(t, 30))
	if _, err := r.Replay(statuteCase(), before.Situations()); err != nil {
		t.Errorf("the transfer of before is no longer valid in audit: %v", err)
	}
}

func TestLaw15MarkedPayloadsAreRefusedBeforeAnythingElse(t *testing.T) {
	q := letter(pupil(t, 30).IIN)
	q.Marking = "dsp"
	refusal := refusedBy(t, approved(t), requestCase(q), "CLS-1", "marked_secret")
	if len(refusal.Checks) != 2 {
		t.Errorf("%d rules were looked at", len(refusal.Checks))
	}
}

func TestBlockCountsFromReceipt(t *testing.T) {
	received := time.Date(2026, 9, 4, 23, 0, 0, 0, register.Zone)
	from, by, err := legal.Block{Requester: "legal_representative", Received: received}.From(calendar.Kazakhstan())
	if err != nil || !from.Equal(received) || by.Format(time.DateOnly) != "2026-09-07" {
		t.Errorf("from %v, handle by %v, %v", from, by, err)
	}
	if _, _, err := (legal.Block{Requester: "neighbour", Received: received}).From(calendar.Kazakhstan()); record.CodeOf(err) != "legal.block_requester" {
		t.Errorf("error %v", err)
	}
	for _, o := range legal.Outcomes() {
		if o.Code == "" || len(o.Acts) == 0 {
			t.Errorf("outcome %+v", o)
		}
	}
}

func TestLaw09AChangeMakesLinkedCorrectionsAndANoticeWhereTheBasisIsGone(t *testing.T) {
	phone := []string{"family_name", "phone"}
	sent := []legal.Sent{
		{Transfer: "t1", Route: "oblast-consent", Fields: phone, At: now.AddDate(0, -1, 0)},
		{Transfer: "t2", Route: "ministry-statute", Fields: phone, At: now.AddDate(0, -2, 0)},
		{Transfer: "t3", Route: "oblast-consent", Fields: []string{"iin"}, At: now.AddDate(0, -1, 0)},
		{Transfer: "t4", Route: "oblast-consent", Fields: phone, At: now.AddDate(-2, 0, 0)},
		{Transfer: "t5", Route: "gone", Fields: phone, At: now.AddDate(0, -1, 0)},
	}
	repealed := approved(t, edit(t, "acts.yaml", "    from: 2023-01-01\n", "    from: 2023-01-01\n    until: 2026-08-15\n"))
	caseOf := func(route string) legal.Case { return legal.Case{Route: route, Now: now, Demo: true, Channel: "rest"} }
	want := []legal.Correction{
		{Transfer: "t1", Route: "oblast-consent", Fields: []string{"phone"}},
		{Transfer: "t2", Route: "ministry-statute", Notice: true, Rule: "BAS-1", Why: "citation_out_of_force"},
		{Transfer: "t5", Route: "gone", Notice: true, Rule: "GATE-1", Why: "unknown_route"},
	}
	if got := repealed.Corrections([]string{"phone"}, sent, now, caseOf); !reflect.DeepEqual(got, want) {
		t.Errorf("corrections %+v, expected %+v", got, want)
	}
	narrow := approved(t).Corrections([]string{"phone"}, sent[1:2], now, caseOf)
	if len(narrow) != 1 || !narrow[0].Notice || narrow[0].Rule != "UPD-2" {
		t.Errorf("a field that the route no longer sends: %+v", narrow)
	}
}
