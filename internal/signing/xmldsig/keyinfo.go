package xmldsig

import (
	"math/big"
	"strings"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
)

const maxCertificates = 8

// Certificates returns the certificates that the X509Data elements in parent (a KeyInfo or a
// SecurityTokenReference) hold or name: those of X509Certificate if there are any,
// else those of known that X509IssuerSerial names. Other hints are not
// followed, and a bare key is never taken. Nothing is said about trust.
func Certificates(parent *etree.Element, known *cert.Pool) ([]*cert.Certificate, *record.Problem) {
	if parent == nil {
		return nil, bad("key_info", nil, "no certificate is given")
	}
	var held, listed []*cert.Certificate
	serials := xmlread.Find(parent, Namespace, "X509IssuerSerial")
	holders := xmlread.Find(parent, Namespace, "X509Certificate")
	if len(holders)+len(serials) > maxCertificates {
		return nil, bad("too_many", parent, "more than %d certificates", maxCertificates)
	}
	for _, el := range holders {
		c, problem := Certificate(el)
		if problem != nil {
			return nil, problem
		}
		held = append(held, c)
	}
	if len(held) > 0 {
		return held, nil
	}
	for _, el := range serials {
		found, problem := bySerial(el, known)
		if problem != nil {
			return nil, problem
		}
		listed = append(listed, found...)
	}
	switch {
	case len(listed) > 0:
		return listed, nil
	case len(serials) > 0:
		return nil, record.NewProblem("xmldsig.unknown_signer", parent.FullTag(), "provision the sender's certificate",
			"the certificate that is named by issuer and serial number is not known here")
	}
	return nil, bad("key_info", parent, "no certificate is given")
}

// Certificate reads the certificate in the text of el, base64 of DER.
func Certificate(el *etree.Element) (*cert.Certificate, *record.Problem) {
	der, problem := xmlread.Base64(el)
	if problem != nil {
		return nil, problem
	}
	c, err := cert.Parse(der)
	if err != nil {
		return nil, problemOf(err, "cert.malformed")
	}
	return c, nil
}

// problemOf returns the problem that err carries; one without is given code.
func problemOf(err error, code string) *record.Problem {
	var all record.Problems
	all.Merge(err, code, "")
	return all[0]
}

// bySerial looks up an X509IssuerSerial: a decimal number, and the issuer's name in
// text, in either order of its parts.
func bySerial(el *etree.Element, known *cert.Pool) ([]*cert.Certificate, *record.Problem) {
	parts, problem := named(el, "X509IssuerName", "X509SerialNumber")
	if problem != nil {
		return nil, problem
	}
	name, problem := xmlread.Text(parts["X509IssuerName"])
	if problem != nil {
		return nil, problem
	}
	digits, problem := xmlread.Text(parts["X509SerialNumber"])
	if problem != nil {
		return nil, problem
	}
	digits = strings.TrimSpace(digits)
	if digits == "" || len(digits) > 100 || strings.Trim(digits, "0123456789") != "" {
		return nil, bad("key_info", el, "a serial number that is not decimal")
	}
	serial, _ := new(big.Int).SetString(digits, 10)
	same := func(issuer cert.Name) bool { return issuer.EqualText(strings.TrimSpace(name)) }
	return known.BySerial(serial, same), nil
}
