// Package tell holds the commands that tell earlier recipients what has become of records that they were given.
//
// # Commands
//
//	notify         list which recipients are owed a notice about a person, and why; with --send, enter the notices and deliver them
//	notify letter  the text of the letter, for a recipient whose agreement takes no notices
//	unblock        lift a block with the outcome of the check, and enter what follows from it
//
// # Who is owed what
//
// A person's deliveries are the messages that were delivered, hold one of their ordinals, and are no notices themselves. An act is owed for
//
//	correct   each delivery within its route's window that held one of the changed fields (UPD-2). Without --fields the profile's moment of
//	          change is compared with each delivery: one from before it is owed a correction of all that it held
//	withdraw  each delivery over a route that would not send the person today: the run or the person is refused, or the platform has no such account
//	          any more. A read that did not complete withdraws nothing, nor does a block, which is a check and ends
//	destroy   each delivery (BLK-4, outcome unlawful)
//
// What a notice has withdrawn or destroyed, or is about to, is not told again. A record is named by its message and its index there: the index is
// the rank of the person's key among those of the message's people, and where the roster does not have exactly these people any more, no index is guessed and
// a letter is owed. A letter is owed, too, where the agreement names no clause for notices over the route's channel, and where the connector is not configured
// any more or leads to another recipient.
//
// # What happens then
//
// Notices are entered in the store with their log entries (package store/notices), those that follow from unblocking in its transaction. The transfer of each
// is one that is not closed: the commands go on with it at once, or else the service does, also after a crash. Whether new values stand in a correction
// is decided when it is written, by package transfer. Until the recipient's receipt is in, almasu duties shows the duty.
//
// Exit codes and errors are those of package lawtool; 1 also says that a notice was entered and is not delivered yet.
package tell
