// Package c14n writes Canonical XML 1.0 and Exclusive XML Canonicalization 1.0, each
// with or without comments, from etree trees.
//
// # What is written
//
// A [Method] canonicalises a whole document or the subtree of one element. Given
// elements may be left out with everything in them, which is how the enveloped-signature
// transform sees a document. The tree is never changed.
//
// The inclusive method gives the apex element of a subtree the namespace declarations
// in scope there and the xml:* attributes of its ancestors, the nearest of each name;
// the exclusive method gives every element the declarations that it visibly
// utilises, and those of its PrefixList in the inclusive manner. Declarations
// are ordered by prefix, attributes by namespace name and local name, both by code
// point. Text escapes &, <, > and CR; attribute values escape &, <, ", tab, LF and CR.
// CDATA sections are text. The XML declaration and a document type declaration are
// left out. Comments and processing instructions beside the root element are
// each separated from it by one LF.
//
// # What the tree must hold
//
// Values as an XML processor reports them (package xmlread does; etree's own
// reader leaves literal tabs and line feeds in attribute values). Every prefix
// is declared, or the result is a problem c14n.undeclared_prefix. A namespace name
// without a scheme is a problem c14n.relative_namespace, as section 1.3 of
// Canonical XML demands. A form of more than [MaxOctets] is a problem c14n.too_large. The default attributes and entities of a DTD are not known.
package c14n
