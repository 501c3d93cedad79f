package grammar

import (
	"encoding/binary"
	"slices"
)

// Model is a content model as a deterministic automaton, or as the set of all.
type Model struct {
	States   []State // the first is the start
	All      []*Particle
	Edges    []Edge // of all: one for each of its elements
	Optional bool   // of all: no element at all is allowed, too
}

// State says what may come next.
type State struct {
	Edges  []Edge
	Accept bool
	// counted says that the element just read is counted: it occurs low to high times, one after another.
	Counted   bool
	Low, High int
}

// Edge leads to a state by an element or by what a wildcard allows.
type Edge struct {
	Element  *Element
	Wildcard *Wildcard
	To       int
}

// Takes reports whether the edge is for an element of this name.
func (e *Edge) Takes(space string, local []byte) bool {
	if e.Element != nil {
		return e.Element.Name.Local == string(local) && e.Element.Name.Space == space
	}
	return e.Wildcard.Allows(space)
}

// Bounds of an automaton. A single element that occurs more often than maxCopies is counted.
const (
	maxCopies    = 32
	maxPositions = 4000
	maxStates    = 4000
	maxLinks     = 200_000
	maxTerms     = 100_000   // terms written out in one model
	maxAllLinks  = 2_000_000 // links of all models of a schema
)

type badModel struct {
	code, message string
	at            *Particle
}

// position is one occurrence of an element or wildcard in the written-out model.
type position struct {
	p         *Particle
	follow    []int
	counted   bool
	low, high int
}

// part is what a term contributes: the positions that can begin and end it, and whether it can be empty.
type part struct {
	empty       bool
	first, last []int
}

type modeller struct {
	positions []position
	linked    map[[2]int]bool
	terms     int
	budget    *int // of links, of all models together
	bad       *badModel
}

// compileModel makes the automaton of Glushkov and the subset construction; a model that leaves open which particle an element belongs to is refused
// (3.8.6, Unique Particle Attribution).
func compileModel(p *Particle, budget *int) (*Model, *badModel) {
	if p.Kind == All {
		return allModel(p)
	}
	g := &modeller{linked: map[[2]int]bool{}, budget: budget}
	whole := g.repeat(p)
	if g.bad != nil {
		return nil, g.bad
	}
	return g.automaton(whole)
}

func allModel(p *Particle) (*Model, *badModel) {
	for i, k := range p.Kids {
		for _, o := range p.Kids[:i] {
			if o.Element.Name == k.Element.Name {
				return nil, &badModel{"xsd.ambiguous", "all has the element " + k.Element.Name.Local + " twice", k}
			}
		}
	}
	m := &Model{All: p.Kids, Optional: p.Min == 0}
	for _, k := range p.Kids {
		m.Edges = append(m.Edges, Edge{Element: k.Element})
	}
	return m, nil
}

// repeat writes out how often a term occurs.
func (g *modeller) repeat(p *Particle) part {
	switch {
	case g.bad != nil || p.Max == 0:
		return part{empty: true}
	case (p.Kind == ElementParticle || p.Kind == AnyParticle) && (p.Max > maxCopies || p.Max == Unbounded && p.Min > 1):
		i := g.place(p)
		g.positions[i].counted, g.positions[i].low, g.positions[i].high = true, max(p.Min, 1), p.Max
		g.positions[i].follow = []int{i}
		return part{p.Min == 0, []int{i}, []int{i}}
	}
	if p.Min > maxPositions || p.Max > maxPositions {
		g.bad = &badModel{"xsd.too_large", "the content model is too large", p}
		return part{empty: true}
	}
	out := part{empty: true}
	for n := range p.Min {
		one := g.term(p)
		if p.Max == Unbounded && n == p.Min-1 {
			g.link(one.last, one.first)
		}
		out = g.join(out, one)
	}
	switch {
	case p.Max == Unbounded && p.Min == 0:
		one := g.term(p)
		g.link(one.last, one.first)
		one.empty = true
		out = g.join(out, one)
	case p.Max != Unbounded:
		var tail part
		tail.empty = true
		for range p.Max - p.Min {
			tail = g.join(g.term(p), tail)
			tail.empty = true
		}
		out = g.join(out, tail)
	}
	return out
}

func (g *modeller) place(p *Particle) int {
	if len(g.positions) >= maxPositions {
		g.bad = &badModel{"xsd.too_large", "the content model is too large", p}
		return 0
	}
	g.positions = append(g.positions, position{p: p})
	return len(g.positions) - 1
}

