package synth

import (
	"slices"

	"birgeoqy.kz/almasu/internal/record"
)

var allFields = []string{"family_name", "given_name", "email", "iin", "phone", "region", "district", "settlement", "parent_phone"}

// variants are the forms of consent: the full consent of a representative by a code to their phone, who also consents for their own
// data, and what each of the others changes in it. A form's id is its place, from 1.
var variants = []struct {
	name   string
	change func(*record.Terms)
}{
	{"code", func(*record.Terms) {}},
	{"code_not_for_parent", func(t *record.Terms) { t.ForParent = false }},
	{"signature", func(t *record.Terms) { t.Method = "signature" }},
	{"written", func(t *record.Terms) { t.Method = "written" }},
	{"kdp", func(t *record.Terms) { t.Method = "kdp" }},
	{"self_code", func(t *record.Terms) { t.GivenBy, t.ForParent = "self", false }},
	{"self_signature", func(t *record.Terms) { t.GivenBy, t.ForParent, t.Method = "self", false, "signature" }},
	{"narrow", func(t *record.Terms) {
		t.Fields = []string{"family_name", "given_name", "iin", "region", "district", "settlement"}
	}},
	{"narrow_no_place", func(t *record.Terms) { t.Fields = []string{"family_name", "given_name", "iin", "phone"} }},
	{"page_visit", func(t *record.Terms) { t.GivenBy, t.ForParent, t.Method = "self", false, "page_visit" }},
	{"other_policy", func(t *record.Terms) { t.PolicyVersion = "v0" }},
	{"no_operator", func(t *record.Terms) { t.OperatorBIN = "" }},
	{"no_subject", func(t *record.Terms) { t.SubjectNamed = false }},
	{"no_term", func(t *record.Terms) { t.UntilPurpose = false }},
	{"third_parties_silent", func(t *record.Terms) { t.ThirdParties = record.Unstated }},
	{"third_parties_no", func(t *record.Terms) { t.ThirdParties = record.No }},
	{"cross_border_silent", func(t *record.Terms) { t.CrossBorder = record.Unstated }},
	{"publication_silent", func(t *record.Terms) { t.Publication = record.Unstated }},
	{"no_fields", func(t *record.Terms) { t.Fields = nil }},
	{"no_purpose", func(t *record.Terms) { t.Purposes = nil }},
	{"policy_purposes", func(t *record.Terms) { t.Purposes = []string{"P411", "P412", "P415"} }},
	{"no_recipient", func(t *record.Terms) { t.Recipients = nil }},
	{"other_recipient", func(t *record.Terms) { t.Recipients = []string{"kind:edu_authority"} }},
	{"giver_unknown", func(t *record.Terms) { t.GivenBy = "" }},
}

// Forms returns the consent forms that the people of these options have signed.
func Forms(o Options) []Form {
	o = o.withDefaults()
	forms := make([]Form, len(variants))
	for i, v := range variants {
		t := record.Terms{
			PolicyVersion: o.Policy, OperatorBIN: o.Operator, SubjectNamed: true, UntilPurpose: true,
			ThirdParties: record.Yes, CrossBorder: record.No, Publication: record.No,
			Fields: slices.Clone(allFields), Purposes: []string{o.Purpose}, Recipients: []string{o.Recipient},
			GivenBy: "representative", ForParent: true, Method: "one_time_code",
		}
		v.change(&t)
		forms[i] = Form{ID: i + 1, Name: v.name, Terms: t}
	}
	return forms
}

// formIDs finds a form by its name.
var formIDs = func() map[string]int {
	ids := map[string]int{}
	for i, v := range variants {
		ids[v.name] = i + 1
	}
	return ids
}()

// act is one consent of a situation.
type act struct {
	form string
	time when
}

// when says how a consent stands in time and proof.
type when uint8

const (
	standing when = iota
	expired
	withdrawn
	comingLater
	undated
	unproved
)

// Situation is a combination of consents, with how many of a thousand people are in it.
type Situation struct {
	Name string
	// Good says that the law lets the person's data go where the consent says: for pupils under 14, or of 14 to 17 years.
	Good   bool
	Weight int
	acts   []act
}

// Situations returns the situations of pupils under 14, or of those of 14 to 17 years, for whom a good consent is two: the pupil's
// and the representative's. The weights sum to 1000.
func Situations(under14 bool) []Situation {
	if under14 {
		return young
	}
	return old
}

var young = []Situation{
	{"code", true, 480, []act{{"code", standing}}},
	{"code_not_for_parent", true, 80, []act{{"code_not_for_parent", standing}}},
	{"signature", true, 60, []act{{"signature", standing}}},
	{"written", true, 15, []act{{"written", standing}}},
	{"kdp", true, 15, []act{{"kdp", standing}}},
	{"narrow", true, 50, []act{{"narrow", standing}}},
	{"narrow_no_place", true, 20, []act{{"narrow_no_place", standing}}},
	{"renewed", true, 30, []act{{"code", expired}, {"code", standing}}},
	{"page_visit", false, 40, []act{{"page_visit", standing}}},
	{"none", false, 30, nil},
	{"self_only", false, 25, []act{{"self_code", standing}}},
	{"expired", false, 25, []act{{"code", expired}}},
	{"withdrawn", false, 20, []act{{"code", withdrawn}}},
	{"other_policy", false, 10, []act{{"other_policy", standing}}},
	{"no_operator", false, 7, []act{{"no_operator", standing}}},
	{"no_subject", false, 7, []act{{"no_subject", standing}}},
	{"no_term", false, 7, []act{{"no_term", standing}}},
	{"third_parties_silent", false, 7, []act{{"third_parties_silent", standing}}},
	{"third_parties_no", false, 7, []act{{"third_parties_no", standing}}},
	{"cross_border_silent", false, 6, []act{{"cross_border_silent", standing}}},
	{"publication_silent", false, 6, []act{{"publication_silent", standing}}},
	{"no_fields", false, 7, []act{{"no_fields", standing}}},
	{"no_purpose", false, 9, []act{{"no_purpose", standing}}},
	{"policy_purposes", false, 8, []act{{"policy_purposes", standing}}},
	{"no_recipient", false, 8, []act{{"no_recipient", standing}}},
	{"other_recipient", false, 7, []act{{"other_recipient", standing}}},
	{"giver_unknown", false, 3, []act{{"giver_unknown", standing}}},
	{"unproved", false, 6, []act{{"code", unproved}}},
	{"coming_later", false, 3, []act{{"code", comingLater}}},
	{"undated", false, 2, []act{{"code", undated}}},
}

var old = []Situation{
	{"both", true, 560, []act{{"code", standing}, {"self_code", standing}}},
	{"both_signed", true, 60, []act{{"signature", standing}, {"self_signature", standing}}},
	{"both_narrow", true, 60, []act{{"narrow", standing}, {"self_code", standing}}},
	{"representative_only", false, 100, []act{{"code", standing}}},
	{"self_only", false, 100, []act{{"self_code", standing}}},
	{"page_visit", false, 60, []act{{"page_visit", standing}}},
	{"none", false, 30, nil},
	{"self_withdrawn", false, 15, []act{{"code", standing}, {"self_code", withdrawn}}},
	{"representative_expired", false, 15, []act{{"code", expired}, {"self_code", standing}}},
}
