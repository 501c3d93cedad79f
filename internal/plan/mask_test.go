package plan

import (
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestMaskShowsShapes(t *testing.T) {
	for v, want := range map[string]string{
		"870101300123": "999999999999", "+77011234567": "+99999999999", "Әлия Қасымова-Ким": "Xxxx Xxxxxxxx-Xxx", "ж.б. 12/3": "x.x. 99/9", "": "", "a\x00b": "x?x", "й": "x", "٣": "9",
	} {
		if got := Mask(v); got != want {
			t.Errorf("%q gives %q", v, got)
		}
	}
}

// TestMaskKeepsNothing: no letter and no digit gets through as it is, unless it is the stand-in itself.
func TestMaskKeepsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := []rune(rapid.String().Draw(t, "value"))
		out := []rune(Mask(string(in)))
		if len(in) != len(out) {
			t.Fatalf("%d runes became %d", len(in), len(out))
		}
		for i, r := range out {
			if (unicode.IsLetter(r) || unicode.IsNumber(r)) && r != 'x' && r != 'X' && r != '9' {
				t.Fatalf("rune %d of %d got through", i, len(in))
			}
		}
	})
}
