package mapping

import (
	"errors"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas"
)

// Sink takes the events of a document as its bytes are written, and judges them. A compiled schema's
// [schemas.Checker] is one. A Sink is used by one goroutine.
type Sink interface {
	// Event takes one event; text is valid only during the call. Object as the first event begins a new document.
	Event(k schemas.Kind, text []byte)
	// Mark remembers the place before a record.
	Mark()
	// Report calls report for each violation since Mark (before the first Mark: since the beginning) and returns their number.
	Report(report func(path, code string)) int
	// Rewind forgets all events since Mark.
	Rewind()
}

// DocHeader is what a document's header can say about its transfer.
type DocHeader struct {
	Transfer, Message record.ID
	// Batch counts a transfer's documents from 1.
	Batch int
	// Sender and Recipient are BINs.
	Sender, Recipient string
	Route, Purpose    string
	// Path is "consent" or "statute"; Ground cites the legal basis.
	Path, Ground string
	// Created is written in UTC, to the second.
	Created time.Time
}

// Withheld is one reason why a cleared person is not in the document.
type Withheld struct {
	// Row is the index in the Cleared.
	Row int32
	// Target is the target path, e.g. "address.region".
	Target string
	// Code is a mapping.* or schema.* code.
	Code string
}

// Result says what became of each cleared person. It is valid until the encoder is used again.
type Result struct {
	// Rows has, for each record of the document in order, its index in the Cleared.
	Rows []int32
	// Withheld is ordered by Row; a row may have several reasons, or none here if it is in Rows.
	Withheld []Withheld
}

// Encoder writes the documents of one table. It is used by one goroutine.
type Encoder struct{}

// Encode appends one document with all people of c to dst. If nobody remains, nothing is appended. The error says
// why no document can be written at all: its header breaks the schema.
func (e *Encoder) Encode(dst []byte, c *legal.Cleared, h DocHeader) ([]byte, *Result, error) {
	return dst, &Result{}, errStub
}

var errStub = errors.New("mapping: refused")
