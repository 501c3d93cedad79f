package authority

import (
	"errors"
	"strconv"
	"sync"

	"birgeoqy.kz/almasu/internal/authority/tabular"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/schemas"
	docreading "birgeoqy.kz/almasu/schemas/reading"
)

// verdict is what became of a document: refused as a whole, or outcomes for the records that were not accepted.
type verdict struct {
	records  int
	outcomes []signing.Outcome
	updated  int // of the outcomes
	refused  *record.Problem
}

func (v *verdict) rejected() int { return len(v.outcomes) - v.updated }

func (v *verdict) code() string {
	if v.refused == nil {
		return ""
	}
	return v.refused.Code
}

func (v *verdict) accepted() int {
	if v.refused != nil {
		return 0
	}
	return v.records - len(v.outcomes)
}

// judge checks documents against one schema. It is safe for concurrent use.
type judge struct {
	schema  *schemas.Schema
	columns []string // of tables
	unique  []string
	pool    sync.Pool // of *reading
}

// plain is the document in the form that its schema is about; a table becomes a JSON object with an array of records.
func (j *judge) plain(document []byte, mediaType string) ([]byte, *record.Problem) {
	if mediaType == j.schema.MediaType() {
		return document, nil
	}
	if j.schema.XML() != nil {
		return nil, record.NewProblem("message.media_type", "", "", "expected %s", j.schema.MediaType())
	}
	b, err := tabular.JSON(document, mediaType, j.schema.Records(), j.columns)
	if err != nil {
		var p *record.Problem
		if !errors.As(err, &p) {
			p = record.NewProblem("message.media_type", "", "", "the document cannot be read")
		}
		return nil, p
	}
	return b, nil
}

func newJudge(s *schemas.Schema, columns, unique []string) *judge {
	j := &judge{schema: s, columns: columns, unique: unique}
	j.pool.New = func() any {
		return &reading{reader: docreading.New(s), member: s.Records(), unique: unique, seen: make([]map[string]int, len(unique))}
	}
	return j
}

// judge checks a document that the envelope says to hold claimed records. One pass counts the records, checks the schema and
// finds repeated values; only a document that breaks its schema is read again, for the places.
func (j *judge) judge(document []byte, claimed int) verdict {
	r := j.pool.Get().(*reading)
	defer j.pool.Put(r)
	r.begin()
	v := verdict{records: claimed}
	if err := r.reader.Read(document, r); err != nil {
		v.refused = record.NewProblem("schema.malformed", "", "", "the document is not well-formed %s", j.schema.MediaType())
		return v
	}
	if r.member != "" && r.records != claimed {
		v.refused = record.NewProblem("message.records", "", "", "the envelope counts %d records, the document holds %d", claimed, r.records)
		return v
	}
	rejected := map[int]signing.Outcome{}
	if r.reader.Broken() {
		found, err := j.schema.CheckDocument(document)
		if err != nil {
			v.refused = record.NewProblem("schema.violations", "", "", "the document breaks its schema in too many places")
			return v
		}
		for _, one := range found {
			if one.Record < 0 {
				v.refused = record.NewProblem(one.Code, "", "", "the document breaks its schema at %s", one.Path)
				return v
			}
			if _, ok := rejected[one.Record]; !ok {
				rejected[one.Record] = outcome(one.Record, one.Code, one.Path)
			}
		}
	}
	for _, d := range r.duplicates {
		if _, ok := rejected[d.record]; !ok {
			rejected[d.record] = outcome(d.record, "record.duplicate", "/"+j.unique[d.field]+" is that of record "+strconv.Itoa(d.first))
		}
	}
	for i := 0; len(v.outcomes) < len(rejected); i++ {
		if o, ok := rejected[i]; ok {
			v.outcomes = append(v.outcomes, o)
		}
	}
	return v
}

// outcome is a rejection; its text names a place and never a value.
func outcome(index int, code, text string) signing.Outcome {
	if len(text) > 400 {
		text = ""
	}
	return signing.Outcome{Index: index, Status: signing.StatusRejected, Code: code, Text: text}
}

// duplicate says that a unique field of a record has the value of an earlier one.
type duplicate struct{ record, first, field int }

// reading takes the events of one document.
type reading struct {
	reader     *docreading.Reader
	member     string
	unique     []string
	seen       []map[string]int
	duplicates []duplicate

	depth   int
	next    bool // the next value is the array of records
	inside  bool // the array of records is open
	records int
	field   int // the unique field whose value comes next, -1 if none
}

func (r *reading) begin() {
	r.depth, r.next, r.inside, r.records, r.field, r.duplicates = 0, false, false, 0, -1, r.duplicates[:0]
	for i := range r.seen {
		if r.seen[i] == nil {
			r.seen[i] = map[string]int{}
		}
		clear(r.seen[i])
	}
}

// Event implements schemas.Events.
func (r *reading) Event(k schemas.Kind, text []byte) {
	switch k {
	case schemas.Name:
		r.name(text)
		return
	case schemas.EndObject, schemas.EndArray:
		r.depth--
		if r.depth == 1 {
			r.inside = false
		}
		return
	}
	if r.inside && r.depth == 2 {
		r.records++
	}
	if r.field >= 0 {
		if k == schemas.String || k == schemas.Number {
			r.value(text)
		}
		r.field = -1
	}
	if k == schemas.Object || k == schemas.Array {
		r.inside = r.inside || r.next && r.depth == 1 && k == schemas.Array
		r.depth++
	}
	r.next = false
}

func (r *reading) name(text []byte) {
	switch {
	case r.depth == 1:
		r.next = r.member != "" && string(text) == r.member
	case r.depth == 3 && r.inside:
		for i, name := range r.unique {
			if string(text) == name {
				r.field = i
			}
		}
	}
}

func (r *reading) value(text []byte) {
	if first, ok := r.seen[r.field][string(text)]; ok {
		r.duplicates = append(r.duplicates, duplicate{record: r.records - 1, first: first, field: r.field})
		return
	}
	r.seen[r.field][string(text)] = r.records - 1
}
