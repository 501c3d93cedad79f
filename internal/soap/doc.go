// Package soap writes and reads SOAP 1.1 envelopes with the WS-Security signature of
// the e-government gateway.
//
// # What is written
//
// [Sign] and [SignCanonical] write, without white space and in canonical form:
//
//	soapenv:Envelope
//	  soapenv:Header
//	    wsse:Security soapenv:mustUnderstand="1"
//	      ds:Signature: SignedInfo exclusively canonicalised; one Reference URI="#id" with
//	        the one transform exclusive canonicalisation; KeyInfo/
//	        wsse:SecurityTokenReference/wsse:KeyIdentifier with the certificate
//	        (ValueType X509v3, EncodingType Base64Binary)
//	  soapenv:Body wsu:Id="id"
//	    the content
//
// Nothing but the Body is signed; there is no time stamp and no other token.
//
// # What is read
//
// [Parse] takes an Envelope of SOAP 1.1 with an optional Header and one Body, in that
// order, and nothing else; prefixes do not matter. A message is refused if an Envelope,
// Header, Body or Security element stands anywhere else in it, or if it has a
// header block that must be understood and is not Security.
//
// [Message.Verify] wants exactly one Security header with exactly one Signature as its
// child, no Signature elsewhere outside the Body, exactly one reference, to the Body
// by its id, with exclusive canonicalisation as its only transform. The
// certificate is held or named by a SecurityTokenReference: a KeyIdentifier (X509v3), a
// Reference to a BinarySecurityToken (X509v3) in the same Security, or an
// X509IssuerSerial or X509Certificate; or by X509Data in KeyInfo itself. A
// certificate named by issuer and serial number is looked up among the provisioned ones.
//
// The result holds the Body as read from the octets that were verified. Whether the
// signer may be trusted is for a cert.Verifier to say.
//
// A gateway may answer with a Fault that nobody signed: [Message.Fault] reads it from
// an unverified message, and its caller takes it for a hint, not for an answer.
//
// The checks are soap.signature, soap.ids, signature.form, soap.body, and then those of
// package xmldsig: signature.certificate, signature.value, signature.digest.
//
// # Problems
//
// Every failure is a *record.Problem with one of these codes, or of xmlread, xmldsig, c14n, cert:
//
//	soap.version          not an Envelope of SOAP 1.1
//	soap.structure        missing, repeated or foreign parts
//	soap.wrapped          a second Envelope, Header, Body or Security inside
//	soap.must_understand  a header block that must be understood
//	soap.unsigned         no Security header, or no Signature in it
//	soap.many_signatures  more than one Signature
//	soap.misplaced        a Signature outside its place
//	soap.references       not exactly one reference, or not with the one transform
//	soap.body_not_signed  the reference is to something other than the Body
//	soap.key_info         the certificate is named in a way that is not accepted
//	soap.id               an id for the Body that is not a name
package soap
