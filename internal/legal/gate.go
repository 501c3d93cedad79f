package legal

import (
	"io/fs"
	"slices"
	"sync"
	"time"

	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
)

// Register is the law as data: see [register.Register], whose tables it shows.
type Register struct{ *register.Register }

// Load reads the register in fsys. All problems are reported at once, as [record.Problems].
func Load(fsys fs.FS) (*Register, error) {
	r, err := register.Load(fsys)
	if err != nil {
		return nil, err
	}
	return &Register{r}, nil
}

// Gate is a run that may start. It is made by [Register.Gate] only, and is safe for concurrent use.
type Gate struct {
	reg       *Register
	route     *register.Route
	to        *register.Recipient
	policy    *register.Policy
	purpose   *register.Purpose
	basis     Basis
	digest    record.Digest // of the route
	fields    []string
	marks     []Mark
	groups    *grouping // of a route of statistics
	denied    []Denied
	record    []byte
	decision  record.Digest
	consent   bool
	local     bool
	full      uint64 // every field of fields
	parentBit uint64 // the fields whose subject is the parent
	now       int64
	cutoffs   cutoffs
	territory []byte
	request   *Request
	plan      record.Digest
	subjects  map[record.Digest]struct{}

	mu         sync.Mutex
	terms      map[*record.Terms]uint16
	byContent  map[string]uint16
	verdicts   []verdict // by terms id; 0 stands for no consent
	situations map[Situation]uint16
	entries    []entry
	table      []byte // the situations in canonical form; nil if it is out of date
}

// Gate evaluates the rules for a whole run; the error is a [*Refusal] that lists every rule evaluated.
func (r *Register) Gate(c Case) (*Gate, error) {
	e := &evaluation{reg: r, c: c, now: register.At(c.Now)}
	e.run()
	if e.failed() {
		return nil, &Refusal{Route: c.Route, Rule: e.rule.String(), Why: string(e.why), Checks: e.list}
	}
	g := &Gate{
		reg: r, route: e.route, to: e.to, policy: e.policy, purpose: e.purpose, basis: e.basis, digest: r.RouteDigest(e.route),
		fields: e.fields, marks: e.marks(), groups: e.groups, denied: e.denied, consent: e.route.Path == register.PathConsent, local: e.to.Kind == register.KindLocal,
		now: int64(e.now), cutoffs: cutoffsAt(c.Now), territory: []byte(e.to.KATO), request: c.Request, plan: e.plan,
		terms: make(map[*record.Terms]uint16), byContent: make(map[string]uint16), verdicts: make([]verdict, 1),
		situations: make(map[Situation]uint16),
	}
	for i, f := range g.fields {
		g.full |= 1 << uint(i)
		if def := r.Field(f); def.Subject == "parent" {
			g.parentBit |= 1 << uint(i)
		}
	}
	if g.groups != nil {
		g.full = counted
	}
	if q := c.Request; q != nil && len(q.Subjects) > 0 {
		g.subjects = make(map[record.Digest]struct{}, len(q.Subjects))
		for _, s := range q.Subjects {
			g.subjects[s] = struct{}{}
		}
	}
	g.record = e.canonical()
	g.decision = record.DigestOf(append([]byte("almasu-decision/v1\n"), g.record...))
	return g, nil
}

// Permitted returns a function that says whether the route can ever send a field, and if not, by which rule. It looks at no moment.
func (r *Register) Permitted(route string) func(field string) (rule string, ok bool) {
	rt := r.Route(route)
	return func(field string) (string, bool) {
		if rt != nil && rt.Aggregate != nil {
			return rules.PUR2.String(), slices.Contains(Columns, field)
		}
		if rt != nil && slices.ContainsFunc(rt.Fields, func(x register.RouteField) bool { return x.Field == field }) {
			return "", true
		}
		if f := r.Field(field); f != nil && f.Class == register.ClassProfile && rt != nil {
			return rules.FLD2.String(), false
		}
		return r.RuleAgainst(field).String(), false
	}
}

// Fields is the upper bound of what may leave: the field columns of a batch, in register order. At most 64; none on a route of statistics. The caller
// does not change it.
func (g *Gate) Fields() []string { return g.fields }

// Denied lists the fields that are asked for and never leave on this run, in register order, then as asked.
func (g *Gate) Denied() []Denied { return g.denied }

// Recipient is the recipient's entry in the register.
func (g *Gate) Recipient() *register.Recipient { return g.to }

// Purpose is the purpose code.
func (g *Gate) Purpose() string { return g.purpose.Code }

// Path is "consent" or "statute".
func (g *Gate) Path() string { return g.route.Path }

// Basis cites the legal basis.
func (g *Gate) Basis() Basis { return g.basis }

// Decision is the SHA-256 of "almasu-decision/v1\n" and [Gate.Record].
func (g *Gate) Decision() record.Digest { return g.decision }

// Record is the decision for the whole run in canonical bytes: the same register and case give the same bytes.
func (g *Gate) Record() []byte { return slices.Clone(g.record) }

// RegisterDigest is the digest of the register.
func (g *Gate) RegisterDigest() record.Digest { return g.reg.Digest() }

// PolicyDigest is the digest of the policy text in force (POL-4).
func (g *Gate) PolicyDigest() record.Digest { return g.policy.TextDigest }

// RouteDigest is what the approvals of the route approve.
func (g *Gate) RouteDigest() record.Digest { return g.digest }

// Plan is the digest of the plan that was approved with the request; zero if there is no request, or its approvals name no plan.
func (g *Gate) Plan() record.Digest { return g.plan }

// Mark is the provenance of a field: what the cover of a transfer says of where its values come from (policy 2.3, 2.4).
type Mark struct {
	Field string `json:"field"`
	// Source is the register's, e.g. "profile_form@birgeoqy.kz"; Truth is "self_declared": the user alone answers for it, or "verified_by:SOURCE,DATE", if the
	// register says that the values were verified by then.
	Source string `json:"source"`
	Truth  string `json:"truth"`
}

// Marks lists the provenance of [Gate.Fields] (PROV-1, QUAL-1). It is part of [Gate.Record]. The caller does not change it. No gate has no
// marks.
func (g *Gate) Marks() []Mark {
	if g == nil {
		return nil
	}
	return g.marks
}

// marks makes the mark of each field that may leave.
func (e *evaluation) marks() []Mark {
	marks := make([]Mark, len(e.fields))
	for i, id := range e.fields {
		f := e.reg.Field(id)
		marks[i] = Mark{Field: id, Source: f.Source, Truth: "self_declared"}
		if f.VerifiedBy != "" && f.Verified != 0 && f.Verified <= e.now {
			marks[i].Truth = "verified_by:" + f.VerifiedBy + "," + f.Verified.Time().Format(time.DateOnly)
		}
	}
	return marks
}

// cutoffs are the days that divide the ages, as numbers YYYYMMDD: who was born after born14 is under 14.
type cutoffs struct{ today, born14, born18 int32 }

func cutoffsAt(now time.Time) cutoffs {
	y, m, d := now.In(register.Zone).Date()
	day := int32(m)*100 + int32(d)
	return cutoffs{int32(y)*10000 + day, int32(y-14)*10000 + day, int32(y-18)*10000 + day}
}
