package register

import (
	"birgeoqy.kz/almasu/internal/legal/strict"
	"birgeoqy.kz/almasu/internal/record"
)

// Register is the law as data. It is made by [Load] and never changed after that.
type Register struct {
	Operator       Operator        `json:"operator"`
	Fields         []Field         `json:"fields"`
	Policies       []Policy        `json:"policies"`
	Acts           []Act           `json:"acts"`
	Purposes       []Purpose       `json:"purposes"`
	Recipients     []Recipient     `json:"recipients"`
	Routes         []Route         `json:"routes"`
	Administrators []Administrator `json:"administrators"`
	Approvals      []Approval      `json:"approvals"`

	digest     record.Digest
	rehearsed  bool
	fields     map[string]int
	purposes   map[string]int
	recipients map[string]int
	routes     map[string]int
	admins     map[string]int
}

// Operator is the owner and operator of the platform, and where its data lie (operator.yaml).
type Operator struct {
	// BIN is the operator's business number, which a consent must name (94-V art. 8(4)(1)).
	BIN    string `yaml:"bin" json:"bin"`
	NameKK string `yaml:"name_kk" json:"name_kk"`
	NameRU string `yaml:"name_ru" json:"name_ru"`
	// Domain is the site's domain; Contact is where questions go, an address on that domain (policy 9.3).
	Domain  string `yaml:"domain" json:"domain"`
	Contact string `yaml:"contact" json:"contact"`
	// StorageCountry and AuditCountry are where data and log are kept: KZ (94-V art. 12).
	StorageCountry string `yaml:"storage_country" json:"storage_country"`
	AuditCountry   string `yaml:"audit_country" json:"audit_country"`
	// ConsentMethods are the ways of giving consent that can be proved (94-V art. 8(1)).
	ConsentMethods []string `yaml:"consent_methods" json:"consent_methods"`
	// GroupSize is the least number of people in a cell of depersonalised output.
	GroupSize int          `yaml:"group_size" json:"group_size"`
	Where     strict.Where `yaml:"-" json:"-"`
}

// Classes of fields.
const (
	ClassProfile   = "profile"
	ClassTechnical = "technical"
)

// Field is a datum that the policy names (fields.yaml).
type Field struct {
	ID string `yaml:"id" json:"id"`
	// Clause is the policy's: 3.2.n for a profile field, 3.3 or 3.3.n for a technical one.
	Clause string `yaml:"clause" json:"clause"`
	// Class is profile or technical; Subject is user or parent.
	Class   string `yaml:"class" json:"class"`
	Subject string `yaml:"subject" json:"subject"`
	// Format is text, email, iin, phone, place or technical.
	Format string `yaml:"format" json:"format"`
	// Source is where the platform has the value from: profile_form@DOMAIN, or automatic@DOMAIN for a technical field.
	Source string `yaml:"source" json:"source"`
	// VerifiedBy names the source against which every value of the field that the platform holds has been verified, as of Verified. Without it the
	// user alone answers for the values (policy 2.4).
	VerifiedBy string       `yaml:"verified_by,optional" json:"verified_by,omitempty"`
	Verified   Instant      `yaml:"verified,optional" json:"verified,omitempty"`
	KK         string       `yaml:"kk" json:"kk"`
	RU         string       `yaml:"ru" json:"ru"`
	EN         string       `yaml:"en" json:"en"`
	Where      strict.Where `yaml:"-" json:"-"`
}

// Policy is a version of the privacy policy (policies.yaml).
type Policy struct {
	ID        string  `yaml:"id" json:"id"`
	Order     string  `yaml:"order" json:"order"`
	OrderDate Instant `yaml:"order_date" json:"order_date"`
	// TextDigest is the SHA-256 of the text in the form of [NormaliseText].
	TextDigest record.Digest `yaml:"text_digest" json:"text_digest"`
	// Registered is when the version was entered here; From and Until bound the time it is in force (Until is excluded; absent is open).
	Registered Instant `yaml:"registered" json:"registered"`
	From       Instant `yaml:"from" json:"from"`
	Until      Instant `yaml:"until,optional" json:"until"`
	// PostingDateUnproven says that nobody has shown when the text was posted (policy 9.2).
	PostingDateUnproven bool `yaml:"posting_date_unproven,optional" json:"posting_date_unproven"`
	// BackdatingReason must be there if From lies before Registered; such a version also needs two approvals.
	BackdatingReason string `yaml:"backdating_reason,optional" json:"backdating_reason"`
	// Catalogue is the closed list of profile fields, Technical that of the technical ones.
	Catalogue []string     `yaml:"catalogue" json:"catalogue"`
	Technical []string     `yaml:"technical,optional" json:"technical"`
	Where     strict.Where `yaml:"-" json:"-"`
}

// Act is one edition of an act of law (acts.yaml). Several editions share an ID; their periods do not overlap.
type Act struct {
	ID string `yaml:"id" json:"id"`
	// Type is constitution, constitutional_law, code, law, ratified_treaty, decree or order.
	Type    string  `yaml:"type" json:"type"`
	Edition Instant `yaml:"edition" json:"edition"`
	From    Instant `yaml:"from" json:"from"`
	Until   Instant `yaml:"until,optional" json:"until"`
	TitleKK string  `yaml:"title_kk" json:"title_kk"`
	TitleRU string  `yaml:"title_ru" json:"title_ru"`
	// Example marks an act that does not exist and serves a demonstration only.
	Example  bool         `yaml:"example,optional" json:"example"`
	Articles []Article    `yaml:"articles" json:"articles"`
	Where    strict.Where `yaml:"-" json:"-"`
}

