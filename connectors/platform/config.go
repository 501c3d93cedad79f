package platform

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"birgeoqy.kz/almasu/connectors/platform/cell"
	"birgeoqy.kz/almasu/internal/record"
)

// The dialects and key types of a configuration.
const (
	Postgres = "postgres"
	SQLite   = "sqlite"

	KeyInteger = cell.Integer
	KeyText    = cell.Text
	KeyUUID    = cell.UUID
)

// Config names the relations and columns of the platform's database. A relation is "name" or "schema.name" of a table or
// a view; names are matched exactly (PostgreSQL folds names that were created unquoted to lower case) and consist of ASCII letters, digits
// and underscores.
type Config struct {
	// Dialect is "postgres" or "sqlite".
	Dialect string `yaml:"dialect"`
	// Connections is over how many connections everybody is read at most on PostgreSQL: 1, or 2, the default, which is faster and must reach the same server.
	Connections int `yaml:"connections,omitempty" json:"-"`
	// Profiles is the relation with one row for each person.
	Profiles Profiles `yaml:"profiles"`
	// Accounts says where the state of a person's account stands.
	Accounts Accounts `yaml:"accounts"`
	// Consents says where acceptances stand. Without it nobody has consented to anything.
	Consents *Consents `yaml:"consents,omitempty"`
	// ConsentForms is the relation with the wordings that consents refer to. It is small: it is read wholly for each transfer.
	ConsentForms *ConsentForms `yaml:"consent_forms,omitempty"`
	// Blocks is the platform's feed of blocked people (policy 6.2.4). Without it the platform blocks nobody.
	Blocks *Blocks `yaml:"blocks,omitempty"`
	// ParentBlocks is the feed of the people whose parent (or guardian) is blocked: a row for each child of such a parent.
	ParentBlocks *Blocks `yaml:"parent_blocks,omitempty"`
}

// Profiles is the relation with one row for each person.
type Profiles struct {
	Relation string `yaml:"relation"`
	// Key is the column of the platform's own id: unique, never NULL, indexed (for a text key under collation "C"), and no
	// personal datum: it may not be a field's column.
	Key string `yaml:"key"`
	// KeyType is "integer", "text" or "uuid".
	KeyType string `yaml:"key_type"`
	// Fields maps a field id of the register (e.g. family_name) to its column. A field that is not mapped cannot be sent.
	Fields map[string]string `yaml:"fields"`
	// IIN is the column of the individual identification number, a text. It is always read, to name the person inside.
	IIN string `yaml:"iin"`
	// Place lists columns with KATO codes, the most exact first; a person's place is the first that is neither NULL nor empty.
	Place []string `yaml:"place"`
	// Updated is the column with the time of the profile's last change; optional. It is read to find out to whom a correction is owed.
	Updated string `yaml:"updated,omitempty"`
	// Changed is the column of type xid8 with the transaction that has changed the row last; see "Columns of changes" in the package comment. Optional.
	Changed string `yaml:"changed,omitempty"`
}

// Accounts says where the state of an account stands.
type Accounts struct {
	// Relation is the accounts' relation; if it is absent, the columns below are columns of the profiles.
	Relation string `yaml:"relation,omitempty"`
	// Key is the column that holds the profile's key, only with Relation. A person without a row is refused.
	Key string `yaml:"key,omitempty"`
	// State is the column with the state, and States maps each of its values to active, closed, disagreed, withdrawn or erased. A
	// person in a state that is not mapped is refused.
	State  string            `yaml:"state"`
	States map[string]string `yaml:"states"`
	// Changed is as with the profiles; only with Relation.
	Changed string `yaml:"changed,omitempty"`
}

// Consents is the relation of acceptances; a person may have any number of rows.
type Consents struct {
	Relation string `yaml:"relation"`
	// Key is the column that holds the profile's key; index it.
	Key string `yaml:"key"`
	// Given, Until and Withdrawn are columns of times; Until and Withdrawn are optional. Without Given no consent is valid.
	Given     string `yaml:"given"`
	Until     string `yaml:"until,omitempty"`
	Withdrawn string `yaml:"withdrawn,omitempty"`
	// Evidence is the column with the digest of the proof of receipt, text or bytes; NULL or empty means there is none.
	Evidence string `yaml:"evidence,omitempty"`
	// Form is the column that refers to the consent form; needs consent_forms.
	Form string `yaml:"form,omitempty"`
	// Terms are columns of this relation that say what the form does not. A value here that is not NULL goes before the form's.
	Terms Terms `yaml:"terms,omitempty"`
	// Changed is as with the profiles.
	Changed string `yaml:"changed,omitempty"`
}

