package legal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

func TestAdultWithFullConsent(t *testing.T) {
	g := open(t, approved(t), consentCase())
	out, x := project(g, pupil(t, 30), given(everything()))
	if !x.Allowed || names(x) != "family_name given_name iin phone region district settlement" {
		t.Fatalf("decision %+v", x)
	}
	if out.Row(0) != 0 || out.Ordinal(0) != 7 {
		t.Error("the cleared row is not the person's")
	}
	for f, name := range g.Fields() {
		v, ok := out.Value(0, f)
		if want := name != "parent_phone"; ok != want || ok && string(v) != "value of "+name {
			t.Errorf("%s: %q %v", name, v, ok)
		}
	}
	if len(x.Withheld) != 1 || x.Withheld[0].Rule != "FLD-5" {
		t.Errorf("withheld %v", x.Withheld)
	}
}

func TestPersonIsRefused(t *testing.T) {
	g := open(t, approved(t), consentCase())
	change := func(f func(*record.Terms)) *record.Terms { x := everything(); f(x); return x }
	timed := func(f func(*record.Consent)) record.Consent { c := given(everything()); f(&c); return c }
	person := func(f func(*record.Person)) record.Person { p := pupil(t, 30); f(&p); return p }
	adult := pupil(t, 30)
	before, after := record.Micros(now.AddDate(0, 0, -1)), record.Micros(now.AddDate(0, 0, 2))
	for _, c := range []struct {
		name      string
		p         record.Person
		consents  []record.Consent
		rule, why string
	}{
		{"no consent", adult, nil, "CON-1", "consent_missing"},
		{"page visit", adult, []record.Consent{given(change(func(x *record.Terms) { x.Method = "page_visit" }))}, "CON-1", "consent_unprovable"},
		{"unknown method", adult, []record.Consent{given(change(func(x *record.Terms) { x.Method = "shouted" }))}, "CON-1", "consent_unprovable"},
		{"no evidence", adult, []record.Consent{timed(func(c *record.Consent) { c.Evidence = false })}, "CON-1", "consent_unprovable"},
		{"no date", adult, []record.Consent{timed(func(c *record.Consent) { c.Given = 0 })}, "CON-1", "consent_undated"},
		{"giver unknown", adult, []record.Consent{given(change(func(x *record.Terms) { x.GivenBy = "" }))}, "CON-1", "giver_unknown"},
		{"not yet given", adult, []record.Consent{timed(func(c *record.Consent) { c.Given = after })}, "EXC-2", "consent_not_yet"},
		{"withdrawn", adult, []record.Consent{timed(func(c *record.Consent) { c.Withdrawn = before })}, "CON-2", "consent_withdrawn"},
		{"expired", adult, []record.Consent{timed(func(c *record.Consent) { c.Until = before })}, "TERM-1", "consent_expired"},
		{"expires now", adult, []record.Consent{timed(func(c *record.Consent) { c.Until = record.Micros(now) })}, "TERM-1", "consent_expired"},
		{"no term", adult, []record.Consent{timed(func(c *record.Consent) { c.Until = 0 })}, "TERM-1", "consent_no_term"},
		{"older than the policy", adult, []record.Consent{timed(func(c *record.Consent) { c.Given = 1 })}, "POL-4", "policy_later"},
		{"unknown policy", adult, []record.Consent{given(change(func(x *record.Terms) { x.PolicyVersion = "v9" }))}, "POL-4", "policy_unknown"},
		{"other operator", adult, []record.Consent{given(change(func(x *record.Terms) { x.OperatorBIN = "" }))}, "CON-3", "consent_other_operator"},
		{"subject unnamed", adult, []record.Consent{given(change(func(x *record.Terms) { x.SubjectNamed = false }))}, "CON-3", "consent_subject_unnamed"},
		{"no third parties", adult, []record.Consent{given(change(func(x *record.Terms) { x.ThirdParties = record.No }))}, "CON-3", "consent_third_parties"},
		{"silent on third parties", adult, []record.Consent{given(change(func(x *record.Terms) { x.ThirdParties = record.Unstated }))}, "CON-3", "consent_third_parties"},
		{"silent on borders", adult, []record.Consent{given(change(func(x *record.Terms) { x.CrossBorder = record.Unstated }))}, "CON-3", "consent_silent"},
		{"silent on publication", adult, []record.Consent{given(change(func(x *record.Terms) { x.Publication = record.Unstated }))}, "CON-3", "consent_silent"},
		{"no list", adult, []record.Consent{given(change(func(x *record.Terms) { x.Fields = nil }))}, "CON-3", "consent_no_list"},
		{"list of other data", adult, []record.Consent{given(change(func(x *record.Terms) { x.Fields = []string{"email"} }))}, "GATE-1", "nothing_permitted"},
		{"recipient not named", adult, []record.Consent{given(change(func(x *record.Terms) { x.Recipients = nil }))}, "EXC-2", "recipient_unnamed"},
		{"other recipient", adult, []record.Consent{given(change(func(x *record.Terms) { x.Recipients = []string{"kentau-city"} }))}, "EXC-2", "recipient_unnamed"},
		{"purpose not named", adult, []record.Consent{given(change(func(x *record.Terms) { x.Purposes = []string{"P411"} }))}, "EXC-2", "purpose_unnamed"},
		{"blocked", person(func(p *record.Person) { p.Blocked = true }), []record.Consent{given(everything())}, "BLK-1", "blocked"},
		{"closed", person(func(p *record.Person) { p.Account = record.AccountClosed }), []record.Consent{given(everything())}, "CON-2", "account_closed"},
		{"disagreed", person(func(p *record.Person) { p.Account = record.AccountDisagreed }), []record.Consent{given(everything())}, "CON-2", "account_disagreed"},
		{"account withdrawn", person(func(p *record.Person) { p.Account = record.AccountWithdrawn }), []record.Consent{given(everything())}, "CON-2", "account_withdrawn"},
		{"erased", person(func(p *record.Person) { p.Account = record.AccountErased }), []record.Consent{given(everything())}, "CON-2", "account_erased"},
		{"account unknown", person(func(p *record.Person) { p.Account = 0 }), []record.Consent{given(everything())}, "CON-2", "account_unknown"},
		{"account of a state to come", person(func(p *record.Person) { p.Account = 77 }), []record.Consent{given(everything())}, "CON-2", "account_unknown"},
		{"no key", person(func(p *record.Person) { p.Key = nil }), []record.Consent{given(everything())}, "SUB-1", "not_registered"},
		{"dated in the future", person(func(p *record.Person) { p.Updated = after }), []record.Consent{given(everything())}, "UPD-1", "not_current"},
		{"other oblast", person(func(p *record.Person) { p.Place = []byte("750000000") }), []record.Consent{given(everything())}, "TERR-1", "outside_territory"},
		{"no place", person(func(p *record.Person) { p.Place = nil }), []record.Consent{given(everything())}, "FLD-4", "place_unknown"},
		{"malformed place", person(func(p *record.Person) { p.Place = []byte("61") }), []record.Consent{given(everything())}, "FLD-4", "place_unknown"},
		{"no number", person(func(p *record.Person) { p.IIN = nil }), []record.Consent{given(everything())}, "MIN-3", "age_unknown"},
		{"number without a day", person(func(p *record.Person) { p.IIN = []byte("990231399999") }), []record.Consent{given(everything())}, "MIN-3", "age_unknown"},
		{"wrong check digit", person(func(p *record.Person) { p.IIN[11] = '0' + (p.IIN[11]-'0'+1)%10 }), []record.Consent{given(everything())}, "MIN-3", "age_unknown"},
		{"not yet born", person(func(p *record.Person) { p.IIN = iinOf(t, now.AddDate(2, 0, 0)) }), []record.Consent{given(everything())}, "MIN-3", "age_unknown"},
		{"adult by a representative", adult, []record.Consent{given(byParent())}, "CON-1", "own_consent_missing"},
		{"child alone", pupil(t, 11), []record.Consent{given(everything())}, "MIN-1", "representative_missing"},
		{"16 alone", pupil(t, 16), []record.Consent{given(everything())}, "MIN-2", "representative_missing"},
		{"16 by the parent alone", pupil(t, 16), []record.Consent{given(byParent())}, "MIN-2", "own_consent_missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, x := project(g, c.p, c.consents...)
			denies(t, x, c.rule, c.why)
		})
	}
}

