// Package judging takes the records out of a document of XML that a judge finds at fault, until the document fits. The judge is another program, which sees whole
// documents and knows no records: it names lines.
//
// What the judge is given says the same as the document and has other bytes: what stands before the records is its first line, each record is a line, and what stands
// behind them is its last line; a line end in a value is the character reference &#xA;. So a line's number tells the record, however large a value is.
//
// A judge's message may quote a value, and a value with line ends may look like further messages. What is told behind a record that has one is therefore left to the
// next judgement: nobody is taken out for what another person's value says. Each judgement but the last takes out one record at least.
package judging

import (
	"bytes"
	"context"
	"slices"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas"
)

// Judge is another program that judges whole documents of XML by a schema. It returns the numbers of the lines at fault, from 1, in the order in which they
// were told; none if the document fits. An error says that it cannot tell, or names no line. doc is valid only during the call.
type Judge func(ctx context.Context, s *schemas.Schema, doc []byte) (lines []int, err error)

// Asked is a [Judge] that has its schema.
type Asked func(doc []byte) (lines []int, err error)

// By gives a judge its schema; ctx ends its judgements.
func (j Judge) By(ctx context.Context, s *schemas.Schema) Asked {
	return func(doc []byte) ([]int, error) { return j(ctx, s, doc) }
}

// Code is the code of records that a judge found at fault; no target is named.
const Code = "schema.xmllint"

// NoOpinion takes the events of documents by a schema that only a judge can judge by, and objects to nothing.
type NoOpinion struct{}

// Begin does nothing.
func (NoOpinion) Begin() {}

// Event does nothing.
func (NoOpinion) Event(schemas.Kind, []byte) {}

// Mark does nothing.
func (NoOpinion) Mark() {}

// Settle finds nothing.
func (NoOpinion) Settle(func(path, code string)) int { return 0 }

// lineEnd is how a line end in a value is written.
const lineEnd = "&#xA;"

// Fit returns the document with the records that fit together, and the indices of those that were taken out, ascending; without any record left, no document. The
// document begins at start in dst, and starts says where in dst each record begins, and where the last one ends. The error is that of the judge, or
// mapping.document_invalid if it finds fault outside the records. dst is overwritten from start on.
func Fit(dst []byte, start int, starts []int, judge Asked) (out []byte, gone []int, err error) {
	starts = slices.Clone(starts)
	left := make([]int, len(starts)-1) // the index of each record that is still there
	for i := range left {
		left[i] = i
	}
	for len(left) > 0 {
		lines, err := judge(layOut(dst, start, starts))
		if err != nil {
			return nil, nil, err
		}
		if len(lines) == 0 {
			slices.Sort(gone)
			return dst, gone, nil
		}
		bad := believed(dst, starts, lines)
		if len(bad) == 0 {
			return nil, nil, record.NewProblem("mapping.document_invalid", "", "change the mapping's header or the schema", "the document outside its records breaks the schema")
		}
		for _, i := range bad {
			gone = append(gone, left[i])
		}
		dst, starts, left = takeOut(dst, starts, left, bad)
	}
	slices.Sort(gone)
	return dst[:start], gone, nil
}

// layOut is what a judge is given of a document.
func layOut(dst []byte, start int, starts []int) []byte {
	out, from := make([]byte, 0, len(dst)-start+len(starts)), start
	for _, at := range starts {
		out = append(append(out, bytes.ReplaceAll(dst[from:at], []byte("\n"), []byte(lineEnd))...), '\n')
		from = at
	}
	return append(out, bytes.ReplaceAll(dst[from:], []byte("\n"), []byte(lineEnd))...)
}

// believed are the records that the lines name and that are believed to be at fault, ascending.
func believed(doc []byte, starts, lines []int) []int {
	var bad []int
	for _, line := range lines {
		i := line - 2
		if i < 0 || i >= len(starts)-1 {
			continue
		}
		if !slices.Contains(bad, i) {
			bad = append(bad, i)
		}
		if text := doc[starts[i]:starts[i+1]]; bytes.IndexByte(text, '\n') >= 0 || bytes.Contains(text, []byte(lineEnd)) {
			break
		}
	}
	slices.Sort(bad)
	return bad
}

// takeOut closes the gaps that the bad records leave.
func takeOut(doc []byte, starts, left, bad []int) (out []byte, begins, remain []int) {
	out, end := doc[:starts[0]], starts[len(starts)-1]
	for i := range left {
		if _, hit := slices.BinarySearch(bad, i); hit {
			continue
		}
		from, to := starts[i], starts[i+1]
		begins, remain = append(begins, len(out)), append(remain, left[i])
		out = append(out, doc[from:to]...)
	}
	begins = append(begins, len(out))
	return append(out, doc[end:]...), begins, remain
}
