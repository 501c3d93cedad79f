package legal

import (
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
)

// decision is what follows from a situation.
type decision struct {
	checks
	// mask has a bit for each of the gate's fields that may leave; 0 if the person is refused.
	mask uint64
	// withheld are the gate's fields that do not leave of this person.
	withheld []Denied
}

// decide applies the rules for a person, in the order of the law: who it is, whether they are blocked or gone, consent, minors,
// fields, territory, freshness. It is a function of gate and situation alone.
func (g *Gate) decide(s Situation) decision {
	var d decision
	d.must(rules.PD1, s.columns, rules.WhyOtherColumns)
	d.must(rules.SUB1, s.registered, rules.WhyNotRegistered)
	d.must(rules.BLK1, !s.blocked, rules.WhyBlocked)
	if g.groups != nil {
		d.must(rules.BLK3, !s.blocked, rules.WhyBlocked)
	}
	if g.request != nil {
		d.must(rules.BLK6, !s.blocked, rules.WhyBlocked)
	}
	g.account(&d, s)
	mask := g.full
	if g.consent {
		d.must(rules.CON3, !s.overflow, rules.WhyTermsTooMany)
		mask = g.agreed(&d, s)
	} else {
		for _, id := range []rules.ID{rules.CON1, rules.CON3, rules.TERM1, rules.EXC2, rules.POL2, rules.POL4, rules.MIN1, rules.MIN2, rules.MIN3} {
			d.skip(id, "")
		}
	}
	if s.parentBlocked {
		mask = g.withoutParents(&d, mask)
	}
	if g.local {
		d.must(rules.FLD4, s.place != placeUnknown, rules.WhyPlaceUnknown)
		d.must(rules.TERR1, s.place == placeInside, rules.WhyOutsideTerritory)
	} else {
		d.skip(rules.TERR1, "")
	}
	d.must(rules.UPD1, s.current, rules.WhyNotCurrent)
	if g.request != nil {
		d.must(rules.BAS3, s.requested, rules.WhyNotRequested)
	} else {
		d.skip(rules.BAS3, "")
	}
	d.must(rules.GATE1, mask != 0, rules.WhyNothingPermitted)
	if !d.failed() {
		d.mask = mask
	}
	return d
}

var accountReasons = map[record.AccountState]rules.Reason{
	record.AccountUnknown: rules.WhyAccountUnknown, record.AccountClosed: rules.WhyAccountClosed, record.AccountDisagreed: rules.WhyAccountDisagreed,
	record.AccountWithdrawn: rules.WhyAccountWithdrawn, record.AccountErased: rules.WhyAccountErased,
}

// account is rule CON-2: on the consent path only an active account; by statute also one that was closed, but none that is erased or unknown.
func (g *Gate) account(d *decision, s Situation) {
	ok := s.account == record.AccountActive
	if !g.consent {
		ok = ok || s.account == record.AccountClosed || s.account == record.AccountDisagreed || s.account == record.AccountWithdrawn
	}
	why, known := accountReasons[s.account]
	if !known {
		why = rules.WhyAccountUnknown
	}
	d.must(rules.CON2, ok, why)
}

// agreed applies the rules of consent and returns what may leave.
func (g *Gate) agreed(d *decision, s Situation) uint64 {
	self, representative := &g.verdicts[s.self.Terms], &g.verdicts[s.representative.Terms]
	needSelf, needRep := s.of != consentersRepresentative, s.of == consentersRepresentative || s.of == consentersBoth
	if s.self.Terms == 0 && s.representative.Terms == 0 {
		d.must(rules.CON1, false, rules.WhyConsentMissing)
	}
	if s.self.Terms != 0 && (needSelf || s.representative.Terms == 0) {
		g.examine(d, "self", s.self)
	}
	if s.representative.Terms != 0 && (needRep || s.self.Terms == 0) {
		g.examine(d, "representative", s.representative)
	}
	d.must(rules.MIN3, s.of != consentersUnknown, rules.WhyAgeUnknown)
	switch s.of {
	case consentersRepresentative:
		d.must(rules.MIN1, s.representative.Terms != 0, rules.WhyRepresentativeMissing)
		d.skip(rules.MIN2, "")
	case consentersBoth:
		d.skip(rules.MIN1, "")
		d.must(rules.MIN2, s.representative.Terms != 0, rules.WhyRepresentativeMissing)
		d.must(rules.MIN2, s.self.Terms != 0, rules.WhyOwnConsentMissing)
	case consentersSelf:
		d.skip(rules.MIN1, "")
		d.skip(rules.MIN2, "")
		d.must(rules.CON1, s.self.Terms != 0, rules.WhyOwnConsentMissing)
	}
	mask, listed, accepted := g.full, g.full, g.full
	if needSelf {
		listed, accepted = listed&self.listed, accepted&self.accepted
	}
	if needRep {
		listed, accepted = listed&representative.listed, accepted&representative.accepted
	}
	mask &= listed & accepted
	ownSay := s.representative.Terms != 0 && representative.forParent && g.sound(s.representative)
	parents := g.parentBit
	if ownSay {
		parents &^= representative.listed & representative.accepted
	}
	mask &^= parents
	for i, f := range g.fields {
		switch bit := uint64(1) << uint(i); {
		case accepted&bit == 0:
			d.withheld = append(d.withheld, Denied{f, rules.POL2.String(), string(rules.WhyNotAccepted)})
		case listed&bit == 0:
			d.withheld = append(d.withheld, Denied{f, rules.CON4.String(), string(rules.WhyNotInConsent)})
		case parents&bit != 0:
			d.withheld = append(d.withheld, Denied{f, rules.FLD5.String(), string(rules.WhyParentNotConsented)})
		}
	}
	d.must(rules.POL2, accepted&g.full != 0, rules.WhyNotAccepted)
	return mask
}

