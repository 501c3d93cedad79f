// Package limits says whether the numbers of a run are so unusual that a person should look at them before anything is sent. It is pure.
//
// # What is measured against what
//
//	changed    people who would be sent otherwise than the recipient has them: new ones and altered ones. Share of those whom it has.
//	withdrawn  people whom the recipient has and would have no more. Share of those whom it has.
//	refused    people whom the law refuses, beyond those of the run before. Share of those who were read then.
//	rejected   records that the recipient rejected in the run before. Share of those that it had then.
//
// A limit is reached if the number is at least its least and at least its share. Where nothing is known to compare with (the first run; a recipient that
// has nothing yet), that limit is not judged: a connector's first run is looked at by "almasu plan".
//
// Where people were not compared with what the recipient has, the numbers of the run before stand in: it has as many as were sent then, and how many more or fewer
// would be sent now are the changed or the withdrawn. That is less than compared people would show, and never more.
//
// # Words
//
// A finding is a fact with its figures, in Kazakh, Russian and English. It holds no value of anybody.
package limits

import (
	"fmt"

	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/legal/rules"
)

// Numbers are what a run would do, in people.
type Numbers struct {
	Read    int `json:"read"`
	Send    int `json:"send"`
	Refused int `json:"refused"`
	// Compared says that people were compared with what the recipient has: only then the following mean something. Has is how many it has.
	Compared  bool `json:"compared"`
	New       int  `json:"new"`
	Changed   int  `json:"changed"`
	Unchanged int  `json:"unchanged"`
	Withdrawn int  `json:"withdrawn"`
	Has       int  `json:"has"`
}

// Before is the run before.
type Before struct {
	// Transfer is the last run whose read was completed, "" if there was none: how many it read, how many of them were or are with the recipient, and how many
	// the law refused.
	Transfer string `json:"transfer,omitempty"`
	Read     int    `json:"read"`
	Sent     int    `json:"sent"`
	Refused  int    `json:"refused"`
	// Answered is the last run that the recipient has answered, "" if there was none: how many records it received and rejected.
	Answered string `json:"answered,omitempty"`
	Received int    `json:"received"`
	Rejected int    `json:"rejected"`
}

// Finding is a limit that was reached.
type Finding struct {
	// What is changed, withdrawn, refused or rejected.
	What string `json:"what"`
	// People is the number that reached the limit, Of what it is measured against.
	People int `json:"people"`
	Of     int `json:"of"`
	// Limit is the limit, Calendar the one by which it stands in the place of another.
	Limit    config.Limit `json:"limit"`
	Calendar string       `json:"calendar,omitempty"`
	// Estimated says that people were not compared, and the run before stands in.
	Estimated bool `json:"estimated,omitempty"`
}

// Judge returns the limits that a run reaches, in a fixed order.
func Judge(l config.Limits, now Numbers, before Before) (out []Finding) {
	look := func(what string, limit *config.Limit, known, estimated bool, people, of int) {
		if known && limit.Reached(people, of) {
			out = append(out, Finding{What: what, People: people, Of: of, Limit: *limit, Calendar: l.Calendar, Estimated: estimated})
		}
	}
	changed, withdrawn, has := now.New+now.Changed, now.Withdrawn, now.Has
	if !now.Compared {
		changed, withdrawn, has = now.Send-before.Sent, before.Sent-now.Send, before.Sent
	}
	look("changed", l.Changed, has > 0, !now.Compared, changed, has)
	look("withdrawn", l.Withdrawn, has > 0, !now.Compared, withdrawn, has)
	look("refused", l.Refused, before.Transfer != "", false, now.Refused-before.Refused, before.Read)
	look("rejected", l.Rejected, before.Answered != "", false, before.Rejected, before.Received)
	return out
}

// Code is the stable code of a finding.
func (f Finding) Code() string { return "hold." + f.What }

var phrases = map[string]rules.Text{
	"changed": {
		KK: "алушыдағы %[2]d адамға қарағанда %[1]d адам бойынша деректер өзгеше жіберілер еді",
		RU: "по %[1]d людям было бы отправлено не то, что есть у получателя (у него %[2]d)",
		EN: "%[1]d people would be sent otherwise than the recipient has them (it has %[2]d)",
	},
	"withdrawn": {
		KK: "алушыдағы %[2]d адамның %[1]d-і енді берілмейді",
		RU: "из %[2]d людей, которые есть у получателя, %[1]d больше не передавались бы",
		EN: "%[1]d of the %[2]d people whom the recipient has would be sent no more",
	},
	"refused": {
		KK: "заң бойынша өткен жолғыдан %[1]d адамға көп бас тартылады (сонда %[2]d адам оқылған)",
		RU: "закон отказывает на %[1]d людей больше, чем в прошлый раз (тогда прочитано %[2]d)",
		EN: "the law refuses %[1]d people more than in the run before, which read %[2]d",
	},
	"rejected": {
		KK: "өткен жолы алушы %[2]d жазбаның %[1]d-ін қабылдамады",
		RU: "в прошлый раз получатель отверг %[1]d записей из %[2]d",
		EN: "the recipient rejected %[1]d of the %[2]d records of the run before",
	},
}

var (
	bound = rules.Text{KK: "%s; шек: %s", RU: "%s; порог: %s", EN: "%s; the limit is %s"}
	least = rules.Text{KK: "%d адам", RU: "%d чел.", EN: "%d people"}
	both  = rules.Text{KK: "%s және %s", RU: "%s и %s", EN: "%s and %s"}
	named = rules.Text{KK: "«%s» күнтізбесі бойынша", RU: "по календарю «%s»", EN: "by the calendar %q"}
)

// Words is the finding with its figures and its limit.
func (f Finding) Words() rules.Text {
	p := phrases[f.What]
	one := func(phrase, bound, least, both, named string) string {
		limit := f.Limit.Share.String()
		if f.Limit.Least > 0 {
			limit = fmt.Sprintf(least, f.Limit.Least)
			if f.Limit.Share > 0 {
				limit = fmt.Sprintf(both, f.Limit.Share, limit)
			}
		}
		if f.Calendar != "" {
			limit += ", " + fmt.Sprintf(named, f.Calendar)
		}
		return fmt.Sprintf(bound, fmt.Sprintf(phrase, f.People, f.Of), limit)
	}
	return rules.Text{
		KK: one(p.KK, bound.KK, least.KK, both.KK, named.KK), RU: one(p.RU, bound.RU, least.RU, both.RU, named.RU), EN: one(p.EN, bound.EN, least.EN, both.EN, named.EN),
	}
}
