// Package formats holds the commands for the forms of documents, which need files only.
//
// # Commands
//
//	validate      documents against a schema of JSON or XML: every violation with line, place and code
//	mapping new   the beginning of a mapping table for a schema, or for the headings of a table
//
// A schema is one of XML if its first character is "<", else one of JSON. Documents for a schema of XML are XML; for one of JSON they are JSON, or by
// the ending of their names JSON Lines (.jsonl), CSV (.csv) or a workbook (.xlsx).
//
// No value of a document is printed. Exit codes: 0 valid, or written; 1 a document is not valid; 2 bad arguments, or a schema that cannot be used; 3
// a file cannot be read, or a program is missing.
package formats
