package legal_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

const salt = "0123456789abcdef"

// letter is a complete request of the ministry about one person.
func letter(iin []byte) *legal.Request {
	return &legal.Request{
		ID: "r-1", Route: "ministry-request", Initiator: "admin-author", Number: "12-3/456", Date: register.At(now.AddDate(0, 0, -5)),
		Signatory: "Vice-minister", File: record.DigestOf([]byte("scan")), Competence: register.Citation{Act: "319-III", Article: "5"},
		Ground: register.Citation{Act: "EXAMPLE-1", Article: "1"}, Fields: []string{"family_name", "iin", "birth_date", "ip"},
		Salt: salt, Subjects: []record.Digest{legal.SubjectDigest(salt, iin)}, Expires: register.At(now.AddDate(0, 1, 0)), Marking: "ordinary",
	}
}

// signed is the request with approvals by the named signers.
func signed(q *legal.Request, by ...int) *legal.Request {
	q.Approvals = nil
	for _, i := range by {
		q.Approvals = append(q.Approvals, register.SignApproval(signers[i].Key, register.ApproveRequest, q.ID, q.Digest(), signers[i].ID, register.At(now.AddDate(0, 0, -1))))
	}
	return q
}

func requestCase(q *legal.Request) legal.Case {
	return legal.Case{Route: "ministry-request", Now: now, Demo: true, Channel: "rest", Request: q}
}

func TestRequestIsAnswered(t *testing.T) {
	named, other := pupil(t, 12), pupil(t, 13)
	g := open(t, approved(t), requestCase(signed(letter(named.IIN), 1, 2)))
	if got := strings.Join(g.Fields(), " "); got != "family_name iin" {
		t.Errorf("fields %s", got)
	}
	want := map[string]string{"given_name": "BAS-3", "region": "BAS-3", "district": "BAS-3", "settlement": "BAS-3", "middle_name": "FLD-1", "birth_date": "FLD-3", "ip": "TECH-2"}
	for _, d := range g.Denied() {
		if want[d.Field] != d.Rule {
			t.Errorf("%s is denied by %s, expected %s", d.Field, d.Rule, want[d.Field])
		}
		delete(want, d.Field)
	}
	if len(want) > 0 {
		t.Errorf("not denied: %v", want)
	}
	if _, x := project(g, named); names(x) != "family_name iin" {
		t.Errorf("the named person: %v by %s", x.Fields, x.Rule)
	}
	_, x := project(g, other)
	denies(t, x, "BAS-3", "not_requested")
}

func TestRequestDoesNotReachABlockedPerson(t *testing.T) {
	p := pupil(t, 12)
	g := open(t, approved(t), requestCase(signed(letter(p.IIN), 1, 2)))
	p.Blocked = true
	_, x := project(g, p)
	denies(t, x, "BLK-1", "blocked")
	for _, c := range x.Checks {
		if c.Rule == "BLK-6" && c.Outcome == legal.Failed {
			return
		}
	}
	t.Error("BLK-6 is not among the rules that failed")
}

func TestRequestIsRefused(t *testing.T) {
	r := approved(t)
	iin := pupil(t, 12).IIN
	for name, c := range map[string]struct {
		change func(*legal.Request)
		by     []int
		why    string
	}{
		"one approval":          {func(*legal.Request) {}, []int{1}, "request_not_approved"},
		"one person twice":      {func(*legal.Request) {}, []int{1, 1}, "request_not_approved"},
		"the initiator and one": {func(*legal.Request) {}, []int{0, 1}, "request_not_approved"},
		"no number":             {func(q *legal.Request) { q.Number = "" }, []int{1, 2}, "request_incomplete"},
		"no signatory":          {func(q *legal.Request) { q.Signatory = "" }, []int{1, 2}, "request_incomplete"},
		"no file":               {func(q *legal.Request) { q.File = record.Digest{} }, []int{1, 2}, "request_incomplete"},
		"no competence":         {func(q *legal.Request) { q.Competence = register.Citation{} }, []int{1, 2}, "request_incomplete"},
		"no ground":             {func(q *legal.Request) { q.Ground.Article = "99" }, []int{1, 2}, "request_incomplete"},
		"no fields":             {func(q *legal.Request) { q.Fields = nil }, []int{1, 2}, "request_incomplete"},
		"nobody":                {func(q *legal.Request) { q.Subjects = nil }, []int{1, 2}, "request_incomplete"},
		"some and everyone":     {func(q *legal.Request) { q.Everyone = true }, []int{1, 2}, "request_incomplete"},
		"no salt":               {func(q *legal.Request) { q.Salt = "" }, []int{1, 2}, "request_incomplete"},
		"initiator unknown":     {func(q *legal.Request) { q.Initiator = "nobody" }, []int{1, 2}, "request_incomplete"},
		"expired":               {func(q *legal.Request) { q.Expires = register.At(now) }, []int{1, 2}, "request_expired"},
		"dated tomorrow":        {func(q *legal.Request) { q.Date = register.At(now.AddDate(0, 0, 1)) }, []int{1, 2}, "request_expired"},
		"for another route":     {func(q *legal.Request) { q.Route = "ministry-statute" }, []int{1, 2}, "request_other_route"},
	} {
		t.Run(name, func(t *testing.T) {
			q := letter(iin)
			c.change(q)
			refusedBy(t, r, requestCase(signed(q, c.by...)), "BAS-3", c.why)
		})
	}
	changed := signed(letter(iin), 1, 2)
	changed.Fields = append(changed.Fields, "region")
	refusedBy(t, r, requestCase(changed), "BAS-3", "request_not_approved")
	marked := letter(iin)
	marked.Marking = "dsp"
	refusedBy(t, r, requestCase(signed(marked, 1, 2)), "CLS-1", "marked_secret")
}

