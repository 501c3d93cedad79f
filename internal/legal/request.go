package legal

import (
	"crypto/sha256"
	"slices"

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
	// Everyone says that the letter names nobody; otherwise Subjects are the people that it names, as [SubjectDigest] under Salt.
	Everyone bool            `yaml:"everyone,optional" json:"everyone"`
	Salt     string          `yaml:"salt,optional" json:"salt"`
	Subjects []record.Digest `yaml:"subjects,optional" json:"subjects"`
	// Deadline is when the recipient wants the answer; after Expires the request may not be answered.
	Deadline register.Instant `yaml:"deadline,optional" json:"deadline"`
	Expires  register.Instant `yaml:"expires" json:"expires"`
	// Marking is ordinary; anything else is refused.
	Marking string `yaml:"marking" json:"marking"`
	// Approvals are over [Request.Digest], which does not cover them.
	Approvals []register.Approval `yaml:"approvals,optional" json:"-"`
	Where     strict.Where        `yaml:"-" json:"-"`
}

// Digest is the SHA-256 of "almasu-request/v1\n" and the request in canonical form, without its approvals.
func (q *Request) Digest() record.Digest {
	return record.DigestOf(append([]byte("almasu-request/v1\n"), register.Canonical(q)...))
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
		if q.Everyone == (len(q.Subjects) > 0) {
			at("subjects", q.Where.Key("subjects"), "list subjects, or write everyone: true", "either the people are named or it says everyone")
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
		Deadline   register.Instant    `json:"deadline,omitempty"`
		Expires    register.Instant    `json:"expires"`
		Marking    string              `json:"marking"`
		Approvals  []register.Approval `json:"approvals,omitempty"`
	}{
		q.ID, q.Route, q.Initiator, q.Number, q.Date, q.Signatory, q.File,
		citation{q.Competence.Act, q.Competence.Article}, citation{q.Ground.Act, q.Ground.Article},
		q.Fields, q.Everyone, q.Salt, q.Subjects, q.Deadline, q.Expires, q.Marking, q.Approvals,
	})
}
