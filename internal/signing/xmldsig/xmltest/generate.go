package xmltest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes random well-formed documents that use what canonicalisation must
// get right: redeclared prefixes, default namespaces, xml:* attributes, references,
// white space in values, CDATA, comments and instructions, letters of many alphabets.
type generator struct {
	*rand.Rand
	b      strings.Builder
	scopes []map[string]string
	left   int
	nextID int
}

// Namespaces are those in which generated elements may be. None has a character that
// libxml2 fails to escape in a namespace name.
var Namespaces = []string{"urn:a", "urn:b", "http://x.kz/ns", "http://x.kz/ns?a=1;b=2", "urn:a:%D2%9A"}

var (
	locals = []string{"a", "b", "row", "имя", "Әкім", "x-1", "y.z"}
	words  = []string{
		"text", " ", "Ғылым ордасы", "Щука", "&lt;tag&gt;", "&amp;", "&#13;", "&#10;", "&#9;", "\t", "\n", "\r\n", "\r",
		"&#x1F600;", "]]", "&quot;", "&apos;", ">", "\u0085", "\u2028", "&#xD;\n", "'",
	}
)

func (g *generator) pick(from []string) string { return from[g.IntN(len(from))] }

func (g *generator) text() string {
	var b strings.Builder
	for range g.IntN(4) {
		b.WriteString(g.pick(words))
	}
	return strings.ReplaceAll(b.String(), "]]>", "]] >")
}

func (g *generator) lookup(prefix string) string {
	for i := len(g.scopes) - 1; i >= 0; i-- {
		if uri, ok := g.scopes[i][prefix]; ok {
			return uri
		}
	}
	return ""
}

// declare opens a scope and writes a few declarations.
func (g *generator) declare() string {
	scope := map[string]string{}
	var b strings.Builder
	for range g.IntN(4) {
		prefix := []string{"", "p", "q", "r", "ds"}[g.IntN(5)]
		if _, ok := scope[prefix]; ok {
			continue
		}
		uri := g.pick(Namespaces)
		switch {
		case prefix == "" && g.IntN(3) == 0:
			uri = ""
			fmt.Fprintf(&b, " xmlns=''")
		case prefix == "":
			fmt.Fprintf(&b, ` xmlns="%s"`, uri)
		default:
			fmt.Fprintf(&b, "\n xmlns:%s = '%s'", prefix, uri)
		}
		scope[prefix] = uri
	}
	g.scopes = append(g.scopes, scope)
	return b.String()
}

func (g *generator) prefix() string {
	p := []string{"p", "q", "r", "ds"}[g.IntN(4)]
	if g.IntN(2) == 0 || g.lookup(p) == "" {
		return ""
	}
	return p
}

func qualified(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}

func (g *generator) attributes() string {
	var b strings.Builder
	seen := map[string]bool{}
	for range g.IntN(5) {
		p, l := g.prefix(), g.pick(locals)
		key := g.lookup(p) + "|" + l
		if p == "" {
			key = "|" + l
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		quote := g.pick([]string{`"`, "'"})
		value := strings.ReplaceAll(g.text(), quote, "")
		fmt.Fprintf(&b, " %s=%s%s%s", qualified(p, l), quote, value, quote)
	}
	if g.IntN(5) == 0 {
		fmt.Fprintf(&b, ` xml:lang="%s"`, g.pick([]string{"kk", "ru", ""}))
	}
	if g.IntN(8) == 0 {
		b.WriteString(` xml:space="preserve"`)
	}
	return b.String()
}

func (g *generator) aside() string {
	switch g.IntN(4) {
	case 0:
		return "<!--" + strings.ReplaceAll(g.text(), "-", "") + " -->"
	case 1:
		return "<?pi-" + g.pick([]string{"a", "b"}) + g.pick([]string{"", " ", " data  ", "\n<x>&amp;\r\n"}) + "?>"
	case 2:
		return "<![CDATA[" + g.pick([]string{"", "<&>", "a\r\nb", "]]", "Қ"}) + "]]>"
	}
	return g.text()
}

func (g *generator) element(depth int, id bool) {
	g.left--
	declarations := g.declare()
	tag := qualified(g.prefix(), g.pick(locals))
	attrs := g.attributes()
	if id {
		tag = "target"
		attrs += fmt.Sprintf(" Id='t%d'", g.nextID)
		g.nextID++
	}
	if g.IntN(2) == 0 {
		declarations, attrs = attrs, declarations
	}
	g.b.WriteString("<" + tag + declarations + attrs)
	if g.IntN(6) == 0 {
		g.b.WriteString(" />")
	} else {
		g.b.WriteString(">")
		for range g.IntN(6) {
			g.content(depth, id)
		}
		g.b.WriteString("</" + tag + ">")
	}
	g.scopes = g.scopes[:len(g.scopes)-1]
}

func (g *generator) content(depth int, id bool) {
	if depth > 0 && g.left > 0 && g.IntN(2) == 0 {
		g.element(depth-1, !id && g.nextID >= 0 && g.IntN(3) == 0)
		return
	}
	g.b.WriteString(g.aside())
}

// prolog writes comments and instructions beside the root element.
func (g *generator) prolog() {
	for range g.IntN(3) {
		s := g.aside()
		if strings.HasPrefix(s, "<!--") || strings.HasPrefix(s, "<?") {
			g.b.WriteString(s + g.pick([]string{"", "\n", "\r\n "}))
		}
	}
}

// Document returns a random document, the same for the same seed; with ids, some of its elements are target elements
// with ids t0, t1 and so on, in no namespace or in a default one.
func Document(seed uint64, ids bool) (text string, targets int) {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 17)), left: 40, nextID: -1}
	if ids {
		g.nextID = 0
	}
	if g.IntN(2) == 0 {
		g.b.WriteString("<?xml version='1.0' encoding=\"UTF-8\"?>\n")
	}
	g.prolog()
	g.element(6, false)
	g.prolog()
	return g.b.String(), max(g.nextID, 0)
}
