package register

import (
	"slices"
	"strings"

	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/legal/rules"
)

func (c *checker) policyTable() {
	if len(c.Policies) == 0 {
		c.add(rules.POL3, "policy_none", FilePolicies, "", "no version of the policy is registered")
		return
	}
	seen := make(map[string]bool)
	order := make([]*Policy, 0, len(c.Policies))
	for i := range c.Policies {
		p := &c.Policies[i]
		order = append(order, p)
		c.unique(seen, p.ID, p.Where.Key("id"), idForm)
		c.period(p.From, p.Until, p.Where.Key("until"))
		if p.Order != "" && p.TextDigest.IsZero() {
			c.add(rules.POL1, "policy_text", p.Where.Key("text_digest"), "take the digest of the normalised text", "no text has this digest")
		}
		if p.From != 0 && p.From < p.OrderDate {
			c.add(rules.POL1, "policy_before_order", p.Where.Key("from"), "", "the version takes effect before its order was signed")
		}
		if p.From != 0 && p.From < p.Registered && len(p.BackdatingReason) < 10 {
			c.add(rules.POL3, "policy_backdated", p.Where.Key("from"), "write backdating_reason, and let two administrators approve the version", "the version takes effect before it was registered, and no reason says why")
		}
		c.catalogue(p)
	}
	slices.SortStableFunc(order, func(a, b *Policy) int { return cmp(a.From, b.From) })
	for i, p := range order[1:] {
		before := order[i]
		switch {
		case before.Until == 0 || p.From < before.Until:
			c.add(rules.POL3, "policy_overlap", p.Where.Key("from"), "end the version before at this moment", "two versions are in force at once: %s and %s", before.ID, p.ID)
		case p.From > before.Until:
			c.add(rules.POL3, "policy_gap", p.Where.Key("from"), "", "no version is in force between %s and %s", before.ID, p.ID)
		}
	}
	if last := order[len(order)-1]; last.Until != 0 {
		c.add(rules.POL3, "policy_gap", last.Where.Key("until"), "leave the last version open", "no version is in force after %s", last.ID)
	}
}

func (c *checker) catalogue(p *Policy) {
	for _, key := range []string{"catalogue", "technical"} {
		list := p.Catalogue
		if key == "technical" {
			list = p.Technical
		}
		seen := make(map[string]bool)
		for i, id := range list {
			where := p.Where.Key(item(key, i))
			f := c.Field(id)
			switch {
			case f == nil:
				c.add(rules.PD1, "catalogue_field", where, "define it in "+FileFields, "the field %q is not defined", id)
			case (f.Class == ClassTechnical) != (key == "technical"):
				c.add(rules.TECH1, "catalogue_class", where, "profile fields stand in catalogue, technical ones in technical", "the field %q is of the other class", id)
			case seen[id]:
				c.add(0, "duplicate_id", where, "", "the field %q stands here for the second time", id)
			}
			seen[id] = true
		}
	}
}

var actTypes = []string{"constitution", "constitutional_law", "code", "law", "ratified_treaty", "decree", "order"}

// IsLaw says whether an act of this type can be the ground of a transfer without consent (BAS-2).
func (a *Act) IsLaw() bool {
	return slices.Index(actTypes, a.Type) >= 0 && slices.Index(actTypes, a.Type) < 5
}

func (c *checker) actTable() {
	for i := range c.Acts {
		a := &c.Acts[i]
		if a.ID != "" && !actForm.MatchString(a.ID) {
			c.add(0, "bad_id", a.Where.Key("id"), "use the act's number, e.g. 94-V", "this is not an id of an act")
		}
		if a.Type != "" && !slices.Contains(actTypes, a.Type) {
			c.add(rules.BAS2, "act_type", a.Where.Key("type"), "known: "+strings.Join(actTypes, ", "), "an unknown type of act")
		}
		c.period(a.From, a.Until, a.Where.Key("until"))
		if a.Edition > a.From {
			c.add(rules.BAS1, "act_edition", a.Where.Key("edition"), "", "the edition is younger than its period")
		}
		for j := range c.Acts[:i] {
			b := &c.Acts[j]
			if a.ID == b.ID && a.ID != "" && (b.Until == 0 || a.From < b.Until) && (a.Until == 0 || b.From < a.Until) {
				c.add(rules.BAS1, "act_overlap", a.Where.Key("from"), "end the older edition where the newer begins", "two editions of %q are in force at once", a.ID)
			}
		}
		if len(a.Articles) == 0 {
			c.add(rules.BAS1, "act_no_article", a.Where.Key("articles"), "", "the act has no article to cite")
		}
		seen := make(map[string]bool)
		for j := range a.Articles {
			art := &a.Articles[j]
			if seen[art.ID] {
				c.add(0, "duplicate_id", art.Where.Key("id"), "", "the article %q stands here for the second time", art.ID)
			}
			seen[art.ID] = true
			c.period(art.From, art.Until, art.Where.Key("until"))
			if art.From != 0 && art.From < a.From || art.Until != 0 && a.Until != 0 && art.Until > a.Until {
				c.add(rules.BAS1, "article_period", art.Where.String(), "", "the article's period reaches beyond the edition's")
			}
			for k, f := range art.Names {
				if c.Field(f) == nil {
					c.add(rules.PD1, "article_field", art.Where.Key(item("names", k)), "", "the field %q is not defined", f)
				}
			}
		}
	}
}

