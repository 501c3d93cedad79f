package legal

import (
	"slices"

	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
)

// operation is the one thing that a gate lets happen, of the closed list of rule OP-1.
const operation = "transfer.provide"

// evaluation walks the rules for a whole run, in the order of the decision.
type evaluation struct {
	checks
	reg     *Register
	c       Case
	now     register.Instant
	route   *register.Route
	to      *register.Recipient
	policy  *register.Policy
	purpose *register.Purpose
	basis   Basis
	fields  []string
	denied  []Denied
	// plan is the plan of the request's answer that was approved.
	plan record.Digest
	// groups says how people are counted on a route of statistics, nil on any other.
	groups *grouping

	groundAct  *register.Act
	groundNorm *register.Article
}

func (e *evaluation) run() {
	e.route = e.reg.Route(e.c.Route)
	e.must(rules.GATE1, e.route != nil, rules.WhyUnknownRoute)
	if e.route == nil {
		return
	}
	e.must(rules.CLS1, e.route.Marking == "ordinary" && (e.c.Request == nil || e.c.Request.Marking == "ordinary"), rules.WhyMarkedSecret)
	if e.failed() {
		return // nothing of such a payload is looked at
	}
	e.must(rules.OP1, operation == "transfer.provide", "")
	e.recipient()
	e.agreement()
	e.approved()
	e.channel()
	e.policies()
	e.grounds()
	e.purposes()
	e.requested()
	if e.policy != nil {
		e.permit()
		e.filtered()
		e.must(rules.PD1, len(e.fields) > 0 || e.groups != nil, rules.WhyNothingPermitted)
	}
}

func (e *evaluation) recipient() {
	to := e.reg.Recipient(e.route.Recipient)
	e.to = to
	parent := e.reg.Recipient(to.Parent)
	known := to.Kind == register.KindEducation || to.Kind == register.KindLocal || to.Kind == register.KindOtherState ||
		to.Kind == register.KindEducationUnit && parent != nil && parent.Kind == register.KindEducation
	e.must(rules.RCP1, known && to.BIN != "" && to.NameKK != "" && to.NameRU != "", rules.WhyRecipientUnfit)
	e.must(rules.RCP2, to.TechnicalOperator == nil || to.TechnicalOperator.BIN != to.BIN, rules.WhyRecipientUnfit)
	e.must(rules.RCP3, to.Kind != register.KindOtherState || e.route.Path == register.PathStatute, rules.WhyStatuteOnly)
	e.must(rules.RCP4, to.Country == "KZ" && to.HostingCountry == "KZ", rules.WhyForeign)
	o := &e.reg.Operator
	e.must(rules.LOC1, o.StorageCountry == "KZ" && o.AuditCountry == "KZ", rules.WhyForeign)
}

func (e *evaluation) agreement() {
	a := e.to.Agreement
	switch {
	case a == nil:
		e.must(rules.AGR1, false, rules.WhyNoAgreement)
	case !register.Within(a.From, a.Until, e.now) || a.Date > e.now:
		e.must(rules.AGR1, false, rules.WhyAgreementOutOfForce)
	case !slices.Contains(a.Languages, "kk") || !slices.Contains(a.Languages, "ru"):
		e.must(rules.AGR1, false, rules.WhyAgreementLanguage)
	default:
		e.must(rules.AGR1, a.Undertakes, rules.WhyNoUndertaking)
	}
	e.must(rules.EXC4, a != nil && a.BansOnwardDisclosure && a.BansBarter, rules.WhyOnwardNotBanned)
}

// enough is how many people make an approval.
const enough = 2

func (e *evaluation) approved() {
	rt := e.route
	if rt.Suspended {
		e.must(rules.ADM1, false, rules.WhySuspended)
		return
	}
	by := e.reg.Approvers(e.reg.Approvals, register.ApproveRoute, rt.ID, e.reg.RouteDigest(rt), rt.Author, e.now)
	invented := e.reg.Rehearsed() && !e.c.Demo
	e.must(rules.ADM1, len(by) >= enough && !invented, rules.WhyNotApproved)
}

