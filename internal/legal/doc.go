// Package legal decides whether a field of a person may go to a recipient, today, on a stated ground.
//
// The law is data: a [Register], read from strictly decoded YAML. A [Case] asks for one run of one
// route; [Register.Gate] evaluates every rule that concerns the whole run, and answers with a
// [Gate] or with a [*Refusal]. A Gate projects batches of people: [Gate.Project] is the only
// way to a non-empty [Cleared], and mapping reads nothing else.
package legal
