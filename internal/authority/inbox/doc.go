// Package inbox is what a receiving authority keeps, and what can be read from it: its configuration, its store, how far each
// sender has come, and the three ways of reading: [Status], [Verify], [Export].
//
// # The store
//
// One SQLite file, authority.db, in the configured folder, for the owner alone, with a lock file beside it that keeps a second
// writer out. Tables: message (envelope header and signature, S2-compressed document, ticket, receipt), checkpoint (each accepted state
// of a sender's log with the proof that connects it with the state held before it), alarm (evidence against senders), receipt_key (public
// halves of the keys that have signed receipts), nonce (of requests that changed something, until they expire). Triggers refuse to change
// or delete messages, checkpoints and alarms. A refused message is kept without its document.
//
// Notices (package notice) are messages, too, and are kept as such; [Store.Marks] reads from them which records are corrected, withdrawn or destroyed. The
// message that brought a record stays as it was signed: it is evidence, [Verify] needs it whole, and [Export] is where its values are used. A body
// that is told to destroy a record destroys it in the systems that it exports to.
//
// Readers may work while the authority serves. Times are Unix microseconds, UTC.
//
// # Guarantees
//
// Within a sender a message id and a sequence number stand for one message. What [Verify] accepts was signed by the sender, is in the log whose
// states are held, and was answered with the receipt that is stored; it needs only the file and the configuration. A former key of a sender stays in
// the configuration with the end of its period, for its messages are judged at the time when they were received.
//
// # Failures
//
// config.* for the configuration and the files it names, store.locked, store.missing, store.version, store.damaged (a finding of Verify), log.* as in
// packages transferlog and evidence, and of Verify: log.not_in_log (a message received is not in the sender's log) and
// log.not_received (the log calls delivered what never came).
package inbox
