// Package transferlog is the format of the transfer log: what was about to be sent, how it ended, who was refused, and
// what people did as administrators, in an append-only Merkle tree whose checkpoints are signed. It is pure: it
// reads and writes bytes, a [Tx] given to it, and a time given to it. What follows suffices to write a second verifier.
//
// # Entries
//
// An entry is one line of JSON (RFC 8259) without a line end, at most 65,535 bytes, in exactly one spelling: no white
// space; the keys below in this order, all of them, no others; strings as RFC 8785 section 3.2.2.2 writes them (only
// the quotation mark, the backslash and U+0000 to U+001F are escaped: \b \t \n \f \r where they exist, else \u00xx in lower
// case); integers in decimal without sign for zero, leading zeros, fraction or exponent. A digest is "sha256:" and
// 64 lower-case hexadecimal digits; an id is 32 lower-case hexadecimal digits; a time is "2006-01-02T15:04:05.000000Z",
// in UTC with six digits of a second; each of these is "" when absent. Every entry begins
//
//	{"v":1,"kind":KIND,"at":TIME,
//
// and goes on, by kind (s string, n integer, d digest, i id, t time, [] array):
//
//	intent           transfer i, message i, sequence n, connector s, route s, recipient s, purpose s, path s, clause s,
//	                 ground s, procedure s, request d, decision d, register d, policy d, mapping d, schema d, envelope d,
//	                 payload d, fields [s], records n, disclosure d, voids i, actor s, snapshot s; and in the intent of a
//	                 notice to an earlier recipient, and nowhere else: notice s, about [i]
//	settlement       intent n, transfer i, message i, sequence n, recipient s, outcome s, code s, receipt d, accepted n,
//	                 updated n, rejected n, attempts n
//	refusals         transfer i, connector s, route s, counts [{rule s, code s, people n}], set d
//	run              transfer i, connector s, route s, recipient s, due t, trigger s, read n, accepted n, unchanged n,
//	                 refused n, withheld n, rejected n, pending n, receiver n, status s, fields [s],
//	                 denied [{field s, rule s}], first n, last n
//	act              actor s, act s, object s, digest d, reason s, signature s
//	register_change  old d, new d, actors [s]
//	block            act s, subject n, requester s, received t, reason s
//
// The fields of the Go types say what each means, and their check methods what is refused: path is "consent" or "statute",
// or "" in an intent that voids or is a notice; notice is "correct", "withdraw" or "destroy", about the messages whose records it is
// about, each once; outcome is "delivered" (with a receipt), "refused", "disputed", "cancelled" or "abandoned" (each with a code);
// a block's act is "block" or "unblock"; counts are not negative; a sequence is from 1 to 2^63-1; an intent has at most 64
// fields and names its transfer, message, recipient, envelope and payload. There are no values of a profile in
// an entry, only digests, ids, counts and ordinals (I6).
//
// # Tree and checkpoints
//
// The entries are the leaves, in order from index 0, of the Merkle tree of RFC 6962 section 2.1 with SHA-256 (a leaf's hash is over
// a zero byte and the entry). Inclusion and consistency proofs are those of its sections 2.1.1 and 2.1.2. Stored hashes are numbered as
// golang.org/x/mod/sumdb/tlog does (StoredHashIndex).
//
// A checkpoint is a C2SP tlog-checkpoint: the text of three lines, the origin, the number of entries in decimal and the tree
// hash in padded base64, each ended by a line feed; no extension lines; then an empty line and exactly one line of a C2SP signed
// note, "— ORIGIN BASE64", by an Ed25519 key (signature type 1) whose name is the origin. Extra signatures and non-canonical base64
// are refused, so that a checkpoint has one spelling. Keys are in the text forms of golang.org/x/mod/sumdb/note.
//
// # Appending
//
// [Log.Commit] appends any number of entries under one checkpoint inside a transaction of a store, which serialises
// appends. A [Ticket] for each intent refuses until the store has said, by [Commitment.Committed], that the transaction is
// durable (I2). If the transaction fails the commitment is dropped, and nothing is remembered of it. Of a store that is
// [Headed], the hashes are compared with the checkpoint that was signed last, and a store whose hashes are
// others is not appended to: log.store_damaged.
//
// # A ticket on the wire
//
// INDEX "." ENTRY "." PROOF: the index in decimal, the entry's bytes and the inclusion proof's hashes, lowest first, one
// after another; the last two in base64url (RFC 4648 section 5) without padding and with zero trailing bits. The signed checkpoint
// that the proof is against travels apart from it.
//
// # Sets of people
//
// A message's disclosure set is, in little-endian order: the 8 bytes "ALMSDIS1", a uint32 count of groups, and for each group, in
// ascending order of (situation, mask), a uint16 situation, a uint64 mask of the intent's fields (bit i for the i-th), a uint32 length, and so
// many bytes of a Roaring bitmap of ordinals in its portable format, each container in the smallest of its forms. Groups are not
// empty and share nobody; the ordinal 0 is nobody. A refusal set is the same with "ALMSREF1" and without masks. The log holds SHA-256 over
// "almasu-set/v1\n", 16 random bytes of salt that are stored beside the set, and the set's bytes.
//
// # Failures
//
// Errors of form and proof are record.Problems with these codes: log.entry_malformed, log.key_malformed,
// log.checkpoint_malformed, log.checkpoint_signature, log.ticket_malformed, log.ticket_not_intent, log.ticket_not_in_log,
// log.set_malformed, log.store_damaged, and log.inconsistent, which means that a log was rewritten. Errors of a store are wrapped as they are.
package transferlog

// MaxFields is the greatest number of fields in a message: each is a bit in the masks of a disclosure set.
const MaxFields = 64
