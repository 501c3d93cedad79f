// Package scheduler says when jobs are due, and sees to it that each due time is run once or
// recorded as missed. It knows jobs by name and nothing of what they do.
//
// # Due times
//
// A [Schedule] is a cron expression in an IANA zone. Every wall-clock time that matches fires once: one that a
// change of the clocks skips fires right when the gap ends, one that comes twice fires the first time. "@every" counts real time.
//
// # From a due time to a run
//
// [Job.Forecast] says what becomes of a due time, from data alone, so that every process says the same and the future can be shown:
//
//   - An [Exception] (a pause, or one time that somebody skips) makes it missed.
//   - A [Calendar] (school year, holidays, quiet hours) in which it falls makes it missed, or defers it to the first permitted instant; of several that are
//     deferred to one instant the last runs, and the others are missed.
//   - Jitter delays it by a share that follows from the job's name and the due time. It moves nothing into a closed time.
//
// The due time stays what the schedule says; when the run may begin is its start.
//
// # Durable rows
//
// A due time becomes a row, unique by (job, due time), before anything runs. A row is waiting, running under a lease, done, missed with a
// reason, or held: the job wants a person's decision before it begins, after which the row waits again or is missed. [Runner.Enter] enters the rows of all due times since the last one entered, so that a service which was down
// finds what it owes: what to do about old ones is the job's [CatchUp]. Any number of processes may do so: the row's key makes a
// due time exist once, and the claim's lease makes it run in one process. A process that dies loses its lease when that ends, one that is told to end
// gives it back at once; another takes the row up.
// What is late is judged by the store's time, so that a process whose clock is wrong does no harm.
//
// # Overlap
//
// No job has two rows running. [Overlap] says what becomes of a due time whose start comes while another run of its job is under way. The store
// decides that when it is asked for work, whichever process asks. Owed runs (catch-up) are made one after another, and runs that
// somebody asked for are never dropped.
package scheduler
