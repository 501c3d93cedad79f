package legal

import (
	"time"

	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
)

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
	// Unapproved leaves the approvals of the request out of account: to look at what its answer would be before anybody approves it. Nothing may be sent by such a gate.
	Unapproved bool
	// Channel is the channel over which the configured connector really sends: rest, parcel, shep_sync, shep_async or epvo. Any other
	// than the route's is refused (SEC-1).
	Channel string
	// PublishedText is the digest of the normalised policy text as published now (POL-5); zero if it was not looked up.
	PublishedText record.Digest
}

// Denied is a field that is asked for and does not leave, with the rule and the reason's code.
type Denied struct {
	Field string `json:"field"`
	Rule  string `json:"rule"`
	Why   string `json:"why"`
}

// Basis cites what a run stands on.
type Basis struct {
	// Path is "consent" or "statute"; Clause is the policy's: "5.2" or "5.3"; Exception is that of policy 6.2.2.
	Path      string `json:"path"`
	Clause    string `json:"clause"`
	Exception string `json:"exception"`
	// Item is the item of 94-V art. 9 on the statute path, Competence the recipient's norm on the consent path. Citations are text:
	// "94-V art. 9(10), edition 2013-05-21".
	Ground     string `json:"ground"`
	Procedure  string `json:"procedure"`
	Competence string `json:"competence,omitempty"`
	Item       string `json:"item,omitempty"`
	// Act and Article name the ground, with the act's titles.
	Act     string `json:"act"`
	Article string `json:"article"`
	TitleKK string `json:"title_kk"`
	TitleRU string `json:"title_ru"`
	// Example says that the ground is an act that does not exist.
	Example bool `json:"example,omitempty"`
}

// Outcomes of a check.
const (
	Passed        = "pass"
	Failed        = "fail"
	NotApplicable = "not_applicable"
)

// Check is one rule evaluated.
type Check struct {
	// Rule is the rule's id, Clause where it comes from; Of is "self" or "representative" where it is about one consent of two.
	Rule    string `json:"rule"`
	Clause  string `json:"clause"`
	Of      string `json:"of,omitempty"`
	Outcome string `json:"outcome"`
	// Reason is the stable code of why it failed or was not applied.
	Reason string `json:"reason,omitempty"`
}

// Text says the check in Kazakh, Russian and English.
func (c Check) Text() rules.Text {
	id, _ := rules.Named(c.Rule)
	text := rules.Of(id).Text
	outcome := map[string]rules.Text{
		Passed:        {KK: "орындалды", RU: "соблюдено", EN: "holds"},
		Failed:        {KK: "орындалмады", RU: "нарушено", EN: "broken"},
		NotApplicable: {KK: "қолданылмайды", RU: "не применяется", EN: "does not apply"},
	}[c.Outcome]
	why := rules.Reason(c.Reason).Text()
	join := func(rule, outcome, why string) string {
		if why != "" {
			outcome += ": " + why
		}
		return c.Rule + " (" + c.Clause + "): " + rule + " — " + outcome
	}
	return rules.Text{KK: join(text.KK, outcome.KK, why.KK), RU: join(text.RU, outcome.RU, why.RU), EN: join(text.EN, outcome.EN, why.EN)}
}

// Refusal says why a run may not start.
type Refusal struct {
	// Route is the id of the route.
	Route string
	// Rule is the id of the first rule that failed, and Why the code of its reason.
	Rule, Why string
	// Checks lists every rule evaluated, in order.
	Checks []Check
}

// Error names the first broken rule and says it in English.
func (r *Refusal) Error() string {
	id, _ := rules.Named(r.Rule)
	return "route " + r.Route + " is refused by " + r.Rule + ": " + rules.Reason(r.Why).Text().EN + "; the rule says: " + rules.Of(id).Text.EN
}

// ProblemCode returns "legal." and the reason's code, e.g. "legal.not_approved".
func (r *Refusal) ProblemCode() string { return "legal." + r.Why }

// checks collects the rules evaluated for one decision.
type checks struct {
	list []Check
	rule rules.ID
	why  rules.Reason
}

// must evaluates a rule; the first that fails decides.
func (c *checks) must(id rules.ID, holds bool, why rules.Reason) {
	c.of("", id, holds, why)
}

func (c *checks) of(whose string, id rules.ID, holds bool, why rules.Reason) {
	ch := Check{Rule: id.String(), Clause: rules.Of(id).Clause, Of: whose, Outcome: Passed}
	if !holds {
		ch.Outcome, ch.Reason = Failed, string(why)
		if c.rule == 0 {
			c.rule, c.why = id, why
		}
	}
	c.list = append(c.list, ch)
}

func (c *checks) skip(id rules.ID, why rules.Reason) {
	c.list = append(c.list, Check{Rule: id.String(), Clause: rules.Of(id).Clause, Outcome: NotApplicable, Reason: string(why)})
}

func (c *checks) failed() bool { return c.rule != 0 }

// citation writes a norm as text.
func citation(a *register.Act, art *register.Article) string {
	if a == nil {
		return ""
	}
	return a.ID + " art. " + art.ID + ", edition " + a.Edition.Time().Format(time.DateOnly)
}
