package platform

import (
	"encoding/binary"
	"strings"

	"birgeoqy.kz/almasu/connectors/platform/cell"
	"birgeoqy.kz/almasu/internal/record"
)

// maxTerms bounds the different terms of one snapshot: more means that a term column holds something personal.
const maxTerms = 100_000

// part is one part of a consent's terms: its name in the configuration and its column, "" if it has none.
type part struct{ name, column string }

const partCount = 13

// parts lists the columns in the order in which build reads their values.
func (t *Terms) parts() [partCount]part {
	return [partCount]part{
		{"policy_version", t.PolicyVersion}, {"operator_bin", t.OperatorBIN}, {"subject_named", t.SubjectNamed},
		{"until_purpose", t.UntilPurpose}, {"third_parties", t.ThirdParties}, {"cross_border", t.CrossBorder},
		{"publication", t.Publication}, {"fields", t.Fields}, {"purposes", t.Purposes}, {"recipients", t.Recipients},
		{"given_by", t.GivenBy}, {"for_parent", t.ForParent}, {"method", t.Method},
	}
}

// columns returns the parts that have a column, by their index in parts.
func (t *Terms) columns() (index []int, columns []string) {
	for i, p := range t.parts() {
		if p.column != "" {
			index, columns = append(index, i), append(columns, p.column)
		}
	}
	return index, columns
}

// wording is the text of each part; nil where it is not stated.
type wording [partCount]*string

// build makes the terms that a wording states.
func (w *wording) build() (*record.Terms, error) {
	text := func(i int) string {
		if w[i] == nil {
			return ""
		}
		return *w[i]
	}
	var bad error
	stated := func(i int) record.Stated {
		if w[i] == nil {
			return record.Unstated
		}
		switch strings.ToLower(*w[i]) {
		case "true", "t", "yes", "1":
			return record.Yes
		case "false", "f", "no", "0":
			return record.No
		}
		if bad == nil {
			bad = record.NewProblem("source.bool_malformed", (&Terms{}).parts()[i].name, "", "a part of a consent's terms is neither true nor false")
		}
		return record.Unstated
	}
	t := &record.Terms{
		PolicyVersion: text(0), OperatorBIN: text(1),
		SubjectNamed: stated(2) == record.Yes, UntilPurpose: stated(3) == record.Yes,
		ThirdParties: stated(4), CrossBorder: stated(5), Publication: stated(6),
		Fields: list(text(7)), Purposes: list(text(8)), Recipients: list(text(9)),
		GivenBy: text(10), ForParent: stated(11) == record.Yes, Method: text(12),
	}
	return t, bad
}

// list reads the text of an array: {a,b} or ["a","b"] or a,b. The elements are ids, which hold neither quotes nor commas.
func list(s string) []string {
	s = strings.TrimSpace(s)
	if n := len(s); n >= 2 && (s[0] == '{' && s[n-1] == '}' || s[0] == '[' && s[n-1] == ']') {
		s = s[1 : n-1]
	}
	var elements []string
	for element := range strings.SplitSeq(s, ",") {
		if element = strings.Trim(element, " \t\r\n\""); element != "" {
			elements = append(elements, element)
		}
	}
	return elements
}

// interner gives equal terms one pointer. Terms are found by the bytes of a consent's form reference and own term columns.
type interner struct {
	forms   map[string]wording // by form reference
	parts   []int              // index in parts of each own column of a consent
	hasForm bool
	known   map[string]*record.Terms
	unique  map[string]*record.Terms // by what they say
	last    []byte                   // the reference of the previous consent, and its terms
	terms   *record.Terms
	scratch []byte
}

// find returns the terms of a consent: cells are its form reference, if it has one, and its own term columns.
func (in *interner) find(cells []cell.Cell) (*record.Terms, error) {
	in.scratch = in.scratch[:0]
	for i := range cells {
		if cells[i].Null() {
			in.scratch = append(in.scratch, 0)
			continue
		}
		in.scratch = append(in.scratch, 1)
		in.scratch = binary.AppendUvarint(in.scratch, uint64(len(cells[i].B)))
		in.scratch = append(in.scratch, cells[i].B...)
	}
	if in.terms != nil && string(in.last) == string(in.scratch) {
		return in.terms, nil
	}
	terms, ok := in.known[string(in.scratch)]
	if !ok {
		var err error
		if terms, err = in.learn(cells); err != nil {
			return nil, err
		}
	}
	in.last, in.terms = append(in.last[:0], in.scratch...), terms
	return terms, nil
}

func (in *interner) learn(cells []cell.Cell) (*record.Terms, error) {
	if len(in.known) >= maxTerms {
		return nil, record.NewProblem("source.terms_unbounded", "consents.terms", "a term column must hold the wording, nothing about the person",
			"more than %d different terms of consent", maxTerms)
	}
	var w wording
	if in.hasForm {
		if !cells[0].Null() {
			w = in.forms[string(cells[0].AppendText(nil))]
		}
		cells = cells[1:]
	}
	for i, index := range in.parts {
		if !cells[i].Null() {
			own := string(cells[i].AppendText(nil))
			w[index] = &own
		}
	}
	terms, err := w.build()
	if err != nil {
		return nil, err
	}
	said := w.key()
	if same, ok := in.unique[said]; ok {
		terms = same
	}
	in.unique[said], in.known[string(in.scratch)] = terms, terms
	return terms, nil
}

// key is equal for equal wordings only.
func (w *wording) key() string {
	var b []byte
	for _, s := range w {
		if s == nil {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		b = binary.AppendUvarint(b, uint64(len(*s)))
		b = append(b, *s...)
	}
	return string(b)
}
