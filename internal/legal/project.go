package legal

import (
	"math"
	"slices"

	"birgeoqy.kz/almasu/internal/record"
)

// maxSituations bounds the table; what is beyond it is refused.
const maxSituations = math.MaxUint16

// Project decides about each person of b, whose columns must be [Gate.Fields], and fills out, which it reuses. It allocates
// nothing per person. Terms that were once seen must not change. A batch with other columns is refused person by person, and on a route of statistics
// nobody is cleared (PUR-2; see [Gate.Tally]). It is safe for concurrent use with different out.
func (g *Gate) Project(b *record.Batch, out *Cleared) {
	out.batch = b
	out.rows, out.refused = out.rows[:0], out.refused[:0]
	g.each(b, func(i int, p *record.Person, id uint16) {
		if mask := g.entries[id].mask; mask != 0 && g.groups == nil {
			out.rows = append(out.rows, clearedRow{mask: mask, ordinal: p.Ordinal, row: int32(i), situation: id})
		} else {
			out.refused = append(out.refused, RefusedRow{Row: int32(i), Situation: id})
		}
	})
}

// each situates the people of a batch, one after another, and calls f with the id of each one's situation.
func (g *Gate) each(b *record.Batch, f func(i int, p *record.Person, situation uint16)) {
	columns := slices.Equal(b.Fields(), g.fields)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.situations == nil { // the zero Gate, which permits nothing
		g.situations = make(map[Situation]uint16)
	}
	var before []byte
	for i := range b.Len() {
		p := b.Person(i)
		s := g.situate(p, b.Consents(i), before, columns)
		if q := g.request; q != nil && len(q.Territory)+len(q.Filter) > 0 {
			s.requested = columns && g.asksFor(p, func(field int) ([]byte, bool) { return b.Value(i, field) })
		}
		id := g.situation(s)
		before = p.Key
		f(i, p, id)
	}
}

// situation finds or decides a situation. The last id of a full table is that of the zero Situation, which is refused.
func (g *Gate) situation(s Situation) uint16 {
	if id, ok := g.situations[s]; ok {
		return id
	}
	if len(g.entries) >= maxSituations {
		if id, ok := g.situations[Situation{}]; ok {
			return id
		}
		s = Situation{}
	}
	d := g.decide(s)
	id := uint16(len(g.entries))
	g.entries = append(g.entries, entry{situation: s, mask: d.mask, rule: d.rule, why: d.why})
	g.situations[s] = id
	g.table = nil
	return id
}
