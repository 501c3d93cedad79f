// Package signing holds the keys of the service and of its counterparties, and the two signed objects
// that a transfer leaves behind: the [Envelope], which the sender signs, and the [Receipt], which the
// recipient signs over the envelope's digest. Both are specified here so that a stranger can write a second
// implementation. The package is pure: bytes in, bytes out; the time is passed in.
//
// # Keys
//
// A [Key] is a private key, a [PublicKey] its public half. Four algorithms exist, under the names of the RFC 9421 registry:
//
//	ed25519             RFC 8032, 64 bytes
//	ecdsa-p256-sha256   r and s as two 32-byte big-endian numbers (not ASN.1), RFC 9421 section 3.3.4
//	rsa-pss-sha512      RSASSA-PSS, SHA-512, MGF1 with SHA-512, salt of 64 bytes, section 3.3.1
//	rsa-v1_5-sha256     RSASSA-PKCS1-v1_5, section 3.3.2
//
// A key has exactly one algorithm. RSA keys are used with rsa-pss-sha512 unless [Key.As] says otherwise. RSA below
// 2048 or above 8192 bits, or with an even or small exponent, curves other than P-256 and Ed25519 points of small order are
// refused. Keys are read from PEM: PKCS#8 "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", and SPKI "PUBLIC KEY"; one block, nothing after it.
//
// The id of a key is "almasu:" and the first 22 characters of the unpadded base64url form of the SHA-256 of its SPKI in DER. The
// fingerprint, for people who compare keys, is "sha256:" and the whole hash in hexadecimal.
//
// A [Keyring] holds the public keys of one counterparty, each with a period. Periods overlap while a key is being
// rotated: a signature is good if its key's period holds the time at which it is judged. A [Keyset] is the file that a keyring is made from, and that
// says which of our own keys signs.
//
// # Envelope
//
// The header of an envelope is one line of canonical JSON: the keys in the order of [Header], no white space,
// numbers in decimal without sign or leading zero, strings in UTF-8 with only `"`, `\` and bytes below 0x20 escaped (as `\"`, `\\` and
// `\u00xx`, lower case), times as 2006-01-02T15:04:05.000000Z. There is one way to write a header, and a reader accepts no other.
// The signature is made over "almasu-envelope/v1\n" and the header's bytes. The header names the payload's SHA-256, size and media type, so
// the header's own SHA-256, the envelope's digest, pins everything. At rest an envelope is
//
//	header "\n" key-id " " signature "\n" payload
//
// and in HTTP the field Almasu-Envelope is base64url(header) "." key-id "." signature, with the payload as the body. Signatures are in unpadded base64url.
//
// # Receipt
//
// A receipt is one line of canonical JSON in the order of [Receipt], "\n", key id, " ", signature, "\n"; the signature is over
// "almasu-receipt/v1\n" and the JSON's bytes. It names the envelope's digest and therefore can stand for no other message. Its counts add up:
// records = accepted + updated + rejected; it lists an outcome for each record that was not plainly accepted, in ascending order.
//
// # Failures
//
// Everything is refused with a [record.Problem] whose code is stable: signing.* for keys, keyset.* for their files, envelope.* and receipt.* for the two objects. No problem
// quotes what it was given. Zero values refuse: an Envelope or a Payload that was not made by this package is not valid.
package signing
