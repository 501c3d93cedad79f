// Package sigtool is the command line for signatures in files: almasu verify, almasu
// sign and almasu cert. It decides nothing about cryptography or trust; that is done by
// the packages below internal/signing and by internal/soap.
//
// # What is accepted at the boundary
//
// People hand over what their tools wrote. Armour is taken off before a document is
// read, and nothing else is changed:
//
//	CMS, tokens, lists, answers, certificates   DER or BER; PEM with any label, on any number
//	                                            of lines or on one; base64 or base64url, on
//	                                            any number of lines; line ends behind the
//	                                            outer value; a byte order mark; text in
//	                                            UTF-16
//	XML                                         UTF-8; UTF-16; windows-1251 if it is declared;
//	                                            base64; white space around the document
//
// XML in another encoding is transcoded, as every XML processor does before
// canonicalisation. A declaration of UTF-16 on a document whose octets are not UTF-16 is
// passed over: tools that sign texts in memory leave it behind. Everything past the
// boundary is strict.
//
// # Trust
//
// Roots come from --roots only. Certificates of --intermediates and --known, and those in
// the document, help to find a chain and are not trusted. Revocation is
// established by lists (--crl), kept answers (--ocsp-response) and responders (--ocsp on), in this
// order; the first that knows decides. If none is given the result says that revocation
// was not checked; with --require-revocation it is a failure. A list or kept answer that
// has run out counts only if --at names a time at which it had not.
//
// # Time
//
// --at is the time at which certificates must have been valid, by default the present. A trusted
// signature time stamp inside a CMS document takes its place for the signer's chain.
//
// # Results
//
// Every verification yields a [Report]. The commands exit with 0 if everything verified, 1 if the
// document does not verify for whatever reason that lies in the document, in its
// certificates or in what could be established about them, 2 for bad arguments, keys,
// roots and lists, 3 if a file or a signing service cannot be reached. Content is written
// only if all of it verified, and only as it was verified. No file is overwritten but an
// index of a revocation list.
package sigtool
