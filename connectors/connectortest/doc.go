// Package connectortest is the suite that admits a connector, and the receivers that it is tried against: real servers that
// misbehave on script.
//
// [Exercise] takes a [Fixture], which connects the connector under test with a [Receiver], and lets the receiver play each [Act]. After every
// act the same envelope is delivered again to a receiver that behaves: the message must then have arrived exactly once, byte for
// byte, with a receipt that verifies. A new connector needs a fixture and, if it speaks another protocol, a receiver.
//
// [Peer] is the receiver of the signed HTTPS protocol (package rest is its specification): it verifies request signatures,
// envelopes, numbers within a window of 64, checkpoints with their proofs, and tickets; it keeps documents, signs receipts, answers a
// repeated message id with the same receipt, and a void notice whose number is taken with the receipt of the message that has it.
//
// [Sender] is a sending side in memory, for those who test a connector without the engine.
package connectortest
