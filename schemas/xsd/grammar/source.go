package grammar

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas/xmlscan"
)

// Namespaces with a meaning of their own.
const (
	Namespace         = "http://www.w3.org/2001/XMLSchema"
	InstanceNamespace = "http://www.w3.org/2001/XMLSchema-instance"
)

// Bounds of a schema.
const (
	MaxSource    = 1 << 20 // bytes of one file
	maxDocuments = 100
)

// QName is an expanded name.
type QName struct{ Space, Local string }

// node is an element of a schema document.
type node struct {
	space, local string
	attrs        []nodeAttr
	kids         []*node // elements of XML Schema, apart from annotations
	line         int
	scope        map[string]string
	doc          *document
	about        string // the text of its annotation's documentation
}

type nodeAttr struct{ space, name, value string }

// document is one file of a schema.
type document struct {
	file      string
	raw       []byte
	root      *node
	target    string
	chameleon bool // it has no target namespace of its own, and was included by one that has
	qualified bool // elementFormDefault
	attrForm  bool // attributeFormDefault
	imports   map[string]bool
}

// attr is the value of an attribute without a namespace.
func (n *node) attr(name string) (string, bool) {
	for _, a := range n.attrs {
		if a.space == "" && a.name == name {
			return a.value, true
		}
	}
	return "", false
}

// token is an attribute's value without white space around it.
func (n *node) token(name string) (string, bool) {
	v, ok := n.attr(name)
	return strings.Trim(v, " \t\r\n"), ok
}

func (n *node) where() string { return fmt.Sprintf("%s:%d", n.doc.file, n.line) }

// child is the first kid of one of these names, nil if there is none.
func (n *node) child(names ...string) *node {
	for _, k := range n.kids {
		if slices.Contains(names, k.local) {
			return k
		}
	}
	return nil
}

// planter builds the tree of a schema document.
type planter struct {
	scanner xmlscan.Scanner
	doc     *document
	open    []*node // nil for what is not kept
	foreign *node   // the first element of another namespace where it does not belong
	text    *node   // the first element with text of its own
	about   int     // depth of an annotation, 0 outside
	line    int     // lines that end before the byte read
	read    int
}

// place is the line of what is being read.
func (p *planter) place() int {
	at := p.scanner.Offset()
	p.line += bytes.Count(p.doc.raw[p.read:at], []byte{'\n'})
	p.read = at
	return p.line + 1
}

// Start implements xmlscan.Handler.
func (p *planter) Start(t *xmlscan.Tag) {
	if p.about > 0 {
		p.about++
		return
	}
	n := &node{space: t.Space, local: string(t.Local), line: p.place(), doc: p.doc, scope: p.scanner.Scope()}
	if n.space == Namespace && n.local == "annotation" && len(p.open) > 0 {
		p.about = 1
		return
	}
	for _, a := range t.Attrs {
		n.attrs = append(n.attrs, nodeAttr{a.Space, string(a.Local), string(a.Value)})
	}
	switch {
	case len(p.open) == 0:
		p.doc.root = n
	case n.space != Namespace && p.foreign == nil:
		p.foreign = n
	default:
		top := p.open[len(p.open)-1]
		top.kids = append(top.kids, n)
	}
	p.open = append(p.open, n)
}

// Text implements xmlscan.Handler.
func (p *planter) Text(b []byte) {
	if len(p.open) == 0 {
		return
	}
	switch top := p.open[len(p.open)-1]; {
	case p.about > 0 && len(top.about) < 1000:
		top.about += string(b)
	case p.about == 0 && p.text == nil && len(bytes.TrimLeft(b, " \t\r\n")) > 0:
		p.text = top
	}
}

// End implements xmlscan.Handler.
func (p *planter) End() {
	if p.about > 0 {
		p.about--
		return
	}
	top := p.open[len(p.open)-1]
	top.about = strings.Join(strings.Fields(top.about), " ")
	p.open = p.open[:len(p.open)-1]
}

// Leaf implements xmlscan.Handler.
func (p *planter) Leaf(t *xmlscan.Tag, text []byte) {
	p.Start(t)
	p.Text(text)
	p.End()
}

