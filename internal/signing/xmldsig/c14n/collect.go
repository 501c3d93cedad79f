package c14n

import (
	"cmp"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// collect fills w.names and w.attrs with what the start tag of el shows, in order.
func (w *writer) collect(el *etree.Element, apex bool) {
	w.names, w.attrs = w.names[:0], w.attrs[:0]
	w.collectAttrs(el)
	if apex && !w.method.Exclusive {
		w.inherit(el)
	}
	switch {
	case w.method.Exclusive:
		w.utilised(el, apex)
	case apex:
		for _, b := range w.known {
			w.show(b.prefix)
		}
	default:
		for i := range el.Attr {
			if prefix, ok := declared(&el.Attr[i]); ok {
				w.show(prefix)
			}
		}
	}
	if el.Space != "" && el.Space != "xml" {
		w.resolve(el.Space)
	}
	if len(w.names) > 1 {
		slices.SortFunc(w.names, func(a, b binding) int { return strings.Compare(a.prefix, b.prefix) })
	}
	if len(w.attrs) > 1 {
		slices.SortFunc(w.attrs, func(a, b attribute) int {
			return cmp.Or(strings.Compare(a.uri, b.uri), strings.Compare(a.attr.Key, b.attr.Key))
		})
	}
}

func (w *writer) collectAttrs(el *etree.Element) {
	for i := range el.Attr {
		a := &el.Attr[i]
		if _, ok := declared(a); ok {
			continue
		}
		uri := ""
		if a.Space != "" {
			uri = w.resolve(a.Space)
		}
		w.attrs = append(w.attrs, attribute{uri, *a})
	}
}

// inherit adds the xml:* attributes of the apex element's ancestors.
func (w *writer) inherit(el *etree.Element) {
	for p := el.Parent(); p != nil; p = p.Parent() {
		for _, a := range p.Attr {
			if a.Space == "xml" && !w.has(a.Key) {
				w.attrs = append(w.attrs, attribute{xmlNamespace, a})
			}
		}
	}
}

// has reports whether an attribute xml:key is already among those to write.
func (w *writer) has(key string) bool {
	return slices.ContainsFunc(w.attrs, func(b attribute) bool { return b.uri == xmlNamespace && b.attr.Key == key })
}

// utilised shows the declarations that exclusive canonicalisation wants at el. What
// the PrefixList names changes only at the apex and where it is declared.
func (w *writer) utilised(el *etree.Element, apex bool) {
	w.show(el.Space)
	for i := range w.attrs {
		if p := w.attrs[i].attr.Space; p != "" {
			w.show(p)
		}
	}
	if apex {
		for _, p := range w.method.Prefixes {
			w.show(p)
		}
		return
	}
	for i := range el.Attr {
		if p, ok := declared(&el.Attr[i]); ok && slices.Contains(w.method.Prefixes, p) {
			w.show(p)
		}
	}
}

// show puts the declaration of prefix among those to write, unless the output says
// the same at this place already.
func (w *writer) show(prefix string) {
	if prefix == "xml" {
		return
	}
	uri, _ := w.known.lookup(prefix)
	if now, _ := w.rendered.lookup(prefix); now == uri {
		return
	}
	w.names = append(w.names, binding{prefix, uri})
	w.rendered = append(w.rendered, binding{prefix, uri})
}

func (w *writer) resolve(prefix string) string {
	if prefix == "xml" {
		return xmlNamespace
	}
	uri, ok := w.known.lookup(prefix)
	if !ok || uri == "" {
		w.fail("c14n.undeclared_prefix", "a prefix is not declared")
	}
	return uri
}
