// Package notice is the document by which a sender tells an earlier recipient what has become of records that it holds: they are to be corrected,
// used no longer, or destroyed. It is a format; who is owed a notice, and what may stand in it, is decided elsewhere.
//
// # The message
//
// A notice is a message like any other: an envelope with the operation "transfer.notice", a number in the recipient's row, an intent in the log, a
// ticket, a receipt. Its schema is [Schema], its media type application/json, its header's fields are those whose values it gives (none, if it gives
// none), its records are those of its document, at most [Most]. The intent in the log names the act and the messages that it is about.
//
// # The document
//
// One JSON object, strict (no name twice, no unknown name, nothing after it):
//
//	{"notice":1,"transfer":ID,"message":ID,"records":[
//	  {"message":ID,"envelope":"sha256:...","index":17,"act":"correct","rule":"UPD-2","why":"...","places":[
//	    {"at":"address/phone","value":"+7..."},{"at":"settlement","value":null},{"at":"region"}]},
//	  {"message":ID,"envelope":"sha256:...","index":3,"act":"destroy","rule":"BLK-4","why":"..."}]}
//
// transfer and message are those of the envelope. A record is named without any datum of the person: by the message that brought it, the digest of that
// message's envelope header, and its index there, from 0. rule is the rule that the act stands on, why a word for it. The acts:
//
//	correct   what stands at each of the places is out of date. A place is the path of a value in the record, names divided by "/". value is the
//	          new one, in the recipient's own form; null says that there is none any more; without value the law does not permit the sender
//	          to say it (rule and why say what stands against it), and the recipient strikes the old one out
//	withdraw  the record is used no longer: the person left the scope, withdrew, or the basis has lapsed
//	destroy   the record is destroyed: it was unlawful
//
// places stand with correct only, and at least one does. A later notice about a record counts over an earlier one, but what was destroyed stays
// destroyed, and what was withdrawn can only be destroyed: see [Act.Over].
//
// # The answer
//
// The receipt has an outcome for each record. Updated, with the code of [Act.Done], says that the record was found and marked; rejected, that it
// was not:
//
//	notice.unknown_message   no such message was received, or it was refused
//	notice.other_envelope    the message was received under another envelope
//	notice.not_held          the message has no record there, or it was rejected
//	notice.settled           what was withdrawn is not corrected, what was destroyed stays destroyed
//	notice.places            a place does not exist in the record's form, or the corrected record breaks the message's schema
//
// A document that is no notice is refused as a whole: notice.malformed.
package notice
