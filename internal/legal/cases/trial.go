package cases

import (
	"errors"
	"slices"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

// trial is one case under way.
type trial struct {
	*example
	reg    *legal.Register
	route  *register.Route
	report *Report
}

func (t *trial) run() Result {
	res := Result{Route: t.route.ID, Name: t.Name, Where: t.Where.String()}
	iin := t.iin()
	t.earlier()
	c := legal.Case{Route: t.route.ID, Now: t.Date.Time(), Demo: true, Channel: t.route.Channel, Request: t.letter(iin)}
	if t.Channel != "" {
		c.Channel = t.Channel
	}
	if t.Published == "other" {
		c.PublishedText = record.DigestOf([]byte("another text"))
	}
	g, err := t.reg.Gate(c)
	var refusal *legal.Refusal
	if errors.As(err, &refusal) {
		t.report.Rules[refusal.Rule]++
		res.Passed = t.RunRefused == refusal.Rule && (t.Why == "" || t.Why == refusal.Why)
		if !res.Passed {
			res.Got = "the run is refused by " + refusal.Rule + ": " + refusal.Why
		}
		return res
	}
	if t.RunRefused != "" {
		res.Got = "the run opens"
		return res
	}
	if got := t.denied(g); got != "" {
		res.Got = got
		return res
	}
	if t.Person == nil {
		res.Passed = true
		return res
	}
	res.Got = t.person(g, iin)
	res.Passed = res.Got == ""
	return res
}

// denied compares what must be denied, and returns what is not.
func (t *trial) denied(g *legal.Gate) string {
	got := make(map[string]string)
	for _, d := range g.Denied() {
		got[d.Field] = d.Rule
		t.report.Rules[d.Rule]++
	}
	for _, d := range t.Denied {
		field, rule, _ := strings.Cut(d, ": ")
		if got[field] != rule {
			return field + " is denied by " + got[field]
		}
	}
	return ""
}

// person compares the decision about the person, and returns what differs.
func (t *trial) person(g *legal.Gate, iin []byte) string {
	b := record.NewBatch(g.Fields(), 1)
	p := record.Person{Key: []byte("1"), IIN: iin, Place: []byte(t.Person.Place), Account: record.AccountActive, Blocked: t.Person.Blocked, ParentBlocked: t.Person.ParentBlocked, Ordinal: 1}
	if t.Person.Account != "" {
		p.Account = record.ParseAccountState([]byte(t.Person.Account))
	}
	p.Updated = int64(t.Person.Updated)
	for range 1 + btoi(t.Person.Twice) {
		b.Add(p, make([][]byte, len(g.Fields())))
		for i := range t.Consents {
			b.AddConsent(t.given(&t.Consents[i]))
		}
	}
	x := decide(g, b)
	if !x.Allowed {
		t.report.Rules[x.Rule]++
		if t.Refused == x.Rule && (t.Why == "" || t.Why == x.Why) {
			return ""
		}
		return "refused by " + x.Rule + ": " + x.Why
	}
	if g.Counts() {
		t.report.Cells[t.route.Recipient+" "+countOf+t.route.Aggregate.By]++
		if t.Counted {
			return ""
		}
		return "counted"
	}
	for _, f := range x.Fields {
		t.report.Cells[t.route.Recipient+" "+f]++
	}
	for _, d := range x.Withheld {
		t.report.Rules[d.Rule]++
	}
	want, got := slices.Sorted(slices.Values(t.Fields)), slices.Sorted(slices.Values(x.Fields))
	if t.Refused == "" && slices.Equal(want, got) {
		return ""
	}
	return "sent: " + strings.Join(got, ", ")
}

// earlierID names the version that a case's consent accepted earlier.
const earlierID = "earlier"

// earlier adds the version that a consent of the case accepted to the register: one that was in force once.
func (t *trial) earlier() {
	for i := range t.Consents {
		if c := &t.Consents[i]; c.Accepted != nil {
			r := *t.reg.Register
			r.Policies = append(slices.Clone(r.Policies), register.Policy{ID: earlierID, From: approvedAt, Until: approvedAt + 1, Catalogue: c.Accepted})
			t.reg, c.Policy = &legal.Register{Register: &r}, earlierID
			return
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// decide explains the decision about the person of a batch: the refusal, if one of its rows is refused.
func decide(g *legal.Gate, b *record.Batch) legal.Explanation {
	out := new(legal.Cleared)
	if g.Project(b, out); out.Len() == b.Len() {
		return g.Explain(out.Situation(0))
	}
	return g.Explain(out.Refused()[0].Situation)
}

// iin makes a well-formed number of somebody of the age, which belongs to nobody as far as its serial can say.
func (t *trial) iin() []byte {
	if t.Person == nil || t.Person.NoIIN {
		return nil
	}
	born := t.Date.Time().AddDate(-t.Person.Age, 0, 0)
	century := byte('1' + 2*(born.Year()/100-18))
	for serial := byte('0'); serial <= '9'; serial++ {
		prefix := append([]byte(born.Format("060102")), century, '9', '9', '9', serial)
		if digit, ok := kz.CheckDigit(prefix); ok {
			return append(prefix, digit)
		}
	}
	return nil
}

func (t *trial) given(c *consent) record.Consent {
	now := t.Date.Time()
	lacks := func(part string) bool { return slices.Contains(c.Lacks, part) }
	stated := func(part string, s record.Stated) record.Stated {
		if lacks(part) {
			return record.Unstated
		}
		return s
	}
	at := c.Given
	if at == 0 {
		at = register.At(now.AddDate(-1, 0, 0))
	}
	terms := &record.Terms{
		PolicyVersion: c.Policy, OperatorBIN: t.reg.Operator.BIN, SubjectNamed: !lacks("subject"), GivenBy: or(c.GivenBy, "self"), Method: or(c.Method, "one_time_code"),
		ThirdParties: stated("third_parties", record.Yes), CrossBorder: stated("cross_border", record.No), Publication: stated("publication", record.No),
		Fields: c.Fields, Recipients: c.Recipients, Purposes: c.Purposes, ForParent: c.ForParent, UntilPurpose: c.Until == 0 && !lacks("term"),
	}
	if p := t.reg.PolicyAt(at); terms.PolicyVersion == "" && p != nil {
		terms.PolicyVersion = p.ID
	}
	if lacks("operator") {
		terms.OperatorBIN = ""
	}
	if terms.Fields == nil && !lacks("list") {
		for _, f := range t.route.Fields {
			terms.Fields = append(terms.Fields, f.Field)
		}
	}
	if terms.Recipients == nil {
		terms.Recipients = []string{t.route.Recipient}
	}
	if terms.Purposes == nil {
		terms.Purposes = []string{t.route.Purpose}
	}
	return record.Consent{Terms: terms, Given: int64(at), Until: int64(c.Until), Withdrawn: int64(c.Withdrawn), Evidence: !lacks("evidence")}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// letter makes a complete request of the case's.
func (t *trial) letter(iin []byte) *legal.Request {
	x := t.Request
	if x == nil {
		return nil
	}
	now := t.Date.Time()
	const salt = "salt-of-rehearsals"
	named := legal.SubjectDigest(salt, iin)
	if x.Other {
		named = legal.SubjectDigest(salt, []byte("somebody else"))
	}
	competence := t.route.Ground
	if t.route.Competence != nil {
		competence = *t.route.Competence
	}
	q := &legal.Request{
		ID: "case", Route: t.route.ID, Initiator: t.route.Author, Number: "1", Date: register.At(now.Add(-48 * time.Hour)), Signatory: "a signatory",
		File: record.DigestOf([]byte("a letter")), Competence: competence, Ground: t.route.Ground, Fields: x.Fields,
		Salt: salt, Subjects: []record.Digest{named}, Expires: x.Expires, Marking: "ordinary",
	}
	if q.Expires == 0 {
		q.Expires = register.At(now.AddDate(0, 1, 0))
	}
	for n := 1; n <= min(x.Approvals, 2); n++ {
		s := register.RehearsalSigner(n)
		q.Approvals = append(q.Approvals, register.SignApproval(s.Key, register.ApproveRequest, q.ID, q.Digest(), s.ID, register.At(now.Add(-time.Hour))))
	}
	return q
}