// term is one occurrence.
func (g *modeller) term(p *Particle) part {
	if g.terms++; g.terms > maxTerms {
		g.bad = &badModel{"xsd.too_large", "the content model is too large", p}
	}
	if g.bad != nil {
		return part{empty: true}
	}
	switch p.Kind {
	case ElementParticle, AnyParticle:
		i := g.place(p)
		return part{false, []int{i}, []int{i}}
	case Choice:
		out := part{empty: false}
		for _, k := range p.Kids {
			one := g.repeat(k)
			out.first, out.last, out.empty = append(out.first, one.first...), append(out.last, one.last...), out.empty || one.empty
		}
		return out
	}
	out := part{empty: true}
	for _, k := range p.Kids {
		out = g.join(out, g.repeat(k))
	}
	return out
}

// join puts b behind a.
func (g *modeller) join(a, b part) part {
	g.link(a.last, b.first)
	out := part{empty: a.empty && b.empty, first: a.first, last: b.last}
	if a.empty {
		out.first = append(slices.Clone(a.first), b.first...)
	}
	if b.empty {
		out.last = append(slices.Clone(b.last), a.last...)
	}
	return out
}

func (g *modeller) link(from, to []int) {
	for _, i := range from {
		for _, k := range to {
			if p := &g.positions[i]; i == k && p.low <= 1 {
				p.counted = false // an outer repetition begins to count anew wherever it likes
			} else if i == k && p.counted && p.high != Unbounded {
				g.bad = &badModel{"xsd.ambiguous", "a repetition of a repeated element leaves open how to count", p.p}
			}
			switch {
			case g.bad != nil:
				return
			case g.linked[[2]int{i, k}]:
				continue
			case len(g.linked) == maxLinks || *g.budget == 0:
				g.bad = &badModel{"xsd.too_large", "the content model is too large", g.positions[i].p}
				return
			}
			*g.budget--
			g.linked[[2]int{i, k}] = true
			g.positions[i].follow = append(g.positions[i].follow, k)
		}
	}
}

// automaton makes states of sets of positions.
func (g *modeller) automaton(whole part) (*Model, *badModel) {
	m := &Model{States: []State{{Accept: whole.empty}}}
	sets := [][]int{nil}
	ids := map[string]int{}
	for at := 0; at < len(sets); at++ {
		next := slices.Clone(whole.first)
		if at > 0 {
			next = nil
			for _, i := range sets[at] {
				next = append(next, g.positions[i].follow...)
			}
		}
		slices.Sort(next)
		next = slices.Compact(next)
		groups, bad := g.byParticle(next)
		if bad != nil {
			return nil, bad
		}
		for _, set := range groups {
			id, known := ids[key(set)]
			if !known {
				id = len(sets)
				ids[key(set)] = id
				sets = append(sets, set)
				m.States = append(m.States, g.state(set, whole))
			}
			if len(sets) > maxStates {
				return nil, &badModel{"xsd.too_large", "the content model has too many states", g.positions[set[0]].p}
			}
			p := g.positions[set[0]].p
			m.States[at].Edges = append(m.States[at].Edges, Edge{p.Element, p.Wildcard, id})
		}
	}
	return m, nil
}

func (g *modeller) state(set []int, whole part) State {
	s := State{}
	for _, i := range set {
		s.Accept = s.Accept || slices.Contains(whole.last, i)
		if g.positions[i].counted {
			s.Counted, s.Low, s.High = true, g.positions[i].low, g.positions[i].high
		}
	}
	return s
}

func key(set []int) string {
	var k []byte
	for _, i := range set {
		k = binary.AppendUvarint(k, uint64(i))
	}
	return string(k)
}

// byParticle groups positions that one element can stand at; they must all be of one particle.
func (g *modeller) byParticle(next []int) ([][]int, *badModel) {
	var groups [][]int
	for _, i := range next {
		p, at := g.positions[i].p, -1
		for k, set := range groups {
			switch other := g.positions[set[0]].p; {
			case other == p:
				at = k
			case clash(other, p):
				return nil, &badModel{"xsd.ambiguous", "the content model leaves open which particle an element belongs to", p}
			}
		}
		if at < 0 {
			groups = append(groups, []int{i})
			continue
		}
		groups[at] = append(groups[at], i)
		for _, k := range groups[at] {
			if g.positions[k].counted {
				return nil, &badModel{"xsd.ambiguous", "a repetition of a repeated element leaves open how to count", p}
			}
		}
	}
	return groups, nil
}

// clash reports whether one element can match two particles.
func clash(a, b *Particle) bool {
	switch {
	case a.Kind == ElementParticle && b.Kind == ElementParticle:
		return a.Element.Name == b.Element.Name
	case a.Kind == ElementParticle:
		return b.Wildcard.Allows(a.Element.Name.Space)
	case b.Kind == ElementParticle:
		return a.Wildcard.Allows(b.Element.Name.Space)
	}
	return a.Wildcard.overlaps(b.Wildcard)
}
