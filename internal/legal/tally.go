package legal

import (
	"strconv"

	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/legal/aggregate"
	"birgeoqy.kz/almasu/internal/record"
)

// Columns are what a [Depersonalised] has in place of fields: the group, a KATO code, "unknown" or "total"; how many people, absent if hidden;
// and "true" if hidden, else "false".
var Columns = []string{"group", "people", "hidden"}

// The groups that are no places.
const (
	groupUnknown = "unknown"
	groupTotal   = "total"
)

// counted is the mask of a person who is counted on a route of statistics. It stands for no field.
const counted uint64 = 1

// grouping says how people are counted: by a field of policy 3.2.5, and how many people a group has at least.
type grouping struct {
	By    string `json:"by"`
	Least int    `json:"least"`
}

// Counts says whether the gate is of a route of statistics: nobody is cleared on it, and [Gate.Tally] counts.
func (g *Gate) Counts() bool { return g.groups != nil }

// Columns are what a message of the run has as columns: the gate's fields, or on a route of statistics [Columns].
func (g *Gate) Columns() []string {
	if g.groups != nil {
		return Columns
	}
	return g.fields
}

// Tally counts the people of a run of a route of statistics (PUR-2). It is made by [Gate.Tally] only, and is used by one goroutine.
type Tally struct {
	gate   *Gate
	table  *aggregate.Table
	groups map[string]string // by place
}

// Tally begins a count; the error has the code legal.no_aggregate on any other route.
func (g *Gate) Tally() (*Tally, error) {
	if g.groups == nil {
		return nil, record.NewProblem("legal.no_aggregate", "", "", "this route does not count people")
	}
	table, err := aggregate.New(g.groups.Least)
	if err != nil {
		return nil, err
	}
	return &Tally{gate: g, table: table, groups: make(map[string]string)}, nil
}

// Count decides about each person of b, whose columns must be [Gate.Fields], none, and counts those who may be counted: nobody who is blocked, unknown or
// erased, and for a local body nobody from elsewhere. It tells each of everybody, in order.
func (t *Tally) Count(b *record.Batch, each func(row int, situation uint16, counted bool)) {
	g := t.gate
	g.each(b, func(i int, p *record.Person, id uint16) {
		in := g.entries[id].mask == counted
		if in {
			t.table.Add(t.group(p.Place), groupTotal, false)
		}
		each(i, id, in)
	})
}

// digits is how long the part of a KATO code is that states its oblast, its district, its settlement.
var digits = map[string]int{"region": 2, "district": 4, "settlement": 9}

// group is the place that a person is counted under: the code of the level asked for, a less exact one if no more is known, and "unknown" for what is no
// code of the classifier, so that nothing that somebody has typed becomes the name of a group.
func (t *Tally) group(place []byte) string {
	if known, ok := t.groups[string(place)]; ok {
		return known
	}
	group := groupUnknown
	if kz.LevelOf(place) != kz.LevelNone {
		for _, n := range [...]int{9, 4, 2} {
			code := string(place[:n]) + "000000000"[n:]
			if _, known := kz.KATO().Lookup(code); known && n <= digits[t.gate.groups.By] {
				group = code
				break
			}
		}
	}
	t.groups[string(place)] = group
	return group
}

// Publish suppresses what is too small and what would tell it, and returns what may leave.
func (t *Tally) Publish() *Depersonalised {
	out := t.table.Publish()
	d := &Depersonalised{rows: make([][3]string, 0, len(out.Rows)+1)}
	add := func(group string, c aggregate.Cell) {
		row := [3]string{group, strconv.Itoa(c.Count), strconv.FormatBool(c.Hidden)}
		if c.Hidden {
			row[1] = ""
		}
		d.rows = append(d.rows, row)
	}
	for i, group := range out.Rows {
		add(group, out.RowTotals[i])
	}
	add(groupTotal, out.Total)
	return d
}

// Depersonalised is a table of counts from which nobody can be told apart. Only [Tally.Publish] makes one with rows; the last row is the total.
type Depersonalised struct{ rows [][3]string }

// Len is the number of rows.
func (d *Depersonalised) Len() int { return len(d.rows) }

// Value is a value of a row, by its place in [Columns]; ok is false if it is hidden.
func (d *Depersonalised) Value(i, column int) (v []byte, ok bool) {
	s := d.rows[i][column]
	return []byte(s), s != ""
}
