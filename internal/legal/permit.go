package legal

import (
	"slices"

	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
)

// permit computes the upper bound of what may leave on this run, and what is asked and denied:
// catalogue in force, intersected with the route's fields, and with the request's, and with what the norm names.
func (e *evaluation) permit() {
	rt := e.route
	onRoute := func(field string) bool {
		return rt.Aggregate != nil && rt.Aggregate.By == field || slices.ContainsFunc(rt.Fields, func(x register.RouteField) bool { return x.Field == field })
	}
	for i := range e.reg.Fields {
		f := &e.reg.Fields[i]
		if !onRoute(f.ID) {
			continue
		}
		if rule, why := e.against(f); rule != 0 {
			e.denied = append(e.denied, Denied{f.ID, rule.String(), string(why)})
			continue
		}
		if rt.Aggregate != nil {
			e.groups = &grouping{By: f.ID, Least: e.reg.Operator.GroupSize}
			continue
		}
		e.fields = append(e.fields, f.ID)
	}
	asked := rt.Asked
	if e.c.Request != nil {
		asked = append(slices.Clone(asked), e.c.Request.Fields...)
	}
	for i, f := range asked {
		if onRoute(f) || slices.Contains(asked[:i], f) {
			continue
		}
		rule := e.reg.RuleAgainst(f)
		why := rules.WhyNotInCatalogue
		switch rule {
		case rules.FLD1:
			why = rules.WhyNoPatronymic
		case rules.FLD3:
			why = rules.WhyNeverDerived
		case rules.TECH1, rules.TECH2:
			why = rules.WhyTechnicalData
			if e.to.Kind != register.KindOtherState {
				rule = rules.TECH2
			}
		case rules.FLD0:
			if slices.Contains(e.policy.Catalogue, f) {
				rule, why = rules.FLD2, rules.WhyNotOnRoute
			}
		}
		e.denied = append(e.denied, Denied{f, rule.String(), string(why)})
	}
}

// against names the rule by which a field of the route may not leave on this run, or none.
func (e *evaluation) against(f *register.Field) (rules.ID, rules.Reason) {
	technical := f.Class == register.ClassTechnical
	statute := e.route.Path == register.PathStatute
	named := e.groundNorm != nil && slices.Contains(e.groundNorm.Names, f.ID)
	inCatalogue := slices.Contains(e.policy.Catalogue, f.ID)
	if technical {
		inCatalogue = slices.Contains(e.policy.Technical, f.ID)
	}
	switch {
	case !inCatalogue:
		return rules.FLD0, rules.WhyNotInCatalogue
	case technical && e.to.Kind != register.KindOtherState:
		return rules.TECH2, rules.WhyTechnicalData
	case technical && (e.c.Request == nil || !statute):
		return rules.TECH1, rules.WhyTechnicalData
	case slices.Contains(e.route.Withheld, f.ID):
		return rules.ADM1, rules.WhyWithheld
	case e.c.Request != nil && !slices.Contains(e.c.Request.Fields, f.ID):
		return rules.BAS3, rules.WhyNotInRequest
	case statute && technical && !named:
		return rules.TECH1, rules.WhyNotNamedByLaw
	case statute && f.Subject == "parent" && !named:
		return rules.FLD5, rules.WhyNotNamedByLaw
	case statute && e.groundNorm != nil && len(e.groundNorm.Names) > 0 && !named:
		return rules.BAS2, rules.WhyNotNamedByLaw
	}
	return 0, ""
}
