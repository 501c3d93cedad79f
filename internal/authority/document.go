package authority

import (
	"errors"
	"strconv"
	"sync"

	"birgeoqy.kz/almasu/internal/authority/records"
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

// reading is what one document is read with.
type reading struct {
	reader  *docreading.Reader
	records *records.Records
}

func newJudge(s *schemas.Schema, columns, unique []string) *judge {
	j := &judge{schema: s, columns: columns, unique: unique}
	j.pool.New = func() any {
		return &reading{reader: docreading.NewShallow(s, records.Depth), records: records.New(s.Records(), unique)}
	}
	return j
}

// judge checks a document that the envelope says to hold claimed records. One pass counts the records, checks the schema and
// finds repeated values; only a document that breaks its schema is read again, for the places.
func (j *judge) judge(document []byte, claimed int) verdict {
	r := j.pool.Get().(*reading)
	defer j.pool.Put(r)
	r.records.Begin()
	v := verdict{records: claimed}
	if err := r.reader.Read(document, r.records); err != nil {
		v.refused = record.NewProblem("schema.malformed", "", "", "the document is not well-formed %s", j.schema.MediaType())
		return v
	}
	if n := r.records.Count(); j.schema.Records() != "" && n != claimed {
		v.refused = record.NewProblem("message.records", "", "", "the envelope counts %d records, the document holds %d", claimed, n)
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
	for _, d := range r.records.Repeats() {
		if _, ok := rejected[d.Record]; !ok {
			rejected[d.Record] = outcome(d.Record, "record.duplicate", "/"+j.unique[d.Field]+" is that of record "+strconv.Itoa(d.First))
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
