package xmldsig

import (
	"strings"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/suite"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/c14n"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
)

// Namespaces and the transform of enveloped signatures.
const (
	Namespace = "http://www.w3.org/2000/09/xmldsig#"
	Enveloped = Namespace + "enveloped-signature"
)

// Bounds of the work and memory that one document can cause.
const (
	maxReferences = 16
	maxSignatures = 32
	maxPrefixes   = 64
	maxOctets     = c14n.MaxOctets // over all references or signatures
)

// Reference is what one ds:Reference says. Comments are never covered.
type Reference struct {
	// URI is "" for the document, or "#id".
	URI string
	// Enveloped says that the signature itself is left out.
	Enveloped bool
	// Method canonicalises what is left; its Comments is false.
	Method c14n.Method
	digest []byte
}

// Signature is a ds:Signature that was taken apart. Nothing of it is verified yet.
type Signature struct {
	// References of SignedInfo, in order; at least one.
	References []Reference
	// Suite is the one that SignatureMethod names.
	Suite *suite.Suite
	// KeyInfo is the element of that name, nil if there is none.
	KeyInfo *etree.Element

	el, info *etree.Element
	method   c14n.Method
	value    []byte
}

func bad(code string, el *etree.Element, format string, args ...any) *record.Problem {
	where := ""
	if el != nil {
		where = el.FullTag()
	}
	return record.NewProblem("xmldsig."+code, where, "", format, args...)
}

// named returns the children of el if they are elements of the given names in
// Namespace, in that order; a name with "?" may be missing.
func named(el *etree.Element, names ...string) (map[string]*etree.Element, *record.Problem) {
	children, problem := xmlread.Children(el)
	if problem != nil {
		return nil, problem
	}
	found := map[string]*etree.Element{}
	for _, name := range names {
		local, optional := strings.CutSuffix(name, "?")
		if len(children) > 0 && xmlread.Is(children[0], Namespace, local) {
			found[local] = children[0]
			children = children[1:]
		} else if !optional {
			return nil, bad("structure", el, "%s is missing or not in its place", local)
		}
	}
	if len(children) > 0 {
		return nil, bad("structure", el, "an element that does not belong there")
	}
	return found, nil
}

// Read takes a ds:Signature apart, strictly.
func Read(el *etree.Element) (*Signature, *record.Problem) {
	if !xmlread.Is(el, Namespace, "Signature") {
		return nil, bad("structure", el, "not a Signature")
	}
	if _, problem := xmlread.Attributes(el, "Id"); problem != nil {
		return nil, problem
	}
	children, problem := xmlread.Children(el)
	if problem != nil {
		return nil, problem
	}
	s := &Signature{el: el}
	if len(children) < 2 || !xmlread.Is(children[0], Namespace, "SignedInfo") || !xmlread.Is(children[1], Namespace, "SignatureValue") {
		return nil, bad("structure", el, "SignedInfo and SignatureValue are expected")
	}
	s.info = children[0]
	for i, child := range children[2:] {
		switch {
		case i == 0 && xmlread.Is(child, Namespace, "KeyInfo"):
			s.KeyInfo = child
		case !xmlread.Is(child, Namespace, "Object"):
			return nil, bad("structure", el, "an element that does not belong there")
		}
	}
	if s.value, problem = xmlread.Base64(children[1]); problem != nil {
		return nil, problem
	}
	return s, s.readInfo()
}

func (s *Signature) readInfo() *record.Problem {
	if _, problem := xmlread.Attributes(s.info, "Id"); problem != nil {
		return problem
	}
	children, problem := xmlread.Children(s.info)
	if problem != nil {
		return problem
	}
	if len(children) < 2 || !xmlread.Is(children[0], Namespace, "CanonicalizationMethod") ||
		!xmlread.Is(children[1], Namespace, "SignatureMethod") {
		return bad("structure", s.info, "CanonicalizationMethod and SignatureMethod are expected")
	}
	if s.method, problem = readMethod(children[0], "canonicalization"); problem != nil {
		return problem
	}
	if problem := s.readSuite(children[1]); problem != nil {
		return problem
	}
	if len(children) == 2 {
		return bad("no_reference", s.info, "nothing is referenced")
	}
	if len(children) > 2+maxReferences {
		return bad("too_many", s.info, "more than %d references", maxReferences)
	}
	for _, el := range children[2:] {
		ref, problem := s.readReference(el)
		if problem != nil {
			return problem
		}
		s.References = append(s.References, ref)
	}
	return nil
}

