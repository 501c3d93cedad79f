// Package transfer is the engine: it takes one transfer along the road
//
//	source -> legal projection -> mapping -> schema check -> sealing -> [intent logged] -> delivery -> receipt -> settlement
//
// and can be read as one state machine. It holds no state of its own between runs: what is durable lies in the [Ledger], and a run that was interrupted
// goes on from there.
//
// # Parts and messages
//
// A run reads the source in key order, a batch at a time. A batch becomes a part: how many people were read, refused by law (with rules) and withheld (for
// their data), and, if anyone is left, one message with one document for the recipient. A part and the intent of its message become durable in one
// transaction, in key order; the part remembers its last key.
//
// Where the recipient's holdings are kept ([Held]), those of whom it holds just what would be sent are counted as unchanged, and the others are gathered across batches: a part
// then spans all keys read since the part before. What a message changes in the holdings is stored beside it, and applied when it is settled as delivered.
//
// # States of a message
//
//	(nothing) --Record--> pending --Record--> delivered | refused | disputed | cancelled | abandoned
//
// A message is pending from the moment its intent is durable (I2) until its one settlement is (I3). Its sealed bytes lie in the outbox for exactly that
// time. Every attempt sends the same envelope under the same message id (I4).
//
// # What happens when it stops in the middle
//
// Before the intent: nothing has left; the people are read again after the last durable part. After the intent: the envelope is opened again from the
// outbox (signature and digest verified), blocks and law are looked at again (I5), and it is delivered; if it had already arrived, the recipient answers
// with the same receipt. What waits is brought to its end before anything new is read. An error of a database is waited out, from what is durable, within
// the run's patience; any other ends the run, which has then failed.
//
// # When the recipient does not answer
//
// A message is tried with growing pauses for as long as the run's patience lasts, and then left waiting for a later run. From then on the other messages
// of this run are tried once each, until one is answered. Messages that are left count in the window, so that the recipient's own window is never
// exceeded; when they fill it, the run ends as failed with the code delivery.stalled, and the people after them are not read.
//
// The line to a recipient ([Line]) is shared by all connectors and runs of the process. It goes down after five attempts in a row, at whatever messages,
// that may succeed later; then one message at a time finds out whether it has come up, after pauses of 1 to 15 s (doubling, less up to half at random) or
// as long as the recipient has asked for. Any answer brings it up. A failure of the kind Halt ends the run and halts the line: nothing else is sent to the
// recipient, by any connector and any process, until it takes the message that it objected to, which every later run of that connector tries first, or
// until somebody lifts the halt. The states are kept in [Lines], and logged when they change. Halts, disputes, withdrawals and abandoned messages are
// logged as errors, for alarms.
//
// # When a message may not be sent any more
//
// Its number is filled by a void notice (I10). If the recipient already has the original, it answers the notice with the original's receipt, and the
// message is settled as delivered: log and recipient agree whatever was lost on the way. Else the message is settled as
//
//   - cancelled, if it holds a person who was blocked meanwhile, or the law does not permit the run any more: the people who are still permitted are
//     read, projected and sent again under a new number, and the others are counted as refused. Blocks are compared before each attempt but the
//     first, which follows the intent;
//   - abandoned, if it has waited beyond its deadline;
//   - refused, if the recipient refused it without a signed receipt.
//
// Until the notice is answered, the message is pending.
//
// # Notices
//
// A transfer can carry a notice to an earlier recipient ([Order].Notice) instead of people: one part, one message, written by package telling. It leaves
// whatever the law says of the run; whether it gives new values is decided when it is written, and again if it waits.
//
// # Reconciliation
//
// [Totals] are computed from durable parts and settlements, never counted aside: read = accepted + unchanged + refused + withheld + rejected + pending
// (I8). A run whose receipts count other records than it sent has failed.
package transfer
