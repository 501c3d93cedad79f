package soap

import (
	"strings"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
)

// Namespaces of SOAP 1.1 and WS-Security 1.0.
const (
	Namespace = "http://schemas.xmlsoap.org/soap/envelope/"
	WSSE      = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
)

// Message is an envelope that was read. Nothing in it is verified.
type Message struct {
	doc      *etree.Document
	lim      xmlread.Limits
	header   *etree.Element // nil without a Header
	body     *etree.Element
	security *etree.Element // nil without a Security header
}

func bad(code string, el *etree.Element, format string, args ...any) *record.Problem {
	where := ""
	if el != nil {
		where = el.FullTag()
	}
	return record.NewProblem("soap."+code, where, "", format, args...)
}

// Parse reads an envelope. The error is a *record.Problem.
func Parse(b []byte, lim xmlread.Limits) (*Message, error) {
	doc, err := xmlread.Parse(b, lim)
	if err != nil {
		return nil, err
	}
	m := &Message{doc: doc, lim: lim}
	for _, check := range []func() *record.Problem{m.place, m.blocks, m.unwrapped} {
		if problem := check(); problem != nil {
			return nil, problem
		}
	}
	return m, nil
}

// place finds Header and Body.
func (m *Message) place() *record.Problem {
	root := m.doc.Root()
	if !xmlread.Is(root, Namespace, "Envelope") {
		return bad("version", root, "an Envelope of SOAP 1.1 is expected")
	}
	children, problem := xmlread.Children(root)
	if problem != nil {
		return problem
	}
	if len(children) > 0 && xmlread.Is(children[0], Namespace, "Header") {
		m.header = children[0]
		children = children[1:]
	}
	if len(children) != 1 || !xmlread.Is(children[0], Namespace, "Body") {
		return bad("structure", root, "one Body is expected, behind the Header if there is one, and nothing else")
	}
	m.body = children[0]
	return nil
}

// blocks looks through the Header.
func (m *Message) blocks() *record.Problem {
	if m.header == nil {
		return nil
	}
	children, problem := xmlread.Children(m.header)
	if problem != nil {
		return problem
	}
	for _, block := range children {
		switch {
		case !xmlread.Is(block, WSSE, "Security"):
			if mustUnderstand(block) {
				return bad("must_understand", block, "a header block that must be understood")
			}
		case m.security != nil:
			return bad("structure", block, "a second Security header")
		default:
			m.security = block
		}
	}
	return nil
}

func mustUnderstand(block *etree.Element) bool {
	for _, a := range block.Attr {
		if a.Key == "mustUnderstand" && a.Space != "" && strings.TrimSpace(a.Value) != "0" {
			return true
		}
	}
	return false
}

// unwrapped refuses parts of an envelope in any other place.
func (m *Message) unwrapped() *record.Problem {
	root := m.doc.Root()
	for _, part := range []struct {
		space, local string
		only         *etree.Element
	}{
		{Namespace, "Envelope", root}, {Namespace, "Header", m.header}, {Namespace, "Body", m.body}, {WSSE, "Security", m.security},
	} {
		for _, el := range xmlread.Find(root, part.space, part.local) {
			if el != part.only {
				return bad("wrapped", el, "a part of an envelope that does not stand in its place")
			}
		}
	}
	return nil
}

// Signed reports whether the message has a Security header, whatever is in it.
func (m *Message) Signed() bool { return m.security != nil }

// Unverified returns the Body as it was received: anybody may have written it.
func (m *Message) Unverified() *etree.Element { return m.body }

// Fault is a SOAP 1.1 fault.
type Fault struct {
	// Code and String are the texts of faultcode and faultstring.
	Code, String string
	// Detail is the element of that name, nil if there is none.
	Detail *etree.Element
}

// Fault returns the fault in the unverified Body, if it is one.
func (m *Message) Fault() (Fault, bool) { return FaultOf(m.body) }

// FaultOf returns the fault in a Body, if it is one. Its parts are found by local name:
// gateways differ in their namespaces.
func FaultOf(body *etree.Element) (Fault, bool) {
	children := body.ChildElements()
	if len(children) != 1 || !xmlread.Is(children[0], Namespace, "Fault") {
		return Fault{}, false
	}
	var f Fault
	for _, part := range children[0].ChildElements() {
		switch part.Tag {
		case "faultcode":
			f.Code = strings.TrimSpace(part.Text())
		case "faultstring":
			f.String = strings.TrimSpace(part.Text())
		case "detail":
			f.Detail = part
		}
	}
	return f, true
}