// ConsentForms is the relation of consent forms.
type ConsentForms struct {
	Relation string `yaml:"relation"`
	// Key is the column that consents refer to: an integer, a text or a uuid.
	Key   string `yaml:"key"`
	Terms Terms  `yaml:"terms"`
}

// Terms names the columns with the parts of a consent (94-V art. 8(4)). A part without a column is not stated. Truth values
// are booleans, 0 and 1, or "yes" and "no"; NULL is not stated. Lists are arrays of text, JSON arrays, or texts separated by commas.
type Terms struct {
	PolicyVersion string `yaml:"policy_version,omitempty"`
	OperatorBIN   string `yaml:"operator_bin,omitempty"`
	SubjectNamed  string `yaml:"subject_named,omitempty"`
	UntilPurpose  string `yaml:"until_purpose,omitempty"`
	ThirdParties  string `yaml:"third_parties,omitempty"`
	CrossBorder   string `yaml:"cross_border,omitempty"`
	Publication   string `yaml:"publication,omitempty"`
	Fields        string `yaml:"fields,omitempty"`
	Purposes      string `yaml:"purposes,omitempty"`
	Recipients    string `yaml:"recipients,omitempty"`
	GivenBy       string `yaml:"given_by,omitempty"`
	ForParent     string `yaml:"for_parent,omitempty"`
	Method        string `yaml:"method,omitempty"`
}

// Blocks is a feed of blocked people of the platform. It is read wholly for each transfer.
type Blocks struct {
	Relation string `yaml:"relation"`
	// Key is the column that holds the profile's key. A row without one stops every transfer, because it blocks somebody unknown.
	Key string `yaml:"key"`
	// Lifted is the column whose value is NULL while the block stands; if it is absent, every row blocks.
	Lifted string `yaml:"lifted,omitempty"`
	// Changed is as with the profiles.
	Changed string `yaml:"changed,omitempty"`
}

// feed is a configured feed of blocks with its key in the configuration.
type feed struct {
	name string
	*Blocks
}

// feeds lists the feeds of blocks that are configured.
func (c *Config) feeds() []feed {
	var list []feed
	if c.Blocks != nil {
		list = append(list, feed{"blocks", c.Blocks})
	}
	if c.ParentBlocks != nil {
		list = append(list, feed{"parent_blocks", c.ParentBlocks})
	}
	return list
}