// loader reads the documents of a schema and collects their global components.
type loader struct {
	open     func(file string) ([]byte, error)
	problems record.Problems
	docs     []*document
	types    map[QName]*node
	elements map[QName]*node
	attrs    map[QName]*node
	groups   map[QName]*node
	bundles  map[QName]*node // attribute groups
	// whole follows redefine, too, which is not supported otherwise.
	whole bool
}

func (l *loader) add(code string, n *node, format string, args ...any) {
	if len(l.problems) < 200 {
		l.problems.Add(code, n.where(), "", format, args...)
	}
}

// unsupported refuses a construct that is lawful XML Schema and outside the subset.
func (l *loader) unsupported(n *node, what string) {
	if len(l.problems) < 200 {
		l.problems.Add("xsd.unsupported", n.where(), "write it otherwise, or have xmllint check these documents", "%s is not in the supported subset", what)
	}
}

// load reads a document, if it was not read yet. from is what asks for it, nil for the first.
func (l *loader) load(file string, from *node, target string, include bool) {
	if file == "" {
		return
	}
	for _, d := range l.docs {
		if d.file == file && (!include || d.target == target) {
			return
		}
	}
	where := file
	if from != nil {
		where = from.where()
	}
	if len(l.docs) == maxDocuments {
		l.problems.Add("xsd.too_large", where, "", "a schema has at most %d files", maxDocuments)
		return
	}
	raw, err := l.open(file)
	switch {
	case err != nil:
		l.problems.Add("xsd.include", where, "put the file beside the schema", "the file %s cannot be read", file)
		return
	case len(raw) > MaxSource:
		l.problems.Add("xsd.too_large", where, "", "a schema file has at most %d bytes", MaxSource)
		return
	}
	d := &document{file: file, raw: raw, imports: map[string]bool{Namespace: true}}
	l.docs = append(l.docs, d)
	p := &planter{doc: d}
	if err := p.scanner.Scan(raw, p); err != nil {
		var found record.Problems
		found.Merge(err, "xml.syntax", "")
		for _, f := range found {
			f.Where = file + ":" + f.Where
		}
		l.problems = append(l.problems, found...)
		return
	}
	if d.root.space != Namespace || d.root.local != "schema" {
		l.add("xsd.not_schema", d.root, "the root element is not schema of XML Schema 1.0")
		return
	}
	if p.foreign != nil {
		l.add("xsd.syntax", p.foreign, "an element of another namespace outside an annotation")
	} else if p.text != nil {
		l.add("xsd.syntax", p.text, "text outside an annotation")
	}
	l.structure(d.root)
	l.header(d, from, target, include)
}

// header reads the attributes of schema, then its components.
func (l *loader) header(d *document, from *node, target string, include bool) {
	l.attributes(d.root, "targetNamespace", "version", "elementFormDefault", "attributeFormDefault", "blockDefault", "finalDefault", "id")
	own, has := d.root.token("targetNamespace")
	d.target = own
	switch {
	case has && own == "":
		l.add("xsd.syntax", d.root, "an empty targetNamespace")
	case include && own == "" && target != "":
		d.target, d.chameleon = target, true
	case from != nil && own != target:
		l.add("xsd.include", from, "the file %s has the target namespace %q", d.file, own)
		return
	}
	for _, name := range []string{"blockDefault", "finalDefault"} {
		if v, ok := d.root.token(name); ok && v != "" {
			l.unsupported(d.root, name)
		}
	}
	d.qualified = l.form(d.root, "elementFormDefault", false)
	d.attrForm = l.form(d.root, "attributeFormDefault", false)
	for _, k := range d.root.kids {
		l.component(d, k)
	}
}

// form reads qualified or unqualified.
func (l *loader) form(n *node, name string, otherwise bool) bool {
	switch v, ok := n.token(name); {
	case !ok:
		return otherwise
	case v == "qualified":
		return true
	case v != "unqualified":
		l.add("xsd.syntax", n, "%s is qualified or unqualified", name)
	}
	return false
}

