// Package statetool holds the commands about what the service keeps of a connector and goes on from.
//
//	state CONNECTOR                                   all of it, with its digest, and the command for each thing that is open
//	state forget CONNECTOR (--mark | --book) ...      forget a part of it, if it is still the state that was looked at
//
// What the state is, its digest, and what forgetting means and leaves in the log, is package store/state. Reading changes nothing. --dry-run of state forget says what would be forgotten, and
// prints the command with the digest.
package statetool
