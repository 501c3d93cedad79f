package mapping

import (
	"regexp"
	"slices"
	"strings"

	"birgeoqy.kz/almasu/mapping/form"
)

// format is one of the forms that output.format may name.
type format struct {
	mediaType string
	// header says that the form has room for a header.
	header bool
	// keys are what output may say beyond format, header and records; true if it must.
	keys map[string]bool
	make func(*Table, form.Layout) form.Form
}

// formats are the forms by name.
var formats = map[string]format{
	"json": {mediaType: "application/json", header: true,
		make: func(_ *Table, l form.Layout) form.Form { return form.NewJSON(l) }},
	"jsonlines": {mediaType: "application/jsonl",
		make: func(_ *Table, l form.Layout) form.Form { return form.NewJSONLines(l) }},
	"xml": {mediaType: "application/xml", header: true, keys: map[string]bool{"root": true, "namespace": false, "namespaces": false, "record": true},
		make: func(t *Table, l form.Layout) form.Form { return form.NewXML(l, t.xml) }},
	"csv": {mediaType: "text/csv; charset=utf-8", keys: map[string]bool{"delimiter": true, "bom": false, "encoding": false, "headings": false},
		make: func(t *Table, l form.Layout) form.Form { return form.NewCSV(l, t.csv) }},
	"xlsx": {mediaType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", keys: map[string]bool{"headings": false},
		make: func(_ *Table, l form.Layout) form.Form { return form.NewXLSX(l) }},
}

var outputKeys = keys{"format": {kindString, true}, "header": {kindString, false}, "records": {kindString, true},
	"root": {kindString, false}, "namespace": {kindString, false}, "namespaces": {kindMap, false}, "record": {kindString, false},
	"delimiter": {kindString, false}, "bom": {kindBool, false}, "encoding": {kindString, false}, "headings": {kindList, false}}

func (l *loader) output(n *node) {
	m := l.object(n, "output", outputKeys)
	v := m["format"]
	if v == nil {
		return
	}
	f, ok := formats[v.text]
	if !ok {
		l.add("mapping.bad_format", v, suggest(v.text, formats), "the format %q is not known", v.text)
		return
	}
	l.t.format = v.text
	for _, name := range []string{"header", "records", "root", "record"} {
		if v := m[name]; v != nil && (!validTarget(v.text, 1) || strings.ContainsAny(v.text, "[@") || l.t.format != "xml" && strings.Contains(v.text, ":")) {
			l.add("mapping.bad_target", v, "", "%s must be the name of a member", name)
		}
	}
	l.outputOptions(n, m, f)
	if v := m["header"]; v != nil {
		if l.t.headerName = v.text; !f.header {
			l.add("mapping.header_name", v, "delete it, and the rows of header", "a document of the format %s has no header", l.t.format)
		}
	}
	if v := m["records"]; v != nil {
		if l.t.recordsName = v.text; v.text == l.t.headerName {
			l.add("mapping.duplicate_target", v, "", "header and records are the same member")
		}
	}
}

// outputOptions reads what only some formats have.
func (l *loader) outputOptions(n *node, m map[string]*node, f format) {
	for _, name := range []string{"root", "namespace", "namespaces", "record", "delimiter", "bom", "encoding", "headings"} {
		v := m[name]
		required, has := f.keys[name]
		switch {
		case v == nil && required:
			l.add("mapping.missing_key", n, "", "output has no %s", name)
		case v != nil && !has:
			l.add("mapping.output_key", v, "delete it", "%s has no meaning for the format %s", name, l.t.format)
		case v != nil:
			l.outputOption(name, v)
		}
	}
}

func (l *loader) outputOption(name string, v *node) {
	switch name {
	case "root":
		l.t.xml.Root = v.text
	case "record":
		l.t.xml.Record = v.text
	case "namespace":
		l.t.xml.Namespace = l.uri(v)
	case "namespaces":
		l.t.xml.Prefixes = map[string]string{}
		for i, key := range v.keys {
			if p := key.text; !xmlName.MatchString(p) || strings.ContainsAny(p, "@:[") || strings.HasPrefix(strings.ToLower(p), "xml") || p == "xsi" {
				l.add("mapping.output_key", key, "", "%q cannot be a prefix", p)
			}
			l.t.xml.Prefixes[key.text] = l.uri(v.items[i])
		}
	case "delimiter":
		if v.text != "," && v.text != ";" && v.text != "\t" {
			l.add("mapping.output_key", v, "", `delimiter must be ",", ";" or "\t"`)
			return
		}
		l.t.csv.Delimiter = v.text[0]
	case "bom":
		l.t.csv.BOM = v.text == "true"
	case "encoding":
		if l.t.csv.Windows1251 = v.text == "windows-1251"; v.text != "utf-8" && v.text != "windows-1251" || l.t.csv.Windows1251 && l.t.csv.BOM {
			l.add("mapping.output_key", v, "", "encoding must be utf-8 or windows-1251; windows-1251 has no bom")
		}
	case "headings":
		for _, item := range v.items {
			if item.kind != kindString || item.text != "kk" && item.text != "ru" && item.text != "en" || slices.Contains(l.t.languages, item.text) {
				l.add("mapping.output_key", item, "e.g. headings: [kk, ru]", "headings must be different languages out of kk, ru and en")
				continue
			}
			l.t.languages = append(l.t.languages, item.text)
		}
	}
}