// component registers a child of schema.
func (l *loader) component(d *document, k *node) {
	register := func(to map[QName]*node) {
		name, _ := k.token("name")
		q := QName{d.target, name}
		switch other := to[q]; {
		case name == "":
			l.add("xsd.syntax", k, "a global %s needs a name", k.local)
		case other != nil:
			l.add("xsd.twice", k, "%s %s is declared at %s, too", k.local, name, other.where())
		default:
			to[q] = k
		}
	}
	switch k.local {
	case "include":
		l.attributes(k, "schemaLocation", "id")
		location, _ := k.token("schemaLocation")
		l.load(l.relative(d, k, location), k, d.target, true)
	case "import":
		l.attributes(k, "namespace", "schemaLocation", "id")
		space, _ := k.token("namespace")
		if space == d.target || k.has("namespace") && space == "" {
			l.add("xsd.include", k, "a schema does not import its own namespace, nor an empty one")
		}
		d.imports[space] = true
		if location, ok := k.token("schemaLocation"); ok {
			l.load(l.relative(d, k, location), k, space, false)
		}
	case "element":
		register(l.elements)
	case "attribute":
		register(l.attrs)
	case "simpleType", "complexType":
		register(l.types)
	case "group":
		register(l.groups)
	case "attributeGroup":
		register(l.bundles)
	case "redefine", "notation":
		l.unsupported(k, k.local)
		if location, ok := k.token("schemaLocation"); ok && l.whole {
			l.load(l.relative(d, k, location), k, d.target, true)
		}
	}
}

// relative is a location as a path from the first document's folder, "" if it is none.
func (l *loader) relative(d *document, n *node, location string) string {
	if location == "" || strings.Contains(location, "://") || strings.HasPrefix(location, "/") {
		l.add("xsd.include", n, "schemaLocation must be a relative path")
		return ""
	}
	return path.Join(path.Dir(d.file), location)
}

// attributes refuses attributes without a namespace that are not allowed.
func (l *loader) attributes(n *node, allowed ...string) {
	for _, a := range n.attrs {
		switch {
		case a.space == "" && !slices.Contains(allowed, a.name):
			l.add("xsd.syntax", n, "%s has no attribute %s here", n.local, a.name)
		case a.space == Namespace:
			l.add("xsd.syntax", n, "%s has an attribute of the namespace of XML Schema", n.local)
		}
	}
}

// name resolves the QName in an attribute.
func (l *loader) name(n *node, attr string) (QName, bool) {
	text, ok := n.token(attr)
	if !ok {
		return QName{}, false
	}
	prefix, local, prefixed := strings.Cut(text, ":")
	if !prefixed {
		prefix, local = "", text
	}
	space, bound := n.scope[prefix]
	if prefixed && !bound || !xmlscan.IsNCName([]byte(local)) {
		l.add("xsd.syntax", n, "%s is no qualified name with a declared prefix", attr)
		return QName{}, false
	}
	if space == "" && n.doc.chameleon {
		space = n.doc.target
	}
	if space != n.doc.target && !n.doc.imports[space] {
		l.add("xsd.unresolved", n, "%s refers to the namespace %q, which is not imported", attr, space)
		return QName{}, false
	}
	return QName{space, local}, true
}

// digest is the SHA-256 of the one file; of several, that of a line for each file, sorted by path from the first file's folder: 64
// hexadecimal digits, two spaces, the path (what sha256sum prints).
func (l *loader) digest() record.Digest {
	if len(l.docs) == 1 {
		return record.DigestOf(l.docs[0].raw)
	}
	lines := map[string]string{}
	for _, d := range l.docs {
		name := strings.TrimPrefix(d.file, path.Dir(l.docs[0].file)+"/")
		lines[name] = fmt.Sprintf("%x  %s\n", sha256.Sum256(d.raw), name)
	}
	names := make([]string, 0, len(lines))
	for n := range lines {
		names = append(names, n)
	}
	slices.Sort(names)
	var all strings.Builder
	for _, n := range names {
		all.WriteString(lines[n])
	}
	return record.DigestOf([]byte(all.String()))
}
