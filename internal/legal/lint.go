package legal

import (
	"slices"
	"time"

	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
)

// LintOptions say what a register is linted against.
type LintOptions struct {
	// Runs are the moments of coming runs of each route; a route without an entry is looked at as of Now.
	Runs map[string][]time.Time
	Now  time.Time
	// Mapped are the fields that a route's mapping reads; a route without an entry is not compared.
	Mapped map[string][]string
	// Demo admits acts that are marked as examples.
	Demo bool
}

// linter collects what is lawful to load and yet wrong, or will be.
type linter struct {
	*Register
	o        LintOptions
	problems record.Problems
	said     map[string]bool
}

// Lint reports what loads and will refuse a run, send nothing, or permit more than is used: every finding at once, with file, line and rule.
func Lint(r *Register, o LintOptions) record.Problems {
	l := &linter{Register: r, o: o, said: make(map[string]bool)}
	for i := range r.Recipients {
		to := &r.Recipients[i]
		if to.Agreement == nil {
			l.add(rules.AGR1, "no_agreement", to.Where.String(), "conclude one, or take the recipient out", "%s has no agreement", to.ID)
		}
		if to.Country != "KZ" || to.HostingCountry != "KZ" {
			l.add(rules.RCP4, "foreign", to.Where.Key("hosting_country"), "", "%s receives nothing: it, or its server, is abroad", to.ID)
		}
	}
	for i := range r.Policies {
		p := &r.Policies[i]
		if p.PostingDateUnproven {
			l.add(rules.POL1, "posting_date_unproven", p.Where.Key("posting_date_unproven"), "supply proof of the posting date", "nobody has shown when %s was posted", p.ID)
		}
		if p.From < p.Registered && len(r.Approvers(r.Approvals, register.ApprovePolicy, p.ID, p.Digest(), "", register.At(o.Now))) < enough {
			l.add(rules.POL3, "policy_not_approved", p.Where.Key("from"), "let two administrators approve the version", "%s is back-dated and does not have two approvals", p.ID)
		}
	}
	for i := range r.Routes {
		l.route(&r.Routes[i])
	}
	return l.problems
}

func (l *linter) add(rule rules.ID, code, where, hint, format string, args ...any) {
	if key := code + where; !l.said[key] {
		l.said[key] = true
		l.problems.Add("lint."+code, where, hint, format+" ("+rule.String()+")", args...)
	}
}

func (l *linter) route(rt *register.Route) {
	w := &rt.Where
	now := register.At(l.o.Now)
	if rt.Suspended {
		l.add(rules.ADM1, "suspended", w.Key("suspended"), "", "the route is suspended")
	}
	if len(l.Approvers(l.Approvals, register.ApproveRoute, rt.ID, l.RouteDigest(rt), rt.Author, now)) < enough {
		l.add(rules.ADM1, "not_approved", w.String(), "let two administrators approve digest "+l.RouteDigest(rt).String(), "the route as it stands does not have two approvals")
	}
	if rt.CorrectionDays > 0 && l.TakesNotices(rt) == "" {
		l.add(rules.UPD2, "no_notices", w.Key("correction_days"), "agree on notices, and name the clause at the agreement's channel: notices; until then a person writes letters",
			"the agreement names no clause for notices over %s: corrections go by letter", rt.Channel)
	}
	runs := l.o.Runs[rt.ID]
	if len(runs) == 0 {
		runs = []time.Time{l.o.Now}
	}
	for _, at := range runs {
		l.onDay(rt, register.At(at), at.In(register.Zone).Format(time.DateOnly))
	}
	mapped, known := l.o.Mapped[rt.ID]
	if !known {
		return
	}
	for i := range rt.Fields {
		x := &rt.Fields[i]
		if !slices.Contains(mapped, x.Field) && !slices.Contains(rt.Withheld, x.Field) {
			l.add(rules.FLD2, "unused_field", x.Where.Key("field"), "take it off the route", "%s is permitted and the mapping does not use it", x.Field)
		}
	}
	for _, f := range mapped {
		if rule, ok := l.Permitted(rt.ID)(f); !ok {
			id, _ := rules.Named(rule)
			l.add(id, "unpermitted_field", w.Key("fields"), "take it out of the mapping", "the mapping reads %s, which the route does not permit", f)
		}
	}
}

// onDay reports what stops or empties the route at a moment.
func (l *linter) onDay(rt *register.Route, at register.Instant, on string) {
	to := l.Recipient(rt.Recipient)
	if a := to.Agreement; a != nil {
		if !register.Within(a.From, a.Until, at) {
			l.add(rules.AGR1, "agreement_out_of_force", a.Where.Key("until"), "renew it in time", "the agreement with %s is not in force on %s", to.ID, on)
		}
		if !slices.ContainsFunc(a.Channels, func(c register.Channel) bool { return c.Channel == rt.Channel }) {
			l.add(rules.SEC1, "channel_not_named", rt.Where.Key("channel"), "name it in the agreement, with its clause", "the agreement with %s does not name the channel %s", to.ID, rt.Channel)
		}
	}
	var ground *register.Article
	for _, x := range []struct {
		key string
		c   *register.Citation
	}{{"ground", &rt.Ground}, {"procedure", &rt.Procedure}, {"competence", rt.Competence}, {"free_item", rt.FreeItem}} {
		key, c := x.key, x.c
		if c == nil {
			continue
		}
		act, art := l.Resolve(*c, at)
		switch {
		case act == nil:
			l.add(rules.BAS1, "citation_out_of_force", c.Where.String(), "enter the edition that follows, or find another norm", "the %s, %s art. %s, is not in force on %s", key, c.Act, c.Article, on)
		case act.Example && !l.o.Demo:
			l.add(rules.BAS1, "example_act", c.Where.String(), "cite an act that exists", "the %s is an example: the route runs in a demonstration only", key)
		}
		if key == "ground" {
			ground = art
		}
	}
	p := l.PolicyAt(at)
	for i := range rt.Fields {
		x := &rt.Fields[i]
		f := l.Field(x.Field)
		switch {
		case p == nil || !slices.Contains(p.Catalogue, x.Field) && !slices.Contains(p.Technical, x.Field):
			l.add(rules.FLD0, "not_in_catalogue", x.Where.Key("field"), "", "%s is not in the catalogue in force on %s", x.Field, on)
		case rt.Path == register.PathStatute && ground != nil && !slices.Contains(ground.Names, x.Field) && (len(ground.Names) > 0 || f.Subject == "parent"):
			l.add(rules.BAS2, "field_without_ground", x.Where.Key("field"), "take it off the route, or enter the norm that names it", "the ground does not name %s, so it never leaves", x.Field)
		}
	}
}
