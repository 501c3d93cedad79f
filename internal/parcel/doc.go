// Package parcel is the form of a message that travels as a file, for bodies that take files: the parcel itself, what is answered to it, the
// names of both, and the folder in which they are exchanged. It reads and writes bytes only.
//
// # The folder
//
//	in/   <message id>.zip                      a parcel: one message
//	      <sender>-<from>-<to>.checkpoint       the introduction of a state of the sender's log
//	out/  <message id>.receipt                  the signed receipt (package signing)
//	      <message id>.answer                   why there is no receipt yet, or none at all
//	      <sender>.status                       how far the sender has come, a signed line
//
// The sender writes to in/ and reads out/, the recipient the other way round. A file appears under its name when it is complete: it is written under a
// name that ends in .part, synced, and then given its name. Whoever sees another name than those above leaves the file alone. Nothing in in/ is
// ever written over. The recipient removes a parcel when its receipt is durable in out/, an introduction when it knows the state; the sender removes
// the parcel of a message that it voids. Files in out/ are the recipient's: it replaces an answer, and removes it when there is a receipt.
//
// # The parcel
//
// A zip archive of five entries in this order, without extra fields, all of the time 1980-01-01, so that the same message gives the same bytes unless it is encrypted:
//
//	manifest.json      what is inside, for people and sorting machines; see [Manifest]
//	envelope.txt       the signed envelope: the value of the HTTP field Almasu-Envelope (signing.Envelope.Wire)
//	ticket.txt         the proof that the log speaks of the message (transferlog.Ticket.Wire)
//	checkpoint.txt     the signed checkpoint that the proof is against, a signed note
//	document.<form>    the document, exactly; or document.<form>.age, encrypted to the recipient (age-encryption.org/v1)
//
// The envelope is the detached signature over the document: it holds the canonical header, which pins the document's SHA-256 and size, and the
// sender's signature over the header. The manifest says nothing that envelope, ticket and checkpoint do not say: whoever has verified these writes
// the manifest again and compares the bytes.
//
// Only the document is encrypted. Manifest, envelope and ticket name no person.
//
// # Introductions and answers
//
// An introduction is the body of POST /v1/checkpoints (package authority): {"checkpoint", "from", "proof"}. from is the size that the recipient
// holds when it comes to this file; introductions that wait form a chain, each from the state that the one before it reaches.
//
// An answer is a signed line (signing.SignLine under "almasu-answer/v1\n") of the JSON of [Answer].
//
// # Errors
//
// parcel.malformed, parcel.too_large, parcel.manifest (it says something else than the envelope), parcel.encrypted (there is no identity to open it with),
// parcel.not_for_us (no identity opens it).
package parcel
