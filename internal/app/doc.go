// Package app wires the rooms of the house into the command line of almasu. It is the only room that knows them
// all; every decision lives elsewhere.
//
// # Exit codes
//
//	0  done
//	1  failed: the transfer, the check or the verification has findings
//	2  bad input: arguments, configuration, register, mapping, request
//	3  environment: database, network, files, permissions
//	4  held for approval
//	5  sent, with rejected or withheld records
//
// # Output
//
// Commands print for people; with --json one JSON object {"command", "ok", "result" or "problems"} on standard output.
// Progress and logs go to standard error. No value of a profile is printed by any command.
package app
