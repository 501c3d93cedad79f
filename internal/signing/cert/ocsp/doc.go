// Package ocsp asks a responder whether a certificate is revoked (RFC 6960) and
// verifies its answer.
//
// # Request
//
// One certificate, named by a CertID under SHA-256 as the national responder wants it,
// and a nonce of 8 or more octets in an octet string of its own within the extension.
// Requests are not signed.
//
// # Response
//
// The answer must be successful and of the kind id-pkix-ocsp-basic; its signature must
// be made by the issuer itself or by a responder whose certificate the issuer's key
// signed, valid now, with the extended key usage OCSPSigning. A responder certificate
// without id-pkix-ocsp-nocheck is accepted as well: asking the responder about itself
// proves nothing. One single response must name the certificate by the CertID of the
// request or an equal one under SHA-1 or another known hash function.
//
// It must be fresh: thisUpdate not in the future, nextUpdate not passed and, if the
// response does not say until when it counts, thisUpdate not older than MaxAge. A
// nonce in the answer must be the one sent; an answer without one is refused unless
// the Checker allows it.
//
// # Failures
//
// cert.ocsp_unreachable: no address, or no usable answer from it. cert.ocsp_refused:
// the responder answered with an error status. cert.ocsp_malformed, cert.ocsp_signature
// (signature, or signer without authority), cert.ocsp_other (not about this
// certificate), cert.ocsp_stale, cert.ocsp_nonce, cert.ocsp_unknown (the responder does
// not know the certificate), cert.revoked.
package ocsp