// LoadConfig decodes the YAML text of a configuration strictly (unknown and repeated keys and further documents are errors) and checks it
// as [Config.Validate] does. Name stands in the place of each problem.
func LoadConfig(name string, text []byte) (Config, error) {
	var c Config
	decoder := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	err := decoder.Decode(&c)
	if err == nil {
		if err = decoder.Decode(new(any)); err == nil {
			err = errors.New("one document expected, and a second one found")
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return Config{}, record.Problems{record.NewProblem("source.config_yaml", name, "", "not a platform configuration: %s", yaml.FormatError(err, false, false))}
	}
	var problems record.Problems
	problems.Merge(c.Validate(), "source.config", name)
	for _, p := range problems {
		p.Where = name + ": " + p.Where
	}
	return c, problems.Err()
}

// Validate reports all problems of the configuration that can be seen without the database.
func (c *Config) Validate() error {
	v := &validation{}
	if c.Dialect != Postgres && c.Dialect != SQLite {
		v.Add("source.dialect", "dialect", "", "dialect must be %q or %q", Postgres, SQLite)
	}
	if c.Connections < 0 || c.Connections > 2 {
		v.Add("source.connections", "connections", "leave it out for two", "connections must be 1 or 2")
	}
	c.Profiles.validate(v)
	c.Accounts.validate(v)
	if c.Consents != nil {
		c.validateConsents(v)
	}
	for _, f := range c.feeds() {
		v.relation(f.name+".relation", f.Relation)
		v.column(f.name+".key", f.Key)
		v.optional(f.name+".lifted", f.Lifted)
	}
	c.validateMarks(v)
	return v.Err()
}

func (p *Profiles) validate(v *validation) {
	v.relation("profiles.relation", p.Relation)
	v.column("profiles.key", p.Key)
	v.column("profiles.iin", p.IIN)
	v.optional("profiles.updated", p.Updated)
	if p.KeyType != KeyInteger && p.KeyType != KeyText && p.KeyType != KeyUUID {
		v.Add("source.key_type", "profiles.key_type", "", "key_type must be %q, %q or %q", KeyInteger, KeyText, KeyUUID)
	}
	used := map[string]string{}
	for _, field := range slices.Sorted(maps.Keys(p.Fields)) {
		where, column := "profiles.fields."+field, p.Fields[field]
		v.column(where, column)
		if other, ok := used[column]; ok {
			v.Add("source.column_twice", where, "", "column %q is mapped to the field %q too", column, other)
		}
		used[column] = field
	}
	if _, ok := used[p.Key]; ok || p.Key == p.IIN && p.Key != "" {
		v.Add("source.key_is_field", "profiles.key", "use the platform's internal id", "the key column %q holds personal data", p.Key)
	}
	if len(p.Place) == 0 {
		v.Add("source.missing", "profiles.place", "without a place nobody is within a territory", "at least one column is needed")
	}
	for _, column := range p.Place {
		v.column("profiles.place", column)
	}
}

func (a *Accounts) validate(v *validation) {
	v.column("accounts.state", a.State)
	switch {
	case a.Relation != "":
		v.relation("accounts.relation", a.Relation)
		v.column("accounts.key", a.Key)
	case a.Key != "":
		v.Add("source.missing", "accounts.relation", "", "accounts.key is given without accounts.relation")
	}
	if _, ok := a.States[""]; ok {
		v.Add("source.account_state", "accounts.states", "", "the empty text cannot be mapped: it refuses")
	}
	if len(a.States) == 0 {
		v.Add("source.missing", "accounts.states", "", "without a map of states everybody is refused")
	}
	for _, value := range slices.Sorted(maps.Keys(a.States)) {
		if record.ParseAccountState([]byte(a.States[value])) == record.AccountUnknown {
			v.Add("source.account_state", "accounts.states."+value, "", "%q is not active, closed, disagreed, withdrawn or erased", a.States[value])
		}
	}
}

func (c *Config) validateConsents(v *validation) {
	k := c.Consents
	v.relation("consents.relation", k.Relation)
	v.column("consents.key", k.Key)
	v.column("consents.given", k.Given)
	v.optional("consents.until", k.Until)
	v.optional("consents.withdrawn", k.Withdrawn)
	v.optional("consents.evidence", k.Evidence)
	v.optional("consents.form", k.Form)
	v.terms("consents.terms", k.Terms)
	switch {
	case (k.Form == "") != (c.ConsentForms == nil):
		v.Add("source.form_incomplete", "consents.form", "", "consents.form and consent_forms are given together or not at all")
	case k.Form == "" && k.Terms == Terms{}:
		v.Add("source.form_incomplete", "consents", "name the columns under consents.terms, or the form", "nothing says what people have consented to")
	}
	if f := c.ConsentForms; f != nil {
		v.relation("consent_forms.relation", f.Relation)
		v.column("consent_forms.key", f.Key)
		v.terms("consent_forms.terms", f.Terms)
	}
}

// validation gathers problems with identifiers.
type validation struct{ record.Problems }

func (v *validation) column(where, name string) {
	if !isIdentifier(name) {
		v.Add("source.identifier", where, "", "the name of a column is expected (ASCII letters, digits, underscores; at most 63)")
	}
}

func (v *validation) optional(where, name string) {
	if name != "" {
		v.column(where, name)
	}
}

func (v *validation) relation(where, name string) {
	schema, table, qualified := strings.Cut(name, ".")
	if !isIdentifier(schema) || qualified && !isIdentifier(table) {
		v.Add("source.identifier", where, "", `the name of a relation is expected: "name" or "schema.name"`)
	}
}

func (v *validation) terms(where string, t Terms) {
	for _, part := range t.parts() {
		v.optional(where+"."+part.name, part.column)
	}
}

func isIdentifier(s string) bool {
	if s == "" || len(s) > 63 || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '_' {
			return false
		}
	}
	return true
}