const letterFile = `id: r-1
route: ministry-request
initiator: admin-author
number: 12-3/456
date: 2026-08-27
signatory: Vice-minister
file: sha256:0000000000000000000000000000000000000000000000000000000000000001
competence: {act: 319-III, article: "5"}
ground: {act: EXAMPLE-1, article: "1"}
fields: [family_name, iin]
everyone: true
expires: 2026-10-01
marking: ordinary
`

func TestParseRequest(t *testing.T) {
	q, err := legal.ParseRequest("r.yaml", []byte(letterFile))
	if err != nil {
		t.Fatal(err)
	}
	if !q.Everyone || len(q.Fields) != 2 || q.Digest().IsZero() {
		t.Errorf("read %+v", q)
	}
	open(t, approved(t), requestCase(signed(q, 1, 2)))
	back, err := legal.ParseRequest("r.yaml", legal.MarshalRequest(q))
	if err != nil || back.Digest() != q.Digest() || len(back.Approvals) != 2 {
		t.Errorf("written and read again: %v", err)
	}
	for old, new := range map[string]string{
		"everyone: true":                      "everyone: false",
		"fields: [family_name, iin]":          "fields: [iin, iin]",
		"expires: 2026-10-01":                 "expires: 2026-08-01",
		"marking: ordinary":                   "marking: ordinary\nextra: 1",
		"everyone: true\nexpires: 2026-10-01": "territory: [x]\nexpires: 2026-10-01",
		"iin]\neveryone: true":                "iin]\nfilter: [{field: region, is: [A]}]",
		"everyone: true\n":                    "salt: short\nsubjects: [sha256:0000000000000000000000000000000000000000000000000000000000000001]\n",
		"number: 12-3/456\n":                  "",
		"signatory: Vice-minister":            "signatory: Vice-minister\napprovals: [{kind: route, name: x, digest: sha256:0000000000000000000000000000000000000000000000000000000000000001, by: a, at: 2026-01-01, signature: " + strings.Repeat("A", 86) + "==}]",
	} {
		if _, err := legal.ParseRequest("r.yaml", []byte(strings.Replace(letterFile, old, new, 1))); record.CodeOf(err) == "" {
			t.Errorf("with %q: %v", new, err)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(letterFile))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := legal.ParseRequest("r.yaml", b)
		if err != nil {
			return
		}
		back, err := legal.ParseRequest("r.yaml", legal.MarshalRequest(q))
		if err != nil || back.Digest() != q.Digest() {
			t.Errorf("a request does not survive being written: %v", err)
		}
	})
}

