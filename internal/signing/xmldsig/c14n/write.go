package c14n

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
)

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

type binding struct{ prefix, uri string }

// scope is a stack of namespace bindings; the last of a prefix holds.
type scope []binding

func (s scope) lookup(prefix string) (string, bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i].prefix == prefix {
			return s[i].uri, true
		}
	}
	return "", false
}

type attribute struct {
	uri  string
	attr etree.Attr
}

type writer struct {
	method   Method
	skip     []*etree.Element
	out      []byte
	known    scope // declared in the tree at the current place
	rendered scope // declared in the output at the current place
	names    []binding
	attrs    []attribute
	problem  *record.Problem
}

func (w *writer) result() ([]byte, error) {
	if w.problem != nil {
		return nil, w.problem
	}
	return w.out, nil
}

func (w *writer) fail(code, format string, args ...any) {
	if w.problem == nil {
		w.problem = record.NewProblem(code, "", "", format, args...)
	}
}

func (w *writer) skipped(el *etree.Element) bool {
	return len(w.skip) > 0 && slices.Contains(w.skip, el)
}

// apex writes the element at the top of the output.
func (w *writer) apex(el *etree.Element) {
	w.ancestors(el.Parent())
	if w.out == nil {
		w.out = make([]byte, 0, 1024)
	}
	w.element(el, true)
}

// ancestors puts the declarations of el and of its ancestors in scope.
func (w *writer) ancestors(el *etree.Element) {
	if el == nil {
		return
	}
	w.ancestors(el.Parent())
	w.declare(el)
}

// declared returns the prefix that a declares, if it is a namespace declaration.
func declared(a *etree.Attr) (prefix string, ok bool) {
	if a.Space == "xmlns" {
		return a.Key, true
	}
	return "", a.Space == "" && a.Key == "xmlns"
}

func (w *writer) declare(el *etree.Element) {
	for i := range el.Attr {
		a := &el.Attr[i]
		if prefix, ok := declared(a); ok && prefix != "xml" {
			w.known = append(w.known, binding{prefix, a.Value})
			if relative(a.Value) {
				w.fail("c14n.relative_namespace", "a namespace name without a scheme cannot be canonicalised")
			}
		}
	}
}

// relative reports whether a namespace name has no scheme.
func relative(uri string) bool {
	if uri == "" {
		return false
	}
	for i := 0; i < len(uri); i++ {
		c := uri[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		switch {
		case uri[i] == ':' && i > 0:
			return false
		case !letter && (i == 0 || strings.IndexByte("0123456789+-.", uri[i]) < 0):
			return true
		}
	}
	return true
}

func (w *writer) element(el *etree.Element, apex bool) {
	if w.problem != nil {
		return
	}
	knownMark, renderedMark := len(w.known), len(w.rendered)
	w.declare(el)
	w.collect(el, apex)
	w.out = append(w.out, '<')
	w.qname(el.Space, el.Tag)
	w.writeNames()
	w.writeAttrs()
	w.out = append(w.out, '>')
	if len(w.out) > MaxOctets {
		w.fail("c14n.too_large", "the canonical form has more than %d bytes", MaxOctets)
	}
	for _, t := range el.Child {
		w.token(t)
	}
	w.out = append(w.out, '<', '/')
	w.qname(el.Space, el.Tag)
	w.out = append(w.out, '>')
	w.known, w.rendered = w.known[:knownMark], w.rendered[:renderedMark]
}

func (w *writer) token(t etree.Token) {
	switch t := t.(type) {
	case *etree.Element:
		if !w.skipped(t) {
			w.element(t, false)
		}
	case *etree.CharData:
		w.out = appendText(w.out, t.Data)
	case *etree.Comment:
		w.comment(t)
	case *etree.ProcInst:
		w.instruction(t)
	}
}

// beside writes a comment or processing instruction beside the root element.
func (w *writer) beside(t etree.Token, behind bool) {
	switch t := t.(type) {
	case *etree.Comment:
		if !w.method.Comments {
			return
		}
	case *etree.ProcInst:
		if t.Target == "xml" {
			return
		}
	default:
		return
	}
	if behind {
		w.out = append(w.out, '\n')
	}
	w.token(t)
	if !behind {
		w.out = append(w.out, '\n')
	}
}

func (w *writer) comment(c *etree.Comment) {
	if !w.method.Comments {
		return
	}
	w.out = append(w.out, "<!--"...)
	w.out = appendEscaped(w.out, c.Data, &markupEscapes)
	w.out = append(w.out, "-->"...)
}

func (w *writer) instruction(p *etree.ProcInst) {
	w.out = append(w.out, "<?"...)
	w.out = append(w.out, p.Target...)
	if p.Inst != "" {
		w.out = append(w.out, ' ')
		w.out = appendEscaped(w.out, p.Inst, &markupEscapes)
	}
	w.out = append(w.out, "?>"...)
}

func (w *writer) qname(prefix, local string) {
	if prefix != "" {
		w.out = append(w.out, prefix...)
		w.out = append(w.out, ':')
	}
	w.out = append(w.out, local...)
}

func (w *writer) writeNames() {
	for _, n := range w.names {
		w.out = append(w.out, " xmlns"...)
		if n.prefix != "" {
			w.out = append(w.out, ':')
			w.out = append(w.out, n.prefix...)
		}
		w.out = append(w.out, '=', '"')
		w.out = appendValue(w.out, n.uri)
		w.out = append(w.out, '"')
	}
}

func (w *writer) writeAttrs() {
	for i := range w.attrs {
		a := &w.attrs[i].attr
		w.out = append(w.out, ' ')
		w.qname(a.Space, a.Key)
		w.out = append(w.out, '=', '"')
		w.out = appendValue(w.out, a.Value)
		w.out = append(w.out, '"')
	}
}
