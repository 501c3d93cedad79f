// Package platform reads people from the education platform's SQL database: PostgreSQL, or the embedded SQLite.
//
// # What is read
//
// Relations and columns are named in [Config]. A read selects the columns of the fields that the [connectors.Query] permits and the
// decision columns (key, IIN, places, state of the account, consents, and the time of the last change if it is asked for), and no other: the SELECT list is computed from
// those two sets. Identifiers are checked and quoted; no value of any data ever becomes part of a statement. The role
// that [Grants] describes can read nothing else.
//
// # The snapshot
//
// A stream is one read-only transaction: REPEATABLE READ on PostgreSQL, a deferred read transaction on SQLite. In it the
// consent forms and the keys of blocked people are read first, wholly (both are small), then everybody in one streaming
// query in key order, with LEFT JOINs to accounts and consents. Memory does not grow with the number of people. Of each person all
// consents are read, ordered by their times.
//
// # Two connections
//
// For a query that is wide, on PostgreSQL, the first connection exports its snapshot, and a second one imports it, unless the configuration has one connection, keys are texts (their relations need not have
// an index in the order of the keys), or the query is bounded above or asks for what changed. The keys are cut into stretches of 10,000 people, each found by a look-up in the index
// of the keys as the reading goes on; the connections read stretches in turn, up to 2.5 MiB ahead each, and the rows are handed out in the order of the stretches. Where no
// index gives the key, one connection reads. A profile without a key lies in no stretch: it is looked for at the end, and is an error as in any read.
//
// # Key order
//
// Keys ascend strictly; the stream checks it. Their bytes preserve the order: an integer is eight bytes big-endian with the sign
// bit flipped, a uuid its sixteen bytes, a text its UTF-8 bytes (collation "C" on PostgreSQL, BINARY on SQLite).
//
// A query's bounds are decoded from that form into values of the key's type, and compared by the database in the order in which it
// sorts; the stream checks that what comes lies between them. A bound that is not of the key's type is an error ("source.bound").
//
// # Columns of changes
//
// On PostgreSQL each relation that decides about a person (profiles, accounts, consents, both feeds of blocks) may have a column of type xid8 in which
// the platform keeps pg_current_xact_id() of the transaction that has written the row last; all of them have one or none. A stream then has a
// horizon, as package horizon defines it, and a query with this horizon as Since reads the people of whom some row's column is not below it. So a transaction that was
// open at the snapshot and commits afterwards, however late, is found, and one that committed shortly before may be read again: never too few. Consent forms have no
// such column: they are read wholly, and they and the configuration are what must be the same for a horizon to be used. A row that
// is deleted has no column: that is seen only if the platform writes the person's profile with it.
//
// # The wire, on PostgreSQL
//
// Each row arrives as one bytea, made by the server's record_send: a count of columns, then for each column its type,
// its length (-1 for NULL) and its bytes in the type's binary form, all big-endian 32-bit numbers. The driver hands over
// such a value without copying or decoding it, package lanes gathers some hundred at a time, and lengths, not delimiters, separate the values. Fields travel cast to text; times, integers
// and booleans in their binary form.
//
// # Values
//
// A field's value is its column's text. NULL stays absent, and an empty text stays empty. Times may be timestamptz, timestamp or date
// (taken as UTC), integers of Unix microseconds, or RFC 3339 text; a time that is present never becomes 0. A consent's
// terms come from its form, from its own columns, or from both, its own columns first; equal terms are one pointer. A consent that
// points to an unknown form has empty terms, which permit nothing.
//
// # Failure
//
// The end is reported only when the database has said that the result is complete; a cut connection, a cancelled context and a
// malformed row are errors, after which the stream yields nothing more. Errors carry a code ("source.order", ...) and name
// columns, never values; the text of a database error is kept out where it could quote data (SQLSTATE class 22).
package platform
