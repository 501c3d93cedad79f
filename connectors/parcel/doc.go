// Package parcel delivers sealed documents as files to a recipient that takes files, through a folder of this machine or over SFTP, and implements
// [connectors.Connector]. Package birgeoqy.kz/almasu/internal/parcel specifies the files and the folder.
//
// # An attempt
//
// Deliver looks for the message's receipt first. If there is none, and no parcel under the message's name, it introduces the ticket's
// checkpoint and puts the parcel. Then it looks for an answer until [Config.Wait] is over. A message that is put and not answered is a
// transient failure (delivery.no_receipt_yet): the engine leaves it waiting, and a later attempt finds the receipt. So a parcel is put once, whatever becomes
// of the process that put it.
//
// A parcel that is there already is read back: it must hold the same signed envelope and, unless it is encrypted, the same document. If it holds
// anything else, nothing is written over it, and the recipient is halted (delivery.other_parcel).
//
// Before a void notice is put, the parcel of the message that it voids is removed if the recipient has not taken it yet: it may not leave any more.
//
// # Putting a file
//
// The file is written under a name of its own that ends in .part, its size is compared, it is synced (fsync; over SFTP by fsync@openssh.com, without which
// nothing is put), and it gets its name by an operation that fails if the name is taken: link(2) in a folder, SSH_FXP_RENAME over SFTP, which by its
// specification (draft-ietf-secsh-filexfer-02, 6.5) never replaces a file; posix-rename@openssh.com would. So the name stands for a complete file at every instant, and a
// connection that is cut leaves a .part behind, which nobody reads and which the next put of the same file removes.
//
// # SFTP
//
// Each attempt has a connection of its own. The server's host key must be one of those configured; there is no trust on first use. We prove ourselves
// by a key. Time limits hold for connecting and for the attempt.
//
// # What becomes of answers
//
//	receipt                            the acknowledgement
//	receipt longer than one may be     disputed
//	file that does not end in a line feed, answer without a good signature      not there yet
//	answer without a receipt that was there before this attempt put the parcel  not there yet
//	log.inconsistent                   halt
//	sequence.duplicate_other_message,
//	message.other_envelope             halt, except for a void notice to which a receipt is given: that of the message it came too late for
//	signing.*, envelope.bad_signature  halt: the keys do not match
//	parcel.*                           halt: the recipient cannot read what was put
//	log.checkpoint_unknown             the checkpoint is introduced again, from the size that the recipient holds
//	sequence.too_far, log.checkpoint*  transient
//	limit.*, service.*                 transient, with the recipient's wish to wait
//	any other code                     refused
//	no code                            disputed
package parcel
