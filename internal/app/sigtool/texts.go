package sigtool

import (
	"strings"

	"birgeoqy.kz/almasu/internal/signing/cert"
)

// texts says what each check looked at, for people who know no cryptography.
var texts = map[string]string{
	"document.form":         "the file is a document of the expected kind, whole and without forbidden parts",
	"signature.place":       "the signature stands where it must, not hidden elsewhere in the document",
	"signature.form":        "the signature is made of known parts and algorithms only",
	"signature.certificate": "the certificate of whoever signed is at hand",
	"signature.algorithm":   "the algorithm of the signature is known and suits the key",
	"signature.value":       "the signature was made with the key that belongs to the certificate",
	"signature.digest":      "the content is, to the last sign, what was signed",
	"content.digest":        "the content is, to the last octet, what was signed",
	"attributes":            "the statements signed together with the content are in order",
	"signer.certificate":    "the signature names the certificate that it is checked with",
	"soap.signature":        "the message has exactly one signature, in its header",
	"soap.ids":              "every part of the message has a name of its own",
	"soap.body":             "the signature is over the body of this very message",
	"chain.built":           "the certificate was issued, step by step, by an authority that you trust",
	"validity":              "the certificate was valid at the time asked",
	"extensions":            "the certificate makes no unknown conditions",
	"authority":             "the issuer may issue certificates",
	"usage":                 "the certificate may be used for this purpose",
	"time":                  "a time to judge by is known",
	"revocation":            "the certificate has not been revoked",
	"revocation.dated":      "the statement about revocation counted at the time asked",
	"crl":                   "the certificate is not on the authority's list of revoked ones",
	"crl.fresh":             "the list of revoked certificates is current",
	"crl.delta":             "the addition to the list of revoked certificates is current",
	"ocsp":                  "the authority's responder says that the certificate is not revoked",
	"ocsp.reached":          "the authority's responder answered",
	"timestamp":             "a trusted time stamp proves when the signature existed",
	"timestamp.form":        "the time stamp is made as it must be",
	"timestamp.imprint":     "the time stamp is for this very content",
	"timestamp.request":     "the time stamp answers what was asked",
	"timestamp.time":        "the time stamp is not of the future",
	"timestamp.age":         "the authority's certificate is still valid today",
}

// hints tell what to do about a problem that brings no hint of its own.
var hints = map[string]string{
	"cert.expired":            "with --at the document can be judged as of an earlier time; only a time stamp proves that it existed then",
	"cert.not_yet_valid":      "check --at and the clock of this machine",
	"cert.revoked":            "do not rely on this signature; ask the signer for a new one",
	"cert.unknown_issuer":     "add the authority's certificate: --roots if you trust it, --intermediates if it stands between",
	"cert.crl_missing":        "give the issuer's list with --crl, or ask about the signer only with --leaf-only",
	"cert.crl_stale":          "fetch a new list",
	"cert.ocsp_unreachable":   "check the network, give --ocsp-url, or use a list with --crl",
	"cert.ocsp_stale":         "ask anew, with --ocsp on",
	"cert.ocsp_other":         "give an answer about this certificate, or use --ocsp on or --crl",
	"cert.revocation_unset":   "give --crl, --ocsp-response or --ocsp on",
	"cms.no_content":          "the signature is detached: name the file that was signed with --content",
	"cms.no_certificate":      "give the signer's certificate with --known",
	"cms.content_type":        "if it is a time stamp: almasu verify tsp",
	"xmldsig.digest":          "the document was changed after it was signed",
	"xmldsig.signature":       "the signature was changed, or another key signed",
	"xmldsig.misplaced":       "a SOAP message is verified by: almasu verify wsse",
	"xmldsig.no_signature":    "the document is not signed",
	"xmldsig.not_covered":     "the signature is over something other than the document: perhaps an attempt at deceit (wrapping)",
	"xmldsig.duplicate_id":    "perhaps an attempt at deceit (wrapping)",
	"xmldsig.unknown_signer":  "give the sender's certificate with --known",
	"soap.wrapped":            "perhaps an attempt at deceit (wrapping)",
	"soap.body_not_signed":    "the signature is over something other than the body: perhaps an attempt at deceit (wrapping)",
	"soap.version":            "a signed document that is no SOAP message is verified by: almasu verify xml",
	"soap.unsigned":           "the message is not signed",
	"tsp.imprint":             "give with --content the very file that was stamped",
	"xml.doctype":             "document type declarations are never accepted",
	"keystore.no_certificate": "give it with --certificate",
}

// explained is one check in one line.
func explained(c cert.Check) string {
	text, known := texts[c.Name]
	if !known {
		text = c.Name
	}
	line := "[" + string(c.Outcome) + "] " + text
	var more []string
	if c.Where != "" {
		more = append(more, c.Where)
	}
	if c.Detail != "" {
		more = append(more, c.Detail)
	}
	if c.Code != "" {
		more = append(more, c.Code)
	}
	if len(more) > 0 {
		line += " (" + strings.Join(more, "; ") + ")"
	}
	return strings.ReplaceAll(line, "\n", " ")
}
