package legal

import (
	"crypto/sha256"
	"slices"

	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/strict"
	"birgeoqy.kz/almasu/internal/record"
)

// Request is a written request for data (policy 5.3, rule BAS-3). In a file it is YAML, strictly decoded, with these keys.
type Request struct {
	ID string `yaml:"id" json:"id"`
	// Route is the ad-hoc route that answers it; Initiator is the administrator who entered it, and who cannot approve it.
	Route     string `yaml:"route" json:"route"`
	Initiator string `yaml:"initiator" json:"initiator"`
	// Number, Date and Signatory are the letter's; File is the digest of its scan or electronic original.
	Number    string           `yaml:"number" json:"number"`
	Date      register.Instant `yaml:"date" json:"date"`
	Signatory string           `yaml:"signatory" json:"signatory"`
	File      record.Digest    `yaml:"file" json:"file"`
	// Competence is the norm by which the recipient may ask, Ground the norm that the letter cites.
	Competence register.Citation `yaml:"competence" json:"competence"`
	Ground     register.Citation `yaml:"ground" json:"ground"`
	// Fields are what it asks for, by field id.
	Fields []string `yaml:"fields" json:"fields"`
	// Everyone says that the letter asks for all people, Subjects are those that it names, as [SubjectDigest] under Salt; or Territory and Filter say whom it asks for:
	// who lives inside one of the places, by KATO code, and has one of the values of each filter. It is one of the three.
	Everyone  bool            `yaml:"everyone,optional" json:"everyone"`
	Salt      string          `yaml:"salt,optional" json:"salt"`
	Subjects  []record.Digest `yaml:"subjects,optional" json:"subjects"`
	Territory []string        `yaml:"territory,optional" json:"territory,omitempty"`
	Filter    []Filter        `yaml:"filter,optional" json:"filter,omitempty"`
	// Deadline is when the recipient wants the answer; after Expires the request may not be answered.
	Deadline register.Instant `yaml:"deadline,optional" json:"deadline"`
	Expires  register.Instant `yaml:"expires" json:"expires"`
	// Marking is ordinary; anything else is refused.
	Marking string `yaml:"marking" json:"marking"`
	// Approvals are over [Request.PlanDigest] of one of Plans, or over [Request.Digest] alone; neither covers them. Plans are the digests of plans that approvals name, the latest last.
	Approvals []register.Approval `yaml:"approvals,optional" json:"-"`
	Plans     []record.Digest     `yaml:"-" json:"-"`
	Where     strict.Where        `yaml:"-" json:"-"`
}

// Digest is the SHA-256 of "almasu-request/v1\n" and the request in canonical form, without its approvals.
func (q *Request) Digest() record.Digest {
	return record.DigestOf(append([]byte("almasu-request/v1\n"), register.Canonical(q)...))
}

// Filter asks for people whose place is one of several: Field is a field of the format place that the request names and that may leave, since the answer tells its value.
type Filter struct {
	Field string   `yaml:"field" json:"field"`
	Is    []string `yaml:"is" json:"is"`
}

// PlanDigest is what is approved of the request together with the plan of its answer: the SHA-256 of "almasu-request-plan/v1\n", the request's digest, a line feed, the plan's
// digest, and a line feed. Without a plan it is [Request.Digest].
func (q *Request) PlanDigest(plan record.Digest) record.Digest {
	if plan.IsZero() {
		return q.Digest()
	}
	return record.DigestOf([]byte("almasu-request-plan/v1\n" + q.Digest().String() + "\n" + plan.String() + "\n"))
}

// ApproversOf lists the administrators who have approved the request with a plan at or before now, as [register.Register.Approvers] does.
func (r *Register) ApproversOf(q *Request, plan record.Digest, now register.Instant) []string {
	return r.Register.Approvers(q.Approvals, register.ApproveRequest, q.ID, q.PlanDigest(plan), q.Initiator, now)
}

// approved finds the latest plan that enough people have approved. A request whose approvals name no plan is approved by itself.
func (r *Register) approved(q *Request, now register.Instant) (plan record.Digest, ok bool) {
	for i := len(q.Plans) - 1; i >= 0; i-- {
		if !q.Plans[i].IsZero() && len(r.ApproversOf(q, q.Plans[i], now)) >= enough {
			return q.Plans[i], true
		}
	}
	return record.Digest{}, len(q.Plans) == 0 && len(r.ApproversOf(q, record.Digest{}, now)) >= enough
}

// chosen counts the ways in which the request says whom it is about; one is right.
func (q *Request) chosen() (n int) {
	for _, way := range []bool{q.Everyone, len(q.Subjects) > 0, len(q.Territory)+len(q.Filter) > 0} {
		if way {
			n++
		}
	}
	return n
}

