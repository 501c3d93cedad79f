// Package xmldsig signs and verifies XML signatures (W3C XML Signature Syntax and
// Processing, RFC 3275) in the form of the national certification authority: signatures enveloped in
// a business document, and same-document references such as WS-Security uses.
//
// # What is understood
//
// The list is closed; anything else is refused, and nothing is ever fetched.
//
//	canonicalisation  Canonical XML 1.0 and Exclusive XML Canonicalization 1.0, with or
//	                  without comments, the exclusive one with InclusiveNamespaces
//	signature, digest the suites of package suite that have names in XML; the digest
//	                  is that of the signature's suite
//	references        URI="" (the document) and URI="#id" (an element); at least one,
//	                  at most 16
//	transforms        enveloped-signature, then one canonicalisation; each may be
//	                  missing, and inclusive canonicalisation is then implied
//	keys              X509Data with X509Certificate, or with X509IssuerSerial of a
//	                  certificate that the caller knows
//
// By section 4.4.3.3 both kinds of reference select no comments, so that comments are not
// covered even under an algorithm "#WithComments".
//
// An id is an attribute wsu:Id, xml:id, Id or ID; each value stands once in a document.
// An attribute id is one only if nothing else carries the value.
//
// White space, carriage returns included, may stand inside base64: it is signed as it
// stands and left out for decoding. No element is ever re-indented. Inside
// SignedInfo, comments, processing instructions, unknown attributes and elements are refused.
//
// # Enveloped signatures
//
// [Verify] verifies every Signature of a document. In the national form each is a child of the
// root element, covers the document as it was before it was added, and so the signatures
// behind it, in document order, are left out with it; other references may be to
// elements inside the signature only. All must verify. [Sign] and
// [SignCanonical] append one: a reference URI="" with enveloped-signature and
// inclusive canonicalisation with comments; SignedInfo inclusively canonicalised;
// X509Data with the signer's certificate.
//
// # What the caller gets
//
// A [Verified] holds the canonical octets that were digested, and its tree is read
// from them: what was verified is what is returned, wherever the attacker put the
// original. It also holds the certificate whose key verified. Nothing is said about
// whether that certificate may be trusted: the caller asks a cert.Verifier.
//
// # Checks
//
// The list of checks of a verification has these names: document.form, signature.place,
// then for each signature, the last first, signature.form, signature.certificate,
// signature.value, and signature.digest for each reference with its URI as the place.
// The last three are made even after one of them failed.
//
// # Problems
//
// Every failure is a *record.Problem with one of these codes, or of xmlread, c14n, cert:
//
//	xmldsig.no_signature      nothing to verify
//	xmldsig.misplaced         a Signature that is not a child of the root element
//	xmldsig.structure         missing, repeated or foreign parts of a Signature
//	xmldsig.canonicalization  another canonicalisation of SignedInfo
//	xmldsig.signature_method  another signature algorithm
//	xmldsig.digest_method     another digest, or not that of the signature's suite
//	xmldsig.transform         another transform, or another order
//	xmldsig.reference_uri     another form of URI
//	xmldsig.no_reference      an empty list of references
//	xmldsig.too_many          more signatures, references, certificates or octets than allowed
//	xmldsig.not_covered       a signature that does not cover the document
//	xmldsig.unknown_id        a reference to no element
//	xmldsig.duplicate_id      an id that stands twice
//	xmldsig.digest_length     a digest cut short or too long
//	xmldsig.digest            the content is not what was signed
//	xmldsig.signature         SignedInfo or the signature is not what was signed
//	xmldsig.key_info          no certificate is named
//	xmldsig.unknown_signer    a certificate is named that the caller does not know
//	xmldsig.key               the certificate's key does not suit the algorithm
package xmldsig
