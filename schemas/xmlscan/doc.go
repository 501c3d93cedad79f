// Package xmlscan reads XML 1.0 from strangers as a stream of events: no tree, no memory for a document's size, nothing allocated for an
// element. The receiving side checks documents with it, and schemas are read with it.
//
// # What is accepted
//
// One document in UTF-8 (an optional byte order mark, an optional declaration with version 1.0 and encoding UTF-8), well-formed by XML 1.0
// (fifth edition) and Namespaces in XML 1.0. The five predefined entities and character references are the only references. Nothing is
// ever read but the bytes that were given.
//
// # What is refused, and the code of the problem
//
//	xml.doctype               a document type declaration, whatever is in it
//	xml.entity                any other entity reference
//	xml.encoding              not UTF-8, or another encoding declared
//	xml.version               a version other than 1.0
//	xml.character             a character that XML 1.0 does not allow
//	xml.too_deep              more nesting than MaxDepth
//	xml.too_many_attributes   more attributes on an element than MaxAttributes, declarations included
//	xml.too_many_namespaces   more declarations in scope than MaxNamespaces
//	xml.duplicate_attribute   two attributes of one name, or of one expanded name
//	xml.undeclared_prefix     a prefix that no declaration in scope binds
//	xml.namespace             a declaration that Namespaces in XML forbids
//	xml.root                  no root element, or more than one, or text beside it
//	xml.syntax                anything else that is not well-formed
//
// # What is reported
//
// Values as sections 2.11 and 3.3.3 of XML 1.0 say: line ends are LF; a literal tab or line end in an attribute's value is a space. Text comes in
// pieces as it stands; comments, processing instructions and namespace declarations are not reported.
package xmlscan
