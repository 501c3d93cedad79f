// Package crl keeps certificate revocation lists (RFC 5280, section 5) of any length
// without holding them in memory.
//
// # Building
//
// [Build] reads one list in DER from a stream, hashes the signed part as it passes,
// sorts the entries in runs of bounded size and writes them, merged, to an index file.
// Only after the issuer's signature over the list has verified does the file get its
// name, by an atomic rename; a list that is cut off, malformed or
// wrongly signed leaves nothing behind. The algorithm identifiers inside and outside the
// signed part must name one algorithm; one may carry a NULL where the other has nothing.
// Lengths must be definite. Lists with indirect entries, lists limited to some reasons
// or kinds of certificate, and unknown critical extensions are refused: an answer from
// them could be taken for more than it says.
//
// # Index file
//
// All numbers are big-endian.
//
//	header    96 octets: "ALMCRL01", thisUpdate, nextUpdate (int64 Unix seconds; nextUpdate 0 if
//	          absent), number of entries (uint64), SHA-256 of the list (32), SHA-256 of the
//	          issuer's name and key (32)
//	strings   uint32 length and octets each: CRL number, base CRL number (both big-endian
//	          integers with a first octet 1 if present, empty if absent)
//	entries   fixed size, ascending by serial number: serial number (32, right-aligned),
//	          revocation time (int64 Unix seconds), reason (1; 255 if not given)
//	seal      SHA-256 of all before
//
// [Open] verifies the seal once. It shows damage; whoever may write the file can write
// another. A look-up reads about as many entries as the binary logarithm of their
// number.
//
// # Answers
//
// A [Checker] answers from one full list for each issuer and at most one delta list. It
// fails closed: without a list of the issuer (cert.crl_missing), with one whose
// nextUpdate has passed or that is older than allowed (cert.crl_stale), or that is of
// the future (cert.crl_early).
package crl
