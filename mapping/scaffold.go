package mapping

import (
	"fmt"
	"path"
	"strings"
	"unicode"

	"birgeoqy.kz/almasu/schemas"
)

// Candidate is a field that a route may name, as a scaffold suggests it.
type Candidate struct {
	// ID is the register's name of the field.
	ID string
	// Names are what people call it, in any language.
	Names []string
}

// Unchosen stands in a scaffold where a person must decide. It is no field of any register, so that the table does not load before.
const Unchosen = "CHOOSE-A-FIELD"

// Scaffold writes the beginning of a mapping table for a schema: a row for each target that the schema declares, required ones marked,
// constants entered, sources suggested where a name or the schema's description agrees with a candidate. What is left to decide does
// not load: [Unchosen] sources and empty necessities. A target in an array is left out, with a comment.
func Scaffold(name string, e schemas.Entry, candidates []Candidate) []byte {
	var b strings.Builder
	header := e.Schema.HeaderTargets()
	headerName := ""
	if len(header) > 0 {
		headerName, _, _ = strings.Cut(header[0].Path, "/")
	}
	scaffoldHead(&b, name, e)
	records := e.Schema.Records()
	if n := e.Schema.XMLNames(); e.Schema.XML() != nil {
		fmt.Fprintf(&b, "  format: xml\n  root: %s\n  record: %s\n", n.Root, n.Record)
		if n.Namespace != "" {
			fmt.Fprintf(&b, "  namespace: %q\n", n.Namespace)
		}
		for prefix, uri := range n.Prefixes {
			fmt.Fprintf(&b, "  namespaces: {%s: %q}\n", prefix, uri)
		}
	} else {
		b.WriteString("  format: json\n")
	}
	if headerName != "" {
		fmt.Fprintf(&b, "  header: %s\n  records: %s\nheader:\n", headerName, records)
		for _, t := range header {
			scaffoldHeader(&b, t, headerName+"/")
		}
	} else {
		fmt.Fprintf(&b, "  records: %s\n", records)
	}
	b.WriteString("records:\n")
	for _, t := range e.Schema.RecordTargets() {
		if e.Schema.XML() != nil {
			t.Path = strings.ReplaceAll(t.Path, "[]", "[1]")
		}
		scaffoldRow(&b, t, candidates)
	}
	return []byte(b.String())
}

func scaffoldHead(b *strings.Builder, name string, e schemas.Entry) {
	fmt.Fprintf(b, "mapping: %s\nversion: 1\nschema:\n  name: %s\n  version: %d\n  digest: %s\noutput:\n", name, e.Name, e.Version, e.Schema.Digest())
}

// ScaffoldTable writes the beginning of a mapping table for a CSV file with these headings; the schema declares a text for each, named as by [ColumnName].
func ScaffoldTable(name string, e schemas.Entry, headings []string, candidates []Candidate) []byte {
	var b strings.Builder
	scaffoldHead(&b, name, e)
	language := "ru"
	if strings.ContainsAny(strings.ToLower(strings.Join(headings, "")), "әғқңөұүһі") {
		language = "kk"
	}
	fmt.Fprintf(&b, "  format: csv\n  delimiter: \";\"\n  bom: true\n  headings: [%s]\n  records: %s\nrecords:\n", language, e.Schema.Records())
	for i, h := range headings {
		target := ColumnName(h, i)
		scaffoldRow(&b, schemas.Target{Path: target, MaxLength: -1, Type: "string", About: h}, candidates)
		fmt.Fprintf(&b, "    heading: {%s: %q}\n", language, h)
	}
	return []byte(b.String())
}

// ColumnName is the target for the i-th column (from 0): its heading, with underscores for what a target cannot have; else column_N.
func ColumnName(heading string, i int) string {
	name := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return '_'
	}, strings.TrimSpace(heading))
	if name = strings.Trim(name, "_"); !validTarget(name, 1) {
		return fmt.Sprintf("column_%d", i+1)
	}
	return name
}

// unmade writes a comment for a target that a row cannot make, and returns true for such a one.
func unmade(b *strings.Builder, t schemas.Target, target string) bool {
	if validTarget(target, maxTargetDepth) {
		return false
	}
	fmt.Fprintf(b, "  # %q cannot be made by a row; required: %v\n", target, t.Required)
	return true
}