// Article is a norm of an act. Its period, where given, lies inside the act's.
type Article struct {
	ID      string  `yaml:"id" json:"id"`
	TitleKK string  `yaml:"title_kk" json:"title_kk"`
	TitleRU string  `yaml:"title_ru" json:"title_ru"`
	From    Instant `yaml:"from,optional" json:"from"`
	Until   Instant `yaml:"until,optional" json:"until"`
	// Names are the fields that the norm itself names, if it names any.
	Names []string     `yaml:"names,optional" json:"names"`
	Where strict.Where `yaml:"-" json:"-"`
}

// Classes of purposes.
const (
	PurposePolicy     = "policy"
	PurposeNamed      = "named"
	PurposeStatute    = "statute"
	PurposeStatistics = "statistics"
)

// Purpose is what data are passed on for (purposes.yaml).
type Purpose struct {
	Code string `yaml:"code" json:"code"`
	// Class is policy (a purpose of 4.1.1 to 4.1.7), named (lawful only if the person's own permission names it),
	// statute, or statistics (depersonalised output only).
	Class string `yaml:"class" json:"class"`
	// Clause is the policy's, for class policy.
	Clause string       `yaml:"clause,optional" json:"clause"`
	KK     string       `yaml:"kk" json:"kk"`
	RU     string       `yaml:"ru" json:"ru"`
	EN     string       `yaml:"en" json:"en"`
	Where  strict.Where `yaml:"-" json:"-"`
}

// Kinds of recipients: the closed list of policy 5.2.
const (
	KindEducation     = "edu_authority"
	KindEducationUnit = "edu_authority_unit"
	KindLocal         = "leb"
	KindOtherState    = "other_state_body"
)

// Recipient is a state body (recipients.yaml).
type Recipient struct {
	ID     string `yaml:"id" json:"id"`
	BIN    string `yaml:"bin" json:"bin"`
	NameKK string `yaml:"name_kk" json:"name_kk"`
	NameRU string `yaml:"name_ru" json:"name_ru"`
	Kind   string `yaml:"kind" json:"kind"`
	// Parent is the id of the parent body; a unit's is the education authority.
	Parent string `yaml:"parent,optional" json:"parent"`
	// KATO is the nine-digit code of the territory; needed for a local executive body.
	KATO string `yaml:"kato,optional" json:"kato"`
	// Country is the body's, HostingCountry where its receiving system stands, as declared.
	Country        string `yaml:"country" json:"country"`
	HostingCountry string `yaml:"hosting_country" json:"hosting_country"`
	// TechnicalOperator runs the system and is not the recipient.
	TechnicalOperator *TechnicalOperator `yaml:"technical_operator,optional" json:"technical_operator"`
	Agreement         *Agreement         `yaml:"agreement,optional" json:"agreement"`
	Where             strict.Where       `yaml:"-" json:"-"`
}

// TechnicalOperator runs a recipient's system (rule RCP-2).
type TechnicalOperator struct {
	BIN   string       `yaml:"bin" json:"bin"`
	Name  string       `yaml:"name" json:"name"`
	Where strict.Where `yaml:"-" json:"-"`
}

// Agreement is the recipient's undertaking (94-V art. 10(1)).
type Agreement struct {
	Number string  `yaml:"number" json:"number"`
	Date   Instant `yaml:"date" json:"date"`
	From   Instant `yaml:"from" json:"from"`
	Until  Instant `yaml:"until" json:"until"`
	// Languages are those of the text: both kk and ru.
	Languages []string `yaml:"languages" json:"languages"`
	// Undertakes says that the recipient assumes the law's duties.
	Undertakes           bool         `yaml:"undertakes" json:"undertakes"`
	BansOnwardDisclosure bool         `yaml:"bans_onward_disclosure" json:"bans_onward_disclosure"`
	BansBarter           bool         `yaml:"bans_barter" json:"bans_barter"`
	Channels             []Channel    `yaml:"channels" json:"channels"`
	Where                strict.Where `yaml:"-" json:"-"`
}

// Channel is a way of transfer that an agreement names.
type Channel struct {
	// Channel is rest, parcel, shep_sync, shep_async or epvo.
	Channel string `yaml:"channel" json:"channel"`
	// Citation is the clause of the agreement, or the norm, by which it counts as a lawful channel.
	Citation string `yaml:"citation" json:"citation"`
	// StateSystem says that this integrates with a state information system: then only the gateway is lawful (SEC-2).
	StateSystem bool `yaml:"state_system,optional" json:"state_system"`
	// Notices is the clause by which the recipient takes notices over this channel that correct, withdraw or destroy what it was given before. Where no
	// clause is named it is told by letter.
	Notices string       `yaml:"notices,optional" json:"notices,omitempty"`
	Where   strict.Where `yaml:"-" json:"-"`
}