func (e *evaluation) channel() {
	rt := e.route
	var named *register.Channel
	if a := e.to.Agreement; a != nil {
		for i := range a.Channels {
			if a.Channels[i].Channel == rt.Channel && a.Channels[i].Citation != "" {
				named = &a.Channels[i]
			}
		}
	}
	if e.c.Channel != rt.Channel {
		e.must(rules.SEC1, false, rules.WhyChannelOther)
	} else {
		e.must(rules.SEC1, named != nil, rules.WhyChannelNotNamed)
	}
	gateway := rt.Channel == "shep_sync" || rt.Channel == "shep_async"
	e.must(rules.SEC2, named == nil || !named.StateSystem || gateway, rules.WhyChannelNotGateway)
}

func (e *evaluation) policies() {
	p := e.reg.PolicyAt(e.now)
	e.policy = p
	if p == nil {
		e.must(rules.POL3, false, rules.WhyNoPolicy)
		return
	}
	e.must(rules.POL1, p.Order != "" && p.OrderDate != 0 && !p.TextDigest.IsZero() && p.From >= p.OrderDate, rules.WhyNoPolicy)
	ok := p.From >= p.Registered ||
		p.BackdatingReason != "" && len(e.reg.Approvers(e.reg.Approvals, register.ApprovePolicy, p.ID, p.Digest(), "", e.now)) >= enough
	e.must(rules.POL3, ok, rules.WhyBackdatingNotApproved)
	switch {
	case e.c.PublishedText.IsZero():
		e.skip(rules.POL5, rules.WhyPublishedTextUnchecked)
	case e.route.Path == register.PathConsent:
		e.must(rules.POL5, e.c.PublishedText == p.TextDigest, rules.WhyPublishedTextDiffers)
	case e.c.PublishedText != p.TextDigest:
		e.skip(rules.POL5, rules.WhyPublishedTextDiffers)
	default:
		e.must(rules.POL5, true, "")
	}
}

func (e *evaluation) grounds() {
	rt := e.route
	ground, norm := e.reg.Resolve(rt.Ground, e.now)
	procedure, order := e.reg.Resolve(rt.Procedure, e.now)
	e.groundAct, e.groundNorm = ground, norm
	e.basis = Basis{Path: rt.Path, Exception: rt.Exception, Ground: citation(ground, norm), Procedure: citation(procedure, order)}
	e.must(rules.BAS1, ground != nil && procedure != nil, rules.WhyCitationOutOfForce)
	if ground != nil {
		e.basis.Act, e.basis.Article = ground.ID, norm.ID
		e.basis.TitleKK, e.basis.TitleRU, e.basis.Example = ground.TitleKK, ground.TitleRU, ground.Example
	}
	acts := []*register.Act{ground, procedure}
	switch rt.Path {
	case register.PathConsent:
		e.basis.Clause = "5.2"
		competence, art := e.resolve(rt.Competence)
		e.basis.Competence = citation(competence, art)
		acts = append(acts, competence)
		e.skip(rules.BAS2, "")
		e.must(rules.BAS4, competence != nil, rules.WhyNoCompetence)
		e.must(rules.EXC1, rt.Exception == "5.2" || rt.Exception == "written_permission", rules.WhyExceptionUnfit)
	case register.PathStatute:
		e.basis.Clause = "5.3"
		e.statute(rt)
	default:
		e.must(rules.BAS4, false, rules.WhyPathUnknown)
	}
	for _, a := range acts {
		if a != nil && a.Example && !e.c.Demo {
			e.must(rules.BAS1, false, rules.WhyExampleAct)
			break
		}
	}
}

func (e *evaluation) statute(rt *register.Route) {
	item, art := e.resolve(rt.FreeItem)
	e.basis.Item = citation(item, art)
	if e.groundAct != nil && !e.groundAct.IsLaw() {
		e.must(rules.BAS2, false, rules.WhyGroundNotLaw)
	} else {
		e.must(rules.BAS2, item != nil && e.groundAct != nil, rules.WhyNoFreeItem)
	}
	e.must(rules.BAS4, true, "")
	e.must(rules.EXC1, rt.Exception == "5.3", rules.WhyExceptionUnfit)
}

func (e *evaluation) resolve(c *register.Citation) (*register.Act, *register.Article) {
	if c == nil {
		return nil, nil
	}
	return e.reg.Resolve(*c, e.now)
}

