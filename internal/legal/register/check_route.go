package register

import (
	"slices"
	"strings"
	"unicode/utf8"

	"birgeoqy.kz/almasu/internal/legal/rules"
)

// shortestNeed is the least length of a note of necessity, in letters.
const shortestNeed = 15

func (c *checker) route(rt *Route) {
	w := &rt.Where
	c.unique(make(map[string]bool), rt.ID, w.Key("id"), idForm)
	if rt.Author != "" && len(c.Administrators) > 0 && c.Administrator(rt.Author) == nil {
		c.add(rules.ADM1, "route_author", w.Key("author"), "", "the author is not an administrator")
	}
	if rt.Trigger != "" && rt.Trigger != TriggerSchedule && rt.Trigger != TriggerRequest {
		c.add(rules.BAS3, "route_trigger", w.Key("trigger"), "schedule or request", "an unknown trigger")
	}
	if rt.Channel != "" && !slices.Contains(channels, rt.Channel) {
		c.add(rules.SEC1, "route_channel", w.Key("channel"), "known: "+strings.Join(channels, ", "), "an unknown or unlawful channel")
	}
	to := c.Recipient(rt.Recipient)
	if rt.Recipient != "" && to == nil {
		c.add(rules.RCP1, "route_recipient", w.Key("recipient"), "", "the recipient %q is not registered", rt.Recipient)
	}
	if rt.Marking != "" && rt.Marking != "ordinary" {
		c.add(rules.CLS1, "route_marking", w.Key("marking"), "only ordinary data are passed on", "state secrets and documents for official use only are out of scope")
	}
	for _, x := range []struct {
		key string
		on  bool
	}{{"sale", rt.Sale}, {"publication", rt.Publication}, {"barter", rt.Barter}} {
		if x.on {
			c.add(rules.EXC3, "route_flag", w.Key(x.key), "", "%s can never be true", x.key)
		}
	}
	if rt.CorrectionDays < 0 {
		c.add(rules.UPD2, "route_correction", w.Key("correction_days"), "", "a number of days is not negative")
	}
	c.basis(rt, to)
	c.purpose(rt)
	c.routeFields(rt, to)
	c.asked(rt)
}

func (c *checker) basis(rt *Route, to *Recipient) {
	w := &rt.Where
	c.cites(&rt.Ground)
	c.cites(&rt.Procedure)
	c.cites(rt.Competence)
	c.cites(rt.FreeItem)
	switch rt.Path {
	case PathConsent:
		if rt.Competence == nil {
			c.add(rules.BAS4, "route_competence", w.String(), "cite the norm by which the recipient may have the data", "the consent path needs the recipient's competence norm")
		}
		if rt.FreeItem != nil {
			c.add(rules.BAS4, "route_path", w.Key("free_item"), "", "an item of 94-V art. 9 has no place on the consent path")
		}
		if rt.Exception != "" && rt.Exception != "5.2" && rt.Exception != "written_permission" {
			c.exception(rt)
		}
		if to != nil && to.Kind == KindOtherState {
			c.add(rules.RCP3, "route_other_body", w.Key("path"), "use path: statute, with its ground", "another state body receives by statute only")
		}
	case PathStatute:
		if rt.Exception != "" && rt.Exception != "5.3" {
			c.exception(rt)
		}
		if rt.FreeItem == nil || rt.FreeItem.Act != "94-V" || !strings.HasPrefix(rt.FreeItem.Article, "9(") {
			c.add(rules.BAS2, "route_free_item", w.Key("free_item"), "cite {act: 94-V, article: 9(10)} or another item", "a transfer without consent falls under an item of 94-V art. 9")
		}
		if e := c.editions(rt.Ground); len(e) > 0 && !slices.ContainsFunc(e, (*Act).IsLaw) {
			c.add(rules.BAS2, "route_ground_rank", rt.Ground.Where.String(), "an order or decree can be the procedure; find the law behind it", "the ground is an act below the rank of a law")
		}
	case "":
	default:
		c.add(rules.BAS4, "route_path", w.Key("path"), "consent or statute", "an unknown path")
	}
}

func (c *checker) exception(rt *Route) {
	if rt.Exception == "7.2" {
		c.add(rules.EXC5, "route_exception", rt.Where.Key("exception"), "", "clause 7.2 is never used on a route")
		return
	}
	c.add(rules.EXC1, "route_exception", rt.Where.Key("exception"), "5.2 or written_permission with consent, 5.3 by statute", "this is no exception of policy 6.2.2 for this path")
}