// algorithm returns the identifier of an element that has nothing but it.
func algorithm(el *etree.Element) (string, *record.Problem) {
	attrs, problem := xmlread.Attributes(el, "Algorithm")
	if problem != nil {
		return "", problem
	}
	return attrs["Algorithm"], nil
}

// empty refuses parameters of an algorithm.
func empty(el *etree.Element, code string) *record.Problem {
	children, problem := xmlread.Children(el)
	if problem == nil && len(children) > 0 {
		return bad(code, el, "an algorithm with parameters")
	}
	return problem
}

func (s *Signature) readSuite(el *etree.Element) *record.Problem {
	uri, problem := algorithm(el)
	if problem != nil {
		return problem
	}
	su, err := suite.BySignatureURI(uri)
	if err != nil {
		return bad("signature_method", el, "a signature algorithm that is not accepted")
	}
	s.Suite = su
	return empty(el, "signature_method")
}

// readMethod reads a canonicalisation algorithm with its PrefixList.
func readMethod(el *etree.Element, code string) (c14n.Method, *record.Problem) {
	uri, problem := algorithm(el)
	if problem != nil {
		return c14n.Method{}, problem
	}
	m, ok := c14n.ByURI(uri)
	if !ok {
		return m, bad(code, el, "an algorithm that is not accepted")
	}
	children, problem := xmlread.Children(el)
	if problem != nil || len(children) == 0 {
		return m, problem
	}
	list := children[0]
	if !m.Exclusive || len(children) > 1 || !xmlread.Is(list, c14n.Exclusive, "InclusiveNamespaces") {
		return m, bad(code, el, "an algorithm with parameters")
	}
	attrs, problem := xmlread.Attributes(list, "PrefixList")
	if problem != nil {
		return m, problem
	}
	m.Prefixes = c14n.PrefixList(attrs["PrefixList"])
	if len(m.Prefixes) > maxPrefixes {
		return m, bad("too_many", list, "more than %d prefixes", maxPrefixes)
	}
	return m, empty(list, code)
}

func (s *Signature) readReference(el *etree.Element) (ref Reference, problem *record.Problem) {
	if !xmlread.Is(el, Namespace, "Reference") {
		return ref, bad("structure", el, "a Reference is expected")
	}
	attrs, problem := xmlread.Attributes(el, "URI", "Id", "Type")
	if problem != nil {
		return ref, problem
	}
	uri, ok := attrs["URI"]
	if !ok || uri != "" && !strings.HasPrefix(uri, "#") {
		return ref, bad("reference_uri", el, "a reference by a URI that is not of this document")
	}
	ref.URI = uri
	parts, problem := named(el, "Transforms?", "DigestMethod", "DigestValue")
	if problem != nil {
		return ref, problem
	}
	if transforms := parts["Transforms"]; transforms != nil {
		if problem := ref.readTransforms(transforms); problem != nil {
			return ref, problem
		}
	}
	name, problem := algorithm(parts["DigestMethod"])
	if problem == nil {
		problem = empty(parts["DigestMethod"], "digest_method")
	}
	if problem != nil {
		return ref, problem
	}
	if name != s.Suite.DigestURI {
		return ref, bad("digest_method", el, "the digest is not that of the signature algorithm")
	}
	if ref.digest, problem = xmlread.Base64(parts["DigestValue"]); problem != nil {
		return ref, problem
	}
	if len(ref.digest) != s.Suite.NewHash().Size() {
		return ref, bad("digest_length", el, "a digest of %d bytes", len(ref.digest))
	}
	return ref, nil
}

func (ref *Reference) readTransforms(el *etree.Element) *record.Problem {
	if _, problem := xmlread.Attributes(el); problem != nil {
		return problem
	}
	children, problem := xmlread.Children(el)
	if problem != nil {
		return problem
	}
	for i, t := range children {
		if !xmlread.Is(t, Namespace, "Transform") {
			return bad("transform", el, "a Transform is expected")
		}
		uri, problem := algorithm(t)
		if problem != nil {
			return problem
		}
		if uri == Enveloped && i == 0 {
			ref.Enveloped = true
			if problem := empty(t, "transform"); problem != nil {
				return problem
			}
			continue
		}
		if ref.Method, problem = readMethod(t, "transform"); problem != nil {
			return problem
		}
		ref.Method.Comments = false
		if i != len(children)-1 {
			return bad("transform", el, "a transform behind canonicalisation")
		}
	}
	return nil
}
