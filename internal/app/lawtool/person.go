package lawtool

import (
	"strconv"
	"strings"

	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/strict"
	"birgeoqy.kz/almasu/internal/record"
)

var zone = register.Zone

// synthetic is the decision data of a person in a file.
type synthetic struct {
	// IIN is a number that belongs to nobody; without it age and letters that name people find nothing.
	IIN string `yaml:"iin,optional"`
	// Place is a KATO code.
	Place string `yaml:"place,optional"`
	// Account is active, closed, disagreed, withdrawn or erased.
	Account       string           `yaml:"account"`
	Blocked       bool             `yaml:"blocked,optional"`
	ParentBlocked bool             `yaml:"parent_blocked,optional"`
	Consents      []syntheticGiven `yaml:"consents,optional"`
	Where         strict.Where     `yaml:"-"`
}

// syntheticGiven is a consent; what is left out was not said.
type syntheticGiven struct {
	Given         register.Instant `yaml:"given"`
	Until         register.Instant `yaml:"until,optional"`
	Withdrawn     register.Instant `yaml:"withdrawn,optional"`
	Evidence      bool             `yaml:"evidence,optional"`
	GivenBy       string           `yaml:"given_by"`
	ForParent     bool             `yaml:"for_parent,optional"`
	Method        string           `yaml:"method"`
	PolicyVersion string           `yaml:"policy_version,optional"`
	OperatorBIN   string           `yaml:"operator_bin,optional"`
	SubjectNamed  bool             `yaml:"subject_named,optional"`
	UntilPurpose  bool             `yaml:"until_purpose,optional"`
	ThirdParties  stated           `yaml:"third_parties,optional"`
	CrossBorder   stated           `yaml:"cross_border,optional"`
	Publication   stated           `yaml:"publication,optional"`
	Fields        []string         `yaml:"fields,optional"`
	Purposes      []string         `yaml:"purposes,optional"`
	Recipients    []string         `yaml:"recipients,optional"`
	Where         strict.Where     `yaml:"-"`
}

// stated is yes or no, and silence if it is absent.
type stated record.Stated

// UnmarshalText reads yes and no, also as true and false.
func (s *stated) UnmarshalText(b []byte) error {
	switch string(b) {
	case "yes", "true":
		*s = stated(record.Yes)
	case "no", "false":
		*s = stated(record.No)
	default:
		return strconv.ErrSyntax
	}
	return nil
}

// parsePerson reads a synthetic person strictly.
func parsePerson(name string, text []byte) (*synthetic, error) {
	p := &synthetic{}
	problems := strict.Decode(name, text, p)
	if p.IIN != "" && !kz.ValidIIN([]byte(p.IIN)) {
		problems.Add("person.iin", p.Where.Key("iin"), "take a synthetic number, e.g. 850101100012", "the number is not well formed")
	}
	if p.Account != "" && record.ParseAccountState([]byte(p.Account)).String() != p.Account {
		problems.Add("person.account", p.Where.Key("account"), "active, closed, disagreed, withdrawn or erased", "no state of an account has this name")
	}
	for i := range p.Consents {
		c := &p.Consents[i]
		if by := strings.TrimSpace(c.GivenBy); by != "" && by != "self" && by != "representative" {
			problems.Add("person.given_by", c.Where.Key("given_by"), "self or representative", "nobody of this kind gives consent")
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// add puts the person into a batch, with no value in any field.
func (p *synthetic) add(b *record.Batch) {
	b.Add(record.Person{Key: []byte{1}, IIN: []byte(p.IIN), Place: []byte(p.Place), Account: record.ParseAccountState([]byte(p.Account)), Blocked: p.Blocked, ParentBlocked: p.ParentBlocked, Ordinal: 1},
		make([][]byte, len(b.Fields())))
	for _, c := range p.Consents {
		b.AddConsent(record.Consent{Given: int64(c.Given), Until: int64(c.Until), Withdrawn: int64(c.Withdrawn), Evidence: c.Evidence, Terms: &record.Terms{
			PolicyVersion: c.PolicyVersion, OperatorBIN: c.OperatorBIN, SubjectNamed: c.SubjectNamed, UntilPurpose: c.UntilPurpose,
			ThirdParties: record.Stated(c.ThirdParties), CrossBorder: record.Stated(c.CrossBorder), Publication: record.Stated(c.Publication),
			Fields: c.Fields, Purposes: c.Purposes, Recipients: c.Recipients, GivenBy: c.GivenBy, ForParent: c.ForParent, Method: c.Method,
		}})
	}
}

// joined lists ordinals.
func Joined(list []uint32) string {
	words := make([]string, len(list))
	for i, o := range list {
		words[i] = strconv.FormatUint(uint64(o), 10)
	}
	return strings.Join(words, ",")
}