// headerWords says which header source a target's name speaks of.
var headerWords = []struct{ word, source string }{
	{"message", "message"}, {"transfer", "transfer"}, {"package", "batch"}, {"batch", "batch"}, {"sender", "sender"}, {"recipient", "recipient"}, {"receiver", "recipient"},
	{"route", "route"}, {"purpose", "purpose"}, {"basis", "ground"}, {"ground", "ground"}, {"created", "created"}, {"date", "created"}, {"path", "path"},
}

func scaffoldHeader(b *strings.Builder, t schemas.Target, prefix string) {
	target, ok := strings.CutPrefix(t.Path, prefix)
	if first, rest, _ := strings.Cut(target, "/"); first == provenance && rest != "" {
		if !strings.Contains(b.String(), "from: provenance}") {
			fmt.Fprintf(b, "  - {target: %s, from: provenance}\n", provenance)
		}
		return
	}
	if !ok {
		target = t.Path
		fmt.Fprintf(b, "  # %q stands outside the header and cannot be made by a row; required: %v\n", target, t.Required)
		return
	}
	if unmade(b, t, target) {
		return
	}
	kind := ""
	if t.Type == "integer" {
		kind = "type: integer, "
	}
	if t.Const != nil {
		fmt.Fprintf(b, "  - {target: %s, %sconstant: %s}\n", inFlow(target), kind, constantText(t))
		return
	}
	source := Unchosen
	for _, w := range headerWords {
		if strings.Contains(strings.ToLower(path.Base(target)), w.word) {
			source = w.source
			break
		}
	}
	fmt.Fprintf(b, "  - {target: %s, %sfrom: %s}%s\n", inFlow(target), kind, source, aboutComment(t))
}

// constantText is a schema's constant in YAML.
func constantText(t schemas.Target) string {
	if t.Type == "integer" {
		return *t.Const
	}
	return fmt.Sprintf("%q", *t.Const)
}

// inFlow is a target as YAML has it inside braces, and where it begins with @.
func inFlow(target string) string {
	if strings.ContainsAny(target, "@[") {
		return fmt.Sprintf("%q", target)
	}
	return target
}

func aboutComment(t schemas.Target) string {
	about := strings.Join(strings.Fields(t.About), " ")
	if len(t.Enum) > 1 {
		about = strings.TrimSpace(about + " (one of: " + strings.Join(strings.Fields(strings.Join(t.Enum[:min(len(t.Enum), 20)], ", ")), " ") + ")")
	}
	if about == "" {
		return ""
	}
	return " # " + about
}

func scaffoldRow(b *strings.Builder, t schemas.Target, candidates []Candidate) {
	if unmade(b, t, t.Path) {
		return
	}
	fmt.Fprintf(b, "  - target: %s%s\n", inFlow(t.Path), aboutComment(t))
	if t.Type == "integer" || t.Type == "boolean" {
		fmt.Fprintf(b, "    type: %s\n", t.Type)
	}
	if t.Const != nil {
		fmt.Fprintf(b, "    constant: %s\n", constantText(t))
		return
	}
	source := suggestSource(t, candidates)
	fmt.Fprintf(b, "    from: %s\n    steps: [trim, collapse_spaces]\n", source)
	if t.Required {
		b.WriteString("    required: true\n")
	}
	if t.MaxLength > 0 {
		fmt.Fprintf(b, "    max_length: %d\n", t.MaxLength)
	}
	b.WriteString("    necessity: \"\"\n")
}

// suggestSource is the candidate that the target's last name is, alone or with the name around it, or that its description names.
func suggestSource(t schemas.Target, candidates []Candidate) string {
	plain := strings.ReplaceAll(plainTarget(t.Path), "@", "")
	last := path.Base(plain)
	joined := last + "_" + path.Base(path.Dir(plain)) // name/family is family_name
	for _, c := range candidates {
		if c.ID == last || c.ID == joined || distance(c.ID, last) == 1 {
			return c.ID
		}
	}
	about := strings.ToLower(t.About)
	best, length := Unchosen, 0
	for _, c := range candidates {
		for _, name := range c.Names {
			named := strings.EqualFold(name, last) || strings.Contains(about, strings.ToLower(name))
			if named && len(name) > length {
				best, length = c.ID, len(name)
			}
		}
	}
	return best
}
