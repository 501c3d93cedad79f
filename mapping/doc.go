// Package mapping turns cleared people into a recipient's document, by a table of fields that a lawyer can read: a row for each target, with
// its source, named transforms from a closed list, and why the recipient needs it. There is no expression language. The only
// input is [legal.Cleared]; what the law holds back is not there to be mapped.
//
// # The table
//
// A table is one YAML document, UTF-8 in NFC, at most 256 KiB, in a file <name>.yaml or <name>.v<version>.yaml. Unknown keys, repeated keys, anchors, aliases, tags
// and further documents are errors. All findings are reported at once, each with file, line and column.
//
//	mapping: oblast-consent            the connector's name: the file's, too
//	version: 1
//	schema: {name: .., version: 1, digest: "sha256:.."}     the schema that documents follow; the digest decides
//	output: {format: json, header: header, records: pupils} see Forms
//	header:                            one row for each target of the header, in order
//	  - {target: format, constant: birgeoqy-oblast-pupils}
//	  - {target: package, type: integer, from: batch}
//	records:                           one row for each target of a record, in order
//	  - target: address/region         a path; an object stands where its first target stands; in XML the last
//	                                   name may be an attribute, with @ before it
//	    from: region                   a field of the register, or a list of fields (see concat)
//	    steps: [trim, collapse_spaces]
//	    codes: regions                 a code list: its name, or rows {from: .., to: ..} in place
//	    type: string                   string (default), integer or boolean
//	    required: true                 default false
//	    max_length: 150                in Unicode code points
//	    absent: omit                   omit (default) or "null", for a value that is missing
//	    heading: {kk: Облыс, ru: Область, en: Region}           the column's heading in CSV and XLSX, by language
//	    necessity: pupils are counted by oblast                 at least ten characters; mandatory beside from
//	  - {target: country, constant: KZ}
//	  - {target: iin_mark, mark: iin}  whose word a field's value is, where the form has room for it; absent where the value is
//	code_lists:
//	  regions: [{from: "610000000", to: "61", note: ..}, ..]
//
// A header row's from is one of transfer, message (32 hexadecimal digits), batch (from 1), sender, recipient (BIN), route, purpose, path,
// ground, created (RFC 3339, UTC, seconds) and provenance: an object of the shape of a record, with a mark in the place of every value
// that has a source. A mark is [SelfDeclared], or verified_by:SOURCE,DATE if the register says so of every field that the target is made of (policy 2.4).
//
// On a route of statistics a row's from is one of the columns of a table of counts: group, people and hidden ([legal.Columns]).
//
// A field that the register does not permit on the route cannot be named: the table does not load (mapping.field_not_permitted).
//
// # From a value to a target
//
// The value is taken as cleared; what is NULL, or not cleared for this person, is missing. It must be UTF-8. The steps follow in order; then
// NFC; then the code list; then type and length are checked. A value that is empty at the end of any step is missing. A missing value
// is never filled in. Several sources are joined by the step concat: the steps before it are done to each of them, the steps after it to the whole.
//
//	trim              removes white space at both ends
//	collapse_spaces   makes one space of each run of white space
//	nfc               composes characters (Unicode NFC); every row ends with it unasked
//	upper             makes capital letters, one for one
//	lower             makes small letters, one for one
//	digits            removes spaces, hyphens, dots, brackets and a plus sign; anything else but digits is refused
//	e164              writes a Kazakhstan phone number as +7 and ten digits; any other number is refused
//	phone_national    writes a Kazakhstan phone number as 8 and ten digits; any other number is refused
//	concat: text      joins the values of several sources with the text given; if one is missing, nothing comes out
//
// [birgeoqy.kz/almasu/mapping/transform] has examples, which run as tests.
//
// # Withholding
//
// A record that cannot be written rightly is withheld, and the rest goes on. First the table's own checks are asked, then the form, then
// the schema; the reasons are all that the first of them to object has (of the form: one). A reason is a row, a target and a code,
// never a value:
//
//	mapping.required_missing   a required value is missing
//	mapping.too_long           longer than max_length
//	mapping.bad_utf8           not valid UTF-8
//	mapping.not_digits, mapping.not_phone   a transform refuses the value
//	mapping.code_unmapped      the code list has no row for the value, whether required or not
//	mapping.not_of_type        not an integer of at most 15 digits, not true or false
//	mapping.not_xml, mapping.formula, mapping.not_in_encoding, mapping.too_long_for_cell, mapping.too_many_rows   the form cannot hold the value
//	schema.*                   the schema refuses the record ([birgeoqy.kz/almasu/schemas])
//
// A document whose header or whose number of records breaks the schema is not written at all: mapping.header_invalid,
// mapping.document_invalid.
//
// # Forms
//
// [birgeoqy.kz/almasu/mapping/form] specifies the bytes. A record's position in the document names its person: records stand in the order
// of the Cleared.
//
//	json       header, records: members of the one object
//	jsonlines  no header; records names the member that the schema knows the records by
//	xml        header, records and: root, record (elements), namespace (a URI, optional; of names without a prefix), namespaces (prefix: URI,
//	           optional). A target may have prefixes (p:name), end in an attribute (also of an element that is a target itself), and tell
//	           elements of one name apart by positions: phone[1], phone[2]. Its schema may be one of XML.
//	csv        no header; records as for jsonlines; delimiter (",", ";" or a tab), bom: true, encoding: utf-8 or windows-1251, headings
//	xlsx       no header; records as for jsonlines: the sheet's name, too; headings
//
// headings: [kk] or [kk, ru] chooses the languages of the headings; several are joined by " / ". Then every row has a heading in each of them, and no
// two columns have the same. Without headings, columns are headed by their targets. A heading, a constant or a code that cannot stand in a cell, such as a
// Kazakh letter in windows-1251, is an error of the table; a value that cannot is withheld.
//
// Every record's events are announced to a [Sink]; a record that the sink refuses is taken back.
//
// Writing a record allocates nothing. Lineage is static: [Table.Lineage] has each target once, with its sources and every step.
package mapping
