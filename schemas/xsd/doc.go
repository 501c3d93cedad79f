// Package xsd compiles schemas of W3C XML Schema 1.0 (second edition) to automata, and judges XML documents by them: as bytes ([Reader]), or from their parts while
// they are written ([Checker]). Memory is that of the open elements, and of the keys of unique, key and keyref.
//
// # The subset
//
// A schema that uses anything else is refused when it is loaded, with xsd.unsupported, file and line; nothing is ever skipped.
//
//	schema                targetNamespace, elementFormDefault, attributeFormDefault, version; include (also of a schema without a target
//	                      namespace), import; locations are relative paths
//	element               name or ref, type, minOccurs, maxOccurs, nillable, default and fixed (of simple content), form
//	complexType           mixed; sequence, choice, all, group; simpleContent and complexContent by extension and restriction
//	any, anyAttribute     namespace, processContents (strict, lax, skip)
//	attribute, attributeGroup   name or ref, type, use, default, fixed, form; at most 64 attributes a type
//	simpleType            restriction, list, union, and the types of schemas/xsd/simple
//	unique, key, keyref   selector and field in the XPath subset of section 3.11.6; a keyref refers to a key of the same element
//	annotation            no effect; documentation describes targets
//
// Not supported are redefine, notation, substitutionGroup, abstract, block and final, the extension of all, and the types ID, IDREF, IDREFS, ENTITY,
// ENTITIES and NOTATION. xsi:type and xsi:nil are supported in documents; xsi:schemaLocation is never followed.
//
// A restriction of complex content is judged by what it says itself; that it allows no more than its base is not checked. A content model
// that leaves open which particle an element belongs to is refused (Unique Particle Attribution), and so is one that repeats an element that is counted and has to occur
// more than once. An element that occurs more than 32 times is counted; a group is written out, so that a model may become too large. Refused as too large (xsd.too_large) are
// a file of more than a megabyte, more than 100 files, a content model of more than 4,000 elements or states, groups that come to more than 200,000 elements and
// attributes when they are written out, and a union of more than 500 types.
//
// A field of unique, key and keyref has to be a simple value; an attribute that is left out has its default value. What a wildcard lets pass undeclared has no value
// for a field.
//
// # Records
//
// The records of a document are the repeated elements inside the root's one child that holds nothing but one repeated element of complex
// type. A schema with several such children, or several such roots, has no records.
//
// # The digest
//
// A schema of one file has the SHA-256 of its bytes. One of several files has the SHA-256 of a list of them: what sha256sum prints for all files,
// named relative to the first one's folder and sorted.
//
// # Codes
//
// Of violations: those of schemas/xsd/simple, and schema.root (the root element is not declared), schema.unexpected (an element that
// may not stand there), schema.unexpected_attribute, schema.required (an element or attribute is missing), schema.min_items (a repeated
// element occurs too seldom), schema.content (text where only elements may stand, or the other way round), schema.const (not the fixed value), schema.nil,
// schema.xsi_type, schema.unique, schema.key, schema.keyref.
//
// Of findings about schemas: xsd.not_schema, xsd.syntax, xsd.unsupported, xsd.unresolved, xsd.twice, xsd.loop, xsd.include, xsd.derivation,
// xsd.facet, xsd.pattern, xsd.value, xsd.ambiguous, xsd.too_large, and the codes of xmlscan.
package xsd
