package xmldsig

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"io"
	"strings"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/suite"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/c14n"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
)

// Signer is a private key with its certificate.
type Signer struct {
	Key         crypto.Signer
	Certificate *cert.Certificate
	// Rand is the source of randomness for the signature.
	Rand io.Reader
}

// Suite returns the algorithms with which s signs; a key that is not the
// certificate's, or that no suite in XML has, is a problem xmldsig.key.
func (s Signer) Suite() (*suite.Suite, error) {
	if s.Key == nil || s.Certificate == nil || s.Rand == nil {
		return nil, bad("key", nil, "a signer needs a key, a certificate and a source of randomness")
	}
	pub, ok := s.Key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !pub.Equal(s.Certificate.PublicKey) {
		return nil, bad("key", nil, "the private key is not that of the certificate")
	}
	su, err := suite.Of(s.Certificate.PublicKey)
	if err != nil || su.SignatureURI == "" {
		return nil, bad("key", nil, "keys of this kind do not sign XML here")
	}
	return su, nil
}

// Form says how a new signature is written.
type Form struct {
	// Method canonicalises SignedInfo.
	Method c14n.Method
	// KeyInfo writes the content of KeyInfo for the certificate in DER; the prefix
	// ds is declared.
	KeyInfo func(der []byte) string
}

// NewReference is a reference to be written; at least one belongs to a signature.
type NewReference struct {
	// URI is "" or "#id".
	URI string
	// Transforms are the identifiers of the transforms.
	Transforms []string
	// Digest is that of the transformed content by the signer's suite.
	Digest []byte
}

// enveloped is the national form.
var enveloped = Form{
	KeyInfo: func(der []byte) string {
		return "<ds:X509Data><ds:X509Certificate>" + base64.StdEncoding.EncodeToString(der) + "</ds:X509Certificate></ds:X509Data>"
	},
}

// national is the reference of the national form.
func national(digest []byte) NewReference {
	return NewReference{Transforms: []string{Enveloped, c14n.InclusiveWithComments}, Digest: digest}
}

// text returns the signature without a value.
func (f Form) text(su *suite.Suite, der []byte, refs []NewReference) string {
	var b strings.Builder
	algorithm := func(name, uri string) {
		b.WriteString("<ds:" + name + ` Algorithm="` + string(c14n.AppendValue(nil, uri)) + `"/>`)
	}
	b.WriteString(`<ds:Signature xmlns:ds="` + Namespace + `"><ds:SignedInfo>`)
	algorithm("CanonicalizationMethod", f.Method.URI())
	algorithm("SignatureMethod", su.SignatureURI)
	for _, ref := range refs {
		b.WriteString(`<ds:Reference URI="` + string(c14n.AppendValue(nil, ref.URI)) + `"><ds:Transforms>`)
		for _, uri := range ref.Transforms {
			algorithm("Transform", uri)
		}
		b.WriteString("</ds:Transforms>")
		algorithm("DigestMethod", su.DigestURI)
		b.WriteString("<ds:DigestValue>" + base64.StdEncoding.EncodeToString(ref.Digest) + "</ds:DigestValue></ds:Reference>")
	}
	b.WriteString("</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo>")
	b.WriteString(f.KeyInfo(der))
	b.WriteString("</ds:KeyInfo></ds:Signature>")
	return b.String()
}

// Append makes a signature and appends it to parent, in whose place in the tree
// SignedInfo is canonicalised.
func (f Form) Append(parent *etree.Element, s Signer, refs ...NewReference) error {
	su, err := s.Suite()
	if err != nil {
		return err
	}
	doc, err := xmlread.Parse([]byte(f.text(su, s.Certificate.Raw, refs)), xmlread.DefaultLimits())
	if err != nil {
		return err
	}
	el := doc.Root()
	parent.AddChild(el)
	children := el.ChildElements()
	octets, err := f.Method.Element(children[0])
	if err != nil {
		return err
	}
	value, err := su.Sign(s.Rand, s.Key, su.Digest(octets))
	if err != nil {
		return err
	}
	children[1].SetText(base64.StdEncoding.EncodeToString(value))
	return nil
}

// Sign returns doc with a signature in the national form as the last child of
// its root element: canonical XML with comments, without an XML declaration.
// Comments are not covered. Signatures that doc has already are covered. doc is not changed.
func Sign(doc *etree.Document, s Signer) ([]byte, error) {
	su, err := s.Suite()
	if err != nil {
		return nil, err
	}
	if doc.Root() == nil {
		return nil, bad("structure", nil, "no document")
	}
	octets, err := c14n.Method{}.Document(doc)
	if err != nil {
		return nil, err
	}
	signed := doc.Copy()
	if err := enveloped.Append(signed.Root(), s, national(su.Digest(octets))); err != nil {
		return nil, err
	}
	return c14n.Method{Comments: true}.Document(signed)
}

// SignCanonical is [Sign] for a document that is written in canonical form already,
// without comments, and begins and ends with its root element. It makes no tree of
// it: the caller answers for the form, without which the signature does not verify;
// only the root element's tags are checked.
func SignCanonical(doc []byte, s Signer) ([]byte, error) {
	su, err := s.Suite()
	if err != nil {
		return nil, err
	}
	end := startTagEnd(doc)
	last := bytes.LastIndex(doc, []byte("</"))
	if end < 0 || last < end {
		return nil, notCanonical()
	}
	frame, err := xmlread.Parse(append(bytes.Clone(doc[:end]), doc[last:]...), xmlread.DefaultLimits())
	if err != nil {
		return nil, err
	}
	bare, err := c14n.Method{}.Document(frame)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(bare, append(bytes.Clone(doc[:end]), doc[last:]...)) {
		return nil, notCanonical()
	}
	if err := enveloped.Append(frame.Root(), s, national(su.Digest(doc))); err != nil {
		return nil, err
	}
	whole, err := c14n.Method{}.Document(frame)
	if err != nil {
		return nil, err
	}
	signature := whole[end : len(whole)-(len(doc)-last)]
	out := make([]byte, 0, len(doc)+len(signature))
	out = append(out, doc[:last]...)
	out = append(out, signature...)
	return append(out, doc[last:]...), nil
}

func notCanonical() *record.Problem {
	return bad("structure", nil, "the document is not in canonical form")
}

// startTagEnd returns where the start tag at the beginning of doc ends, or -1: in
// canonical form an attribute value may hold ">".
func startTagEnd(doc []byte) int {
	quoted := false
	for i, c := range doc {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '>' && !quoted:
			return i + 1
		}
	}
	return -1
}
