// Package casework holds the commands by which an operator meets what is owed to people and authorities: terms, written claims, incidents, and a
// person's file.
//
// # Commands
//
//	duties        what is due and overdue; open and close
//	claim         a written claim: 30 calendar days, and a hold on the person's records
//	incident      a suspected disclosure: the next working day, and the contents of the notice
//	subject-file  everything that was given of a person and everything that was refused, for that person, in their language
//
// # Duties
//
// A duty is a row with a kind (a term's code of package calendar), the event's moment, the first moment of its last day, the person's ordinals if it is
// about one, a transfer or a message if it is about one, and a note. Three kinds are not entered but follow: a notice to subjects ("notify:TRANSFER") from each
// delivered transfer whose route says so, until it is closed; a notice to an earlier recipient ("notice:ID"), until its receipt is in or, if it goes by
// letter, until it is closed; and a check ("block:BLOCK") from each block, until it is lifted. Every opening and closing
// is an entry of the log (duty.open, duty.close), and so is every look at a person's records (person.file) and every notice made (incident.notice).
//
// # A person's file
//
// Kazakh, Russian or English. It names recipients, fields, purposes, acts, receipts, and rules that refused; it holds no value of the profile.
// It comes from the disclosure sets, the refusal sets with their tables of situations, settlements, and duties. A message's outcome is that of the message: a single
// record that the recipient rejected is in the receipt.
//
// Exit codes and errors are those of package lawtool.
package casework
