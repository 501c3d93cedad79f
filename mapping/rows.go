package mapping

import (
	"strings"
	"unicode/utf8"

	"birgeoqy.kz/almasu/mapping/form"
	"birgeoqy.kz/almasu/mapping/transform"
)

var headerKeys = keys{"target": {kindString, true}, "from": {kindString, false}, "constant": {0, false}, "type": {kindString, false}}

func (l *loader) headerRow(n *node) *row {
	m := l.object(n, "a header row", headerKeys)
	if m == nil {
		return nil
	}
	r := l.target(m, n)
	from, constant := m["from"], m["constant"]
	if (from == nil) == (constant == nil) {
		l.add("mapping.one_origin", n, "", "a header row has either from or constant")
		return r
	}
	if from != nil {
		if r.from = from.text; !headerSources[from.text] {
			l.add("mapping.unknown_header_source", from, suggest(from.text, headerSources), "a header cannot have %q", from.text)
		}
		if r.kind == form.Boolean || r.kind == form.Integer && from.text != "batch" {
			l.add("mapping.bad_type", from, "", "%s is not of this type", from.text)
		}
	}
	return r
}

var recordKeys = keys{"target": {kindString, true}, "from": {0, false}, "constant": {0, false}, "mark": {kindString, false}, "steps": {kindList, false}, "codes": {0, false},
	"type": {kindString, false}, "required": {kindBool, false}, "max_length": {kindInt, false}, "absent": {kindString, false}, "heading": {kindMap, false}, "necessity": {kindString, false}}

func (l *loader) recordRow(n *node) *row {
	m := l.object(n, "a row", recordKeys)
	if m == nil {
		return nil
	}
	r := l.target(m, n)
	if v := m["required"]; v != nil {
		r.required = v.text == "true"
	}
	if v := m["max_length"]; v != nil {
		r.maxLength = l.number("max_length", v, 1, 1_000_000)
	}
	if v := m["absent"]; v != nil {
		if r.null = v.text == "null"; v.text != "null" && v.text != "omit" {
			l.add("mapping.bad_absent", v, `write absent: omit, or absent: "null"`, "a missing value is omitted or written as null")
		} else if r.required {
			l.add("mapping.bad_absent", v, "", "a required value is never absent")
		}
	}
	if v := m["heading"]; v != nil {
		r.headings = l.object(v, "heading", keys{"kk": {kindString, false}, "ru": {kindString, false}, "en": {kindString, false}})
	}
	from, mark := m["from"], m["mark"]
	if origins := []bool{from != nil, m["constant"] != nil, mark != nil}; count(origins) != 1 {
		l.add("mapping.one_origin", n, "", "a row has one of from, constant and mark")
		return r
	}
	if mark != nil {
		l.sources(r, mark)
		r.mark = true
	}
	if from == nil {
		for _, key := range []string{"steps", "codes", "required", "max_length", "absent", "necessity"} {
			if m[key] != nil {
				l.add("mapping.beside_constant", m[key], "", "%s has no meaning beside constant or mark", key)
			}
		}
		return r
	}
	l.sources(r, from)
	l.steps(r, m["steps"], from)
	l.codes(r, m["codes"])
	if v := m["necessity"]; v == nil || utf8.RuneCountInString(strings.TrimSpace(v.text)) < 10 {
		l.add("mapping.no_necessity", n, "say in a sentence what the recipient cannot do without it", "the row for %s does not say why it is needed", r.target)
	} else {
		r.necessity = strings.TrimSpace(v.text)
	}
	return r
}

func count(list []bool) (n int) {
	for _, on := range list {
		if on {
			n++
		}
	}
	return n
}

