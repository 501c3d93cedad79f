package mapping

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping/form"
)

// MaxSource is the largest table that is read, in bytes.
const MaxSource = 256 << 10

// Load reads a mapping table. file is its name for messages, and names the table: <name>.yaml. permitted says whether the register lets
// this route name a field, and if not, by which rule. All problems are reported at once, as [record.Problems].
func Load(file string, raw []byte, permitted func(field string) (rule string, ok bool)) (*Table, error) {
	l := &loader{reader: reader{file: file}, permitted: permitted, t: &Table{file: file, digest: record.DigestOf(raw)}}
	switch {
	case len(raw) > MaxSource:
		l.add("mapping.too_large", &node{line: 1, col: 1}, "", "a mapping has at most %d bytes", MaxSource)
	case !utf8.Valid(raw) || !norm.NFC.IsNormal(raw):
		l.add("mapping.not_nfc", &node{line: 1, col: 1}, "save the file as UTF-8 with composed characters", "a mapping is UTF-8 text in NFC")
	case permitted == nil:
		l.add("mapping.no_register", &node{line: 1, col: 1}, "", "no register was given to say which fields are permitted")
	default:
		if root := l.parse(raw); root != nil {
			l.document(root)
		}
	}
	if err := l.sorted().Err(); err != nil {
		return nil, err
	}
	return l.t, nil
}

type loader struct {
	reader
	permitted func(field string) (rule string, ok bool)
	t         *Table
	named     map[string]*codeList
	usedLists map[string]bool
	columns   map[string]bool // headings so far
}

var documentKeys = keys{"mapping": {kindString, true}, "version": {kindInt, true}, "schema": {kindMap, true}, "output": {kindMap, true},
	"header": {kindList, false}, "records": {kindList, true}, "code_lists": {kindMap, false}}

var tableName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

func (l *loader) document(root *node) {
	m := l.object(root, "a mapping", documentKeys)
	if m == nil {
		return
	}
	l.t.at = l.where(root)
	if n := m["mapping"]; n != nil {
		if l.t.name = n.text; !tableName.MatchString(n.text) {
			l.add("mapping.bad_name", n, "", "a mapping's name is of lower-case letters, digits and hyphens")
		}
	}
	if n := m["version"]; n != nil {
		l.t.version = l.number("version", n, 1, 9999)
	}
	if n := m["mapping"]; n != nil && tableName.MatchString(l.t.name) {
		if base := strings.TrimSuffix(path.Base(l.file), ".yaml"); base != n.text && base != fmt.Sprintf("%s.v%d", n.text, l.t.version) {
			l.add("mapping.other_name", n, "rename one of them", "version %d of the mapping %s is in a file named %s", l.t.version, n.text, path.Base(l.file))
		}
	}
	if n := m["schema"]; n != nil {
		l.schemaRef(n)
	}
	if n := m["output"]; n != nil {
		l.output(n)
	}
	l.named, l.usedLists, l.columns = map[string]*codeList{}, map[string]bool{}, map[string]bool{}
	if n := m["code_lists"]; n != nil {
		for i, key := range n.keys {
			list := l.codeList(key.text, key, n.items[i])
			l.named[key.text], l.t.lists = list, append(l.t.lists, list)
		}
	}
	l.t.header = l.section(m["header"], "header", l.headerRow)
	l.t.rows = l.section(m["records"], "records", l.recordRow)
	l.marks()
	l.formOf()
	for _, list := range l.t.lists {
		if !l.usedLists[list.name] {
			l.problems.Add("mapping.unused_code_list", list.where, "delete it", "no row uses the code list %s", list.name)
		}
	}
	if (l.t.headerName == "") != (m["header"] == nil) && m["output"] != nil {
		l.add("mapping.header_name", root, "", "header rows and output.header go together")
	}
}

func (l *loader) number(what string, n *node, low, high int) int {
	v, err := strconv.Atoi(n.text)
	if err != nil || v < low || v > high {
		l.add("mapping.bad_number", n, "", "%s must be from %d to %d", what, low, high)
		return low
	}
	return v
}

var schemaKeys = keys{"name": {kindString, true}, "version": {kindInt, true}, "digest": {kindString, true}}

func (l *loader) schemaRef(n *node) {
	m := l.object(n, "schema", schemaKeys)
	l.t.schemaAt = l.where(n)
	if v := m["name"]; v != nil {
		l.t.schema.Name = v.text
	}
	if v := m["version"]; v != nil {
		l.t.schema.Version = l.number("version", v, 1, 9999)
	}
	if v := m["digest"]; v != nil {
		d, err := record.ParseDigest(v.text)
		if err != nil || d.IsZero() {
			l.add("mapping.bad_digest", v, "", "digest is %s", strings.TrimPrefix(record.ErrDigest.Error(), "not a digest: "))
		}
		l.t.schema.Digest = d
	}
}

