package xsd

import (
	"fmt"
	"slices"
	"strings"

	"birgeoqy.kz/almasu/schemas/xsd/grammar"
	"birgeoqy.kz/almasu/schemas/xsd/simple"
)

// Samples makes n documents for each global element, valid as far as a text can be found for each simple type.
func (s *Schema) Samples(intn func(int) int, n int) []string {
	var names []grammar.QName
	for q := range s.grammar.Elements {
		names = append(names, q)
	}
	slices.SortFunc(names, func(a, b grammar.QName) int { return strings.Compare(a.Space+" "+a.Local, b.Space+" "+b.Local) })
	var list []string
	for _, q := range names[:min(len(names), 12)] {
		for range n {
			m := &sampler{intn: intn}
			m.element(s.grammar.Elements[q], 0)
			list = append(list, m.String())
		}
	}
	return list
}

type sampler struct {
	strings.Builder
	intn func(int) int
}

func (m *sampler) element(e *grammar.Element, depth int) {
	fmt.Fprintf(m, `<p%d:%s xmlns:p%d="%s" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`, depth, e.Name.Local, depth, e.Name.Space)
	if e.Name.Space == "" {
		text := m.String()
		m.Reset()
		m.WriteString(strings.TrimSuffix(text, fmt.Sprintf(`<p%d:%s xmlns:p%d="" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`, depth, e.Name.Local, depth)))
		m.WriteString("<" + e.Name.Local)
	}
	for _, a := range e.Type.Attributes {
		if a.Required || m.intn(2) == 0 {
			fmt.Fprintf(m, ` %s="%s"`, a.Name.Local, sampleOf(a.Type, m.intn))
		}
	}
	m.WriteString(">")
	switch t := e.Type; {
	case t.Simple != nil:
		m.WriteString(sampleOf(t.Simple, m.intn))
	case t.Model != nil && t.Model.All != nil:
		for _, p := range t.Model.All {
			m.element(p.Element, depth+1)
		}
	case t.Model != nil:
		m.walk(t.Model, depth)
	}
	if e.Name.Space == "" {
		m.WriteString("</" + e.Name.Local + ">")
		return
	}
	fmt.Fprintf(m, "</p%d:%s>", depth, e.Name.Local)
}

// walk goes through an automaton until it may end.
func (m *sampler) walk(model *grammar.Model, depth int) {
	at := 0
	for range 60 {
		s := &model.States[at]
		if len(s.Edges) == 0 || s.Accept && (m.intn(4) == 0 || depth > 8 || m.Len() > 20000) {
			return
		}
		e := &s.Edges[m.intn(len(s.Edges))]
		if e.Element != nil {
			m.element(e.Element, depth+1)
		} else {
			m.WriteString("<anything/>")
		}
		at = e.To
	}
}

// sampleTexts are tried for every simple type.
var sampleTexts = []string{"text", "12", "1", "true", "2026-11-22T10:00:00", "2026-11-22", "123456789012", "0a0b0c0d-0000-4000-8000-0123456789ab", "{0a0b0c0d-0000-4000-8000-0123456789ab}", "10:00:00", "1.5", "QUJD", "http://example.kz/", "x", "0", ""}

func sampleOf(t *simple.Type, intn func(int) int) string {
	var fits []string
	for _, text := range append(t.Enumeration(), sampleTexts...) {
		if t.Check([]byte(text), &simple.Scratch{}) == "" {
			fits = append(fits, text)
		}
	}
	if len(fits) == 0 {
		return "text"
	}
	return fits[intn(min(len(fits), 4))]
}
