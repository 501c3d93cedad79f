package soap

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/c14n"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
)

// The frame of a message, in canonical form around the id of the Body and its content.
const (
	frameHead = `<soapenv:Envelope xmlns:soapenv="` + Namespace + `"><soapenv:Header>` +
		`<wsse:Security xmlns:wsse="` + WSSE + `" soapenv:mustUnderstand="1"></wsse:Security></soapenv:Header>`
	bodyHead  = `<soapenv:Body xmlns:wsu="` + xmldsig.WSU + `" wsu:Id="`
	bodyTail  = `</soapenv:Body>`
	frameTail = bodyTail + `</soapenv:Envelope>`

	// signedHead is the start tag of the Body in exclusive canonical form, up to the id.
	signedHead = `<soapenv:Body xmlns:soapenv="` + Namespace + `" xmlns:wsu="` + xmldsig.WSU + `" wsu:Id="`
)

// form is the gateway's form of a signature.
var form = xmldsig.Form{
	Method: c14n.Method{Exclusive: true},
	KeyInfo: func(der []byte) string {
		return `<wsse:SecurityTokenReference xmlns:wsse="` + WSSE + `"><wsse:KeyIdentifier EncodingType="` + encodingBase +
			`" ValueType="` + valueX509 + `">` + base64.StdEncoding.EncodeToString(der) +
			`</wsse:KeyIdentifier></wsse:SecurityTokenReference>`
	},
}

// toBody is the reference of the gateway's form.
func toBody(id string, digest []byte) xmldsig.NewReference {
	return xmldsig.NewReference{URI: "#" + id, Transforms: []string{c14n.Exclusive}, Digest: digest}
}

// frame returns a message with an empty Body that has the id.
func frame(id string) (*etree.Document, error) {
	letters := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	if id == "" || !strings.Contains(letters, id[:1]) || strings.Trim(id, letters+"0123456789-.") != "" {
		return nil, bad("id", nil, "an id for the Body: letters, digits, '-', '.', '_', a letter first")
	}
	return xmlread.Parse([]byte(frameHead+bodyHead+id+`">`+frameTail), xmlread.DefaultLimits())
}

func parts(doc *etree.Document) (security, body *etree.Element) {
	children := doc.Root().ChildElements()
	return children[0].ChildElements()[0], children[1]
}

// Sign returns a signed message whose Body has the given id and holds the root
// element of content. Comments are not covered. content is not changed.
func Sign(content *etree.Document, id string, s xmldsig.Signer) ([]byte, error) {
	su, err := s.Suite()
	if err != nil {
		return nil, err
	}
	doc, err := frame(id)
	if err != nil {
		return nil, err
	}
	if content.Root() == nil {
		return nil, bad("structure", nil, "no content")
	}
	security, body := parts(doc)
	body.AddChild(content.Root().Copy())
	octets, err := c14n.Method{Exclusive: true}.Element(body)
	if err != nil {
		return nil, err
	}
	if err := form.Append(security, s, toBody(id, su.Digest(octets))); err != nil {
		return nil, err
	}
	return c14n.Method{Comments: true}.Document(doc)
}

// SignCanonical is [Sign] for content that is written already in the exclusive canonical form that it
// has as a child of Body, without comments. It makes no tree of it: the caller
// answers for the form, without which the signature does not verify.
func SignCanonical(content []byte, id string, s xmldsig.Signer) ([]byte, error) {
	su, err := s.Suite()
	if err != nil {
		return nil, err
	}
	doc, err := frame(id)
	if err != nil {
		return nil, err
	}
	h := su.NewHash()
	for _, part := range [][]byte{[]byte(signedHead + id + `">`), content, []byte(bodyTail)} {
		h.Write(part)
	}
	security, _ := parts(doc)
	if err := form.Append(security, s, toBody(id, h.Sum(nil))); err != nil {
		return nil, err
	}
	whole, err := c14n.Method{}.Document(doc)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(whole)+len(content))
	out = append(out, bytes.TrimSuffix(whole, []byte(frameTail))...)
	out = append(out, content...)
	return append(out, frameTail...), nil
}

// Unsigned returns a message without a Header whose Body holds content, which is
// written as it stands.
func Unsigned(content []byte) []byte {
	return []byte(`<soapenv:Envelope xmlns:soapenv="` + Namespace + `"><soapenv:Body>` + string(content) + frameTail)
}
