// Package authority is the receiving side of transfers: a body that is entitled to records takes them here. It proves who
// sent each message and that the sender's log speaks of it, judges the records by the schema that was agreed on, keeps what it
// accepts (package inbox), and answers with a signed receipt. It trusts the sender in nothing that can be checked.
//
// # Requests
//
// TLS 1.3, HTTP/1.1, every request signed as package httpsig says, by a key that the configuration gives to a sender.
//
// POST /v1/messages: the body is the document, exactly; the fields are those of httpsig: Almasu-Envelope and those that repeat what
// it says, Almasu-Ticket (transferlog.Ticket.Wire), Almasu-Checkpoint (the signed checkpoint that the ticket is against, in padded
// base64). The checks, in this order, and the code of a failure:
//
//	limits               request.method .length .too_large .body, service.busy
//	request's signature  signature.*, signing.* of the keyring; signature.replay also after a restart
//	content's digest     signature.digest
//	envelope             envelope.*; message.wrong_sender, message.wrong_recipient
//	repeated id          the earlier answer, byte for byte; message.other_envelope (alarm) if it was for other bytes
//	sequence number      sequence.too_far beyond the window; sequence.duplicate_other_message (alarm, except between
//	                     a message and a void notice: a void notice gets the receipt of the message it came too late for)
//	checkpoint           log.checkpoint_malformed .checkpoint_signature .checkpoint_unknown; log.inconsistent (alarm)
//	ticket               log.ticket_malformed .entry_malformed .ticket_not_intent .ticket_not_in_log .ticket_other_message
//	document             message.media_type .void .records, schema.* (schema.not_agreed: a digest that is not configured);
//	                     of a notice (package notice): notice.malformed
//
// 200 answers with the receipt. A document that is refused as a whole takes its number all the same: the answer is 4xx with a signed receipt of
// status "refused" inside, so that the row of numbers has no hole, and nothing of the document is kept. A record that breaks the schema, or
// repeats a value that is configured to be unique, is rejected alone: the receipt lists its index with code and path. The receipt of a notice lists
// every record that it names, as updated or as rejected, with the codes that package notice gives.
// The receipt is made for one set of bytes once: it is durable, with the document, before it is sent, and a repeated message id gets it
// again, also after a crash.
//
// POST /v1/checkpoints with {"checkpoint": base64 of a signed checkpoint, "from": size, "proof": [base64 of each hash]} introduces a state of the
// sender's log. from is the size that is held (0 if none; then the proof is empty); the proof is the RFC 6962 consistency proof between the smaller and the
// greater of from and the checkpoint's size, so that a state older than the held one can be introduced for messages that are
// under way. 200 {"size","root"} says what is held now; log.checkpoint_base that the proof is from another size than the held one;
// log.inconsistent (alarm), that the states contradict each other: the log was rewritten, or forked to show different recipients different
// logs. All accepted states are remembered, and any of them may stand under a message.
//
// GET /v1/status answers with what is held of the sender (signing.Standing), signed by the receipt key: last number, missing numbers, held state of the log.
// With ?from=NUMBER it also lists the messages received from that number on, with their receipts, as many as fit: where a sender finds out what it sent
// after the older copy of itself that it has restored.
//
// Any other answer is {"code","message","hint","held_size","held_root","receipt"}, the last four where they apply; statusOf is the one
// place that gives codes their HTTP status. 503 comes with Retry-After and is not final. Messages never quote a value.
//
// # Parcels
//
// [Server.Receive] looks into a folder of parcels (package internal/parcel) and does with each file what is done with a request: an introduction is the
// body of POST /v1/checkpoints, a parcel a message with its fields. A file has no request's signature and no nonce: who sent it is proven by the envelope. Besides
// the checks above: parcel.malformed .too_large .encrypted .not_for_us .manifest. A receipt is written to the folder after it is durable in the store, and the parcel removed after
// that; whoever is killed in between answers the same again. What cannot be taken stays, with a signed answer beside it.
//
// A document need not be JSON: JSON Lines, CSV and workbooks are judged as package tabular reads them.
//
// # Order and durability
//
// Requests are checked side by side. One goroutine writes: it takes the requests that wait, decides on repeated ids, numbers and states by what
// its transaction sees, commits once for all of them (SQLite, WAL, synchronous=FULL), and lets them answer. What is kept in memory follows the commit. If
// a transaction is lost, all of its requests get 503 and nothing of them is remembered. A request that is refused for dishonesty leaves its
// evidence (the signed header, or the signed checkpoint) in the table of alarms before it is answered.
//
// # Command
//
// [Main] is the command line: serve, receive, keys, status, verify, export. It exits with 0 when done, 1 when verify has findings or a parcel cannot be taken, 2 for a bad argument,
// configuration or file, 3 when the machine lacks something. Time comes from the caller.
package authority