// uri reads the URI of a namespace.
func (l *loader) uri(v *node) string {
	if v.kind != kindString || v.text == "" || strings.ContainsAny(v.text, " \t\r\n<>&\"") || strings.HasPrefix(v.text, "http://www.w3.org/2001/XMLSchema-instance") {
		l.add("mapping.output_key", v, "", "a namespace must be a URI without & and quotes, and not that of xsi")
	}
	return v.text
}

// xmlName is a name that both XML and a target can have, with a prefix and a position.
var xmlName = regexp.MustCompile(`^(?:@|` + xmlNCName + `:)?` + xmlNCName + `(?:\[[1-9][0-9]?\])?$`)

const xmlNCName = `[A-Za-z_\x{400}-\x{481}\x{48A}-\x{52F}][A-Za-z0-9_\x{400}-\x{481}\x{48A}-\x{52F}-]*`

// prefixes refuses prefixes that namespaces does not declare.
func (l *loader) prefixes(where string, path string) {
	for _, name := range strings.Split(path, "/") {
		if prefix, _, ok := strings.Cut(name, ":"); ok && l.t.xml.Prefixes[prefix] == "" {
			l.problems.Add("mapping.bad_target", where, "declare it in output.namespaces", "the prefix %s is not declared", prefix)
		}
	}
}

// formOf checks the rows against what the format can hold.
func (l *loader) formOf() {
	if l.t.format == "xml" {
		for _, name := range []string{l.t.xml.Root, l.t.xml.Record, l.t.headerName, l.t.recordsName} {
			l.prefixes(l.t.at, name)
		}
	}
	for _, r := range append(append([]*row(nil), l.t.header...), l.t.rows...) {
		attribute := strings.Contains(r.target, "@")
		switch l.t.format {
		case "xml":
			l.prefixes(r.where, r.target)
			for _, name := range strings.Split(r.target, "/") {
				if r.target != "" && !xmlName.MatchString(name) {
					l.problems.Add("mapping.bad_target", r.where, "", "%s is no name of an XML element", name)
				}
			}
			if attribute && r.null {
				l.problems.Add("mapping.bad_absent", r.where, "", "an attribute is omitted, never null")
			}
		case "csv", "xlsx":
			l.cells(r)
		}
		if strings.ContainsAny(r.target, "@:[") && l.t.format != "xml" && l.t.format != "" {
			l.problems.Add("mapping.bad_target", r.where, "", "only XML has attributes, prefixes and positions")
		}
		if r.headings != nil && l.t.format != "csv" && l.t.format != "xlsx" && l.t.format != "" {
			l.problems.Add("mapping.output_key", r.where, "delete it", "heading has no meaning for the format %s", l.t.format)
		}
	}
}

// cells checks a column: its heading, and every text that is known already to come into its cells.
func (l *loader) cells(r *row) {
	if r.null {
		l.problems.Add("mapping.bad_absent", r.where, "", "a missing cell is empty, never null")
	}
	l.heading(r)
	if l.t.format == "csv" && len(r.steps) > 0 && r.steps[len(r.steps)-1] == "e164" && r.codes == nil {
		l.problems.Add("mapping.formula", r.where, "use phone_national, or the format xlsx", "%s begins with a plus sign, which spreadsheets take for a formula", r.target)
	}
	if r.kind != form.String {
		return
	}
	if r.constant != nil {
		if code := l.cell(*r.constant); code != "" {
			l.problems.Add(code, r.where, "", "the constant of %s cannot be written", r.target)
		}
	}
	if r.codes != nil {
		for _, c := range r.codes.rows {
			if code := l.cell(c.to); code != "" {
				l.problems.Add(code, c.where, "", "the code cannot be written for %s", r.target)
			}
		}
	}
}

// heading puts a column's heading together, in the languages chosen.
func (l *loader) heading(r *row) {
	if len(l.t.languages) == 0 {
		if r.headings != nil {
			l.problems.Add("mapping.heading", r.where, "e.g. output: {.., headings: [kk, ru]}", "%s has a heading, and output does not say in which language headings are written", r.target)
		}
	} else {
		var all []string
		for _, language := range l.t.languages {
			v := r.headings[language]
			if v == nil || v.text == "" {
				l.problems.Add("mapping.heading", r.where, "e.g. heading: {kk: Тегі, ru: Фамилия}", "%s has no heading in the language %s", r.target, language)
				continue
			}
			all = append(all, v.text)
		}
		r.heading = strings.Join(all, " / ")
	}
	text := r.heading
	if text == "" {
		text = r.target
	}
	if code := l.cell(text); code != "" {
		l.problems.Add(code, r.where, "set heading", "the heading of %s cannot be written", r.target)
	}
	if l.columns[text] {
		l.problems.Add("mapping.heading", r.where, "", "the heading of %s is that of another column too", r.target)
	}
	l.columns[text] = true
}

// cell says by a code why a text cannot stand in a cell of the table's format.
func (l *loader) cell(text string) string {
	if l.t.format == "xlsx" {
		return form.CheckXLSX(text)
	}
	return l.t.csv.Check(text)
}

// fits reports whether v can be written as this kind: an integer without leading zeros of at most 15 digits; true or false.
func fits(k form.Kind, v []byte) bool {
	switch k {
	case form.Integer:
		d := v
		if len(d) > 1 && d[0] == '-' && d[1] != '0' {
			d = d[1:]
		}
		return len(d) > 0 && len(d) <= 15 && digitsOnly(d) && (d[0] != '0' || len(d) == 1)
	case form.Boolean:
		return string(v) == "true" || string(v) == "false"
	}
	return true
}

func digitsOnly(v []byte) bool {
	for _, c := range v {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