// section reads the rows of header or records.
func (l *loader) section(n *node, name string, read func(*node) *row) []*row {
	if n == nil {
		return nil
	}
	if len(n.items) == 0 {
		l.add("mapping.no_rows", n, "", "%s has no rows", name)
	}
	var rows []*row
	at := map[string]bool{}
	for _, item := range n.items {
		r := read(item)
		if r == nil {
			continue
		}
		l.place(r, at)
		rows = append(rows, r)
	}
	return rows
}

// place refuses a target that is taken, or lies inside another one or around it.
func (l *loader) place(r *row, taken map[string]bool) {
	if r.target == "" {
		return
	}
	for other := range taken {
		switch {
		case other == r.target:
			l.problems.Add("mapping.duplicate_target", r.where, "", "the target %s occurs twice", r.target)
			return
		case strings.HasPrefix(other, r.target+"/@"), strings.HasPrefix(r.target, other+"/@"):
			if r.null {
				l.problems.Add("mapping.bad_absent", r.where, "", "an element with attributes is omitted, never null")
			}
		case strings.HasPrefix(other, r.target+"/"), strings.HasPrefix(r.target, other+"/"):
			l.problems.Add("mapping.target_conflict", r.where, "", "the targets %s and %s cannot both be values", r.target, other)
			return
		}
	}
	taken[r.target] = true
}

// validTarget reports whether path is of one to depth names, joined by slashes, of letters, digits, underscores and hyphens; the last one
// of several may be an attribute, with @ before it. In XML a name may have a prefix, and a position [n].
func validTarget(path string, depth int) bool {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if i == len(parts)-1 && depth > 1 {
			p = strings.TrimPrefix(p, "@")
		}
		if !targetName.MatchString(p) {
			return false
		}
	}
	return len(parts) <= depth
}

var targetName = regexp.MustCompile(`^(?:[\p{L}_][\p{L}\p{Nd}_-]{0,30}:)?[\p{L}_][\p{L}\p{Nd}_-]{0,62}(?:\[[1-9][0-9]?\])?$`)

// maxTargetDepth is how deep a target may nest.
const maxTargetDepth = 8

// target reads what every row has.
func (l *loader) target(m map[string]*node, n *node) *row {
	r := &row{where: l.where(n)}
	if v := m["target"]; v != nil {
		r.where = l.where(v)
		if r.target = v.text; !validTarget(v.text, maxTargetDepth) {
			l.add("mapping.bad_target", v, "", "a target is a path of names of letters, digits, underscores and hyphens, joined by /")
		}
	}
	if v := m["type"]; v != nil {
		kind, ok := map[string]form.Kind{"string": form.String, "integer": form.Integer, "boolean": form.Boolean}[v.text]
		if r.kind = kind; !ok {
			l.add("mapping.bad_type", v, "known are string, integer, boolean", "the type %q is not known", v.text)
		}
	}
	l.constant(r, m["constant"])
	return r
}

// constant takes a constant as it is written and checks it against the row's type.
func (l *loader) constant(r *row, v *node) {
	if v == nil {
		return
	}
	switch v.kind {
	case kindString, kindInt, kindBool:
	default:
		l.add("mapping.wrong_kind", v, "", "constant must be text, a whole number, true or false, not %s", kindNames[v.kind])
		return
	}
	r.constant = &v.text
	if strings.ContainsFunc(v.text, unicode.IsControl) {
		l.add("mapping.bad_constant", v, "", "the constant holds a control character")
	}
	if !fits(r.kind, []byte(v.text)) || r.kind == form.String && v.kind != kindString {
		l.add("mapping.bad_constant", v, `write a number as text in quotes, or set type`, "the constant is not of the row's type")
	}
}

func (l *loader) codeList(name string, at, n *node) *codeList {
	list := &codeList{name: name, where: l.where(at), codes: map[string][]byte{}}
	if n.kind != kindList || len(n.items) == 0 {
		l.add("mapping.bad_code_list", n, "", "a code list is a list of rows {from: code, to: code}")
		return list
	}
	for _, item := range n.items {
		m := l.object(item, "a code", keys{"from": {kindString, true}, "to": {kindString, true}, "note": {kindString, false}})
		from, to := m["from"], m["to"]
		if from == nil || to == nil {
			continue
		}
		if _, ok := list.codes[from.text]; ok {
			l.add("mapping.duplicate_code", from, "", "the code occurs twice")
		}
		if from.text == "" || to.text == "" {
			l.add("mapping.bad_code_list", item, "", "a code is empty")
		}
		list.codes[from.text] = []byte(to.text)
		list.rows = append(list.rows, codeRow{from.text, to.text, l.where(from)})
	}
	return list
}

// marks puts a row for each target that has a source in the place of a header row from provenance.
func (l *loader) marks() {
	var header []*row
	for _, h := range l.t.header {
		if h.from != provenance {
			header = append(header, h)
			continue
		}
		for _, r := range l.t.rows {
			if len(r.fields) > 0 && !r.mark {
				header = append(header, &row{target: h.target + "/" + r.target, where: r.where, marks: r.fields})
			}
		}
	}
	l.t.header = header
}

func quoteArgument(name, argument string) string { return fmt.Sprintf("%s(%q)", name, argument) }
