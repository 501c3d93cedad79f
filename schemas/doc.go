// Package schemas holds the document schemas that were agreed with recipients, compiled to checks on a document's events: the sender
// checks a document while its bytes are written, the receiver while it reads them, both by the same code. It also has the strict
// JSON reader that both ends rely on ([Scan]).
//
// A schema is one of JSON Schema, whose subset stands below, or one of XML Schema, whose subset is that of [birgeoqy.kz/almasu/schemas/xsd];
// documents of the latter are XML.
//
// # The subset of JSON Schema
//
// A schema is one JSON text in the dialect 2020-12, which it must name in "$schema". What is not in this table is refused when the
// schema is loaded, with keyword, line and JSON pointer; nothing is ever skipped.
//
//	$schema, $id, $defs       at the root only; every definition must be used
//	$ref                      "#/$defs/name" only; beside it only annotations
//	type                      one name or several
//	enum, const               strings, numbers, true, false, null; numbers compare by value (1 equals 1.0)
//	minLength, maxLength      in Unicode code points
//	pattern                   of the sub-language of schemas/pattern
//	format                    "date" only, asserted: RFC 3339 full-date
//	minimum, maximum, exclusiveMinimum, exclusiveMaximum   exact, of any size
//	properties                at most 64 an object
//	required                  each name declared in properties
//	additionalProperties      true or false
//	items, minItems, maxItems items for all items of an array
//	title, description, $comment, examples, default        no effect
//	true, false               as schemas, except at the root
//
// As the standard says, a keyword has effect only on values of its own kind, and 1.0 is an integer. Bounds that exclude each other are
// refused. [Schema.Full] gives the same schema in a complete validator; for every schema that compiles, both give the same verdict.
//
// A pattern is of the sub-language that [birgeoqy.kz/almasu/schemas/pattern] documents: what ECMA-262 and Go read alike. It becomes a table; there
// is no other engine, so no input makes a pattern slow.
//
// # Records
//
// The records of a document are the items of the root's one property that must be an array of objects. Violations carry the record's
// index; a schema with no such property, or several, has no records.
//
// # Guarantees
//
// Checking never changes with the order of members, allocates nothing for a record without violations, and reports every violation of
// a document, each with a place and without values. A document with more than [MaxViolations] is refused as a whole. JSON that leaves room for
// two readings is refused before any schema is asked (see [Scan]); the codes are json.syntax, json.truncated, json.trailing,
// json.duplicate_name, json.depth, json.utf8, json.surrogate, json.control and json.bom.
//
// Codes of violations: schema.type, const, enum, min_length, max_length, pattern, format, minimum, maximum, exclusive_minimum,
// exclusive_maximum, required, additional_properties, min_items, max_items. Codes of findings about schemas are listed in
// testdata/broken.txtar with an example each.
package schemas
