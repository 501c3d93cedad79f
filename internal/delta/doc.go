// Package delta knows what a recipient holds of each person, as a digest, and compares it with what would be sent today.
//
// # Digests
//
// A [Digest] is the first 16 bytes of SHA-256 over a key (32 bytes: SHA-256 over "almasu-delta-key/v1", a
// line feed and a secret of the service), the scope (32 bytes, see [Scope]), the person's mask of the columns that the mapping reads
// (8 bytes, big endian), and for each of these columns that is set in the mask the value: 0 for NULL, else its length plus one (uvarint) and its bytes. So it
// changes whenever the record that would be written may be another one, and tells nothing to whoever does not have the key. [Zero] says that the recipient holds
// nothing of the person, [Stale] that it holds something that is to be sent again; neither is ever a person's digest.
//
// # Pages
//
// What one recipient holds over one connector is a book: pages of [PageSize] digests by ordinal, page n from ordinal n times PageSize. A page at rest is
// its digests in order, without the Zero ones at its end, sealed by the vault under the purpose "held" and the name connector/recipient/n (its body), and a list of those that have
// changed since, sealed under the name connector/recipient/n/recent: they count in the place of the body's. The list has at most one for eight digests of the body, then the page is written
// whole. A page may be marked as stale from outside: then every digest in it that is not Zero is read as Stale.
//
// # Lists
//
// What a message makes of the book is a list of ordinals and digests in the order of its records: one byte of version (1), the number of entries (uvarint), and for each
// the difference of its ordinal to the one before (zigzag varint, from 0) and its digest. At rest it is sealed under the purpose "held" and the message's id. It waits beside the
// message, and is applied ([Apply]) when the recipient has accepted the message, without the records that it rejected; a message that ends otherwise changes nothing.
//
// # Comparing
//
// A [Book] reads digests, one goroutine at a time, and keeps the last 64 pages that it has read, 4 MiB. What waits counts as held: nobody is sent twice because
// a receipt is late.
//
// Errors: [ErrMalformed] for bytes that are no page or list; [vault.ErrOpen].
package delta