func TestMinors(t *testing.T) {
	g := open(t, approved(t), consentCase())
	all := "family_name given_name iin phone region district settlement parent_phone"
	if _, x := project(g, pupil(t, 11), given(byParent())); names(x) != all {
		t.Errorf("a child with the parent's consent: %v by %s", x.Fields, x.Rule)
	}
	if _, x := project(g, pupil(t, 16), given(byParent()), given(everything())); names(x) != all {
		t.Errorf("16 with both consents: %v by %s", x.Fields, x.Rule)
	}
	narrow := everything()
	narrow.Fields = []string{"family_name", "phone", "parent_phone"}
	if _, x := project(g, pupil(t, 16), given(byParent()), given(narrow)); names(x) != "family_name phone parent_phone" {
		t.Errorf("16 with a narrow consent: %v by %s", x.Fields, x.Rule)
	}
	own := byParent()
	own.ForParent = false
	if _, x := project(g, pupil(t, 11), given(own)); names(x) != strings.TrimSuffix(all, " parent_phone") {
		t.Errorf("a parent who does not consent for their own data: %v by %s", x.Fields, x.Rule)
	}
	if _, x := project(g, pupil(t, 30), given(everything()), given(byParent())); names(x) != all {
		t.Errorf("an adult and the parent: %v by %s", x.Fields, x.Rule)
	}
	gone := given(byParent())
	gone.Withdrawn = record.Micros(now)
	if _, x := project(g, pupil(t, 30), given(everything()), gone); names(x) != strings.TrimSuffix(all, " parent_phone") {
		t.Errorf("an adult whose parent has withdrawn: %v by %s", x.Fields, x.Rule)
	}
}

