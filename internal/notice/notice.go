package notice

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"slices"
	"sync"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas"
)

// MediaType is the media type of a notice.
const MediaType = "application/json"

// Most is how many records one notice names at most; [Schema] says the same.
const Most = 100

// Act is what the recipient is told to do.
type Act string

// The acts. The zero Act is none.
const (
	Correct  Act = "correct"
	Withdraw Act = "withdraw"
	Destroy  Act = "destroy"
)

// Acts lists the acts, from the weakest to the strongest.
func Acts() []Act { return []Act{Correct, Withdraw, Destroy} }

// Valid reports whether a is one of [Acts].
func (a Act) Valid() bool { return slices.Contains(Acts(), a) }

// Over reports whether a still says something about a record of which b was said before; b is "" if nothing was.
func (a Act) Over(b Act) bool {
	if a == Correct && b == Correct {
		return true
	}
	return slices.Index(Acts(), a) > slices.Index(Acts(), b)
}

// Done is the code of the outcome with which a recipient confirms the act.
func (a Act) Done() string {
	return map[Act]string{Correct: "notice.corrected", Withdraw: "notice.withdrawn", Destroy: "notice.destroyed"}[a]
}

// Document is a notice.
type Document struct {
	// V is the version of the form: 1.
	V        int       `json:"notice"`
	Transfer record.ID `json:"transfer"`
	Message  record.ID `json:"message"`
	Records  []Record  `json:"records"`
}

// Record is one record with what becomes of it.
type Record struct {
	// Message and Envelope name the message that brought it, Index its place there, from 0.
	Message  record.ID     `json:"message"`
	Envelope record.Digest `json:"envelope"`
	Index    int           `json:"index"`
	Act      Act           `json:"act"`
	// Rule is the rule that the act stands on, or that forbids the new values; Why says it in a word.
	Rule string `json:"rule"`
	Why  string `json:"why"`
	// Places are what is corrected.
	Places []Place `json:"places,omitempty"`
}

// Place is a value in a record.
type Place struct {
	// At is its path, names divided by "/".
	At string `json:"at"`
	// Value is the new value as JSON, null if there is none any more; nil if it may not be said.
	Value json.RawMessage `json:"value,omitempty"`
}

// HasValues reports whether the record says a new value, or that there is none any more.
func (r *Record) HasValues() bool {
	return slices.ContainsFunc(r.Places, func(p Place) bool { return p.Value != nil })
}

//go:embed notice.v1.json
var source []byte

// Schema is the schema that notices follow.
var Schema = sync.OnceValue(func() *schemas.Schema {
	s, err := schemas.Compile(source)
	if err != nil {
		panic("notice: the embedded schema is broken: " + err.Error())
	}
	return s
})

// Encode writes a document. One that [Parse] would refuse is not written: notice.malformed.
func Encode(d *Document) ([]byte, error) {
	d.V = 1
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(d); err != nil {
		return nil, malformed("the document cannot be written")
	}
	b := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	_, err := Parse(b)
	return b, err
}

// Parse reads a document strictly. The code of the error is notice.malformed; its text holds no value.
func Parse(b []byte) (*Document, error) {
	found, err := Schema().CheckDocument(b)
	if err != nil {
		return nil, malformed("the document is not well-formed JSON")
	}
	if len(found) > 0 {
		return nil, malformed("the document breaks the schema of notices at " + found[0].Path)
	}
	d := &Document{}
	if err := json.Unmarshal(b, d); err != nil {
		return nil, malformed("the document cannot be read")
	}
	if d.Transfer.IsZero() || d.Message.IsZero() {
		return nil, malformed("the document does not name its transfer and its message")
	}
	for i := range d.Records {
		r := &d.Records[i]
		if r.Message.IsZero() || r.Envelope.IsZero() {
			return nil, malformed("a record does not name the message that brought it")
		}
		if (r.Act == Correct) != (len(r.Places) > 0) {
			return nil, malformed("places stand with correct, and only there")
		}
		for j, p := range r.Places {
			if slices.ContainsFunc(r.Places[:j], func(q Place) bool { return q.At == p.At }) {
				return nil, malformed("a place is named twice")
			}
		}
	}
	return d, nil
}

func malformed(message string) error {
	return record.NewProblem("notice.malformed", "", "", "%s", message)
}
