// Package aggregate makes the only output that statistics, research and monitoring may get (rule PUR-2): counts of people in groups, from which
// nobody can be told apart.
//
// A table has rows and columns of groups and a count in each cell, with totals of rows, of columns and of everything. Guarantees, for a least group size k:
//
//   - A blocked person is in no cell and in no total (BLK-3).
//   - No published number, cell or total, stands for 1 to k-1 people.
//   - A hidden cell cannot be computed from what is published: in each row and in each column, where one cell is hidden and the total is
//     published, another is hidden with it (complementary suppression), and the hidden cells of a row or column have together at least k people, so
//     that the difference to the total tells no small number either. What is hidden is hidden as a whole: no bounds are published.
//
// With two hidden numbers in every line that has one, each hidden number lies on a closed path of hidden numbers and can be moved along it without
// changing what is published: sums alone do not tell it. Bounds from knowledge outside the table are not considered.
//
// Where no such choice exists, a total is hidden too, the grand total last. Zero is published: it says that there is nobody.
package aggregate

import (
	"slices"
	"strings"

	"birgeoqy.kz/almasu/internal/record"
)

// MinGroup is the least group size that [New] accepts.
const MinGroup = 3

// Table counts people by row and column. It keeps counts only.
type Table struct {
	k      int
	counts map[[2]string]int
}

// New returns an empty table with the least group size k; the error has the code aggregate.group_size.
func New(k int) (*Table, error) {
	if k < MinGroup {
		return nil, record.NewProblem("aggregate.group_size", "", "10 is the cautious value", "a group of %d people is not depersonalised", k)
	}
	return &Table{k: k, counts: make(map[[2]string]int)}, nil
}

// Add counts one person, unless blocked. Row and column are groups, e.g. an oblast and a month: never an identifier.
func (t *Table) Add(row, column string, blocked bool) {
	if !blocked {
		t.counts[[2]string{row, column}]++
	}
}

// Cell is a published number, or a hidden one.
type Cell struct {
	Count  int  `json:"count,omitempty"`
	Hidden bool `json:"hidden,omitempty"`
}

// Output is what may be published.
type Output struct {
	K            int      `json:"k"`
	Rows         []string `json:"rows"`
	Columns      []string `json:"columns"`
	Cells        [][]Cell `json:"cells"`
	RowTotals    []Cell   `json:"row_totals"`
	ColumnTotals []Cell   `json:"column_totals"`
	Total        Cell     `json:"total"`
}

// Publish suppresses what is too small, and what would tell it.
func (t *Table) Publish() *Output {
	g := t.grid()
	g.suppress()
	out := &Output{K: t.k, Rows: g.rows, Columns: g.columns}
	for i := range g.rows {
		line := make([]Cell, len(g.columns))
		for j := range g.columns {
			line[j] = g.cell(i, j)
		}
		out.Cells = append(out.Cells, line)
		out.RowTotals = append(out.RowTotals, g.cell(i, len(g.columns)))
	}
	for j := range g.columns {
		out.ColumnTotals = append(out.ColumnTotals, g.cell(len(g.rows), j))
	}
	out.Total = g.cell(len(g.rows), len(g.columns))
	return out
}

// grid holds the cells, the totals of rows in one more column, those of columns in one more row, and the grand total in the corner. Every
// line, along a row or a column, is then a list of numbers of which the last is the sum of the others.
type grid struct {
	k             int
	rows, columns []string
	n             [][]int
	hidden        [][]bool
}

func (t *Table) grid() *grid {
	g := &grid{k: t.k, rows: []string{}, columns: []string{}}
	for key := range t.counts {
		g.rows, g.columns = append(g.rows, key[0]), append(g.columns, key[1])
	}
	slices.SortFunc(g.rows, strings.Compare)
	slices.SortFunc(g.columns, strings.Compare)
	g.rows, g.columns = slices.Compact(g.rows), slices.Compact(g.columns)
	for range len(g.rows) + 1 {
		g.n = append(g.n, make([]int, len(g.columns)+1))
		g.hidden = append(g.hidden, make([]bool, len(g.columns)+1))
	}
	for i, row := range g.rows {
		for j, column := range g.columns {
			n := t.counts[[2]string{row, column}]
			g.n[i][j] = n
			g.n[i][len(g.columns)] += n
			g.n[len(g.rows)][j] += n
			g.n[len(g.rows)][len(g.columns)] += n
		}
	}
	return g
}

func (g *grid) cell(i, j int) Cell {
	if g.hidden[i][j] {
		return Cell{Hidden: true}
	}
	return Cell{Count: g.n[i][j]}
}

// place is a number of the grid.
type place struct{ i, j int }

func (g *grid) suppress() {
	for i := range g.n {
		for j, n := range g.n[i] {
			g.hidden[i][j] = n > 0 && n < g.k
		}
	}
	for changed := true; changed; {
		changed = false
		for i := range g.n {
			line := make([]place, len(g.n[i]))
			for j := range line {
				line[j] = place{i, j}
			}
			changed = g.complement(line) || changed
		}
		for j := range g.n[0] {
			line := make([]place, len(g.n))
			for i := range line {
				line[i] = place{i, j}
			}
			changed = g.complement(line) || changed
		}
	}
}

// complement hides more of a line until what is hidden cannot be computed: nothing, or at least two numbers, of which the parts have together
// at least k people if the sum is published, and the sum exceeds the published parts by at least k if it is hidden itself.
func (g *grid) complement(line []place) bool {
	changed := false
	for {
		hidden, people := 0, 0
		sum := line[len(line)-1]
		for _, p := range line[:len(line)-1] {
			if g.hidden[p.i][p.j] {
				hidden++
				people += g.n[p.i][p.j]
			}
		}
		sumHidden := g.hidden[sum.i][sum.j]
		switch {
		case hidden == 0 && !sumHidden:
			return changed
		case hidden+btoi(sumHidden) >= 2 && people >= g.k:
			return changed
		}
		next, found := g.smallest(line)
		if !found {
			return changed
		}
		g.hidden[next.i][next.j] = true
		changed = true
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// smallest finds the published number of the line that is cheapest to hide: the least part that is not zero, then a zero, then the sum.
func (g *grid) smallest(line []place) (place, bool) {
	var best place
	found := false
	for _, p := range line[:len(line)-1] {
		n := g.n[p.i][p.j]
		if !g.hidden[p.i][p.j] && n > 0 && (!found || n < g.n[best.i][best.j]) {
			best, found = p, true
		}
	}
	if found {
		return best, true
	}
	for _, p := range slices.Backward(line) {
		if !g.hidden[p.i][p.j] {
			return p, true
		}
	}
	return best, false
}
