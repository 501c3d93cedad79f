// Package rest delivers sealed documents by signed HTTPS to a recipient that runs the receiving side's protocol, and
// implements [connectors.Connector]. It is also the specification of that protocol from the sender's side.
//
// # Messages
//
// POST {base}/v1/messages. The body is the envelope's payload, exactly, under its media type. The fields are those of package httpsig:
// those of the envelope ([httpsig.SetEnvelope]), Almasu-Ticket ([transferlog.Ticket.Wire]) and Almasu-Checkpoint (the ticket's
// signed checkpoint in standard base64). Each request is signed in the transport as it leaves, with its own created and nonce; payload, envelope and message id never change.
//
// The answer 200 carries the receipt's bytes, at most [signing.MaxReceiptBytes]. Any other answer is an object
//
//	{"code": "...", "message": "...", "hint": "...", "held_size": 0, "receipt": base64}
//
// of at most 64 KiB. Its code decides; its message is never logged, for it may quote what it refuses. Where it carries a signed receipt for
// this envelope, a refusal that the recipient can be held to, that receipt is the acknowledgement. So is the receipt that comes with
// sequence.duplicate_other_message for a void notice: it is the one of the message that was to be voided and has arrived after all.
//
//	429, 5xx, 408, 425              transient; Retry-After (seconds or a date) is honoured up to Config.MaxRetryAfter
//	401 signature.created,
//	    .expired, .replay           transient: the next attempt is signed anew
//	401 otherwise                   halt: the keys do not match
//	409 sequence.too_far            transient: earlier messages must arrive first
//	409 sequence.duplicate_other_message,
//	    message.other_envelope      halt: number or id was used for another message, so our store is not what it was
//	log.inconsistent                halt: the recipient holds a checkpoint that our log does not extend
//	4xx with any other code         refused
//	3xx, and 4xx without a code     transient: this is not the recipient's voice. No redirect is followed
//	other 2xx                       disputed
//
// A connection that fails, is cut or is too slow is transient; nothing is known then, and the recipient answers the
// repeated message id with the receipt that it made the first time.
//
// # Checkpoints
//
// A message is accepted only under a checkpoint that was introduced before. POST {base}/v1/checkpoints with
//
//	{"checkpoint": base64 of the signed checkpoint, "from": size, "proof": [base64 of each hash]}
//
// introduces one. from is the size that the recipient holds as its latest; the proof is the RFC 6962 consistency proof between that size and
// the checkpoint's, and empty if from is 0 or the two are equal. A checkpoint older than the latest may be introduced too, with the proof from its size to the
// latest: that happens where messages of several commits are under way at once. The answer 200 accepts it; 409
// {"code": "log.checkpoint_base", "held_size": n} asks for a proof from n; log.inconsistent says that the log was rewritten. A message
// that is answered 409 {"code": "log.checkpoint_unknown", "held_size": n} is sent again after its checkpoint was introduced, twice at most in one attempt. Introductions are
// made one after another, messages side by side.
//
// # Standing
//
// GET {base}/v1/status answers with what the recipient holds of us (signing.Standing), signed by its receipt key.
//
// # Connection
//
// TLS 1.3 at least, HTTP/1.1 (measured a fifth cheaper than HTTP/2 for bodies of 250 kB), connections reused, no proxy, no compression. The server is
// authenticated by the configured or the system's authorities, or by pins of its public key, or by both. Plain HTTP is possible to a loopback
// address only, and only where the configuration says so. There is a time limit for connecting, for the TLS handshake, for the first byte of the answer and for
// the whole attempt.
package rest
