package register

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
)

// MaxFields is the greatest number of fields of a route.
const MaxFields = 64

var (
	idForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)
	actForm    = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._/-]{0,63}$`)
	domainForm = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
)

// checker collects what is wrong with a register beyond its form.
type checker struct {
	*Register
	problems *record.Problems
}

func check(r *Register, problems *record.Problems) {
	c := &checker{r, problems}
	c.operator()
	c.fieldTable()
	c.policyTable()
	c.actTable()
	c.purposeTable()
	c.recipientTable()
	for i := range r.Routes {
		c.route(&r.Routes[i])
	}
	c.administrators()
	c.approvals()
}

// add reports a problem that breaks a rule; the zero rule stands for none.
func (c *checker) add(rule rules.ID, code, where, hint, format string, args ...any) {
	if rule != 0 {
		format += " (" + rule.String() + ")"
	}
	c.problems.Add("register."+code, where, hint, format, args...)
}

// unique reports ids of a wrong form and ids that stand twice.
func (c *checker) unique(seen map[string]bool, id, where string, form *regexp.Regexp) {
	switch {
	case id == "":
	case !form.MatchString(id):
		c.add(0, "bad_id", where, "use letters, digits, - _ and .", "this is not an id")
	case seen[id]:
		c.add(0, "duplicate_id", where, "ids are unique in their table", "%q stands here for the second time", id)
	}
	seen[id] = true
}

func (c *checker) period(from, until Instant, where string) {
	if from != 0 && until != 0 && until <= from {
		c.add(0, "period", where, "the end of a period is the first moment that is no longer in it", "the period ends before it begins")
	}
}

func (c *checker) bin(bin, where string) {
	if bin != "" && !kz.ValidBIN([]byte(bin)) {
		c.add(rules.RCP1, "bin", where, "twelve digits, the fifth 4, 5 or 6, the last the check digit", "this is not a business identification number")
	}
}

var provable = []string{"one_time_code", "signature", "kdp", "written"}

func (c *checker) operator() {
	o := &c.Operator
	c.bin(o.BIN, o.Where.Key("bin"))
	if o.Domain != "" && !domainForm.MatchString(o.Domain) {
		c.add(rules.CNT1, "domain", o.Where.Key("domain"), "write birgeoqy.kz, without https://", "this is not a domain")
	} else if o.Contact != "" && !onDomain(o.Contact, o.Domain) {
		c.add(rules.CNT1, "contact_domain", o.Where.Key("contact"), "the printed policy misspells its own domain: check the letters", "the contact address is not on the domain %s", o.Domain)
	}
	for _, x := range [][2]string{{"storage_country", o.StorageCountry}, {"audit_country", o.AuditCountry}} {
		key, country := x[0], x[1]
		if country != "" && country != "KZ" {
			c.add(rules.LOC1, "storage_country", o.Where.Key(key), "data and log are kept in KZ", "%s is not the Republic", key)
		}
	}
	for i, m := range o.ConsentMethods {
		if !slices.Contains(provable, m) {
			c.add(rules.CON1, "consent_method", o.Where.Key(item("consent_methods", i)), "known: "+strings.Join(provable, ", "), "consent given in this way cannot be proved")
		}
	}
	if o.GroupSize < 3 && o.Where.String() != "" {
		c.add(rules.PUR2, "group_size", o.Where.Key("group_size"), "10 is the cautious value", "a group of fewer than 3 people is not depersonalised")
	}
}

func item(key string, i int) string {
	return key + "[" + strconv.Itoa(i) + "]"
}

func onDomain(contact, domain string) bool {
	host := contact
	if _, mail, ok := strings.Cut(contact, "@"); ok {
		host = mail
	} else if rest, ok := strings.CutPrefix(contact, "https://"); ok {
		host, _, _ = strings.Cut(rest, "/")
	} else {
		return false
	}
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// forbidden are data that a recipient's form may ask for and that no catalogue can have.
var forbidden = map[string]rules.ID{
	"middle_name": rules.FLD1, "patronymic": rules.FLD1, "father_name": rules.FLD1,
	"birth_date": rules.FLD3, "birth_year": rules.FLD3, "sex": rules.FLD3, "gender": rules.FLD3, "age": rules.FLD3, "age_group": rules.FLD3,
}

// RuleAgainst names the rule by which a datum that no catalogue has may not leave.
func (r *Register) RuleAgainst(field string) rules.ID {
	if id, ok := forbidden[field]; ok {
		return id
	}
	if f := r.Field(field); f != nil && f.Class == ClassTechnical {
		if f.ID == "ip" {
			return rules.TECH2
		}
		return rules.TECH1
	}
	return rules.FLD0
}

func (c *checker) fieldTable() {
	seen := make(map[string]bool)
	for i := range c.Fields {
		f := &c.Fields[i]
		c.unique(seen, f.ID, f.Where.Key("id"), idForm)
		if rule, ok := forbidden[f.ID]; ok {
			c.add(rule, "field_forbidden", f.Where.Key("id"), "remove it", "no catalogue can have this field")
		}
		clause, source := "3.2.", "profile_form@"
		switch f.Class {
		case ClassProfile:
		case ClassTechnical:
			clause, source = "3.3", "automatic@"
		case "":
			continue
		default:
			c.add(rules.PD1, "field_class", f.Where.Key("class"), "profile or technical", "an unknown class of fields")
			continue
		}
		if f.Clause != "" && !strings.HasPrefix(f.Clause, clause) {
			c.add(rules.SCOPE1, "field_clause", f.Where.Key("clause"), "profile fields are of 3.2, technical ones of 3.3", "the clause does not fit the class")
		}
		if f.Source != "" && f.Source != source+c.Operator.Domain {
			c.add(rules.PROV1, "field_source", f.Where.Key("source"), "write "+source+c.Operator.Domain, "a value from elsewhere may not be passed on")
		}
		if !slices.Contains([]string{"text", "email", "iin", "phone", "place", "technical"}, f.Format) || (f.Format == "technical") != (f.Class == ClassTechnical) {
			c.add(rules.PD1, "field_format", f.Where.Key("format"), "text, email, iin, phone, place; technical for a technical field", "the format does not fit")
		}
		if (f.VerifiedBy == "") != (f.Verified == 0) || f.VerifiedBy != "" && !idForm.MatchString(f.VerifiedBy) {
			c.add(rules.QUAL1, "field_verified", f.Where.Key("verified_by"), "write verified_by: SOURCE and verified: DATE, or neither", "a verified mark names its source and its day")
		}
		if f.Subject != "" && (f.Subject == "parent") != (f.Clause == "3.2.6") || f.Subject != "user" && f.Subject != "parent" {
			c.add(rules.SUB2, "field_subject", f.Where.Key("subject"), "the data of 3.2.6 are the parent's, all others the user's", "the subject does not fit")
		}
	}
}
