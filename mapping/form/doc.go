// Package form writes documents: it turns the finished values of records into the bytes of a form, and into the events that a
// schema is asked about. It knows nothing of where values come from. Every value is valid UTF-8; a nil value is missing.
//
//	JSON       one object with header and records
//	JSONLines  one object a line, no header
//	XML        elements and attributes, canonical by construction
//	CSV        a table with headings, no header, UTF-8 or windows-1251
//	XLSX       a workbook with one sheet of text cells under a frozen line of headings, no header
//
// Each type's comment specifies its bytes. The events are the same for every form: an object with the header's member and the records'
// member, an array with an object for each record. So one schema language checks them all.
//
// A form never changes a value. What it cannot hold it refuses with a code, for that record alone.
package form
