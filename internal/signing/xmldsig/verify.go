package xmldsig

import (
	"bytes"
	"slices"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/suite"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
)

// Content is what one reference of a verified signature covers.
type Content struct {
	// URI is that of the reference: "" or "#id".
	URI string
	// Element is what the URI named in the tree that was verified: its root for "".
	Element *etree.Element
	octets  []byte
}

// Octets returns the canonical octets that were digested. They must not be changed.
func (c Content) Octets() []byte { return c.octets }

// Document reads the octets into a tree of their own. lim are the limits with which the
// document was read; they are widened for the canonical form.
func (c Content) Document(lim xmlread.Limits) (*etree.Document, error) {
	return xmlread.Parse(c.octets, lim.ForCanonical())
}

// Verified is a signature that verified, with what it covers. Only this package makes
// one; the zero Verified covers nothing and has no signer.
type Verified struct {
	contents []Content
	signer   *cert.Certificate
	suite    *suite.Suite
}

// Signer returns the certificate whose key verified. Whether it may be trusted is for
// a cert.Verifier to say.
func (v *Verified) Signer() *cert.Certificate { return v.signer }

// Suite returns the algorithms.
func (v *Verified) Suite() *suite.Suite { return v.suite }

// Contents returns what is covered, in the order of the references.
func (v *Verified) Contents() []Content { return v.contents }

// Whole returns the content that is the document without the signature, as [Verify]
// found it; the zero Content if there is none.
func (v *Verified) Whole() Content {
	for _, c := range v.contents {
		if c.covers() {
			return c
		}
	}
	return Content{}
}

// covers reports whether the content is a document.
func (c Content) covers() bool {
	return c.Element != nil && (c.URI == "" || isRoot(c.Element))
}

func isRoot(el *etree.Element) bool { return el.Parent() != nil && el.Parent().Parent() == nil }

// Verify reads a document within lim and verifies every signature of it in the national
// form: each Signature is a child of the root element, and has exactly one reference
// to the document. The results are in document order; each covers what stood before
// it. Certificates that are only named by issuer and serial number are looked up in
// known, which may be nil. All checks made are returned in either case; the error is a
// *record.Problem.
func Verify(text []byte, lim xmlread.Limits, known *cert.Pool) ([]*Verified, cert.Checks, error) {
	var checks cert.Checks
	doc, err := xmlread.Parse(text, lim)
	if err != nil {
		return nil, checks, checks.Judge("document.form", "", "", problemOf(err, "xml.syntax"))
	}
	checks.Add("document.form", "", cert.Passed, "well-formed, within the limits, without DOCTYPE and entities")
	signatures, ids, problem := place(doc)
	if err := checks.Judge("signature.place", "", "each a child of the root element", problem); err != nil {
		return nil, checks, err
	}
	all := make([]*Verified, len(signatures))
	total := 0
	for i, el := range slices.Backward(signatures) {
		v, err := verifyOne(doc, ids, el, known, &checks, signatures[i:])
		if err != nil {
			return nil, checks, err
		}
		if total += len(v.Whole().octets); total > maxOctets {
			return nil, checks, bad("too_many", el, "signatures over more than %d bytes", maxOctets)
		}
		all[i] = v
	}
	return all, checks, nil
}

func place(doc *etree.Document) ([]*etree.Element, *IDs, *record.Problem) {
	root := doc.Root()
	if root == nil {
		return nil, nil, bad("no_signature", nil, "no document")
	}
	signatures := Find(root)
	if len(signatures) == 0 {
		return nil, nil, bad("no_signature", root, "no Signature in the document")
	}
	if len(signatures) > maxSignatures {
		return nil, nil, bad("too_many", root, "more than %d signatures", maxSignatures)
	}
	for _, el := range signatures {
		if el.Parent() != root {
			return nil, nil, bad("misplaced", el, "a Signature that is not a child of the root element")
		}
	}
	ids, problem := NewIDs(root)
	return signatures, ids, problem
}

func verifyOne(doc *etree.Document, ids *IDs, el *etree.Element, known *cert.Pool, checks *cert.Checks,
	skip []*etree.Element) (*Verified, error) {
	s, problem := Read(el)
	if problem == nil {
		problem = s.coversDocument(doc, ids)
	}
	if err := checks.Judge("signature.form", "", "only accepted parts and algorithms, and the document is covered", problem); err != nil {
		return nil, err
	}
	find := func(keyInfo *etree.Element) ([]*cert.Certificate, *record.Problem) {
		return Certificates(keyInfo, known)
	}
	return s.Verify(doc, ids, find, checks, skip...)
}

