// Package gost implements the signature algorithms of the GOST family that Kazakhstan's national certification
// authority uses, and the hash functions they sign with, from their public standards.
//
// # Hash functions
//
// [NewStreebog512] and [NewStreebog256] are GOST R 34.11-2012 (RFC 6986; in Kazakhstan GOST R 34.11-2015).
// [New341194] is GOST 34.311-95: GOST R 34.11-94 (RFC 5831) with the substitution id-GostR3411-94-TestParamSet. All
// write their result with the least significant byte first, which is the form of XML digests and CMS message digests.
//
// # Signatures
//
// A [PrivateKey] signs and a [PublicKey] verifies by GOST R 34.10-2012 (RFC 7091; in Kazakhstan GOST R 34.10-2015),
// which with 256 bits is also GOST 34.310-2004 (RFC 5832). Every number is written with the least significant byte first, in
// as many bytes as the curve's size n: a private key is LE(d), a public key is LE(x)||LE(y), a signature is
// LE(r)||LE(s). A digest has n bytes and is read as a little-endian number e modulo the group's order, 1 instead of 0.
// These are the Kazakh forms; the Russian ones (RFC 9215) are the same octets in another order, which package suite handles.
//
// A public key is accepted only if its coordinates are below the modulus, it is on the curve and, where the
// curve has a cofactor, in the subgroup of prime order.
//
// # Side channels
//
// Making a key and signing with it run in constant time as far as Go code can promise it: numbers of fixed
// length, complete addition formulas, table look-ups that read every entry, choices by masks. Neither
// branches nor addresses depend on the private key or the nonce, except that a nonce for which r or s is zero is replaced.
// math/big is not used for them. Copies of secrets on the stack are not erased.
//
// Verification, reading public keys and the hash functions are not constant-time: their time depends on keys, signatures and
// messages that are taken to be public. In particular the hash functions look up tables at addresses that depend on the
// message, so they are not fit to be keyed with a secret; nonces are derived with HMAC-SHA-512 instead.
package gost
