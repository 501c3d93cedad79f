// Package suite ties together what the formats that carry signatures (X.509, CRL, OCSP, CMS, time stamps, XML) need to know
// about an algorithm: key, hash function, object identifiers, XML names, and the order of a signature's octets.
//
// A [Suite] is one kind of key with one hash function:
//
//	Name               key                                     digest          signature octets
//	GOST-2015-512      *gost.PublicKey on ParamSetA512         Streebog-512    LE(r)||LE(s)
//	GOST-2015-256      *gost.PublicKey on ParamSetA256         Streebog-256    LE(r)||LE(s)
//	GOST-2004          *gost.PublicKey on CryptoProA           GOST 34.311-95  LE(r)||LE(s)
//	TC26-512           *RussianPublicKey, 512 bits             Streebog-512    BE(s)||BE(r)
//	TC26-256           *RussianPublicKey, 256 bits             Streebog-256    BE(s)||BE(r)
//	RSA-SHA256         *rsa.PublicKey, 2048 to 8192 bits       SHA-256         PKCS #1 v1.5
//	ECDSA-P256-SHA256  *ecdsa.PublicKey on P-256               SHA-256         DER, SEQUENCE{r, s}
//
// The first three are the Kazakh forms: object identifiers below 1.2.398.3.10. A *gost.PublicKey always stands for the Kazakh
// form, whose suite follows from its curve. The TC26 suites are the Russian forms of the same algorithms (RFC 9215),
// which OpenSSL's gost-engine writes; the wrapper [RussianPublicKey] keeps them apart.
//
// # SubjectPublicKeyInfo
//
// Both GOST forms are SEQUENCE{ SEQUENCE{ KeyOID, SEQUENCE{ curve OID, digest OID } }, BIT STRING } where the bit string
// wraps OCTET STRING{ LE(x)||LE(y) }. In the Kazakh form both parameters are present and fixed by KeyOID. In the Russian
// form the digest is optional; it is written beside the CryptoPro names of a curve only (RFC 9215, section 4.2).
//
// The caller compares the digest algorithm that a document names with the suite's: a suite never verifies
// over another hash function than its own. GOST-2015-256 follows the names that Kazakh software knows; unlike the
// other suites it has not been checked against a document made by another program.
package suite
