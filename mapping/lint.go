package mapping

import (
	"regexp"
	"slices"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping/form"
	"birgeoqy.kz/almasu/mapping/transform"
	"birgeoqy.kz/almasu/schemas"
)

// Lint finds what loads and runs, but is not right: fields that the route permits and the table does not use (minimality), targets that
// the schema requires and no row makes, targets that the schema does not declare, a table that is looser than its schema,
// code list rows that no value can reach, values that the schema does not list, and listed values that no row makes. permitted are the
// route's fields; schema is the one that the table names.
//
// Codes: lint.unused_field, lint.schema_differs, lint.target_without_source, lint.unknown_target, lint.required_by_schema,
// lint.longer_than_schema, lint.unreachable_code, lint.other_records, lint.value_not_in_schema, lint.value_not_made, lint.no_code_list.
func Lint(t *Table, permitted []string, schema *schemas.Schema) record.Problems {
	l := linter{t: t}
	used := t.Fields()
	for _, f := range permitted {
		if !slices.Contains(used, f) {
			l.Add("lint.unused_field", t.at, "take the field out of the route", "the route permits %s, and no row uses it", f)
		}
	}
	for _, r := range t.rows {
		l.codes(r)
	}
	if schema == nil {
		return l.Problems
	}
	if schema.Digest() != t.schema.Digest {
		l.Add("lint.schema_differs", t.schemaAt, "review the rows against the schema, then enter its digest "+schema.Digest().String(),
			"the schema %s version %d has another digest than the table names", t.schema.Name, t.schema.Version)
	}
	if schema.Foreign() { // what it declares is not known here
		return l.Problems
	}
	if records := t.recordsName; schema.Records() != records && (t.format != "xml" || schema.Records() != plainTarget(records)) {
		l.Add("lint.other_records", t.at, "", "the schema's records are in %q, the table's in %q", schema.Records(), t.recordsName)
		return l.Problems
	}
	l.section(t.rows, "", schema.RecordTargets())
	l.section(t.header, t.headerName+"/", schema.HeaderTargets())
	return l.Problems
}

type linter struct {
	record.Problems
	t *Table
}

// section compares rows with the targets that a schema declares.
func (l *linter) section(rows []*row, prefix string, declared []schemas.Target) {
	known := map[string]schemas.Target{}
	for i, d := range declared {
		if l.t.format == "xml" {
			declared[i].Path = plainTarget(d.Path)
		}
		known[declared[i].Path] = d
	}
	made := map[string]bool{}
	for _, r := range rows {
		path := prefix + r.target
		if l.t.format == "xml" {
			path = plainTarget(path)
		}
		d, ok := known[path]
		switch made[path] = true; {
		case !ok:
			l.Add("lint.unknown_target", r.where, "", "the schema does not declare %s", path)
		case len(r.fields) > 0 && !r.mark && d.Required && !r.required:
			l.Add("lint.required_by_schema", r.where, "add required: true", "the schema requires %s, the row does not", path)
		case len(r.fields) > 0 && !r.mark && d.MaxLength >= 0 && (r.maxLength == 0 || r.maxLength > d.MaxLength):
			l.Add("lint.longer_than_schema", r.where, "set max_length to the schema's maxLength", "the row lets %s be longer than %d characters", path, d.MaxLength)
		}
		if ok {
			l.values(r, d)
		}
	}
	for _, d := range declared {
		if d.Required && !made[d.Path] {
			l.Add("lint.target_without_source", l.t.at, "add a row", "the schema requires %s, and no row makes it", d.Path)
		}
	}
}

// values compares what a row can write with the values that the schema lists.
func (l *linter) values(r *row, d schemas.Target) {
	listed := d.Enum
	if d.Const != nil {
		listed = []string{*d.Const}
	}
	switch {
	case listed == nil || r.mark:
	case r.constant != nil:
		if !slices.Contains(listed, *r.constant) {
			l.Add("lint.value_not_in_schema", r.where, "write one that it lists", "the schema lists other values for %s than this constant", d.Path)
		}
	case len(r.fields) > 0 && r.codes == nil:
		if r.kind != form.Boolean {
			l.Add("lint.no_code_list", r.where, "map the platform's values to them with codes", "the schema lists the values of %s, and no code list makes them", d.Path)
		}
	case r.codes != nil:
		made := map[string]bool{}
		for _, c := range r.codes.rows {
			if made[c.to] = true; !slices.Contains(listed, c.to) {
				l.Add("lint.value_not_in_schema", c.where, "write one that it lists", "the schema does not list this code's value for %s: it maps to nowhere", d.Path)
			}
		}
		for _, v := range listed {
			if !made[v] {
				l.Add("lint.value_not_made", r.codes.where, "add a row, or leave it to values that the platform does not have", "the schema lists %q for %s, and no code becomes it", v, d.Path)
			}
		}
	}
}

// plainTarget is a path without prefixes and positions.
func plainTarget(path string) string { return decoration.ReplaceAllString(path, "") }

var decoration = regexp.MustCompile(`[^/:@\[\]]+:|\[[0-9]*\]`)

// codes finds code list rows that no value can reach: the steps before the list are idempotent, so a code that they
// would change never comes out of them.
func (l *linter) codes(r *row) {
	if r.codes == nil {
		return
	}
	for _, c := range r.codes.rows {
		var s transform.Scratch
		s.Look([]byte(c.from))
		out, code := r.after.Run(&s, []byte(c.from))
		if code != "" || string(s.Compose(out)) != c.from {
			l.Add("lint.unreachable_code", c.where, "delete the row, or write the code as it comes out of the steps", "no value of %s can be this code after its steps", r.target)
		}
	}
}