func TestAgeTurnsOnTheBirthday(t *testing.T) {
	g := open(t, approved(t), consentCase())
	for _, c := range []struct {
		born time.Time
		rule string
	}{
		{now.AddDate(-14, 0, 1), "MIN-1"}, {now.AddDate(-14, 0, 0), "MIN-2"}, {now.AddDate(-18, 0, 1), "MIN-2"}, {now.AddDate(-18, 0, 0), ""},
		{time.Date(1880, 5, 5, 0, 0, 0, 0, register.Zone), ""},
	} {
		p := pupil(t, 30)
		p.IIN = iinOf(t, c.born)
		if _, x := project(g, p, given(everything())); x.Rule != c.rule {
			t.Errorf("a birthday %v before now: %s, expected %q", now.Sub(c.born), x.Rule, c.rule)
		}
	}
}

func TestLastConsentGoverns(t *testing.T) {
	g := open(t, approved(t), consentCase())
	early, late := given(everything()), given(everything())
	late.Given = record.Micros(now.AddDate(0, -1, 0))
	late.Terms.Fields = []string{"iin"}
	for _, order := range [][]record.Consent{{early, late}, {late, early}} {
		if _, x := project(g, pupil(t, 30), order...); names(x) != "iin" {
			t.Errorf("the narrower later consent does not govern: %v", x.Fields)
		}
	}
	late.Withdrawn = record.Micros(now)
	_, x := project(g, pupil(t, 30), early, late)
	denies(t, x, "CON-2", "consent_withdrawn")
	visit := everything()
	visit.Method = "page_visit"
	later := given(visit)
	later.Given = record.Micros(now.AddDate(0, 0, -1))
	if _, x := project(g, pupil(t, 30), early, later); !x.Allowed {
		t.Errorf("a visit of the site takes the place of a consent: %s %s", x.Rule, x.Why)
	}
	elsewhere := everything()
	elsewhere.Recipients = []string{"kentau-city"}
	later.Terms = elsewhere
	if _, x := project(g, pupil(t, 30), early, later); !x.Allowed {
		t.Errorf("a consent for another body takes the place of this one: %s %s", x.Rule, x.Why)
	}
}

func TestStatuteNeedsNoConsent(t *testing.T) {
	g := open(t, approved(t), statuteCase())
	all := "family_name given_name iin region district settlement"
	for name, p := range map[string]record.Person{
		"child": pupil(t, 9), "closed": {Key: []byte("k"), Account: record.AccountClosed}, "withdrawn": {Key: []byte("k"), Account: record.AccountWithdrawn},
	} {
		if _, x := project(g, p); names(x) != all {
			t.Errorf("%s: %v by %s", name, x.Fields, x.Rule)
		}
	}
	for why, p := range map[string]record.Person{
		"account_erased": {Key: []byte("k"), Account: record.AccountErased}, "account_unknown": {Key: []byte("k")},
	} {
		_, x := project(g, p)
		denies(t, x, "CON-2", why)
	}
	_, x := project(g, record.Person{Key: []byte("k"), Account: record.AccountActive, Blocked: true})
	denies(t, x, "BLK-1", "blocked")
}