// sources reads a field or a list of fields; each must be one that the register permits.
func (l *loader) sources(r *row, from *node) {
	items := []*node{from}
	if from.kind == kindList {
		items = from.items
	}
	if len(items) == 0 {
		l.add("mapping.one_origin", from, "", "from names no field")
	}
	seen := map[string]bool{}
	for _, item := range items {
		if item.kind != kindString {
			l.add("mapping.wrong_kind", item, "", "from must name fields, not %s", kindNames[item.kind])
			continue
		}
		if rule, ok := l.permitted(item.text); !ok {
			l.add("mapping.field_not_permitted", item, "delete the row; what the recipient asks beyond the register is listed in the route",
				"the field %q may not be sent on this route: rule %s", item.text, rule)
		}
		if seen[item.text] {
			l.add("mapping.duplicate_source", item, "", "the field %q occurs twice", item.text)
		}
		seen[item.text] = true
		r.fields = append(r.fields, item.text)
	}
}

// steps compiles the chain: what stands before concat is done to each source.
func (l *loader) steps(r *row, list, from *node) {
	var items []*node
	if list != nil {
		items = list.items
	}
	previous := ""
	for _, item := range items {
		name, argument, at := l.step(item)
		if name == nil {
			continue
		}
		label := name.Name
		if argument != nil {
			label = quoteArgument(name.Name, *argument)
		}
		if label == previous {
			l.add("mapping.repeated_step", at, "delete one", "the step %s follows itself", label)
		}
		previous = label
		r.steps = append(r.steps, label)
		switch {
		case name.Joins && r.join != nil:
			l.add("mapping.concat", at, "", "a row is joined once")
		case name.Joins:
			r.join, r.before, r.after = argument, r.after, transform.Chain{}
		default:
			r.after = r.after.Then(name)
		}
	}
	switch {
	case len(r.fields) > 1 && r.join == nil:
		l.add("mapping.concat", from, `add the step concat: " "`, "several sources need the step concat")
	case len(r.fields) == 1 && r.join != nil:
		l.add("mapping.concat", from, "", "one source cannot be joined")
	}
}

// step reads "name" or {name: argument}.
func (l *loader) step(item *node) (t *transform.Transform, argument *string, at *node) {
	name := item
	if item.kind == kindMap && len(item.keys) == 1 {
		name = item.keys[0]
		if v := item.items[0]; v.kind == kindString {
			argument = &v.text
		} else {
			l.add("mapping.step_argument", v, "", "the argument of %s must be text", name.text)
			return nil, nil, item
		}
	}
	if name.kind != kindString {
		l.add("mapping.wrong_kind", item, "", "a step is a name, or a name with its argument")
		return nil, nil, item
	}
	if t = transform.Find(name.text); t == nil {
		l.add("mapping.unknown_transform", name, suggest(name.text, transformNames()), "there is no transform %q", name.text)
		return nil, nil, item
	}
	if t.Argument != (argument != nil) {
		need := "takes no argument"
		if t.Argument {
			need = "needs an argument"
		}
		l.add("mapping.step_argument", name, "", "the transform %s %s", t.Name, need)
		return nil, nil, item
	}
	return t, argument, item
}

func transformNames() map[string]bool {
	names := map[string]bool{}
	for _, t := range transform.All() {
		names[t.Name] = true
	}
	return names
}

// codes reads an inline code list or the name of one.
func (l *loader) codes(r *row, n *node) {
	switch {
	case n == nil:
		return
	case n.kind == kindString:
		if r.codes = l.named[n.text]; r.codes == nil {
			l.add("mapping.unknown_code_list", n, suggest(n.text, l.named), "there is no code list %q", n.text)
			return
		}
		l.usedLists[n.text] = true
	case n.kind == kindList:
		r.codes = l.codeList("inline", n, n)
	default:
		l.add("mapping.wrong_kind", n, "", "codes must name a code list or be one, not %s", kindNames[n.kind])
		return
	}
	if r.kind != form.String {
		for _, c := range r.codes.rows {
			if !fits(r.kind, []byte(c.to)) {
				l.problems.Add("mapping.bad_code_list", c.where, "", "the code is not of the row's type")
			}
		}
	}
}
