package register

import (
	"birgeoqy.kz/almasu/internal/legal/strict"
	"birgeoqy.kz/almasu/internal/record"
)

// Paths of a route: rule BAS-4.
const (
	PathConsent = "consent"
	PathStatute = "statute"
)

// Triggers of a route.
const (
	TriggerSchedule = "schedule"
	TriggerRequest  = "request"
)

// Citation names an article of an act; which edition is meant follows from the moment.
type Citation struct {
	Act     string       `yaml:"act" json:"act"`
	Article string       `yaml:"article" json:"article"`
	Where   strict.Where `yaml:"-" json:"-"`
}

// Route is an act of the administration: these fields, to this body, on this ground (routes/ID.yaml).
type Route struct {
	ID string `yaml:"id" json:"id"`
	// Author is the administrator who drew it up, and who cannot approve it.
	Author string `yaml:"author" json:"author"`
	// Trigger is schedule or request.
	Trigger string `yaml:"trigger" json:"trigger"`
	// Connector names the configured connector, Channel the way it sends: rest, parcel, shep_sync, shep_async or epvo.
	Connector string `yaml:"connector" json:"connector"`
	Channel   string `yaml:"channel" json:"channel"`
	Recipient string `yaml:"recipient" json:"recipient"`
	// Path is consent or statute; Exception is 5.2 or written_permission on the first, 5.3 on the second.
	Path      string `yaml:"path" json:"path"`
	Exception string `yaml:"exception" json:"exception"`
	Purpose   string `yaml:"purpose" json:"purpose"`
	// Ground is why, Procedure in what order, Competence the norm by which the recipient may have it (consent path).
	// FreeItem is the item of 94-V art. 9 on the statute path.
	Ground     Citation  `yaml:"ground" json:"ground"`
	Procedure  Citation  `yaml:"procedure" json:"procedure"`
	Competence *Citation `yaml:"competence,optional" json:"competence"`
	FreeItem   *Citation `yaml:"free_item,optional" json:"free_item"`
	// Marking is ordinary; anything else is refused (CLS-1).
	Marking string       `yaml:"marking" json:"marking"`
	Fields  []RouteField `yaml:"fields" json:"fields"`
	// Aggregate makes it a route of statistics: it sends counts of people, and Fields is empty (PUR-2).
	Aggregate *Aggregate `yaml:"aggregate,optional" json:"aggregate,omitempty"`
	// Asked is everything that the recipient's form asks for beyond Fields.
	Asked []string `yaml:"asked,optional" json:"asked"`
	// Sale, Publication and Barter exist to be false.
	Sale        bool `yaml:"sale" json:"sale"`
	Publication bool `yaml:"publication" json:"publication"`
	Barter      bool `yaml:"barter" json:"barter"`
	// NotifySubject says that the subject is to be told within 10 working days (94-V art. 19(1)).
	NotifySubject bool `yaml:"notify_subject" json:"notify_subject"`
	// CorrectionDays is how long after a transfer a change makes a correction (UPD-2).
	CorrectionDays int `yaml:"correction_days" json:"correction_days"`
	// Suspended stops the route; Withheld takes fields out. They only narrow, and no approval covers them.
	Suspended bool         `yaml:"suspended,optional" json:"-"`
	Withheld  []string     `yaml:"withheld,optional" json:"-"`
	Where     strict.Where `yaml:"-" json:"-"`
}

// RouteField is a field of a route with the written note of its necessity (FLD-2).
type RouteField struct {
	Field string       `yaml:"field" json:"field"`
	Need  string       `yaml:"need" json:"need"`
	Where strict.Where `yaml:"-" json:"-"`
}

// Aggregate says how people are counted on a route of statistics, with the written note of its necessity. Nothing of anybody is read for it but decision data.
type Aggregate struct {
	// By is the field of policy 3.2.5 by which they are grouped: region, district or settlement. A group is a KATO code of that level.
	By    string       `yaml:"by" json:"by"`
	Need  string       `yaml:"need" json:"need"`
	Where strict.Where `yaml:"-" json:"-"`
}

// AggregateBy lists the fields by which people may be grouped: those of policy 3.2.5, from the least exact to the most.
var AggregateBy = []string{"region", "district", "settlement"}

// RoleAdministration is the role of policy 1.1.1.
const RoleAdministration = "administration"

// Administrator is an authorised employee (administrators.yaml).
type Administrator struct {
	ID   string `yaml:"id" json:"id"`
	Name string `yaml:"name" json:"name"`
	Role string `yaml:"role" json:"role"`
	// PublicKey is the Ed25519 public key, base64.
	PublicKey PublicKey    `yaml:"public_key" json:"public_key"`
	Where     strict.Where `yaml:"-" json:"-"`
}

// Kinds of what is approved.
const (
	ApproveRoute   = "route"
	ApprovePolicy  = "policy"
	ApproveRequest = "request"
)

// Approval is one person's signed yes to a digest (approvals.yaml).
type Approval struct {
	// Kind is route, policy or request; Name is its id.
	Kind   string        `yaml:"kind" json:"kind"`
	Name   string        `yaml:"name" json:"name"`
	Digest record.Digest `yaml:"digest" json:"digest"`
	// By is the administrator's id, At the moment.
	By string  `yaml:"by" json:"by"`
	At Instant `yaml:"at" json:"at"`
	// Signature is Ed25519 over [ApprovalText], base64.
	Signature Signature    `yaml:"signature" json:"signature"`
	Where     strict.Where `yaml:"-" json:"-"`
}
