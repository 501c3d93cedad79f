package aggregate_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/legal/aggregate"
	"birgeoqy.kz/almasu/internal/record"
)

func table(t rapid.TB, k int, counts [][]int) *aggregate.Output {
	tab, err := aggregate.New(k)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range counts {
		for j, n := range row {
			for range n {
				tab.Add(fmt.Sprintf("r%02d", i), fmt.Sprintf("c%02d", j), false)
			}
		}
	}
	return tab.Publish()
}

func TestSmallCellsAndWhatTellsThem(t *testing.T) {
	out := table(t, 10, [][]int{{50, 3, 20}, {40, 30, 60}, {70, 80, 90}})
	if !out.Cells[0][1].Hidden || !out.Cells[0][2].Hidden || !out.Cells[1][1].Hidden {
		t.Errorf("the small cell or its complements are published: %+v", out.Cells)
	}
	if out.Total.Count != 443 || out.RowTotals[0].Count != 73 {
		t.Errorf("totals %+v, %+v", out.RowTotals, out.Total)
	}
}

func TestBlockedPeopleAreInNoNumber(t *testing.T) {
	tab, err := aggregate.New(10)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		tab.Add("r", "c", i < 5)
	}
	if out := tab.Publish(); out.Total.Count != 25 || out.Cells[0][0].Count != 25 {
		t.Errorf("published %+v", out)
	}
}

func TestNothingIsPublishedOfFewPeople(t *testing.T) {
	out := table(t, 10, [][]int{{4, 3}})
	if !out.Total.Hidden || !out.Cells[0][0].Hidden || !out.Cells[0][1].Hidden || !out.RowTotals[0].Hidden {
		t.Errorf("published %+v", out)
	}
	if out := table(t, 10, nil); out.Total.Count != 0 || len(out.Rows) != 0 {
		t.Errorf("an empty table gives %+v", out)
	}
}

func TestGroupSizeHasALeast(t *testing.T) {
	if _, err := aggregate.New(2); record.CodeOf(err) != "aggregate.group_size" {
		t.Errorf("error %v", err)
	}
}

// TestHiddenCannotBeComputed attacks the output as a reader would: it fills in every hidden number that a row or a column tells, again and
// again, and asks that nothing is ever told, and that no set of hidden parts of a line is told to be small.
func TestHiddenCannotBeComputed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(3, 12).Draw(t, "k")
		rows, columns := rapid.IntRange(1, 5).Draw(t, "rows"), rapid.IntRange(1, 5).Draw(t, "columns")
		counts := make([][]int, rows)
		for i := range counts {
			counts[i] = rapid.SliceOfN(rapid.IntRange(0, 30), columns, columns).Draw(t, "row")
		}
		out := table(t, k, counts)
		if len(out.Rows) == 0 {
			return
		}
		lines := linesOf(out)
		for _, line := range lines {
			hidden, told := 0, line[len(line)-1].Count
			for _, c := range line {
				switch {
				case c.Hidden:
					hidden++
				case c.Count > 0 && c.Count < k:
					t.Fatalf("%d people are published as a group", c.Count)
				}
			}
			if hidden == 1 {
				t.Fatalf("a hidden number is the difference of a line: %+v", out)
			}
			if hidden == 0 || line[len(line)-1].Hidden {
				continue
			}
			for _, c := range line[:len(line)-1] {
				told -= c.Count
			}
			if told < k {
				t.Fatalf("the hidden parts of a line are told to be %d people: %+v", told, out)
			}
		}
	})
}

func linesOf(out *aggregate.Output) [][]aggregate.Cell {
	var lines [][]aggregate.Cell
	for i, row := range out.Cells {
		lines = append(lines, append(append([]aggregate.Cell{}, row...), out.RowTotals[i]))
	}
	for j := range out.Columns {
		var line []aggregate.Cell
		for i := range out.Rows {
			line = append(line, out.Cells[i][j])
		}
		lines = append(lines, append(line, out.ColumnTotals[j]))
	}
	lines = append(lines, append(append([]aggregate.Cell{}, out.RowTotals...), out.Total))
	return append(lines, append(append([]aggregate.Cell{}, out.ColumnTotals...), out.Total))
}
