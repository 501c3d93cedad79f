package mapping

import "birgeoqy.kz/almasu/mapping/form"

// format is one of the forms that output.format may name.
type format struct {
	mediaType string
	make      func(*Table, form.Layout) form.Form
}

// formats are the forms by name.
var formats = map[string]format{
	"json":      {"application/json", func(_ *Table, l form.Layout) form.Form { return form.NewJSON(l) }},
	"jsonlines": {"application/jsonl", func(_ *Table, l form.Layout) form.Form { return form.NewJSONLines(l) }},
}