// TestApprovalsNameAPlan: two approvals of one plan count, and no others: not one for each of two plans, nor those of the request without its plan where a plan is named.
func TestApprovalsNameAPlan(t *testing.T) {
	r, p := approved(t), pupil(t, 12)
	one, two := record.DigestOf([]byte("plan 1")), record.DigestOf([]byte("plan 2"))
	by := func(q *legal.Request, plan record.Digest, at time.Duration, who ...int) {
		for _, i := range who {
			q.Approvals = append(q.Approvals, register.SignApproval(signers[i].Key, register.ApproveRequest, q.ID, q.PlanDigest(plan), signers[i].ID, register.At(now.Add(at))))
			q.Plans = append(q.Plans, plan)
		}
	}
	for name, c := range map[string]struct {
		sign func(*legal.Request)
		plan record.Digest
	}{
		"one plan by two":                     {func(q *legal.Request) { by(q, one, -2, 1, 2) }, one},
		"one after the other":                 {func(q *legal.Request) { by(q, one, -2, 1); by(q, two, -1, 1, 2) }, two},
		"both by two":                         {func(q *legal.Request) { by(q, one, -2, 1, 2); by(q, two, -1, 1, 2) }, two},
		"the second plan is not approved yet": {func(q *legal.Request) { by(q, one, -2, 1, 2); by(q, two, -1, 1) }, one},
	} {
		q := letter(p.IIN)
		c.sign(q)
		g := open(t, r, requestCase(q))
		if g.Plan() != c.plan || !strings.Contains(string(g.Record()), c.plan.String()) {
			t.Errorf("%s: plan %s", name, g.Plan())
		}
	}
	for name, sign := range map[string]func(*legal.Request){
		"two plans by one each":       func(q *legal.Request) { by(q, one, -2, 1); by(q, two, -1, 2) },
		"the author and another":      func(q *legal.Request) { by(q, one, -2, 0, 1) },
		"relabelled":                  func(q *legal.Request) { by(q, one, -2, 1, 2); q.Plans = []record.Digest{two, two} },
		"a plan beside the request's": func(q *legal.Request) { by(q, record.Digest{}, -2, 1, 2); q.Plans[1] = one },
		"tomorrow":                    func(q *legal.Request) { by(q, one, time.Hour, 1, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			q := letter(p.IIN)
			sign(q)
			refusedBy(t, r, requestCase(q), "BAS-3", "request_not_approved")
		})
	}
	looked := requestCase(letter(p.IIN))
	looked.Unapproved = true
	if g := open(t, r, looked); !g.Plan().IsZero() {
		t.Error("a look names a plan")
	}
}

// TestRequestByPlace: who lives in the territory and has one of the filter's values is asked for, and nobody else; a filter tells only what the answer may.
func TestRequestByPlace(t *testing.T) {
	r := approved(t)
	inside, outside, nowhere := pupil(t, 12), pupil(t, 13), pupil(t, 14)
	inside.Place, outside.Place, nowhere.Place = []byte("351010000"), []byte("751010000"), nil
	q := letter(inside.IIN)
	q.Subjects, q.Salt, q.Territory = nil, "", []string{"350000000"}
	g := open(t, r, requestCase(signed(q, 1, 2)))
	if _, x := project(g, inside); !x.Allowed {
		t.Errorf("inside: %s %s", x.Rule, x.Why)
	}
	for _, p := range []record.Person{outside, nowhere} {
		_, x := project(g, p)
		denies(t, x, "BAS-3", "not_requested")
	}
	for name, change := range map[string]func(*legal.Request){
		"and named": func(q *legal.Request) {
			q.Salt, q.Subjects = salt, []record.Digest{legal.SubjectDigest(salt, inside.IIN)}
		},
		"and everyone": func(q *legal.Request) { q.Everyone = true },
	} {
		t.Run(name, func(t *testing.T) {
			x := *q
			change(&x)
			refusedBy(t, r, requestCase(signed(&x, 1, 2)), "BAS-3", "request_incomplete")
		})
	}
	for name, f := range map[string]legal.Filter{"a number": {Field: "iin", Is: []string{"1"}}, "a field that does not leave": {Field: "region", Is: []string{"1"}}, "no field": {Field: "x", Is: []string{"1"}}} {
		t.Run(name, func(t *testing.T) {
			x := *q
			x.Filter = []legal.Filter{f}
			refusedBy(t, r, requestCase(signed(&x, 1, 2)), "BAS-3", "request_filter")
		})
	}
	x := *q
	x.Territory, x.Fields = nil, append(x.Fields, "region")
	x.Filter = []legal.Filter{{Field: "region", Is: []string{"A", "B"}}}
	g = open(t, r, requestCase(signed(&x, 1, 2)))
	for value, want := range map[string]bool{"A": true, "B": true, "C": false, "": false} {
		p := pupil(t, 12)
		b := record.NewBatch(g.Fields(), 1)
		row := make([][]byte, len(g.Fields()))
		row[slices.Index(g.Fields(), "region")] = []byte(value)
		b.Add(p, row)
		var out legal.Cleared
		g.Project(b, &out)
		if out.Len() == 1 != want {
			t.Errorf("%q: %d people", value, out.Len())
		}
	}
}
