// Package simple judges texts by the simple types of XML Schema 1.0 (Part 2: Datatypes): built-in types, restrictions by facets, lists and unions.
//
// Every built-in type is there but ID, IDREF, IDREFS, ENTITY, ENTITIES and NOTATION. Every facet is there but bounds on durations, which are
// only partly ordered. Patterns are those of [pattern.CompileXML], names those of [pattern.IsName]. Years have at most nine digits. Unsigned types have no sign, as
// XML Schema 1.0 says; 1.1 allows one.
//
// A text is judged as it stands in a document: white space is treated as the type says, then patterns, the lexical form, and the facets are
// asked. Values that a facet compares are compared by value: 1.0 is 1, and 10:00Z is 15:00+05:00. Judging allocates nothing for the
// types that records are made of; bounds on float and double, and lists of QName, may.
//
// Codes: schema.type (not of the lexical form), schema.pattern, schema.enum, schema.length, schema.min_length, schema.max_length, schema.minimum,
// schema.maximum, schema.exclusive_minimum, schema.exclusive_maximum, schema.total_digits, schema.fraction_digits.
package simple
