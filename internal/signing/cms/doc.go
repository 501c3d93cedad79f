// Package cms signs and verifies documents in the Cryptographic Message Syntax (RFC
// 5652) with the attributes of CAdES-BES (ETSI EN 319 122-1), and requests and verifies
// time stamps (RFC 3161).
//
// # Signing
//
// [Sign] writes SignedData in DER: the content inside or, detached, left out; one
// signature for each signer over the signed attributes content-type, signing-time,
// message-digest and signing-certificate-v2 (SHA-256, RFC 5035); the signers'
// certificates; and, if a time-stamping function is given, a token over each signature
// in the unsigned attribute signature-time-stamp. Algorithms are those of the key's
// suite, with NULL parameters for GOST and RSA as the national tools write them.
//
// # Verifying
//
// [Parse] accepts BER, PEM and base64 text. Read liberally: the order of certificates
// and attributes, absent or NULL parameters, a key's algorithm in the place of the
// signature's, other names of one hash function. Read strictly: a structure must fit its
// octets without rest; attributes occur once with one value; the content type signed is
// that of the content; every hash function of a signer is announced; a
// signing-certificate attribute names the very certificate used; a document without
// signed attributes whose content could be another document's attributes is refused.
//
// [Verifier.Verify] verifies every signature and the chain of every signer. It returns
// the content that was verified; nothing else of the document may be relied upon.
//
// # Time
//
// The signing-time attribute is the signer's claim and proves nothing. A
// signature-time-stamp that verifies and whose authority is trusted proves that the
// signature existed at its time: the signer's chain is then judged at that time. A token
// that does not verify fails the document. A token whose authority has no valid chain is
// listed as not trusted and leaves the judgement to the time asked, as if it were not
// there (anyone can take it off), unless [Verifier.RequireTimeStamp] is set.
//
// # Time stamps
//
// A token is SignedData over TSTInfo with one signer, whose certificate is named by
// signing-certificate (or -v2) and has the critical extended key usage timeStamping and
// no other. Its imprint is compared with the octets it was made for.
package cms