// coversDocument checks that exactly one reference is to the document, enveloped, and
// that others are to elements inside the signature.
func (s *Signature) coversDocument(doc *etree.Document, ids *IDs) *record.Problem {
	covering := 0
	for _, ref := range s.References {
		el, problem := ref.target(doc, ids)
		switch {
		case problem != nil:
			return problem
		case el == doc.Root() && ref.Enveloped:
			covering++
		case !contains(s.el, el):
			return bad("not_covered", el, "a reference to a part of the document")
		}
	}
	if covering != 1 {
		return bad("not_covered", s.el, "%d references to the document, one is expected", covering)
	}
	return nil
}

// target returns the element that the reference is to: the root for "".
func (ref Reference) target(doc *etree.Document, ids *IDs) (*etree.Element, *record.Problem) {
	if ref.URI == "" {
		return doc.Root(), nil
	}
	return ids.Resolve(ref.URI)
}

// Finder returns the certificates that a KeyInfo, nil if there is none, holds or names.
type Finder func(keyInfo *etree.Element) ([]*cert.Certificate, *record.Problem)

// Verify verifies the signature with the first of the certificates found whose key fits, and every
// reference in doc with ids. The elements skip are left out of what references
// cover, as is the signature itself of an enveloped one. Each check is made, and
// appended to checks, even after another failed; the first failure is the error. The
// caller decides whether the references are those it wants, and whether the
// signer may be trusted.
func (s *Signature) Verify(doc *etree.Document, ids *IDs, find Finder, checks *cert.Checks, skip ...*etree.Element) (*Verified, error) {
	v := &Verified{suite: s.Suite}
	candidates, problem := find(s.KeyInfo)
	first := checks.Judge("signature.certificate", "", "given with the signature, or known", problem)
	if first == nil {
		v.signer, problem = s.verifyValue(candidates)
		first = checks.Judge("signature.value", "", s.Suite.Name, problem)
	}
	total := 0
	for _, ref := range s.References {
		content, problem := s.verifyReference(ref, doc, ids, skip)
		if total += len(content.octets); total > maxOctets {
			problem = bad("too_many", s.el, "references to more than %d bytes", maxOctets)
		}
		err := checks.Judge("signature.digest", ref.URI, "the digest of what is referenced", problem)
		if first == nil {
			first = err
		}
		if total > maxOctets {
			break
		}
		v.contents = append(v.contents, content)
	}
	if first != nil {
		return nil, first
	}
	return v, nil
}

// verifyValue verifies the signature over SignedInfo.
func (s *Signature) verifyValue(candidates []*cert.Certificate) (*cert.Certificate, *record.Problem) {
	octets, err := s.method.Element(s.info)
	if err != nil {
		return nil, problemOf(err, "xmldsig.structure")
	}
	digest := s.Suite.Digest(octets)
	suits := false
	for _, c := range candidates {
		if su, err := suite.Of(c.PublicKey); err != nil || su != s.Suite {
			continue
		}
		suits = true
		if s.Suite.Verify(c.PublicKey, digest, s.value) == nil {
			return c, nil
		}
	}
	if !suits {
		return nil, bad("key", s.el, "the certificate's key is not one for %s", s.Suite.Name)
	}
	return nil, bad("signature", s.el, "the signature does not verify with the certificate's key")
}

func (s *Signature) verifyReference(ref Reference, doc *etree.Document, ids *IDs, skip []*etree.Element) (Content, *record.Problem) {
	el, problem := ref.target(doc, ids)
	if problem != nil {
		return Content{}, problem
	}
	c := Content{URI: ref.URI, Element: el}
	if ref.Enveloped {
		if !contains(el, s.el) {
			return c, bad("transform", s.el, "enveloped-signature, but the signature is not inside what it covers")
		}
		skip = append(slices.Clone(skip), s.el)
	}
	var err error
	if ref.URI == "" {
		c.octets, err = ref.Method.Document(doc, skip...)
	} else {
		c.octets, err = ref.Method.Element(el, skip...)
	}
	if err != nil {
		return c, problemOf(err, "xmldsig.structure")
	}
	if !bytes.Equal(s.Suite.Digest(c.octets), ref.digest) {
		return c, bad("digest", el, "the content is not what was signed: its digest differs")
	}
	return c, nil
}
