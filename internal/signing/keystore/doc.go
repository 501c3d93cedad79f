// Package keystore opens private keys from files: PKCS#12 containers (RFC 7292) as the
// national tools write them, and PEM. It also talks to a remote signer, for those who
// must use the certified provider.
//
// # Files
//
// [Open] reads a key file and, if one is named, a password file whose first line is
// the password. Both must be regular files that neither the group nor others may read;
// anything else is refused with the code keystore.mode. Passwords and key material
// appear in no error. The certificate in the container must carry the public key of
// its private key.
//
// # PKCS#12
//
// Accepted: BER with indefinite lengths and segmented strings; a MAC by SHA-1,
// SHA-256, SHA-384 or SHA-512 in the PKCS#12 way; key bags in the clear or shrouded;
// certificates in the clear or encrypted; encryption by PBE-SHA1 with three-key or
// two-key 3DES, RC2-40 and RC2-128, and by PBES2 with PBKDF2 (HMAC with SHA-1 or
// SHA-2) and AES-CBC or 3DES-CBC. The MAC is verified before anything is decrypted; a
// container without a MAC is refused. The file is bounded by [MaxFile].
//
// # Keys
//
// PKCS#8 with RSA, ECDSA, Ed25519 and the national GOST keys: of 34.10-2015 the
// private key is an octet string, little-endian; of 34.310-2004 an integer; either
// form is read of either. Russian keys of RFC 9215 on paramSetA of 512 bits are read
// for the sake of checking against gost-engine.
package keystore
