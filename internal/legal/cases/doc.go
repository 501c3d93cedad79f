// Package cases runs examples that stand beside a route: people, a date, and what must be sent or refused, by which rule.
//
// They lie in routes/ID.cases.yaml of a register, strictly decoded:
//
//	cases:
//	  - name: a pupil of eleven with the parent's consent
//	    date: 2026-09-01
//	    person: {age: 11, place: "615230100"}
//	    consents:
//	      - {given_by: representative, for_parent: true}
//	    fields: [family_name, given_name]
//	  - name: the page was visited
//	    date: 2026-09-01
//	    person: {age: 30, place: "615230100"}
//	    consents: [{method: page_visit}]
//	    refused: CON-1
//	    why: consent_unprovable
//
// A case expects fields (exactly these leave), counted: true (on a route of statistics, the person is counted), refused (the person is refused by this rule, with the reason if why is given), or run_refused (the run is refused by
// this rule). denied lists fields that are asked for and must be denied on this run, as FIELD: RULE.
//
// A person has an active account of the given age unless the case says otherwise; the number is made from the age, and belongs to nobody. A consent is complete, a year
// old, for this recipient and purpose and all fields of the route, unless the case says otherwise: lacks names what is missing (subject, third_parties,
// cross_border, publication, term, operator, list, evidence), and accepted: [..] says that it accepted an earlier version of the policy with that catalogue. A
// person may stand in the batch twice (twice: true), and their profile may be dated (updated). On an ad-hoc route a complete request is made of the case's request.
//
// The register is rehearsed: approvals are invented, so that a route can be tried before anybody signs it. Examples of acts are admitted.
package cases