func (c *checker) cites(x *Citation) {
	if x != nil && x.Act != "" && len(c.editions(*x)) == 0 {
		c.add(rules.BAS1, "route_citation", x.Where.String(), "enter the act and the article in "+FileActs, "no act %q with an article %q is registered", x.Act, x.Article)
	}
}

func (c *checker) purpose(rt *Route) {
	if rt.Purpose == "" {
		return
	}
	p := c.Purpose(rt.Purpose)
	where := rt.Where.Key("purpose")
	switch {
	case p == nil:
		c.add(rules.PUR1, "route_purpose", where, "", "the purpose %q is not registered", rt.Purpose)
	case p.Class == PurposeStatistics:
		c.statistics(rt)
	case rt.Aggregate != nil:
		c.add(rules.PUR2, "route_aggregate", rt.Aggregate.Where.String(), "choose a purpose of class statistics", "counts of people are sent for statistics only")
	case (p.Class == PurposeStatute) != (rt.Path == PathStatute):
		c.add(rules.PUR1, "route_purpose", where, "STATUTE by statute; a purpose of section 4 or a named one with consent", "the purpose does not fit the path")
	case p.Class == PurposeNamed && rt.Exception != "written_permission":
		c.add(rules.EXC1, "route_exception", rt.Where.Key("exception"), "write written_permission", "a purpose outside section 4 stands on the person's written permission")
	}
}

// statistics is rule PUR-2: what leaves for statistics is depersonalised.
func (c *checker) statistics(rt *Route) {
	a := rt.Aggregate
	if a == nil || len(rt.Fields) > 0 {
		c.add(rules.PUR2, "route_statistics", rt.Where.Key("purpose"), "write fields: [] and aggregate: {by: district, need: ..}", "profiles never leave for statistics, only counts of people")
	}
	if rt.Path != "" && rt.Path != PathStatute || rt.FreeItem != nil && rt.FreeItem.Article != "9(2)" && rt.FreeItem.Article != "9(3)" {
		c.add(rules.PUR2, "route_statistics_ground", rt.Where.Key("path"), "use path: statute with 94-V 9(2) or 9(3), which make depersonalising a duty", "statistics stand on the items of 94-V art. 9 that are about statistics")
	}
	if a == nil {
		return
	}
	switch f := c.Field(a.By); {
	case a.By == "":
	case !slices.Contains(AggregateBy, a.By) || f == nil || f.Format != "place" || !c.inSomeCatalogue(a.By):
		c.add(rules.PUR2, "aggregate_by", a.Where.Key("by"), "known: "+strings.Join(AggregateBy, ", "), "people are grouped by a place of policy 3.2.5 and by nothing else")
	}
	if a.Need != "" && utf8.RuneCountInString(a.Need) < shortestNeed {
		c.add(rules.FLD2, "route_need", a.Where.Key("need"), "say which act of the recipient cannot be done without it", "the note of necessity says nothing")
	}
	if rt.NotifySubject {
		c.add(rules.PUR2, "aggregate_notice", rt.Where.Key("notify_subject"), "write false", "nothing of anybody is sent, so nobody is told of it")
	}
}

func (c *checker) routeFields(rt *Route, to *Recipient) {
	if len(rt.Fields) == 0 && rt.Aggregate == nil && rt.Where.String() != "" {
		c.add(rules.PD1, "route_no_fields", rt.Where.Key("fields"), "", "the route sends nothing")
	}
	if len(rt.Fields) > MaxFields {
		c.add(rules.PD1, "route_too_many", rt.Where.Key("fields"), "", "a route has at most %d fields", MaxFields)
	}
	seen := make(map[string]bool)
	for i := range rt.Fields {
		x := &rt.Fields[i]
		f := c.Field(x.Field)
		where := x.Where.Key("field")
		switch {
		case x.Field == "":
		case f == nil || !c.inSomeCatalogue(x.Field):
			c.add(c.RuleAgainst(x.Field), "route_field", where, "move it to asked: it will be reported as refused", "the field %q is in no catalogue", x.Field)
		case seen[x.Field]:
			c.add(0, "duplicate_id", where, "", "the field %q stands here for the second time", x.Field)
		case f.Class == ClassTechnical:
			c.technical(rt, to, f, where)
		}
		seen[x.Field] = true
		if x.Need != "" && utf8.RuneCountInString(x.Need) < shortestNeed {
			c.add(rules.FLD2, "route_need", x.Where.Key("need"), "say which act of the recipient cannot be done without it", "the note of necessity says nothing")
		}
	}
	for i, f := range rt.Withheld {
		if !seen[f] {
			c.add(0, "route_withheld", rt.Where.Key(item("withheld", i)), "", "the field %q is not on the route", f)
		}
	}
}

// addressPurposes are the purposes for which policy 3.3.2 collects network addresses.
var addressPurposes = []string{"payments_legality", "technical_fault"}

