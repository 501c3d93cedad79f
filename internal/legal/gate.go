package legal

import (
	"io/fs"
	"time"

	"birgeoqy.kz/almasu/internal/legal/register"
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

// Case is one run of one route, as the rules for a whole run look at it.
type Case struct {
	// Route is the id of the route.
	Route string
	// Now is the moment of sending.
	Now time.Time
	// Demo admits acts that are marked as examples.
	Demo bool
	// Request is the written request that an ad-hoc route answers; nil on a scheduled route.
	Request *Request
	// Channel is the channel over which the configured connector really sends: rest, parcel, shep_sync, shep_async. An empty one is refused (SEC-1).
	Channel string
	// PublishedText is the digest of the normalised policy text as published now (POL-5); zero if it was not looked up.
	PublishedText record.Digest
}

// Request is a written request for data (policy 5.3, rule BAS-3).
type Request struct{}

// Denied is a field that the recipient asks for and does not get, with the rule.
type Denied struct{ Field, Rule, Why string }

// Basis cites what a run stands on.
type Basis struct {
	// Path is "consent" or "statute"; Clause is the policy's: "5.2" or "5.3"; Item is the item of 94-V art. 9 on the statute path.
	Path, Clause, Item string
	// Ground, Procedure and Competence are citations as text: "94-V art. 9(10), edition 2021-01-01".
	Ground, Procedure, Competence string
}

// Refusal says why a run may not start, or a person not be sent.
type Refusal struct {
	// Rule is the id of the first rule that failed, and Why its reason.
	Rule, Why string
}

// Error names the rule.
func (r *Refusal) Error() string { return "refused by " + r.Rule + ": " + r.Why }

// ProblemCode returns "legal.refused".
func (r *Refusal) ProblemCode() string { return "legal.refused" }

// Gate is a run that may start. It is made by [Register.Gate] only.
type Gate struct{}

// Gate evaluates the rules for a whole run; the error is a [*Refusal].
func (r *Register) Gate(c Case) (*Gate, error) {
	return nil, &Refusal{Rule: "GATE-1", Why: "no rule has allowed it"}
}

// Permitted returns a function that says whether the route may name a field, and if not, by which rule.
func (r *Register) Permitted(route string) func(field string) (rule string, ok bool) {
	return func(string) (string, bool) { return "FLD-0", false }
}

// Fields is the upper bound of what may leave: the field columns of a batch, in register order. At most 64.
func (g *Gate) Fields() []string { return nil }

// Denied lists the fields that are asked for and never leave on this run.
func (g *Gate) Denied() []Denied { return nil }

// Recipient is the recipient's entry in the register.
func (g *Gate) Recipient() *register.Recipient { return nil }

// Purpose is the purpose code.
func (g *Gate) Purpose() string { return "" }

// Path is "consent" or "statute".
func (g *Gate) Path() string { return "" }

// Basis cites the legal basis.
func (g *Gate) Basis() Basis { return Basis{} }

// Decision is the digest of [Gate.Record].
func (g *Gate) Decision() record.Digest { return record.Digest{} }

// Record is the decision for the whole run in canonical bytes: the same register and case give the same bytes.
func (g *Gate) Record() []byte { return nil }

// PolicyDigest is the digest of the policy text in force.
func (g *Gate) PolicyDigest() record.Digest { return record.Digest{} }

// RouteDigest is what the approvals of the route approve.
func (g *Gate) RouteDigest() record.Digest { return record.Digest{} }

// Situations is the table of situations met so far with their decisions, in canonical bytes.
func (g *Gate) Situations() []byte { return nil }

// Explain explains the decision of a situation.
func (g *Gate) Explain(situation uint16) Explanation { return Explanation{} }

// Explanation is a decision with every rule evaluated.
type Explanation struct {
	Allowed bool
	// Rule and Why name the rule that refused; empty if allowed.
	Rule, Why string
	// Fields are the permitted fields.
	Fields []string
	Checks []Check
}

// Check is one rule evaluated.
type Check struct {
	Rule    string
	Outcome string
	Reason  string
	// KK, RU and EN say the same in Kazakh, Russian and English.
	KK, RU, EN string
}

// Project decides about each person of b, whose columns must be [Gate.Fields], and fills out,
// which it reuses. It allocates nothing per person. It is safe for concurrent use with different out.
func (g *Gate) Project(b *record.Batch, out *Cleared) { *out = Cleared{} }