func TestRepeatedRowIsRefused(t *testing.T) {
	g := open(t, approved(t), statuteCase())
	b := record.NewBatch(g.Fields(), 3)
	values := make([][]byte, len(g.Fields()))
	for _, key := range []string{"a", "b", "b", "a"} {
		b.Add(record.Person{Key: []byte(key), Account: record.AccountActive}, values)
	}
	out := new(legal.Cleared)
	g.Project(b, out)
	if out.Len() != 2 || len(out.Refused()) != 2 || out.Refused()[0].Row != 2 {
		t.Errorf("%d cleared, refused %v", out.Len(), out.Refused())
	}
}

func TestParentsBlockCoversTheirNumber(t *testing.T) {
	child := pupil(t, 11)
	child.ParentBlocked = true
	g := open(t, approved(t), consentCase())
	_, x := project(g, child, given(byParent()))
	if names(x) != "family_name given_name iin phone region district settlement" {
		t.Errorf("sent with consent: %v by %s %s", x.Fields, x.Rule, x.Why)
	}
	if n := len(x.Withheld); n != 1 || x.Withheld[0] != (legal.Denied{Field: "parent_phone", Rule: "BLK-5", Why: "parent_blocked"}) {
		t.Errorf("withheld %v", x.Withheld)
	}
	if _, err := approved(t).Replay(consentCase(), g.Situations()); err != nil {
		t.Error(err)
	}
	named := approved(t, edit(t, "acts.yaml", "names: [family_name,", "names: [parent_phone, family_name,"),
		edit(t, "routes/ministry-statute.yaml", "# What the", "  - field: parent_phone\n    need: the parent is called first\n# What the"))
	g = open(t, named, statuteCase())
	if _, x := project(g, child); strings.Contains(names(x), "parent_phone") || !x.Allowed {
		t.Errorf("by a law that names the number: %v", x.Fields)
	}
	child.ParentBlocked = false
	if _, x := project(g, child); !strings.Contains(names(x), "parent_phone") {
		t.Errorf("after the block: %v", x.Fields)
	}
}

func TestAParentsNumberGoesByStatuteOnlyIfTheLawNamesIt(t *testing.T) {
	add := edit(t, "routes/ministry-statute.yaml", "# What the", "  - field: parent_phone\n    need: the function is carried out by calling parents\n# What the")
	silent := edit(t, "acts.yaml", "        names: [family_name, given_name, iin, region, district, settlement]\n", "")
	g := open(t, approved(t, add, silent), statuteCase())
	if g.Denied()[0] != (legal.Denied{Field: "parent_phone", Rule: "FLD-5", Why: "not_named_by_law"}) || len(g.Fields()) != 6 {
		t.Errorf("fields %v, denied %v", g.Fields(), g.Denied())
	}
	named := edit(t, "acts.yaml", "names: [family_name,", "names: [parent_phone, family_name,")
	if g := open(t, approved(t, add, named), statuteCase()); len(g.Fields()) != 7 {
		t.Errorf("fields %v", g.Fields())
	}
}

// TestTooManyKindsAreRefused meets more kinds of consents, and then more situations, than a gate can tell apart.
func TestTooManyKindsAreRefused(t *testing.T) {
	g := open(t, approved(t), consentCase())
	const people = 1<<16 + 500
	values := make([][]byte, len(g.Fields()))
	out, cleared, refused := new(legal.Cleared), 0, 0
	b := record.NewBatch(g.Fields(), 1000)
	p := pupil(t, 30)
	for i := range people {
		p.Key = fmt.Appendf(nil, "%08d", i)
		b.Add(p, values)
		terms := everything()
		terms.Fields = append(terms.Fields, fmt.Sprintf("x%d", i))
		b.AddConsent(given(terms))
		if b.Len() == 1000 || i == people-1 {
			g.Project(b, out)
			cleared, refused = cleared+out.Len(), refused+len(out.Refused())
			b.Reset()
		}
	}
	if cleared < 60000 || refused < 400 || cleared+refused != people {
		t.Errorf("%d cleared, %d refused of %d", cleared, refused, people)
	}
	b.Add(pupil(t, 30), values)
	b.AddConsent(given(everything()))
	if g.Project(b, out); out.Len() != 0 {
		t.Error("a kind of consent beyond the bound is admitted")
	}
}
