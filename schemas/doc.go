// Package schemas holds the recipients' document schemas, compiled to checks on a document's events.
package schemas
