// Package results holds the commands that say what transfers have come to, and that send again what a recipient has rejected.
//
// # Commands
//
//	transfers       list transfers and missed runs
//	transfers show  one transfer wholly (also: transfers ID); with --outcomes, what the recipient has said of single records
//	retry           send again the records of a transfer that the recipient rejected with a code, or named ones
//
// # The account of a transfer
//
// [Print] says in Kazakh, Russian or English what has become of everybody who was read. The status follows from the counts (package account); it is never
// set. The identity of I8 stands on the line "people", and above it the same in words.
//
// # Outcomes
//
// Rejected records are grouped by the recipient's code, the largest group first, with their references "MESSAGE:PLACE", places from 0, and the recipient's texts. Codes and
// texts are foreign words: they are shown on one line and cut, and what in them could be a value of somebody or steer a terminal is shown by its shape ([Foreign]). References
// name nobody outside the service.
//
// # Retry
//
// The people of the chosen records are read again as they are on the platform now, decided again as the law is now, and sent under new numbers by an ordinary transfer that
// is linked to the first one. A record is retried once: one that an earlier retry has sent is left out, and if it was rejected again, the later transfer is the one to
// retry. What cannot be retried: a transfer that is not closed, a notice, a table of counts; records whose period was destroyed.
//
// Exit codes and errors are those of package lawtool; those of a retry are those of a run.
package results
