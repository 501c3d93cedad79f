// Package cert reads X.509 certificates (RFC 5280) with the keys of the national
// certification authority, among them GOST keys that the standard library does not know,
// and decides whether one may be trusted for a purpose at a time.
//
// # Certificates
//
// [Parse] reads one certificate in DER or PEM. Trailing octets, a repeated extension, an
// inner algorithm other than the outer one (their parameters may differ by a NULL) and a
// malformed extension that decides (usages, constraints, key identifiers) are errors; a
// malformed address or policy that is not critical is left out. A key of an unknown kind
// is not: its PublicKey is nil, and whoever needs the key refuses. The subject's IIN
// stands in the serialNumber attribute after "IIN", the BIN in an organizational unit
// after "BIN".
//
// # Chains
//
// A [Verifier] builds a chain from a leaf to one of the configured roots. No hierarchy
// is built in: an issuer is found by its name and, where both certificates name it, by
// its key identifier; of several candidates every one is tried until a chain passes, and
// if none does the first is reported. Each link must verify, each issuer must be an
// authority by its basic constraints and key usage, path lengths hold, and every
// certificate of the chain, the root too, is valid at the time asked. A certificate with
// a critical extension that this package does not know is refused; name constraints and
// policy constraints are among those. A leaf that is itself among the roots is trusted
// as it stands.
//
// # Revocation
//
// Every certificate below the root is put to the Verifier's [Revocation] source. A
// Verifier without one refuses. What could not be established is never taken for "not
// revoked": it fails with the cause.
//
// # Outcomes
//
// A failure is a *record.Problem with one of the codes of this package; besides, the
// Verifier lists every [Check] it made with its outcome. Problems name a certificate by
// its serial number, never by its subject.
package cert
