package mapping

import (
	"cmp"
	"slices"

	"birgeoqy.kz/almasu/mapping/judging"
)

// judged is a sink whose documents a judge sees, too.
type judged struct {
	Sink
	judge judging.Asked
}

// fit has the document that begins at start judged, and withholds the records at fault.
func (e *Encoder) fit(dst []byte, start int) ([]byte, *Result, error) {
	doc, gone, err := judging.Fit(dst, start, e.starts, e.judge)
	if err != nil {
		return dst[:start], nil, err
	}
	for _, i := range gone {
		e.row = e.result.Rows[i]
		e.withhold("", judging.Code)
		e.result.Rows[i] = -1
	}
	e.result.People += len(gone)
	e.result.Rows = slices.DeleteFunc(e.result.Rows, func(row int32) bool { return row < 0 })
	slices.SortStableFunc(e.result.Withheld, func(a, b Withheld) int { return cmp.Compare(a.Row, b.Row) })
	return doc, &e.result, nil
}
