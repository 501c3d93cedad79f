package records

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/schemas"
)

// TestRecords reads documents with one Records; what is compared lies where a record has its members, and nowhere else.
func TestRecords(t *testing.T) {
	r := New("pupils", []string{"iin", "code"})
	for _, c := range []struct {
		doc     string
		count   int
		repeats []Repeat
	}{
		{`{"pupils":[{"iin":"1","code":5},{"iin":"2","code":5},{"code":"5","iin":"1"}]}`, 3, []Repeat{{1, 0, 1}, {2, 0, 1}, {2, 0, 0}}},
		{`{"pupils":[{"iin":"1"},{"iin":"2"}]}`, 2, nil},
		{`{"iin":"1","header":{"pupils":[{"iin":"1"}],"iin":"1"},"pupils":[{"iin":"1","more":{"iin":"1"},"list":["1",{"iin":"1"}]},{"name":"1"}]}`, 2, nil},
		{`{"pupils":[{"iin":["1"]},{"iin":{"iin":"1"}},{"iin":null},{"iin":null},{"iin":true},{"iin":true},"1",[],7]}`, 9, nil},
		{`{"pupils":{"iin":"1"},"more":[{"iin":"1"},{"iin":"1"}]}`, 0, nil},
		{`[{"iin":"1"},{"iin":"1"}]`, 0, nil},
		{`{"pupils":[{"iin":"","a":1},{"a":1,"iin":""}],"after":[{"iin":""}]}`, 2, []Repeat{{1, 0, 0}}},
		{`{"pupils":[]}`, 0, nil}, {`"pupils"`, 0, nil},
	} {
		r.Begin()
		if err := schemas.Scan([]byte(c.doc), r); err != nil {
			t.Fatal(err)
		}
		if r.Count() != c.count || !slices.Equal(r.Repeats(), c.repeats) {
			t.Errorf("%s: %d %v, want %d %v", c.doc, r.Count(), r.Repeats(), c.count, c.repeats)
		}
	}
}

// TestFirsts compares with a map, over several documents.
func TestFirsts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f firsts
		for range 3 {
			f.reset()
			known := map[string]int{}
			many := rapid.IntRange(1, 400).Draw(t, "different")
			for i := range rapid.IntRange(0, 400).Draw(t, "values") {
				v := fmt.Sprint((i * 7919) % many)
				if many%7 == 0 {
					v = v[:len(v)-1]
				}
				want, again := known[v]
				if !again {
					known[v], want = i, i
				}
				if got, found := f.first([]byte(v), i); got != want || found != again {
					t.Fatalf("%q: %d %v, want %d %v", v, got, found, want, again)
				}
			}
		}
	})
}