func (e *evaluation) purposes() {
	p := e.reg.Purpose(e.route.Purpose)
	e.purpose = p
	fits := false
	switch p.Class {
	case register.PurposeStatute, register.PurposeStatistics:
		fits = e.route.Path == register.PathStatute
	case register.PurposePolicy:
		fits = e.route.Path == register.PathConsent
	case register.PurposeNamed:
		fits = e.route.Path == register.PathConsent && e.route.Exception == "written_permission"
	}
	e.must(rules.PUR1, fits, rules.WhyPurposeUnfit)
	counts := e.route.Aggregate != nil && len(e.route.Fields) == 0
	e.must(rules.PUR2, counts == (p.Class == register.PurposeStatistics), rules.WhyStatisticsNeedAggregates)
}

// requested is rule BAS-3.
func (e *evaluation) requested() {
	q := e.c.Request
	wanted := e.route.Trigger == register.TriggerRequest
	switch {
	case q == nil && !wanted:
		e.skip(rules.BAS3, "")
	case q == nil:
		e.must(rules.BAS3, false, rules.WhyRequestMissing)
	case !wanted:
		e.must(rules.BAS3, false, rules.WhyRequestUnexpected)
	case q.Route != e.route.ID:
		e.must(rules.BAS3, false, rules.WhyRequestOtherRoute)
	case q.incomplete() || !e.inForce(q.Competence) || !e.inForce(q.Ground) || e.reg.Administrator(q.Initiator) == nil:
		e.must(rules.BAS3, false, rules.WhyRequestIncomplete)
	case q.Date > e.now || e.now >= q.Expires:
		e.must(rules.BAS3, false, rules.WhyRequestExpired)
	default:
		if e.c.Unapproved {
			e.skip(rules.BAS3, rules.WhyRequestNotApproved)
			return
		}
		var ok bool
		e.plan, ok = e.reg.approved(q, e.now)
		e.must(rules.BAS3, ok, rules.WhyRequestNotApproved)
	}
}

// filtered sees to it that a request filters by places that its answer may tell.
func (e *evaluation) filtered() {
	if e.c.Request == nil {
		return
	}
	for _, f := range e.c.Request.Filter {
		def := e.reg.Field(f.Field)
		if def == nil || def.Format != "place" || !slices.Contains(e.fields, f.Field) {
			e.must(rules.BAS3, false, rules.WhyRequestFilter)
		}
	}
}

func (q *Request) incomplete() bool {
	return q.ID == "" || q.Number == "" || q.Date == 0 || q.Expires == 0 || q.Signatory == "" || q.File.IsZero() ||
		len(q.Fields) == 0 || q.chosen() != 1 || len(q.Subjects) > 0 && len(q.Salt) < minSalt
}

func (e *evaluation) inForce(c register.Citation) bool {
	act, _ := e.reg.Resolve(c, e.now)
	return act != nil
}

// canonical is the decision in bytes: everything that it depends on and everything that it says.
func (e *evaluation) canonical() []byte {
	var request record.Digest
	if e.c.Request != nil {
		request = e.c.Request.Digest()
	}
	var plan *record.Digest
	if !e.plan.IsZero() {
		plan = &e.plan
	}
	return register.Canonical(struct {
		V         int              `json:"v"`
		Operation string           `json:"operation"`
		Route     string           `json:"route"`
		Now       register.Instant `json:"now"`
		Demo      bool             `json:"demo"`
		Channel   string           `json:"channel"`
		Published record.Digest    `json:"published_text"`
		Register  record.Digest    `json:"register"`
		RouteIs   record.Digest    `json:"route_digest"`
		Request   record.Digest    `json:"request"`
		Plan      *record.Digest   `json:"plan,omitempty"`
		Policy    string           `json:"policy"`
		PolicyIs  record.Digest    `json:"policy_text"`
		Recipient string           `json:"recipient"`
		Purpose   string           `json:"purpose"`
		Basis     Basis            `json:"basis"`
		Fields    []string         `json:"fields"`
		Marks     []Mark           `json:"marks"`
		Groups    *grouping        `json:"groups,omitempty"`
		Denied    []Denied         `json:"denied"`
		Checks    []Check          `json:"checks"`
	}{
		1, operation, e.route.ID, e.now, e.c.Demo, e.c.Channel, e.c.PublishedText, e.reg.Digest(), e.reg.RouteDigest(e.route), request, plan,
		e.policy.ID, e.policy.TextDigest, e.to.BIN, e.purpose.Code, e.basis, e.fields, e.marks(), e.groups, e.denied, e.list,
	})
}
