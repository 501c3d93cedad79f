package legal

import (
	"math"
	"slices"

	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
)

// verdict is what the gate makes of the terms of a consent; it is made once for each content.
type verdict struct {
	terms record.Terms
	// broken lists what the terms break by themselves.
	broken []breach
	// addressed says that the terms could be proved and are for this recipient and purpose.
	addressed      bool
	representative bool
	forParent      bool
	policyFrom     int64
	// listed are the gate's fields that the consent lists, accepted those of the accepted catalogue.
	listed, accepted uint64
}

// breach is a broken rule with its reason.
type breach struct {
	rule rules.ID
	why  rules.Reason
}

const (
	// maxTerms bounds the contents told apart in one run, maxPointers how many pointers are remembered.
	maxTerms    = math.MaxUint16
	maxPointers = 1 << 16
)

// termsID finds or makes the id of the terms. The caller holds the lock.
func (g *Gate) termsID(t *record.Terms) (uint16, bool) {
	if id, ok := g.terms[t]; ok {
		return id, true
	}
	if t == nil {
		return 0, false
	}
	content := string(register.Canonical(t))
	id, ok := g.byContent[content]
	if !ok {
		if len(g.verdicts) > maxTerms {
			return 0, false
		}
		id = uint16(len(g.verdicts))
		g.verdicts = append(g.verdicts, g.judge(t))
		g.byContent[content] = id
	}
	if len(g.terms) >= maxPointers {
		clear(g.terms)
	}
	g.terms[t] = id
	return id, true
}

// judge reads the terms of a consent.
func (g *Gate) judge(t *record.Terms) verdict {
	v := verdict{terms: clone(t), representative: t.GivenBy == "representative"}
	v.forParent = v.representative && t.ForParent
	accepted := g.reg.Policy(t.PolicyVersion)
	for i, f := range g.fields {
		bit := uint64(1) << uint(i)
		if slices.Contains(t.Fields, f) {
			v.listed |= bit
		}
		if accepted != nil && slices.Contains(accepted.Catalogue, f) {
			v.accepted |= bit
		}
	}
	if accepted != nil {
		v.policyFrom = int64(accepted.From)
	}
	provable := slices.Contains(g.reg.Operator.ConsentMethods, t.Method)
	recipient, purpose := g.namesRecipient(t), g.namesPurpose(t)
	v.addressed = provable && recipient && purpose
	fail := func(bad bool, rule rules.ID, why rules.Reason) {
		if bad {
			v.broken = append(v.broken, breach{rule, why})
		}
	}
	fail(!provable, rules.CON1, rules.WhyConsentUnprovable)
	fail(t.GivenBy != "self" && t.GivenBy != "representative", rules.CON1, rules.WhyGiverUnknown)
	fail(!recipient, rules.EXC2, rules.WhyRecipientUnnamed)
	fail(!purpose, rules.EXC2, rules.WhyPurposeUnnamed)
	fail(accepted == nil, rules.POL4, rules.WhyPolicyUnknown)
	fail(t.OperatorBIN != g.reg.Operator.BIN, rules.CON3, rules.WhyConsentOtherOperator)
	fail(!t.SubjectNamed, rules.CON3, rules.WhyConsentSubjectUnnamed)
	fail(t.ThirdParties != record.Yes, rules.CON3, rules.WhyConsentThirdParties)
	fail(t.CrossBorder == record.Unstated || t.Publication == record.Unstated, rules.CON3, rules.WhyConsentSilent)
	fail(len(t.Fields) == 0, rules.CON3, rules.WhyConsentNoList)
	return v
}

// namesRecipient: a consent that names recipients names this one or its kind. One that names none stands for the bodies of policy 5.2,
// which is enough for a purpose of section 4 and not for a written permission.
func (g *Gate) namesRecipient(t *record.Terms) bool {
	if len(t.Recipients) == 0 {
		return g.purpose.Class == register.PurposePolicy && g.route.Exception == "5.2"
	}
	return slices.Contains(t.Recipients, g.to.ID) || slices.Contains(t.Recipients, "kind:"+g.to.Kind)
}

// namesPurpose: a purpose of section 4 is accepted with the policy, unless the consent lists purposes; any other must be listed.
func (g *Gate) namesPurpose(t *record.Terms) bool {
	if len(t.Purposes) == 0 {
		return g.purpose.Class == register.PurposePolicy
	}
	return slices.Contains(t.Purposes, g.purpose.Code)
}

func clone(t *record.Terms) record.Terms {
	c := *t
	c.Fields, c.Purposes, c.Recipients = slices.Clone(t.Fields), slices.Clone(t.Purposes), slices.Clone(t.Recipients)
	return c
}
