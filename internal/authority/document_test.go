package authority

import (
	"testing"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/schemas"
)

func testJudge(t testing.TB) *judge {
	s, err := schemas.Compile([]byte(testSchema))
	if err != nil {
		t.Fatal(err)
	}
	return newJudge(s, nil, []string{"iin", "name"})
}

// TestJudge compares the outcomes of generated documents with what was put into them.
func TestJudge(t *testing.T) {
	j := testJudge(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 30).Draw(t, "records")
		bad, want := map[int]string{}, map[int]string{}
		first := map[string]bool{}
		for i := range n {
			iin := "00000000000" + rapid.StringMatching(`[0-9]`).Draw(t, "iin")
			name := string(rune('а'+i)) + "x"
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				bad[i], want[i] = `{"iin":"`+iin+`"}`, "schema.required"
			case 1:
				bad[i], want[i] = `{"name":"`+name+`","iin":"`+iin+`","phone":7}`, "schema.type"
			case 2:
				bad[i], want[i] = `[{"iin":"`+iin+`"}]`, "schema.type"
				continue
			default:
				bad[i] = `{"phone":"` + iin + `","name":"` + name + `","iin":"` + iin + `"}`
			}
			if first[iin] && want[i] == "" {
				want[i] = "record.duplicate"
			}
			first[iin] = true
		}
		v := j.judge(document(n, bad), n)
		if v.refused != nil || len(v.outcomes) != len(want) || v.accepted() != n-len(want) {
			t.Fatalf("%+v, want %v", v, want)
		}
		last := -1
		for _, o := range v.outcomes {
			if o.Index <= last || o.Status != signing.StatusRejected || o.Code != want[o.Index] {
				t.Fatalf("%+v, want %v", v.outcomes, want)
			}
			last = o.Index
		}
		if again := j.judge(document(n+1, nil), n); again.refused == nil || again.refused.Code != "message.records" || again.accepted() != 0 {
			t.Fatalf("another number of records: %+v", again)
		}
	})
}

func FuzzJudge(f *testing.F) {
	j := testJudge(f)
	f.Add(document(2, nil), 2)
	f.Add([]byte(`{"pupils":[[],{"iin":{"iin":"1"}},7],"header":{"pupils":[1]},"pupils":[]}`), 3)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 0 || n > 1000 {
			return
		}
		v := j.judge(b, n)
		if v.refused == nil && (v.records != n || len(v.outcomes) > n || v.accepted() < 0) {
			t.Fatalf("%+v", v)
		}
	})
}