func (c *checker) purposeTable() {
	seen := make(map[string]bool)
	for i := range c.Purposes {
		p := &c.Purposes[i]
		if seen[p.Code] {
			c.add(0, "duplicate_id", p.Where.Key("code"), "", "the purpose %q stands here for the second time", p.Code)
		}
		seen[p.Code] = true
		section4 := len(p.Clause) == 5 && strings.HasPrefix(p.Clause, "4.1.") && p.Clause[4] >= '1' && p.Clause[4] <= '7'
		switch p.Class {
		case PurposePolicy:
			if !section4 || p.Code != "P"+strings.ReplaceAll(p.Clause, ".", "") {
				c.add(rules.PUR1, "purpose_clause", p.Where.String(), "P411 is 4.1.1, up to P417", "a purpose of the policy is one of 4.1.1 to 4.1.7, and called so")
			}
		case PurposeNamed, PurposeStatute, PurposeStatistics:
			if p.Clause != "" || strings.HasPrefix(p.Code, "P4") {
				c.add(rules.PUR1, "purpose_clause", p.Where.String(), "choose another code, and leave the clause out", "section 4 has no such purpose")
			}
		case "":
		default:
			c.add(rules.PUR1, "purpose_class", p.Where.Key("class"), "policy, named, statute or statistics", "an unknown class of purposes")
		}
	}
}

var kinds = []string{KindEducation, KindEducationUnit, KindLocal, KindOtherState}

func (c *checker) recipientTable() {
	seen, bins := make(map[string]bool), make(map[string]bool)
	for i := range c.Recipients {
		x := &c.Recipients[i]
		c.unique(seen, x.ID, x.Where.Key("id"), idForm)
		c.bin(x.BIN, x.Where.Key("bin"))
		if x.BIN != "" && (bins[x.BIN] || x.BIN == c.Operator.BIN) {
			c.add(rules.RCP1, "bin_twice", x.Where.Key("bin"), "", "this business number belongs to another entry")
		}
		bins[x.BIN] = true
		if x.Kind != "" && !slices.Contains(kinds, x.Kind) {
			c.add(rules.RCP1, "recipient_kind", x.Where.Key("kind"), "known: "+strings.Join(kinds, ", "), "policy 5.2 knows no such recipient")
		}
		if x.KATO != "" && kz.LevelOf([]byte(x.KATO)) == kz.LevelNone || x.KATO == "" && x.Kind == KindLocal {
			c.add(rules.TERR1, "recipient_kato", x.Where.Key("kato"), "nine digits, e.g. 610000000", "a local body needs the KATO code of its territory")
		}
		c.parent(x)
		for _, y := range [][2]string{{"country", x.Country}, {"hosting_country", x.HostingCountry}} {
			key, country := y[0], y[1]
			if country != "" && (len(country) != 2 || strings.ToUpper(country) != country) {
				c.add(rules.RCP4, "country", x.Where.Key(key), "two capital letters, e.g. KZ", "this is not a country code")
			}
		}
		if o := x.TechnicalOperator; o != nil {
			c.bin(o.BIN, o.Where.Key("bin"))
			if o.BIN != "" && o.BIN == x.BIN {
				c.add(rules.RCP2, "operator_is_recipient", o.Where.Key("bin"), "leave technical_operator out if the body runs its system itself", "the technical operator is the recipient")
			}
		}
		if x.Agreement != nil {
			c.agreement(x.Agreement)
		}
	}
}

func (c *checker) parent(x *Recipient) {
	parent := c.Recipient(x.Parent)
	switch {
	case x.Parent != "" && parent == nil:
		c.add(rules.RCP1, "recipient_parent", x.Where.Key("parent"), "", "the parent body %q is not registered", x.Parent)
	case x.Kind == KindEducationUnit && (parent == nil || parent.Kind != KindEducation):
		c.add(rules.RCP1, "recipient_parent", x.Where.Key("parent"), "", "a unit's parent is the education authority")
	case x.Kind == KindLocal && parent != nil && (parent.Kind != KindLocal || !kz.Within([]byte(x.KATO), []byte(parent.KATO))):
		c.add(rules.TERR1, "recipient_parent", x.Where.Key("parent"), "", "a local body's parent is the local body of a territory around it")
	case parent == x && parent != nil:
		c.add(rules.RCP1, "recipient_parent", x.Where.Key("parent"), "", "a body is not its own parent")
	}
}

var channels = []string{"rest", "parcel", "shep_sync", "shep_async", "epvo"}

func (c *checker) agreement(a *Agreement) {
	c.period(a.From, a.Until, a.Where.Key("until"))
	for i, l := range a.Languages {
		if l != "kk" && l != "ru" {
			c.add(rules.AGR1, "agreement_language", a.Where.Key(item("languages", i)), "kk and ru", "an unknown language")
		}
	}
	if !a.BansOnwardDisclosure || !a.BansBarter {
		c.add(rules.EXC4, "agreement_bans", a.Where.String(), "conclude an agreement that bans both", "the agreement must ban onward disclosure and barter")
	}
	seen := make(map[string]bool)
	for i := range a.Channels {
		ch := &a.Channels[i]
		switch {
		case ch.Channel != "" && !slices.Contains(channels, ch.Channel):
			c.add(rules.SEC1, "channel", ch.Where.Key("channel"), "known: "+strings.Join(channels, ", "), "an unknown or unlawful channel")
		case seen[ch.Channel]:
			c.add(0, "duplicate_id", ch.Where.Key("channel"), "", "the channel %q stands here for the second time", ch.Channel)
		case ch.StateSystem && !strings.HasPrefix(ch.Channel, "shep_"):
			c.add(rules.SEC2, "channel_gateway", ch.Where.Key("channel"), "use shep_sync or shep_async", "a state system is integrated with through the external gateway only")
		}
		seen[ch.Channel] = true
	}
}
