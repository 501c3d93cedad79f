// Package record holds the nouns that every room of the house shares: digests,
// identifiers, field sets, and problems as people and machines read them. It imports
// the standard library only, and decides nothing.
//
// # Digests
//
// A [Digest] is a SHA-256 value. Its text form is "sha256:" followed by 64
// lower-case hexadecimal digits; no other form is accepted. The zero Digest
// stands for "absent" and is never a valid reference.
//
// # Identifiers
//
// A [ID] is 16 random bytes, written as 32 lower-case hexadecimal digits. Transfers
// and messages are named by one. An ID says nothing about its subject.
//
// # Problems
//
// Bad input is answered with [Problems]: all findings at once, each with a
// stable dotted code, the place (file:line or a path), what was expected, and a hint.
// A problem never carries a value of a person's profile.
package record
