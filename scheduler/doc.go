// Package scheduler says when jobs are due, and sees to it that each due time is run once or
// recorded as missed. It knows jobs by name and nothing of what they do.
//
// # Due times
//
// A [Schedule] is a cron expression in an IANA zone. Every wall-clock time that matches fires once: one that a
// change of the clocks skips fires right when the gap ends, one that comes twice fires the first time. "@every" counts real time.
//
// # Durable rows
//
// A due time becomes a row, unique by (job, due time), before anything runs. A row is waiting, running under a lease, done, or missed with a
// reason. [Runner.Tick] enters the rows of all due times since the last one entered, so that a service which was down
// finds what it owes: what to do about old ones is the job's [CatchUp]. Any number of processes may tick: the row's key makes a
// due time exist once, and the claim's lease makes it run in one process. A process that dies loses its lease, and another takes the row up.
package scheduler