// withoutParents takes the data of a blocked parent out of what may leave of the child (BLK-5).
func (g *Gate) withoutParents(d *decision, mask uint64) uint64 {
	for i, f := range g.fields {
		if mask&g.parentBit>>uint(i)&1 == 1 {
			d.withheld = append(d.withheld, Denied{f, rules.BLK5.String(), string(rules.WhyParentBlocked)})
		}
	}
	return mask &^ g.parentBit
}

// standings says which rule each standing breaks.
var standings = map[standing]breach{
	standingUndated:     {rules.CON1, rules.WhyConsentUndated},
	standingNoEvidence:  {rules.CON1, rules.WhyConsentUnprovable},
	standingWithdrawn:   {rules.CON2, rules.WhyConsentWithdrawn},
	standingNotYet:      {rules.EXC2, rules.WhyConsentNotYet},
	standingPolicyLater: {rules.POL4, rules.WhyPolicyLater},
	standingNoTerm:      {rules.TERM1, rules.WhyConsentNoTerm},
	standingExpired:     {rules.TERM1, rules.WhyConsentExpired},
}

// consentRules are looked at for each consent, in this order.
var consentRules = []rules.ID{rules.CON1, rules.CON2, rules.EXC2, rules.POL4, rules.CON3, rules.TERM1}

// examine applies the rules for one consent.
func (g *Gate) examine(d *decision, whose string, p permission) {
	broken := g.verdicts[p.Terms].broken
	how, bad := standings[p.Standing]
	for _, id := range consentRules {
		holds, why := true, rules.Reason("")
		if bad && how.rule == id {
			holds, why = false, how.why
		}
		for _, b := range broken {
			if b.rule == id {
				holds, why = false, b.why
				break
			}
		}
		d.of(whose, id, holds, why)
	}
}

// sound says whether a consent breaks no rule.
func (g *Gate) sound(p permission) bool {
	return p.Terms != 0 && p.Standing == standingGood && len(g.verdicts[p.Terms].broken) == 0
}

// Explanation is a decision about a person's situation with every rule evaluated.
type Explanation struct {
	Allowed bool `json:"allowed"`
	// Rule and Why name the rule that refused and the reason's code; empty if allowed.
	Rule string `json:"rule,omitempty"`
	Why  string `json:"why,omitempty"`
	// Fields may leave; Withheld are the run's fields that may not leave of this person.
	Fields   []string `json:"fields"`
	Withheld []Denied `json:"withheld"`
	Checks   []Check  `json:"checks"`
}

// Explain explains the decision of a situation. An id that this gate has not given is answered by a refusal without checks.
func (g *Gate) Explain(situation uint16) Explanation {
	g.mu.Lock()
	defer g.mu.Unlock()
	if int(situation) >= len(g.entries) {
		return Explanation{Rule: rules.GATE1.String(), Why: string(rules.WhyNothingPermitted)}
	}
	d := g.decide(g.entries[situation].situation)
	x := Explanation{Allowed: d.mask != 0, Rule: d.rule.String(), Why: string(d.why), Fields: []string{}, Withheld: d.withheld, Checks: d.list}
	for i, f := range g.fields {
		if d.mask>>uint(i)&1 != 0 {
			x.Fields = append(x.Fields, f)
		}
	}
	return x
}

// entry is a situation met, with its decision.
type entry struct {
	situation Situation
	mask      uint64
	rule      rules.ID
	why       rules.Reason
}
