// Package evidence is the one verifier of what the service says it did: it recomputes a log from an export file and
// checks every claim in it that can be checked without the service. It is pure: no network, no database, no clock.
// [Writer] writes an export, [Verify] reads one as a stream.
//
// # The export file
//
// A file of lines, each a JSON object in one spelling: keys in the order below, no white space, no escaping beyond what JSON
// demands (and U+2028, U+2029 as \u2028, \u2029), a line feed at its end, at most 16 MiB. Times are RFC 3339 in UTC with six digits of a
// second, or "" for an open end. In this order:
//
//	{"export":1,"origin":ORIGIN,"log_key":KEY,"made":TIME}
//	    once, first: the log's origin and its public key in the form of a signed note
//	{"key":PEM,"recipient":BIN,"not_before":TIME,"not_after":TIME}
//	    any number: public keys by which recipients sign receipts, with their periods
//	{"entry":ENTRY}
//	    every entry of the log from index 0, as its bytes stand in the log (package transferlog)
//	{"receipt":BASE64}
//	    directly before the settlement that names it: the receipt's bytes, in padded base64
//	{"checkpoint":TEXT}
//	    directly after the entry that completes it: a signed checkpoint, sizes ascending, the last for the whole log
//	{"end":{"entries":N,"checkpoints":N,"receipts":N,"sha256":DIGEST}}
//	    once, last: what the file holds, and the SHA-256 of all bytes before this line
//
// The last line shows accidental damage; it proves nothing against a forger. What does is that the log's key signs the
// checkpoints, that a checkpoint held by somebody else ([Options].Held) is extended, and that recipients sign receipts.
//
// # What is checked
//
//   - Tree: each checkpoint's signature, and its root against the entries before it; no entry stands after the last
//     checkpoint; each held checkpoint is a state of this very log.
//   - Intents: for each recipient, sequence numbers run 1, 2, 3, ... in log order, without gap or reuse; a void notice
//     takes the number of the pending or cancelled message that it names, once, and only one of the two is delivered; a message id
//     stands for one intent. A notice is about earlier messages to its own recipient.
//   - Settlements: each is for one earlier intent, repeats what that says, and is the only one; intents without one are
//     pending and are counted. A delivery's receipt is in the file, is the one that the settlement pins, is signed by a key
//     of the recipient valid at the time of settlement, is for the intent's envelope, and its counts are the settlement's.
//   - Runs: the identity I8 holds unless the run says that it failed, and accepted, refused and the sequence numbers are what
//     the transfer's other entries say.
//
// # Findings
//
// A finding has a stable code, the line of the file and the index of the entry. [Report] renders them in Kazakh, Russian
// and English. Only a file that is no export at all, or a held checkpoint that does not verify, is an error.
// Memory grows by a few bytes for each intent and transfer, not with the size of the file.
package evidence
