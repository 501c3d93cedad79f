// Package legal decides whether a field of a person may go to a body, today, on a stated ground. It is pure: a function of
// a register, a case and a batch of people; it reads no clock, no network, no database.
//
// # From the law to the data
//
// The law is data: a [Register] of fields, policy versions, acts, recipients, purposes and routes with effective dates, read from strictly
// decoded YAML (package register). Rules are pieces with stable ids (package rules); docs/law/traceability.md says which clause each comes
// from, where it is enforced, and which test holds it. Everything is denied unless a rule allows it.
//
// # One run
//
// A [Case] asks for one run of one route. [Register.Gate] evaluates every rule that concerns the run as a whole, in this order: marking of the payload;
// recipient and agreement; approvals and channel; policy in force and its published text; ground, procedure, competence, exception; purpose; request;
// fields. One failure refuses the run with a [*Refusal] that lists every rule and its outcome. A marked payload (state secret, official use only) is refused
// before anything else is looked at. Otherwise there is a [Gate], with the upper bound of what may leave:
//
//	catalogue in force ∩ route's fields ∩ what the norm names (by statute) ∩ request's fields (if any)
//
// [Gate.Record] is the decision in canonical JSON; the same register and case give the same bytes.
//
// # One person
//
// Deciding about a person is two pure steps. A person's decision data and consents become a [Situation]: account, block, whose consent is needed, territory, and for each
// giver the consent that governs and how it stands. A situation is small and comparable and names nobody. A decision follows from gate and situation
// alone, and is made once for each situation that occurs. [Gate.Project] does both for a batch, refuses or clears each person, and takes fields out of
// what may leave:
//
//	catalogue accepted ∩ consent's list, for each giver whose consent is needed; the parent's telephone only with the parent's own consent
//
// The consent that governs is, for each giver, the last one given of those that can be proved and name this recipient and purpose. Under 14 the
// representative's is needed, from 14 to 17 both, for adults their own. On the statute path consents and ages are not looked at. A blocked person is refused on
// both paths, an erased or unknown account too. A local executive body receives its own territory only.
//
// [Cleared] is the only thing that mapping reads, and Project the only way to a Cleared that holds somebody. It is never stored.
//
// # Evidence
//
// [Gate.Situations] is the table of the situations that occurred with their decisions, in canonical JSON: the kinds of consents met, then for each situation
// its facts, the mask of the gate's fields in hexadecimal, and rule and reason of a refusal. Its place in the list is a situation's id. [Register.Replay] decides every
// situation again and compares the bytes. [Gate.Explain] lists every rule evaluated for a situation, and [Check.Text] says each in Kazakh, Russian and English.
//
// # Cost
//
// A person costs about 0.2 microseconds and no allocation. A gate holds at most 65,535 situations and as many kinds of consents; what is beyond is refused.
//
// # Errors
//
// A refused run is a [*Refusal], whose code is "legal." and its reason. A broken register is a [record.Problems]. A table that does not replay
// has the code legal.replay_differs. No error, explanation or table holds a value of anybody's profile.
package legal