func (c *checker) technical(rt *Route, to *Recipient, f *Field, where string) {
	switch {
	case rt.Trigger != TriggerRequest || rt.Path != PathStatute:
		c.add(rules.TECH1, "route_technical", where, "only a statute route with trigger: request may have it", "technical data never leave on a schedule or by consent")
	case to != nil && to.Kind != KindOtherState:
		c.add(rules.TECH2, "route_technical", where, "", "technical data never go to an education recipient or a local body")
	case f.ID == "ip" && !slices.Contains(addressPurposes, rt.Purpose):
		c.add(rules.TECH2, "route_technical", where, "purposes: "+strings.Join(addressPurposes, ", "), "addresses are kept for the legality of payments and for faults, and leave for nothing else")
	case !c.names(rt.Ground, f.ID):
		c.add(rules.TECH2, "route_technical", where, "the article must list the field under names", "the ground does not name the field")
	}
}

// names says whether some edition of the cited article names the field.
func (c *checker) names(x Citation, field string) bool {
	for _, a := range c.editions(x) {
		for _, art := range a.Articles {
			if art.ID == x.Article && slices.Contains(art.Names, field) {
				return true
			}
		}
	}
	return false
}

func (c *checker) inSomeCatalogue(field string) bool {
	return slices.ContainsFunc(c.Policies, func(p Policy) bool {
		return slices.Contains(p.Catalogue, field) || slices.Contains(p.Technical, field)
	})
}

func (c *checker) asked(rt *Route) {
	seen := make(map[string]bool)
	for i, f := range rt.Asked {
		where := rt.Where.Key(item("asked", i))
		switch {
		case !idForm.MatchString(f):
			c.add(0, "bad_id", where, "", "this is not the name of a field")
		case seen[f]:
			c.add(0, "duplicate_id", where, "", "the field %q stands here for the second time", f)
		case slices.ContainsFunc(rt.Fields, func(x RouteField) bool { return x.Field == f }):
			c.add(0, "route_asked", where, "asked lists what is asked beyond fields", "the field %q is sent", f)
		}
		seen[f] = true
	}
}

func (c *checker) administrators() {
	seen := make(map[string]bool)
	keys := make(map[string]bool)
	for i := range c.Administrators {
		a := &c.Administrators[i]
		c.unique(seen, a.ID, a.Where.Key("id"), idForm)
		if a.Role != "" && a.Role != RoleAdministration {
			c.add(rules.ADM1, "administrator_role", a.Where.Key("role"), "administration is the only role", "an unknown role")
		}
		if len(a.PublicKey) > 0 && keys[string(a.PublicKey)] {
			c.add(rules.ADM1, "administrator_key", a.Where.Key("public_key"), "each person has a key of their own", "two administrators share a key")
		}
		keys[string(a.PublicKey)] = true
	}
}

func (c *checker) approvals() {
	type key struct{ kind, name, digest, by string }
	seen := make(map[key]bool)
	for i := range c.Approvals {
		a := &c.Approvals[i]
		w := &a.Where
		author := ""
		switch a.Kind {
		case ApproveRoute:
			if rt := c.Route(a.Name); rt != nil {
				author = rt.Author
			} else if a.Name != "" {
				c.add(rules.ADM1, "approval_subject", w.Key("name"), "", "there is no route %q", a.Name)
			}
		case ApprovePolicy:
			if a.Name != "" && c.Policy(a.Name) == nil {
				c.add(rules.POL3, "approval_subject", w.Key("name"), "", "there is no policy version %q", a.Name)
			}
		case "":
		default:
			c.add(rules.ADM1, "approval_kind", w.Key("kind"), "route or policy; approvals of requests stand with the request", "an unknown kind of approval")
			continue
		}
		who := c.Administrator(a.By)
		switch {
		case a.By == "" || a.At == 0 || len(a.Signature) == 0:
		case who == nil:
			c.add(rules.ADM1, "approval_by", w.Key("by"), "", "there is no administrator %q", a.By)
		case a.By == author:
			c.add(rules.ADM1, "approval_own", w.Key("by"), "two others approve", "the author cannot approve")
		case !a.Verify(who):
			c.add(rules.ADM1, "approval_signature", w.Key("signature"), "let the administrator sign this digest again", "the signature is not this administrator's over this text")
		case seen[key{a.Kind, a.Name, a.Digest.String(), a.By}]:
			c.add(rules.ADM1, "approval_twice", w.Key("by"), "two different people approve", "this administrator has approved this already")
		}
		seen[key{a.Kind, a.Name, a.Digest.String(), a.By}] = true
	}
}