// asksFor says whether a person lives where the request asks for; values are those of their row.
func (g *Gate) asksFor(p *record.Person, value func(field int) ([]byte, bool)) bool {
	q := g.request
	if len(q.Territory) > 0 && (kz.LevelOf(p.Place) == kz.LevelNone || !slices.ContainsFunc(q.Territory, func(code string) bool { return kz.Within(p.Place, []byte(code)) })) {
		return false
	}
	for i := range q.Filter {
		v, ok := value(slices.Index(g.fields, q.Filter[i].Field))
		if !ok || !slices.ContainsFunc(q.Filter[i].Is, func(want string) bool { return want == string(v) }) {
			return false
		}
	}
	return true
}

// minSalt is the least length of a salt in bytes: without one, twelve digits are soon guessed.
const minSalt = 16

// SubjectDigest stands for a person in a request: the SHA-256 of "almasu-subject/v1\n", the salt, and the IIN. It keeps
// numbers out of logs and screens; whoever holds the salt can guess them, so the request is as confidential as the letter.
func SubjectDigest(salt string, iin []byte) record.Digest {
	var room [192]byte
	b := append(room[:0], "almasu-subject/v1\n"...)
	b = append(b, salt...)
	b = append(b, iin...)
	return sha256.Sum256(b)
}

// ParseRequest reads a request strictly; all problems are reported at once as [record.Problems]. Whether it may be answered is decided by the gate.
func ParseRequest(name string, b []byte) (*Request, error) {
	q := new(Request)
	problems := strict.Decode(name, b, q)
	at := func(code, key, hint, message string) {
		problems.Add("request."+code, key, hint, "%s (BAS-3)", message)
	}
	if len(problems) == 0 {
		if q.chosen() != 1 {
			at("subjects", q.Where.Key("subjects"), "list subjects, or a territory and filters, or write everyone: true", "the people are named, or chosen by place, or it says everyone: one of these")
		}
		for _, code := range q.Territory {
			if kz.LevelOf([]byte(code)) == kz.LevelNone {
				at("territory", q.Where.Key("territory"), "see: almasu kato CODE", "the territory is no KATO code")
			}
		}
		for i, f := range q.Filter {
			twice := slices.ContainsFunc(q.Filter[:i], func(o Filter) bool { return o.Field == f.Field })
			if twice || !slices.Contains(q.Fields, f.Field) || len(f.Is) == 0 || slices.Contains(f.Is, "") {
				at("filter", q.Where.Key("filter"), "{field: settlement, is: [...]}, for a field that the request names", "a filter is by a field that the request names, once, with values")
			}
		}
		if len(q.Subjects) > 0 && len(q.Salt) < minSalt || len(q.Salt) > 64 {
			at("salt", q.Where.Key("salt"), "16 to 64 random characters", "the salt is too short or too long")
		}
		for i, f := range q.Fields {
			if slices.Contains(q.Fields[:i], f) {
				at("duplicate_field", q.Where.Key("fields"), "", "a field is named twice")
			}
		}
		if q.File.IsZero() {
			at("file", q.Where.Key("file"), "", "no file has this digest")
		}
		if len(q.Fields) == 0 {
			at("no_fields", q.Where.Key("fields"), "", "no field is named")
		}
		if slices.Contains(q.Subjects, record.Digest{}) {
			at("subjects", q.Where.Key("subjects"), "", "a subject is empty")
		}
		if q.Expires <= q.Date {
			at("expires", q.Where.Key("expires"), "", "the request expires before it is dated")
		}
		for i := range q.Approvals {
			if a := &q.Approvals[i]; a.Kind != register.ApproveRequest || a.Name != q.ID {
				at("approval", a.Where.String(), "", "the approval is for something else")
			}
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return q, nil
}

// MarshalRequest writes a request, approvals included, in the form that [ParseRequest] reads: one line of JSON, which is YAML.
func MarshalRequest(q *Request) []byte {
	type citation struct {
		Act     string `json:"act"`
		Article string `json:"article"`
	}
	return register.Canonical(struct {
		ID         string              `json:"id"`
		Route      string              `json:"route"`
		Initiator  string              `json:"initiator"`
		Number     string              `json:"number"`
		Date       register.Instant    `json:"date"`
		Signatory  string              `json:"signatory"`
		File       record.Digest       `json:"file"`
		Competence citation            `json:"competence"`
		Ground     citation            `json:"ground"`
		Fields     []string            `json:"fields"`
		Everyone   bool                `json:"everyone,omitempty"`
		Salt       string              `json:"salt,omitempty"`
		Subjects   []record.Digest     `json:"subjects,omitempty"`
		Territory  []string            `json:"territory,omitempty"`
		Filter     []Filter            `json:"filter,omitempty"`
		Deadline   register.Instant    `json:"deadline,omitempty"`
		Expires    register.Instant    `json:"expires"`
		Marking    string              `json:"marking"`
		Approvals  []register.Approval `json:"approvals,omitempty"`
	}{
		q.ID, q.Route, q.Initiator, q.Number, q.Date, q.Signatory, q.File,
		citation{q.Competence.Act, q.Competence.Article}, citation{q.Ground.Act, q.Ground.Article},
		q.Fields, q.Everyone, q.Salt, q.Subjects, q.Territory, q.Filter, q.Deadline, q.Expires, q.Marking, q.Approvals,
	})
}
