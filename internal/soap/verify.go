package soap

import (
	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/suite"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
)

const (
	valueX509     = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
	encodingBase  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
	valueTypeAttr = "ValueType"
	encodingAttr  = "EncodingType"
)

// Verified is the Body of a message whose signature verified. Only [Message.Verify]
// makes one; the zero Verified has no Body.
type Verified struct {
	body   *etree.Element
	octets []byte
	signer *cert.Certificate
	suite  *suite.Suite
}

// Body returns the Body as read from the octets that were verified.
func (v *Verified) Body() *etree.Element { return v.body }

// Octets returns the Body's octets that were verified, in exclusive canonical form
// without comments. They must not be changed.
func (v *Verified) Octets() []byte { return v.octets }

// Signer returns the certificate whose key verified. Whether it may be trusted is for
// a cert.Verifier to say.
func (v *Verified) Signer() *cert.Certificate { return v.signer }

// Suite returns the algorithms.
func (v *Verified) Suite() *suite.Suite { return v.suite }

// Verify verifies the signature over the Body. Certificates that are only named by issuer and serial
// number are looked up in known, which may be nil. All checks made are returned in
// either case; the error is a *record.Problem.
func (m *Message) Verify(known *cert.Pool) (*Verified, cert.Checks, error) {
	var checks cert.Checks
	el, problem := m.signature()
	if err := checks.Judge("soap.signature", "", "one, in the Security header", problem); err != nil {
		return nil, checks, err
	}
	ids, problem := xmldsig.NewIDs(m.doc.Root())
	if err := checks.Judge("soap.ids", "", "each on one element", problem); err != nil {
		return nil, checks, err
	}
	s, problem := xmldsig.Read(el)
	if err := checks.Judge("signature.form", "", "only accepted parts and algorithms", problem); err != nil {
		return nil, checks, err
	}
	if err := checks.Judge("soap.body", "", "the one reference is to the Body", m.coversBody(s, ids)); err != nil {
		return nil, checks, err
	}
	find := func(keyInfo *etree.Element) ([]*cert.Certificate, *record.Problem) {
		return m.certificates(keyInfo, ids, known)
	}
	v, err := s.Verify(m.doc, ids, find, &checks)
	if err != nil {
		return nil, checks, err
	}
	content := v.Contents()[0]
	tree, err := content.Document(m.lim)
	if err != nil {
		return nil, checks, err
	}
	return &Verified{body: tree.Root(), octets: content.Octets(), signer: v.Signer(), suite: v.Suite()}, checks, nil
}

// signature finds the one Signature. Those inside the Body are its content.
func (m *Message) signature() (*etree.Element, *record.Problem) {
	if m.security == nil {
		return nil, bad("unsigned", nil, "the message has no Security header")
	}
	children, problem := xmlread.Children(m.security)
	if problem != nil {
		return nil, problem
	}
	var found *etree.Element
	for _, child := range children {
		if !xmlread.Is(child, xmldsig.Namespace, "Signature") {
			continue
		}
		if found != nil {
			return nil, bad("many_signatures", child, "more than one Signature")
		}
		found = child
	}
	for _, el := range xmldsig.Find(m.header) {
		if el != found {
			return nil, bad("misplaced", el, "a Signature that is not a child of Security")
		}
	}
	if found == nil {
		return nil, bad("unsigned", m.security, "the Security header has no Signature")
	}
	return found, nil
}

func (m *Message) coversBody(s *xmldsig.Signature, ids *xmldsig.IDs) *record.Problem {
	if len(s.References) != 1 {
		return bad("references", m.security, "%d references, one is expected", len(s.References))
	}
	ref := s.References[0]
	if ref.Enveloped || !ref.Method.Exclusive {
		return bad("references", m.security, "exclusive canonicalisation is expected as the only transform")
	}
	if ref.URI == "" {
		return bad("body_not_signed", m.security, "the reference is not to the Body")
	}
	el, problem := ids.Resolve(ref.URI)
	if problem != nil {
		return problem
	}
	if el != m.body {
		return bad("body_not_signed", el, "the reference is not to the Body")
	}
	return nil
}

// certificates finds the certificates that KeyInfo holds or names.
func (m *Message) certificates(keyInfo *etree.Element, ids *xmldsig.IDs, known *cert.Pool) ([]*cert.Certificate, *record.Problem) {
	token, problem := onlyChild(keyInfo)
	if problem != nil {
		return nil, problem
	}
	if xmlread.Is(token, WSSE, "SecurityTokenReference") {
		if token, problem = onlyChild(token); problem != nil {
			return nil, problem
		}
	}
	switch {
	case xmlread.Is(token, WSSE, "KeyIdentifier"):
		return binary(token)
	case xmlread.Is(token, WSSE, "Reference"):
		return m.referenced(token, ids)
	case xmlread.Is(token, xmldsig.Namespace, "X509Data"):
		return xmldsig.Certificates(token, known)
	}
	return nil, bad("key_info", token, "a token of a kind that is not accepted")
}

func onlyChild(el *etree.Element) (*etree.Element, *record.Problem) {
	if el == nil {
		return nil, bad("key_info", nil, "no certificate is given")
	}
	children, problem := xmlread.Children(el)
	if problem != nil {
		return nil, problem
	}
	if len(children) != 1 {
		return nil, bad("key_info", el, "%d elements, one is expected", len(children))
	}
	return children[0], nil
}

// attr returns the attribute of el that has no prefix.
func attr(el *etree.Element, name string) string {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == name {
			return a.Value
		}
	}
	return ""
}

// binary reads the certificate in a KeyIdentifier or BinarySecurityToken.
func binary(el *etree.Element) ([]*cert.Certificate, *record.Problem) {
	encoding := attr(el, encodingAttr)
	if attr(el, valueTypeAttr) != valueX509 || encoding != "" && encoding != encodingBase {
		return nil, bad("key_info", el, "a token that is not an X.509 certificate in base64")
	}
	c, problem := xmldsig.Certificate(el)
	if problem != nil {
		return nil, problem
	}
	return []*cert.Certificate{c}, nil
}

// referenced follows a Reference to a BinarySecurityToken in the Security header.
func (m *Message) referenced(el *etree.Element, ids *xmldsig.IDs) ([]*cert.Certificate, *record.Problem) {
	if kind := attr(el, valueTypeAttr); kind != "" && kind != valueX509 {
		return nil, bad("key_info", el, "a token that is not an X.509 certificate")
	}
	token, problem := ids.Resolve(attr(el, "URI"))
	if problem != nil {
		return nil, problem
	}
	if token.Parent() != m.security || !xmlread.Is(token, WSSE, "BinarySecurityToken") {
		return nil, bad("key_info", token, "a BinarySecurityToken in the Security header is expected")
	}
	return binary(token)
}
