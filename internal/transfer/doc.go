// Package transfer is the engine: it takes one transfer along the road
//
//	source -> legal projection -> mapping -> schema check -> sealing -> [intent logged] -> delivery -> receipt -> settlement
//
// and can be read as one state machine. It holds no state of its own between runs: what is
// durable lies in the [Ledger], and a run that was interrupted goes on from there.
//
// # Parts and messages
//
// A run reads the source in key order, a batch at a time. A batch becomes a part: how many people were read, refused by
// law (with rules) and withheld (for their data), and, if anyone is left, one message with one
// document for the recipient. A part and the intent of its message become durable in one
// transaction, in key order; the part remembers its last key.
//
// # States of a message
//
//	(nothing) --Record--> pending --Record--> delivered | refused | disputed | cancelled | abandoned
//
// A message is pending from the moment its intent is durable (I2) until its one settlement is (I3). Its sealed
// bytes lie in the outbox for exactly that time. Every attempt sends the same envelope under the same message id (I4).
//
// # What happens when it stops in the middle
//
// Before the intent: nothing has left; the people are read again after the last durable part. After the intent: the
// envelope is opened again from the outbox (signature and digest verified), blocks are checked again (I5), and it is delivered;
// if it had already arrived, the recipient answers with the same receipt. A message that holds a person who was
// blocked meanwhile is cancelled: a void notice takes its number, and the people who are not blocked are read, projected
// and sent again under a new one. If the recipient already has the original, it answers the void notice with the
// original's receipt, and the message is settled as delivered.
//
// # Reconciliation
//
// [Totals] are computed from durable parts and settlements, never counted aside: read = accepted + unchanged + refused +
// withheld + rejected + pending (I8). A run whose receipts count other records than it sent has failed.
package transfer
