// Package xmlread reads XML 1.0 from strangers into an etree tree. It exists because
// signatures need the exact values that an XML processor must report, and because a
// signed message arrives before anybody is known to be trustworthy.
//
// # What is accepted
//
// One document in UTF-8 (an optional byte order mark, an optional declaration with
// version 1.0 and encoding UTF-8), well-formed by XML 1.0 (fifth edition) and
// Namespaces in XML 1.0. The five predefined entities and character references are
// the only references.
//
// # What is refused, and the code of the problem
//
//	xml.doctype               a document type declaration, whatever is in it
//	xml.entity                any other entity reference
//	xml.encoding              not UTF-8, or another encoding declared
//	xml.version               a version other than 1.0
//	xml.character             a character that XML 1.0 does not allow
//	xml.too_large             more bytes than Limits.Bytes
//	xml.too_deep              more nesting than Limits.Depth
//	xml.too_many_elements     more elements than Limits.Elements
//	xml.too_many_attributes   more attributes on an element than Limits.Attributes
//	xml.too_many_namespaces   more declarations in scope than Limits.Namespaces
//	xml.duplicate_attribute   two attributes of one name, or of one expanded name
//	xml.undeclared_prefix     a prefix that no declaration in scope binds
//	xml.namespace             a declaration that Namespaces in XML forbids
//	xml.root                  no root element, or more than one, or text beside it
//	xml.syntax                anything else that is not well-formed
//
// Nothing is ever read but the bytes that were given: there is no external entity, no
// schema, no stylesheet.
//
// # What the tree holds
//
// Values as section 2.11 and 3.3.3 of XML 1.0 say: line ends are LF; a literal tab, line
// feed or carriage return in an attribute value is a space, while a character
// reference to one of them (&#9; &#10; &#13;) survives as that character. CDATA sections
// are separate etree.CharData tokens. White space and the declaration outside the root
// element are not kept; comments and processing instructions are.
//
// # Protocol elements
//
// [Children], [Text], [Base64] and [Attributes] take apart the elements of a signature or an
// envelope, where nothing may stand that is not part of the protocol: their problems are
// xml.unexpected and xml.base64.
package xmlread
