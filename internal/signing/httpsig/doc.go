// Package httpsig signs HTTP requests and verifies them: RFC 9421 (HTTP Message Signatures) with the Content-Digest of RFC 9530, on
// the structured fields of RFC 9651. It is a profile: one signature a request, under the label and tag "almasu", over a list of
// components that the verifier insists on. The package is pure: no network, and the time is passed in.
//
// # What is covered
//
//	"@method" "@target-uri" "content-digest"        always
//	"content-type" "content-encoding"               where the field is present
//	"content-length"                                where the request has a body
//	every field whose name begins with "almasu-"    where the field is present
//
// A verifier refuses a request that has one of these and does not cover it, so that nothing that is read can be added, taken
// away or changed. Components have no parameters. A covered field stands once: a second line of the same name is refused. The body
// must have a known length; a chunked body is refused. "@target-uri" is scheme, "://", the Host, and the request target as it was sent.
//
// # Parameters
//
// In this order: created, expires, nonce, keyid, alg, tag. All are required. A verifier accepts created within its window to either
// side of its own clock, and expires not before now and not later than a window after created. The pair of key id and nonce is accepted once. The
// algorithm must be the key's own.
//
// # The body
//
// Content-Digest must have a member sha-256 that equals the SHA-256 of the body. [Verifier.Verify] asks for that hash only after the signature
// has been proven good, so that the body of a stranger is never read, and remembers the nonce only after the hash has been compared.
//
// # Failures
//
// Problems with the codes signature.missing, signature.malformed, signature.not_covered, signature.params, signature.created,
// signature.expired, signature.alg, signature.bad, signature.digest, signature.replay, and those of [signing.Keyring.Find].
package httpsig
