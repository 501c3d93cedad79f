// Package almasu is the map of the project; it has no code.
//
// # The life of one transfer
//
//	source -> legal projection -> mapping -> schema check -> sealing -> [intent logged] -> delivery -> receipt -> settlement
//
// A schedule, a person with a reason, or an approved request makes a row that is due (package scheduler). The engine (package transfer) takes the
// row up, asks the law about the run as a whole (package legal), and reads the platform in one snapshot, in batches: permitted
// columns and decision columns, nothing else (package connectors/platform). Each person gets an ordinal (package roster); the law decides
// about each and lets through what may leave, as a Cleared (package legal). A table writes the recipient's document from that (package mapping), while
// the agreed schema judges every record as it is written (package schemas). A header pins what was decided and under what; its
// signature, over the document's digest, makes an Envelope (package signing). The log takes the intent and gives a Ticket when it is
// durable (packages transferlog and store). A connector delivers envelope and ticket (package connectors/rest) to a receiving side (package
// authority), whose receipt is signed over the envelope's digest. The settlement links the outcome to the intent. Anybody verifies the
// whole of it from a file (package evidence).
//
// docs/life-of-a-transfer.md tells each step with its failures, docs/house.md who may import whom.
//
// # Invariants
//
//   - I1: a field leaves only if the register in force permits it for this recipient, ground and purpose, and, where the ground is consent, this
//     person allowed it.
//   - I2: no ticket, no delivery. The intent is durable before the first byte leaves.
//   - I3: every intent is settled exactly once: delivered, refused, disputed, cancelled or abandoned. Until then it is visibly pending.
//   - I4: a retry sends the same envelope under the same message id, also after a crash.
//   - I5: a blocked person's data leaves in no form. It is checked at selection, in the transaction that writes the intent, and when an
//     undelivered message is taken up.
//   - I6: the log holds digests, ids and ordinals, never values. Nor do logs of the programs and error texts.
//   - I7: a refusal is recorded with its rule and reason.
//   - I8: status is computed: read = accepted + unchanged + refused + withheld + rejected + pending, and the receiver counts what we count;
//     otherwise the run has failed.
//   - I9: law is data with effective dates. Every entry pins the digests of what it was decided under, and the decision can be derived again.
//   - I10: sequence numbers for each recipient run without a gap inside the signed messages, and each message comes with a checkpoint of
//     the log, so that a recipient can prove that nothing else was sent and that the log was not rewritten.
//   - I11: two different people put a route in force and approve a request. What they approve is a digest.
//   - I12: a million records run in the memory that ten thousand take.
//
// docs/invariants.md names where each is enforced and which tests hold it.
package almasu
