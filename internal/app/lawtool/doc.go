// Package lawtool holds the commands that ask the law: decide about one person and say why, derive stored decisions again, lint and
// test a register with its routes and mappings.
//
// # Commands
//
//	decide      one person, one connector: the fields that may leave, and every rule evaluated
//	log replay  every stored decision is made again from what was stored, and compared
//	lint        everything that loads and is wrong, or will be
//	test        the cases beside each route
//
// lint and test need files only, and decide does with --person. A folder is a deployment if it holds almasu.yaml, or a folder register; then
// mapping and schemas stand beside it unless almasu.yaml names others.
//
// # What is printed
//
// Rules, reasons and field names in Kazakh, Russian or English (--lang). Never a value of a profile. A number (IIN) is read from a file, never from an argument. Every command that looks at a person's records, and
// every act, is an entry of the log.
//
// # Exit codes
//
// 0 done; 1 refused, findings, or overdue; 2 bad input; 3 the environment. Errors are *record.Problem or record.Problems, with Env.Environment around those of the
// environment.
package lawtool
